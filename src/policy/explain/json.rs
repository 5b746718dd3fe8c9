//! An explanation as JSON, for programs and for pages that draw the decision.

use std::ops::Range;

use serde::Serialize;
use serde_json::Map;

use super::change::change;
use super::render::{changes, headline, look_at, unseen};
use super::statements::{Leaf, Weighed};
use super::{Explanation, Failed, Gate, Seen, Value};
use crate::policy::caller::Caller;
use crate::policy::report::Change;
use crate::policy::source::Found;
use crate::policy::tree::{Lines, Span};
use crate::product::cause_url;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Json<'a> {
    decision: &'static str,
    gate: Option<&'static str>,
    cause: &'static str,
    statement: Option<usize>,
    failed: Vec<JsonFailed<'a>>,
    fix: Option<String>,
    sid: Option<&'a str>,
    action: &'static str,
    why: &'a [String],
    provided: &'a [String],
    policy_change: Option<serde_json::Value>,
    /// The same as it would be written.
    changed_statement: Option<&'a str>,
    pipeline_change: Option<String>,
    gates: Vec<JsonGate>,
    docs: String,
    headline: String,
    statements: Vec<JsonStatement<'a>>,
    change: Option<Change>,
    fixes: Vec<JsonFix<'a>>,
    look_at: Vec<String>,
    not_looked_at: Vec<&'static str>,
    /// As they were read, without the token's id.
    claims: Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct JsonFailed<'a> {
    key: &'a str,
    operator: &'a str,
    wanted: &'a [String],
    had: Option<serde_json::Value>,
    cause: Option<&'static str>,
    segments: &'a [&'static str],
}

#[derive(Serialize)]
struct JsonGate {
    gate: &'static str,
    name: &'static str,
    seen: &'static str,
}

#[derive(Serialize)]
struct JsonFix<'a> {
    place: &'static str,
    words: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonStatement<'a> {
    index: usize,
    sid: Option<&'a str>,
    effect: &'static str,
    nearest: bool,
    seen: &'static str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    principal: JsonLeaf<'a>,
    action: JsonLeaf<'a>,
    conditions: Vec<JsonLeaf<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonLeaf<'a> {
    key: &'a str,
    operator: &'a str,
    wanted: &'a [String],
    had: Option<serde_json::Value>,
    unknown: bool,
    seen: &'static str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<JsonNearest<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonNearest<'a> {
    wanted: &'a str,
    wanted_ranges: Vec<[usize; 2]>,
    had_ranges: Vec<[usize; 2]>,
    segments: &'a [&'static str],
}

/// `{"decision", "gate", "cause", "statement", "failed": [{"key", "operator", "wanted", "had", …}], "fix", …}`:
/// the statement counts from 0, `wanted` is a list, and `had` is text, a list, or null where there is
/// no such key or nobody knows.
///
/// `gates` are all that AWS has, in its order: `passed`, `failed`, `not-seen`, and `not-reached` behind one
/// that is shut. `statements` are all of the policy, beside `action`, whichever gate is shut. What is
/// `seen` there is the evaluator's truth: a Deny statement that `passed` keeps the caller out. `unknown`
/// tells the two meanings of a `had` that is null apart.
///
/// Lines and columns are those of `text`, which is the file that the policy was found in: from 1, columns
/// in characters, as `policy lint` has them. Ranges are in UTF-16 code units of the text that they mark,
/// as JavaScript counts; an empty one marks the place where something is missing.
///
/// `change` makes the file say what `policyChange` says. It is null where there is no such statement, or
/// no change at that place can write it.
#[must_use]
pub fn json(explanation: &Explanation, found: &Found, text: &str, caller: &Caller) -> String {
    let mut claims = caller.claims.clone();
    claims.remove("jti");
    let lines = Lines::new(text);
    let fix = &explanation.fix;
    let joined = |words: &[String]| (!words.is_empty()).then(|| words.join("; "));
    let statement = explanation.statement.as_ref();
    let value = Json {
        decision: explanation.decision.id(),
        gate: explanation.gate.map(Gate::id),
        cause: explanation.cause.id,
        statement: statement.map(|statement| statement.index),
        failed: explanation.failed.iter().map(failed).collect(),
        fix: joined(&fix.policy).or_else(|| joined(&fix.pipeline)),
        sid: statement.and_then(|statement| statement.sid.as_deref()),
        action: explanation.action,
        why: &explanation.why,
        provided: &explanation.provided,
        policy_change: fix.statement.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        changed_statement: fix.statement.as_deref(),
        pipeline_change: joined(&fix.pipeline),
        gates: gates(&explanation.gates),
        docs: cause_url(explanation.cause.id),
        headline: headline(explanation),
        statements: explanation.statements.iter().map(|weighed| of_statement(weighed, &lines)).collect(),
        change: statement
            .zip(fix.statement.as_deref())
            .and_then(|(old, new)| change(found, text, old.span, new))
            .map(|edit| Change::new(edit, &lines)),
        fixes: changes(explanation).map(|(place, words)| JsonFix { place, words }).collect(),
        look_at: look_at(explanation),
        not_looked_at: unseen(explanation),
        claims,
    };
    // Text, numbers and lists of them always serialise.
    serde_json::to_string(&value).unwrap_or_default()
}

