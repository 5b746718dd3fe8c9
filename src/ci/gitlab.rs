//! GitLab CI. <https://docs.gitlab.com/ci/secrets/id_token_authentication/>

use futures_util::future::{LocalBoxFuture, ready};

use super::Ci;
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::Dialect;
use crate::environment::Environment;
use crate::run::{Run, Trouble};
use crate::secret::Secret;
use crate::settings::{Settings, ToAssume, TokenRequest};
use crate::sts::error::Retry;
use crate::token::UnverifiedToken;
use crate::values::Audience;

pub struct GitLab;

impl Dialect for GitLab {
    fn name(&self) -> &'static str {
        "gitlab"
    }

    fn run_labels(&self, env: &Environment) -> Vec<(&'static str, String)> {
        env.labels(&[("project", "CI_PROJECT_PATH"), ("pipeline", "CI_PIPELINE_ID"), ("job", "CI_JOB_ID")])
    }
}

impl Ci for GitLab {
    fn is_here(&self, env: &Environment) -> bool {
        env.is_on("GITLAB_CI")
    }

    fn prints_exports(&self) -> bool {
        true
    }

    fn session_name(&self, env: &Environment) -> String {
        let part = |name| env.get(name).unwrap_or_default();
        format!("gitlab-{}-{}", part("CI_JOB_ID"), part("CI_PROJECT_PATH_SLUG"))
    }

    fn token<'a>(
        &'a self,
        run: &'a Run,
        _settings: &'a Settings,
        request: &'a TokenRequest,
    ) -> LocalBoxFuture<'a, Result<Secret, Trouble>> {
        let found = find(run, request.audience.as_ref());
        Box::pin(ready(found.map_err(|diagnostic| Trouble::new(Retry::Never, diagnostic))))
    }

    /// It is made when the job starts.
    fn mints(&self, _run: &Run) -> bool {
        false
    }

    fn deciding_claims(&self) -> &'static [&'static str] {
        &[
            "iss",
            "aud",
            "sub",
            "project_path",
            "project_id",
            "namespace_id",
            "ref",
            "ref_type",
            "ref_protected",
            "pipeline_source",
            "environment",
        ]
    }

    fn denial_causes(&self, token: &UnverifiedToken, role: &ToAssume<'_>) -> Vec<String> {
        let claims = token.claims();
        let mut causes = Vec::new();
        if claims.text("pipeline_source").as_deref() == Some("merge_request_event") {
            causes.push(
                "the pipeline is for a merge request, so its subject names the source branch, not the target"
                    .to_owned(),
            );
        }
        if claims.text("ref_type").as_deref() == Some("tag") {
            causes.push("the pipeline is for a tag; a policy for `ref_type:branch` does not admit it".to_owned());
        }
        causes.push(
            "the policy has another audience than the job's `id_tokens`: a slash at the end makes a difference"
                .to_owned(),
        );
        causes.push(
            "the subject is not of GitLab's usual form `project_path:…:ref_type:…:ref:…`: the project may have \
             customised it"
                .to_owned(),
        );
        causes.push("the policy names another project or branch, or spells one in another letter case".to_owned());
        causes.extend(super::usual_causes(role));
        causes
    }

    fn pinned_claims(&self) -> &'static [&'static str] {
        &["aud", "sub", "project_id", "namespace_id"]
    }
}

/// The job gives its tokens names of its own, so they are known by what they are: tokens of this
/// GitLab, for the audience that is wanted.
fn find(run: &Run, audience: Option<&Audience>) -> Result<Secret, Diagnostic> {
    let server = run.env.get("CI_SERVER_URL").unwrap_or("https://gitlab.com");
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut others: Vec<String> = Vec::new();
    for (name, value) in run.env.variables().iter().filter(|(_, value)| value.starts_with("eyJ")) {
        let Ok(token) = UnverifiedToken::parse(value) else { continue };
        let claims = token.claims();
        let ours = claims.issuer().is_some_and(|issuer| issuer == server) || claims.get("project_path").is_some();
        match audience {
            _ if !ours => {}
            Some(wanted) if !claims.audiences().contains(&wanted.as_str()) => {
                others.push(format!("{name} for {}", claims.audiences().join(", ")));
            }
            _ => found.push((name, value)),
        }
    }
    match found.as_slice() {
        [(_, token)] => Ok(Secret::new(*token)),
        [] => Err(missing(&others, audience.map_or("sts.amazonaws.com", Audience::as_str))),
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| *name).collect();
            Err(Diagnostic::new(Code::OptionMissing, "the job has several ID tokens")
                .fact("variables", names.join(", "))
                .fix(format!("say which one is for AWS: --token-env {}", names.first().unwrap_or(&"NAME")))
                .fix("or by its audience: --audience sts.amazonaws.com"))
        }
    }
}

fn missing(others: &[String], audience: &str) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(Code::TokenPermissionMissing, "this job has no ID token for AWS");
    if !others.is_empty() {
        diagnostic = diagnostic
            .fact("others", others.join("; "))
            .cause("none of the job's tokens has the audience that `--audience` wants");
    }
    diagnostic
        .cause("the job does not ask for one: `id_tokens` is not set")
        .cause("the script runs in a container of its own, which gets none of the job's variables")
        .fix("add `id_tokens` to the job")
        .paste("in .gitlab-ci.yml, in the job", "yaml", &format!("id_tokens:\n  AWS_ID_TOKEN:\n    aud: {audience}"))
}
