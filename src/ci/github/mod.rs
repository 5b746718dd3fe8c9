//! GitHub Actions.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

mod causes;
pub mod commands;
mod inputs;
pub mod table;
mod token;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use self::commands::Level;
use super::Ci;
use crate::diagnostic::{Code, Diagnostic, Failure, render};
use crate::handover::Step;
use crate::run::{Environment, Run, Trouble};
use crate::secret::Secret;
use crate::settings::{Audience, Settings};
use crate::token::UnverifiedToken;

/// The name under which the post step finds the record: `STATE_record`.
const STATE_RECORD: &str = "record";

pub struct GitHub;

impl Ci for GitHub {
    fn name(&self) -> &'static str {
        "github"
    }

    fn settings(&self, run: &Run) -> Result<Settings, Failure> {
        inputs::settings(run)
    }

    fn is_option(&self, variable: &str) -> bool {
        variable.starts_with("INPUT_")
            || table::FURTHER_VARIABLES.contains(&variable)
            || table::INPUTS.iter().any(|spec| spec.alias == Some(variable))
    }

    fn token<'a>(
        &'a self,
        run: &'a Run,
        settings: &'a Settings,
        audience: &'a Audience,
    ) -> LocalBoxFuture<'a, Result<Secret, Trouble>> {
        token::request(run, settings, audience).boxed_local()
    }

    fn deciding_claims(&self) -> &'static [&'static str] {
        &[
            "iss",
            "aud",
            "sub",
            "repository",
            "repository_id",
            "repository_owner_id",
            "ref",
            "environment",
            "event_name",
            "workflow",
            "job_workflow_ref",
            "actor",
        ]
    }

    fn denial_causes(&self, token: &UnverifiedToken, settings: &Settings) -> Vec<String> {
        causes::of_denial(token, settings)
    }

    fn pinned_claims(&self) -> &'static [&'static str] {
        &["aud", "sub", "repository_id", "repository_owner_id"]
    }

    fn mask_lines(&self, secret: &str) -> Vec<String> {
        commands::add_mask(secret).lines().map(str::to_owned).collect()
    }

    fn notice(&self, message: &str) -> Option<String> {
        Some(commands::annotation(Level::Notice, crate::product::NAME, message))
    }

    fn error(&self, diagnostic: &Diagnostic) -> Option<String> {
        let title = format!("{}: {}", crate::product::NAME, diagnostic.code.id());
        Some(commands::annotation(Level::Error, &title, diagnostic.headline.as_str()))
    }

    fn group(&self, title: &str) -> Option<String> {
        Some(commands::group(title))
    }

    fn end_group(&self) -> Option<String> {
        Some(commands::END_GROUP.to_owned())
    }

    fn run_labels(&self, env: &Environment) -> Vec<(&'static str, String)> {
        let value = |name| env.get(name).map(str::to_owned);
        let mut labels = Vec::new();
        labels.extend(value("GITHUB_REPOSITORY").map(|repository| ("repository", repository)));
        labels.extend(value("GITHUB_RUN_ID").map(|run| {
            let attempt = value("GITHUB_RUN_ATTEMPT").unwrap_or_else(|| "1".to_owned());
            ("run", format!("{run}-{attempt}"))
        }));
        labels.extend(value("GITHUB_JOB").map(|job| ("job", job)));
        labels
    }

    fn exports(&self, run: &Run, variables: &[(String, String)]) -> Result<Vec<Step>, Diagnostic> {
        file_command(run, "GITHUB_ENV", variables)
    }

    fn outputs(&self, run: &Run, outputs: &[(String, String)]) -> Result<Vec<Step>, Diagnostic> {
        file_command(run, "GITHUB_OUTPUT", outputs)
    }

    fn remember(&self, run: &Run, record: &str) -> Result<Vec<Step>, Diagnostic> {
        file_command(run, "GITHUB_STATE", &[(STATE_RECORD.to_owned(), record.to_owned())])
    }

    fn remembered(&self, env: &Environment) -> Option<String> {
        env.get(&format!("STATE_{STATE_RECORD}")).map(str::to_owned)
    }

    fn scratch(&self, run: &Run) -> String {
        run.env.get("RUNNER_TEMP").unwrap_or("/tmp").to_owned()
    }

    fn after_failure(&self, run: &Run, failure: &Failure) -> Vec<Step> {
        let mut steps = Vec::new();
        if let Some(path) = run.env.get("GITHUB_STEP_SUMMARY") {
            let pages: String = failure.diagnostics().iter().map(render::summary).collect();
            steps.push(Step::Append { path: path.to_owned(), text: run.scrub(&pages) });
        }
        let diagnostic = ("diagnostic".to_owned(), run.scrub(&render::json(failure)));
        steps.extend(self.outputs(run, &[diagnostic]).unwrap_or_default());
        steps
    }
}

/// Appends entries to one of the runner's command files. A delimiter is drawn for each entry, so
/// that no value can end its own entry and begin another.
fn file_command(run: &Run, variable: &str, entries: &[(String, String)]) -> Result<Vec<Step>, Diagnostic> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let Some(path) = run.env.get(variable) else {
        return Err(Diagnostic::new(Code::HandOverFailed, format!("the runner did not set {variable}"))
            .cause("this is not a step of a GitHub Actions job, or the runner is older than 2.297")
            .fix("run it with `uses:` in a workflow; for a try-out without one, run the demo"));
    };
    let mut text = String::new();
    for (name, value) in entries {
        let delimiter = format!("ghadelimiter_{}", run.channel.random_name());
        let entry = commands::file_entry(name, value, &delimiter).map_err(|fault| {
            Diagnostic::new(Code::HandOverFailed, format!("{name} cannot go into {variable}: {fault}"))
        })?;
        text.push_str(&entry);
    }
    Ok(vec![Step::Append { path: path.to_owned(), text }])
}
