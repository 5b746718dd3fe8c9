//! `{"findings": [{"id", "rule", "severity", "file", "line", "column", "pointer", "message", "fix", "counterExample",
//! "edits": [{"line", "column", "endLine", "endColumn", "text"}]}]}`

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Change, Located, Looked, rule_url};
use crate::policy::lint::fix;
use crate::policy::tree::Lines;

#[must_use]
pub fn render(looked: &[Looked]) -> String {
    let findings = looked.iter().flat_map(|looked| {
        let lines = Lines::new(&looked.text);
        let each = looked.located().into_iter();
        each.map(move |located| Entry::of(&located, changes(looked, &located, &lines)))
    });
    let report = Report {
        findings: findings.collect(),
        files: looked.len(),
        policies: looked.iter().map(|file| file.file.policies.len()).sum(),
    };
    serde_json::to_string(&report).unwrap_or_default() // its keys are texts, so it has a JSON form
}

/// All that the finding proposes, or none of it, in the order of the text.
fn changes(looked: &Looked, located: &Located<'_>, lines: &Lines<'_>) -> Vec<Change> {
    let mut edits = fix::placed(&looked.file, &looked.text, located.policy, located.finding).unwrap_or_default();
    edits.sort_by_key(|edit| edit.span);
    edits.into_iter().map(|edit| Change::new(edit, lines)).collect()
}

#[derive(Serialize)]
struct Report<'a> {
    findings: Vec<Entry<'a>>,
    files: usize,
    policies: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    id: &'a str,
    rule: &'a str,
    severity: &'a str,
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    pointer: &'a str,
    message: &'a str,
    fix: &'a str,
    counter_example: Option<Example<'a>>,
    docs: String,
    edits: Vec<Change>,
}

#[derive(Serialize)]
struct Example<'a> {
    whose: &'a str,
    claims: &'a Map<String, Value>,
    admitted: bool,
}

impl<'a> Entry<'a> {
    fn of(located: &Located<'a>, edits: Vec<Change>) -> Self {
        let finding = located.finding;
        Self {
            id: finding.rule.id,
            rule: finding.rule.name,
            severity: finding.severity.name(),
            file: located.file,
            line: located.start.0,
            column: located.start.1,
            end_line: located.end.0,
            end_column: located.end.1,
            pointer: located.pointer,
            message: &finding.message,
            fix: &finding.fix,
            counter_example: finding.counter_example.as_ref().map(|example| Example {
                whose: &example.whose,
                claims: &example.claims,
                admitted: example.admitted,
            }),
            docs: rule_url(finding.rule.id),
            edits,
        }
    }
}
