//! Keys that AWS never gives a value, since it reads a few claims of each issuer and no others.

use super::guard::{self, Guard};
use super::{Finding, Findings, Issuer, Key, Rule, Scope, Severity, Test, View};
use crate::keys;
use crate::policy::document::{Effect, PrincipalKind};
use crate::policy::issuer::Kind;
use crate::policy::operator;
use crate::text::{listed, nearest};
use serde_json::Value;

pub static TP014: Rule = Rule {
    id: "TP014",
    name: "unmapped-claim",
    severity: Severity::High,
    title: "a condition on a claim that AWS does not read",
};

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in &view.scopes {
        for test in &scope.tests {
            let (Key::OfIssuer { prefix, name } | Key::Foreign { prefix, name }) = test.key else { continue };
            let foreign = matches!(test.key, Key::Foreign { .. });
            // A Deny for everybody names no issuer: each key stands for its own.
            if foreign && !(is_for_anyone(scope) && Kind::of(prefix) != Kind::Other) {
                continue;
            }
            // As the provider spells it: the key may do so in other letters.
            let of = scope.issuers.iter().find(|issuer| test.is_of(issuer));
            let prefix = of.map_or(prefix, |issuer| issuer.host);
            if !is_unmapped(prefix, name) || is_null(test) {
                continue;
            }
            findings.add(unmapped(scope, test, prefix, name, findings));
        }
    }
}

fn is_for_anyone(scope: &Scope<'_>) -> bool {
    scope.statement.effect == Effect::Deny
        && scope
            .statement
            .principals
            .items
            .iter()
            .any(|principal| principal.kind == PrincipalKind::Anyone || matches!(principal.value.text.as_str(), "*"))
}

fn is_null(test: &Test<'_>) -> bool {
    test.condition.operator.test == operator::Test::Null
}

/// Registered claims and keys of GitLab.com elsewhere have rules of their own.
fn is_unmapped(issuer: &str, name: &str) -> bool {
    let registered = ["iss", "exp", "nbf", "iat", "azp", "jti", "nonce"];
    let of_gitlab = Kind::of(issuer) == Kind::GitLabOwn && keys::claim_of_key("gitlab.com", name).is_some();
    keys::claim_of_key(issuer, name).is_none()
        && !name.eq_ignore_ascii_case("oaud")
        && !registered.iter().any(|claim| name.eq_ignore_ascii_case(claim))
        && !of_gitlab
}

fn unmapped(scope: &Scope<'_>, test: &Test<'_>, issuer: &str, name: &str, findings: &Findings<'_>) -> Finding {
    let condition = test.condition;
    let kind = Kind::of(issuer);
    let negated = condition.operator.negated;
    let vacuous = !test.is_required();
    let effect = match (scope.statement.effect, vacuous) {
        (Effect::Allow, false) => "the condition is never true and nobody comes in",
        (Effect::Allow, true) => "the condition is always true and keeps nobody out",
        (Effect::Deny, false) => "the Deny applies to nobody",
        (Effect::Deny, true) => "the Deny applies to everybody",
    };
    let message = format!("AWS does not read the claim {name} of {}, so {effect}", named(kind, issuer));
    let mut finding = Finding::new(&TP014, condition.key.span, message, instead(kind, issuer, name));
    if !scope.grants {
        return finding;
    }
    let Some(of) = scope.issuers.iter().find(|issuer| test.is_of(issuer)) else { return finding };
    if vacuous {
        if guard::of(scope, of) == Guard::Nothing {
            finding.severity = Severity::Critical; // it was meant to keep strangers out
            return finding.shown_by(findings.admits_stranger("somebody else's job", scope, of));
        }
        let example = findings.wrongly_admits("a job that was meant to be kept out", scope, of, |_| ());
        let example = example.filter(|_| negated).and_then(|mut example| {
            example.claims.insert(name.to_owned(), condition.values.first()?.text.as_str().into());
            findings.proven(&example.whose, Some(example.claims), true)
        });
        return finding.shown_by(example);
    }
    if let Some(name) = respelt(issuer, name).filter(|_| !negated) {
        finding = finding.edit(condition.key.span, format!("{}:{name}", of.host));
    }
    finding.shown_by(kept_out(scope, of, test, findings))
}

/// The job that should come in: its token does say what the policy asks for.
fn kept_out(
    scope: &Scope<'_>,
    issuer: &Issuer<'_>,
    test: &Test<'_>,
    findings: &Findings<'_>,
) -> Option<super::CounterExample> {
    let example = findings.wrongly_refuses("the job that is meant", scope, issuer, |statement| {
        statement.conditions.retain(|condition| condition.span != test.condition.span);
    })?;
    let mut claims = example.claims;
    for test in scope.tests.iter().filter(|test| test.is_of(issuer) && is_unmapped(issuer.host, test.name())) {
        let value = test.condition.values.first()?.text.trim_matches('*');
        claims.insert(test.name().to_owned(), value.into());
    }
    if let (Kind::Bitrise, Some(app)) = (issuer.kind, claims.get("app_slug").and_then(Value::as_str)) {
        let workflow = claims.get("workflow").and_then(Value::as_str).unwrap_or("deploy");
        claims.insert("sub".to_owned(), format!("app:{app}:workflow:{workflow}").into());
    }
    findings.proven(&example.whose, Some(claims), false)
}

