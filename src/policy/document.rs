//! A trust policy as a document: what each statement says, with places, and what AWS would refuse
//! to save. Nothing is dropped: what cannot be understood is a [`Refusal`].
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

use std::collections::BTreeSet;

use super::operator::Operator;
use super::tree::{Kind, Node, Span};

/// Text of the policy and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub text: String,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct TrustPolicy {
    pub span: Span,
    pub version: Option<Text>,
    pub statements: Vec<Statement>,
    /// What keeps AWS from saving it. A policy with any is never evaluated to an answer.
    pub refusals: Vec<Refusal>,
}

#[derive(Clone, Debug)]
pub struct Statement {
    /// From 0, in the order of the document.
    pub index: usize,
    pub span: Span,
    pub sid: Option<Text>,
    pub effect: Effect,
    pub principals: Principals,
    pub actions: Actions,
    pub conditions: Vec<Condition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Debug, Default)]
pub struct Principals {
    /// Of the member, its name included.
    pub span: Span,
    /// `NotPrincipal`.
    pub negated: bool,
    pub items: Vec<Principal>,
}

#[derive(Clone, Debug)]
pub struct Principal {
    pub kind: PrincipalKind,
    pub value: Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    Federated,
    Aws,
    Service,
    CanonicalUser,
    /// `"Principal": "*"`
    Anyone,
}

#[derive(Clone, Debug, Default)]
pub struct Actions {
    /// Of the member, its name included.
    pub span: Span,
    /// `NotAction`.
    pub negated: bool,
    pub patterns: Vec<Text>,
}

/// One key under one operator.
#[derive(Clone, Debug)]
pub struct Condition {
    /// From the key to its last value.
    pub span: Span,
    pub operator_name: Text,
    pub operator: Operator,
    pub key: Text,
    pub values: Vec<Text>,
}

/// Something that AWS does not save, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub span: Span,
    pub kind: RefusalKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// An element that the policy grammar does not have at this place.
    UnknownElement {
        name: String,
        known: &'static [&'static str],
    },
    MissingElement {
        name: &'static str,
    },
    /// The same name twice in one object: one of the two would be lost.
    Twice {
        name: String,
    },
    /// `Action` and `NotAction`, `Principal` and `NotPrincipal`.
    Both {
        names: [&'static str; 2],
    },
    WrongKind {
        name: String,
        wanted: &'static str,
        found: &'static str,
    },
    Empty {
        name: String,
    },
    BadVersion {
        found: String,
    },
    BadEffect {
        found: String,
    },
    UnknownPrincipal {
        name: String,
    },
    UnknownOperator {
        name: String,
    },
    /// In a role's trust policy AWS takes no `NotPrincipal`.
    NotPrincipal,
    /// A trust policy speaks of its own role, so it names no resource.
    Resource {
        name: String,
    },
    DuplicateSid {
        sid: String,
    },
    BadSid {
        sid: String,
    },
    /// A role's trust policy has actions of `sts` only.
    ForeignAction {
        action: String,
    },
}

const POLICY_ELEMENTS: &[&str] = &["Version", "Id", "Statement"];
const STATEMENT_ELEMENTS: &[&str] =
    &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition", "Resource", "NotResource"];

impl TrustPolicy {
    #[must_use]
    pub fn read(node: &Node) -> Self {
        let mut refusals = Vec::new();
        let mut policy = Self { span: node.span, version: None, statements: Vec::new(), refusals: Vec::new() };
        if let Some(members) = object(node, "the policy", &mut refusals) {
            elements(members, POLICY_ELEMENTS, &mut refusals);
            policy.version = node.get("Version").and_then(|node| version(node, &mut refusals));
            match node.get("Statement") {
                None => refuse(&mut refusals, node.span, RefusalKind::MissingElement { name: "Statement" }),
                Some(list) if list.items().is_empty() => {
                    refuse(&mut refusals, list.span, RefusalKind::Empty { name: "Statement".to_owned() });
                }
                Some(list) => {
                    let statements = list.items().iter().enumerate();
                    policy.statements =
                        statements.filter_map(|(index, node)| Statement::read(index, node, &mut refusals)).collect();
                }
            }
        }
        let mut sids = BTreeSet::new();
        for sid in policy.statements.iter().filter_map(|statement| statement.sid.as_ref()) {
            if !sids.insert(&sid.text) {
                refuse(&mut refusals, sid.span, RefusalKind::DuplicateSid { sid: sid.text.clone() });
            }
        }
        policy.refusals = refusals;
        policy
    }

