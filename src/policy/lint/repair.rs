//! What proposals of the rules have in common: where a member ends, how text is written down, and
//! whom a repaired policy would let in.

use super::{CounterExample, Edit, Findings, Scope, View};
use crate::policy::document::{PrincipalKind, Statement};
use crate::policy::sample;
use crate::policy::tree::{Kind, Member, Node, Span};

/// As JSON has it, which YAML reads as well.
pub(super) use crate::text::as_json as quoted;

/// For a message: what somebody wrote, as far as a line has room for it.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 120;
    let head: String = text.chars().take(MOST).collect();
    let dots = if head.len() < text.len() { "…" } else { "" };
    format!("\"{head}{dots}\"")
}

/// Takes away the member whose name stands there, or the element of a list, with its comma. What
/// would be left empty goes as well.
pub(super) fn without(root: &Node, target: Span) -> Option<Edit> {
    match gap(root, target)? {
        Gap::Cut(span) => Some(Edit { span, replacement: String::new() }),
        Gap::Alone => None,
    }
}

enum Gap {
    Cut(Span),
    /// Nothing else stands beside it.
    Alone,
}

fn gap(node: &Node, target: Span) -> Option<Gap> {
    let (spans, index, inner) = match &node.kind {
        Kind::List(items) => {
            let index = items.iter().position(|item| item.span.contains(target))?;
            let inner = items.get(index).filter(|item| item.span != target);
            (items.iter().map(|item| item.span).collect::<Vec<_>>(), index, inner)
        }
        Kind::Object(members) => {
            let index = members.iter().position(|member| whole(member).contains(target))?;
            let inner = members.get(index).filter(|member| !member.name_span.contains(target));
            (members.iter().map(whole).collect(), index, inner.map(|member| &member.value))
        }
        _ => return None,
    };
    if let Some(inner) = inner
        && let found @ Gap::Cut(_) = gap(inner, target)?
    {
        return Some(found);
    }
    let this = spans.get(index)?;
    let before = index.checked_sub(1).and_then(|index| spans.get(index));
    Some(match (spans.get(index + 1), before) {
        (Some(next), _) => Gap::Cut(Span::new(this.start, next.start)),
        (None, Some(before)) => Gap::Cut(Span::new(before.end, this.end)),
        (None, None) => Gap::Alone,
    })
}

fn whole(member: &Member) -> Span {
    Span::new(member.name_span.start, member.value.span.end)
}

/// The object in which a member has its name at this place, and which of its members that is.
pub(super) fn siblings(root: &Node, name: Span) -> Option<(&[Member], &Member)> {
    match &root.kind {
        Kind::List(items) => siblings(items.iter().find(|item| item.span.contains(name))?, name),
        Kind::Object(members) => {
            let member = members.iter().find(|member| whole(member).contains(name))?;
            if member.name_span == name { Some((members, member)) } else { siblings(&member.value, name) }
        }
        _ => None,
    }
}

/// A job that the policy keeps out although it is meant: with the repair it would be let in.
pub(super) fn kept_out(
    view: &View<'_>,
    scope: &Scope<'_>,
    findings: &Findings<'_>,
    repair: impl Fn(&mut Statement),
) -> Option<CounterExample> {
    if !findings.shows() {
        return None;
    }
    let mut policy = view.policy.clone();
    let statement = policy.statements.iter_mut().find(|statement| statement.span == scope.statement.span)?;
    repair(statement);
    let statement = statement.clone();
    let claims = statement.principals.items.iter().find_map(|principal| {
        let host = provider_host(&principal.value.text).filter(|_| principal.kind == PrincipalKind::Federated)?;
        Some(sample::admitted(&policy, &statement, host).unwrap_or_else(|| sample::nearest(&policy, &statement, host)))
    });
    findings.proven("the job that is meant", claims, false)
}

/// The issuer, without its scheme, in a provider's ARN.
pub(super) fn provider_host(value: &str) -> Option<&str> {
    Some(value.split_once(":oidc-provider/")?.1)
}
