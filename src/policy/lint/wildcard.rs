//! Wildcards where the operator knows none, and where none should be.

use super::reach::{self, Width};
use super::{Finding, Findings, Key, Rule, Scope, Severity, Test, View, same};
use crate::policy::document::{Effect, Text};
use crate::policy::issuer::Kind;
use crate::policy::operator::{self, Operator, Set};
use crate::policy::pattern::has_wildcard;

pub static TP010: Rule = Rule {
    id: "TP010",
    name: "literal-wildcard",
    severity: Severity::High,
    title: "a wildcard under an operator that takes it for an ordinary character",
};

pub static TP021: Rule = Rule {
    id: "TP021",
    name: "open-audience",
    severity: Severity::Medium,
    title: "the audience is tested with a wildcard",
};

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in &view.scopes {
        for test in &scope.tests {
            for value in test.condition.values.iter().filter(|value| has_wildcard(&value.text)) {
                if is_literal(test) {
                    findings.add(literal(view, scope, test, value, findings));
                } else if is_open_audience(scope, test) {
                    findings.add(open_audience(scope, test, value, findings));
                }
            }
        }
    }
}

/// An operator that compares text as it stands. `*` is nothing that a claim of a CI has.
fn is_literal(test: &Test<'_>) -> bool {
    matches!(test.condition.operator.test, operator::Test::StringEquals | operator::Test::StringEqualsIgnoreCase)
        && test.key != Key::Global
}

fn literal(view: &View<'_>, scope: &Scope<'_>, test: &Test<'_>, value: &Text, findings: &Findings<'_>) -> Finding {
    let condition = test.condition;
    let (name, key) = (condition.operator_name.text.as_str(), condition.key.text.as_str());
    let negated = condition.operator.negated;
    let message = match (scope.statement.effect, negated) {
        (Effect::Allow, false) => {
            format!("{name} takes the wildcard in {} literally, so that no token matches", value.text)
        }
        (Effect::Allow, true) => {
            format!("{name} takes the wildcard in {} literally, so that it keeps nobody out", value.text)
        }
        (Effect::Deny, false) => {
            format!("{name} takes the wildcard in {} literally, so that the Deny applies to nobody", value.text)
        }
        (Effect::Deny, true) => {
            format!("{name} takes the wildcard in {} literally, so that the Deny applies to everybody", value.text)
        }
    };
    let like = if negated { "StringNotLike" } else { "StringLike" };
    let like = match condition.operator.set {
        Some(Set::All) => format!("ForAllValues:{like}"),
        Some(Set::Any) => format!("ForAnyValue:{like}"),
        None => like.to_owned(),
    };
    let like = if condition.operator.if_exists { format!("{like}IfExists") } else { like };
    let fix = if test.is_on("aud") {
        "write the audience out".to_owned()
    } else if scope.lacks_operator(&like) || condition.values.len() == 1 {
        format!("use {like} for {key}")
    } else {
        format!("move the value to a {like} block")
    };
    let mut finding = Finding::new(&TP010, value.span, message, fix);
    if !scope.grants || negated {
        return finding;
    }
    let Some(issuer) = scope.issuers.iter().find(|issuer| test.is_of(issuer)) else { return finding };
    let example = findings.wrongly_refuses("the job that is meant", scope, issuer, |statement| {
        if let Some(condition) = same(statement, condition) {
            let text = if test.is_on("aud") { "sts.amazonaws.com" } else { &value.text };
            condition.values = vec![Text { text: text.to_owned(), span: value.span }];
            condition.operator = Operator { test: operator::Test::StringLike, ..condition.operator };
        }
    });
    finding = finding.shown_by(example);
    // All values of the block go along, so they have to mean the same under the other operator, and
    // what comes in then has to be somebody whom the policy names.
    let exact = condition.operator.test == operator::Test::StringEquals;
    let plain = scope.beside(test).flat_map(|test| &test.condition.values).all(|value| !has_wildcard(&value.text));
    let narrow = test.is_on("sub") && condition.values.iter().all(|value| names_project(issuer.kind, &value.text));
    if exact && plain && narrow && scope.lacks_operator(&like) && view.policy.refusals.is_empty() {
        finding = finding.edit(condition.operator_name.span, like);
    }
    finding
}

/// Whether a value is a pattern that names customer and project: what somebody wrote who meant just these jobs.
pub(super) fn names_project(kind: Kind, value: &str) -> bool {
    has_wildcard(value)
        && reach::width(kind, value) <= Width::WholeProject
        && crate::policy::subject::align(kind.subjects(), value, false).is_some()
}

fn is_open_audience(scope: &Scope<'_>, test: &Test<'_>) -> bool {
    scope.grants
        && test.condition.operator.test == operator::Test::StringLike
        && !test.condition.operator.negated
        && matches!(test.key, Key::OfIssuer { .. })
        && (test.is_on("aud") || test.is_on("oaud"))
}

fn open_audience(scope: &Scope<'_>, test: &Test<'_>, value: &Text, findings: &Findings<'_>) -> Finding {
    let key = &test.condition.key.text;
    let Some(issuer) = scope.issuers.iter().find(|issuer| test.is_of(issuer)) else {
        return Finding::new(&TP021, value.span, format!("{} is a pattern for {key}", value.text), "write it out");
    };
    let usual = issuer.kind.audience_to_fill_in();
    let other = value.text.replace('*', "something-else").replace('?', "x");
    let message = format!("{} lets in tokens that were made for others, such as for {other}", value.text);
    let fix = format!("write the audience out, as in {usual}");
    let example =
        findings.wrongly_admits("a job that asked for a token for somebody else", scope, issuer, |statement| {
            if let Some(condition) = same(statement, test.condition) {
                condition.values = vec![Text { text: other.clone(), span: value.span }];
            }
        });
    Finding::new(&TP021, value.span, message, fix).shown_by(example)
}
