//! Makes the changes that findings propose, and keeps those only that do what they promise.
//!
//! After each round the text is read and checked anew: it has to be as readable as before, and the
//! findings in question have to be gone. Changes that touch wait for the next round.

use super::{Edit, FileFinding, Finding, check_file};
use crate::policy::source::{self, File, Found};
use crate::policy::tree::{Kind, Node, Span};

/// What came of it.
#[derive(Debug)]
pub struct Fixed {
    pub text: String,
    /// The findings that are gone, with the places that they had when their turn came.
    pub made: Vec<FileFinding>,
    /// What is left of the findings that were to be fixed, changes for it or not.
    pub left: Vec<FileFinding>,
    pub hunks: Vec<Hunk>,
}

/// Lines that have changed, counted from 1. One of the lists may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    pub line_before: usize,
    pub before: Vec<String>,
    pub line_after: usize,
    pub after: Vec<String>,
}

/// Each round makes at least one change for good or gives one up; a policy has not this many.
const ROUNDS: usize = 100;

/// Fixes the findings of a file that `wanted` picks.
#[must_use]
pub fn fix(name: &str, text: &str, wanted: &dyn Fn(&FileFinding) -> bool) -> Fixed {
    let mut now = text.to_owned();
    let mut made: Vec<FileFinding> = Vec::new();
    let mut given_up: Vec<(&'static str, String)> = Vec::new();
    for _ in 0..ROUNDS {
        let proposals = proposals(name, &now, &|finding| {
            wanted(finding) && !given_up.iter().any(|known| *known == identity(finding))
        });
        if proposals.is_empty() {
            break;
        }
        let together = apart_from_each_other(&proposals);
        if let Some(text) = tried(name, &now, &together) {
            now = text;
            made.extend(together.into_iter().map(|proposal| proposal.finding.clone()));
            continue;
        }
        // One of them does not do: each by itself.
        let first = proposals.iter().find_map(|proposal| {
            let text = tried(name, &now, &[proposal]);
            if text.is_none() {
                given_up.push(identity(&proposal.finding));
            }
            Some((proposal, text?))
        });
        let Some((proposal, text)) = first else { break };
        made.push(proposal.finding.clone());
        now = text;
    }
    let left = check_file(&source::read(name, &now), &now).into_iter().filter(wanted).collect();
    let hunks = hunks(text, &now);
    Fixed { text: now, made, left, hunks }
}

fn identity(finding: &FileFinding) -> (&'static str, String) {
    (finding.finding.rule.id, finding.finding.message.clone())
}

struct Proposal {
    finding: FileFinding,
    /// As they stand in the file.
    edits: Vec<Edit>,
}

fn proposals(name: &str, text: &str, wanted: &dyn Fn(&FileFinding) -> bool) -> Vec<Proposal> {
    let file = source::read(name, text);
    let findings = check_file(&file, text).into_iter().filter(|finding| wanted(finding));
    findings
        .filter(|finding| !finding.finding.edits.is_empty())
        .filter_map(|finding| Some(Proposal { edits: placed(&file, text, finding.policy, &finding.finding)?, finding }))
        .collect()
}

/// The changes that a finding proposes as the file writes them; `policy` is which of the file's it is about.
/// `None`: there is no way to write one of them there.
#[must_use]
pub fn placed(file: &File, text: &str, policy: Option<usize>, finding: &Finding) -> Option<Vec<Edit>> {
    let edits = finding.edits.iter();
    match policy.and_then(|index| file.policies.get(index)) {
        Some(found) => edits.map(|edit| in_file(found, text, edit)).collect(),
        None => Some(edits.cloned().collect()),
    }
}

/// The change as the file writes it. `None`: there is no way to write it there.
#[must_use]
pub fn in_file(found: &Found, text: &str, edit: &Edit) -> Option<Edit> {
    let one = is_one(&found.node, edit.span);
    let json = if one { super::repair::quoted(&edit.replacement) } else { edit.replacement.clone() };
    Some(Edit { span: edit.span, replacement: found.spelt(text, edit.span, &json)? })
}

/// Whether exactly one name or plain value stands there.
fn is_one(node: &Node, span: Span) -> bool {
    match &node.kind {
        Kind::List(items) => items.iter().any(|item| item.span.contains(span) && is_one(item, span)),
        Kind::Object(members) => members.iter().any(|member| {
            member.name_span == span || (member.value.span.contains(span) && is_one(&member.value, span))
        }),
        _ => node.span == span,
    }
}

/// The first of those that touch the same text.
fn apart_from_each_other(proposals: &[Proposal]) -> Vec<&Proposal> {
    let mut taken: Vec<Span> = Vec::new();
    let mut chosen = Vec::new();
    for proposal in proposals {
        // Two insertions at one place would depend on their order.
        let touches =
            |edit: &Edit| taken.iter().any(|other| edit.span.start <= other.end && other.start <= edit.span.end);
        if !proposal.edits.iter().any(touches) {
            taken.extend(proposal.edits.iter().map(|edit| edit.span));
            chosen.push(proposal);
        }
    }
    chosen
}

/// The text with these changes, if they do what they promise.
fn tried(name: &str, text: &str, proposals: &[&Proposal]) -> Option<String> {
    let edits: Vec<Edit> = proposals.iter().flat_map(|proposal| proposal.edits.iter().cloned()).collect();
    let changed = applied(text, &edits)?;
    let (before, after) = (source::read(name, text), source::read(name, &changed));
    let readable = match (&before.fault, &after.fault) {
        (_, None) => true,
        (Some(before), Some(after)) => before != after,
        (None, Some(_)) => false,
    };
    if !readable || (before.fault.is_none() && before.policies.len() != after.policies.len()) {
        return None;
    }
    let (was, is) = (check_file(&before, text), check_file(&after, &changed));
    let count = |list: &[FileFinding], wanted: &(&'static str, String)| {
        list.iter().filter(|finding| identity(finding) == *wanted).count()
    };
    let gone = |proposal: &&Proposal| {
        let identity = identity(&proposal.finding);
        // The same slip further down is another one.
        count(&is, &identity) < count(&was, &identity) || proposal.finding.policy.is_none()
    };
    proposals.iter().all(gone).then_some(changed)
}

/// The text with these changes. `None`: two of them overlap, or a place is not in the text.
#[must_use]
pub fn applied(text: &str, edits: &[Edit]) -> Option<String> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.span);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        out.push_str(text.get(at..edit.span.start)?);
        out.push_str(&edit.replacement);
        text.get(edit.span.start..edit.span.end)?;
        at = edit.span.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

