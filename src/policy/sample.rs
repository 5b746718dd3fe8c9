//! Tokens made up to show what a policy does: for proofs, counter-examples and generated policies.

use serde_json::{Map, Value, json};

use super::caller::{Caller, Role};
use super::document::{Condition, PrincipalKind, Statement, TrustPolicy};
use super::evaluate::{Truth, Verdict, decide, decide_condition};
use super::issuer::Kind;
use super::operator::Test;
use super::subject;

/// The claims that a token of this issuer has when nobody asks for more. Names and ids are made up.
#[must_use]
pub fn usual(issuer: &str) -> Map<String, Value> {
    let kind = Kind::of(issuer);
    let mut claims = Map::new();
    let mut set = |name: &str, value: &str| claims.insert(name.to_owned(), Value::from(value));
    set("iss", &format!("https://{issuer}"));
    set("aud", kind.usual_audience().unwrap_or("sts.amazonaws.com"));
    let subject = kind.subjects().first().and_then(|form| subject::witness(&[*form], "*", false));
    set("sub", &subject.unwrap_or_else(|| "someone".to_owned()));
    for (name, value) in of_kind(kind) {
        set(name, value);
    }
    claims
}

fn of_kind(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::GitHub => &[
            ("repository", "octo-org/octo-repo"),
            ("repository_id", "74"),
            ("repository_owner_id", "9919"),
            ("actor", "octocat"),
            ("actor_id", "12"),
            ("workflow", "deploy"),
            ("ref", "refs/heads/main"),
            ("environment", "production"),
            ("job_workflow_ref", "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main"),
        ],
        Kind::GitLab => &[
            ("namespace_id", "72"),
            ("project_id", "20"),
            ("user_id", "1"),
            ("user_login", "sample-user"),
            ("user_email", "sample-user@example.com"),
            ("user_access_level", "developer"),
            ("ref_protected", "true"),
            ("pipeline_source", "push"),
            ("runner_environment", "gitlab-hosted"),
        ],
        Kind::Buildkite => &[
            ("organization_slug", "acme"),
            ("organization_id", "0184990a-4777-4e2b-a4f0-f1d4d4b8d4e1"),
            ("pipeline_slug", "deploy"),
            ("pipeline_id", "0184990a-477b-4fa8-9968-496074483cee"),
            ("cluster_name", "default"),
            ("cluster_id", "0184990a-4780-4d3f-8f2c-2b1c7d3c9a55"),
            ("build_branch", "main"),
        ],
        Kind::CircleCi => &[("oidc.circleci.com/project-id", "7d5e5c1e-7a54-4b7e-9ad5-0c2cf1b6a1a2")],
        _ => &[],
    }
}

/// Claims that the statement lets in, if any can be found: the usual ones, changed where a condition asks for it.
#[must_use]
pub fn admitted(policy: &TrustPolicy, statement: &Statement, issuer: &str) -> Option<Map<String, Value>> {
    let mut claims = usual(issuer);
    for condition in &statement.conditions {
        if holds(policy, condition, &claims) {
            continue;
        }
        let name = condition.key.text.rsplit_once(':').map_or("", |(_, name)| name);
        let candidates = candidates(condition, Kind::of(issuer), name);
        claims = candidates.into_iter().find_map(|value| {
            let changed = with(&claims, &condition.key.text, issuer, value)?;
            let of_key = statement.conditions.iter().filter(|other| other.key.text == condition.key.text);
            of_key.into_iter().all(|condition| holds(policy, condition, &changed)).then_some(changed)
        })?;
    }
    let caller = Caller::of_claims(claims).with_role(role_of(statement, issuer));
    (decide(policy, &caller).verdict == Verdict::Allowed).then_some(caller.claims)
}

/// The role's account, as far as the statement's provider tells it.
#[must_use]
pub fn role_of(statement: &Statement, issuer: &str) -> Option<Role> {
    let federated = statement.principals.items.iter().filter(|principal| principal.kind == PrincipalKind::Federated);
    let provider = federated.into_iter().find(|principal| principal.value.text.ends_with(&format!("/{issuer}")))?;
    Role::of_arn(&provider.value.text)
}

fn holds(policy: &TrustPolicy, condition: &Condition, claims: &Map<String, Value>) -> bool {
    let caller = Caller::of_claims(claims.clone());
    decide_condition(condition, &caller, policy.has_variables()).truth == Truth::Yes
}

/// Values that could satisfy the condition; `None` takes the key away.
fn candidates(condition: &Condition, kind: Kind, name: &str) -> Vec<Option<String>> {
    let operator = condition.operator;
    let texts = condition.values.iter().map(|value| value.text.as_str());
    if operator.test == Test::Null || operator.negated {
        return vec![None, Some("another".to_owned())];
    }
    let forms = kind.subjects();
    let concrete = |text: &str| match operator.test {
        Test::StringLike if name.eq_ignore_ascii_case("sub") => {
            subject::witness(forms, text, false).unwrap_or_else(|| filled(text))
        }
        Test::StringLike | Test::Arn => filled(text),
        _ => text.to_owned(),
    };
    texts.map(|text| Some(concrete(text))).collect()
}

/// A pattern with its wildcards replaced by text that could stand there.
fn filled(pattern: &str) -> String {
    pattern.replace(['*', '?'], "x")
}

/// The claims with another value behind a condition key. `None`: no claim of the token is behind it.
#[must_use]
pub fn with(claims: &Map<String, Value>, key: &str, issuer: &str, value: Option<String>) -> Option<Map<String, Value>> {
    let mut claims = claims.clone();
    let (prefix, name) = key.rsplit_once(':')?;
    if let Some(tag) =
        key.split_at_checked("aws:RequestTag/".len()).filter(|(start, _)| start.eq_ignore_ascii_case("aws:RequestTag/"))
    {
        let tags = claims.entry("https://aws.amazon.com/tags").or_insert_with(|| json!({"principal_tags": {}}));
        let tags = tags.get_mut("principal_tags")?.as_object_mut()?;
        match value {
            Some(value) => tags.insert(tag.1.to_owned(), json!([value])),
            None => tags.remove(tag.1),
        };
        return Some(claims);
    }
    if !prefix.eq_ignore_ascii_case(issuer) {
        return None;
    }
    let claim = if name.eq_ignore_ascii_case("oaud") { "aud" } else { crate::keys::claim_of_key(issuer, name)? };
    match value {
        Some(value) => claims.insert(claim.to_owned(), Value::from(value)),
        None => claims.remove(claim),
    };
    Some(claims)
}
