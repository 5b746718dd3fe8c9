//! Jobs of CircleCI. The subject has the id of whoever started the pipeline, and, in the token of the second
//! kind, the branch behind it.
//! <https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/>

use serde_json::{Map, Value};

use super::asked::{Asked, Level, Scheme, text_of};
use super::plan::Plan;
use super::values;
use crate::policy::issuer::Kind;
use crate::policy::subject;

const ID: &str = "7d5e5c1e-7a54-4b7e-9ad5-0c2cf1b6a1a2";
const USER: &str = "2d9c0e3b-8b7a-4f0e-8b44-3e6f3c6f2f55";
/// Any UUID. A `*` would take slashes as well, and with them what a branch's name pretends to be.
const ANY_USER: &str = "????????-????-????-????-????????????";

pub const SCHEMES: &[Scheme] = &[
    Scheme::new(Level::Branch, &["--organization-id", "--project-id", "--repository", "--branch"], &[]),
    Scheme::new(Level::Repository, &["--organization-id", "--project-id"], &[]),
    Scheme::new(Level::Organization, &["--organization-id"], &[]),
];

pub fn read(asked: &mut Asked<'_>) -> Option<Plan> {
    let organization = asked.one("--organization-id", |text| values::uuid(text, ID));
    let issuer = asked.issuer(&format!("oidc.circleci.com/org/{}", organization.as_deref().unwrap_or_default()));
    let projects = asked.several("--project-id", |text| values::uuid(text, ID));
    let repositories = asked.several("--repository", |text| values::path(text, "github.com/acme/api"));
    let branches = asked.several("--branch", |text| values::git_ref(text, "refs/heads/", "main"));
    let audience = asked.audience_or(organization.clone());
    if !repositories.is_empty() && repositories.len() != projects.len() {
        asked.problem("--repository", "takes one repository for each project, in the same order");
    }
    let (issuer, audience, organization) = (issuer?, audience?, organization?);
    asked.clean()?;

    let mut plan = Plan::new(Kind::of(&issuer), issuer, audience);
    let any = || vec!["*".to_owned()];
    plan.loose.push(("user id", any()));
    plan.pin("oidc.circleci.com/project-id", &projects);
    let base = |project: &str, user: &str| format!("org/{organization}/project/{project}/user/{user}");
    if branches.is_empty() {
        plan.any_form = true;
        plan.loose.extend([("repository", any()), ("ref", any())]);
    } else if branches.iter().any(|name| name.contains('*')) {
        plan.loose.push(("ref", branches.iter().map(|name| format!("refs/heads/{name}")).collect()));
    }
    if projects.is_empty() {
        plan.loose.push(("project id", any()));
        let claims = [("oidc.circleci.com/project-id", ID)];
        plan.admit(format!("org/{organization}/project/*"), &base(ID, USER), &claims);
    }
    for (index, project) in projects.iter().enumerate() {
        let claims = [("oidc.circleci.com/project-id", project.as_str())];
        if branches.is_empty() {
            plan.admit(base(project, "*"), &base(project, USER), &claims);
        }
        for (name, repository) in branches.iter().filter_map(|name| Some((name, repositories.get(index)?))) {
            let tail = |name: &str| format!("/vcs-origin/{repository}/vcs-ref/refs/heads/{name}");
            let subject = format!("{}{}", base(project, ANY_USER), tail(name));
            plan.admit(subject, &format!("{}{}", base(project, USER), tail(&name.replace('*', "1"))), &claims);
        }
    }
    if !branches.is_empty() {
        plan.note("the branch is in CIRCLE_OIDC_TOKEN_V2 alone; a pipeline of a custom webhook has no branch in it, and is refused");
        plan.note("the question marks stand for the id of whoever started the pipeline: a * would let a branch with a crafted name in");
    }
    plan.note(
        "where a project passes secrets to forks, their jobs get tokens as well, and subjects do not tell them apart",
    );
    if matches!(asked.level(), Level::Organization | Level::Repository) {
        plan.meant.extend(["TP006", "TP007"]);
    }
    Some(plan)
}

/// The options that describe the job of a token.
pub fn options_of(claims: &Map<String, Value>, level: Option<Level>) -> Vec<(&'static str, String)> {
    let subject = text_of(claims, "sub").unwrap_or_default();
    let Some((_, segments)) = subject::parse(subject::CIRCLECI, &subject) else { return Vec::new() };
    let part = |name: &str| segments.iter().find(|part| part.name == name).map(|part| part.value.to_owned());
    let level = level.unwrap_or(if part("ref").is_some() { Level::Branch } else { Level::Repository });
    let mut options = vec![("--organization-id", part("organization id"))];
    if level != Level::Organization {
        options.push(("--project-id", part("project id")));
    }
    if level == Level::Branch {
        options.push(("--repository", part("repository")));
        options.push(("--branch", part("ref").and_then(|name| Some(name.strip_prefix("refs/heads/")?.to_owned()))));
    }
    options.push(("--level", Some(level.name().to_owned())));
    options.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
