//! JUnit's XML, which the pages of most CIs show as tests: a suite for each file, a test for each policy.

use std::fmt::Write as _;

use super::Looked;
use crate::text::Inert;

#[must_use]
pub fn render(looked: &[Looked]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"trust policies\">\n");
    for file in looked {
        let located = file.located();
        let name = attribute(Inert::new(&file.name).as_str());
        // A finding of the file itself is a test that failed, as well.
        let tests = file.file.policies.len().max(1);
        let failing: usize = (0..tests).filter(|index| !of(file, *index).is_empty()).count();
        let _ = writeln!(out, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failing}\">");
        for index in 0..tests {
            let role = file.file.policies.get(index).and_then(|found| found.role.as_ref());
            let title = role.map_or_else(|| "trust policy".to_owned(), |role| role.name.clone());
            let findings = of(file, index);
            let head =
                format!("    <testcase classname=\"{name}\" name=\"{}\"", attribute(Inert::new(&title).as_str()));
            if findings.is_empty() {
                let _ = writeln!(out, "{head}/>");
                continue;
            }
            let lines: Vec<String> = located
                .iter()
                .filter(|located| findings.iter().any(|finding| std::ptr::eq(*finding, located.finding)))
                .map(|located| {
                    let finding = located.finding;
                    format!(
                        "{}:{}:{}: {}[{}] {}; {}",
                        Inert::new(&file.name),
                        located.start.0,
                        located.start.1,
                        finding.severity.name(),
                        finding.rule.id,
                        Inert::new(&finding.message),
                        Inert::new(&finding.fix)
                    )
                })
                .collect();
            let first = lines.first().map(String::as_str).unwrap_or_default();
            let _ = writeln!(
                out,
                "{head}>\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
                attribute(first),
                text(&lines.join("\n"))
            );
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>");
    out
}

/// The findings of one policy; those of the file itself count for its first.
fn of(file: &Looked, index: usize) -> Vec<&crate::policy::lint::Finding> {
    let listed = file.findings.iter().filter(|listed| listed.policy.unwrap_or(0) == index);
    listed.map(|listed| &listed.finding).collect()
}

/// XML 1.0 has no way to write most control characters.
fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn attribute(raw: &str) -> String {
    text(raw).replace('\n', "&#10;")
}
