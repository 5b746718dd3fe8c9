//! CircleCI. <https://circleci.com/docs/openid-connect-tokens/>
//!
//! Its log hides nothing that was made during the job, so nothing secret is printed, and the usual
//! hand-over is a file.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use serde_json::json;

use super::Ci;
use crate::change::{self, Change, said};
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::Dialect;
use crate::effect::{Command, FaultKind, Symlinks};
use crate::environment::Environment;
use crate::pairs::Pairs;
use crate::run::{Run, Trouble, interrupted};
use crate::secret::Secret;
use crate::settings::common::Way;
use crate::settings::{Settings, ToAssume, TokenRequest};
use crate::sts::error::Retry;
use crate::token::UnverifiedToken;
use crate::values::Audience;

const TOKENS: [&str; 2] = ["CIRCLE_OIDC_TOKEN_V2", "CIRCLE_OIDC_TOKEN"];
const CLI_MS: u32 = 20_000;
/// A token with less to live is not worth taking where another can be had.
const LEAST_SECONDS: i64 = 60;
const LARGEST_BASH_ENV: u32 = 4 * 1024 * 1024;

pub struct CircleCi;

impl Dialect for CircleCi {
    fn name(&self) -> &'static str {
        "circleci"
    }

    fn run_labels(&self, env: &Environment) -> Vec<(&'static str, String)> {
        env.labels(&[("project", "CIRCLE_PROJECT_REPONAME"), ("build", "CIRCLE_BUILD_NUM"), ("job", "CIRCLE_JOB")])
    }
}

impl Ci for CircleCi {
    fn is_here(&self, env: &Environment) -> bool {
        env.is_on("CIRCLECI")
    }

    /// As the orb `circleci/aws-cli` has it.
    fn session_name(&self, env: &Environment) -> String {
        env.get("CIRCLE_JOB").unwrap_or("circleci").to_owned()
    }

    fn way(&self) -> Way {
        Way::Profile
    }

    fn token<'a>(
        &'a self,
        run: &'a Run,
        _settings: &'a Settings,
        request: &'a TokenRequest,
    ) -> LocalBoxFuture<'a, Result<Secret, Trouble>> {
        token(run, request.audience.as_ref()).boxed_local()
    }

    fn mints(&self, _run: &Run) -> bool {
        false
    }

    fn deciding_claims(&self) -> &'static [&'static str] {
        &[
            "iss",
            "aud",
            "sub",
            "oidc.circleci.com/project-id",
            "oidc.circleci.com/vcs-origin",
            "oidc.circleci.com/vcs-ref",
            "oidc.circleci.com/ssh-rerun",
        ]
    }

    fn denial_causes(&self, token: &UnverifiedToken, role: &ToAssume<'_>) -> Vec<String> {
        let subject = token.claims().text("sub").unwrap_or_default();
        let mut causes = vec![
            "the subject holds the user who started the pipeline, so a condition on `sub` needs StringLike and `user/*`"
                .to_owned(),
            "the policy asks for the audience sts.amazonaws.com, and CircleCI's own is the organization's id".to_owned(),
        ];
        if subject.contains("/vcs-ref/") {
            causes.push(
                "the policy is for subjects of CIRCLE_OIDC_TOKEN, which end after the user; this one is of \
                 CIRCLE_OIDC_TOKEN_V2 and goes on with the branch"
                    .to_owned(),
            );
        } else {
            causes.push(
                "the policy asks for a branch (`vcs-ref`), which this subject does not hold: the pipeline was started \
                 by a custom webhook, or the token is CIRCLE_OIDC_TOKEN"
                    .to_owned(),
            );
        }
        causes.extend(super::usual_causes(role));
        causes
    }

    fn pinned_claims(&self) -> &'static [&'static str] {
        &["aud", "oidc.circleci.com/project-id", "sub"]
    }

    fn subject_pattern(&self, subject: &str) -> Option<String> {
        let (head, tail) = subject.split_once("/user/")?;
        let rest = tail.split_once('/').map_or(String::new(), |(_, rest)| format!("/{rest}"));
        Some(format!("{head}/user/*{rest}"))
    }

    fn exports<'a>(
        &'a self,
        run: &'a Run,
        variables: &'a Pairs,
    ) -> LocalBoxFuture<'a, Result<Vec<Change>, Diagnostic>> {
        into_bash_env(run, variables).boxed_local()
    }
}

