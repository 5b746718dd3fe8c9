//! Subjects that are right by their form, and say less than their author may think.

use super::guard::{self, Guard};
use super::reach::{self, Width};
use super::{Finding, Findings, Issuer, Rule, Scope, Severity, Test, View, same, template};
use crate::policy::document::Text;
use crate::policy::issuer::Kind;
use crate::policy::pattern::has_wildcard;
use crate::policy::source::Found;
use crate::policy::subject;

pub static TP008: Rule = Rule {
    id: "TP008",
    name: "pull-request",
    severity: Severity::High,
    title: "code of a pull request runs with a role that can change things",
};

pub static TP009: Rule = Rule {
    id: "TP009",
    name: "chosen-by-anybody",
    severity: Severity::High,
    title: "the subject starts with something that anybody can choose, and names no owner",
};

pub static TP028: Rule = Rule {
    id: "TP028",
    name: "names-only",
    severity: Severity::Low,
    title: "names are tested, which can go over to somebody else, and no ids",
};

pub static TP029: Rule = Rule {
    id: "TP029",
    name: "environment-protection",
    severity: Severity::Low,
    title: "the environment is what keeps others out, as far as its protection rules do",
};

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in view.grants() {
        for issuer in &scope.issuers {
            let required = || scope.of(issuer, "sub").filter(|test| test.is_required());
            if issuer.kind == Kind::GitHub {
                for test in required() {
                    for value in &test.condition.values {
                        pull_request(view, scope, issuer, test, value, findings);
                        by_choice(scope, issuer, test, value, findings);
                    }
                }
            }
        }
    }
}

pub(super) fn worth_knowing(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in view.grants() {
        for issuer in &scope.issuers {
            if !findings.is_sound(scope) {
                break;
            }
            if issuer.kind == Kind::GitHub {
                environment(scope, issuer, findings);
            }
            let mut required = scope.of(issuer, "sub").filter(|test| test.is_required());
            if let Some(value) = required.find_map(|test| test.condition.values.first()) {
                names_only(scope, issuer, value, findings);
            }
        }
    }
}

/// A role for pull requests is fine while it can only read, which the trust policy does not say.
fn pull_request(
    view: &View<'_>,
    scope: &Scope<'_>,
    issuer: &Issuer<'_>,
    test: &Test<'_>,
    value: &Text,
    findings: &mut Findings<'_>,
) {
    if !value.text.ends_with(":pull_request") || !value.text.starts_with("repo:") {
        return;
    }
    let writes = what_writes(view.found);
    let deploys = test.condition.values.iter().find(|other| is_deploy(&other.text));
    let (severity, why) = match (&writes, deploys) {
        (Some(policy), _) => (Severity::High, format!("and the role has {policy}")),
        (None, _) if only_reads(view.found) => return,
        (None, Some(other)) => (Severity::Medium, format!("and shares it with {}", other.text)),
        (None, None) => (Severity::Low, "which is safe while that can only read".to_owned()),
    };
    let message = format!("the code of any pull request in {} runs with this role, {why}", repository(&value.text));
    let fix = "give pull requests a role of their own that can only read";
    let mut finding = Finding::new(&TP008, value.span, message, fix);
    finding.severity = severity;
    let example = findings.wrongly_admits(
        "a pull request that nobody has reviewed",
        scope,
        issuer,
        only(test, value, &value.text),
    );
    findings.add(finding.shown_by(example));
}

fn repository(value: &str) -> &str {
    value.strip_prefix("repo:").and_then(|rest| rest.split(':').next()).unwrap_or(value)
}

/// Subjects of jobs that people deploy from.
fn is_deploy(value: &str) -> bool {
    value.contains(":environment:") || value.contains(":ref:refs/heads/main") || value.contains(":ref:refs/tags/")
}

fn what_writes(found: &Found) -> Option<&str> {
    let attached = &found.role.as_ref()?.attached;
    let writes =
        |name: &str| ["AdministratorAccess", "PowerUserAccess"].contains(&name) || name.ends_with("FullAccess");
    attached.iter().map(|policy| policy.text.rsplit('/').next().unwrap_or(&policy.text)).find(|name| writes(name))
}

fn only_reads(found: &Found) -> bool {
    let attached = found.role.as_ref().map_or(&[][..], |role| &role.attached);
    let reads = |name: &str| name.ends_with("ReadOnlyAccess") || name.ends_with("ReadOnly") || name == "ViewOnlyAccess";
    !attached.is_empty() && attached.iter().all(|policy| reads(&policy.text))
}

fn only<'t>(
    test: &'t Test<'_>,
    value: &'t Text,
    text: &'t str,
) -> impl FnOnce(&mut crate::policy::document::Statement) + 't {
    move |statement| {
        if let Some(condition) = same(statement, test.condition) {
            condition.values = vec![Text { text: text.to_owned(), span: value.span }];
        }
    }
}

