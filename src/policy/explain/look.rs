//! From the tree of a decision to what is worth saying of it.

use super::case::{Case, Leaf, Tested};
use super::causes::{self, CAUSES, Reason};
use super::fix::Draft;
use super::gate::{self, Gate, Seen};
use super::statements;
use super::{Decision, Explanation, Failed, Fix, Known, StatementRef};
use crate::policy::caller::{ASSUME, Caller, SET_SOURCE_IDENTITY, TAG};
use crate::policy::document::{Effect, PrincipalKind, Statement, TrustPolicy};
use crate::policy::evaluate::{self, ActionDecision, StatementDecision, Verdict, decide};
use crate::policy::issuer::Kind;
use crate::policy::json;
use crate::policy::truth::Truth;

/// How often a statement is changed at most until it admits the caller.
const MOST_ROUNDS: usize = 6;

pub(super) fn look(policy: &TrustPolicy, caller: &Caller, role_arn: Option<&str>, known: &Known<'_>) -> Explanation {
    let decision = decide(policy, caller);
    let kind = Kind::of(&caller.issuer);
    let mut case = Case { policy, caller, known, kind, action: ASSUME, statement: None };

    let mut gates = gate::before_policy(caller, role_arn, known);
    let provider_failed = !known.reached_policy && names_another_provider(policy, &decision);
    if provider_failed && let Some(place) = gates.iter().position(|(gate, _)| *gate == Gate::Provider) {
        gates.truncate(place);
        gates.push((Gate::Provider, Seen::Failed));
    }
    if let Some((gate, Seen::Failed)) = gates.last().copied()
        && gate != Gate::Provider
    {
        return say(&case, Decision::Deny, Some(gate), &[Leaf::Gate(gate)], gates);
    }
    if decision.verdict == Verdict::Refused {
        gates.push((Gate::TrustPolicy, Seen::Unseen));
        return say(&case, Decision::Unknown, Some(Gate::TrustPolicy), &[Leaf::Refused], gates);
    }

    let of_verdict = |verdict| decision.actions.iter().find(|action| action.of_call() == verdict);
    if let Some(denied) = of_verdict(Verdict::Denied) {
        case.action = denied.action;
        let gate = if provider_failed {
            Gate::Provider
        } else {
            gates.push((Gate::TrustPolicy, Seen::Failed));
            Gate::TrustPolicy
        };
        return match of_effect(denied, Effect::Deny).find(|statement| statement.truth == Truth::Yes) {
            Some(deny) => {
                case.statement = Some(deny.statement);
                say(&case, Decision::Deny, Some(gate), &[Leaf::Deny(deny)], gates)
            }
            None => match best(denied, kind) {
                Some(nearest) => {
                    case.statement = Some(nearest.statement);
                    say(&case, Decision::Deny, Some(gate), &leaves(nearest, kind, Truth::No), gates)
                }
                None => say(&case, Decision::Deny, Some(gate), &[Leaf::NoAllow], gates),
            },
        };
    }
    let unseen = |verdict| {
        let perhaps = decision.actions.iter().filter(move |action| action.needed == Truth::Unknown);
        perhaps.filter(move |action| action.verdict == verdict).map(|action| action.action).collect::<Vec<_>>()
    };
    let (denied, undecided) = (unseen(Verdict::Denied), unseen(Verdict::Unknown));
    let lacks = without(denied.iter().chain(&undecided));
    if let Some(open) = of_verdict(Verdict::Unknown) {
        gates.push((Gate::TrustPolicy, Seen::Unseen));
        if open.needed == Truth::Unknown {
            case.statement = admitting(&decision);
            let leaf = Leaf::Unseen { denied, open: undecided };
            let mut explanation = say(&case, Decision::Unknown, Some(Gate::TrustPolicy), &[leaf], gates);
            explanation.provided.extend(lacks);
            return explanation;
        }
        case.action = open.action;
        let denies = of_effect(open, Effect::Deny).filter(|statement| statement.truth == Truth::Unknown);
        let undecided = denies.clone().next().or_else(|| best(open, kind));
        case.statement = undecided.map(|statement| statement.statement);
        let found: Vec<Leaf<'_>> =
            undecided.map(|statement| leaves(statement, kind, Truth::Unknown)).unwrap_or_default();
        let mut explanation = say(&case, Decision::Unknown, Some(Gate::TrustPolicy), &found, gates);
        explanation.provided = denies.map(|statement| proviso(statement, kind)).collect();
        let allowed = of_effect(open, Effect::Allow).any(|statement| statement.truth == Truth::Yes);
        explanation.provided.extend(best(open, kind).filter(|_| !allowed).map(|statement| proviso(statement, kind)));
        explanation.provided.extend(lacks);
        return explanation;
    }
    gates.push((Gate::TrustPolicy, Seen::Passed));
    case.statement = admitting(&decision);
    say(&case, Decision::Allow, None, &[Leaf::All], gates)
}

