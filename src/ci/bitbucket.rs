//! Bitbucket Pipelines.
//! <https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/>
//!
//! Its log hides secured variables and nothing that was made in a step, so nothing secret is printed:
//! what a step's shell evaluates names files.

use futures_util::future::{LocalBoxFuture, ready};

use super::Ci;
use crate::change::Change;
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::Dialect;
use crate::environment::Environment;
use crate::pairs::Pairs;
use crate::product;
use crate::run::{Run, Trouble};
use crate::secret::Secret;
use crate::settings::common::Way;
use crate::settings::{Settings, ToAssume, TokenRequest};
use crate::shell;
use crate::sts::error::Retry;
use crate::token::UnverifiedToken;
use crate::variables::is_prefixed_credential;

const TOKEN: &str = "BITBUCKET_STEP_OIDC_TOKEN";

pub struct Bitbucket;

impl Dialect for Bitbucket {
    fn name(&self) -> &'static str {
        "bitbucket"
    }

    fn run_labels(&self, env: &Environment) -> Vec<(&'static str, String)> {
        env.labels(&[("repository", "BITBUCKET_REPO_FULL_NAME"), ("build", "BITBUCKET_BUILD_NUMBER")])
    }
}

impl Ci for Bitbucket {
    fn is_here(&self, env: &Environment) -> bool {
        env.get("BITBUCKET_BUILD_NUMBER").is_some()
    }

    fn prints_exports(&self) -> bool {
        true
    }

    fn way(&self) -> Way {
        Way::Profile
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

    fn denial_causes(&self, token: &UnverifiedToken, role: &ToAssume<'_>) -> Vec<String> {
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

    fn exports<'a>(
        &'a self,
        run: &'a Run,
        variables: &'a Pairs,
    ) -> LocalBoxFuture<'a, Result<Vec<Change>, Diagnostic>> {
        Box::pin(ready(by_file(run, variables)))
    }
}

/// Secrets go through a file of this user, which the line that is printed has the shell read and
/// remove, with tracing off while it does.
fn by_file(run: &Run, variables: &Pairs) -> Result<Vec<Change>, Diagnostic> {
    if !variables.iter().any(|(name, value)| is_prefixed_credential(name) && !value.is_empty()) {
        return super::printed(variables);
    }
    let text = super::exports_text(variables)?;
    let path = format!("{}/{}-{}-env", run.env.temp(), product::NAME, run.channel.random_name());
    let quoted = shell::quoted(&path);
    let read = format!(". {quoted}; rm -f {quoted}");
    let line = format!("case $- in *x*) set +x; {read}; set -x ;; *) {read} ;; esac\n");
    Ok(vec![Change::Write { path, text, before: None }, Change::Print { text: line }])
}

fn missing() -> Diagnostic {
    Diagnostic::new(Code::TokenPermissionMissing, format!("this step has no OIDC token: {TOKEN} is not set"))
        .cause("the step does not ask for one")
        .cause("the step's script runs in a container or pipe of its own, which gets none of the step's variables")
        .fix("add `oidc: true` to the step")
        .paste(
            "in bitbucket-pipelines.yml",
            "yaml",
            &format!(
                "- step:\n    oidc: true\n    script:\n      - eval \"$({} assume --role-arn …)\"",
                product::npx()
            ),
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
