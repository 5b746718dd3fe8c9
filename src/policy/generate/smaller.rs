//! Jobs of the CIs of whose tokens AWS reads audience and subject alone, and of issuers that are not known.

use serde_json::{Map, Value};

use super::asked::{Asked, Level, Scheme, text_of};
use super::plan::Plan;
use super::values;
use crate::policy::issuer::Kind;
use crate::policy::subject::{self, Chars};

const ID: &str = "5d4f1c9e-2f6b-4f0c-9a0f-1f6a2b3c4d5e";
const STEP: &str = "0b7a9d1c-3e5f-4a6b-8c7d-9e0f1a2b3c4d";

pub const BITBUCKET: &[Scheme] = &[
    Scheme::new(
        Level::Environment,
        &["--organization", "--workspace-id", "--repository-id", "--environment-id"],
        &["--environment"],
    ),
    Scheme::new(Level::Repository, &["--organization", "--workspace-id", "--repository-id"], &[]),
];

/// The issuer has the workspace's name, the audience its id, and the subject neither.
/// <https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/>
pub fn bitbucket(asked: &mut Asked<'_>) -> Option<Plan> {
    let uuid = |text: &str| values::uuid(text, ID);
    let workspace = asked.one("--organization", |text| values::name(text, Chars::Name, "acme"));
    let workspace_id = asked.one("--workspace-id", uuid);
    let usual = format!(
        "api.bitbucket.org/2.0/workspaces/{}/pipelines-config/identity/oidc",
        workspace.as_deref().unwrap_or_default()
    );
    let issuer = asked.issuer(&usual);
    let repositories = asked.several("--repository-id", uuid);
    let environments = asked.several("--environment-id", uuid);
    let environment = asked.one("--environment", |text| values::name(text, Chars::Any, "production"));
    let audience = asked.audience_or(workspace_id.map(|id| format!("ari:cloud:bitbucket::workspace/{id}")));
    let (issuer, audience) = (issuer?, audience?);
    asked.clean()?;

    let mut plan = Plan::new(Kind::Bitbucket, issuer, audience);
    plan.loose.push(("step", vec!["*".to_owned()]));
    for repository in &repositories {
        if environments.is_empty() {
            plan.any_form = true;
            plan.loose.push(("environment", vec!["*".to_owned()]));
            plan.admit(format!("{{{repository}}}:*"), &format!("{{{repository}}}:{{{STEP}}}"), &[]);
        }
        for environment in &environments {
            let start = format!("{{{repository}}}:{{{environment}}}:");
            plan.admit(format!("{start}*"), &format!("{start}{{{STEP}}}"), &[]);
        }
    }
    plan.note("copy issuer and audience from Repository settings › OpenID Connect: the issuer changes when the workspace is renamed");
    plan.note(if environments.is_empty() {
        "no subject has a branch: to let one branch in, restrict a deployment environment to it and give --environment-id"
    } else {
        "restrict the deployment environment to its branches in Bitbucket: no subject has a branch"
    });
    plan.meant.extend(environments.is_empty().then_some("TP006"));
    plan.hints.environment = environment;
    Some(plan)
}

pub const BITRISE: &[Scheme] =
    &[Scheme::new(Level::Workflow, &["--app", "--workflow"], &[]), Scheme::new(Level::Repository, &["--app"], &[])];

/// <https://docs.bitrise.io/en/bitrise-ci/configure-builds/oidc-for-aws.html>
pub fn bitrise(asked: &mut Asked<'_>) -> Option<Plan> {
    let issuer = asked.issuer("token.builds.bitrise.io");
    let apps = asked.several("--app", |text| values::name(text, Chars::Name, "c6d2a5b8e1f34a7b"));
    let workflows = asked.several("--workflow", |text| values::name(text, Chars::Any, "deploy"));
    let audience = asked.audience(Kind::Bitrise);
    let (issuer, audience) = (issuer?, audience?);
    asked.clean()?;

    let mut plan = Plan::new(Kind::Bitrise, issuer, audience);
    for app in &apps {
        if workflows.is_empty() {
            plan.any_form = true;
            plan.loose.push(("workflow", vec!["*".to_owned()]));
            plan.admit(format!("app:{app}:workflow:*"), &format!("app:{app}:workflow:deploy"), &[]);
        }
        for workflow in &workflows {
            let subject = format!("app:{app}:workflow:{workflow}");
            plan.admit(subject.clone(), &subject, &[]);
        }
    }
    plan.note(
        "no subject has a branch or pull request: whoever can choose the workflow of a build can choose its subject",
    );
    plan.meant.push("TP009");
    plan.meant.extend(workflows.is_empty().then_some("TP006"));
    plan.hints.workflow = workflows.first().cloned();
    Some(plan)
}