/// The first statement that allows the call.
fn admitting<'p>(decision: &evaluate::Decision<'p>) -> Option<&'p Statement> {
    let mut allows = decision.actions.first().into_iter().flat_map(|action| of_effect(action, Effect::Allow));
    allows.find(|statement| statement.truth == Truth::Yes).map(|found| found.statement)
}

/// What has to hold of a token, so that AWS does not ask about these actions.
fn without<'a>(actions: impl Iterator<Item = &'a &'static str>) -> Option<String> {
    let lacks = match actions.copied().collect::<Vec<_>>().as_slice() {
        [] => return None,
        [TAG] => "carries no session tags",
        [SET_SOURCE_IDENTITY] => "carries no source identity",
        _ => "carries neither session tags nor a source identity",
    };
    Some(format!("the token {lacks}"))
}

/// Whether every Allow statement is for identity providers, and for others than the token's.
fn names_another_provider(policy: &TrustPolicy, decision: &evaluate::Decision<'_>) -> bool {
    let allows = || policy.statements.iter().filter(|statement| statement.effect == Effect::Allow);
    let federated = |statement: &Statement| {
        let items = &statement.principals.items;
        !items.is_empty() && items.iter().all(|item| item.kind == PrincipalKind::Federated)
    };
    let first = decision.actions.first();
    let mut found = first.into_iter().flat_map(|action| of_effect(action, Effect::Allow));
    policy.refusals.is_empty()
        && allows().next().is_some()
        && allows().all(federated)
        && found.all(|statement| statement.principal == Truth::No)
}

fn of_effect<'d, 'p>(
    decision: &'d ActionDecision<'p>,
    effect: Effect,
) -> impl Iterator<Item = &'d StatementDecision<'p>> + Clone {
    decision.statements.iter().filter(move |statement| statement.statement.effect == effect)
}

/// The Allow statement with the fewest leaves that fail; of several the one whose subject is nearest.
fn best<'d, 'p>(decision: &'d ActionDecision<'p>, kind: Kind) -> Option<&'d StatementDecision<'p>> {
    of_effect(decision, Effect::Allow).min_by_key(|statement| {
        let truths = [statement.principal, statement.action].into_iter();
        let truths = truths.chain(statement.conditions.iter().map(|condition| condition.truth));
        let count = |wanted: Truth| truths.clone().filter(|truth| *truth == wanted).count();
        let far = |leaf: &Leaf<'_>| match leaf {
            Leaf::Condition(tested) if tested.is_sub() => {
                let cost = tested.nearest.as_ref().and_then(|(_, difference)| difference.as_ref());
                cost.map_or(0, |difference| difference.cost)
            }
            _ => 0,
        };
        let distance: u32 = leaves(statement, kind, Truth::No).iter().map(far).sum();
        (count(Truth::No), count(Truth::Unknown), distance, statement.statement.index)
    })
}

/// What of a statement has this truth.
fn leaves<'d>(decision: &'d StatementDecision<'_>, kind: Kind, truth: Truth) -> Vec<Leaf<'d>> {
    let mut found = Vec::new();
    let open = truth == Truth::Unknown;
    if decision.principal == truth {
        found.push(if open { Leaf::Open(None) } else { Leaf::Principal(&decision.statement.principals) });
    }
    if decision.action == truth {
        found.push(Leaf::Action(&decision.statement.actions));
    }
    for condition in decision.conditions.iter().filter(|condition| condition.truth == truth) {
        let tested = Tested::new(condition.condition, condition.had.clone(), kind);
        found.push(if open { Leaf::Open(Some(tested)) } else { Leaf::Condition(tested) });
    }
    found
}

/// What has to hold of a statement that cannot be decided.
fn proviso(decision: &StatementDecision<'_>, kind: Kind) -> String {
    let parts: Vec<String> = leaves(decision, kind, Truth::Unknown)
        .iter()
        .map(|leaf| match leaf {
            Leaf::Open(Some(tested)) => {
                let wanted: Vec<String> = tested.values().map(|value| format!("\"{value}\"")).collect();
                let Tested { condition, .. } = tested;
                format!("{} {} {}", condition.key.text, condition.operator_name.text, wanted.join(" or "))
            }
            _ => "its principal takes in callers with a token".to_owned(),
        })
        .collect();
    let number = decision.statement.index + 1;
    let together = parts.join(" and ");
    match decision.statement.effect {
        Effect::Allow => format!("statement {number} holds: {together}"),
        Effect::Deny => format!("the Deny statement {number} does not apply, as it does with {together}"),
    }
}

