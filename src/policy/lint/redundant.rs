//! Statements, conditions and values beside others that leave them nothing to do.
//!
//! Everything here is decided by what is written, and only where it is sure: whatever passes the
//! one also passes the other.

use super::repair::{quoted, shown, without};
use super::{Finding, Findings, Rule, Scope, Severity, View};
use crate::policy::document::{Condition, Effect, PrincipalKind, Statement};
use crate::policy::operator::{Set, Test};
use crate::policy::pattern;

pub static TP051: Rule = Rule {
    id: "TP051",
    name: "statement-without-effect",
    severity: Severity::Low,
    title: "the statement changes nothing beside another one",
};

pub static TP073: Rule = Rule {
    id: "TP073",
    name: "contradiction",
    severity: Severity::High,
    title: "two conditions on one key have to hold at once, and no value passes both",
};

pub static TP076: Rule = Rule {
    id: "TP076",
    name: "value-without-effect",
    severity: Severity::Low,
    title: "the value changes nothing beside another one in the same list",
};

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    if view.policy.refusals.is_empty() {
        statements(view, findings);
    }
    for scope in &view.scopes {
        let found: Vec<Finding> = scope.statement.conditions.iter().filter_map(|of| values(view, of)).collect();
        let contradiction = contradiction(scope, findings);
        found.into_iter().chain(contradiction).for_each(|finding| findings.add(finding));
    }
}

fn statements(view: &View<'_>, findings: &mut Findings<'_>) {
    let variables = view.policy.has_variables();
    let all = &view.policy.statements;
    for (index, statement) in all.iter().enumerate() {
        let mut others = all.iter().enumerate().filter(|(other, _)| *other != index);
        let covering = others.find(|(other, by)| {
            let (over, back) = (covers(by, statement, variables), covers(statement, by, variables));
            // Of two that say the same, the later one is too many.
            over && (by.effect == statement.effect || by.effect == Effect::Deny)
                && (!back || other < &index || by.effect != statement.effect)
        });
        let Some((other, by)) = covering else { continue };
        let name = by.sid.as_ref().map_or_else(|| format!("statement {}", other + 1), |sid| shown(&sid.text));
        let mut finding = if by.effect == statement.effect {
            let verb = if by.effect == Effect::Allow { "allows" } else { "denies" };
            let message = format!("{name} already {verb} all that this statement does");
            Finding::new(&TP051, statement.span, message, "remove the one of the two that is not meant")
        } else {
            let message = format!("{name} denies all that this statement allows");
            Finding::new(&TP051, statement.span, message, "narrow the Deny, or remove this statement")
        };
        if by.effect != statement.effect {
            finding.severity = Severity::High;
        } else if covers(statement, by, variables) {
            // The wide one may be the mistake; of two that say the same, either can go.
            "remove it".clone_into(&mut finding.fix);
            finding.edits.extend(without(&view.found.node, statement.span));
        }
        findings.add(finding);
    }
}

/// Whether every call to which `narrow` applies is one to which `wide` applies.
fn covers(wide: &Statement, narrow: &Statement, variables: bool) -> bool {
    let principals = !wide.principals.negated
        && !narrow.principals.negated
        && !narrow.principals.items.is_empty()
        && narrow.principals.items.iter().all(|of| {
            wide.principals.items.iter().any(|by| {
                let everybody = by.kind == PrincipalKind::Anyone && wide.effect == Effect::Deny;
                everybody || (by.kind == of.kind && by.value.text == of.value.text && of.value.text != "*")
            })
        });
    let actions = !wide.actions.negated
        && !narrow.actions.negated
        && narrow.actions.patterns.iter().all(|of| {
            wide.actions.patterns.iter().any(|by| within(&of.text.to_ascii_lowercase(), &by.text.to_ascii_lowercase()))
        });
    principals
        && actions
        && wide.conditions.iter().all(|by| narrow.conditions.iter().any(|of| implies(of, by, variables)))
}

/// Whether whoever passes `of` passes `by`.
fn implies(of: &Condition, by: &Condition, variables: bool) -> bool {
    if !of.key.text.eq_ignore_ascii_case(&by.key.text) {
        return false;
    }
    let (one, other) = (of.operator, by.operator);
    let texts =
        |condition: &Condition| -> Vec<String> { condition.values.iter().map(|value| value.text.clone()).collect() };
    let (had, wanted) = (texts(of), texts(by));
    if one == other && had.iter().all(|text| wanted.contains(text)) && wanted.iter().all(|text| had.contains(text)) {
        return true;
    }
    let plain =
        |condition: &Condition| condition.values.iter().all(|value| !variables || !pattern::has_braces(&value.text));
    let strings = |test: Test| matches!(test, Test::StringEquals | Test::StringLike);
    if !strings(one.test) || !strings(other.test) || !plain(of) || !plain(by) {
        return false;
    }
    // `IfExists` and `ForAllValues` pass what is not there; the other may not.
    let shape =
        one.negated == other.negated && one.set == other.set && (one.if_exists == other.if_exists || other.if_exists);
    // A list is passed by any of its values, and a negated one by what is none of them.
    let (inner, inner_test, outer, outer_test) =
        if one.negated { (&wanted, other.test, &had, one.test) } else { (&had, one.test, &wanted, other.test) };
    shape && inner.iter().all(|text| outer.iter().any(|by| value_within(text, inner_test, by, outer_test)))
}

fn value_within(text: &str, test: Test, by: &str, by_test: Test) -> bool {
    match (test, by_test) {
        (Test::StringEquals, Test::StringEquals) => text == by,
        (Test::StringEquals, _) => pattern::like(by, text),
        (_, Test::StringEquals) => text == by && !text.contains(['*', '?']),
        _ => within(text, by),
    }
}

