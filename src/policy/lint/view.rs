//! A policy as the rules look at it: each statement with its issuers, and its conditions by key.

use crate::policy::caller::ASSUME;
use crate::policy::document::{Condition, Effect, Principal, PrincipalKind, Statement, TrustPolicy};
use crate::policy::evaluate;
use crate::policy::issuer::Kind;
use crate::policy::operator::{self, Set};
use crate::policy::source::Found;

pub struct View<'a> {
    pub found: &'a Found,
    pub policy: &'a TrustPolicy,
    pub scopes: Vec<Scope<'a>>,
}

/// One statement.
pub struct Scope<'a> {
    pub statement: &'a Statement,
    /// The OIDC providers that it names.
    pub issuers: Vec<Issuer<'a>>,
    /// Whether it allows AssumeRoleWithWebIdentity to an OIDC provider: what most rules look at.
    pub grants: bool,
    pub tests: Vec<Test<'a>>,
}

#[derive(Clone, Copy)]
pub struct Issuer<'a> {
    /// Without its scheme.
    pub host: &'a str,
    /// The CI, also where the host is not quite its issuer's.
    pub kind: Kind,
    pub principal: &'a Principal,
}

/// A condition, and what its key is about.
pub struct Test<'a> {
    pub condition: &'a Condition,
    pub key: Key<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// Behind the host of an issuer that the statement names, in whatever letter case.
    OfIssuer { prefix: &'a str, name: &'a str },
    /// `aws:…` and `sts:…`
    Global,
    /// Anything else: behind another issuer, an ARN, an address.
    Foreign { prefix: &'a str, name: &'a str },
}

impl<'a> View<'a> {
    #[must_use]
    pub fn new(found: &'a Found) -> Self {
        let policy = &found.policy;
        Self { found, policy, scopes: policy.statements.iter().map(Scope::new).collect() }
    }

    /// The statements that let callers with a token in.
    pub fn grants(&self) -> impl Iterator<Item = &Scope<'a>> {
        self.scopes.iter().filter(|scope| scope.grants)
    }
}

impl<'a> Scope<'a> {
    fn new(statement: &'a Statement) -> Self {
        let issuers: Vec<Issuer<'a>> = statement.principals.items.iter().filter_map(Issuer::of).collect();
        let named = evaluate::has_action(&statement.actions, ASSUME);
        let grants = statement.effect == Effect::Allow && named && !issuers.is_empty();
        let tests = statement.conditions.iter().map(|condition| Test { condition, key: Key::of(condition, &issuers) });
        Self { statement, grants, tests: tests.collect(), issuers }
    }

    /// The conditions on a key of an issuer of this statement.
    pub fn on<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Test<'a>> {
        self.tests.iter().filter(move |test| test.is_on(name))
    }

    /// The conditions on a key of this one of its issuers.
    pub fn of<'s>(&'s self, issuer: &'s Issuer<'a>, name: &'s str) -> impl Iterator<Item = &'s Test<'a>> {
        self.on(name).filter(|test| test.is_of(issuer))
    }

    /// The conditions that say whose job comes in.
    pub fn identity<'s>(&'s self, issuer: &'s Issuer<'a>) -> impl Iterator<Item = &'s Test<'a>> {
        self.tests.iter().filter(move |test| test.is_identity(issuer))
    }

    /// The other conditions under the same operator.
    pub fn beside<'s>(&'s self, test: &'s Test<'a>) -> impl Iterator<Item = &'s Test<'a>> {
        let same = |other: &&Test<'a>| {
            other.condition.operator_name.span == test.condition.operator_name.span
                && other.condition.span != test.condition.span
        };
        self.tests.iter().filter(same)
    }

    /// Whether the statement has no other block of this operator, so that one may get its name.
    #[must_use]
    pub fn lacks_operator(&self, name: &str) -> bool {
        !self.tests.iter().any(|test| test.condition.operator_name.text.eq_ignore_ascii_case(name))
    }

    /// Whether the key has to be there and to have one of certain values.
    #[must_use]
    pub fn requires(&self, name: &str) -> bool {
        self.on(name).any(Test::is_required)
    }
}

impl<'a> Issuer<'a> {
    fn of(principal: &'a Principal) -> Option<Self> {
        if principal.kind != PrincipalKind::Federated {
            return None;
        }
        let value = principal.value.text.as_str();
        let host = match value.split_once(":oidc-provider/") {
            Some((_, host)) => host,
            None if value == "accounts.google.com" => value,
            None => return None,
        };
        let kind = match Kind::of(host) {
            Kind::Other => Kind::meant_by(host).map_or(Kind::Other, |(kind, _)| kind),
            kind => kind,
        };
        Some(Self { host, kind, principal })
    }
}

impl<'a> Key<'a> {
    fn of(condition: &'a Condition, issuers: &[Issuer<'a>]) -> Self {
        let key = condition.key.text.as_str();
        let (prefix, name) = key.rsplit_once(':').unwrap_or(("", key));
        if prefix.eq_ignore_ascii_case("aws") || prefix.eq_ignore_ascii_case("sts") || key.starts_with("aws:") {
            return Self::Global;
        }
        if issuers.iter().any(|issuer| issuer.host.eq_ignore_ascii_case(prefix)) {
            Self::OfIssuer { prefix, name }
        } else {
            Self::Foreign { prefix, name }
        }
    }
}

impl Test<'_> {
    #[must_use]
    pub fn is_of(&self, issuer: &Issuer<'_>) -> bool {
        matches!(self.key, Key::OfIssuer { prefix, .. } if prefix.eq_ignore_ascii_case(issuer.host))
    }

    /// Whether it is on the subject, or on an id or name of customer or project.
    #[must_use]
    pub fn is_identity(&self, issuer: &Issuer<'_>) -> bool {
        self.is_of(issuer) && (self.is_on("sub") || issuer.kind.tenancy_keys().iter().any(|name| self.is_on(name)))
    }

    /// The name of the key behind its issuer, or nothing.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.key {
            Key::OfIssuer { name, .. } | Key::Foreign { name, .. } => name,
            Key::Global => "",
        }
    }

    #[must_use]
    pub fn is_on(&self, wanted: &str) -> bool {
        matches!(self.key, Key::OfIssuer { name, .. } if name.eq_ignore_ascii_case(wanted))
    }

    /// Whether a token without the key fails it, and one with it needs a value that is listed.
    #[must_use]
    pub fn is_required(&self) -> bool {
        let operator = self.condition.operator;
        operator.test != operator::Test::Null
            && !operator.negated
            && !operator.if_exists
            && operator.set != Some(Set::All)
    }
}
