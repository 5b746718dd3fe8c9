//! `{"findings": [{"id", "rule", "severity", "file", "line", "column", "pointer", "message", "fix", "counterExample"}]}`

use serde_json::{Value, json};

use super::{Located, Looked, rule_url};

#[must_use]
pub fn render(looked: &[Looked]) -> String {
    let findings: Vec<Value> = looked.iter().flat_map(Looked::located).map(|located| finding(&located)).collect();
    let policies: usize = looked.iter().map(|file| file.file.policies.len()).sum();
    json!({ "findings": findings, "files": looked.len(), "policies": policies }).to_string()
}

fn finding(located: &Located<'_>) -> Value {
    let finding = located.finding;
    json!({
        "id": finding.rule.id,
        "rule": finding.rule.name,
        "severity": finding.severity.name(),
        "file": located.file,
        "line": located.start.0,
        "column": located.start.1,
        "endLine": located.end.0,
        "endColumn": located.end.1,
        "pointer": located.pointer,
        "message": finding.message,
        "fix": finding.fix,
        "counterExample": finding.counter_example.as_ref().map(|example| json!({
            "whose": example.whose,
            "claims": example.claims,
            "admitted": example.admitted,
        })),
        "docs": rule_url(finding.rule.id),
    })
}
