//! An explanation as the finding that it comes to: at the place in the policy that decides.

use super::render::{headline, places};
use super::{CAUSES, Decision, Explanation};
use crate::policy::lint::Severity;
use crate::policy::report::{Place, Problem, Report, Suite};
use crate::policy::source::Found;
use crate::policy::tree::{Lines, Span};

/// One case, which passes where the policy admits the caller. `file` is what the file of the policy is called,
/// `text` what is in it, and `caller` what the case is called.
#[must_use]
pub fn report(explanation: &Explanation, found: &Found, file: &str, text: &str, caller: &str) -> Report {
    let problem = (explanation.decision != Decision::Allow).then(|| problem(explanation, found, file, text, caller));
    Report {
        rules: CAUSES.iter().map(Into::into).collect(),
        suites: vec![Suite {
            name: file.to_owned(),
            cases: vec![caller.to_owned()],
            problems: problem.into_iter().collect(),
        }],
    }
}

fn problem(explanation: &Explanation, found: &Found, file: &str, text: &str, caller: &str) -> Problem {
    let open = explanation.decision == Decision::Unknown;
    let span = place(explanation, found);
    let changes = places(explanation).into_iter().zip([&explanation.fix.policy, &explanation.fix.pipeline]);
    let fixes: Vec<String> = changes
        .filter(|(_, words)| !words.is_empty())
        .map(|(place, words)| format!("{place}: {}", words.join("; ")))
        .collect();
    let why = explanation.why.join("; ");
    Problem {
        case: 0,
        rule: explanation.cause.into(),
        severity: if open { Severity::Medium } else { Severity::High },
        open,
        place: Place::new(file, &Lines::new(text), span, found.pointer_of(span)),
        message: if why.is_empty() { headline(explanation) } else { format!("{}: {why}", headline(explanation)) },
        shown: None,
        fix: (!fixes.is_empty()).then(|| fixes.join(", or ")),
        about: Some(caller.to_owned()),
    }
}

/// The leaf that failed, else what AWS would not save, else the statement, else the beginning of the policy.
fn place(explanation: &Explanation, found: &Found) -> Span {
    let failed = explanation.failed.first().map(|failed| failed.span);
    let refused = || found.policy.refusals.first().map(|refusal| refusal.span);
    let statement = || explanation.statement.as_ref().map(|statement| statement.span);
    let start = found.policy.span.start;
    failed.or_else(refused).or_else(statement).unwrap_or_else(|| Span::new(start, start))
}
