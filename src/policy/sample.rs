//! Tokens made up to show what a policy does: for proofs, counter-examples and generated policies.

use serde_json::{Map, Value, json};

use super::caller::{Caller, Role};
use super::document::{Condition, PrincipalKind, Statement, TrustPolicy};
use super::evaluate::{Verdict, decide, decide_condition};
use super::issuer::Kind;
use super::operator::Test;
use super::pattern;
use super::subject;
use super::truth::Truth;
use crate::token::TAGS;

/// The claims that a token of this issuer has when nobody asks for more. Names and ids are made up.
#[must_use]
pub fn usual(issuer: &str) -> Map<String, Value> {
    let kind = Kind::of(issuer);
    let mut claims = Map::new();
    let mut set = |name: &str, value: &str| claims.insert(name.to_owned(), Value::from(value));
    set("iss", &format!("https://{issuer}"));
    let organization = issuer.strip_prefix("oidc.circleci.com/org/");
    let of_workspace = "ari:cloud:bitbucket::workspace/5a6b7c8d-9e0f-4a1b-8c2d-3e4f5a6b7c8d";
    let audience = organization.or((kind == Kind::Bitbucket).then_some(of_workspace)).or(kind.usual_audience());
    set("aud", audience.unwrap_or("sts.amazonaws.com"));
    let subject = kind.subjects().first().map(|form| subject::sample(form));
    let subject = match (subject, organization) {
        (Some(subject), Some(organization)) => {
            subject.replacen("b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11", organization, 1)
        }
        (Some(subject), None) => subject,
        (None, _) => "someone".to_owned(),
    };
    set("sub", &subject);
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

/// The same of somebody who has nothing to do with the role: a stranger, or, where the issuer is one
/// customer's alone, another of their projects.
#[must_use]
pub fn strangers(issuer: &str) -> Map<String, Value> {
    let mut claims = usual(issuer);
    let kind = Kind::of(issuer);
    let changes: &[(&str, &str)] = match kind {
        Kind::GitHub => &[
            ("sub", "repo:someone-else/their-repo:ref:refs/heads/main"),
            ("repository_id", "1296269"),
            ("repository_owner_id", "583231"),
            ("actor", "someone"),
            ("actor_id", "583231"),
        ],
        Kind::GitLab => &[
            ("sub", "project_path:someone-else/project:ref_type:branch:ref:main"),
            ("namespace_id", "4711"),
            ("project_id", "4712"),
        ],
        Kind::Buildkite => &[
            (
                "sub",
                "organization:someone-else:pipeline:theirs:ref:refs/heads/main:commit:9f3182061f1e2cca4702c368cbc039b7dc9d4485:step:",
            ),
            ("organization_id", "01849911-1111-4111-8111-111111111111"),
            ("pipeline_id", "01849911-2222-4222-8222-222222222222"),
            ("cluster_id", "01849911-3333-4333-8333-333333333333"),
        ],
        Kind::GitLabOwn => &[("sub", "project_path:other-group/project:ref_type:branch:ref:main")],
        Kind::AzureDevOps => &[("sub", "sc://acme/other/other-connection")],
        Kind::CircleCiRoot => &[(
            "sub",
            "org/11111111-1111-4111-8111-111111111111/project/22222222-2222-4222-8222-222222222222/user/33333333-3333-4333-8333-333333333333",
        )],
        Kind::Bitbucket => &[("sub", "{99999999-8888-4777-8666-555555555555}:{0b7a9d1c-3e5f-4a6b-8c7d-9e0f1a2b3c4d}")],
        Kind::Bitrise => &[("sub", "app:ffffffffffffffff:workflow:anything")],
        Kind::TerraformCloud => &[("sub", "organization:someone-else:project:theirs:workspace:theirs:run_phase:apply")],
        _ => &[],
    };
    for (name, value) in changes {
        claims.insert((*name).to_owned(), Value::from(*value));
    }
    if let Some(organization) = issuer.strip_prefix("oidc.circleci.com/org/") {
        let project = "22222222-2222-4222-8222-222222222222/user/33333333-3333-4333-8333-333333333333";
        claims.insert("sub".to_owned(), format!("org/{organization}/project/{project}").into());
    }
    follow_subject(kind, &mut claims);
    claims
}

/// Claims that the statement lets in, if any can be found: the usual ones, changed where a condition asks for it.
#[must_use]
pub fn admitted(policy: &TrustPolicy, statement: &Statement, issuer: &str) -> Option<Map<String, Value>> {
    let (claims, verdict) = built(policy, statement, issuer, usual(issuer))?;
    (verdict == Verdict::Allowed).then_some(claims)
}

/// As [`admitted`], from claims to start with.
#[must_use]
pub fn admitted_from(
    policy: &TrustPolicy,
    statement: &Statement,
    issuer: &str,
    start: Map<String, Value>,
) -> Option<Map<String, Value>> {
    let (claims, verdict) = built(policy, statement, issuer, start)?;
    (verdict == Verdict::Allowed).then_some(claims)
}

/// Whether some token may come in by this statement, or it cannot be told: by a condition on the call,
/// say. What AWS would not save is looked at as if it had been.
#[must_use]
pub fn may_admit(policy: &TrustPolicy, statement: &Statement, issuer: &str) -> bool {
    built(policy, statement, issuer, usual(issuer)).is_some_and(|(_, verdict)| verdict != Verdict::Denied)
}

/// Claims that come as near to the statement's conditions as can be: those that no token meets are passed over.
#[must_use]
pub fn nearest(policy: &TrustPolicy, statement: &Statement, issuer: &str) -> Map<String, Value> {
    let mut caller = Caller::of_claims(usual(issuer));
    for condition in in_order(statement, issuer) {
        if truth(policy, condition, &caller) == Truth::No
            && let Some(met) = meeting(policy, statement, condition, issuer, &caller.claims)
        {
            caller = met;
        }
    }
    Asked::by(policy).only(caller.claims)
}

fn built(
    policy: &TrustPolicy,
    statement: &Statement,
    issuer: &str,
    mut start: Map<String, Value>,
) -> Option<(Map<String, Value>, Verdict)> {
    let asked = Asked::by(policy);
    start.retain(|name, _| asked.has(name) || LEADING.contains(&name.as_str()));
    let mut caller = Caller::of_claims(start);
    for condition in in_order(statement, issuer) {
        // One that depends on the call is passed over.
        if truth(policy, condition, &caller) == Truth::No {
            caller = meeting(policy, statement, condition, issuer, &caller.claims)?;
        }
    }
    let claims = asked.only(caller.claims);
    let caller = Caller::of_claims(claims).with_role(role_of(statement, issuer));
    let verdict = decide(policy, &caller).actions.iter().fold(Verdict::Allowed, |worst, action| {
        match (worst, action.of_call()) {
            (Verdict::Denied, _) | (_, Verdict::Denied) => Verdict::Denied,
            (Verdict::Allowed, verdict) => verdict,
            (worst, _) => worst,
        }
    });
    Some((caller.claims, verdict))
}

/// Those on the subject first: the other claims follow it.
fn in_order<'s>(statement: &'s Statement, issuer: &'s str) -> impl Iterator<Item = &'s Condition> {
    let on_subject = move |condition: &&Condition| name_of(condition, issuer).eq_ignore_ascii_case("sub");
    let others = statement.conditions.iter().filter(move |condition| !on_subject(condition));
    statement.conditions.iter().filter(on_subject).chain(others)
}

/// The name of the key behind this issuer, or nothing.
fn name_of<'c>(condition: &'c Condition, issuer: &str) -> &'c str {
    match condition.key.text.rsplit_once(':') {
        Some((prefix, name)) if prefix.eq_ignore_ascii_case(issuer) => name,
        _ => "",
    }
}

