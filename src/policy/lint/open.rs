//! Statements that let in whoever has a token of the issuer.

use super::{Finding, Findings, Issuer, Rule, Scope, Severity, Test, View};
use crate::policy::issuer::Kind;
use crate::policy::sample;

pub static TP001: Rule = Rule {
    id: "TP001",
    name: "no-condition",
    severity: Severity::Critical,
    title: "any token of the issuer is accepted: the statement has no condition",
};

pub static TP002: Rule = Rule {
    id: "TP002",
    name: "no-tenant",
    severity: Severity::Critical,
    title: "no condition says which customer of a shared issuer is meant",
};

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in view.grants() {
        for Issuer { host, kind, .. } in &scope.issuers {
            let example =
                |whose: &str| findings.proven(whose, sample::admitted(view.policy, scope.statement, host), true);
            let finding = if scope.statement.conditions.is_empty() {
                let message = format!("whoever has a token of {host} can assume the role");
                let fix = format!("add a Condition that tests {host}:aud and {host}:sub");
                let whose = format!("any job of {}", kind.name());
                Finding::new(&TP001, scope.statement.span, message, fix).shown_by(example(&whose))
            } else if let Some(key) = Kind::tenancy_key_of(host)
                && !names_a_tenant(scope, *kind, key)
            {
                let span = scope.statement.principals.span;
                let message =
                    format!("all customers of {} share this issuer, and no condition names one of them", kind.name());
                Finding::new(&TP002, span, message, format!("require {host}:{key}"))
                    .shown_by(example("a job of somebody else"))
            } else {
                continue;
            };
            findings.add(finding);
        }
    }
}

fn names_a_tenant(scope: &Scope<'_>, kind: Kind, key: &str) -> bool {
    let named = |name: &str| scope.on(name).any(Test::is_required);
    named(key) || kind.tenancy_keys().iter().any(|name| named(name))
}
