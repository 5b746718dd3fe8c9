//! Jobs of GitLab. AWS reads ids and whether a ref is protected of gitlab.com, and nothing of other instances.
//! <https://docs.gitlab.com/ci/secrets/id_token_authentication/>

use serde_json::{Map, Value};

use super::asked::{Asked, Level, Scheme, text_of};
use super::plan::{NAMES_ALONE, Plan};
use super::values;
use crate::policy::issuer::Kind;
use crate::policy::subject::{self, Chars};

const ISSUER: &str = "gitlab.com";

pub const SCHEMES: &[Scheme] = &[
    Scheme::new(
        Level::Branch,
        &["--project", "--branch"],
        &["--project-id", "--namespace-id", "--any-branch-state", "--tag"],
    ),
    Scheme::new(
        Level::Tag,
        &["--project", "--tag"],
        &["--project-id", "--namespace-id", "--any-branch-state", "--branch"],
    ),
    Scheme::new(Level::Repository, &["--project"], &["--project-id", "--namespace-id"]),
    Scheme::new(Level::Organization, &["--organization"], &["--namespace-id"]),
];

pub fn read(asked: &mut Asked<'_>) -> Option<Plan> {
    let issuer = asked.issuer(ISSUER);
    let projects = asked.several("--project", |text| values::path(text, "acme/api"));
    let ids = asked.ids("--project-id", projects.len(), |text| values::digits(text, "20"));
    let namespaces = asked.several("--namespace-id", |text| values::digits(text, "72"));
    let group = asked.one("--organization", |text| values::name(text, Chars::Path, "acme"));
    let branches = asked.several("--branch", |text| values::git_ref(text, "refs/heads/", "main"));
    let tags = asked.several("--tag", |text| values::git_ref(text, "refs/tags/", "v*"));
    let unprotected = asked.one("--any-branch-state", truth).unwrap_or(false);
    let audience = asked.audience(Kind::GitLab);
    let (issuer, audience) = (issuer?, audience?);
    asked.clean()?;

    let kind = if issuer == ISSUER { Kind::GitLab } else { Kind::GitLabOwn };
    let hosted = kind == Kind::GitLab;
    let mut plan = Plan::new(kind, issuer, audience);
    plan.pin("project_id", &ids);
    plan.pin("namespace_id", &namespaces);
    let refs: Vec<(&str, &String)> =
        branches.iter().map(|name| ("branch", name)).chain(tags.iter().map(|name| ("tag", name))).collect();
    let protected = !refs.is_empty() && !unprotected && hosted;
    if protected {
        plan.pin("ref_protected", &["true".to_owned()]);
        plan.note("only protected branches and tags are let in: protect them in GitLab's settings");
    }
    let mut claims = vec![("ref_protected", "true"), ("pipeline_source", "push")];
    for name in ["branch", "tag"] {
        let patterns: Vec<String> =
            refs.iter().filter(|(kind, _)| *kind == name).map(|(_, name)| (*name).clone()).collect();
        if patterns.iter().any(|pattern| pattern.contains('*')) {
            plan.loose.push((if name == "tag" { "tag" } else { "branch" }, patterns));
        }
    }
    if let Some(group) = &group {
        claims.extend(namespaces.first().map(|id| ("namespace_id", id.as_str())));
        plan.loose.push(("project", vec![format!("{group}/*")]));
        every_ref(&mut plan);
        let sample = format!("project_path:{group}/api:ref_type:branch:ref:main");
        plan.admit(format!("project_path:{group}/*"), &sample, &claims);
        if !namespaces.is_empty() {
            plan.note(
                "projects in subgroups have the namespace id of their subgroup: give each with --namespace-id, or none",
            );
        }
    }
    for (index, project) in projects.iter().enumerate() {
        let mut claims = claims.clone();
        claims.extend(ids.get(index).map(|id| ("project_id", id.as_str())));
        claims.extend(namespaces.get(index).or(namespaces.first()).map(|id| ("namespace_id", id.as_str())));
        if refs.is_empty() {
            every_ref(&mut plan);
            let sample = format!("project_path:{project}:ref_type:branch:ref:main");
            plan.admit(format!("project_path:{project}:*"), &sample, &claims);
        }
        for (kind, name) in &refs {
            let sample = format!("project_path:{project}:ref_type:{kind}:ref:{}", name.replace('*', "1"));
            plan.admit(format!("project_path:{project}:ref_type:{kind}:ref:{name}"), &sample, &claims);
        }
    }
    if hosted && ids.is_empty() && group.is_none() {
        plan.note(
            "a path can be given up and taken by somebody else; with --project-id and --namespace-id the policy admits this \
             project alone. glab api projects/GROUP%2FPROJECT shows both",
        );
    }
    if !hosted {
        plan.note(
            "of an instance of your own AWS reads aud and sub alone; ci_id_token_sub_claim_components can put ids into the \
             subject, and --subject takes such a subject",
        );
    }
    if plan.pins.iter().all(|(claim, _)| *claim != "project_id") {
        plan.meant.extend(NAMES_ALONE);
    }
    if matches!(asked.level(), Level::Organization | Level::Repository) {
        plan.meant.extend(["TP006", "TP007"]);
    }
    Some(plan)
}

fn every_ref(plan: &mut Plan) {
    plan.any_form = true;
    plan.loose.extend(["branch", "tag"].map(|name| (name, vec!["*".to_owned()])));
}

pub fn truth(text: &str) -> Result<bool, crate::values::ValueFault> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(crate::values::ValueFault::new("is neither `true` nor `false`", "true")),
    }
}

/// The options that describe the job of a token.
pub fn options_of(claims: &Map<String, Value>, level: Option<Level>) -> Vec<(&'static str, String)> {
    let subject = text_of(claims, "sub").unwrap_or_default();
    let Some((_, segments)) = subject::parse(subject::GITLAB, &subject) else { return Vec::new() };
    let part = |name: &str| segments.iter().find(|part| part.name == name).map(|part| part.value.to_owned());
    let level = level.unwrap_or(if part("tag").is_some() { Level::Tag } else { Level::Branch });
    let mut options = Vec::new();
    if level == Level::Organization {
        let group = part("project").and_then(|path| Some(path.rsplit_once('/')?.0.to_owned()));
        options.push(("--organization", group));
    } else {
        options.push(("--project", part("project")));
        options.push(("--project-id", text_of(claims, "project_id")));
    }
    options.push(("--namespace-id", text_of(claims, "namespace_id")));
    if matches!(level, Level::Branch | Level::Tag) {
        options.push(("--branch", part("branch")));
        options.push(("--tag", part("tag")));
        let protected = claims.get("ref_protected").is_some_and(|value| value == "true" || value == true);
        options.push(("--any-branch-state", (!protected).then(|| "true".to_owned())));
    }
    options.push(("--level", Some(level.name().to_owned())));
    options.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
