//! One mistake gives one finding: what is found only because of another mistake is left out.

use super::Finding;
use crate::policy::document::{RefusalKind, Statement, TrustPolicy};
use crate::policy::tree::Span;

/// How far a mistake reaches.
#[derive(Clone, Copy)]
enum Reach {
    /// What is said of the same text.
    Place,
    Statement,
}

/// What cannot be told of a statement whose provider, or a key of which, is not what it was meant to be.
const GUARDS: &[&str] = &[
    "TP001", "TP002", "TP014", "TP015", "TP018", "TP019", "TP022", "TP026", "TP027", "TP028", "TP029", "TP047", "TP053",
];
/// What is said of a text that is not what it was meant to be.
const TEXT: &[&str] = &[
    "TP003", "TP004", "TP005", "TP006", "TP007", "TP010", "TP014", "TP015", "TP016", "TP017", "TP020", "TP021",
    "TP022", "TP023", "TP024", "TP025", "TP026", "TP027", "TP028", "TP036", "TP037", "TP043", "TP048", "TP062",
    "TP068", "TP069", "TP076",
];

const CONSEQUENCES: &[(&str, Reach, &[&str])] = &[
    ("TP042", Reach::Statement, GUARDS),
    ("TP042", Reach::Statement, &["TP073"]),
    ("TP043", Reach::Statement, GUARDS),
    ("TP043", Reach::Place, &["TP068"]),
    ("TP035", Reach::Statement, GUARDS),
    ("TP045", Reach::Place, &["TP014"]),
    ("TP049", Reach::Place, &["TP014"]),
    ("TP053", Reach::Statement, &["TP001", "TP002", "TP019"]),
    ("TP060", Reach::Statement, GUARDS),
    ("TP061", Reach::Statement, GUARDS),
    ("TP062", Reach::Statement, GUARDS),
    ("TP062", Reach::Statement, &["TP016"]),
    ("TP063", Reach::Place, TEXT),
    ("TP063", Reach::Statement, GUARDS),
    ("TP064", Reach::Place, TEXT),
    ("TP064", Reach::Statement, GUARDS),
    ("TP065", Reach::Place, TEXT),
    ("TP065", Reach::Statement, GUARDS),
    ("TP067", Reach::Place, TEXT),
    ("TP067", Reach::Statement, GUARDS),
    ("TP067", Reach::Statement, &["TP017", "TP020", "TP023", "TP024", "TP025", "TP036"]),
    ("TP073", Reach::Statement, &["TP051"]),
    ("TP075", Reach::Statement, &["TP002", "TP018", "TP019"]),
];

pub(super) fn without(policy: &TrustPolicy, list: Vec<Finding>) -> Vec<Finding> {
    if list.len() < 2 {
        return list;
    }
    let causes: Vec<(Span, &str)> = list.iter().map(|finding| (finding.span, finding.rule.id)).collect();
    let follows = |finding: &Finding| {
        causes.iter().any(|(span, id)| {
            CONSEQUENCES.iter().any(|(cause, reach, ids)| {
                cause == id && ids.contains(&finding.rule.id) && reaches(*reach, policy, id, *span, finding.span)
            })
        })
    };
    list.into_iter().filter(|finding| !follows(finding)).collect()
}

/// Some of what AWS refuses leaves no doubt about the rest of the statement.
fn loses_meaning(policy: &TrustPolicy, span: Span, id: &str) -> bool {
    id != "TP043"
        || policy.refusals.iter().filter(|refusal| refusal.span == span).any(|refusal| {
            matches!(
                refusal.kind,
                RefusalKind::UnknownElement { .. }
                    | RefusalKind::UnknownOperator { .. }
                    | RefusalKind::UnknownPrincipal { .. }
                    | RefusalKind::WrongKind { .. }
                    | RefusalKind::Empty { .. }
            )
        })
}

fn reaches(reach: Reach, policy: &TrustPolicy, id: &str, cause: Span, other: Span) -> bool {
    match reach {
        Reach::Place => cause.start < other.end && other.start < cause.end,
        Reach::Statement => {
            let of = |span: Span| policy.statements.iter().find(|statement: &&Statement| statement.span.contains(span));
            let same = of(cause).zip(of(other)).is_some_and(|(a, b)| a.index == b.index);
            same && loses_meaning(policy, cause, id)
        }
    }
}
