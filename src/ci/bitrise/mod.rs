//! Bitrise.
//! <https://docs.bitrise.io/en/bitrise-ci/references/steps-reference.html>

mod causes;
mod envman;
mod inputs;
pub mod table;
mod token;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::Ci;
use crate::change::Change;
use crate::diagnostic::{Diagnostic, Failure};
use crate::dialect::{Dialect, Report};
use crate::effect::Stream;
use crate::environment::Environment;
use crate::names::{self, Meaning};
use crate::pairs::Pairs;
use crate::run::{Run, Trouble};
use crate::secret::Secret;
use crate::settings::{Settings, ToAssume, TokenRequest};
use crate::token::UnverifiedToken;
use crate::values::Audience;
use crate::variables::AWS_VARIABLES;

/// The CLI takes the last text between these two for the reason why a step failed.
const RED: &str = "\u{1b}[31;1m";
const PLAIN: &str = "\u{1b}[0m";

/// What others say of a failure, which belongs to its reason.
const SAID: [&str; 3] = ["AWS says", "Bitrise says", "it says"];

/// Far more than the CLI needs to read what was written last.
const READING_MS: u64 = 100;

pub struct Bitrise;

impl Dialect for Bitrise {
    fn name(&self) -> &'static str {
        "bitrise"
    }

    fn stream(&self) -> Stream {
        Stream::Stdout
    }

    /// All of it, then what to act on once more, as one red text: it becomes the reason of the
    /// failure on the build's page, and `BITRISE_FAILED_STEP_ERROR_MESSAGE` for later steps.
    fn failure(&self, reports: Vec<Report<'_>>) -> Vec<String> {
        let mut lines = Vec::new();
        let mut reasons = Vec::new();
        for Report { diagnostic, lines: all } in reports {
            lines.extend(all);
            reasons.push(format!("{} ({})", diagnostic.headline, diagnostic.code.id()));
            let said = diagnostic.facts.iter().filter(|(label, _)| SAID.contains(label));
            reasons.extend(said.map(|(label, value)| format!("  {label}: {value}")));
            let subject = diagnostic.claims.iter().find(|(name, _)| *name == "sub");
            reasons.extend(subject.map(|(name, value)| format!("  token {name}: {value}")));
            reasons.extend(diagnostic.fixes.iter().map(|fix| format!("  fix: {fix}")));
            if let Some(paste) = &diagnostic.paste {
                reasons.push(format!("  {}:", paste.caption));
                reasons.extend(paste.lines.iter().map(|line| format!("    {line}")));
            }
            reasons.push(format!("  docs: {}", diagnostic.docs_url()));
        }
        lines.push(format!("{RED}{}{PLAIN}", reasons.join("\n")));
        lines
    }

    fn group(&self, title: &str) -> Option<String> {
        Some(title.to_owned())
    }

    fn run_labels(&self, env: &Environment) -> Vec<(&'static str, String)> {
        env.labels(&[
            ("app", "BITRISE_APP_SLUG"),
            ("build", "BITRISE_BUILD_SLUG"),
            ("workflow", "BITRISE_TRIGGERED_WORKFLOW_ID"),
        ])
    }

    fn is_option(&self, variable: &str) -> bool {
        AWS_VARIABLES.contains(&variable) || table::INPUTS.iter().any(|spec| spec.name == variable)
    }

    fn is_secret_option(&self, variable: &str) -> bool {
        table::INPUTS.iter().any(|spec| spec.name == variable && spec.secret)
    }

    fn option(&self, meaning: Meaning) -> &'static str {
        match meaning {
            Meaning::Overwrite => names::bitrise(Meaning::Profile),
            Meaning::TokenFile => "identity_token",
            other => names::bitrise(other),
        }
    }
}

/// It hides nothing of this step's own log, which is what we write: what is handed over is marked
/// sensitive, and hidden from the next step on.
impl Ci for Bitrise {
    fn is_here(&self, env: &Environment) -> bool {
        env.is_on("BITRISE_IO")
    }

    fn session_name(&self, env: &Environment) -> String {
        format!("bitrise-{}", env.get("BITRISE_BUILD_NUMBER").unwrap_or_default())
    }

    fn settings(&self, run: &Run) -> Result<Settings, Failure> {
        inputs::settings(run)
    }

    fn token<'a>(
        &'a self,
        run: &'a Run,
        settings: &'a Settings,
        request: &'a TokenRequest,
    ) -> LocalBoxFuture<'a, Result<Secret, Trouble>> {
        token::request(run, settings, request.audience.as_ref().map_or(Audience::STS, Audience::as_str)).boxed_local()
    }

    fn deciding_claims(&self) -> &'static [&'static str] {
        &["iss", "aud", "sub", "app_slug", "workflow", "branch", "tag"]
    }

    fn denial_causes(&self, token: &UnverifiedToken, role: &ToAssume<'_>) -> Vec<String> {
        causes::of_denial(token, role)
    }

    fn pinned_claims(&self) -> &'static [&'static str] {
        &["aud", "sub"]
    }

    fn pinned(&self) -> &'static str {
        "builds of this app's workflow, of every branch and pull request that may start it"
    }

    fn exports<'a>(
        &'a self,
        run: &'a Run,
        variables: &'a Pairs,
    ) -> LocalBoxFuture<'a, Result<Vec<Change>, Diagnostic>> {
        envman::changes(run, variables).boxed_local()
    }

    /// The CLI's own folder of this build, which no other user can enter, and which steps in
    /// containers share with the others.
    fn scratch(&self, run: &Run) -> String {
        envman::folder(&run.env).unwrap_or(run.env.temp()).to_owned()
    }

    /// The CLI knows the reason only if it has read it before the step is over.
    fn after_failure<'a>(&'a self, run: &'a Run, _failure: &'a Failure) -> LocalBoxFuture<'a, ()> {
        run.sleep(READING_MS).map(|_| ()).boxed_local()
    }
}

/// A line for those who set `verbose`. What a secret would do to it, the run sees to.
fn verbose(run: &Run, line: impl FnOnce() -> String) {
    if run.env.is_on("verbose") {
        run.say(&format!("  verbose: {}", line()));
    }
}
