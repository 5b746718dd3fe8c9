//! The two ways in which GitHub writes a repository: by names, and since July 2026 by names and ids.
//! <https://docs.github.com/en/actions/reference/security/oidc>

use super::{Finding, Findings, Issuer, Rule, Scope, Severity, Test, View, same};
use crate::policy::document::Text;
use crate::policy::issuer::Kind;
use crate::policy::pattern::has_wildcard;
use crate::policy::subject::{self, Aligned};

pub static TP026: Rule = Rule {
    id: "TP026",
    name: "subject-without-ids",
    severity: Severity::Medium,
    title: "repositories whose subject holds ids are kept out",
};

pub static TP027: Rule = Rule {
    id: "TP027",
    name: "subject-with-ids",
    severity: Severity::Medium,
    title: "repositories whose subject holds no ids are kept out",
};

/// GitHub's billionth repository is of June 2025, a year before subjects got ids.
const FIRST_BILLION: usize = 10;

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in view.grants() {
        for issuer in scope.issuers.iter().filter(|issuer| writes_ids(issuer)) {
            if !findings.is_sound(scope) {
                break;
            }
            let (mut with_ids, mut without, mut open) = (None, None, false);
            for test in scope.of(issuer, "sub").filter(|test| test.is_required()) {
                let literal = !test.condition.operator.has_wildcards();
                for value in &test.condition.values {
                    let Some(aligned) = subject::align(Kind::GitHub.subjects(), &value.text, literal) else { continue };
                    // A wildcard behind a name takes the id as well.
                    open |= is_open(&aligned);
                    let has_ids = aligned.get("owner id").is_some();
                    (if has_ids { &mut with_ids } else { &mut without }).get_or_insert((test, value, aligned));
                }
            }
            match (with_ids, without) {
                _ if open => {}
                (None, Some((test, value, aligned))) => {
                    findings.add(names(scope, issuer, test, value, &aligned, findings));
                }
                (Some((test, value, aligned)), None) if is_old(&aligned) => {
                    findings.add(ids(scope, issuer, test, value, &aligned, findings));
                }
                _ => {}
            }
        }
    }
}

/// github.com does; servers that others run do not.
fn writes_ids(issuer: &Issuer<'_>) -> bool {
    issuer.host.split('/').next() == Some("token.actions.githubusercontent.com")
}

fn is_open(aligned: &Aligned<'_>) -> bool {
    let wild = |name: &str| aligned.get(name).is_none_or(|text| text.contains(['*', '?']));
    // A part of a name is a mistake by itself.
    wild("owner") || aligned.get("repository").is_some_and(|name| name != "*" && name.contains(['*', '?']))
}

fn is_whole(aligned: &Aligned<'_>) -> bool {
    aligned.get("repository").is_none_or(|text| text == "*")
}

/// Whether the repository was there before subjects had ids, or may have been.
fn is_old(aligned: &Aligned<'_>) -> bool {
    let id = aligned.get("repository id").unwrap_or("*");
    id == "*" || (id.len() < FIRST_BILLION && id.bytes().all(|byte| byte.is_ascii_digit()))
}

fn names(
    scope: &Scope<'_>,
    issuer: &Issuer<'_>,
    test: &Test<'_>,
    value: &Text,
    aligned: &Aligned<'_>,
    findings: &Findings<'_>,
) -> Finding {
    let owner = aligned.get("owner").unwrap_or_default();
    let repository = aligned.get("repository").unwrap_or("*");
    let owner_id = one(scope, issuer, "repository_owner_id").unwrap_or("OWNER_ID");
    let repository_id = one(scope, issuer, "repository_id").unwrap_or("REPOSITORY_ID");
    let rest = aligned.place("repository").and_then(|place| value.text.get(place.end..)).unwrap_or(":*");
    let whole = is_whole(aligned);
    let other = if whole {
        format!("repo:{owner}@{owner_id}/*{rest}")
    } else {
        format!("repo:{owner}@{owner_id}/{repository}@{repository_id}{rest}")
    };
    let message = if whole {
        format!(
            "{} misses the repositories that {owner} has created since July 2026, whose subjects hold ids",
            value.text
        )
    } else {
        format!(
            "{} matches only while GitHub writes {owner}/{repository} without ids, as it does for repositories from before July 2026",
            value.text
        )
    };
    let mut finding = Finding::new(&TP026, value.span, message, format!("accept {other} as well"));
    // Of all repositories some will be new; of one, nobody knows. And who has not said that all are
    // meant is told to name one first.
    if !whole || one(scope, issuer, "repository_owner_id").is_none() {
        finding.severity = Severity::Low;
    }
    let (whose, subject) = if whole {
        let rest = if rest.is_empty() { ":*" } else { rest };
        ("a job of a new repository", format!("repo:{owner}@9919/new-repo@1296269000{rest}"))
    } else {
        let subject = other.replace("OWNER_ID", "9919").replace("REPOSITORY_ID", "1296269000");
        ("the job, if the repository is new or was renamed", subject)
    };
    finding.shown_by(refused(whose, scope, issuer, test, value, subject, findings))
}

fn ids(
    scope: &Scope<'_>,
    issuer: &Issuer<'_>,
    test: &Test<'_>,
    value: &Text,
    aligned: &Aligned<'_>,
    findings: &Findings<'_>,
) -> Finding {
    let owner = aligned.get("owner").unwrap_or_default();
    let repository = aligned.get("repository").unwrap_or("*");
    let end = aligned.place("repository id").or_else(|| aligned.place("repository")).map_or(0, |place| place.end);
    let rest = value.text.get(end..).unwrap_or_default();
    let whole = is_whole(aligned);
    let other = format!("repo:{owner}/{repository}{rest}");
    let message = if whole {
        format!("{} misses the older repositories of {owner}, whose subjects hold no ids", value.text)
    } else {
        format!(
            "{owner}/{repository} is older than subjects with ids, so {} matches only if it was renamed, moved or told to",
            value.text
        )
    };
    let mut finding = Finding::new(&TP027, value.span, message, format!("accept {other} as well"));
    if !whole || one(scope, issuer, "repository_owner_id").is_none() {
        finding.severity = Severity::Low;
    }
    let whose = if whole {
        "a job of a repository from before July 2026"
    } else {
        "the job, while the repository is as it was"
    };
    finding.shown_by(refused(whose, scope, issuer, test, value, other, findings))
}

/// A value that is tested without wildcards, if there is one.
fn one<'s>(scope: &'s Scope<'_>, issuer: &'s Issuer<'_>, name: &'s str) -> Option<&'s str> {
    let mut values = scope.of(issuer, name).filter(|test| test.is_required()).flat_map(|test| &test.condition.values);
    let first = values.next()?;
    (values.next().is_none() && !has_wildcard(&first.text)).then_some(first.text.as_str())
}

fn refused(
    whose: &str,
    scope: &Scope<'_>,
    issuer: &Issuer<'_>,
    test: &Test<'_>,
    value: &Text,
    subject: String,
    findings: &Findings<'_>,
) -> Option<super::CounterExample> {
    findings.wrongly_refuses(whose, scope, issuer, |statement| {
        if let Some(condition) = same(statement, test.condition) {
            condition.operator.test = crate::policy::operator::Test::StringLike;
            condition.values = vec![Text { text: subject, span: value.span }];
        }
    })
}
