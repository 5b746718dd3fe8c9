//! Buildkite. <https://buildkite.com/docs/agent/hooks>
//!
//! Standard output belongs to the hook's shell, which evaluates what is printed there; people read
//! standard error.

mod causes;
pub mod config;
mod inputs;
mod redaction;
pub mod table;
mod token;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::{AtTheEnd, Ci, Reminder};
use crate::diagnostic::{Diagnostic, Failure, render};
use crate::dialect::{Dialect, Report};
use crate::effect::Command;
use crate::environment::Environment;
use crate::names::{self, Meaning};
use crate::product;
use crate::run::{Run, Trouble};
use crate::secret::Secret;
use crate::settings::{Settings, ToAssume, TokenRequest};
use crate::token::UnverifiedToken;
use crate::variables::AWS_VARIABLES;

/// What the files of a job's plugins start with, one a line; `hooks/pre-exit` removes them.
const FILES: &str = "CI_ASSUME_ROLE_FILES";
/// For calls of the agent to itself.
const TOOL_MS: u32 = 10_000;

pub struct Buildkite;

impl Dialect for Buildkite {
    fn name(&self) -> &'static str {
        "buildkite"
    }

    fn failure(&self, reports: Vec<Report<'_>>) -> Vec<String> {
        // It opens the group that it is in, which would be folded away otherwise.
        std::iter::once("^^^ +++".to_owned()).chain(reports.into_iter().flat_map(|report| report.lines)).collect()
    }

    fn group(&self, title: &str) -> Option<String> {
        Some(format!("~~~ :aws: {title}"))
    }

    fn run_labels(&self, env: &Environment) -> Vec<(&'static str, String)> {
        let mut labels = Vec::new();
        if let (Some(organization), Some(pipeline)) =
            (env.get("BUILDKITE_ORGANIZATION_SLUG"), env.get("BUILDKITE_PIPELINE_SLUG"))
        {
            labels.push(("pipeline", format!("{organization}/{pipeline}")));
        }
        labels.extend(env.labels(&[("build", "BUILDKITE_BUILD_NUMBER"), ("job", "BUILDKITE_JOB_ID")]));
        labels
    }

    fn is_option(&self, variable: &str) -> bool {
        variable == config::CONFIGURATION
            || AWS_VARIABLES.contains(&variable)
            || table::SPECS.iter().any(|spec| spec.alias == Some(variable))
    }

    fn option(&self, meaning: Meaning) -> &'static str {
        match meaning {
            Meaning::Region => "AWS_REGION", // it decides which STS is asked; the option `region` does not
            Meaning::Overwrite => names::buildkite(Meaning::Profile),
            Meaning::TokenFile => "token",
            other => names::buildkite(other),
        }
    }
}

impl Ci for Buildkite {
    fn is_here(&self, env: &Environment) -> bool {
        env.is_on("BUILDKITE")
    }

    fn prints_exports(&self) -> bool {
        true
    }

    fn session_name(&self, env: &Environment) -> String {
        env.get("BUILDKITE_JOB_ID").map_or_else(|| product::NAME.to_owned(), |job| format!("buildkite-job-{job}"))
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
        token::request(run, settings, request).boxed_local()
    }

    fn deciding_claims(&self) -> &'static [&'static str] {
        &[
            "iss",
            "aud",
            "sub",
            "organization_slug",
            "organization_id",
            "pipeline_slug",
            "pipeline_id",
            "cluster_id",
            "cluster_name",
            "build_branch",
            "build_tag",
            "build_source",
            "step_key",
            "runner_environment",
        ]
    }

    fn denial_causes(&self, token: &UnverifiedToken, role: &ToAssume<'_>) -> Vec<String> {
        causes::of_denial(token, role)
    }

    fn pinned_claims(&self) -> &'static [&'static str] {
        &["aud", "sub", "organization_id", "pipeline_id", "build_branch"]
    }

    fn pinned(&self) -> &'static str {
        "jobs of this pipeline on this branch, whatever their commit and step"
    }

    fn subject_pattern(&self, subject: &str) -> Option<String> {
        causes::subject_pattern(subject)
    }

    fn conceal<'a>(&'a self, run: &'a Run) -> LocalBoxFuture<'a, Result<(), Trouble>> {
        redaction::conceal(run).boxed_local()
    }

    fn at_the_end(&self) -> AtTheEnd {
        AtTheEnd::RemovesFiles
    }

    fn remember(&self, run: &Run, files: &str) -> Result<Reminder, Diagnostic> {
        let all = run.env.get(FILES).into_iter().chain([files]).collect::<Vec<_>>().join("\n");
        Ok(Reminder::Variable(FILES.to_owned(), all))
    }

    /// The exports of a hook that is cancelled are lost, [`FILES`] among them.
    fn mark(&self, run: &Run) -> Option<String> {
        let harmless = |job: &&str| job.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        run.env.get("BUILDKITE_JOB_ID").filter(harmless).map(str::to_owned)
    }

    fn after_failure<'a>(&'a self, run: &'a Run, failure: &'a Failure) -> LocalBoxFuture<'a, ()> {
        annotate(run, failure).boxed_local()
    }
}

/// The explanation on the build's page, where that was asked for.
async fn annotate(run: &Run, failure: &Failure) {
    if !inputs::wants_annotation(&run.env) {
        return;
    }
    let pages: String = failure.diagnostics().iter().map(render::summary).collect();
    let context = format!("{}-{}", product::NAME, run.env.get("BUILDKITE_JOB_ID").unwrap_or("job"));
    let argv = ["buildkite-agent", "annotate", "--style", "error", "--context", &context];
    let command = Command {
        argv: argv.map(str::to_owned).into(),
        env: Vec::new(),
        input: run.scrub(&pages),
        timeout_ms: TOOL_MS,
        max_bytes: 64 * 1024,
    };
    if !run.program(command).await.is_ok_and(|ended| ended.exit_code == Some(0)) {
        run.notice("the annotation could not be made");
    }
}