/// Somebody whose claims are the same, but for what the condition asks for.
fn meeting(
    policy: &TrustPolicy,
    statement: &Statement,
    condition: &Condition,
    issuer: &str,
    claims: &Map<String, Value>,
) -> Option<Caller> {
    let kind = Kind::of(issuer);
    let name = name_of(condition, issuer);
    let key = &condition.key.text;
    let of_subject = |condition: &&Condition| name_of(condition, issuer).eq_ignore_ascii_case("sub");
    let of_key = |other: &&Condition| other.key.text.eq_ignore_ascii_case(key);
    let no = |condition: &Condition, caller: &Caller| truth(policy, condition, caller) == Truth::No;
    candidates(condition, kind, name).into_iter().find_map(|value| {
        let mut changed = with(claims, key, issuer, value)?;
        if name.eq_ignore_ascii_case("sub") {
            follow_subject(kind, &mut changed);
        } else {
            lead_subject(kind, name, &mut changed);
        }
        let mut caller = Caller::of_claims(changed);
        if !name.eq_ignore_ascii_case("sub")
            && statement.conditions.iter().filter(of_subject).any(|condition| no(condition, &caller))
        {
            let subject = claims.get("sub").cloned();
            caller.claims.extend(subject.map(|subject| ("sub".to_owned(), subject)));
        }
        (!statement.conditions.iter().filter(of_key).any(|condition| no(condition, &caller))).then_some(caller)
    })
}

