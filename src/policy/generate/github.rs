//! Jobs of GitHub Actions. A repository's subjects have its names, or its names and ids; nobody sees from
//! outside which, so both are let in where the ids are known.
//! <https://docs.github.com/en/actions/reference/security/oidc#example-subject-claims>

use serde_json::{Map, Value};

use super::asked::{Asked, Level, Scheme, text_of};
use super::plan::{NAMES_ALONE, Plan};
use super::values;
use crate::policy::issuer::Kind;
use crate::policy::subject::{self, Chars};

const ISSUER: &str = "token.actions.githubusercontent.com";
const IDS: &[&str] = &["--organization-id", "--repository-id", "--workflow"];

pub const SCHEMES: &[Scheme] = &[
    Scheme::new(Level::Environment, &["--repository", "--environment"], IDS),
    Scheme::new(
        Level::Branch,
        &["--repository", "--branch"],
        &["--organization-id", "--repository-id", "--workflow", "--tag"],
    ),
    Scheme::new(
        Level::Tag,
        &["--repository", "--tag"],
        &["--organization-id", "--repository-id", "--workflow", "--branch"],
    ),
    Scheme::new(
        Level::Workflow,
        &["--workflow"],
        &["--organization-id", "--repository-id", "--repository", "--organization"],
    ),
    Scheme::new(Level::PullRequest, &["--repository"], IDS).only_by_name(),
    Scheme::new(Level::Repository, &["--repository"], &["--organization-id", "--repository-id"]),
    Scheme::new(Level::Organization, &["--organization"], &["--organization-id"]),
];

struct Repository {
    owner: String,
    name: String,
    id: Option<String>,
}

pub fn read(asked: &mut Asked<'_>) -> Option<Plan> {
    let issuer = asked.issuer(ISSUER);
    let repositories = asked.several("--repository", values::repository);
    let ids = asked.ids("--repository-id", repositories.len(), |text| values::digits(text, "74"));
    let owner_id = asked.one("--organization-id", |text| values::digits(text, "9919"));
    let organization = asked.one("--organization", |text| values::name(text, Chars::Name, "octo-org"));
    let environments = asked.several("--environment", |text| values::name(text, Chars::Any, "production"));
    let branches = asked.several("--branch", |text| values::git_ref(text, "refs/heads/", "main"));
    let tags = asked.several("--tag", |text| values::git_ref(text, "refs/tags/", "v*"));
    let workflows = asked.several("--workflow", workflow);
    let mut owners: Vec<&String> = repositories.iter().map(|(owner, _)| owner).chain(&organization).collect();
    owners.dedup();
    if owners.len() > 1 {
        asked.problem("--repository", "names repositories of several owners; it takes one policy for each");
    }
    if owners.is_empty() {
        asked.problem("--repository", "is not set, and neither is `--organization`");
    }
    let owner = owners.first().map(|owner| (*owner).clone());
    let audience = asked.audience(Kind::GitHub);
    let (issuer, audience, owner) = (issuer?, audience?, owner?);
    asked.clean()?;

    // A server's repositories have the form with names alone, and AWS reads no further claims of it.
    let server = issuer.ends_with("/_services/token");
    let owner_id = owner_id.filter(|_| !server);
    let mut plan = Plan::new(Kind::GitHub, issuer, audience);
    plan.pin("repository_owner_id", owner_id.as_slice());
    let repositories: Vec<Repository> = repositories
        .into_iter()
        .enumerate()
        .map(|(index, (owner, name))| Repository { owner, name, id: ids.get(index).cloned().filter(|_| !server) })
        .collect();
    let known: Vec<String> = repositories.iter().filter_map(|repository| repository.id.clone()).collect();
    plan.pin("repository_id", &known);
    plan.pin("job_workflow_ref", &workflows);
    if !workflows.is_empty() {
        plan.note(
            "a reusable workflow is named with the ref at which callers use it: a tag or commit that nobody can move",
        );
        if owner_id.is_some() {
            plan.note(
                "GitHub does not say whether subjects with ids change job_workflow_ref; compare with a job's token",
            );
        }
    }

    let tails = tails(asked.level(), &environments, &branches, &tags, &mut plan);
    if repositories.is_empty() {
        plan.loose.extend([("repository", any()), ("repository id", any())]);
        every_repository(&mut plan, &owner, owner_id.as_deref(), &tails, &workflows);
    }
    for repository in &repositories {
        one_repository(&mut plan, repository, owner_id.as_deref(), &tails, &workflows);
    }
    let lacking: Vec<&str> =
        [("--organization-id", owner_id.is_none()), ("--repository-id", known.len() < repositories.len())]
            .iter()
            .filter(|(_, lacks)| *lacks && !server)
            .map(|(name, _)| *name)
            .collect();
    if server || !lacking.is_empty() {
        plan.meant.extend(NAMES_ALONE);
    }
    if !lacking.is_empty() {
        plan.note(format!(
            "repositories that were created, renamed or moved to another owner after 15 July 2026 have ids in their \
             subject, and this policy refuses those; with {} it admits both forms, and nobody who takes a name that was \
             given up. gh api repos/OWNER/REPOSITORY --jq '.owner.id, .id' shows them",
            crate::text::listed(&lacking)
        ));
    }
    plan.meant.extend(match asked.level() {
        Level::Organization | Level::Repository | Level::Workflow => ["TP006", "TP007"].as_slice(),
        Level::PullRequest => &["TP008"],
        _ => &[],
    });
    plan.hints.environment = environments.first().cloned();
    Some(plan)
}