pub const AZURE_DEVOPS: &[Scheme] = &[
    Scheme::new(
        Level::ServiceConnection,
        &["--organization-id", "--organization", "--project", "--service-connection"],
        &[],
    ),
    Scheme::new(Level::Repository, &["--organization-id", "--organization", "--project", "--pipeline"], &[]),
];

/// <https://learn.microsoft.com/azure/devops/pipelines/library/connect-to-azure>
pub fn azure_devops(asked: &mut Asked<'_>) -> Option<Plan> {
    let name = |text: &str| values::name(text, Chars::NoColon, "shop").and_then(no_slash);
    let id = asked.one("--organization-id", |text| values::uuid(text, ID));
    let issuer = asked.issuer(&format!("vstoken.dev.azure.com/{}", id.as_deref().unwrap_or_default()));
    let organization = asked.one("--organization", |text| values::name(text, Chars::Name, "acme"));
    let project = asked.one("--project", name);
    let connections = asked.several("--service-connection", name);
    let pipelines = asked.several("--pipeline", name);
    let audience = asked.audience(Kind::AzureDevOps);
    let (issuer, audience, organization, project) = (issuer?, audience?, organization?, project?);
    asked.clean()?;

    let mut plan = Plan::new(Kind::AzureDevOps, issuer, audience);
    let of_connections = connections.iter().map(|name| ("sc", name));
    for (kind, name) in of_connections.chain(pipelines.iter().map(|name| ("p", name))) {
        let subject = format!("{kind}://{organization}/{project}/{name}");
        plan.admit(subject.clone(), &subject, &[]);
    }
    if [&project]
        .into_iter()
        .chain(&connections)
        .chain(&pipelines)
        .any(|name| name.contains(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)))
    {
        plan.note("Microsoft does not say how names with spaces and the like are written in a subject: compare with `token sub` in a job's log");
    }
    plan.note("no subject has a branch: put a branch control or an approval on the service connection");
    plan.note(
        "subjects have names, so whoever may rename or delete a connection or pipeline can give its name, and the role, to \
         another one",
    );
    plan.note(
        "this issuer ends for service connections on 1 July 2027: before a connection moves to Microsoft Entra, add the second \
         provider and a second statement",
    );
    plan.meant.extend(["TP028", "TP050"]);
    plan.hints.connection = connections.first().cloned();
    Some(plan)
}

fn no_slash(text: String) -> Result<String, crate::values::ValueFault> {
    if text.contains('/') {
        return Err(crate::values::ValueFault::new("has a slash, which Azure DevOps does not allow in names", "shop"));
    }
    Ok(text)
}

pub const OTHER: &[Scheme] = &[Scheme::new(
    Level::Subject,
    &["--subject"],
    &["--branch", "--organization-id", "--repository-id", "--project-id", "--namespace-id", "--pipeline-id"],
)];

