//! An explanation as text, in the manner of [`crate::diagnostic`], and as one line.

use std::ops::Range;

use super::{Decision, Explanation, Failed, Gate, Seen, StatementRef, Value};
use crate::product::cause_url;
use crate::text::{Inert, listed};

const LABEL_WIDTH: usize = 14;
/// Lists of values are cut behind so many.
const MOST_VALUES: usize = 8;

/// The lines for a person. No line starts with text from outside.
#[must_use]
pub fn text(explanation: &Explanation, colour: bool) -> Vec<String> {
    let (red, bold, plain) = if colour { ("\u{1b}[31m", "\u{1b}[1m", "\u{1b}[0m") } else { ("", "", "") };
    let (word, tint) = match explanation.decision {
        Decision::Allow => ("allowed", ""),
        Decision::Deny => ("denied", red),
        Decision::Unknown => ("unknown", ""),
    };
    let id = explanation.cause.id;
    let mut lines = vec![format!("{tint}{bold}{word}[{id}]{plain}{bold}: {}{plain}", headline(explanation))];
    let mut add =
        |label: &str, value: &str| lines.push(format!("  {label:LABEL_WIDTH$}  {value}").trim_end().to_owned());
    if let Some(statement) = &explanation.statement {
        add("statement", &place(explanation, statement));
    }
    for failed in &explanation.failed {
        for (label, value) in leaf(failed, labels(explanation)) {
            add(label, &value);
        }
    }
    numbered("provided that", &explanation.provided, &mut add);
    numbered("why", &explanation.why, &mut add);
    numbered("fix", &fixes(explanation), &mut add);
    numbered("look at", &look_at(explanation), &mut add);
    let unseen = unseen(explanation);
    if !unseen.is_empty() {
        add("not looked at", &listed(&unseen));
    }
    if let Some(statement) = &explanation.fix.statement {
        lines.push("  the statement, changed so that it admits this token:".to_owned());
        lines.extend(statement.lines().map(|line| format!("    {}", Inert::new(line))));
    }
    lines.push(format!("  {:LABEL_WIDTH$}  {}", "docs", cause_url(id)));
    lines
}

fn place(explanation: &Explanation, statement: &StatementRef) -> String {
    let sid = statement.sid.as_deref().map(|sid| format!(" \"{}\"", Inert::new(sid))).unwrap_or_default();
    let kind = if statement.denies { "Deny" } else { "Allow" };
    format!("{kind}{sid}, {} of {}, for {}", statement.index + 1, explanation.statements.len(), explanation.action)
}

/// What a condition does, and what its values are to it.
fn labels(explanation: &Explanation) -> [&'static str; 2] {
    match explanation.decision {
        Decision::Unknown => ["open", "policy wants"],
        _ if explanation.statement.as_ref().is_some_and(|statement| statement.denies) => ["applies", "policy denies"],
        _ => ["failed", "policy wants"],
    }
}

/// One line, for a log: what was wanted and what was there, and why.
#[must_use]
pub fn line(explanation: &Explanation) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(failed) = explanation.failed.first() {
        let statement = explanation.statement.as_ref();
        let whose = match statement {
            Some(statement) if statement.denies => format!("a statement denies {} to it", explanation.action),
            _ => wants(failed, explanation),
        };
        parts.push(whose);
    } else if explanation.statement.as_ref().is_some_and(|statement| statement.denies) {
        parts.push(format!("a statement denies {} to it", explanation.action));
    }
    parts.extend(explanation.provided.first().map(|words| format!("it depends on whether {words}")));
    parts.extend(explanation.why.first().cloned());
    Inert::excerpt(&parts.join("; "), 900).into()
}

fn wants(failed: &Failed, explanation: &Explanation) -> String {
    let wanted: Vec<String> = failed.wanted.iter().take(MOST_VALUES).map(|value| format!("\"{value}\"")).collect();
    let wanted = wanted.join(" or ");
    match (failed.key.as_str(), &failed.had) {
        ("Principal", Value::One(had)) => format!("no statement allows {} to {had}", explanation.action),
        ("Action", _) => format!("no statement allows {} to it", explanation.action),
        (key, Value::None) => format!("the policy wants {key} {} {wanted}; there is no such key", failed.operator),
        (key, had) => format!("the policy wants {key} {} {wanted}; there is {}", failed.operator, shown(had)),
    }
}

pub(super) fn headline(explanation: &Explanation) -> String {
    match (explanation.decision, explanation.gate) {
        (Decision::Allow, _) => "the trust policy admits this token".to_owned(),
        (Decision::Deny, Some(Gate::TrustPolicy) | None) => "the trust policy does not admit this token".to_owned(),
        (Decision::Deny, Some(gate)) => format!("the token does not get past {}", gate.name()),
        (Decision::Unknown, _) if explanation.provided.is_empty() => {
            "whether the trust policy admits this token cannot be told".to_owned()
        }
        (Decision::Unknown, _) => "the trust policy admits this token on a condition that is open".to_owned(),
    }
}