fn any() -> Vec<String> {
    vec!["*".to_owned()]
}

/// What follows the repository: a pattern, and what a job has in its place, with its ref.
type Tail = (String, String, Option<String>);

fn tails(level: Level, environments: &[String], branches: &[String], tags: &[String], plan: &mut Plan) -> Vec<Tail> {
    match level {
        Level::Environment => {
            plan.note("protect the environment in GitHub's settings: without rules, every branch can deploy to it");
            // <https://docs.github.com/en/actions/reference/security/oidc#filtering-for-a-specific-environment>
            let tail = |name: &String| format!("environment:{}", name.replace(':', "%3A"));
            environments.iter().map(|name| (tail(name), tail(name), None)).collect()
        }
        Level::PullRequest => {
            vec![("pull_request".to_owned(), "pull_request".to_owned(), Some("refs/pull/7/merge".to_owned()))]
        }
        Level::Branch | Level::Tag => {
            let full = |prefix: &'static str| move |name: &String| format!("refs/{prefix}/{name}");
            let refs: Vec<String> = branches.iter().map(full("heads")).chain(tags.iter().map(full("tags"))).collect();
            if refs.iter().any(|name| name.contains('*')) {
                plan.loose.push(("ref", refs.clone()));
            }
            let tail = |name: &String| {
                (format!("ref:{name}"), format!("ref:{}", name.replace('*', "1")), Some(name.replace('*', "1")))
            };
            refs.iter().map(tail).collect()
        }
        _ => {
            plan.any_form = true;
            plan.loose.extend([("ref", any()), ("environment", any())]);
            vec![("*".to_owned(), "ref:refs/heads/main".to_owned(), Some("refs/heads/main".to_owned()))]
        }
    }
}

fn every_repository(plan: &mut Plan, owner: &str, owner_id: Option<&str>, tails: &[Tail], workflows: &[String]) {
    let mut claims = vec![("repository_owner", owner), ("repository_id", "74")];
    claims.extend(owner_id.map(|id| ("repository_owner_id", id)));
    claims.extend(workflows.first().map(|workflow| ("job_workflow_ref", workflow.as_str())));
    for (_, tail, _) in tails {
        plan.admit(format!("repo:{owner}/*"), &format!("repo:{owner}/octo-repo:{tail}"), &claims);
        if let Some(id) = owner_id {
            plan.admit(format!("repo:{owner}@{id}/*"), &format!("repo:{owner}@{id}/octo-repo@74:{tail}"), &claims);
        }
    }
}

