//! `policy check`

use serde_json::{Value, json};

use super::explain::{choose, policies};
use super::input;
use super::lint::wrong_file;
use super::{Desk, NO, UNCLEAR, WELL};
use crate::diagnostic::Diagnostic;
use crate::policy::check::{Expectation, Expectations, Outcome, Part, State, check};
use crate::policy::evaluate::Verdict;
use crate::policy::report::{counted, text::for_a_log};
use crate::policy::tree::Lines;
use crate::text::{Inert, listed};

pub(super) async fn run(desk: &Desk) -> Result<u8, Diagnostic> {
    let (policy, file) = policies(desk).await?;
    let (inputs, unread) = input::files(desk, &desk.operands).await;
    let mut counts = [0; 3];
    let mut lines: Vec<String> = Vec::new();
    let mut results: Vec<Value> = Vec::new();
    for input in inputs {
        let expectations = Expectations::read(&input.name, &input.text)
            .map_err(|faults| wrong_file(&input.name, &input.text, &faults))?;
        let found = choose(&policy, &file, expectations.role_arn.as_deref().or(desk.flag("--role-arn")))?;
        let places = Lines::new(&input.text);
        for (expectation, outcome) in expectations.list.iter().zip(check(&found.policy, &expectations)) {
            let place = format!("{}:{}", input.name, places.place(expectation.span.start).0);
            let (count, word) = match outcome.state {
                State::Passed => (0, "passed"),
                State::Failed => (1, "FAILED"),
                State::Unknown => (2, "unknown"),
            };
            if let Some(count) = counts.get_mut(count) {
                *count += 1;
            }
            lines.push(format!("{word:8} {place}  {}", sentence(expectation, &outcome)));
            if outcome.state != State::Passed {
                lines.extend(outcome.leaves.iter().map(|leaf| format!("           {}", part(&leaf.part))));
            }
            results.push(json!({
                "file": input.name,
                "line": places.place(expectation.span.start).0,
                "state": word.to_ascii_lowercase(),
                "expected": if expectation.admitted { "admitted" } else { "refused" },
                "verdict": verdict(outcome.verdict),
                "subject": expectation.claims.get("sub"),
                "note": expectation.note,
                "failed": outcome.leaves.iter().map(|leaf| part(&leaf.part)).collect::<Vec<_>>(),
            }));
        }
    }
    let [passed, failed, unknown] = counts;
    if desk.flag("--format") == Some("json") {
        desk.print(
            &json!({ "expectations": results, "passed": passed, "failed": failed, "unknown": unknown }).to_string(),
        );
    } else {
        lines.push(format!("{} passed, {failed} failed, {unknown} unknown.", counted(passed, "expectation")));
        desk.print(&for_a_log(&lines.join("\n")));
    }
    Ok(if failed > 0 {
        NO
    } else if unknown + unread > 0 {
        UNCLEAR
    } else {
        WELL
    })
}

fn sentence(expectation: &Expectation, outcome: &Outcome) -> String {
    let subject = expectation.claims.get("sub").and_then(Value::as_str).unwrap_or("a token without a subject");
    let wanted = if expectation.admitted { "let in" } else { "kept out" };
    let note = expectation.note.as_ref().map(|note| format!(" ({})", Inert::new(note))).unwrap_or_default();
    let is = match outcome.state {
        State::Passed => format!("is {wanted}"),
        _ => format!("is to be {wanted}, and the policy says {}", verdict(outcome.verdict)),
    };
    format!("{} {is}{note}", Inert::new(subject))
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "allowed",
        Verdict::Denied => "denied",
        Verdict::Unknown => "unknown",
        Verdict::Refused => "that AWS would not save it",
    }
}

fn part(part: &Part) -> String {
    match part {
        Part::Principal => "the principal is not this token's provider".to_owned(),
        Part::Action(action) => format!("the statement does not have {action}"),
        Part::Condition { key, operator, wanted, had } => {
            let wanted: Vec<String> = wanted.iter().map(|value| Inert::new(value).into()).collect();
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            format!(
                "{} {} {}; the token has {}",
                Inert::new(key),
                Inert::new(operator),
                listed(&wanted),
                Inert::new(had)
            )
        }
    }
}