    /// Whether `${…}` has a meaning: the older version of the language does not know it.
    #[must_use]
    pub fn has_variables(&self) -> bool {
        self.version.as_ref().is_some_and(|version| version.text == "2012-10-17")
    }
}

impl Statement {
    fn read(index: usize, node: &Node, refusals: &mut Vec<Refusal>) -> Option<Self> {
        let members = object(node, "Statement", refusals)?;
        elements(members, STATEMENT_ELEMENTS, refusals);
        let effect = match node.get("Effect") {
            None => {
                refuse(refusals, node.span, RefusalKind::MissingElement { name: "Effect" });
                None
            }
            Some(effect) => match effect.text() {
                Some("Allow") => Some(Effect::Allow),
                Some("Deny") => Some(Effect::Deny),
                other => {
                    let found = other.unwrap_or(effect.kind_name()).to_owned();
                    refuse(refusals, effect.span, RefusalKind::BadEffect { found });
                    None
                }
            },
        };
        let sid = node.get("Sid").and_then(|sid| read_sid(sid, refusals));
        let principals = read_principals(node, refusals);
        let actions = read_actions(node, refusals);
        let mut conditions = Vec::new();
        if let Some(condition) = node.get("Condition") {
            read_conditions(condition, &mut conditions, refusals);
        }
        for name in ["Resource", "NotResource"] {
            if let Some(member) = members.iter().find(|member| member.name == name) {
                refuse(refusals, member.name_span, RefusalKind::Resource { name: name.to_owned() });
            }
        }
        Some(Self { index, span: node.span, sid, effect: effect?, principals, actions, conditions })
    }
}

fn version(node: &Node, refusals: &mut Vec<Refusal>) -> Option<Text> {
    let text = node.text().map(str::to_owned);
    if !matches!(text.as_deref(), Some("2012-10-17" | "2008-10-17")) {
        let found = text.clone().unwrap_or_else(|| node.kind_name().to_owned());
        refuse(refusals, node.span, RefusalKind::BadVersion { found });
    }
    Some(Text { text: text?, span: node.span })
}

/// Letters and digits.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html>
fn read_sid(node: &Node, refusals: &mut Vec<Refusal>) -> Option<Text> {
    let Some(text) = node.text() else {
        wrong_kind(node, "Sid", "text", refusals);
        return None;
    };
    if text.is_empty() {
        return None; // as if it were not there
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        refuse(refusals, node.span, RefusalKind::BadSid { sid: text.to_owned() });
    }
    Some(Text { text: text.to_owned(), span: node.span })
}

fn read_principals(statement: &Node, refusals: &mut Vec<Refusal>) -> Principals {
    let Some((member, negated)) = either(statement, ["Principal", "NotPrincipal"], refusals) else {
        return Principals::default();
    };
    let mut principals =
        Principals { span: Span::new(member.name_span.start, member.value.span.end), negated, items: Vec::new() };
    if negated {
        refuse(refusals, member.name_span, RefusalKind::NotPrincipal);
    }
    let mut add = |kind, node: &Node, text: &str| {
        principals.items.push(Principal { kind, value: Text { text: text.to_owned(), span: node.span } });
    };
    match &member.value.kind {
        Kind::Text(text) if text == "*" => add(PrincipalKind::Anyone, &member.value, text),
        Kind::Object(kinds) => {
            twins(kinds, refusals);
            for of_kind in kinds {
                let kind = match of_kind.name.as_str() {
                    "Federated" => PrincipalKind::Federated,
                    "AWS" => PrincipalKind::Aws,
                    "Service" => PrincipalKind::Service,
                    "CanonicalUser" => PrincipalKind::CanonicalUser,
                    name => {
                        let name = name.to_owned();
                        refuse(refusals, of_kind.name_span, RefusalKind::UnknownPrincipal { name });
                        continue;
                    }
                };
                for node in filled(&of_kind.value, &of_kind.name, refusals) {
                    match node.text() {
                        Some(text) => add(kind, node, text),
                        None => wrong_kind(node, &of_kind.name, "text", refusals),
                    }
                }
            }
        }
        _ => wrong_kind(&member.value, &member.name, "an object such as {\"Federated\": …}", refusals),
    }
    principals
}

