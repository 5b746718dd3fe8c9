//! A statement changed so that it admits the caller, and written out to be pasted.

use std::fmt::Write as _;

use super::case::{Case, Tested};
use crate::policy::document::{Condition, Effect, PrincipalKind, Statement};
use crate::policy::issuer::Kind;
use crate::policy::subject;
use crate::text::as_json;

/// One change of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// The condition under this operator and key becomes another, or goes.
    Condition {
        operator: String,
        key: String,
        becomes: Option<Wanted>,
    },
    /// A condition that is not there yet.
    Add(Wanted),
    Principal {
        from: String,
        to: String,
    },
    Action {
        from: Option<String>,
        to: &'static str,
    },
}

/// A condition to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) operator: String,
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

/// The statement with what an edit needs to change, in an order that people write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    sid: Option<String>,
    /// Kind and value.
    principals: Vec<(&'static str, String)>,
    actions: Vec<String>,
    conditions: Vec<Wanted>,
}

impl Draft {
    /// `None`: it is written with a negation that no edit of ours keeps the sense of.
    pub(super) fn of(statement: &Statement) -> Option<Self> {
        if statement.effect != Effect::Allow || statement.principals.negated || statement.actions.negated {
            return None;
        }
        let kind = |kind| match kind {
            PrincipalKind::Federated => "Federated",
            PrincipalKind::Aws => "AWS",
            PrincipalKind::Service => "Service",
            PrincipalKind::CanonicalUser => "CanonicalUser",
            PrincipalKind::Anyone => "*",
        };
        let wanted = |condition: &Condition| Wanted {
            operator: condition.operator_name.text.clone(),
            key: condition.key.text.clone(),
            values: condition.values.iter().map(|value| value.text.clone()).collect(),
        };
        Some(Self {
            sid: statement.sid.as_ref().map(|sid| sid.text.clone()),
            principals: statement
                .principals
                .items
                .iter()
                .map(|principal| (kind(principal.kind), principal.value.text.clone()))
                .collect(),
            actions: statement.actions.patterns.iter().map(|pattern| pattern.text.clone()).collect(),
            conditions: statement.conditions.iter().map(wanted).collect(),
        })
    }

    pub(super) fn apply(&mut self, edit: &Edit) {
        match edit {
            Edit::Condition { operator, key, becomes } => {
                let place = self.conditions.iter().position(|known| known.operator == *operator && known.key == *key);
                match (place, becomes) {
                    (Some(place), None) => drop(self.conditions.remove(place)),
                    (Some(place), Some(wanted)) => {
                        self.conditions.remove(place);
                        self.insert(place, wanted);
                    }
                    (None, _) => {}
                }
            }
            Edit::Add(wanted) => self.insert(self.conditions.len(), wanted),
            Edit::Principal { from, to } => {
                self.principals.retain(|(_, value)| value != from && value != to);
                self.principals.push(("Federated", to.clone()));
            }
            Edit::Action { from, to } => {
                self.actions.retain(|action| from.as_ref() != Some(action));
                self.actions.push((*to).to_owned());
            }
        }
    }

    /// Two conditions under one operator and key would be twins, of which one is lost.
    fn insert(&mut self, place: usize, wanted: &Wanted) {
        match self.conditions.iter_mut().find(|known| known.operator == wanted.operator && known.key == wanted.key) {
            Some(known) => known.values.clone_from(&wanted.values),
            None => self.conditions.insert(place, wanted.clone()),
        }
    }

    /// As JSON, in lines.
    pub(super) fn text(&self) -> String {
        let mut out = String::from("{\n");
        if let Some(sid) = &self.sid {
            let _ = writeln!(out, "  \"Sid\": {},", as_json(sid));
        }
        out.push_str("  \"Effect\": \"Allow\",\n");
        match self.principals.as_slice() {
            [("*", _)] => out.push_str("  \"Principal\": \"*\",\n"),
            _ => {
                let kinds = grouped(self.principals.iter().map(|(kind, value)| (*kind, value.clone())));
                let kinds = kinds.iter().map(|(kind, values)| format!("{}: {}", as_json(kind), listed(values, 4)));
                let _ = writeln!(out, "  \"Principal\": {{ {} }},", kinds.collect::<Vec<_>>().join(", "));
            }
        }
        let _ = write!(out, "  \"Action\": {}", listed(&self.actions, 2));
        if !self.conditions.is_empty() {
            let operators = grouped(self.conditions.iter().map(|wanted| (wanted.operator.as_str(), wanted)));
            let operators = operators.iter().map(|(operator, keys)| {
                let keys =
                    keys.iter().map(|wanted| format!("      {}: {}", as_json(&wanted.key), listed(&wanted.values, 6)));
                format!("    {}: {{\n{}\n    }}", as_json(operator), keys.collect::<Vec<_>>().join(",\n"))
            });
            let _ = write!(out, ",\n  \"Condition\": {{\n{}\n  }}", operators.collect::<Vec<_>>().join(",\n"));
        }
        out.push_str("\n}");
        out
    }
}

