//! Bitbucket Pipelines.
//! <https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/>

use futures_util::future::{LocalBoxFuture, ready};

use super::Ci;
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::Dialect;
use crate::environment::Environment;
use crate::run::{Run, Trouble};
use crate::secret::Secret;
use crate::settings::{RoleSettings, Settings, TokenRequest};
use crate::sts::error::Retry;
use crate::token::UnverifiedToken;

const TOKEN: &str = "BITBUCKET_STEP_OIDC_TOKEN";

pub struct Bitbucket;

impl Dialect for Bitbucket {
    fn name(&self) -> &'static str {
        "bitbucket"
    }

    fn run_labels(&self, env: &Environment) -> Vec<(&'static str, String)> {
        let value = |name| env.get(name).map(str::to_owned);
        let mut labels = Vec::new();
        labels.extend(value("BITBUCKET_REPO_FULL_NAME").map(|repository| ("repository", repository)));
        labels.extend(value("BITBUCKET_BUILD_NUMBER").map(|build| ("build", build)));
        labels
    }
}

impl Ci for Bitbucket {
    fn is_here(&self, env: &Environment) -> bool {
        env.get("BITBUCKET_BUILD_NUMBER").is_some()
    }

    fn prints_exports(&self) -> bool {
        true
    }

    fn session_name(&self, env: &Environment) -> String {
        let part = |name| env.get(name).unwrap_or_default();
        format!("bitbucket-{}-{}", part("BITBUCKET_BUILD_NUMBER"), part("BITBUCKET_REPO_SLUG"))
    }

    fn token<'a>(
        &'a self,
        run: &'a Run,
        _settings: &'a Settings,
        _request: &'a TokenRequest,
    ) -> LocalBoxFuture<'a, Result<Secret, Trouble>> {
        let token = run.env.get(TOKEN).map(Secret::new);
        Box::pin(ready(token.ok_or_else(|| Trouble::new(Retry::Never, missing()))))
    }

    /// It is made when the step starts.
    fn mints(&self, _run: &Run) -> bool {
        false
    }

    fn deciding_claims(&self) -> &'static [&'static str] {
        &["iss", "aud", "sub", "repositoryUuid", "deploymentEnvironmentUuid", "branchName", "stepUuid"]
    }

    fn denial_causes(&self, token: &UnverifiedToken, role: &RoleSettings) -> Vec<String> {
        let mut causes = vec![
            "the subject ends in the step's id, which is another one in every run, so a condition on `sub` needs \
             StringLike and a `*` at the end"
                .to_owned(),
            "the policy has the ids of the subject without their braces, `{…}`, which belong to them".to_owned(),
        ];
        causes.push(if token.claims().text("deploymentEnvironmentUuid").is_some() {
            "the step has a `deployment:`, so its subject has the environment's id in the middle".to_owned()
        } else {
            "the policy is for a deployment environment, and this step has no `deployment:`".to_owned()
        });
        causes.push("the policy tests the branch, which is in no claim that AWS can see".to_owned());
        causes.extend(super::usual_causes(role));
        causes
    }

    fn pinned_claims(&self) -> &'static [&'static str] {
        &["aud", "sub"]
    }

    fn subject_pattern(&self, subject: &str) -> Option<String> {
        let (head, _) = subject.rsplit_once(':')?;
        Some(format!("{head}:*"))
    }
}

fn missing() -> Diagnostic {
    Diagnostic::new(Code::TokenPermissionMissing, format!("this step has no OIDC token: {TOKEN} is not set"))
        .cause("the step does not ask for one")
        .cause("the step's script runs in a container or pipe of its own, which gets none of the step's variables")
        .fix("add `oidc: true` to the step")
        .paste(
            "in bitbucket-pipelines.yml",
            "yaml",
            "- step:\n    oidc: true\n    script:\n      - eval \"$(npx ci-assume-role assume --role-arn …)\"",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_of_a_subject_is_left_open() {
        assert_eq!(Bitbucket.subject_pattern("{r}:{s}").as_deref(), Some("{r}:*"));
        assert_eq!(Bitbucket.subject_pattern("{r}:{e}:{s}").as_deref(), Some("{r}:{e}:*"));
    }
}