fn by_choice(scope: &Scope<'_>, issuer: &Issuer<'_>, test: &Test<'_>, value: &Text, findings: &mut Findings<'_>) {
    let Some(first) = template::chosen_by_anybody(&value.text) else { return };
    let names_owner = scope.identity(issuer).any(|other| !other.is_on("sub") && other.is_required());
    if names_owner || guard::of(scope, issuer) != Guard::Required {
        return;
    }
    let message = format!(
        "{} names no owner, and anybody can have a repository write its subject with {first} first",
        value.text
    );
    let host = issuer.host;
    let fix = format!(
        "put the repository first in the template of the subject, or require {host}:repository_owner_id as well"
    );
    let narrowed = value.text.trim_end_matches([':', '*']);
    let example = findings.wrongly_admits(
        "somebody else's job, whose repository writes such a subject",
        scope,
        issuer,
        only(test, value, narrowed),
    );
    let example = example.or_else(|| {
        findings.wrongly_admits(
            "somebody else's job, whose repository writes such a subject",
            scope,
            issuer,
            only(test, value, &value.text),
        )
    });
    findings.add(Finding::new(&TP009, value.span, message, fix).shown_by(example));
}

/// Ids can be tested, and none is: who gets the name next gets the role.
fn names_only(scope: &Scope<'_>, issuer: &Issuer<'_>, value: &Text, findings: &mut Findings<'_>) {
    let ids: &[&str] = match issuer.kind {
        // Since July 2026 the subjects of new repositories hold ids, so on github.com a name that was
        // given up cannot be used; elsewhere it can.
        Kind::GitHub if issuer.host.starts_with("token.actions.githubusercontent.com") => return,
        Kind::GitHub => &["repository_id", "repository_owner_id", "enterprise_id"],
        Kind::GitLab => &["project_id", "namespace_id"],
        Kind::Buildkite => &["pipeline_id", "organization_id", "cluster_id"],
        _ => return,
    };
    let has_id = scope.identity(issuer).any(|test| test.is_required() && ids.iter().any(|id| test.is_on(id)));
    // The subject may be an id itself.
    let names =
        subject::align(issuer.kind.subjects(), &value.text, false).is_some_and(|aligned| aligned.get("id").is_none());
    let wide = reach::width(issuer.kind, &value.text) > Width::WholeProject; // and then this does not matter yet
    if has_id || !names || wide || crate::keys::of_issuer(issuer.host).is_empty() {
        return;
    }
    let (name, word) = (issuer.kind.name(), issuer.kind.project_word());
    let message = format!("only names are tested; a {word} that gets this name later on {name} gets the role with it");
    let fix = match ids {
        [first, second, ..] => format!("require {0}:{first} or {0}:{second} as well", issuer.host),
        _ => return,
    };
    let example = renamed(scope, issuer, ids, findings);
    findings.add(Finding::new(&TP028, value.span, message, fix).shown_by(example));
}

/// The same names with ids that are somebody else's.
fn renamed(
    scope: &Scope<'_>,
    issuer: &Issuer<'_>,
    ids: &[&str],
    findings: &Findings<'_>,
) -> Option<super::CounterExample> {
    let example = findings.wrongly_admits("a later owner of the name", scope, issuer, |_| ())?;
    let mut claims = example.claims;
    let theirs = crate::policy::sample::strangers(issuer.host);
    for id in ids.iter().take(2) {
        if let Some(value) = theirs.get(*id) {
            claims.insert((*id).to_owned(), value.clone());
        }
    }
    findings.proven(&example.whose, Some(claims), true)
}

/// An environment without rules can be named by a job of any branch.
fn environment(scope: &Scope<'_>, issuer: &Issuer<'_>, findings: &mut Findings<'_>) {
    let others = ["ref", "job_workflow_ref"];
    if others.iter().any(|name| scope.of(issuer, name).any(Test::is_required)) {
        return;
    }
    let of_subject = scope.of(issuer, "sub").filter(|test| test.is_required());
    let Some((test, value, name)) = of_subject
        .flat_map(|test| test.condition.values.iter().map(move |value| (test, value)))
        .find_map(|(test, value)| {
            let (_, name) = value.text.split_once(":environment:").filter(|_| value.text.starts_with("repo:"))?;
            (!has_wildcard(name)).then_some((test, value, name))
        })
    else {
        return;
    };
    let message =
        format!("a job of any branch may name the environment {name}, unless its protection rules say otherwise");
    let host = issuer.host;
    let fix = format!("limit the environment {name} to the branches that deploy, or require {host}:ref as well");
    let whose = "a job of any branch that names the environment";
    let example = findings.wrongly_admits(whose, scope, issuer, only(test, value, &value.text));
    let example = example.and_then(|mut example| {
        example.claims.insert("ref".to_owned(), "refs/heads/try-something".into());
        findings.proven(whose, Some(example.claims), true)
    });
    findings.add(Finding::new(&TP029, value.span, message, fix).shown_by(example));
}
