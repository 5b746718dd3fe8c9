//! Annotations of GitHub Actions: a line of the log for each finding, shown beside the line of the file.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message>

use super::Looked;
use crate::ci::github::commands::{escape_data, escape_property};
use crate::policy::lint::Severity;
use crate::text::Inert;

#[must_use]
pub fn render(looked: &[Looked]) -> String {
    let mut out = Vec::new();
    for located in looked.iter().flat_map(Looked::located) {
        let finding = located.finding;
        let command = match finding.severity {
            Severity::Critical | Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low => "notice",
        };
        // A column counts only where start and end share a line.
        let columns = if located.start.0 == located.end.0 {
            format!(",col={},endColumn={}", located.start.1, located.end.1)
        } else {
            String::new()
        };
        out.push(format!(
            "::{command} file={},line={},endLine={}{columns},title={}::{}",
            escape_property(Inert::new(located.file).as_str()),
            located.start.0,
            located.end.0,
            escape_property(&format!("{} {}", finding.rule.id, finding.rule.name)),
            // The line break between the two is ours; none that a policy brings in is left.
            escape_data(&format!("{}\nTo mend it, {}.", Inert::new(&finding.message), Inert::new(&finding.fix))),
        ));
    }
    out.join("\n")
}
