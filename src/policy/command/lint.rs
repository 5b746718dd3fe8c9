//! `policy lint`

use super::input::{self, Input};
use super::{Desk, NO, UNCLEAR, WELL};
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::Stream;
use crate::policy::lint::{self, Severity};
use crate::policy::report::{self, Listed, Looked};
use crate::policy::source::{self, Format};

pub(super) async fn run(desk: &Desk) -> Result<u8, Diagnostic> {
    let (inputs, unread) = input::files(desk, &desk.operands).await;
    let mut looked = Vec::new();
    let mut without = 0;
    for input in inputs {
        let named = input.named;
        let file = look(input);
        if file.file.format == Format::Unknown && file.findings.is_empty() {
            if named {
                desk.complain(&no_policy(&file));
                without += 1;
            }
            continue;
        }
        looked.push(file);
    }
    if let Some(path) = desk.flag("--sarif") {
        let written = desk.channel.write_file(path, report::sarif::render(&looked), 0o644).await;
        written.map_err(|fault| {
            Diagnostic::new(Code::OptionInvalid, format!("{path} cannot be written")).fact("system says", &fault.detail)
        })?;
    }
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
    let threshold = desk.flag("--threshold").and_then(Severity::named).unwrap_or(Severity::Medium);
    Ok(if looked.iter().filter_map(Looked::worst).any(|worst| worst >= threshold) {
        NO
    } else if unread + without > 0 {
        UNCLEAR
    } else {
        WELL
    })
}

/// Reads a file and looks for mistakes.
#[must_use]
pub fn look(input: Input) -> Looked {
    let Input { name, text, .. } = input;
    let file = source::read(&name, &text);
    let findings = file.policies.iter().enumerate().flat_map(|(index, found)| {
        lint::check(found).into_iter().map(move |finding| Listed { policy: Some(index), finding })
    });
    Looked { findings: findings.collect(), name, text, file }
}

fn no_policy(file: &Looked) -> Diagnostic {
    Diagnostic::new(Code::OptionInvalid, format!("{} has no trust policy", file.name))
        .cause("a role's permissions are another document than its trust policy")
        .fix("give a trust policy, the output of `aws iam get-role`, a Terraform plan as JSON, or a CloudFormation template")
}
