//! SARIF 2.1.0, for GitHub's code scanning and other viewers.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use serde_json::{Value, json};

use super::{Page, Place, Problem, Report, Rule};
use crate::policy::lint::Severity;
use crate::product;

#[must_use]
pub fn render(report: &Report) -> String {
    let problems = report.suites.iter().flat_map(|suite| &suite.problems);
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": product::NAME,
                "version": product::VERSION,
                "informationUri": product::SOURCE_URL,
                "rules": report.rules.iter().map(rule).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": problems.map(|problem| result(problem, &report.rules)).collect::<Vec<_>>(),
        }],
    })
    .to_string()
}

fn rule(rule: &Rule) -> Value {
    let mut described = json!({
        "id": rule.id,
        "shortDescription": { "text": rule.title },
        "helpUri": rule.url(),
        "defaultConfiguration": { "level": level(rule.severity) },
    });
    if let Some(name) = rule.name {
        described["name"] = name.into();
    }
    // That a job is kept out is no weakness, and neither is a test that fails.
    if rule.page == Page::OfRule {
        described["properties"] = json!({ "tags": ["security"], "security-severity": score(rule.severity) });
    }
    described
}

fn result(problem: &Problem, rules: &[Rule]) -> Value {
    let Place { file, start, end, pointer } = &problem.place;
    let shown = problem.shown.as_ref().map(|shown| format!(" {shown}.")).unwrap_or_default();
    let fix = problem.fix.as_ref().map(|fix| format!(" To mend it, {fix}.")).unwrap_or_default();
    let about = problem.about.as_ref().map(|about| format!(":{about}")).unwrap_or_default();
    json!({
        "ruleId": problem.rule.id,
        "ruleIndex": rules.iter().position(|rule| rule.id == problem.rule.id),
        "level": level(problem.severity),
        "message": { "text": format!("{}.{shown}{fix}", problem.message) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(file) },
                "region": {
                    "startLine": start.0,
                    "startColumn": start.1,
                    "endLine": end.0,
                    "endColumn": end.1,
                },
            },
            "logicalLocations": [{ "fullyQualifiedName": pointer }],
        }],
        // The same mistake at the same place of the document is the same alert, whatever lines come before it.
        "partialFingerprints": { "pointer/v1": format!("{}:{pointer}{about}", problem.rule.id) },
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