fn read_actions(statement: &Node, refusals: &mut Vec<Refusal>) -> Actions {
    let Some((member, negated)) = either(statement, ["Action", "NotAction"], refusals) else {
        return Actions::default();
    };
    let span = Span::new(member.name_span.start, member.value.span.end);
    let mut patterns = Vec::new();
    for node in filled(&member.value, &member.name, refusals) {
        match node.text() {
            Some(text) => {
                let service = text.split_once(':').map_or("", |(service, _)| service);
                if text != "*" && !service.eq_ignore_ascii_case("sts") {
                    refuse(refusals, node.span, RefusalKind::ForeignAction { action: text.to_owned() });
                }
                patterns.push(Text { text: text.to_owned(), span: node.span });
            }
            None => wrong_kind(node, &member.name, "text", refusals),
        }
    }
    Actions { span, negated, patterns }
}

fn read_conditions(node: &Node, conditions: &mut Vec<Condition>, refusals: &mut Vec<Refusal>) {
    let Some(operators) = object(node, "Condition", refusals) else { return };
    twins(operators, refusals);
    for member in operators {
        let operator = Operator::named(&member.name);
        if operator.is_none() {
            let name = member.name.clone();
            refuse(refusals, member.name_span, RefusalKind::UnknownOperator { name });
        }
        let Some(keys) = object(&member.value, &member.name, refusals) else { continue };
        twins(keys, refusals);
        for key in keys {
            let mut values = Vec::new();
            for value in filled(&key.value, &key.name, refusals) {
                match value.scalar() {
                    Some(text) => values.push(Text { text: text.to_owned(), span: value.span }),
                    None => wrong_kind(value, &key.name, "text", refusals),
                }
            }
            if let Some(operator) = operator {
                conditions.push(Condition {
                    span: Span::new(key.name_span.start, key.value.span.end),
                    operator_name: Text { text: member.name.clone(), span: member.name_span },
                    operator,
                    key: Text { text: key.name.clone(), span: key.name_span },
                    values,
                });
            }
        }
    }
}

/// The one of two elements that is there.
fn either<'n>(
    statement: &'n Node,
    names: [&'static str; 2],
    refusals: &mut Vec<Refusal>,
) -> Option<(&'n super::tree::Member, bool)> {
    let [plain, negated] = names;
    let members = statement.members()?;
    let find = |name| members.iter().rev().find(|member| member.name == name);
    match (find(plain), find(negated)) {
        (Some(member), None) => Some((member, false)),
        (None, Some(member)) => Some((member, true)),
        (None, None) => {
            refuse(refusals, statement.span, RefusalKind::MissingElement { name: plain });
            None
        }
        (Some(member), Some(other)) => {
            refuse(refusals, other.name_span, RefusalKind::Both { names });
            Some((member, false))
        }
    }
}

fn object<'n>(node: &'n Node, name: &str, refusals: &mut Vec<Refusal>) -> Option<&'n [super::tree::Member]> {
    let members = node.members();
    if members.is_none() {
        wrong_kind(node, name, "an object", refusals);
    }
    members
}

/// The elements of a list that may not be empty.
fn filled<'n>(node: &'n Node, name: &str, refusals: &mut Vec<Refusal>) -> &'n [Node] {
    let items = node.items();
    if items.is_empty() {
        refuse(refusals, node.span, RefusalKind::Empty { name: name.to_owned() });
    }
    items
}

fn elements(members: &[super::tree::Member], known: &'static [&'static str], refusals: &mut Vec<Refusal>) {
    twins(members, refusals);
    for member in members.iter().filter(|member| !known.contains(&member.name.as_str())) {
        let name = member.name.clone();
        refuse(refusals, member.name_span, RefusalKind::UnknownElement { name, known });
    }
}

fn twins(members: &[super::tree::Member], refusals: &mut Vec<Refusal>) {
    let mut names = BTreeSet::new();
    for member in members {
        if !names.insert(&member.name) {
            refuse(refusals, member.name_span, RefusalKind::Twice { name: member.name.clone() });
        }
    }
}

fn wrong_kind(node: &Node, name: &str, wanted: &'static str, refusals: &mut Vec<Refusal>) {
    let kind = RefusalKind::WrongKind { name: name.to_owned(), wanted, found: node.kind_name() };
    refuse(refusals, node.span, kind);
}

fn refuse(refusals: &mut Vec<Refusal>, span: Span, kind: RefusalKind) {
    refusals.push(Refusal { span, kind });
}
