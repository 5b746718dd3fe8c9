//! `policy check`

use serde_json::{Value, json};

use super::explain::{choose, policies};
use super::input;
use super::lint::wrong_file;
use super::{Desk, NO, UNCLEAR, WELL};
use crate::diagnostic::Diagnostic;
use crate::policy::check::{Expectation, Expectations, Outcome, RULES, State, check, part, sentence, suite, verdict};
use crate::policy::report::{Report, counted, text::for_a_log};
use crate::policy::tree::Lines;
use crate::text::Inert;

pub(super) async fn run(desk: &Desk) -> Result<u8, Diagnostic> {
    let (policy, file) = policies(desk).await?;
    let policy_lines = Lines::new(&policy.text);
    let (inputs, unread) = input::files(desk, &desk.operands).await;
    let mut counts = [0; 3];
    let mut lines: Vec<String> = Vec::new();
    let mut results: Vec<Value> = Vec::new();
    let mut report = Report { rules: RULES.to_vec(), suites: Vec::new() };
    for input in inputs {
        let expectations = Expectations::read(&input.name, &input.text)
            .map_err(|faults| wrong_file(&input.name, &input.text, &faults))?;
        let found = choose(&policy, &file, expectations.role_arn.as_deref().or(desk.flag("--role-arn")))?;
        let places = Lines::new(&input.text);
        let outcomes = check(&found.policy, &expectations);
        for (expectation, outcome) in expectations.list.iter().zip(&outcomes) {
            let line = places.place(expectation.span.start).0;
            let count = match outcome.state {
                State::Passed => 0,
                State::Failed => 1,
                State::Unknown => 2,
            };
            if let Some(count) = counts.get_mut(count) {
                *count += 1;
            }
            lines.extend(said(expectation, outcome, &format!("{}:{line}", input.name)));
            results.push(result(expectation, outcome, &input.name, line));
        }
        let own = (input.name.as_str(), &places);
        report.suites.push(suite(own, &expectations, &outcomes, (&policy.name, &policy_lines), found));
    }
    let [passed, failed, unknown] = counts;
    match (desk.report_format(), desk.flag("--format")) {
        (Some(format), _) => desk.print_if(&format.render(&report)),
        (None, Some("json")) => desk.print(
            &json!({ "expectations": results, "passed": passed, "failed": failed, "unknown": unknown }).to_string(),
        ),
        _ => {
            lines.push(format!("{} passed, {failed} failed, {unknown} unknown.", counted(passed, "expectation")));
            desk.print(&for_a_log(&lines.join("\n")));
        }
    }
    Ok(if failed > 0 {
        NO
    } else if unknown + unread > 0 {
        UNCLEAR
    } else {
        WELL
    })
}

fn word(state: State) -> &'static str {
    match state {
        State::Passed => "passed",
        State::Failed => "failed",
        State::Unknown => "unknown",
    }
}

/// For people. Who looks at many of them has to see the one that failed.
fn said(expectation: &Expectation, outcome: &Outcome, place: &str) -> Vec<String> {
    let state = if outcome.state == State::Failed { "FAILED" } else { word(outcome.state) };
    let sentence = sentence(expectation, outcome.state, outcome.verdict);
    let mut lines = vec![format!("{state:8} {place}  {}", Inert::new(&sentence))];
    if outcome.state != State::Passed {
        lines.extend(outcome.leaves.iter().map(|leaf| format!("           {}", Inert::new(&part(&leaf.part)))));
    }
    lines
}

fn result(expectation: &Expectation, outcome: &Outcome, file: &str, line: usize) -> Value {
    json!({
        "file": file,
        "line": line,
        "state": word(outcome.state),
        "expected": if expectation.admitted { "admitted" } else { "refused" },
        "verdict": verdict(outcome.verdict),
        "subject": expectation.claims.get("sub"),
        "note": expectation.note,
        "failed": outcome.leaves.iter().map(|leaf| Inert::new(&part(&leaf.part)).to_string()).collect::<Vec<_>>(),
    })
}
