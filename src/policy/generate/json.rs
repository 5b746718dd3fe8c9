//! What was tried of a policy, for programs.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Generated, Mutation, QUOTA};

#[derive(Serialize)]
struct Proof<'a> {
    role: &'a str,
    provider: &'a str,
    audience: &'a str,
    admitted: &'a [Map<String, Value>],
    mutations: Vec<Tried<'a>>,
    findings: Vec<Found<'a>>,
    notes: &'a [String],
    size: usize,
    quota: usize,
}

#[derive(Serialize)]
struct Tried<'a> {
    claim: &'a str,
    part: Option<&'static str>,
    from: Option<&'a str>,
    to: Option<&'a str>,
    refused: bool,
    what: String,
}

#[derive(Serialize)]
struct Found<'a> {
    id: &'static str,
    rule: &'static str,
    severity: &'static str,
    message: &'a str,
}

/// `{"role", "provider", "audience", "admitted": [{claims}], "mutations": [{"claim", "part", "from", "to", "refused",
/// "what"}], "findings": [{"id", "rule", "severity", "message"}], "notes", "size", "quota"}`.
///
/// A mutation is an admitted token but for one claim, `from` and `to` being its values and null where there is none,
/// or, with the claim `account`, the same token for a role of another account. `part` is what differs in a subject, in
/// the CI's words, and `what` says all that in a few words. `size` and `quota` are characters without white space.
#[must_use]
pub fn json(generated: &Generated) -> String {
    let proof = Proof {
        role: generated.role.as_str(),
        provider: &generated.issuer,
        audience: &generated.audience,
        admitted: &generated.admitted,
        mutations: generated.proof.iter().map(tried).collect(),
        findings: generated
            .findings
            .iter()
            .map(|finding| Found {
                id: finding.rule.id,
                rule: finding.rule.name,
                severity: finding.severity.name(),
                message: &finding.message,
            })
            .collect(),
        notes: &generated.notes,
        size: generated.length,
        quota: QUOTA,
    };
    // Text, numbers and lists of them always serialise.
    serde_json::to_string(&proof).unwrap_or_default()
}

fn tried(mutation: &Mutation) -> Tried<'_> {
    let Mutation { claim, part, value, from, refused } = mutation;
    Tried { claim, part: *part, from: from.as_deref(), to: value.as_deref(), refused: *refused, what: what(mutation) }
}

/// What differs, to follow "a token with".
fn what(Mutation { claim, part, value, from, .. }: &Mutation) -> String {
    let name = match (claim.as_str(), part) {
        ("account", _) => return "a role of another account".to_owned(),
        ("sub", Some("form")) => return "a subject of another form".to_owned(),
        (_, Some(part)) => part,
        ("iss", None) => "issuer",
        ("aud", None) => "audience",
        ("sub", None) => "subject",
        (claim, None) => claim,
    };
    match (value, from) {
        (None, _) => format!("no {name}"),
        (Some(value), Some(from)) if value.eq_ignore_ascii_case(from) => {
            format!("the same {name} in other letter case")
        }
        _ => format!("another {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_said_in_words() {
        for (claim, part, from, to, expected) in [
            ("account", None, "123456789012", Some("999999990999"), "a role of another account"),
            ("iss", None, "https://a", Some("https://b"), "another issuer"),
            ("aud", None, "Sts", Some("sts"), "the same audience in other letter case"),
            ("sub", None, "x", None, "no subject"),
            ("sub", Some("form"), "x", Some("y"), "a subject of another form"),
            ("sub", Some("owner"), "repo:octo/api:x", Some("repo:other/api:x"), "another owner"),
            ("sub", Some("owner"), "repo:octo/api:x", Some("repo:OCTO/api:x"), "the same owner in other letter case"),
            ("repository_id", None, "74", None, "no repository_id"),
        ] {
            let mutation = Mutation {
                claim: claim.to_owned(),
                part,
                value: to.map(str::to_owned),
                from: Some(from.to_owned()),
                refused: true,
            };
            assert_eq!(what(&mutation), expected);
        }
    }
}
