//! Ids that are none: a name in their place, a placeholder, digits or braces that are missing.

use super::{Finding, Findings, Issuer, Rule, Severity, Test, View, same};
use crate::policy::document::{Condition, Text};
use crate::policy::issuer::Kind;
use crate::policy::pattern::has_wildcard;
use crate::policy::subject::{self, Aligned, Chars, Piece};

pub static TP025: Rule = Rule {
    id: "TP025",
    name: "malformed-id",
    severity: Severity::High,
    title: "an id is written as no id can be, or without its braces",
};

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in &view.scopes {
        for issuer in &scope.issuers {
            for test in scope.tests.iter().filter(|test| test.is_of(issuer)) {
                let Some(shape) = shape_of_key(issuer.kind, test) else { continue };
                for value in &test.condition.values {
                    if has_wildcard(&value.text) || shape.admits(&value.text) {
                        continue;
                    }
                    let name = test.name();
                    let message = format!("{} is no {name} of {}", value.text, issuer.kind.name());
                    let fix = format!("write {}", shape.description());
                    let example = scope.grants.then(|| {
                        let whose = "the job that is meant";
                        findings.wrongly_refuses(whose, scope, issuer, |statement| {
                            replace(same(statement, test.condition), value, shape.sample());
                        })
                    });
                    let finding = Finding::new(&TP025, value.span, message, fix);
                    findings.add(finding.shown_by(example.flatten()));
                }
            }
        }
    }
}

/// Puts another text into the place of a value.
pub(super) fn replace(condition: Option<&mut Condition>, value: &Text, text: &str) {
    let values = condition.into_iter().flat_map(|condition| &mut condition.values);
    for other in values.filter(|other| other.span == value.span) {
        text.clone_into(&mut other.text);
    }
}

#[derive(Clone, Copy)]
enum Shape {
    Digits,
    Uuid,
}

impl Shape {
    fn admits(self, text: &str) -> bool {
        match self {
            Self::Digits => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()),
            Self::Uuid => is_uuid(text),
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Digits => "the number, not the name",
            Self::Uuid => "the whole UUID, of 8, 4, 4, 4 and 12 digits in small letters",
        }
    }

    fn sample(self) -> &'static str {
        match self {
            Self::Digits => "74",
            Self::Uuid => "0184990a-477b-4fa8-9968-496074483cee",
        }
    }
}

fn shape_of_key(kind: Kind, test: &Test<'_>) -> Option<Shape> {
    let (names, shape): (&[&str], Shape) = match kind {
        Kind::GitHub => (&["repository_id", "repository_owner_id", "actor_id", "enterprise_id"], Shape::Digits),
        Kind::GitLab => (&["project_id", "namespace_id", "user_id"], Shape::Digits),
        Kind::Buildkite => (&["organization_id", "pipeline_id", "cluster_id"], Shape::Uuid),
        Kind::CircleCi => (&["oidc.circleci.com/project-id"], Shape::Uuid),
        _ => return None,
    };
    names.iter().any(|name| test.is_on(name)).then_some(shape)
}

/// As all CIs write them: in small letters, with dashes, without braces.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

/// What is wrong with the ids in a value for the subject.
pub(super) fn in_subject<'p>(
    issuer: &Issuer<'_>,
    value: &'p str,
    aligned: Option<&Aligned<'p>>,
    literal: bool,
) -> Option<Wrong<'p>> {
    if let Some(aligned) = aligned {
        let parts = aligned.form.iter().filter_map(|piece| match piece {
            Piece::Part(part) => Some(part),
            Piece::Fixed(_) => None,
        });
        for (part, segment) in parts.zip(aligned.segments()) {
            let wild = !literal && has_wildcard(segment.value);
            // The first group may be all that is tested: `0184990a-*`.
            if part.chars == Chars::Uuid && !wild && !is_uuid(segment.value) {
                return Some(Wrong { name: part.name, text: segment.value, repaired: None });
            }
        }
        return None;
    }
    match issuer.kind {
        Kind::Bitbucket => {
            let wrapped = wrapped(value);
            let known = subject::align(issuer.kind.subjects(), &wrapped, literal).is_some();
            if known && wrapped != value {
                return Some(Wrong { name: "braces", text: value, repaired: Some(wrapped) });
            }
            // A name or a placeholder between the braces.
            let first = value.split(':').find(|part| *part != "*" && !is_uuid(part.trim_matches(['{', '}'])))?;
            value.starts_with('{').then_some(Wrong { name: "repository", text: first, repaired: None })
        }
        Kind::CircleCi | Kind::CircleCiRoot => {
            let mut parts = value.split('/');
            let shape = [Some("org"), None, Some("project"), None, Some("user"), None];
            let mut wrong = None;
            for (at, wanted) in shape.into_iter().enumerate() {
                let part = parts.next();
                match (wanted, part) {
                    (Some(wanted), Some(part)) if part == wanted => {}
                    (None, Some(part)) if is_uuid(part) || has_wildcard(part) => {}
                    (None, Some(part)) => {
                        let name = ["organization id", "project id", "user id"].get(at / 2).copied().unwrap_or("id");
                        wrong = wrong.or(Some(Wrong { name, text: part, repaired: None }));
                    }
                    (Some(_), _) => return None,
                    (None, None) => return wrong,
                }
            }
            wrong
        }
        _ => None,
    }
}

/// An id in a subject that cannot be one.
pub(super) struct Wrong<'p> {
    pub name: &'static str,
    pub text: &'p str,
    /// The value with what it lacks.
    pub repaired: Option<String>,
}

/// Each UUID with its braces.
fn wrapped(value: &str) -> String {
    let parts = value.split(':').map(|part| {
        let bare = part.trim_matches(['{', '}']);
        if is_uuid(bare) { format!("{{{bare}}}") } else { part.to_owned() }
    });
    parts.collect::<Vec<_>>().join(":")
}
