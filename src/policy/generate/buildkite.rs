//! Jobs of Buildkite. The subject ends in commit and step, which differ from build to build.
//! <https://buildkite.com/docs/pipelines/security/oidc>

use serde_json::{Map, Value};

use super::asked::{Asked, Level, Scheme, text_of};
use super::plan::{NAMES_ALONE, Plan};
use super::values;
use crate::policy::issuer::Kind;
use crate::policy::subject::{self, Chars};

const ISSUER: &str = "agent.buildkite.com";
const ID: &str = "0184990a-477b-4fa8-9968-496074483cee";
const COMMIT: &str = "9f3182061f1e2cca4702c368cbc039b7dc9d4485";
const IDS: &[&str] = &["--organization-id", "--pipeline-id"];

pub const SCHEMES: &[Scheme] = &[
    Scheme::new(Level::Branch, &["--organization", "--pipeline", "--branch"], IDS),
    Scheme::new(Level::Tag, &["--organization", "--pipeline", "--tag"], IDS),
    Scheme::new(Level::Repository, &["--organization", "--pipeline"], IDS),
    Scheme::new(Level::Organization, &["--organization"], &["--organization-id"]),
];

pub fn read(asked: &mut Asked<'_>) -> Option<Plan> {
    let issuer = asked.issuer(ISSUER);
    let slug = |text: &str| values::name(text, Chars::Name, "acme");
    let organization = asked.one("--organization", slug);
    let organization_id = asked.one("--organization-id", |text| values::uuid(text, ID));
    let pipelines = asked.several("--pipeline", slug);
    let ids = asked.ids("--pipeline-id", pipelines.len(), |text| values::uuid(text, ID));
    let branches = asked.several("--branch", |text| values::git_ref(text, "refs/heads/", "main"));
    let tags = asked.several("--tag", |text| values::git_ref(text, "refs/tags/", "v*"));
    let audience = asked.audience(Kind::Buildkite);
    let (issuer, audience, organization) = (issuer?, audience?, organization?);
    asked.clean()?;

    let mut plan = Plan::new(Kind::Buildkite, issuer, audience);
    let patterned = branches.iter().chain(&tags).any(|name| name.contains('*'));
    plan.pin("organization_id", organization_id.as_slice());
    plan.pin("pipeline_id", &ids);
    if !patterned {
        plan.pin("build_branch", &branches);
    }
    let any = || vec!["*".to_owned()];
    plan.loose.extend([("commit", any()), ("step", any())]);
    let full = |prefix: &'static str| move |name: &String| format!("refs/{prefix}/{name}");
    let refs: Vec<String> = branches.iter().map(full("heads")).chain(tags.iter().map(full("tags"))).collect();
    if refs.is_empty() || patterned {
        plan.loose.push(("ref", if refs.is_empty() { any() } else { refs.clone() }));
    }
    let job = |pipeline: &str, name: &str| {
        format!("organization:{organization}:pipeline:{pipeline}:ref:{name}:commit:{COMMIT}:step:deploy")
    };
    let mut claims = vec![("organization_slug", organization.as_str())];
    claims.extend(organization_id.as_deref().map(|id| ("organization_id", id)));
    if pipelines.is_empty() {
        plan.loose.push(("pipeline", any()));
        let claims = [claims.as_slice(), &[("build_branch", "main")]].concat();
        plan.admit(format!("organization:{organization}:*"), &job("api", "refs/heads/main"), &claims);
    }
    for (index, pipeline) in pipelines.iter().enumerate() {
        let mut claims = claims.clone();
        claims.push(("pipeline_slug", pipeline));
        claims.extend(ids.get(index).map(|id| ("pipeline_id", id.as_str())));
        if refs.is_empty() {
            let claims = [claims.as_slice(), &[("build_branch", "main")]].concat();
            let subject = format!("organization:{organization}:pipeline:{pipeline}:*");
            plan.admit(subject, &job(pipeline, "refs/heads/main"), &claims);
        }
        for name in &refs {
            let sample = name.replace('*', "1");
            let branch = sample.strip_prefix("refs/heads/").unwrap_or("main");
            let claims = [claims.as_slice(), &[("build_branch", branch)]].concat();
            let subject = format!("organization:{organization}:pipeline:{pipeline}:ref:{name}:commit:*");
            plan.admit(subject, &job(pipeline, &sample), &claims);
        }
    }
    plan.hints.claims.extend(organization_id.iter().map(|_| "organization_id"));
    plan.hints.claims.extend(ids.first().map(|_| "pipeline_id"));
    if !plan.hints.claims.is_empty() {
        plan.note(format!(
            "tokens have ids only when a step asks for them, with `claims`: {}",
            crate::text::listed(&plan.hints.claims)
        ));
    }
    if organization_id.is_none() || (ids.is_empty() && !pipelines.is_empty()) {
        plan.meant.extend(NAMES_ALONE);
        plan.note(
            "a slug can be given up and taken by somebody else; with --organization-id and --pipeline-id the policy admits \
             these alone",
        );
    }
    if !refs.is_empty() {
        plan.note(
            "whoever may start builds of the pipeline says which branch or tag they are of: restrict that in Buildkite",
        );
    }
    if matches!(asked.level(), Level::Organization | Level::Repository) {
        plan.meant.extend(["TP006", "TP007"]);
    }
    Some(plan)
}

/// The options that describe the job of a token.
pub fn options_of(claims: &Map<String, Value>, level: Option<Level>) -> Vec<(&'static str, String)> {
    let subject = text_of(claims, "sub").unwrap_or_default();
    let Some((_, segments)) = subject::parse(subject::BUILDKITE, &subject) else { return Vec::new() };
    let part = |name: &str| segments.iter().find(|part| part.name == name).map(|part| part.value.to_owned());
    let Some(git_ref) = part("ref") else { return Vec::new() };
    let level = level.unwrap_or(if git_ref.starts_with("refs/tags/") { Level::Tag } else { Level::Branch });
    let mut options =
        vec![("--organization", part("organization")), ("--organization-id", text_of(claims, "organization_id"))];
    if level != Level::Organization {
        options.push(("--pipeline", part("pipeline")));
        options.push(("--pipeline-id", text_of(claims, "pipeline_id")));
    }
    match level {
        Level::Branch => options.push(("--branch", git_ref.strip_prefix("refs/heads/").map(str::to_owned))),
        Level::Tag => options.push(("--tag", git_ref.strip_prefix("refs/tags/").map(str::to_owned))),
        _ => {}
    }
    options.push(("--level", Some(level.name().to_owned())));
    options.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
