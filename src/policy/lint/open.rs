//! Statements that let in whoever has a token of the issuer.

use super::guard::{self, Guard};
use super::{Finding, Findings, Issuer, Rule, Severity, View};
use crate::policy::issuer::Kind;

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

pub static TP019: Rule = Rule {
    id: "TP019",
    name: "audience-only",
    severity: Severity::High,
    title: "no condition says which job is meant: every job of the issuer is accepted",
};

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in view.grants() {
        for issuer in &scope.issuers {
            let Issuer { host, kind, .. } = issuer;
            let shared = Kind::tenancy_key_of(host);
            let mut finding = if scope.statement.conditions.is_empty() {
                let message = format!("whoever has a token of {host} can assume the role");
                let fix = format!("add a Condition that tests {host}:aud and {host}:sub");
                Finding::new(&TP001, scope.statement.span, message, fix)
            } else if guard::of(scope, issuer) == Guard::None && findings.may_admit(scope, issuer) {
                let span = scope.statement.principals.span;
                if let Some(key) = shared {
                    let name = kind.name();
                    let message = format!("all customers of {name} share {host}, and no condition names one of them");
                    Finding::new(&TP002, span, message, format!("require {host}:{key}{}", example_of(*kind)))
                } else {
                    let word = kind.project_word();
                    let message = format!("every {word} that gets its tokens from {host} can assume the role");
                    Finding::new(&TP019, span, message, format!("require {host}:sub{}", example_of(*kind)))
                }
            } else {
                continue;
            };
            if shared.is_none() {
                finding.severity = Severity::High; // strangers have no token of it
            }
            let whose = if shared.is_some() { "somebody else's job" } else { "any job of the issuer" };
            let example = findings.admits_stranger(whose, scope, issuer);
            findings.add(finding.shown_by(example));
        }
    }
}

fn example_of(kind: Kind) -> String {
    kind.subject_to_fill_in().map(|form| format!(", such as {form}")).unwrap_or_default()
}
