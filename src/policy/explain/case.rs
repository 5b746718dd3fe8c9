//! What is looked at: one statement, one action, and each thing about it that keeps the caller out.

use std::borrow::Cow;

use super::Known;
use super::align::{self, Difference};
use super::gate::Gate;
use crate::keys;
use crate::policy::caller::{Caller, Had};
use crate::policy::document::{Actions, Condition, Principals, Statement, TrustPolicy};
use crate::policy::evaluate::StatementDecision;
use crate::policy::issuer::Kind;
use crate::policy::operator::Test;
use crate::policy::pattern;

/// Where the looking takes place.
#[derive(Clone, Copy)]
pub(super) struct Case<'c> {
    pub(super) policy: &'c TrustPolicy,
    pub(super) caller: &'c Caller,
    pub(super) known: &'c Known<'c>,
    pub(super) kind: Kind,
    /// The one of the needed actions that is not allowed.
    pub(super) action: &'static str,
    /// The statement that comes nearest.
    pub(super) statement: Option<&'c Statement>,
}

/// One thing that decides.
pub(super) enum Leaf<'c> {
    /// A gate before the policy.
    Gate(Gate),
    /// AWS would not have saved the policy.
    Refused,
    /// No statement allows anything.
    NoAllow,
    Deny(&'c StatementDecision<'c>),
    Principal(&'c Principals),
    Action(&'c Actions),
    Condition(Tested<'c>),
    /// A condition, or a principal, that nobody can decide here.
    Open(Option<Tested<'c>>),
    /// AWS asks about further actions if the token has tags or a source identity, of which nobody here can tell.
    Unseen {
        /// Those of them that the policy does not allow.
        denied: Vec<&'static str>,
        /// Those that it allows on a condition that is open.
        open: Vec<&'static str>,
    },
    /// Nothing keeps the caller out.
    All,
}

/// A condition, and what it met.
pub(super) struct Tested<'c> {
    pub(super) condition: &'c Condition,
    pub(super) had: Had<'c>,
    /// Of its values the one that is nearest to what the token has, and how they differ.
    pub(super) nearest: Option<(&'c str, Option<Difference>)>,
}

impl<'c> Tested<'c> {
    pub(super) fn new(condition: &'c Condition, had: Had<'c>, kind: Kind) -> Self {
        let nearest = nearest(condition, &had, kind);
        Self { condition, had, nearest }
    }

    /// The token's value, where it has one.
    pub(super) fn one(&self) -> Option<&str> {
        match &self.had {
            Had::One(text) => Some(text),
            Had::Many(several) => several.first().map(Cow::as_ref),
            Had::Absent(_) | Had::Unknown(_) => None,
        }
    }

    /// What the key is called behind the issuer, in lower case.
    pub(super) fn name(&self) -> String {
        let key = &self.condition.key.text;
        key.rsplit_once(':').map_or(key.as_str(), |(_, name)| name).to_ascii_lowercase()
    }

    pub(super) fn is_sub(&self) -> bool {
        self.name() == "sub"
    }

    /// An operator that asks for one of its values, and compares text.
    pub(super) fn wants_text(&self) -> bool {
        let operator = self.condition.operator;
        let text = matches!(operator.test, Test::StringEquals | Test::StringEqualsIgnoreCase | Test::StringLike);
        text && !operator.negated
    }

    pub(super) fn is_wild(&self) -> bool {
        self.condition.operator.has_wildcards()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &'c str> {
        self.condition.values.iter().map(|value| value.text.as_str())
    }

    /// The first value that would match if both sides were changed like this.
    pub(super) fn value_after(&self, change: impl Fn(&str) -> String) -> Option<&'c str> {
        let had = change(self.one()?);
        let matches = |value: &&str| {
            let wanted = change(value);
            if self.is_wild() { pattern::like(&wanted, &had) } else { wanted == had }
        };
        self.wants_text().then(|| self.values().find(matches)).flatten()
    }

    /// Whether a value, taken as a pattern, matches what the token has.
    pub(super) fn value_like(&self) -> Option<&'c str> {
        let had = self.one()?;
        self.values().find(|value| pattern::like(value, had))
    }
}

fn nearest<'c>(condition: &'c Condition, had: &Had<'_>, kind: Kind) -> Option<(&'c str, Option<Difference>)> {
    let Had::One(had) = had else { return condition.values.first().map(|value| (value.text.as_str(), None)) };
    let wild = condition.operator.has_wildcards();
    let of_issuer = condition.key.text.to_ascii_lowercase().ends_with(":sub");
    let kind = if of_issuer { kind } else { Kind::Other };
    let compared = condition.values.iter().map(|value| {
        let difference = align::difference(kind, &value.text, had, wild);
        (value.text.as_str(), difference)
    });
    compared.min_by_key(|(_, difference)| difference.as_ref().map_or(u32::MAX, |difference| difference.cost))
}

impl<'c> Case<'c> {
    /// The key of this token's issuer.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.caller.issuer)
    }

    pub(super) fn claim(&self, name: &str) -> Option<String> {
        match self.caller.claims.get(name)? {
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Number(number) => Some(number.to_string()),
            serde_json::Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    /// The ARN of the token's provider in the role's account, or, where the role is not known, in
    /// that of the policy's own providers.
    pub(super) fn provider_arn(&self) -> Option<String> {
        use crate::policy::caller::Role;
        let of_policy = || {
            let principals = self.policy.statements.iter().flat_map(|statement| &statement.principals.items);
            principals.into_iter().find_map(|principal| Role::of_arn(&principal.value.text))
        };
        let role = self.caller.role.clone().or_else(of_policy)?;
        Some(role.provider_arn(&self.caller.issuer))
    }

    /// Whether AWS knows a key of this name for the token's issuer.
    pub(super) fn is_mapped(&self, name: &str) -> bool {
        ["aud", "oaud", "amr"].contains(&name) || keys::claim_of_key(&self.caller.issuer, name).is_some()
    }
}
