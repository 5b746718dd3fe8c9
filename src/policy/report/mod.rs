//! Findings for those who read them: people, code scanning, a CI's page of tests.
//!
//! Every command that looks at policies can say what it found as a [`Report`], from which SARIF,
//! annotations and JUnit's XML are made, each in one place. Text and JSON differ from command to
//! command; those of the linter are here.

pub mod github;
pub mod json;
pub mod junit;
mod looked;
pub mod sarif;
pub mod text;

pub use self::looked::{Located, Looked, lint};

use serde::Serialize;

use super::explain::Cause;
use super::lint::{self, Edit, Severity};
use super::tree::{Lines, Span};
use crate::product;

/// The formats that are the same for every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Sarif,
    GitHub,
    JUnit,
}

impl Format {
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "sarif" => Some(Self::Sarif),
            "github" => Some(Self::GitHub),
            "junit" => Some(Self::JUnit),
            _ => None,
        }
    }

    #[must_use]
    pub fn render(self, report: &Report) -> String {
        match self {
            Self::Sarif => sarif::render(report),
            Self::GitHub => github::render(report),
            Self::JUnit => junit::render(report),
        }
    }
}

/// What a command found, whichever command it was.
pub struct Report {
    /// All that there could have been problems with.
    pub rules: Vec<Rule>,
    pub suites: Vec<Suite>,
}

/// What was looked at in one file.
pub struct Suite {
    /// What the file is called.
    pub name: String,
    /// The names of what passes or fails by itself: a policy, a role, an expectation.
    pub cases: Vec<String>,
    /// In the order in which they are shown.
    pub problems: Vec<Problem>,
}

/// Something that is wrong at a place. Text in it is as it came from the files.
pub struct Problem {
    /// Which of the suite's cases it is about.
    pub case: usize,
    pub rule: Rule,
    /// Mostly the rule's.
    pub severity: Severity,
    /// Nobody can tell whether something is wrong.
    pub open: bool,
    pub place: Place,
    /// What is wrong here, in one sentence without a full stop.
    pub message: String,
    /// What shows it, in a sentence of the same kind.
    pub shown: Option<String>,
    /// What to do, in words that can follow "to mend it".
    pub fix: Option<String>,
    /// Whom it is about, where others can have the same problem at the same place.
    pub about: Option<String>,
}

/// As editors show it: lines and columns from 1, columns in characters.
pub struct Place {
    pub file: String,
    pub start: (usize, usize),
    /// Behind its last character.
    pub end: (usize, usize),
    /// The JSON Pointer in the file.
    pub pointer: String,
}

/// A change to a file as editors take it: this text in place of what stands from one place up to another,
/// both as in [`Place`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
    pub text: String,
}

/// What a problem is an instance of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// It never changes.
    pub id: &'static str,
    /// What people call it, where that is not the id.
    pub name: Option<&'static str>,
    /// One sentence without a full stop.
    pub title: &'static str,
    pub severity: Severity,
    pub page: Page,
}

/// Where a rule is documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    OfRule,
    OfCause,
    /// A page that is about more, with the anchor.
    Other(&'static str),
}

impl Place {
    #[must_use]
    pub fn new(file: &str, lines: &Lines<'_>, span: Span, pointer: String) -> Self {
        Self { file: file.to_owned(), start: lines.place(span.start), end: lines.place(span.end), pointer }
    }
}

impl Change {
    /// Of a change that is written as the file writes.
    #[must_use]
    pub fn new(edit: Edit, lines: &Lines<'_>) -> Self {
        let ((line, column), (end_line, end_column)) = (lines.place(edit.span.start), lines.place(edit.span.end));
        Self { line, column, end_line, end_column, text: edit.replacement }
    }
}

impl Rule {
    #[must_use]
    pub fn url(&self) -> String {
        match self.page {
            Page::OfRule => rule_url(self.id),
            Page::OfCause => product::cause_url(self.id),
            Page::Other(page) => format!("{}/docs/{page}", product::SOURCE_URL),
        }
    }
}

impl From<&lint::Rule> for Rule {
    fn from(rule: &lint::Rule) -> Self {
        let lint::Rule { id, name, title, severity } = *rule;
        Self { id, name: Some(name), title, severity, page: Page::OfRule }
    }
}

impl From<&Cause> for Rule {
    fn from(cause: &Cause) -> Self {
        Self { id: cause.id, name: None, title: cause.title, severity: Severity::High, page: Page::OfCause }
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