fn named(kind: Kind, issuer: &str) -> String {
    if kind == Kind::Other { issuer.to_owned() } else { kind.name().to_owned() }
}

/// The same name with other marks between its words.
fn respelt(issuer: &str, name: &str) -> Option<&'static str> {
    let letters = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let wanted = letters(name);
    keys::of_issuer(issuer).iter().copied().find(|key| letters(key) == wanted)
}

/// What to test instead.
fn instead(kind: Kind, issuer: &str, name: &str) -> String {
    if let Some(key) = respelt(issuer, name) {
        return format!("the key is called {issuer}:{key}");
    }
    let lower = name.to_ascii_lowercase();
    if let Some((_, advice)) = ADVICE.iter().find(|((of, claim), _)| *of == kind && *claim == lower) {
        return (*advice).replace("ISSUER", issuer);
    }
    let known = keys::of_issuer(issuer);
    if let Some(key) = nearest(&lower, known.iter().copied()) {
        return format!("the nearest key that AWS has is {issuer}:{key}");
    }
    match (known, kind.subject_to_fill_in()) {
        ([], Some(form)) => format!("test {issuer}:sub, whose form is {form}; AWS reads aud and sub of this issuer"),
        ([], None) => format!("test {issuer}:sub; AWS reads aud, sub, amr and email of this issuer"),
        (known, _) => format!("test {issuer}:sub, or one of {}", listed(known)),
    }
}

/// What people look for, and where it is.
const ADVICE: &[((Kind, &str), &str)] = &[
    ((Kind::GitHub, "repository_owner"), "test ISSUER:repository_owner_id, or the owner's name in ISSUER:sub"),
    ((Kind::GitHub, "event_name"), "test ISSUER:sub, which ends in pull_request for pull requests"),
    ((Kind::GitHub, "ref_type"), "test ISSUER:ref, which starts with refs/heads/ or refs/tags/"),
    ((Kind::GitHub, "workflow_ref"), "test ISSUER:job_workflow_ref"),
    ((Kind::GitHub, "base_ref"), "test ISSUER:ref, or ISSUER:sub"),
    ((Kind::GitHub, "head_ref"), "test ISSUER:ref, or ISSUER:sub"),
    ((Kind::GitLab, "project_path"), "test ISSUER:project_id, or the path in ISSUER:sub"),
    ((Kind::GitLab, "namespace_path"), "test ISSUER:namespace_id, or the path in ISSUER:sub"),
    ((Kind::GitLab, "ref"), "test the end of ISSUER:sub, which is ref:BRANCH"),
    ((Kind::GitLab, "ref_type"), "test ISSUER:sub, which holds ref_type:branch or ref_type:tag"),
    (
        (Kind::GitLab, "environment"),
        "test ISSUER:ref_protected; the environment reaches AWS only in a subject that the project was told to write",
    ),
    ((Kind::Buildkite, "build_commit"), "test ISSUER:sub, which holds commit:COMMIT"),
    ((Kind::Buildkite, "build_tag"), "test ISSUER:sub, which holds ref:refs/tags/TAG for builds of a tag"),
    ((Kind::Buildkite, "step_key"), "test the end of ISSUER:sub, which is step:KEY"),
    ((Kind::Bitrise, "app_slug"), "test ISSUER:sub, whose form is app:APP_SLUG:workflow:WORKFLOW"),
    ((Kind::Bitrise, "workflow"), "test ISSUER:sub, whose form is app:APP_SLUG:workflow:WORKFLOW"),
    ((Kind::CircleCi, "project-id"), "the key is called ISSUER:oidc.circleci.com/project-id"),
    (
        (Kind::CircleCi, "oidc.circleci.com/vcs-origin"),
        "test ISSUER:sub with a token of the second version, CIRCLE_OIDC_TOKEN_V2",
    ),
    (
        (Kind::CircleCi, "oidc.circleci.com/vcs-ref"),
        "test ISSUER:sub with a token of the second version, CIRCLE_OIDC_TOKEN_V2",
    ),
    ((Kind::Bitbucket, "repositoryuuid"), "test ISSUER:sub, which starts with {REPOSITORY_UUID}:"),
    (
        (Kind::Bitbucket, "deploymentenvironmentuuid"),
        "test ISSUER:sub, whose form is {REPOSITORY_UUID}:{ENVIRONMENT_UUID}:*",
    ),
    ((Kind::Bitbucket, "branchname"), "test the deployment environment in ISSUER:sub; AWS cannot see the branch"),
];
