//! What the linter found, with its places.

use serde_json::Value;

use super::{Place, Problem, Report, Suite};
use crate::policy::lint::{CounterExample, FileFinding, Finding, RULES, Severity};
use crate::policy::source;
use crate::policy::tree::Lines;

/// A file that was looked at, and what was found in it.
pub struct Looked {
    pub name: String,
    pub text: String,
    pub file: source::File,
    pub findings: Vec<FileFinding>,
}

/// A finding as editors show its place: lines and columns from 1, columns in characters.
pub struct Located<'a> {
    pub file: &'a str,
    pub start: (usize, usize),
    /// Behind its last character.
    pub end: (usize, usize),
    pub pointer: &'a str,
    pub policy: Option<usize>,
    pub finding: &'a Finding,
}

impl Looked {
    /// The findings with their places, in the order of the text.
    #[must_use]
    pub fn located(&self) -> Vec<Located<'_>> {
        let lines = Lines::new(&self.text);
        let mut located: Vec<Located<'_>> = self
            .findings
            .iter()
            .map(|FileFinding { finding, pointer, policy, .. }| Located {
                file: &self.name,
                start: lines.place(finding.span.start),
                end: lines.place(finding.span.end),
                pointer,
                policy: *policy,
                finding,
            })
            .collect();
        located.sort_by(|a, b| (a.start, a.finding.rule.id).cmp(&(b.start, b.finding.rule.id)));
        located
    }

    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|listed| listed.finding.severity).max()
    }

    fn suite(&self) -> Suite {
        let title =
            |role: Option<&source::Role>| role.map_or_else(|| "trust policy".to_owned(), |role| role.name.clone());
        let mut cases: Vec<String> = self.file.policies.iter().map(|found| title(found.role.as_ref())).collect();
        if cases.is_empty() {
            cases.push(title(None)); // what is wrong with the file itself is a test that failed, as well
        }
        Suite { name: self.name.clone(), cases, problems: self.located().iter().map(Located::problem).collect() }
    }
}

impl Located<'_> {
    fn problem(&self) -> Problem {
        let finding = self.finding;
        Problem {
            case: self.policy.unwrap_or(0), // those of the file itself count for its first policy
            rule: finding.rule.into(),
            severity: finding.severity,
            open: false,
            place: Place {
                file: self.file.to_owned(),
                start: self.start,
                end: self.end,
                pointer: self.pointer.to_owned(),
            },
            message: finding.message.clone(),
            shown: finding.counter_example.as_ref().map(shown),
            fix: Some(finding.fix.clone()),
            about: None,
        }
    }
}

fn shown(example: &CounterExample) -> String {
    let does = if example.admitted { "lets in" } else { "keeps out" };
    let subject = example.claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    format!("It {does} {}: sub = {subject}", example.whose)
}

/// What the linter found in these files.
#[must_use]
pub fn lint(looked: &[Looked]) -> Report {
    Report {
        rules: RULES.iter().map(|rule| (*rule).into()).collect(),
        suites: looked.iter().map(Looked::suite).collect(),
    }
}