fn say(
    case: &Case<'_>,
    decision: Decision,
    gate: Option<Gate>,
    leaves: &[Leaf<'_>],
    gates: Vec<(Gate, Seen)>,
) -> Explanation {
    let mut found: Vec<(usize, Reason, &Leaf<'_>)> = leaves
        .iter()
        .map(|leaf| {
            // The table ends in causes that fit any leaf; what it could not place would stand last.
            let (place, reason) = causes::find(case, leaf).unwrap_or((CAUSES.len(), Reason::default()));
            (place, reason, leaf)
        })
        .collect();
    found.sort_by_key(|(place, ..)| *place);
    let main = found.first().and_then(|(place, ..)| CAUSES.get(*place));
    let failed = found.iter().flat_map(|(place, _, leaf)| shown(case, leaf, CAUSES.get(*place).map(|cause| cause.id)));
    let failed = failed.collect();
    // Whoever is not named at all need not hear what else would not match.
    let whole = main.is_some_and(|cause| matches!(cause.id, "issuer-differs" | "principal-type-wrong"));
    let said = found.iter().take(if whole { 1 } else { usize::MAX });
    let mut fix = Fix::default();
    let mut why: Vec<String> = Vec::new();
    for (_, reason, _) in said {
        let add = |list: &mut Vec<String>, words: &String| {
            if !words.is_empty() && !list.contains(words) {
                list.push(words.clone());
            }
        };
        add(&mut why, &reason.why);
        reason.policy.iter().for_each(|words| add(&mut fix.policy, words));
        reason.pipeline.iter().for_each(|words| add(&mut fix.pipeline, words));
    }
    if decision == Decision::Deny {
        fix.statement = repaired(case);
    }
    Explanation {
        decision,
        passes: leaves.iter().any(|leaf| matches!(leaf, Leaf::Unseen { .. } | Leaf::All)),
        gate,
        // Something always applies, as a test holds.
        cause: main.or(CAUSES.last()).unwrap_or(&NONE),
        statement: case.statement.map(|statement| StatementRef {
            index: statement.index,
            sid: statement.sid.as_ref().map(|sid| sid.text.clone()),
            span: statement.span,
            denies: statement.effect == Effect::Deny,
        }),
        failed,
        action: case.action,
        why,
        provided: Vec::new(),
        fix,
        gates,
        statements: statements::weighed(case),
    }
}

const NONE: super::Cause = super::Cause { id: "none", title: "", find: |_, _| None };

fn shown(case: &Case<'_>, leaf: &Leaf<'_>, cause: Option<&'static str>) -> Vec<Failed> {
    let of_cause = |failed: Failed| Failed { cause, ..failed };
    match leaf {
        Leaf::Principal(principals) => vec![of_cause(statements::principal(case, principals))],
        Leaf::Action(actions) => vec![of_cause(statements::action(case, actions))],
        Leaf::Condition(tested) | Leaf::Open(Some(tested)) => vec![of_cause(statements::condition(tested))],
        Leaf::Deny(decision) => decision
            .conditions
            .iter()
            .map(|decided| Tested::new(decided.condition, decided.had.clone(), case.kind))
            .map(|tested| of_cause(statements::condition(&tested)))
            .collect(),
        Leaf::Gate(_) | Leaf::Refused | Leaf::NoAllow | Leaf::Open(None) | Leaf::Unseen { .. } | Leaf::All => {
            Vec::new()
        }
    }
}

/// The statement, changed until it admits the caller. `None` where our changes do not bring that about.
fn repaired(case: &Case<'_>) -> Option<String> {
    let mut draft = Draft::of(case.statement?)?;
    let denied: Vec<&'static str> = decide(case.policy, case.caller)
        .actions
        .iter()
        .filter(|action| action.of_call() == Verdict::Denied)
        .map(|action| action.action)
        .collect();
    for _ in 0..MOST_ROUNDS {
        let text = draft.text();
        let policy = alone(case.policy, &text)?;
        let decision = decide(&policy, case.caller);
        let before = draft.clone();
        for action in decision.actions.iter().filter(|action| denied.contains(&action.action)) {
            let statement = action.statements.first()?;
            let case = Case { policy: &policy, action: action.action, statement: Some(statement.statement), ..*case };
            for leaf in leaves(statement, case.kind, Truth::No) {
                let (_, reason) = causes::find(&case, &leaf)?;
                reason.edits.iter().for_each(|edit| draft.apply(edit));
            }
        }
        if draft == before {
            let admits = decision.actions.iter().filter(|action| denied.contains(&action.action));
            let admitted = admits.into_iter().all(|action| action.verdict != Verdict::Denied);
            return (admitted && decision.verdict != Verdict::Refused).then_some(text);
        }
    }
    None
}

/// A policy of this one statement, in the version of the language that the whole is in.
fn alone(policy: &TrustPolicy, statement: &str) -> Option<TrustPolicy> {
    let version = policy.version.as_ref().map(|version| format!("\"Version\": \"{}\", ", version.text));
    let text = format!("{{{}\"Statement\": [{statement}]}}", version.unwrap_or_default());
    json::read(&text).node.map(|node| TrustPolicy::read(&node))
}