/// What has changed from one text to another, by lines.
#[must_use]
pub fn hunks(before: &str, after: &str) -> Vec<Hunk> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.split('\n').collect(), after.split('\n').collect());
    let mut hunks: Vec<Hunk> = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (x, y) in kept(&old, &new).into_iter().chain([(old.len(), new.len())]) {
        if i < x || j < y {
            let lines = |lines: &[&str], from: usize, to: usize| -> Vec<String> {
                lines.get(from..to).unwrap_or_default().iter().map(|line| (*line).to_owned()).collect()
            };
            hunks.push(Hunk {
                line_before: i + 1,
                before: lines(&old, i, x),
                line_after: j + 1,
                after: lines(&new, j, y),
            });
        }
        (i, j) = (x + 1, y + 1);
    }
    hunks
}

/// Pairs of equal lines in both texts, in order: those at the beginning and end, and between them
/// the longest sequence, where that can be had.
fn kept(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    const CELLS: usize = 4_000_000;
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (old.get(start..).unwrap_or_default(), new.get(start..).unwrap_or_default());
    let end = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (height, width) = (old_rest.len() - end, new_rest.len() - end);
    let mut pairs: Vec<(usize, usize)> = (0..start).map(|line| (line, line)).collect();
    if height * width <= CELLS {
        // How many lines the rests of both have in common, from each pair of lines on.
        let mut common = vec![0_u32; (height + 1) * (width + 1)];
        let at = |i: usize, j: usize| i * (width + 1) + j;
        let of = |common: &[u32], i, j| common.get(at(i, j)).copied().unwrap_or(0);
        for i in (0..height).rev() {
            for j in (0..width).rev() {
                let best = if old_rest.get(i) == new_rest.get(j) {
                    of(&common, i + 1, j + 1) + 1
                } else {
                    of(&common, i + 1, j).max(of(&common, i, j + 1))
                };
                if let Some(cell) = common.get_mut(at(i, j)) {
                    *cell = best;
                }
            }
        }
        let (mut i, mut j) = (0, 0);
        while i < height && j < width {
            if old_rest.get(i) == new_rest.get(j) {
                pairs.push((start + i, start + j));
                (i, j) = (i + 1, j + 1);
            } else if of(&common, i + 1, j) >= of(&common, i, j + 1) {
                i += 1;
            } else {
                j += 1;
            }
        }
    }
    pairs.extend((0..end).map(|line| (start + height + line, start + width + line)));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_change_are_shown_with_their_numbers() {
        let hunk = |line_before, before: &[&str], line_after, after: &[&str]| Hunk {
            line_before,
            before: before.iter().map(|line| (*line).to_owned()).collect(),
            line_after,
            after: after.iter().map(|line| (*line).to_owned()).collect(),
        };
        assert_eq!(hunks("a\nb\nc", "a\nb\nc"), []);
        assert_eq!(hunks("a\nb\nc", "a\nx\nc"), [hunk(2, &["b"], 2, &["x"])]);
        assert_eq!(hunks("a\nb\nc\nd", "a\nc\nd\ne"), [hunk(2, &["b"], 2, &[]), hunk(5, &[], 4, &["e"])]);
        assert_eq!(hunks("a\nb\nc", "x\na\nc"), [hunk(1, &[], 1, &["x"]), hunk(2, &["b"], 3, &[])]);
        assert_eq!(hunks("", "a"), [hunk(1, &[""], 1, &["a"])]);
    }

    #[test]
    fn changes_are_made_in_order_or_not_at_all() {
        let edit = |start, end, text: &str| Edit { span: Span::new(start, end), replacement: text.to_owned() };
        for (edits, expected) in [
            (vec![edit(4, 5, "E"), edit(0, 1, "A")], Some("AbcdEf")),
            (vec![edit(2, 2, "-")], Some("ab-cdef")),
            (vec![edit(0, 3, ""), edit(2, 4, "")], None),
            (vec![edit(5, 9, "")], None),
        ] {
            assert_eq!(applied("abcdef", &edits).as_deref(), expected);
        }
    }
}
