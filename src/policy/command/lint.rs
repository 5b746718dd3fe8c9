//! Looking for mistakes: `policy lint`, and the GitHub Action of the same kind.

use super::input::{self, Input};
use super::{Desk, NO, UNCLEAR, WELL};
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::Stream;
use crate::policy::lint::{self, Severity};
use crate::policy::report::{self, Listed, Looked};
use crate::policy::source::{self, Format};

/// What is to be looked at, and when to be content.
pub(super) struct Task {
    pub(super) files: Vec<String>,
    pub(super) threshold: Severity,
    /// Where the findings are to be written as SARIF.
    pub(super) sarif: Option<String>,
}

/// What came of it.
pub(super) struct Outcome {
    pub(super) looked: Vec<Looked>,
    pub(super) exit_code: u8,
}

pub(super) async fn run(desk: &Desk) -> Result<u8, Diagnostic> {
    let task = Task {
        files: desk.operands.clone(),
        threshold: desk.flag("--threshold").and_then(Severity::named).unwrap_or(Severity::Medium),
        sarif: desk.flag("--sarif").map(str::to_owned),
    };
    let Outcome { looked, exit_code } = examine(desk, &task).await?;
    let text = match desk.flag("--format") {
        Some("json") => report::json::render(&looked),
        Some("sarif") => report::sarif::render(&looked),
        Some("github") => report::github::render(&looked),
        Some("junit") => report::junit::render(&looked),
        _ => report::text::for_a_log(&report::text::render(&looked, desk.is_coloured(Stream::Stdout))),
    };
    if !text.is_empty() {
        desk.print(&text);
    }
    Ok(exit_code)
}

/// Reads all files, looks for mistakes, and writes the file of findings.
pub(super) async fn examine(desk: &Desk, task: &Task) -> Result<Outcome, Diagnostic> {
    let (inputs, mut unclear) = input::files(desk, &task.files).await;
    let mut looked = Vec::new();
    for input in inputs {
        let named = input.named;
        let file = look(input);
        if file.file.format != Format::Unknown || !file.findings.is_empty() {
            looked.push(file);
        } else if named {
            desk.complain(&no_policy(&file.name));
            unclear += 1;
        }
    }
    if let Some(path) = &task.sarif {
        let written = desk.channel.write_file(path, report::sarif::render(&looked), 0o644).await;
        written.map_err(|fault| {
            Diagnostic::new(Code::OptionInvalid, format!("{path} cannot be written")).fact("system says", &fault.detail)
        })?;
    }
    let exit_code = if looked.iter().filter_map(Looked::worst).any(|worst| worst >= task.threshold) {
        NO
    } else if unclear > 0 {
        UNCLEAR
    } else {
        WELL
    };
    Ok(Outcome { looked, exit_code })
}

/// What `policy lint --format json` says of one text. `name` is what the file is called.
#[must_use]
pub fn findings(name: &str, text: &str) -> String {
    report::json::render(&[look(Input { name: name.to_owned(), text: text.to_owned(), named: true })])
}

/// Reads one file and looks for mistakes.
fn look(input: Input) -> Looked {
    let Input { name, text, .. } = input;
    let file = source::read(&name, &text);
    let findings = file.policies.iter().enumerate().flat_map(|(index, found)| {
        lint::check(found).into_iter().map(move |finding| Listed { policy: Some(index), finding })
    });
    Looked { findings: findings.collect(), name, text, file }
}

pub(super) fn no_policy(name: &str) -> Diagnostic {
    Diagnostic::new(Code::OptionInvalid, format!("{name} has no trust policy"))
        .cause("a role's permissions are another document than its trust policy")
        .fix("give a trust policy, the output of `aws iam get-role`, a Terraform plan as JSON, or a CloudFormation template")
}
