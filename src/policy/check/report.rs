//! What came of expectations, in words and as problems.

use serde_json::Value;

use super::{Expectation, Expectations, Outcome, Part, State};
use crate::policy::evaluate::Verdict;
use crate::policy::explain;
use crate::policy::lint::Severity;
use crate::policy::report::{Page, Place, Problem, Rule, Suite};
use crate::policy::source::Found;
use crate::policy::tree::{Lines, Span};
use crate::policy::truth::Truth;
use crate::text::listed;

const fn rule(id: &'static str, severity: Severity, title: &'static str) -> Rule {
    Rule { id, name: None, title, severity, page: Page::Other("policy-suppressions.md#testing-a-policy") }
}

const NOT_ADMITTED: Rule = rule("not-admitted", Severity::High, "A token that has to be let in is kept out");
const NOT_REFUSED: Rule = rule("not-refused", Severity::High, "A token that has to be kept out is let in");
const NOT_SAVED: Rule = rule("not-saved", Severity::High, "AWS would not save the policy, which meets no expectation");
const NOT_DECIDED: Rule = rule("not-decided", Severity::Medium, "The expectation does not say enough to be decided");

/// How an expectation can fail.
pub const RULES: [Rule; 4] = [NOT_ADMITTED, NOT_REFUSED, NOT_SAVED, NOT_DECIDED];

/// What a file and its text are.
type Source<'s> = (&'s str, &'s Lines<'s>);

/// A case for each expectation of a file, and a problem for each that the policy does not meet: at the place in
/// the policy that decides, or where the expectation stands.
#[must_use]
pub fn suite(
    (name, lines): Source<'_>,
    expectations: &Expectations,
    outcomes: &[Outcome],
    policy: Source<'_>,
    found: &Found,
) -> Suite {
    let mut suite = Suite { name: name.to_owned(), cases: Vec::new(), problems: Vec::new() };
    for (case, (expectation, outcome)) in expectations.list.iter().zip(outcomes).enumerate() {
        suite.cases.push(sentence(expectation, State::Passed, outcome.verdict));
        let rule = match (outcome.state, outcome.verdict) {
            (State::Passed, _) => continue,
            (State::Unknown, _) => NOT_DECIDED,
            (State::Failed, Verdict::Refused) => NOT_SAVED,
            (State::Failed, _) if expectation.admitted => NOT_ADMITTED,
            (State::Failed, _) => NOT_REFUSED,
        };
        let own = Place::new(name, lines, expectation.span, expectation.pointer.clone());
        let about = format!("{name}{}", expectation.pointer);
        let said = sentence(expectation, outcome.state, outcome.verdict);
        let why = why(outcome, found);
        let colon = if why.is_empty() { "" } else { ": " };
        suite.problems.push(Problem {
            case,
            rule,
            severity: rule.severity,
            open: outcome.state == State::Unknown,
            message: format!("{name}:{}: {said}{colon}{}", own.start.0, why.join("; ")),
            place: match deciding(outcome, found) {
                Some(span) => Place::new(policy.0, policy.1, span, found.pointer_of(span)),
                None => own,
            },
            shown: None,
            fix: None,
            about: Some(about),
        });
    }
    suite
}

fn why(outcome: &Outcome, found: &Found) -> Vec<String> {
    match outcome.verdict {
        Verdict::Refused => {
            found.policy.refusals.iter().map(|refusal| explain::problem(&refusal.kind)).take(1).collect()
        }
        _ => outcome.leaves.iter().map(|leaf| part(&leaf.part)).collect(),
    }
}

/// Where in the policy it is decided.
fn deciding(outcome: &Outcome, found: &Found) -> Option<Span> {
    if outcome.verdict == Verdict::Refused {
        return found.policy.refusals.first().map(|refusal| refusal.span);
    }
    // What cannot be told does not keep anybody out.
    let sure = outcome.leaves.iter().find(|leaf| leaf.truth != Truth::Unknown);
    let leaf = sure.or(outcome.leaves.first()).map(|leaf| leaf.span);
    let statement = || found.policy.statements.iter().find(|statement| Some(statement.index) == outcome.statement);
    leaf.or_else(|| statement().map(|statement| statement.span))
}

/// What is expected, and what the policy says if that is something else.
#[must_use]
pub fn sentence(expectation: &Expectation, state: State, said: Verdict) -> String {
    let subject = expectation.claims.get("sub").and_then(Value::as_str).unwrap_or("a token without a subject");
    let wanted = if expectation.admitted { "let in" } else { "kept out" };
    let note = expectation.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    match state {
        State::Passed => format!("{subject} is {wanted}{note}"),
        _ => format!("{subject} is to be {wanted}, and the policy says {}{note}", verdict(said)),
    }
}

#[must_use]
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "allowed",
        Verdict::Denied => "denied",
        Verdict::Unknown => "unknown",
        Verdict::Refused => "that AWS would not save it",
    }
}

/// What of a statement decided.
#[must_use]
pub fn part(part: &Part) -> String {
    match part {
        Part::Principal => "the principal is not this token's provider".to_owned(),
        Part::Action(action) => format!("the statement does not have {action}"),
        Part::Condition { key, operator, wanted, had } => {
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            format!("{key} {operator} {}; the token has {had}", listed(&wanted))
        }
    }
}
