//! The GitHub Action that lints a repository's policies: `uses: …/lint`.

use super::lint::{Outcome, Task, examine};
use super::{Desk, NO, UNCLEAR};
use crate::ci::github::commands;
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::Environment;
use crate::policy::lint::Severity;
use crate::policy::report::{self, counted};
use crate::settings::{OptionSpec, prose};
use crate::text::{listed, nearest};

/// In the order in which people read them. `lint/action.yml` and `docs/policy.md` are made from this.
#[rustfmt::skip]
pub const INPUTS: &[OptionSpec] = &[
    input("files", "the whole checkout", "Files and folders to look at, one a line: trust policies, CloudFormation templates, Terraform plans as JSON, output of the AWS CLI."),
    input("threshold", "medium", "The least severity that makes the step fail: low, medium, high or critical; or never."),
    input("config", ".ci-assume-role-lint.yml, if there is one", "File of findings that are accepted, each with a reason."),
    input("sarif", "none", "Write the findings as SARIF into this file, for github/codeql-action/upload-sarif."),
];

/// Name and description of every output.
pub const OUTPUTS: &[(&str, &str)] =
    &[("findings", "How many findings there are."), ("sarif", "The path of the SARIF file, if one was asked for.")];

const fn input(name: &'static str, default: &'static str, description: &'static str) -> OptionSpec {
    OptionSpec { name, description: prose(description), default, alias: None, secret: false }
}

pub(super) async fn run(desk: &Desk, env: &Environment) -> Result<u8, Diagnostic> {
    let given = |name: &str| env.get(&format!("INPUT_{}", name.to_ascii_uppercase())).map(str::trim);
    let threshold = match given("threshold").unwrap_or("medium") {
        "never" => None,
        name => Some(Severity::named(name).ok_or_else(|| unknown_threshold(name))?),
    };
    let files = given("files").unwrap_or(".").lines().map(str::trim).filter(|line| !line.is_empty());
    let task = Task {
        files: files.map(str::to_owned).collect(),
        threshold: threshold.unwrap_or(Severity::Critical),
        config: given("config").filter(|path| !path.is_empty()).map(str::to_owned),
        fix: false,
        sarif: given("sarif").filter(|path| !path.is_empty()).map(str::to_owned),
    };
    let Outcome { looked, exit_code } = examine(desk, &task).await?;
    let annotations = report::github::render(&report::lint(&looked));
    if !annotations.is_empty() {
        desk.print(&annotations);
    }
    let text = report::text::render(&looked, false);
    desk.print(&report::text::for_a_log(&text));

    let count: usize = looked.iter().map(|file| file.findings.len()).sum();
    let mut outputs = vec![("findings", count.to_string())];
    outputs.extend(task.sarif.map(|path| ("sarif", path)));
    for (name, value) in outputs {
        let delimiter = desk.channel.random_name();
        // None of the two values has a line break, so that they can always be written.
        if let Ok(entry) = commands::file_entry(name, &value, &delimiter) {
            append(desk, env, "GITHUB_OUTPUT", entry).await?;
        }
    }
    let fence = "`".repeat(text.split(|c| c != '`').map(str::len).max().unwrap_or(0).max(2) + 1);
    let page = format!("### Trust policies: {}\n\n{fence}text\n{text}\n{fence}\n", counted(count, "finding"));
    append(desk, env, "GITHUB_STEP_SUMMARY", page).await?;
    Ok(if exit_code == NO && threshold.is_none() { 0 } else { exit_code.min(UNCLEAR) })
}

/// Nothing happens outside of a runner, which has no such files.
async fn append(desk: &Desk, env: &Environment, variable: &str, text: String) -> Result<(), Diagnostic> {
    let Some(path) = env.get(variable) else { return Ok(()) };
    desk.channel.append_file(path, text).await.map(|_| ()).map_err(|fault| {
        Diagnostic::new(Code::HandOverFailed, format!("the file that {variable} names cannot be written"))
            .fact("system says", &fault.detail)
    })
}

fn unknown_threshold(given: &str) -> Diagnostic {
    let mut known: Vec<&str> = Severity::ALL.iter().map(|severity| severity.name()).collect();
    known.push("never");
    Diagnostic::new(Code::OptionInvalid, "`threshold` has a value that does not exist")
        .fact("value", given)
        .fact_if("nearest", nearest(given, known.iter().copied()))
        .fix(format!("use one of {}", listed(&known)))
}
