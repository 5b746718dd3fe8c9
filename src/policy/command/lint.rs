//! Looking for mistakes: `policy lint`, and the GitHub Action of the same kind.

use super::input::{self, Input};
use super::{Desk, NO, UNCLEAR, WELL};
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::{FaultKind, Stream, Symlinks};
use crate::policy::fields::Fault;
use crate::policy::lint::config::{Checked, Config, FILE};
use crate::policy::lint::{self, FileFinding, Severity, fix};
use crate::policy::report::{self, Looked, counted};
use crate::policy::source::{self, Format};
use crate::policy::tree::Lines;

/// What is to be looked at, and when to be content.
pub(super) struct Task {
    pub(super) files: Vec<String>,
    pub(super) threshold: Severity,
    /// Where the findings are to be written as SARIF.
    pub(super) sarif: Option<String>,
    /// The file of what is accepted; without one, that of the folder where the command runs, if it has one.
    pub(super) config: Option<String>,
    pub(super) fix: bool,
}

/// What came of it.
pub(super) struct Outcome {
    pub(super) looked: Vec<Looked>,
    pub(super) exit_code: u8,
}

/// Acceptances are a page of text, not a dump.
const MAX_CONFIG_BYTES: u32 = 1 << 20;

pub(super) async fn run(desk: &Desk) -> Result<u8, Diagnostic> {
    let task = Task {
        files: desk.operands.clone(),
        threshold: desk.flag("--threshold").and_then(Severity::named).unwrap_or(Severity::Medium),
        sarif: desk.flag("--sarif").map(str::to_owned),
        config: desk.flag("--config").map(str::to_owned),
        fix: desk.flag("--fix").is_some(),
    };
    let Outcome { looked, exit_code } = examine(desk, &task).await?;
    let text = match (desk.report_format(), desk.flag("--format")) {
        (Some(format), _) => format.render(&report::lint(&looked)),
        (None, Some("json")) => report::json::render(&looked),
        _ => report::text::for_a_log(&report::text::render(&looked, desk.is_coloured(Stream::Stdout))),
    };
    desk.print_if(&text);
    Ok(exit_code)
}

