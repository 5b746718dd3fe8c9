//! JUnit's XML, which the pages of most CIs show as tests: a suite for each file, a test for each of its cases.

use std::fmt::Write as _;

use super::{Problem, Report, Suite};
use crate::text::Inert;

#[must_use]
pub fn render(report: &Report) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"trust policies\">\n");
    for suite in &report.suites {
        push(&mut out, suite);
    }
    out.push_str("</testsuites>");
    out
}

fn push(out: &mut String, suite: &Suite) {
    let mut of: Vec<Vec<&Problem>> = vec![Vec::new(); suite.cases.len()];
    for problem in &suite.problems {
        if let Some(of_case) = of.get_mut(problem.case) {
            of_case.push(problem);
        }
    }
    // A test that nobody can decide is skipped; one that failed as well has failed.
    let fails = |problems: &[&Problem]| problems.iter().any(|problem| !problem.open);
    let failures = of.iter().filter(|problems| fails(problems)).count();
    let skipped = of.iter().filter(|problems| !problems.is_empty() && !fails(problems)).count();
    let name = attribute(Inert::new(&suite.name).as_str());
    let counted = if skipped > 0 { format!(" skipped=\"{skipped}\"") } else { String::new() };
    let tests = suite.cases.len();
    let _ = writeln!(out, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\"{counted}>");
    for (case, problems) in suite.cases.iter().zip(&of) {
        let head = format!("    <testcase classname=\"{name}\" name=\"{}\"", attribute(Inert::new(case).as_str()));
        let lines: Vec<String> = problems.iter().map(|problem| line(problem)).collect();
        let all = text(&lines.join("\n"));
        let _ = if problems.is_empty() {
            writeln!(out, "{head}/>")
        } else if fails(problems) {
            let first = lines.first().map(|line| attribute(line)).unwrap_or_default();
            writeln!(out, "{head}>\n      <failure message=\"{first}\">{all}</failure>\n    </testcase>")
        } else {
            writeln!(out, "{head}>\n      <skipped>{all}</skipped>\n    </testcase>")
        };
    }
    out.push_str("  </testsuite>\n");
}

fn line(problem: &Problem) -> String {
    let place = &problem.place;
    let fix = problem.fix.as_ref().map(|fix| format!("; {}", Inert::new(fix))).unwrap_or_default();
    format!(
        "{}:{}:{}: {}[{}] {}{fix}",
        Inert::new(&place.file),
        place.start.0,
        place.start.1,
        problem.severity.name(),
        problem.rule.id,
        Inert::new(&problem.message),
    )
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
