//! What a trust policy says to a caller: the whole tree of the decision, not only the answer.
//!
//! Three-valued. Where an unknown could decide, the answer is unknown: never allowed, never denied.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

use std::borrow::Cow;

use super::caller::{Caller, Had};
use super::document::{Actions, Condition, Effect, Principal, PrincipalKind, Principals, Statement, TrustPolicy};
use super::operator::{Compared, Operator, Set, Test};
use super::pattern::{self, NoText};
use super::placeholder;
use super::truth::Truth;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    Denied,
    Unknown,
    /// AWS would not have saved this policy.
    Refused,
}

#[derive(Debug)]
pub struct Decision<'p> {
    pub verdict: Verdict,
    /// For each action that the caller needs.
    pub actions: Vec<ActionDecision<'p>>,
}

#[derive(Debug)]
pub struct ActionDecision<'p> {
    pub action: &'static str,
    /// Whether the call needs it: yes or unknown.
    pub needed: Truth,
    /// What the policy says of it, needed or not.
    pub verdict: Verdict,
    /// For each statement of the policy, in its order.
    pub statements: Vec<StatementDecision<'p>>,
}

#[derive(Debug)]
pub struct StatementDecision<'p> {
    pub statement: &'p Statement,
    /// Whether it applies: principal, action and every condition.
    pub truth: Truth,
    pub principal: Truth,
    pub action: Truth,
    pub conditions: Vec<ConditionDecision<'p>>,
}

#[derive(Debug)]
pub struct ConditionDecision<'p> {
    pub condition: &'p Condition,
    pub truth: Truth,
    pub had: Had<'p>,
}

/// Decides for every action that the caller needs.
#[must_use]
pub fn decide<'p>(policy: &'p TrustPolicy, caller: &'p Caller) -> Decision<'p> {
    let actions: Vec<_> =
        caller.actions().map(|(action, needed)| decide_action(policy, caller, action, needed)).collect();
    let verdict =
        if policy.refusals.is_empty() { worst(actions.iter().map(ActionDecision::of_call)) } else { Verdict::Refused };
    Decision { verdict, actions }
}

impl ActionDecision<'_> {
    /// What comes of it for the call: what is denied, and perhaps not needed, leaves the call open.
    #[must_use]
    pub fn of_call(&self) -> Verdict {
        match (self.needed, self.verdict) {
            (Truth::Unknown, Verdict::Denied) => Verdict::Unknown,
            (_, verdict) => verdict,
        }
    }
}

/// All have to be allowed.
fn worst(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    verdicts.fold(Verdict::Allowed, |worst, verdict| match (worst, verdict) {
        (Verdict::Denied, _) | (_, Verdict::Denied) => Verdict::Denied,
        (Verdict::Allowed, other) => other,
        (worst, _) => worst,
    })
}

/// Decides for one action.
pub(super) fn decide_action<'p>(
    policy: &'p TrustPolicy,
    caller: &'p Caller,
    action: &'static str,
    needed: Truth,
) -> ActionDecision<'p> {
    let variables = policy.has_variables();
    let statements: Vec<StatementDecision<'p>> =
        policy.statements.iter().map(|statement| decide_statement(statement, caller, action, variables)).collect();
    let any = |effect: Effect| {
        let of_effect = statements.iter().filter(|decision| decision.statement.effect == effect);
        of_effect.fold(Truth::No, |any, decision| any.or(decision.truth))
    };
    let verdict = match (any(Effect::Deny), any(Effect::Allow)) {
        (Truth::Yes, _) | (_, Truth::No) => Verdict::Denied,
        (Truth::No, Truth::Yes) => Verdict::Allowed,
        _ => Verdict::Unknown,
    };
    ActionDecision { action, needed, verdict, statements }
}

fn decide_statement<'p>(
    statement: &'p Statement,
    caller: &'p Caller,
    action: &str,
    variables: bool,
) -> StatementDecision<'p> {
    let principal = is_named(&statement.principals, statement.effect, caller);
    let action = Truth::from(has_action(&statement.actions, action));
    let conditions: Vec<ConditionDecision<'p>> =
        statement.conditions.iter().map(|condition| decide_condition(condition, caller, variables)).collect();
    let truth = conditions.iter().fold(principal.and(action), |truth, condition| truth.and(condition.truth));
    StatementDecision { statement, truth, principal, action, conditions }
}

