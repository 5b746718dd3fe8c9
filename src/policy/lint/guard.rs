//! Conditions that are true for a token that does not have the key at all.

use super::{Finding, Findings, Issuer, Key, Rule, Scope, Severity, Test, View};
use crate::keys;
use crate::policy::caller::is_multi_valued;
use crate::policy::issuer::Kind;
use crate::policy::operator::{self, Set};

pub static TP011: Rule = Rule {
    id: "TP011",
    name: "for-all-values",
    severity: Severity::Critical,
    title: "ForAllValues is also true when the token does not have the key",
};

pub static TP012: Rule = Rule {
    id: "TP012",
    name: "if-exists",
    severity: Severity::Critical,
    title: "what tells customers apart is only tested where the token has it",
};

pub static TP013: Rule = Rule {
    id: "TP013",
    name: "only-negated",
    severity: Severity::High,
    title: "the policy says who may not come in, and nowhere who may",
};

/// What tells the jobs that may come in from others, in one statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// A condition on the subject, or on an id or name of customer or project.
    Required,
    /// Such a condition, but one that lets a token without the key in, or all but some.
    Weak,
    /// A condition on a key that no token of the issuer has, and that is true for that.
    Nothing,
    None,
}

pub(super) fn of(scope: &Scope<'_>, issuer: &Issuer<'_>) -> Guard {
    let mut guard = Guard::None;
    let key = Kind::tenancy_key_of(issuer.host).unwrap_or("sub");
    for test in &scope.tests {
        if test.condition.operator.test == operator::Test::Null {
            continue;
        }
        let of = match test.key {
            Key::OfIssuer { .. } if test.is_identity(issuer) || (test.is_of(issuer) && test.is_on(key)) => {
                if test.is_required() { Guard::Required } else { Guard::Weak }
            }
            Key::OfIssuer { name, .. } if keys::claim_of_key(issuer.host, name).is_some() => Guard::None,
            Key::OfIssuer { .. } | Key::Foreign { .. } => Guard::Nothing,
            Key::Global => Guard::None,
        };
        guard = match (guard, of) {
            (Guard::Required, _) | (_, Guard::Required) => Guard::Required,
            (Guard::Weak, _) | (_, Guard::Weak) => Guard::Weak,
            (Guard::Nothing, _) | (_, Guard::Nothing) => Guard::Nothing,
            _ => Guard::None,
        };
    }
    guard
}

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in view.grants() {
        let Some(issuer) = scope.issuers.first() else { continue };
        let mut last = None;
        for test in &scope.tests {
            let operator = test.condition.operator;
            if operator.set == Some(Set::All) {
                // Once for each block, and not for `aws:TagKeys`, which is what it was made for.
                let block = test.condition.operator_name.span;
                if last != Some(block) && !is_multi_valued(&test.condition.key.text) {
                    last = Some(block);
                    findings.add(for_all_values(scope, issuer, test, findings));
                }
                continue;
            }
            if !test.is_identity(issuer) || test.is_required() || operator.test == operator::Test::Null {
                continue;
            }
            if of(scope, issuer) == Guard::Weak && findings.may_admit(scope, issuer) {
                findings.add(if operator.if_exists && !operator.negated {
                    if_exists(scope, issuer, test, findings)
                } else {
                    only_negated(scope, issuer, test, findings)
                });
            }
        }
    }
}

fn for_all_values(scope: &Scope<'_>, issuer: &Issuer<'_>, test: &Test<'_>, findings: &Findings<'_>) -> Finding {
    let condition = test.condition;
    let (operator, key) = (condition.operator_name.text.as_str(), condition.key.text.as_str());
    let plain = operator.split_once(':').map_or(operator, |(_, plain)| plain);
    let message = format!("{operator} is also true for a token that has no {key}");
    let fix = instead(scope, issuer, test, plain);
    let mut finding = Finding::new(&TP011, condition.operator_name.span, message, fix);
    if of(scope, issuer) == Guard::Required {
        finding.severity = Severity::Medium; // another condition says whose job it is
    }
    let never = matches!(test.key, Key::OfIssuer { name, .. } if keys::claim_of_key(issuer.host, name).is_none());
    let whose = if never { "a job, of which AWS sees no such claim" } else { "a job whose token has no such claim" };
    let example = findings.admits_without(whose, scope, issuer, test.name());
    let example = example.or_else(|| {
        let whose = "the job, whatever its token says there";
        findings.wrongly_admits(whose, scope, issuer, |_| ()).filter(|_| never)
    });
    let finding = finding.shown_by(example);
    with_operator(finding, scope, issuer, test, plain)
}

/// The operator to use, and which keys of the block it does not do for.
fn instead(scope: &Scope<'_>, issuer: &Issuer<'_>, test: &Test<'_>, plain: &str) -> String {
    let mut fix = format!("use {plain}");
    for test in std::iter::once(test).chain(scope.beside(test)) {
        let key = &test.condition.key.text;
        if is_multi_valued(key) {
            fix = format!("{fix}, and ForAnyValue:{plain} for {key}");
        } else if test.is_of(issuer) && keys::claim_of_key(issuer.host, test.name()).is_none() {
            fix = format!("{fix}, and leave out {key}, which no token has");
        }
    }
    fix
}

fn if_exists(scope: &Scope<'_>, issuer: &Issuer<'_>, test: &Test<'_>, findings: &Findings<'_>) -> Finding {
    let condition = test.condition;
    let (operator, key) = (condition.operator_name.text.as_str(), condition.key.text.as_str());
    let plain = operator.get(..operator.len().saturating_sub("IfExists".len())).unwrap_or(operator);
    let message = format!("{operator} lets in a token that has no {key}, and nothing else says whose job it is");
    let example = findings.admits_without("a job whose token lacks the claim", scope, issuer, test.name());
    let finding = Finding::new(&TP012, condition.operator_name.span, message, format!("use {plain}"));
    with_operator(finding.shown_by(example), scope, issuer, test, plain)
}

fn only_negated(scope: &Scope<'_>, issuer: &Issuer<'_>, test: &Test<'_>, findings: &Findings<'_>) -> Finding {
    let condition = test.condition;
    let (operator, key) = (condition.operator_name.text.as_str(), condition.key.text.as_str());
    let message = format!("{operator} on {key} keeps some out and lets everybody else in");
    let positive = operator.replacen("Not", "", 1);
    let fix = format!("say who may come in, by {positive} on {}:sub", issuer.host);
    let mut finding = Finding::new(&TP013, condition.span, message, fix);
    let shared = Kind::tenancy_key_of(issuer.host).is_some();
    if shared {
        finding.severity = Severity::Critical;
    }
    let whose = if shared { "somebody else's job" } else { "any other job of the issuer" };
    finding.shown_by(findings.admits_stranger(whose, scope, issuer))
}

/// With the edit that gives the block another operator, where that keeps out more than before and
/// nobody loses what works: every token has the keys of the block.
fn with_operator(finding: Finding, scope: &Scope<'_>, issuer: &Issuer<'_>, test: &Test<'_>, operator: &str) -> Finding {
    let known = |test: &Test<'_>| {
        test.is_of(issuer)
            && !is_multi_valued(&test.condition.key.text)
            && keys::claim_of_key(issuer.host, test.name()).is_some()
    };
    if known(test) && scope.beside(test).all(known) && scope.lacks_operator(operator) {
        finding.edit(test.condition.operator_name.span, operator)
    } else {
        finding
    }
}