/// Whether the pattern `by` matches all that `text` does. Its `*` takes any wildcard; its `?` would
/// take a `*` for one character, so the two together say nothing.
fn within(text: &str, by: &str) -> bool {
    !(by.contains('?') && text.contains('*')) && pattern::like(by, text)
}

fn values(view: &View<'_>, condition: &Condition) -> Option<Finding> {
    let test = condition.operator.test;
    let equal_only = !matches!(test, Test::StringEquals | Test::StringLike);
    let found = condition.values.iter().enumerate().find_map(|(index, value)| {
        if pattern::has_braces(&value.text)
            && !condition.values.iter().any(|by| by.text == value.text && by.span != value.span)
        {
            return None;
        }
        let by = condition.values.iter().enumerate().find(|(other, by)| {
            *other != index
                && if by.text == value.text {
                    *other < index
                } else {
                    !equal_only && !pattern::has_braces(&by.text) && value_within(&value.text, test, &by.text, test)
                }
        });
        Some((value, by?.1))
    });
    let (value, by) = found?;
    let message = if value.text == by.text {
        format!("{} stands twice in the list", shown(&value.text))
    } else {
        format!("{} is among what {} matches", shown(&value.text), shown(&by.text))
    };
    if value.text != by.text {
        // The wide one may be the mistake.
        return Some(Finding::new(&TP076, value.span, message, "remove the one of the two that is not meant"));
    }
    let mut finding = Finding::new(&TP076, value.span, message, "remove one of them");
    finding.edits.extend(without(&view.found.node, value.span));
    Some(finding)
}

/// Two blocks on one key are both to be passed; people who write them mean one or the other.
fn contradiction(scope: &Scope<'_>, findings: &Findings<'_>) -> Option<Finding> {
    let conditions = &scope.statement.conditions;
    let strict = |of: &&Condition| {
        matches!(of.operator.test, Test::StringEquals | Test::StringLike)
            && !of.operator.negated
            && !of.operator.if_exists
            && of.operator.set != Some(Set::All)
            && !crate::policy::caller::is_multi_valued(&of.key.text)
            && of.values.iter().all(|value| !pattern::has_braces(&value.text))
            && !of.values.is_empty()
    };
    let (of, by) = conditions.iter().enumerate().filter(|(_, of)| strict(of)).find_map(|(index, of)| {
        let later = conditions.iter().skip(index + 1).filter(strict);
        let by = later.into_iter().find(|by| of.key.text.eq_ignore_ascii_case(&by.key.text) && disjoint(of, by))?;
        Some((of, by))
    })?;
    let message = format!(
        "{} has to pass {} and {} at once, and {} passes no value that the other does",
        of.key.text,
        of.operator_name.text,
        by.operator_name.text,
        shown(by.values.first().map_or("", |value| value.text.as_str()))
    );
    let all = || of.values.iter().chain(&by.values);
    let wild = by.operator.test == Test::StringLike || of.operator.test == Test::StringLike;
    let operator = if wild { "StringLike" } else { "StringEquals" };
    let list: Vec<String> = all().map(|value| quoted(&value.text)).collect();
    let fix = format!("if one of the two is enough, write one {operator} with [{}]", list.join(", "));
    let example = scope.issuers.first().filter(|_| scope.grants).and_then(|issuer| {
        findings.wrongly_refuses("a job that one of the two is for", scope, issuer, |statement| {
            statement.conditions.retain(|condition| condition.span != by.span);
        })
    });
    Some(Finding::new(&TP073, by.span, message, fix).shown_by(example))
}

/// Sure only where one side is a list of plain values, or where two patterns begin or end differently.
fn disjoint(a: &Condition, b: &Condition) -> bool {
    let wild = |of: &Condition| of.operator.test == Test::StringLike;
    a.values.iter().all(|x| {
        b.values.iter().all(|y| match (wild(a), wild(b)) {
            (false, false) => x.text != y.text,
            (false, true) => !pattern::like(&y.text, &x.text),
            (true, false) => !pattern::like(&x.text, &y.text),
            (true, true) => apart(&x.text, &y.text),
        })
    })
}

/// Whether no text can match both patterns, told by their fixed beginnings and ends.
fn apart(a: &str, b: &str) -> bool {
    let differ = |a: &mut dyn Iterator<Item = char>, b: &mut dyn Iterator<Item = char>| {
        for (x, y) in a.zip(b) {
            if x == '*' || y == '*' {
                return false;
            }
            if x != y && x != '?' && y != '?' {
                return true;
            }
        }
        false
    };
    differ(&mut a.chars(), &mut b.chars()) || differ(&mut a.chars().rev(), &mut b.chars().rev())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_within_another() {
        for (text, by, inside) in [
            ("a", "a", true),
            ("a*", "*", true),
            ("a/b*", "a/*", true),
            ("a*", "a/*", false),
            ("*", "?*", false),
            ("a?", "a*", true),
            ("a*", "a?", false),
            ("a?c", "a??", true),
        ] {
            assert_eq!(within(text, by), inside, "{text} {by}");
        }
    }

    #[test]
    fn patterns_that_no_text_matches_at_once() {
        for (a, b, no_text) in [
            ("repo:o/a:*", "repo:o/b:*", true),
            ("repo:o/*", "repo:o/b:*", false),
            ("*:main", "*:dev", true),
            ("*a", "b*", false),
            ("a?c", "abd", true),
        ] {
            assert_eq!(apart(a, b), no_text, "{a} {b}");
        }
    }
}