pub(super) fn has_action(actions: &Actions, action: &str) -> bool {
    let named = actions.patterns.iter().any(|pattern| pattern::like_folded(&pattern.text, action));
    named != actions.negated
}

fn is_named(principals: &Principals, effect: Effect, caller: &Caller) -> Truth {
    let named =
        principals.items.iter().fold(Truth::No, |named, principal| named.or(is_principal(principal, effect, caller)));
    if principals.negated { named.not() } else { named }
}

fn is_principal(principal: &Principal, effect: Effect, caller: &Caller) -> Truth {
    let value = principal.value.text.as_str();
    match principal.kind {
        PrincipalKind::Federated if value == "*" => Truth::Unknown,
        PrincipalKind::Federated => is_provider(value, caller),
        PrincipalKind::Anyone if effect == Effect::Deny => Truth::Yes,
        PrincipalKind::Anyone => Truth::Unknown,
        // `"AWS": "*"` lets no caller with a token in (seen live); whether it keeps one out is not documented.
        PrincipalKind::Aws if value == "*" && effect == Effect::Deny => Truth::Unknown,
        PrincipalKind::Aws | PrincipalKind::Service | PrincipalKind::CanonicalUser => Truth::No,
    }
}

/// The providers that a policy may call by their name alone.
pub(super) const BY_NAME: [&str; 4] =
    ["accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"];

fn is_provider(value: &str, caller: &Caller) -> Truth {
    if caller.issuer.is_empty() {
        return Truth::No;
    }
    let Some((_, host)) = value.split_once(":oidc-provider/") else {
        if placeholder::is_in(value) {
            return placeholder::equal(value, &caller.issuer);
        }
        return (value == caller.issuer && BY_NAME.contains(&value)).into();
    };
    let Some(provider) = super::caller::Role::of_arn(value) else { return Truth::No };
    // A template is deployed to the account of its roles.
    let same = |written: &str, own: &str, had: &str| {
        if written == own { Truth::Yes } else { placeholder::equal(written, had) }
    };
    let of_role = caller.role.as_ref().map_or(Truth::Yes, |role| {
        same(&provider.partition, placeholder::PARTITION, &role.partition).and(same(
            &provider.account,
            placeholder::ACCOUNT,
            &role.account,
        ))
    });
    placeholder::equal(host, &caller.issuer).and(of_role)
}

pub(super) fn decide_condition<'p>(
    condition: &'p Condition,
    caller: &'p Caller,
    variables: bool,
) -> ConditionDecision<'p> {
    let had = caller.had(&condition.key.text);
    let truth = holds(condition, &had, caller, variables);
    ConditionDecision { condition, truth, had }
}

fn holds(condition: &Condition, had: &Had<'_>, caller: &Caller, variables: bool) -> Truth {
    let operator = condition.operator;
    if operator.test == Test::Null {
        return is_null(condition, had);
    }
    let passes = |value: &str| passes(condition, value, caller, variables);
    match had {
        Had::Unknown(_) => Truth::Unknown,
        Had::Absent(_) => match (operator.set, operator.if_exists) {
            // AWS documents that `IfExists` makes it true. Others have seen that `ForAnyValue` does not care.
            (Some(Set::Any), true) => Truth::Unknown,
            (Some(Set::Any), false) => Truth::No,
            (Some(Set::All), _) | (None, true) => Truth::Yes,
            (None, false) => operator.negated.into(),
        },
        // A set of nothing, to AWS; and of one value some and all are the same.
        Had::One(value) => match operator.set {
            Some(set) if value.is_empty() => empty(set, passes(value)),
            _ => passes(value),
        },
        Had::Many(values) => {
            let each = values.iter().map(|value| passes(value));
            match operator.set {
                Some(set) if values.iter().all(|value| value.is_empty()) => {
                    empty(set, each.fold(set.of_none(), |all, truth| set.with(all, truth)))
                }
                Some(set) => each.fold(set.of_none(), |all, truth| set.with(all, truth)),
                None => Truth::Unknown, // AWS does not say
            }
        }
    }
}