/// Reads all files, looks for mistakes, and writes what is to be written.
pub(super) async fn examine(desk: &Desk, task: &Task) -> Result<Outcome, Diagnostic> {
    let config = config(desk, task.config.as_deref()).await?;
    let (inputs, mut unclear) = input::files(desk, &task.files).await;
    let mut looked = Vec::new();
    for mut input in inputs {
        if task.fix {
            mend(desk, &mut input, &config).await?;
        }
        let named = input.named;
        let file = look(input);
        if file.file.format != Format::Unknown || !file.findings.is_empty() {
            looked.push(file);
        } else if named {
            desk.complain(&no_policy(&file.name));
            unclear += 1;
        }
    }
    accept(desk, &config, &mut looked);
    if let Some(path) = &task.sarif {
        let written = desk.channel.write_file(path, report::sarif::render(&report::lint(&looked)), 0o644).await;
        written.map_err(|fault| unwritable(path, &fault.detail))?;
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
    Looked { findings: lint::check_file(&file, &text), name, text, file }
}

async fn config(desk: &Desk, named: Option<&str>) -> Result<Config, Diagnostic> {
    let path = named.unwrap_or(FILE);
    let text = match desk.channel.read_file(path, MAX_CONFIG_BYTES, Symlinks::Follow).await {
        Ok(text) => text,
        Err(fault) if named.is_none() && fault.kind == FaultKind::NotFound => return Ok(Config::default()),
        Err(fault) => return Err(input::unreadable(path, &fault)),
    };
    Config::read(path, &text).map_err(|faults| wrong_file(path, &text, &faults))
}

/// All that is wrong with a file of ours, as one diagnostic.
pub(super) fn wrong_file(path: &str, text: &str, faults: &[Fault]) -> Diagnostic {
    let lines = Lines::new(text);
    let told = faults.iter().map(|fault| {
        let (line, column) = lines.place(fault.span.start);
        format!("{path}:{line}:{column}: {}", fault.kind)
    });
    let diagnostic = Diagnostic::new(Code::OptionInvalid, format!("{path} does not work"));
    told.fold(diagnostic, Diagnostic::cause)
}

/// Takes out what is accepted, and says what became of the acceptances.
fn accept(desk: &Desk, config: &Config, looked: &mut [Looked]) {
    let files = looked
        .iter_mut()
        .map(|file| Checked { findings: std::mem::take(&mut file.findings), name: &file.name, text: &file.text })
        .collect();
    let sorted = config.sort(files, desk.channel.now());
    let name = |index: usize| looked.get(index).map_or("", |file| file.name.as_str());
    let rule = |index: &usize| config.ignore.get(*index).map_or("", |suppression| suppression.rule.id);
    let mut notes: Vec<String> = Vec::new();
    if !sorted.ignored.is_empty() {
        notes.push(format!("{} accepted, with a reason.", counted(sorted.ignored.len(), "finding")));
    }
    notes.extend(
        sorted.unused.iter().map(|index| format!("No finding needs the acceptance of {} any more.", rule(index))),
    );
    notes.extend(sorted.expired.iter().map(|index| format!("The acceptance of {} is over.", rule(index))));
    notes.extend(sorted.comments.iter().map(|(index, fault)| {
        let place = looked.get(*index).map_or((0, 0), |file| Lines::new(&file.text).place(fault.span.start));
        format!("{}:{}:{}: {}", name(*index), place.0, place.1, fault.kind)
    }));
    desk.note(&notes.join("\n"));
    for (index, finding) in sorted.findings {
        if let Some(file) = looked.get_mut(index) {
            file.findings.push(finding);
        }
    }
}

/// Makes the changes that are safe, in the file itself. What a tool has printed is left as it is.
async fn mend(desk: &Desk, input: &mut Input, config: &Config) -> Result<(), Diagnostic> {
    let file = source::read(&input.name, &input.text);
    if input.name == input::STANDARD_INPUT || !matches!(file.format, Format::TrustPolicy | Format::CloudFormation) {
        return Ok(());
    }
    let checked = Checked { name: &input.name, text: &input.text, findings: lint::check_file(&file, &input.text) };
    let counting = config.sort(vec![checked], desk.channel.now()).findings;
    let counts = |finding: &FileFinding| {
        counting.iter().any(|(_, other)| {
            other.finding.rule == finding.finding.rule && other.finding.message == finding.finding.message
        })
    };
    let fixed = fix::fix(&input.name, &input.text, &counts);
    if fixed.text == input.text {
        return Ok(());
    }
    let written = desk.channel.write_file(&input.name, fixed.text.clone(), 0o644).await;
    written.map_err(|fault| unwritable(&input.name, &fault.detail))?;
    desk.note(&format!("{}: {} mended.", input.name, counted(fixed.made.len(), "finding")));
    for hunk in &fixed.hunks {
        let before = hunk.before.iter().map(|line| format!("  - {line}"));
        let after = hunk.after.iter().map(|line| format!("  + {line}"));
        desk.note(&before.chain(after).collect::<Vec<_>>().join("\n"));
    }
    input.text = fixed.text;
    Ok(())
}

fn unwritable(path: &str, detail: &str) -> Diagnostic {
    Diagnostic::new(Code::OptionInvalid, format!("{path} cannot be written")).fact("system says", detail)
}

pub(super) fn no_policy(name: &str) -> Diagnostic {
    Diagnostic::new(Code::OptionInvalid, format!("{name} has no trust policy"))
        .cause("a role's permissions are another document than its trust policy")
        .fix("give a trust policy, the output of `aws iam get-role`, a Terraform plan as JSON, or a CloudFormation template")
}
