//! Subjects of projects that were told to write them in another way: names of claims and their values, in turn.
//! <https://docs.github.com/en/actions/reference/security/oidc#customizing-the-subject-claims-for-an-organization-or-repository>
//! <https://docs.gitlab.com/ci/secrets/id_token_authentication/>

use crate::policy::issuer::Kind;

const GITHUB: &[&str] = &[
    "actor",
    "actor_id",
    "base_ref",
    "context",
    "enterprise",
    "enterprise_id",
    "environment",
    "event_name",
    "head_ref",
    "job_workflow_ref",
    "job_workflow_sha",
    "ref",
    "ref_protected",
    "ref_type",
    "repo",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repository_visibility",
    "run_id",
    "runner_environment",
    "sha",
    "workflow",
    "workflow_ref",
    "workflow_sha",
];

const GITLAB: &[&str] = &[
    "deployment_tier",
    "environment",
    "environment_protected",
    "namespace_id",
    "namespace_path",
    "pipeline_source",
    "project_id",
    "project_path",
    "ref",
    "ref_protected",
    "ref_type",
    "user_id",
    "user_login",
];

/// Claims that name the repository or its owner. GitHub writes them, and nobody else can.
const OF_OWNER: &[&str] = &[
    "repo",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "enterprise",
    "enterprise_id",
    "workflow_ref",
];

/// Claims that whoever writes a workflow gives the value that they want.
const BY_CHOICE: &[&str] = &["workflow", "environment", "ref", "context", "head_ref", "base_ref", "event_name"];

/// Whether a value could be the subject of such a project. The two fixed forms are no templates.
pub(super) fn is_one(kind: Kind, value: &str) -> bool {
    let known = match kind {
        Kind::GitHub => GITHUB,
        Kind::GitLab | Kind::GitLabOwn => GITLAB,
        _ => return false,
    };
    let mut words = value.split(':');
    let mut pairs = 0;
    while let Some(name) = words.next() {
        if name.contains('*') || name == "pull_request" {
            continue;
        }
        if !known.contains(&name) || words.next().is_none() {
            return false;
        }
        pairs += 1;
    }
    pairs > 1 || (pairs == 1 && !value.starts_with("repo:") && !value.starts_with("project_path:"))
}

/// The claim with which a value starts, where anybody can have it as well: it is one that the author
/// of a workflow chooses, and no later part names an owner or a repository.
pub(super) fn chosen_by_anybody(value: &str) -> Option<&str> {
    let (first, _) = value.split_once(':')?;
    if !BY_CHOICE.contains(&first) {
        return None;
    }
    let mut words = value.split(':');
    while let Some(name) = words.next() {
        let text = words.next().unwrap_or_default();
        let fixed = text.split(['*', '?']).next().unwrap_or_default();
        if OF_OWNER.contains(&name) && !fixed.is_empty() {
            return None;
        }
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_told_from_slips() {
        for (value, template, chosen) in [
            ("repo:octo/app:workflow:deploy", true, None),
            ("repo:octo/app:branch:main", false, None),
            ("repo:octo/app", false, None),
            ("repository_owner:octo:environment:prod", true, None),
            ("environment:prod", true, Some("environment")),
            ("environment:prod:repository_id:74", true, None),
            ("workflow:deploy:*", true, Some("workflow")),
            ("job_workflow_ref:octo/flows/.github/workflows/d.yml@refs/heads/main", true, None),
            ("octo/app", false, None),
            ("repo:octo/app:pull_request:actor:octocat", true, None),
        ] {
            assert_eq!(is_one(Kind::GitHub, value), template, "{value}");
            assert_eq!(chosen_by_anybody(value), chosen, "{value}");
        }
        assert!(is_one(Kind::GitLab, "project_id:20:ref_type:branch:ref:main"));
    }
}