/// What has the same name, together, in the order in which names first come.
fn grouped<'t, T>(items: impl Iterator<Item = (&'t str, T)>) -> Vec<(&'t str, Vec<T>)> {
    let mut groups: Vec<(&str, Vec<T>)> = Vec::new();
    for (name, item) in items {
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, group)) => group.push(item),
            None => groups.push((name, vec![item])),
        }
    }
    groups
}

fn listed(values: &[String], indent: usize) -> String {
    match values {
        [one] => as_json(one),
        several => {
            let pad = " ".repeat(indent);
            let lines: Vec<String> = several.iter().map(|value| format!("{pad}  {}", as_json(value))).collect();
            format!("[\n{}\n{pad}]", lines.join(",\n"))
        }
    }
}

impl Tested<'_> {
    pub(super) fn becomes(&self, becomes: Option<Wanted>) -> Edit {
        let Condition { operator_name, key, .. } = self.condition;
        Edit::Condition { operator: operator_name.text.clone(), key: key.text.clone(), becomes }
    }

    /// The same condition with other values.
    pub(super) fn with_values(&self, values: Vec<String>) -> Edit {
        let Condition { operator_name, key, .. } = self.condition;
        self.becomes(Some(Wanted { operator: operator_name.text.clone(), key: key.text.clone(), values }))
    }

    /// The same condition with one value in the place of another.
    pub(super) fn replacing(&self, from: &str, to: &str) -> Edit {
        let to = self.literal(to);
        let mut values: Vec<String> =
            self.values().map(|value| if value == from { to.clone() } else { value.to_owned() }).collect();
        values.dedup();
        self.with_values(values)
    }

    /// The same condition, which takes the token's value as well: for a subject with parts that are
    /// others in the next run, a pattern of it.
    pub(super) fn adding(&self, case: &Case<'_>) -> Option<Edit> {
        let had = self.one()?;
        let kept = || self.values().map(str::to_owned);
        let pattern = if self.is_sub() { lasting(case, had) } else { None };
        Some(match pattern {
            Some(pattern) => self.becomes(Some(Wanted {
                operator: "StringLike".to_owned(),
                key: self.condition.key.text.clone(),
                values: kept().filter(|value| value.contains(['*', '?'])).chain([pattern]).collect(),
            })),
            None => self.with_values(kept().chain([self.literal(had)]).collect()),
        })
    }

    /// A value of the token as this operator has to write it.
    fn literal(&self, text: &str) -> String {
        if !self.is_wild() {
            return text.to_owned();
        }
        text.replace('*', "${*}").replace('?', "${?}")
    }
}

/// A condition that ties a statement to the subject of this caller.
pub(super) fn subject_guard(case: &Case<'_>) -> Option<Wanted> {
    let subject = case.claim("sub")?;
    let key = case.key("sub");
    Some(match lasting(case, &subject) {
        Some(pattern) => Wanted { operator: "StringLike".to_owned(), key, values: vec![pattern] },
        None => Wanted { operator: "StringEquals".to_owned(), key, values: vec![subject] },
    })
}

/// The subject with a `*` for what is another in the next run of the same job. It never stands
/// before a part that is to be tested, where a clever name could slip through it. `None`: the
/// subject stays the same, or cannot be taken apart.
fn lasting(case: &Case<'_>, subject: &str) -> Option<String> {
    if subject.contains(['*', '?']) {
        return None;
    }
    let (_, segments) = subject::parse(case.kind.subjects(), subject)?;
    let first = match case.kind {
        Kind::Buildkite => "commit",
        Kind::Bitbucket => "step",
        Kind::CircleCi | Kind::CircleCiRoot => "user id",
        _ => return None,
    };
    let mut at = 0;
    for segment in segments {
        let from = at + subject.get(at..)?.find(segment.value)?;
        if segment.name == first {
            let brace = if case.kind == Kind::Bitbucket { 1 } else { 0 };
            return Some(format!("{}*", subject.get(..from.checked_sub(brace)?)?));
        }
        at = from + segment.value.len();
    }
    None
}

/// Whether a statement would still say who of the issuer's customers is meant.
pub(super) fn names_tenant(draft: &Draft, case: &Case<'_>) -> bool {
    let keys = case.kind.tenancy_keys().iter().chain(&["sub"]).map(|name| case.key(name));
    let keys: Vec<String> = keys.collect();
    draft.conditions.iter().any(|wanted| keys.iter().any(|key| key.eq_ignore_ascii_case(&wanted.key)))
}
