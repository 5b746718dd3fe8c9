//! Session tags: what a token can carry into the session, and what that needs of the policy.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>

use super::{Finding, Findings, Rule, Scope, Severity, Test, View};
use crate::policy::caller::TAG;
use crate::policy::document::Effect;
use crate::policy::issuer::Kind;
use crate::policy::{operator, pattern, sample};

pub static TP030: Rule = Rule {
    id: "TP030",
    name: "tags-never-sent",
    severity: Severity::High,
    title: "a session tag is required of an issuer whose tokens carry none",
};

pub static TP031: Rule = Rule {
    id: "TP031",
    name: "tags-not-allowed",
    severity: Severity::High,
    title: "a session tag is required, and no statement allows sts:TagSession",
};

pub static TP032: Rule = Rule {
    id: "TP032",
    name: "any-tags",
    severity: Severity::Medium,
    title: "sts:TagSession is allowed, and no condition says which tags",
};

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in view.scopes.iter().filter(|scope| scope.statement.effect == Effect::Allow) {
        if scope.grants {
            for test in scope.tests.iter().filter(|test| test.is_required() && is_tag(test)) {
                if let Some(finding) = required(view, scope, test, findings) {
                    findings.add(finding);
                }
            }
        }
        if let Some(finding) = unbounded(view, scope, findings) {
            findings.add(finding);
        }
    }
}

fn is_tag(test: &Test<'_>) -> bool {
    let key = test.condition.key.text.to_ascii_lowercase();
    key.starts_with("aws:requesttag/") || key == "aws:tagkeys" || key == "sts:transitivetagkeys"
}

fn required(view: &View<'_>, scope: &Scope<'_>, test: &Test<'_>, findings: &Findings<'_>) -> Option<Finding> {
    let key = &test.condition.key;
    let host = scope.issuers.first()?.host;
    if scope.issuers.iter().all(|issuer| issuer.kind.never_sends_tags()) {
        let kind = scope.issuers.first()?.kind;
        let message = format!("{} is required, and tokens of {} carry no session tags", key.text, kind.name());
        let fix = format!("remove it, and say who is meant by {host}:sub");
        let example = findings.wrongly_refuses("the job that is meant", scope, scope.issuers.first()?, |statement| {
            statement.conditions.retain(|condition| condition.span != test.condition.span);
        });
        return Some(Finding::new(&TP030, test.condition.span, message, fix).shown_by(example));
    }
    if view.scopes.iter().any(|other| {
        other.statement.effect == Effect::Allow && allows_tags(other) && !other.statement.principals.items.is_empty()
    }) {
        return None;
    }
    let message = format!("{} is required, and a token with tags also needs {TAG}, which is not allowed", key.text);
    let fix = format!("add \"{TAG}\" to Action");
    // Whether the token has the tag or not, it is refused.
    let claims = sample::nearest(view.policy, scope.statement, host);
    let tagged = test.condition.values.first().and_then(|value| {
        let value = value.text.replace(['*', '?'], "x");
        sample::with(&claims, &key.text, host, Some(value))
    });
    let example = findings.proven("a job that sends the tag", tagged, false);
    Some(Finding::new(&TP031, test.condition.span, message, fix).shown_by(example))
}

fn allows_tags(scope: &Scope<'_>) -> bool {
    let actions = &scope.statement.actions;
    actions.patterns.iter().any(|action| pattern::matches(&action.text, TAG, true)) != actions.negated
}

/// Allowed by name, for an issuer that can send tags. A pattern of actions is another rule's.
fn unbounded(view: &View<'_>, scope: &Scope<'_>, findings: &Findings<'_>) -> Option<Finding> {
    let actions = &scope.statement.actions;
    let action = actions.patterns.iter().find(|action| action.text.eq_ignore_ascii_case(TAG))?;
    let sender = scope.issuers.iter().find(|issuer| !issuer.kind.never_sends_tags())?;
    let bounded = |test: &Test<'_>| {
        let operator = test.condition.operator;
        // `ForAllValues` is right here: it is about the tags that there are.
        is_tag(test) && operator.test != operator::Test::Null && !operator.negated
    };
    if actions.negated || scope.tests.iter().any(bounded) {
        return None;
    }
    let message = format!("{} may give the session whatever tags it likes", sender.host);
    let fix = "name the tags: \"ForAllValues:StringEquals\": {\"aws:TagKeys\": [\"NAME\"]}, or require \
               aws:RequestTag/NAME to have a certain value";
    let mut finding = Finding::new(&TP032, action.span, message, fix);
    // A job of Buildkite chooses among claims, and not what they say.
    if sender.kind == Kind::Buildkite {
        finding.severity = Severity::Low;
        finding.message = "the job chooses which of its claims become session tags".to_owned();
    }
    let tagged = sample::admitted(view.policy, scope.statement, sender.host)
        .and_then(|claims| sample::with(&claims, "aws:RequestTag/team", sender.host, Some("admin".to_owned())));
    let example = tagged.filter(|_| sender.kind != Kind::Buildkite);
    Some(finding.shown_by(findings.proven("a job that sets the tag team", example, true)))
}