/// The role's account, as far as the statement's provider tells it.
#[must_use]
pub fn role_of(statement: &Statement, issuer: &str) -> Option<Role> {
    let federated = statement.principals.items.iter().filter(|principal| principal.kind == PrincipalKind::Federated);
    let provider = federated.into_iter().find(|principal| principal.value.text.ends_with(&format!("/{issuer}")))?;
    Role::of_arn(&provider.value.text)
}

fn truth(policy: &TrustPolicy, condition: &Condition, caller: &Caller) -> Truth {
    decide_condition(condition, caller, policy.has_variables()).truth
}

/// Values that could satisfy the condition; `None` takes the key away.
fn candidates(condition: &Condition, kind: Kind, name: &str) -> Vec<Option<String>> {
    let operator = condition.operator;
    let forms = kind.subjects();
    let on_subject = name.eq_ignore_ascii_case("sub");
    if operator.test == Test::Null || operator.negated {
        let subjects = forms.iter().filter(|_| on_subject).map(|form| Some(subject::sample(form)));
        let other = if name.to_ascii_lowercase().ends_with("_id") { "4713" } else { "another" };
        return subjects.chain([Some(other.to_owned()), None]).collect();
    }
    let concrete = |text: &str| match operator.test {
        Test::StringLike if on_subject => subject::witness(forms, text, false).unwrap_or_else(|| filled(text)),
        Test::StringLike | Test::Arn => filled(text),
        _ => text.to_owned(),
    };
    condition.values.iter().map(|value| Some(concrete(&value.text))).collect()
}

/// A pattern with its wildcards replaced by text that could stand there.
fn filled(pattern: &str) -> String {
    pattern.replace(['*', '?'], "x")
}

/// The claims that [`lead_subject`] makes a subject of.
const LEADING: [&str; 6] = ["repository", "environment", "ref", "organization_slug", "pipeline_slug", "build_branch"];

/// Gives the other claims what the subject says of them, if they are there.
fn follow_subject(kind: Kind, claims: &mut Map<String, Value>) {
    let Some(subject) = claims.get("sub").and_then(Value::as_str).map(str::to_owned) else { return };
    let Some((_, segments)) = subject::parse(kind.subjects(), &subject) else { return };
    let part = |name: &str| segments.iter().find(|segment| segment.name == name).map(|segment| segment.value);
    let mut set = |name: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|_| claims.contains_key(name) || LEADING.contains(&name)) {
            claims.insert(name.to_owned(), Value::from(value));
        }
    };
    match kind {
        Kind::GitHub => {
            set("repository_owner_id", part("owner id"));
            set("repository_id", part("repository id"));
            let git_ref = if subject.ends_with(":pull_request") { Some("refs/pull/7/merge") } else { part("ref") };
            set("ref", git_ref);
            set("environment", part("environment"));
            if let (Some(owner), Some(repository)) = (part("owner"), part("repository")) {
                let at = git_ref.unwrap_or("refs/heads/main");
                let repository = format!("{owner}/{repository}");
                set("repository", Some(&repository));
                set("job_workflow_ref", Some(&format!("{repository}/.github/workflows/deploy.yml@{at}")));
            }
            if part("environment").is_none() {
                claims.remove("environment");
            }
        }
        Kind::Buildkite => {
            set("organization_slug", part("organization"));
            set("pipeline_slug", part("pipeline"));
            set("build_branch", part("ref").and_then(|git_ref| git_ref.strip_prefix("refs/heads/")));
        }
        Kind::CircleCi => set("oidc.circleci.com/project-id", part("project id")),
        _ => {}
    }
}

/// Gives the subject what another claim, which was just changed, says of it.
fn lead_subject(kind: Kind, name: &str, claims: &mut Map<String, Value>) {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let subject = match kind {
        Kind::GitHub if name.eq_ignore_ascii_case("repository") || name.eq_ignore_ascii_case("environment") => {
            format!("repo:{}:environment:{}", text("repository"), text("environment"))
        }
        Kind::GitHub if name.eq_ignore_ascii_case("ref") => format!("repo:{}:ref:{}", text("repository"), text("ref")),
        Kind::Buildkite => {
            let (organization, pipeline, branch) =
                (text("organization_slug"), text("pipeline_slug"), text("build_branch"));
            let commit = "9f3182061f1e2cca4702c368cbc039b7dc9d4485";
            format!("organization:{organization}:pipeline:{pipeline}:ref:refs/heads/{branch}:commit:{commit}:step:")
        }
        _ => return,
    };
    if subject::parse(kind.subjects(), &subject).is_some() {
        claims.insert("sub".to_owned(), Value::from(subject));
        follow_subject(kind, claims);
    }
}