impl Set {
    /// What is true of the members of an empty set.
    fn of_none(self) -> Truth {
        match self {
            Self::All => Truth::Yes,
            Self::Any => Truth::No,
        }
    }

    fn with(self, all: Truth, one: Truth) -> Truth {
        match self {
            Self::All => all.and(one),
            Self::Any => all.or(one),
        }
    }
}

/// AWS takes an empty text for an empty set, and does not say whether the comparison counts as well.
fn empty(set: Set, compared: Truth) -> Truth {
    if compared == set.of_none() { compared } else { Truth::Unknown }
}

/// With several values any of them will do.
fn is_null(condition: &Condition, had: &Had<'_>) -> Truth {
    let wants = |text: &str| condition.values.iter().any(|value| value.text.eq_ignore_ascii_case(text));
    match (wants("true"), wants("false"), had) {
        (true, true, _) => Truth::Yes,
        (false, false, _) | (_, _, Had::Unknown(_)) => Truth::Unknown,
        (absent, _, Had::Absent(_)) => absent.into(),
        // AWS speaks of keys that are there and whose value is null, and does not say which those are.
        (_, _, Had::One(value)) if value.is_empty() => Truth::Unknown,
        (_, _, Had::Many(values)) if values.iter().all(|value| value.is_empty()) => Truth::Unknown,
        (_, present, Had::One(_) | Had::Many(_)) => present.into(),
    }
}

/// One value of the request beside all of the policy: one has to match, or, negated, none may.
fn passes(condition: &Condition, value: &str, caller: &Caller, variables: bool) -> Truth {
    let operator = condition.operator;
    let matched = condition.values.iter().fold(Truth::No, |matched, wanted| {
        if placeholder::is_in(&wanted.text) {
            return matched.or(passes_open(operator, value, &wanted.text));
        }
        let filled = if variables && operator.has_variables() {
            pattern::filled(&wanted.text, |key| variable(caller, key))
        } else if operator.has_variables() {
            Ok(pattern::plain(&wanted.text))
        } else {
            Ok(Cow::Borrowed(wanted.text.as_str()))
        };
        matched.or(match filled.map(|wanted| operator.test.compare(value, &wanted)) {
            Ok(Compared::Match) => Truth::Yes,
            // What is no number equals none. Whether it differs from one AWS does not say.
            Ok(Compared::WrongType) if operator.negated => Truth::Unknown,
            // Nothing equals or is like a variable without a value.
            Ok(Compared::NoMatch | Compared::WrongType) | Err(NoText::Missing) => Truth::No,
            Ok(Compared::Undocumented) | Err(NoText::Unknown) => Truth::Unknown,
        })
    });
    if operator.negated { matched.not() } else { matched }
}

/// Beside a value of which a part is not known yet, what is known can still rule a match out.
fn passes_open(operator: Operator, value: &str, wanted: &str) -> Truth {
    let (literal, fold) = match operator.test {
        Test::StringLike => (false, false),
        Test::StringEquals => (true, false),
        Test::StringEqualsIgnoreCase => (true, true),
        _ => return Truth::Unknown,
    };
    if pattern::matches(&placeholder::pattern(wanted, literal), value, fold) { Truth::Unknown } else { Truth::No }
}

fn variable(caller: &Caller, key: &str) -> Result<Option<String>, NoText> {
    match caller.had(key) {
        Had::One(text) if text.is_empty() => Err(NoText::Unknown), // AWS does not say whether that is a value
        Had::One(text) => Ok(Some(text.into_owned())),
        Had::Absent(_) => Ok(None),
        Had::Many(_) => Err(NoText::Missing), // a key with several values cannot be a variable
        Had::Unknown(_) => Err(NoText::Unknown),
    }
}

#[cfg(test)]
mod tests;
