//! GitHub Actions.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

mod causes;
pub mod commands;
#[cfg(feature = "signed")]
mod credentials;
mod inputs;
#[cfg(feature = "signed")]
pub mod login;
pub mod table;
#[cfg(feature = "signed")]
mod tags;
mod token;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, ready};

use self::commands::Level;
use super::{AtTheEnd, Ci, ProfilePlace, Reminder};
use crate::change::{self, Change};
use crate::diagnostic::{Code, Diagnostic, Failure, render};
use crate::dialect::{Dialect, Report};
use crate::effect::Stream;
use crate::environment::Environment;
use crate::names::{self, Meaning};
use crate::pairs::Pairs;
use crate::product;
use crate::run::{Run, Trouble};
use crate::secret::Secret;
use crate::settings::{Settings, ToAssume, TokenRequest};
use crate::token::UnverifiedToken;
use crate::variables::AWS_VARIABLES;

/// The name under which the post step finds the record: `STATE_record`.
const STATE_RECORD: &str = "record";

pub struct GitHub;

impl Dialect for GitHub {
    fn name(&self) -> &'static str {
        "github"
    }

    fn stream(&self) -> Stream {
        Stream::Stdout
    }

    fn mask_lines(&self, secret: &str) -> Vec<String> {
        commands::add_mask(secret).lines().map(str::to_owned).collect()
    }

    fn notice(&self, message: &str) -> Option<String> {
        Some(commands::annotation(Level::Notice, product::NAME, message))
    }

    fn failure(&self, reports: Vec<Report<'_>>) -> Vec<String> {
        let mut lines = Vec::new();
        for report in reports {
            lines.extend(report.lines);
            let title = format!("{}: {}", product::NAME, report.diagnostic.code.id());
            lines.push(commands::annotation(Level::Error, &title, report.diagnostic.headline.as_str()));
        }
        lines
    }

    fn group(&self, title: &str) -> Option<String> {
        Some(commands::group(title))
    }

    fn end_group(&self) -> Option<String> {
        Some(commands::END_GROUP.to_owned())
    }

    fn run_labels(&self, env: &Environment) -> Vec<(&'static str, String)> {
        let mut labels = env.labels(&[("repository", "GITHUB_REPOSITORY")]);
        labels.extend(env.get("GITHUB_RUN_ID").map(|run| {
            let attempt = env.get("GITHUB_RUN_ATTEMPT").unwrap_or("1");
            ("run", format!("{run}-{attempt}"))
        }));
        labels.extend(env.labels(&[("job", "GITHUB_JOB")]));
        labels
    }

    fn is_option(&self, variable: &str) -> bool {
        variable.starts_with("INPUT_")
            || AWS_VARIABLES.contains(&variable)
            || table::INPUTS.iter().any(|spec| spec.alias == Some(variable))
    }

    fn option(&self, meaning: Meaning) -> &'static str {
        names::github(meaning)
    }
}

impl Ci for GitHub {
    fn is_here(&self, env: &Environment) -> bool {
        env.is_on("GITHUB_ACTIONS")
    }

    /// Trust policies may ask for this very name.
    fn session_name(&self, _env: &Environment) -> String {
        "GitHubActions".to_owned()
    }

    fn needs_signatures(&self, env: &Environment) -> bool {
        inputs::needs_signatures(env)
    }

    fn settings(&self, run: &Run) -> Result<Settings, Failure> {
        inputs::settings(run)
    }

    #[cfg(feature = "signed")]
    fn login(&self, run: &Run) -> Result<crate::login::step::Step, Failure> {
        login::read(run)
    }

    fn token<'a>(
        &'a self,
        run: &'a Run,
        settings: &'a Settings,
        request: &'a TokenRequest,
    ) -> LocalBoxFuture<'a, Result<Secret, Trouble>> {
        token::request(run, settings, request.audience.as_ref()).boxed_local()
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

    fn denial_causes(&self, token: &UnverifiedToken, role: &ToAssume<'_>) -> Vec<String> {
        causes::of_denial(token, role)
    }

    fn pinned_claims(&self) -> &'static [&'static str] {
        &["aud", "sub", "repository_id", "repository_owner_id"]
    }

    fn pinned(&self) -> &'static str {
        "this job and no other branch or environment"
    }

    fn exports<'a>(
        &'a self,
        run: &'a Run,
        variables: &'a Pairs,
    ) -> LocalBoxFuture<'a, Result<Vec<Change>, Diagnostic>> {
        Box::pin(ready(file_command(run, "GITHUB_ENV", variables)))
    }

    fn outputs(&self, run: &Run, outputs: &Pairs) -> Result<Vec<Change>, Diagnostic> {
        file_command(run, "GITHUB_OUTPUT", outputs)
    }

    fn at_the_end(&self) -> AtTheEnd {
        AtTheEnd::TakesAllBack
    }

    fn remember(&self, run: &Run, record: &str) -> Result<Reminder, Diagnostic> {
        let mut state = Pairs::default();
        state.set(STATE_RECORD, record);
        file_command(run, "GITHUB_STATE", &state).map(Reminder::Changes)
    }

    fn remembered(&self, env: &Environment) -> Vec<String> {
        env.get(&format!("STATE_{STATE_RECORD}")).map(str::to_owned).into_iter().collect()
    }

    fn scratch(&self, run: &Run) -> String {
        run.env.get("RUNNER_TEMP").unwrap_or(run.env.temp()).to_owned()
    }

    fn profile_place(&self) -> ProfilePlace {
        ProfilePlace::Shared
    }

    fn after_failure<'a>(&'a self, run: &'a Run, failure: &'a Failure) -> LocalBoxFuture<'a, ()> {
        let mut changes = Vec::new();
        if let Some(path) = run.env.get("GITHUB_STEP_SUMMARY") {
            let pages: String = failure.diagnostics().iter().map(render::summary).collect();
            changes.push(Change::Append { path: path.to_owned(), text: run.scrub(&pages) });
        }
        let mut outputs = Pairs::default();
        outputs.set("diagnostic", &run.scrub(&render::json(failure)));
        changes.extend(self.outputs(run, &outputs).unwrap_or_default());
        Box::pin(change::best_effort(run, changes))
    }
}

/// Appends entries to one of the runner's command files. A delimiter is drawn for each entry, so
/// that no value can end its own entry and begin another.
fn file_command(run: &Run, variable: &str, entries: &Pairs) -> Result<Vec<Change>, Diagnostic> {
    let mut text = String::new();
    for (name, value) in entries.iter() {
        let delimiter = format!("ghadelimiter_{}", run.channel.random_name());
        let entry = commands::file_entry(name, value, &delimiter).map_err(|fault| {
            Diagnostic::new(Code::HandOverFailed, format!("{name} cannot go into {variable}: {fault}"))
        })?;
        text.push_str(&entry);
    }
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let Some(path) = run.env.get(variable) else {
        return Err(Diagnostic::new(Code::HandOverFailed, format!("the runner did not set {variable}"))
            .cause("this is not a step of a GitHub Actions job, or the runner is older than 2.297")
            .fix("run it with `uses:` in a workflow; for a try-out without one, run the demo"));
    };
    Ok(vec![Change::Append { path: path.to_owned(), text }])
}
