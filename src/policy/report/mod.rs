//! Findings for those who read them: people, code scanning, a CI's page of tests.

pub mod github;
pub mod json;
pub mod junit;
pub mod sarif;
pub mod text;

use super::lint::{FileFinding, Finding, Severity};
use super::source;
use super::tree::Lines;
use crate::product;

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
            .map(|FileFinding { finding, pointer, .. }| Located {
                file: &self.name,
                start: lines.place(finding.span.start),
                end: lines.place(finding.span.end),
                pointer,
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
}

/// The page of a rule.
#[must_use]
pub fn rule_url(id: &str) -> String {
    format!("{}/docs/rules/{id}.md", product::SOURCE_URL)
}

/// `1 finding`, `2 findings`, `2 policies`
#[must_use]
pub fn counted(count: usize, one: &str) -> String {
    match one.strip_suffix('y') {
        _ if count == 1 => format!("1 {one}"),
        Some(stem) => format!("{count} {stem}ies"),
        None => format!("{count} {one}s"),
    }
}