/// The claims that a policy asks for, and those that every token has. Who reads just these sees what matters.
struct Asked<'p> {
    names: Vec<&'p str>,
    /// Values with variables, which can name claims as well.
    values: Vec<&'p str>,
}

impl<'p> Asked<'p> {
    fn by(policy: &'p TrustPolicy) -> Self {
        let conditions = || policy.statements.iter().flat_map(|statement| &statement.conditions);
        let names = conditions().filter_map(|condition| Some(condition.key.text.rsplit_once(':')?.1));
        let values = conditions().flat_map(|condition| &condition.values).map(|value| value.text.as_str());
        Self { names: names.collect(), values: values.filter(|value| pattern::has_braces(value)).collect() }
    }

    fn has(&self, claim: &str) -> bool {
        matches!(claim, "iss" | "aud" | "sub" | "azp")
            || claim.starts_with("https://")
            || self.names.iter().any(|name| name.eq_ignore_ascii_case(claim))
            || self.values.iter().any(|value| value.contains(claim))
    }

    fn only(&self, mut claims: Map<String, Value>) -> Map<String, Value> {
        claims.retain(|name, _| self.has(name));
        claims
    }
}

/// The claims with another value behind a condition key. `None`: no claim of the token is behind it.
#[must_use]
pub fn with(claims: &Map<String, Value>, key: &str, issuer: &str, value: Option<String>) -> Option<Map<String, Value>> {
    let mut claims = claims.clone();
    let (prefix, name) = key.rsplit_once(':')?;
    if let Some(tag) =
        key.split_at_checked("aws:RequestTag/".len()).filter(|(start, _)| start.eq_ignore_ascii_case("aws:RequestTag/"))
    {
        let tags = claims.entry(TAGS).or_insert_with(|| json!({"principal_tags": {}}));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_token_of_an_issuer_has_a_subject_of_its_own_kind() {
        for kind in Kind::ALL {
            let Some(issuer) = ISSUERS.iter().copied().find(|issuer| Kind::of(issuer) == kind) else { continue };
            for claims in [usual(issuer), strangers(issuer)] {
                let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
                let forms = kind.subjects();
                assert!(forms.is_empty() || subject::parse(forms, subject).is_some(), "{issuer}: {subject}");
            }
        }
    }

    const ISSUERS: [&str; 10] = [
        "token.actions.githubusercontent.com",
        "gitlab.com",
        "gitlab.example.com",
        "agent.buildkite.com",
        "oidc.circleci.com/org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11",
        "oidc.circleci.com",
        "api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
        "token.builds.bitrise.io",
        "vstoken.dev.azure.com/11111111-aaaa-4bbb-8ccc-222222222222",
        "app.terraform.io",
    ];

    #[test]
    fn claims_agree_with_each_other() {
        let issuer = "token.actions.githubusercontent.com";
        let condition =
            |operator: &str, name: &str, value: &str| format!("\"{operator}\": {{\"{issuer}:{name}\": \"{value}\"}}");
        for (conditions, expected) in [
            (vec![("StringEquals", "sub", "repo:a/b:ref:refs/heads/x"), ("StringLike", "repository", "a/*")], "a/b"),
            (vec![("StringEquals", "repository", "c/d")], "c/d"),
        ] {
            let conditions: Vec<String> =
                conditions.into_iter().map(|(operator, name, value)| condition(operator, name, value)).collect();
            let text = format!(
                r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": {{"Federated": "arn:aws:iam::123456789012:oidc-provider/{issuer}"}},
                "Condition": {{{}}}}}}}"#,
                conditions.join(", ")
            );
            let file = super::super::source::read("policy.json", &text);
            let policy = &file.policies[0].policy;
            let claims = admitted(policy, &policy.statements[0], issuer).unwrap();
            assert_eq!(claims["repository"], expected);
            assert!(claims["sub"].as_str().unwrap().starts_with(&format!("repo:{expected}:")), "{claims:?}");
        }
    }
}
