//! Every statement of a policy beside the action that an explanation is about: what of it holds for the
//! caller, and where what was wanted and what was there part ways.

use super::align::{self, Difference};
use super::case::{Case, Tested};
use super::gate::Seen;
use super::{Failed, Value};
use crate::policy::caller::Had;
use crate::policy::document::{Actions, Effect, Principals};
use crate::policy::evaluate::decide_action;
use crate::policy::issuer::Kind;
use crate::policy::tree::Span;
use crate::policy::truth::Truth;

/// A statement and what of it holds.
#[derive(Clone, Debug)]
pub struct Weighed {
    /// From 0.
    pub index: usize,
    pub sid: Option<String>,
    pub denies: bool,
    pub span: Span,
    /// The one that the explanation is about.
    pub nearest: bool,
    /// Whether it applies to the caller: of a Deny statement, `Passed` keeps the caller out.
    pub seen: Seen,
    pub principal: Leaf,
    pub action: Leaf,
    /// In the order of the policy.
    pub conditions: Vec<Leaf>,
}

/// One thing that a statement asks, and whether it is so.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Without a cause. What is nearest is there only if it is not so.
    pub said: Failed,
    /// The truth of it as the evaluator has it, whatever the effect of the statement.
    pub seen: Seen,
}

impl From<Truth> for Seen {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::Yes => Self::Passed,
            Truth::No => Self::Failed,
            Truth::Unknown => Self::Unseen,
        }
    }
}

pub(super) fn weighed(case: &Case<'_>) -> Vec<Weighed> {
    let decisions = decide_action(case.policy, case.caller, case.action, Truth::Yes).statements;
    let each = decisions.iter().map(|decision| {
        let statement = decision.statement;
        let place = |leaf: Leaf| {
            // What is missing has no place of its own.
            let span = if leaf.said.span.end == 0 { statement.span } else { leaf.said.span };
            Leaf { said: Failed { span, ..leaf.said }, ..leaf }
        };
        let mut named = principal(case, &statement.principals);
        let mut called = action(case, &statement.actions);
        if decision.principal == Truth::No && !statement.principals.negated {
            named.nearest = nearest(&named, false);
        }
        if decision.action == Truth::No && !statement.actions.negated {
            called.nearest = nearest(&called, true);
        }
        let conditions = decision.conditions.iter().map(|decided| {
            let mut said = condition(&Tested::new(decided.condition, decided.had.clone(), case.kind));
            said.nearest = said.nearest.filter(|_| decided.truth != Truth::Yes);
            Leaf { said, seen: decided.truth.into() }
        });
        Weighed {
            index: statement.index,
            sid: statement.sid.as_ref().map(|sid| sid.text.clone()),
            denies: statement.effect == Effect::Deny,
            span: statement.span,
            nearest: case.statement.is_some_and(|nearest| nearest.index == statement.index),
            seen: decision.truth.into(),
            principal: place(Leaf { said: named, seen: decision.principal.into() }),
            action: place(Leaf { said: called, seen: decision.action.into() }),
            conditions: conditions.collect(),
        }
    });
    each.collect()
}

pub(super) fn principal(case: &Case<'_>, principals: &Principals) -> Failed {
    let had = case.caller.role.as_ref().map(|role| role.provider_arn(&case.caller.issuer));
    Failed {
        key: "Principal".to_owned(),
        operator: if principals.negated { "NotPrincipal" } else { "Principal" }.to_owned(),
        wanted: principals.items.iter().map(|principal| principal.value.text.clone()).collect(),
        had: Value::One(had.unwrap_or_else(|| case.caller.issuer.clone())),
        cause: None,
        span: principals.span,
        nearest: None,
    }
}

pub(super) fn action(case: &Case<'_>, actions: &Actions) -> Failed {
    Failed {
        key: "Action".to_owned(),
        operator: if actions.negated { "NotAction" } else { "Action" }.to_owned(),
        wanted: actions.patterns.iter().map(|pattern| pattern.text.clone()).collect(),
        had: Value::One(case.action.to_owned()),
        cause: None,
        span: actions.span,
        nearest: None,
    }
}

pub(super) fn condition(tested: &Tested<'_>) -> Failed {
    let nearest = tested.nearest.as_ref().filter(|_| tested.wants_text());
    Failed {
        key: tested.condition.key.text.clone(),
        operator: tested.condition.operator_name.text.clone(),
        wanted: tested.values().map(str::to_owned).collect(),
        had: match &tested.had {
            Had::One(text) => Value::One(text.clone().into_owned()),
            Had::Many(several) => Value::Many(several.iter().map(|text| text.clone().into_owned()).collect()),
            Had::Absent(_) => Value::None,
            Had::Unknown(_) => Value::Unknown,
        },
        cause: None,
        span: tested.condition.span,
        nearest: nearest.and_then(|(value, difference)| Some(((*value).to_owned(), difference.clone()?))),
    }
}

/// Of what is wanted the nearest to what is there.
fn nearest(said: &Failed, wild: bool) -> Option<(String, Difference)> {
    let Value::One(had) = &said.had else { return None };
    let compared = said.wanted.iter().filter_map(|wanted| {
        // Without a role only the provider's name is known, and that is what is compared.
        let from = match wanted.split_once(":oidc-provider/") {
            Some((_, host)) if !had.starts_with("arn:") => wanted.len() - host.len(),
            _ => 0,
        };
        let mut difference = align::difference(Kind::Other, wanted.get(from..)?, had, wild)?;
        for range in &mut difference.wanted {
            *range = range.start + from..range.end + from;
        }
        Some((wanted.clone(), difference))
    });
    compared.min_by_key(|(_, difference)| difference.cost)
}
