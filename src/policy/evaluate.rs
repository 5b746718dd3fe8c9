//! What a trust policy says to a caller: the whole tree of the decision, not only the answer.
//!
//! Three-valued. Where an unknown could decide, the answer is unknown: never allowed, never denied.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

use std::borrow::Cow;

use super::caller::{Caller, Had};
use super::document::{Actions, Condition, Effect, Principal, PrincipalKind, Principals, Statement, TrustPolicy};
use super::operator::{Set, Test};
use super::pattern::{self, NoText};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    Yes,
    No,
    Unknown,
}

impl Truth {
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            _ => Self::Yes,
        }
    }

    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    #[must_use]
    #[allow(clippy::should_implement_trait)] // `!truth` reads as if there were two values
    pub fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(truth: bool) -> Self {
        if truth { Self::Yes } else { Self::No }
    }
}

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
    let actions: Vec<_> = caller.actions().map(|action| decide_action(policy, caller, action)).collect();
    let verdict =
        if policy.refusals.is_empty() { worst(actions.iter().map(|action| action.verdict)) } else { Verdict::Refused };
    Decision { verdict, actions }
}

/// All have to be allowed.
fn worst(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    verdicts.fold(Verdict::Allowed, |worst, verdict| match (worst, verdict) {
        (Verdict::Denied, _) | (_, Verdict::Denied) => Verdict::Denied,
        (Verdict::Allowed, other) => other,
        (worst, _) => worst,
    })
}

fn decide_action<'p>(policy: &'p TrustPolicy, caller: &'p Caller, action: &'static str) -> ActionDecision<'p> {
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
    ActionDecision { action, verdict, statements }
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

fn has_action(actions: &Actions, action: &str) -> bool {
    let named = actions.patterns.iter().any(|pattern| pattern::matches(&pattern.text, action, true));
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
        PrincipalKind::Federated => is_provider(value, caller).into(),
        PrincipalKind::Anyone if effect == Effect::Deny => Truth::Yes,
        PrincipalKind::Anyone => Truth::Unknown,
        // `"AWS": "*"` lets no caller with a token in (seen live); whether it keeps one out is not documented.
        PrincipalKind::Aws if value == "*" && effect == Effect::Deny => Truth::Unknown,
        PrincipalKind::Aws | PrincipalKind::Service | PrincipalKind::CanonicalUser => Truth::No,
    }
}

fn is_provider(value: &str, caller: &Caller) -> bool {
    let Some((arn, host)) = value.split_once(":oidc-provider/") else {
        return value == caller.issuer; // the few that AWS knows by their name
    };
    let Some(provider) = super::caller::Role::of_arn(value) else { return false };
    let of_role = caller.role.as_ref().is_none_or(|role| *role == provider);
    host == caller.issuer && of_role && arn.starts_with("arn:")
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
        return match had {
            Had::Unknown(_) => Truth::Unknown,
            Had::One(_) | Had::Many(_) => wants_absence(condition).not(),
            Had::Absent(_) => wants_absence(condition),
        };
    }
    match had {
        Had::Unknown(_) => Truth::Unknown,
        Had::Absent(_) if operator.if_exists => Truth::Yes,
        Had::Absent(_) => match operator.set {
            Some(Set::All) => Truth::Yes,
            Some(Set::Any) => Truth::No,
            None => operator.negated.into(),
        },
        Had::One(value) => match operator.set {
            // One value is a set of one, of which some and all are the same.
            Some(_) | None => passes(condition, value, caller, variables),
        },
        Had::Many(values) => {
            let each = values.iter().map(|value| passes(condition, value, caller, variables));
            match operator.set {
                Some(Set::All) => each.fold(Truth::Yes, Truth::and),
                Some(Set::Any) => each.fold(Truth::No, Truth::or),
                None => Truth::Unknown, // AWS does not say
            }
        }
    }
}

/// `Null` with several values: any of them will do.
fn wants_absence(condition: &Condition) -> Truth {
    let wanted = |text: &str| condition.values.iter().any(|value| value.text.eq_ignore_ascii_case(text));
    match (wanted("true"), wanted("false")) {
        (true, false) => Truth::Yes,
        (false, true) => Truth::No,
        _ => Truth::Unknown,
    }
}

/// One value of the request beside all of the policy: one has to match, or, negated, none may.
fn passes(condition: &Condition, value: &str, caller: &Caller, variables: bool) -> Truth {
    let operator = condition.operator;
    let matched = condition.values.iter().fold(Truth::No, |matched, wanted| {
        let filled = if variables && operator.has_variables() {
            pattern::filled(&wanted.text, |key| variable(caller, key))
        } else {
            Ok(Cow::Borrowed(wanted.text.as_str()))
        };
        matched.or(match filled {
            Ok(wanted) => operator.test.holds(value, &wanted).into(),
            Err(NoText::Missing) => Truth::No,
            Err(NoText::Unknown) => Truth::Unknown,
        })
    });
    if operator.negated { matched.not() } else { matched }
}

fn variable(caller: &Caller, key: &str) -> Result<Option<String>, NoText> {
    match caller.had(key) {
        Had::One(text) => Ok(Some(text.into_owned())),
        Had::Absent(_) => Ok(None),
        Had::Many(_) => Err(NoText::Missing), // a key with several values cannot be a variable
        Had::Unknown(_) => Err(NoText::Unknown),
    }
}