fn one_repository(
    plan: &mut Plan,
    repository: &Repository,
    owner_id: Option<&str>,
    tails: &[Tail],
    workflows: &[String],
) {
    let Repository { owner, name, id } = repository;
    let full = format!("{owner}/{name}");
    let mut claims = vec![("repository", full.as_str()), ("repository_owner", owner)];
    claims.extend(id.as_deref().map(|id| ("repository_id", id)));
    claims.extend(owner_id.map(|id| ("repository_owner_id", id)));
    claims.extend(workflows.first().map(|workflow| ("job_workflow_ref", workflow.as_str())));
    for (pattern, tail, git_ref) in tails {
        let mut claims = claims.clone();
        claims.extend(git_ref.as_deref().map(|git_ref| ("ref", git_ref)));
        plan.admit(format!("repo:{full}:{pattern}"), &format!("repo:{full}:{tail}"), &claims);
        if let (Some(owner_id), Some(id)) = (owner_id, id) {
            let full = format!("{owner}@{owner_id}/{name}@{id}");
            plan.admit(format!("repo:{full}:{pattern}"), &format!("repo:{full}:{tail}"), &claims);
        }
    }
}

/// `OWNER/REPOSITORY/.github/workflows/FILE@REF`
fn workflow(text: &str) -> Result<String, crate::values::ValueFault> {
    const EXAMPLE: &str = "octo-org/workflows/.github/workflows/deploy.yml@refs/tags/v1";
    let text = values::name(text, Chars::Any, EXAMPLE)?;
    let fits = text.split_once('@').is_some_and(|(file, at)| {
        let parts: Vec<&str> = file.splitn(3, '/').collect();
        matches!(parts[..], [_, _, file] if file.starts_with(".github/workflows/")) && !at.is_empty()
    });
    if fits {
        Ok(text)
    } else {
        Err(crate::values::ValueFault::new("does not name a workflow's file and its ref", EXAMPLE))
    }
}

/// The options that describe the job of a token.
pub fn options_of(claims: &Map<String, Value>, level: Option<Level>) -> Vec<(&'static str, String)> {
    let text = |name: &str| text_of(claims, name);
    let subject = text("sub").unwrap_or_default();
    let Some((_, segments)) = subject::parse(subject::GITHUB, &subject) else { return Vec::new() };
    let part = |name: &str| segments.iter().find(|part| part.name == name).map(|part| part.value.to_owned());
    let repository = part("owner").zip(part("repository")).map(|(owner, name)| format!("{owner}/{name}"));
    let level = level.unwrap_or(match (part("environment"), part("ref")) {
        (Some(_), _) => Level::Environment,
        (None, Some(name)) if name.starts_with("refs/tags/") => Level::Tag,
        (None, Some(_)) => Level::Branch,
        (None, None) => Level::PullRequest,
    });
    let git_ref = part("ref").or_else(|| text("ref")).unwrap_or_default();
    let mut options = vec![("--organization-id", text("repository_owner_id").or_else(|| part("owner id")))];
    if level == Level::Organization {
        options.push(("--organization", part("owner")));
    } else {
        options.push(("--repository", repository));
        options.push(("--repository-id", text("repository_id").or_else(|| part("repository id"))));
    }
    match level {
        Level::Environment => options.push(("--environment", text("environment").or_else(|| part("environment")))),
        Level::Branch => options.push(("--branch", git_ref.strip_prefix("refs/heads/").map(str::to_owned))),
        Level::Tag => options.push(("--tag", git_ref.strip_prefix("refs/tags/").map(str::to_owned))),
        Level::Workflow => options.push(("--workflow", text("job_workflow_ref"))),
        _ => {}
    }
    options.push(("--level", Some(level.name().to_owned())));
    options.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