fn gates(looked_at: &[(Gate, Seen)]) -> Vec<JsonGate> {
    let shut = looked_at.iter().any(|(_, seen)| *seen == Seen::Failed);
    let each = Gate::ALL.into_iter().map(|gate| {
        let known = looked_at.iter().find(|(known, _)| *known == gate);
        let seen = match known {
            Some((_, seen)) => seen_id(*seen),
            None if shut => "not-reached",
            None => seen_id(Seen::Unseen),
        };
        JsonGate { gate: gate.id(), name: gate.name(), seen }
    });
    each.collect()
}

fn failed(failed: &Failed) -> JsonFailed<'_> {
    JsonFailed {
        key: &failed.key,
        operator: &failed.operator,
        wanted: &failed.wanted,
        had: had(failed),
        cause: failed.cause,
        segments: failed.nearest.as_ref().map(|(_, difference)| difference.segments.as_slice()).unwrap_or_default(),
    }
}

fn had(failed: &Failed) -> Option<serde_json::Value> {
    match &failed.had {
        Value::None | Value::Unknown => None,
        Value::One(text) => Some(text.as_str().into()),
        Value::Many(several) => Some(several.as_slice().into()),
    }
}

fn of_statement<'a>(weighed: &'a Weighed, lines: &Lines<'_>) -> JsonStatement<'a> {
    let [line, column, end_line, end_column] = place(weighed.span, lines);
    JsonStatement {
        index: weighed.index,
        sid: weighed.sid.as_deref(),
        effect: if weighed.denies { "Deny" } else { "Allow" },
        nearest: weighed.nearest,
        seen: seen_id(weighed.seen),
        line,
        column,
        end_line,
        end_column,
        principal: of_leaf(&weighed.principal, lines),
        action: of_leaf(&weighed.action, lines),
        conditions: weighed.conditions.iter().map(|leaf| of_leaf(leaf, lines)).collect(),
    }
}

fn of_leaf<'a>(leaf: &'a Leaf, lines: &Lines<'_>) -> JsonLeaf<'a> {
    let said = &leaf.said;
    let [line, column, end_line, end_column] = place(said.span, lines);
    let nearest = match (&said.nearest, &said.had) {
        (Some((wanted, difference)), Value::One(had)) => Some(JsonNearest {
            wanted,
            wanted_ranges: utf16(wanted, &difference.wanted),
            had_ranges: utf16(had, &difference.had),
            segments: &difference.segments,
        }),
        _ => None,
    };
    JsonLeaf {
        key: &said.key,
        operator: &said.operator,
        wanted: &said.wanted,
        had: had(said),
        unknown: said.had == Value::Unknown,
        seen: seen_id(leaf.seen),
        line,
        column,
        end_line,
        end_column,
        nearest,
    }
}

fn place(span: Span, lines: &Lines<'_>) -> [usize; 4] {
    let ((line, column), (end_line, end_column)) = (lines.place(span.start), lines.place(span.end));
    [line, column, end_line, end_column]
}

fn utf16(text: &str, ranges: &[Range<usize>]) -> Vec<[usize; 2]> {
    let at = |end: usize| text.get(..end).unwrap_or(text).encode_utf16().count();
    ranges.iter().map(|range| [at(range.start), at(range.end)]).collect()
}

fn seen_id(seen: Seen) -> &'static str {
    match seen {
        Seen::Passed => "passed",
        Seen::Failed => "failed",
        Seen::Unseen => "not-seen",
    }
}
