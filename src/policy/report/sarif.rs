//! SARIF 2.1.0, for GitHub's code scanning and other viewers.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use serde_json::{Value, json};

use super::{Located, Looked, rule_url};
use crate::policy::lint::{RULES, Rule, Severity};
use crate::product;

#[must_use]
pub fn render(looked: &[Looked]) -> String {
    let results: Vec<Value> = looked.iter().flat_map(Looked::located).map(|located| result(&located)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": product::NAME,
                "version": product::VERSION,
                "informationUri": product::SOURCE_URL,
                "rules": RULES.iter().map(|each| rule(each)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
    .to_string()
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "name": rule.name,
        "shortDescription": { "text": rule.title },
        "helpUri": rule_url(rule.id),
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": { "tags": ["security"], "security-severity": score(rule.severity) },
    })
}

fn result(located: &Located<'_>) -> Value {
    let finding = located.finding;
    let shown = finding.counter_example.as_ref().map_or_else(String::new, |example| {
        let does = if example.admitted { "lets in" } else { "keeps out" };
        let subject = example.claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        format!(" It {does} {}: sub = {subject}.", example.whose)
    });
    json!({
        "ruleId": finding.rule.id,
        "ruleIndex": RULES.iter().position(|rule| rule.id == finding.rule.id),
        "level": level(finding.severity),
        "message": { "text": format!("{}.{shown} To mend it, {}.", finding.message, finding.fix) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(located.file) },
                "region": {
                    "startLine": located.start.0,
                    "startColumn": located.start.1,
                    "endLine": located.end.0,
                    "endColumn": located.end.1,
                },
            },
            "logicalLocations": [{ "fullyQualifiedName": located.pointer }],
        }],
        // The same mistake at the same place of the document is the same alert, whatever lines come before it.
        "partialFingerprints": { "pointer/v1": format!("{}:{}", finding.rule.id, located.pointer) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// GitHub's own steps: above 9 critical, above 7 high, from 4 medium.
/// <https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.0",
        Severity::Low => "2.0",
    }
}

/// A relative path as a reference of RFC 3986.
fn uri(path: &str) -> String {
    const KEPT: percent_encoding::AsciiSet = percent_encoding::NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'.')
        .remove(b'-')
        .remove(b'_')
        .remove(b'~')
        .remove(b'@')
        .remove(b'+');
    let path = path.replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path);
    percent_encoding::utf8_percent_encode(path, &KEPT).to_string()
}
