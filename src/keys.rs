//! Which claims of a token reach a trust policy, by issuer. AWS publishes the list in the service
//! authorization reference and changes it now and then, so it has a date.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html>

use crate::time::Timestamp;

/// When the list below was last held against AWS's: year and month.
pub const AS_OF: &str = "2026-11";

/// Of every OIDC provider. `oaud` is the claim `aud` as it stands; `aud` itself is `azp` where the token has that.
const OF_ALL: [&str; 4] = ["aud", "sub", "amr", "email"];
const GITHUB: &[&str] = &[
    "actor",
    "actor_id",
    "job_workflow_ref",
    "repository",
    "repository_id",
    "repository_owner_id",
    "workflow",
    "ref",
    "environment",
    "enterprise_id",
];
const BUILDKITE: &[&str] = &[
    "organization_slug",
    "organization_id",
    "pipeline_slug",
    "pipeline_id",
    "cluster_name",
    "cluster_id",
    "build_branch",
];
const GITLAB: &[&str] = &[
    "namespace_id",
    "project_id",
    "user_id",
    "user_login",
    "user_email",
    "user_access_level",
    "ref_protected",
    "pipeline_source",
    "runner_environment",
];
const CIRCLECI: &[&str] = &["oidc.circleci.com/project-id"];
const GOOGLE: &[&str] = &["google/organization_number"];
const ORACLE: &[&str] = &["rpst_id"];

/// The name of the condition key after the issuer and a colon. `None`: no policy can see the claim.
#[must_use]
pub fn of_claim<'a>(issuer: &str, claim: &'a str) -> Option<&'a str> {
    (OF_ALL.contains(&claim) || of_issuer(issuer).contains(&claim)).then_some(claim)
}

/// Whether the list is older than a year, so that AWS may know keys by now that it lacks.
#[must_use]
pub fn is_stale(now: Timestamp) -> bool {
    let due = AS_OF.split_once('-').and_then(|(year, month)| {
        let next: u16 = year.parse::<u16>().ok()?.checked_add(1)?;
        Timestamp::parse(&format!("{next}-{month}-01T00:00:00Z"))
    });
    due.is_none_or(|due| now >= due)
}

/// The claim behind a condition key, whose name AWS reads without regard to letter case.
#[must_use]
pub fn claim_of_key(issuer: &str, name: &str) -> Option<&'static str> {
    OF_ALL.iter().chain(of_issuer(issuer)).copied().find(|key| key.eq_ignore_ascii_case(name))
}

/// An issuer as condition keys and providers' ARNs have it.
#[must_use]
pub fn without_scheme(issuer: &str) -> &str {
    issuer.strip_prefix("https://").unwrap_or(issuer)
}

/// The keys that only this issuer has.
#[must_use]
pub fn of_issuer(issuer: &str) -> &'static [&'static str] {
    let host = without_scheme(issuer);
    let host = host.strip_suffix('/').unwrap_or(host);
    match host {
        "gitlab.com" => GITLAB,
        "agent.buildkite.com" => BUILDKITE,
        "accounts.google.com" => GOOGLE,
        _ if host == "token.actions.githubusercontent.com"
            || host.starts_with("token.actions.githubusercontent.com/")
            || host.starts_with("github.com/enterprises/")
            || (host.starts_with("token.actions.") && host.ends_with(".ghe.com")) =>
        {
            GITHUB
        }
        _ if host.starts_with("oidc.circleci.com/org/") => CIRCLECI,
        _ if host.starts_with("idcs-") && host.ends_with(".identity.oraclecloud.com") => ORACLE,
        _ if host.starts_with("agent.") && (host.ends_with(".buildkite.dev") || host.ends_with(".buildkite.site")) => {
            BUILDKITE
        }
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_stale_after_a_year() {
        let dated = Timestamp::parse(&format!("{AS_OF}-01T00:00:00Z")).unwrap();
        let days = |days: i64| Timestamp::from_seconds(dated.seconds() + days * 86_400);
        assert!(!is_stale(dated));
        assert!(!is_stale(days(364)));
        assert!(is_stale(days(366)));
        assert!(is_stale(days(4000)));
    }

    #[test]
    fn an_issuer_has_its_own_keys_and_no_others() {
        for (issuer, claim, seen) in [
            ("https://token.actions.githubusercontent.com", "repository_id", true),
            ("https://token.actions.githubusercontent.com/acme", "repository_id", true),
            ("https://token.actions.acme.ghe.com", "ref", true),
            ("https://token.actions.githubusercontent.com", "event_name", false),
            ("https://agent.buildkite.com", "pipeline_id", true),
            ("https://agent.buildkite.com", "build_commit", false),
            ("https://gitlab.com", "project_id", true),
            ("https://gitlab.example.com", "project_id", false),
            ("https://oidc.circleci.com/org/1", "oidc.circleci.com/project-id", true),
            ("https://oidc.circleci.com", "oidc.circleci.com/project-id", false),
            ("https://token.builds.bitrise.io", "app_slug", false),
            ("https://token.builds.bitrise.io", "sub", true),
            ("https://x", "iss", false),
        ] {
            assert_eq!(of_claim(issuer, claim).is_some(), seen, "{issuer} {claim}");
        }
    }
}