/// What was wanted and what was there; where both are text, with a mark under what differs.
fn leaf(failed: &Failed, [word, wants]: [&'static str; 2]) -> Vec<(&'static str, String)> {
    let key = Inert::new(&failed.key);
    let (head, wants, has) = match failed.key.as_str() {
        "Principal" => (failed.operator.clone(), "policy names", "token is from"),
        "Action" => (failed.operator.clone(), "policy names", "job calls"),
        _ => (format!("{key}, under {}", Inert::new(&failed.operator)), wants, "token has"),
    };
    let mut lines = vec![(word, head)];
    if let (Some((wanted, difference)), Value::One(had)) = (&failed.nearest, &failed.had) {
        for (label, value, ranges, names) in [
            (wants, wanted, &difference.wanted, String::new()),
            (has, had, &difference.had, listed(&difference.segments)),
        ] {
            // White space at the ends is seen between quotes only.
            let quote = if value.trim() == value { "" } else { "\"" };
            lines.push((label, format!("{quote}{}{quote}", Inert::new(value))));
            let shift = " ".repeat(quote.len());
            lines.extend(marks(value, ranges).map(|marks| ("differs", format!("{shift}{marks} {names}"))));
        }
        if failed.wanted.len() > 1 {
            let others = failed.wanted.iter().filter(|value| *value != wanted);
            lines.push(("or", values(others)));
        }
        return lines;
    }
    lines.push((wants, values(failed.wanted.iter())));
    lines.push((
        has,
        match &failed.had {
            Value::None => "no such key".to_owned(),
            Value::Unknown => "not known here".to_owned(),
            Value::One(text) => Inert::new(text).into(),
            Value::Many(_) => Inert::new(&shown(&failed.had)).into(),
        },
    ));
    lines
}

fn values<'v>(values: impl Iterator<Item = &'v String>) -> String {
    let values: Vec<&String> = values.collect();
    let mut shown: Vec<String> = values.iter().take(MOST_VALUES).map(|value| Inert::new(value).into()).collect();
    if values.len() > MOST_VALUES {
        shown.push(format!("{} more", values.len() - MOST_VALUES));
    }
    shown.join(", ")
}

fn shown(had: &Value) -> String {
    match had {
        Value::None => "no such key".to_owned(),
        Value::Unknown => "something that is not known here".to_owned(),
        Value::One(text) => format!("\"{text}\""),
        Value::Many(several) => several.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(", "),
    }
}

/// A line of carets under the ranges of a text. What is escaped takes more room, above as below.
fn marks(text: &str, ranges: &[Range<usize>]) -> Option<String> {
    let width = |text: &str| Inert::new(text).as_str().chars().count();
    let mut line = String::new();
    for range in ranges {
        let start = width(text.get(..range.start)?);
        let length = width(text.get(range.clone())?).max(1);
        line.push_str(&" ".repeat(start.saturating_sub(line.chars().count())));
        line.push_str(&"^".repeat(length));
    }
    (!line.is_empty()).then_some(line)
}

fn numbered(label: &str, items: &[String], add: &mut impl FnMut(&str, &str)) {
    for (index, item) in items.iter().enumerate() {
        let item = Inert::new(item);
        let label = if index == 0 { label } else { "" };
        if items.len() == 1 {
            add(label, item.as_str());
        } else {
            add(label, &format!("{}. {item}", index + 1));
        }
    }
}

/// Where the changes stand that are not to the pipeline, and where those to it do.
pub(super) fn places(explanation: &Explanation) -> [&'static str; 2] {
    [if explanation.gate == Some(Gate::Audience) { "in AWS" } else { "in the policy" }, "in the pipeline"]
}

fn fixes(explanation: &Explanation) -> Vec<String> {
    changes(explanation).map(|(place, words)| format!("{place}: {words}")).collect()
}

/// What to change, each with where that is.
pub(super) fn changes(explanation: &Explanation) -> impl Iterator<Item = (&'static str, &str)> {
    let lists = places(explanation).into_iter().zip([&explanation.fix.policy, &explanation.fix.pipeline]);
    lists.flat_map(|(place, list)| list.iter().map(move |words| (place, words.as_str())))
}

/// Where to look when the policy lets the call pass.
pub(super) fn look_at(explanation: &Explanation) -> Vec<String> {
    if !explanation.passes {
        return Vec::new();
    }
    [
        "whether the role exists under that name, path and account: AWS answers the same for one that does not",
        "whether this is the policy that the role has now; a change takes some seconds to count",
        "resource control policies of the organisation, which can deny the call as well",
        "the identity provider: its URL, and its client ids",
    ]
    .map(str::to_owned)
    .to_vec()
}

pub(super) fn unseen(explanation: &Explanation) -> Vec<&'static str> {
    let failed = explanation.gates.iter().any(|(_, seen)| *seen == Seen::Failed);
    let before = explanation.gates.iter().filter(|(gate, seen)| *seen == Seen::Unseen && *gate != Gate::TrustPolicy);
    let after = Gate::ALL.into_iter().filter(|gate| *gate > Gate::TrustPolicy && !failed);
    before.map(|(gate, _)| gate.name()).chain(after.map(Gate::name)).collect()
}

/// For a denied job, which puts it into a diagnostic of its own: `{"facts", "causes", "fixes", "statement"?, "cause"}`,
/// the last being an id.
#[must_use]
pub fn answer(explanation: &Explanation) -> serde_json::Value {
    let mut facts: Vec<(&str, String)> = Vec::new();
    if let Some(statement) = &explanation.statement {
        facts.push(("statement", place(explanation, statement)));
    }
    for failed in &explanation.failed {
        facts.extend(leaf(failed, labels(explanation)));
    }
    let mut causes = explanation.provided.iter().map(|words| format!("it is open whether {words}")).collect::<Vec<_>>();
    causes.extend(explanation.why.iter().cloned());
    let mut fixes = fixes(explanation);
    if explanation.decision == Decision::Allow {
        causes = vec!["the policy in the file admits this job, so it is not what denied it".to_owned()];
        fixes.extend(look_at(explanation).into_iter().map(|words| format!("look at {words}")));
    }
    serde_json::json!({
        "facts": facts,
        "causes": causes,
        "fixes": fixes,
        "statement": explanation.fix.statement,
        "cause": explanation.cause.id,
    })
}