/// A subject as it stands, of any issuer.
pub fn other(asked: &mut Asked<'_>, kind: Kind) -> Option<Plan> {
    let usual = match kind {
        Kind::GitHub => "token.actions.githubusercontent.com",
        Kind::GitLab => "gitlab.com",
        Kind::Buildkite => "agent.buildkite.com",
        Kind::Bitrise => "token.builds.bitrise.io",
        _ => "",
    };
    let issuer = asked.issuer(usual);
    let subjects = asked.several("--subject", values::subject);
    let audience = asked.audience(kind);
    // Ids are digits in some CIs and UUIDs in others.
    let id = |text: &str| values::digits(text, "74").or_else(|_| values::uuid(text, ID));
    let of_organization = if kind == Kind::Buildkite { "organization_id" } else { "repository_owner_id" };
    let mut pins = Vec::new();
    for (option, claim) in [
        ("--organization-id", of_organization),
        ("--repository-id", "repository_id"),
        ("--project-id", "project_id"),
        ("--namespace-id", "namespace_id"),
        ("--pipeline-id", "pipeline_id"),
    ] {
        pins.push((claim, asked.several(option, id)));
    }
    let branches = asked.several("--branch", |text| values::git_ref(text, "refs/heads/", "main"));
    if kind == Kind::Buildkite {
        pins.push(("build_branch", branches));
    }
    let (issuer, audience) = (issuer?, audience?);
    if issuer.is_empty() {
        asked.problem("--issuer", "is not set: https://gitlab.example.com");
    }
    asked.clean()?;

    let mut plan = Plan::new(kind, issuer, audience);
    for (claim, values) in &pins {
        plan.pin(claim, values);
    }
    let claims: Vec<(&str, &str)> =
        pins.iter().filter_map(|(claim, values)| Some((*claim, values.first()?.as_str()))).collect();
    for subject in &subjects {
        plan.admit(subject.clone(), &subject.replace('*', "1"), &claims);
    }
    if kind == Kind::Buildkite {
        let of_id = |claim: &&str| {
            pins.iter().any(|(name, values)| name == claim && values.iter().any(|id| subjects.contains(id)))
        };
        let chosen = ["organization_id", "pipeline_id"].into_iter().find(|claim| of_id(claim));
        plan.hints.subject_claim = chosen;
        plan.hints.claims = pins
            .iter()
            .filter(|(name, values)| !values.is_empty() && name.ends_with("_id") && Some(*name) != chosen)
            .map(|(name, _)| *name)
            .collect();
        if chosen.is_some() && !pins.iter().any(|(name, values)| *name == "build_branch" && !values.is_empty()) {
            plan.note("such a subject names no branch: every build of it is let in; --branch narrows that");
        }
    } else {
        plan.note("the subject is taken as it stands: nothing is known of its parts");
    }
    plan.opaque = true;
    plan.meant.extend(["TP006", "TP007", "TP023", "TP026", "TP028"]);
    Some(plan)
}

/// The options that describe the job of a token.
pub fn options_of(kind: Kind, claims: &Map<String, Value>, level: Option<Level>) -> Vec<(&'static str, String)> {
    let subject = text_of(claims, "sub").unwrap_or_default();
    let Some((_, segments)) = subject::parse(kind.subjects(), &subject) else { return Vec::new() };
    let part = |name: &str| segments.iter().find(|part| part.name == name).map(|part| part.value.to_owned());
    let (found, options) = match kind {
        Kind::Bitbucket => {
            let issuer = text_of(claims, "iss").unwrap_or_default();
            let workspace = issuer.split('/').nth(5).map(str::to_owned);
            let audience = text_of(claims, "aud").unwrap_or_default();
            let id = audience.strip_prefix("ari:cloud:bitbucket::workspace/").map(str::to_owned);
            let id = id.or_else(|| Some(text_of(claims, "workspaceUuid")?.trim_matches(['{', '}']).to_owned()));
            let level =
                level.unwrap_or(if part("environment").is_some() { Level::Environment } else { Level::Repository });
            let environment = part("environment").filter(|_| level == Level::Environment);
            let options = vec![
                ("--organization", workspace),
                ("--workspace-id", id),
                ("--repository-id", part("repository")),
                ("--environment-id", environment),
            ];
            (level, options)
        }
        Kind::Bitrise => {
            let level = level.unwrap_or(Level::Workflow);
            (level, vec![("--app", part("app")), ("--workflow", part("workflow").filter(|_| level == Level::Workflow))])
        }
        Kind::AzureDevOps => {
            let usual = if part("pipeline").is_some() { Level::Repository } else { Level::ServiceConnection };
            let issuer = text_of(claims, "iss").unwrap_or_default();
            let options = vec![
                ("--organization-id", issuer.rsplit('/').find(|part| !part.is_empty()).map(str::to_owned)),
                ("--organization", part("organization")),
                ("--project", part("project")),
                ("--service-connection", part("service connection")),
                ("--pipeline", part("pipeline")),
            ];
            (level.unwrap_or(usual), options)
        }
        _ => return Vec::new(),
    };
    let level = [("--level", Some(found.name().to_owned()))];
    options.into_iter().chain(level).filter_map(|(name, value)| Some((name, value?))).collect()
}
