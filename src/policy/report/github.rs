//! Annotations of GitHub Actions: a line of the log for each problem, shown beside the line of the file.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message>

use super::{Place, Problem, Report, Rule};
use crate::ci::github::commands::{escape_data, escape_property};
use crate::policy::lint::Severity;
use crate::text::Inert;

#[must_use]
pub fn render(report: &Report) -> String {
    let problems = report.suites.iter().flat_map(|suite| &suite.problems);
    problems.map(annotation).collect::<Vec<_>>().join("\n")
}

fn annotation(problem: &Problem) -> String {
    let command = match problem.severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "notice",
    };
    let Place { file, start, end, .. } = &problem.place;
    // A column counts only where start and end share a line.
    let columns = if start.0 == end.0 { format!(",col={},endColumn={}", start.1, end.1) } else { String::new() };
    // The line break before it is ours; none that a policy brings in is left.
    let fix = problem.fix.as_ref().map(|fix| format!("\nTo mend it, {}.", Inert::new(fix))).unwrap_or_default();
    format!(
        "::{command} file={},line={},endLine={}{columns},title={}::{}",
        escape_property(Inert::new(file).as_str()),
        start.0,
        end.0,
        escape_property(&title(&problem.rule)),
        escape_data(&format!("{}{fix}", Inert::new(&problem.message))),
    )
}

fn title(rule: &Rule) -> String {
    rule.name.map_or_else(|| rule.id.to_owned(), |name| format!("{} {name}", rule.id))
}
