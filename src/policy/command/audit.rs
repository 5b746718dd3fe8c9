//! `policy audit`

use super::input;
use super::lint::no_policy;
use super::{Desk, NO, UNCLEAR, WELL};
use crate::diagnostic::Diagnostic;
use crate::policy::audit::Audit;
use crate::policy::lint::Severity;
use crate::policy::report::text::for_a_log;
use crate::policy::source::Format;

pub(super) async fn run(desk: &Desk) -> Result<u8, Diagnostic> {
    let (inputs, mut unclear) = input::files(desk, &desk.operands).await;
    let format = desk.report_format();
    let mut audit = if format.is_some() { Audit::with_places() } else { Audit::default() };
    for input in inputs {
        let outcome = audit.file(&input.name, &input.text);
        if input.named && (outcome.format == Format::Unknown || outcome.fault.is_some()) {
            desk.complain(&no_policy(&input.name));
            unclear += 1;
        }
    }
    let places = audit.places();
    let report = audit.finish();
    unclear += report.unread.len();
    let threshold = desk.flag("--threshold").and_then(Severity::named).unwrap_or(Severity::Medium);
    let is_bad = report.worst().is_some_and(|worst| worst >= threshold);
    match (format, desk.flag("--format")) {
        (Some(format), _) => desk.print_if(&format.render(&places)),
        // Text, numbers and lists of them always serialise.
        (None, Some("json")) => desk.print(&serde_json::to_string(&report).unwrap_or_default()),
        _ => desk.print(&for_a_log(report.text().trim_end())),
    }
    Ok(if is_bad {
        NO
    } else if unclear > 0 {
        UNCLEAR
    } else {
        WELL
    })
}