/// Each later step's bash reads `$BASH_ENV` first.
async fn into_bash_env(run: &Run, variables: &Pairs) -> Result<Vec<Change>, Diagnostic> {
    let text = super::exports_text(variables)?;
    let Some(path) = run.env.get("BASH_ENV") else {
        return Err(Diagnostic::new(
            Code::HandOverFailed,
            "BASH_ENV is not set, so later steps cannot be told anything",
        )
        .cause("the step's shell is not bash, as in Alpine images")
        .fix("add `shell: bash`, or use `--format env` and evaluate what it prints, in this same step"));
    };
    let path = path.to_owned();
    match run.channel.read_file(&path, LARGEST_BASH_ENV, Symlinks::Refuse).await {
        Ok(before) => {
            let joint = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
            Ok(vec![Change::Append { path, text: format!("{joint}{text}") }])
        }
        Err(fault) if fault.kind == FaultKind::NotFound => Ok(vec![Change::Write { path, text, before: None }]),
        Err(fault) => Err(change::unusable(&path, &fault)),
    }
}

/// The token of the job will do, unless another audience is wanted or it has ended: then the job's
/// own command line has another one made.
async fn token(run: &Run, audience: Option<&Audience>) -> Result<Secret, Trouble> {
    for name in TOKENS {
        if let Some(text) = run.env.get(name)
            && suits(run, text, audience)
        {
            return Ok(Secret::new(text));
        }
    }
    let organization = run.env.get("CIRCLE_ORGANIZATION_ID");
    let Some(wanted) = audience.map(Audience::as_str).or(organization) else {
        return Err(Trouble::new(Retry::Never, missing()));
    };
    let claims = json!({ "aud": wanted }).to_string();
    let command = Command {
        argv: ["circleci", "run", "oidc", "get", "--claims", &claims].map(str::to_owned).into(),
        env: Vec::new(),
        input: String::new(),
        timeout_ms: CLI_MS,
        max_bytes: 64 * 1024,
    };
    let diagnostic = match run.program(command).await {
        Ok(ended) if ended.exit_code == Some(0) && !ended.stdout.trim().is_empty() => {
            return Ok(Secret::new(ended.stdout.trim()));
        }
        Ok(ended) => Diagnostic::new(Code::TokenRequestFailed, "CircleCI did not issue a token for this job")
            .fact("audience", wanted)
            .fact_if("it says", Some(&ended).filter(|ended| !ended.stderr.trim().is_empty()).and_then(said))
            .cause("jobs for pull requests from forks get no token, unless the project passes secrets to forks")
            .fix("see what it says above, and https://status.circleci.com"),
        Err(fault) if fault.kind == FaultKind::Interrupted => return Err(interrupted()),
        Err(_) if run.env.get(TOKENS[0]).is_none() && run.env.get(TOKENS[1]).is_none() => missing(),
        Err(fault) => Diagnostic::new(Code::TokenRequestFailed, "the token for another audience cannot be asked for")
            .fact("audience", wanted)
            .fact_if("system says", Some(&fault.detail).filter(|detail| !detail.is_empty()))
            .cause("`circleci run oidc get` is part of the job's own command line, and it is not on PATH here")
            .fix("leave `--audience` away, and list the organization's id in the identity provider"),
    };
    Err(Trouble::new(Retry::Never, diagnostic))
}

fn suits(run: &Run, text: &str, audience: Option<&Audience>) -> bool {
    let Ok(token) = UnverifiedToken::parse(text) else { return true }; // what is wrong will be told
    let claims = token.claims();
    let fits = audience.is_none_or(|audience| claims.audiences() == [audience.as_str()]);
    let lives = claims.expires_at().is_none_or(|end| end.seconds_since(run.channel.now()) > LEAST_SECONDS);
    fits && lives
}

fn missing() -> Diagnostic {
    Diagnostic::new(Code::TokenPermissionMissing, "this job has no OIDC token: CIRCLE_OIDC_TOKEN_V2 is not set")
        .cause("jobs for pull requests from forks get no token, unless the project passes secrets to forks")
        .cause("CircleCI server before 4.4, or without access to the internet, issues none")
        .cause("an older server issues one only to jobs that have a context")
        .cause("the command runs in a container that the step starts, which gets none of the job's variables")
        .fix("run it in a job of the project itself, and give the job a context, if only an empty one")
        .paste(
            "in .circleci/config.yml",
            "yaml",
            "workflows:\n  main:\n    jobs:\n      - deploy:\n          context: aws",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_of_a_subject_is_left_open() {
        for (subject, pattern) in [
            ("org/o/project/p/user/u", "org/o/project/p/user/*"),
            (
                "org/o/project/p/user/u/vcs-origin/github.com/a/b/vcs-ref/refs/heads/main",
                "org/o/project/p/user/*/vcs-origin/github.com/a/b/vcs-ref/refs/heads/main",
            ),
        ] {
            assert_eq!(CircleCi.subject_pattern(subject).as_deref(), Some(pattern));
        }
    }
}
