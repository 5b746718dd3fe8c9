//! What AWS looks at before and after the trust policy, in its order, as far as it can be seen from
//! a token's claims.

use serde_json::Value;

use super::Known;
use crate::policy::caller::Caller;

/// What STS looks at, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    Token,
    Provider,
    Signature,
    Times,
    Audience,
    RolesClaim,
    Role,
    TrustPolicy,
    ResourceControlPolicies,
    Session,
}

impl Gate {
    pub const ALL: [Self; 10] = [
        Self::Token,
        Self::Provider,
        Self::Signature,
        Self::Times,
        Self::Audience,
        Self::RolesClaim,
        Self::Role,
        Self::TrustPolicy,
        Self::ResourceControlPolicies,
        Self::Session,
    ];

    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Provider => "provider",
            Self::Signature => "signature",
            Self::Times => "times",
            Self::Audience => "audience",
            Self::RolesClaim => "roles-claim",
            Self::Role => "role",
            Self::TrustPolicy => "trust-policy",
            Self::ResourceControlPolicies => "resource-control-policies",
            Self::Session => "session",
        }
    }

    /// For the reader of a message.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "the token's form",
            Self::Provider => "the identity provider",
            Self::Signature => "the signature",
            Self::Times => "the token's times",
            Self::Audience => "the provider's client ids",
            Self::RolesClaim => "the token's roles claim",
            Self::Role => "the role's existence",
            Self::TrustPolicy => "the trust policy",
            Self::ResourceControlPolicies => "resource control policies",
            Self::Session => "session length, policies and size",
        }
    }
}

/// How a gate was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    Passed,
    Failed,
    /// It cannot be told from what is at hand.
    Unseen,
}

/// How far the clocks of issuer and AWS may differ, in seconds.
const TOLERANCE: i64 = 300;
const ROLES: &str = "https://aws.amazon.com/roles";

/// The claims without which STS refuses a token before it looks at anything else. Those that only
/// say when (`exp`, `iat`) are left to the gate of times: people leave them out of what they paste.
const NEEDED: [&str; 3] = ["iss", "sub", "aud"];

/// The gates before the trust policy, up to the first that is shut. The provider is looked at
/// together with the policy, which names it.
pub(super) fn before_policy(caller: &Caller, role_arn: Option<&str>, known: &Known<'_>) -> Vec<(Gate, Seen)> {
    let mut seen = Vec::new();
    for gate in Gate::ALL.into_iter().take_while(|gate| *gate != Gate::TrustPolicy) {
        let found = if known.reached_policy && gate != Gate::Role {
            Seen::Passed
        } else {
            match gate {
                Gate::Token => token(caller),
                Gate::Times => times(caller, known),
                Gate::Audience => audience(caller, known),
                Gate::RolesClaim => roles_claim(caller, role_arn),
                _ => Seen::Unseen,
            }
        };
        seen.push((gate, found));
        if found == Seen::Failed {
            break;
        }
    }
    seen
}

/// The first claim that STS demands and that the token does not have.
pub(super) fn missing_claim(caller: &Caller) -> Option<&'static str> {
    NEEDED.into_iter().find(|name| caller.claims.get(*name).is_none_or(Value::is_null))
}

fn token(caller: &Caller) -> Seen {
    match missing_claim(caller) {
        None => Seen::Passed,
        Some(_) if caller.is_part() => Seen::Unseen,
        Some(_) => Seen::Failed,
    }
}

/// The time of this claim in seconds, where it is one.
pub(super) fn time(caller: &Caller, name: &str) -> Option<i64> {
    let value = caller.claims.get(name)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn times(caller: &Caller, known: &Known<'_>) -> Seen {
    let Some(now) = known.now.map(crate::time::Timestamp::seconds) else { return Seen::Unseen };
    let expired = time(caller, "exp").map(|end| now - TOLERANCE >= end);
    let early = ["iat", "nbf"].iter().any(|name| time(caller, name).is_some_and(|time| time > now + TOLERANCE));
    match expired {
        Some(true) => Seen::Failed,
        _ if early => Seen::Failed,
        Some(false) => Seen::Passed,
        None => Seen::Unseen,
    }
}

/// What AWS compares with the provider's client ids.
pub(super) fn audience_of(caller: &Caller) -> Option<&str> {
    let text = |name: &str| caller.claims.get(name).and_then(Value::as_str);
    let only = || match caller.claims.get("aud")?.as_array()?.as_slice() {
        [one] => one.as_str(),
        _ => None,
    };
    text("azp").or_else(|| text("aud")).or_else(only)
}

fn audience(caller: &Caller, known: &Known<'_>) -> Seen {
    match (known.client_ids, audience_of(caller)) {
        (Some(ids), Some(audience)) if ids.iter().any(|id| id == audience) => Seen::Passed,
        (Some(_), Some(_)) => Seen::Failed,
        _ => Seen::Unseen,
    }
}

/// The only roles that the issuer lets this token take.
pub(super) fn roles_of(caller: &Caller) -> Option<Vec<&str>> {
    match caller.claims.get(ROLES)? {
        Value::String(one) => Some(vec![one]),
        Value::Array(several) => Some(several.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

fn roles_claim(caller: &Caller, role_arn: Option<&str>) -> Seen {
    match (roles_of(caller), role_arn) {
        (None, _) if caller.is_part() => Seen::Unseen,
        (None, _) => Seen::Passed,
        (Some(roles), Some(role)) if roles.contains(&role) => Seen::Passed,
        (Some(_), Some(_)) => Seen::Failed,
        (Some(_), None) => Seen::Unseen,
    }
}
