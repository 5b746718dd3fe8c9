//! Small files of ours: read as trees, with every fault of a file in one report.

use std::fmt;

use super::json::Slip;
use super::source;
use super::tree::{Member, Node, Span};
use crate::text::{listed, nearest};

/// What people write by hand has not this much.
pub const MAX_BYTES: usize = 1 << 20;

/// What is wrong with such a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub span: Span,
    pub kind: FaultKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    TooLarge,
    Syntax(Slip),
    WrongKind { name: String, wanted: &'static str, found: &'static str },
    Unknown { name: String, known: &'static [&'static str] },
    Twice { name: String },
    Missing { name: &'static str, why: &'static str },
    Bad { name: &'static str, value: String, wanted: String },
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the file has more than {} MiB", MAX_BYTES >> 20),
            Self::Syntax(slip) => slip.fmt(f),
            Self::WrongKind { name, wanted, found } => write!(f, "{name} is {found}, and has to be {wanted}"),
            Self::Unknown { name, known } => match nearest(name, known.iter().copied()) {
                Some(near) => write!(f, "there is no entry \"{name}\"; {near} is one"),
                None => write!(f, "there is no entry \"{name}\"; known are {}", listed(known)),
            },
            Self::Twice { name } => write!(f, "\"{name}\" stands there twice"),
            Self::Missing { name, why } => write!(f, "{name} is missing: {why}"),
            Self::Bad { name, value, wanted } => write!(f, "{name} is \"{value}\", and has to be {wanted}"),
        }
    }
}

/// The file's tree, of JSON or YAML. `name` decides where the text does not.
///
/// # Errors
/// The text is too long, or is not what such files are written in.
pub fn parse(name: &str, text: &str) -> Result<Node, Vec<Fault>> {
    if text.len() > MAX_BYTES {
        return Err(vec![Fault { span: Span::default(), kind: FaultKind::TooLarge }]);
    }
    let (fault, node) = source::tree(name, text);
    match (fault, node) {
        (None, Some(node)) => Ok(node),
        (Some(fault), _) => Err(vec![Fault { span: fault.span, kind: FaultKind::Syntax(fault.slip) }]),
        (None, None) => Err(vec![Fault { span: Span::default(), kind: FaultKind::Syntax(Slip::Empty) }]),
    }
}

/// Collects faults while a tree is taken apart.
#[derive(Debug, Default)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    pub fn add(&mut self, span: Span, kind: FaultKind) {
        self.0.push(Fault { span, kind });
    }

    /// The members of an object that has only these.
    pub fn object<'n>(&mut self, node: &'n Node, name: &str, known: &'static [&'static str]) -> &'n [Member] {
        let Some(members) = node.members() else {
            self.wrong_kind(node, name, "an object");
            return &[];
        };
        for (index, member) in members.iter().enumerate() {
            if !known.contains(&member.name.as_str()) {
                self.add(member.name_span, FaultKind::Unknown { name: member.name.clone(), known });
            } else if members.iter().take(index).any(|other| other.name == member.name) {
                self.add(member.name_span, FaultKind::Twice { name: member.name.clone() });
            }
        }
        members
    }

    /// The elements of a list.
    pub fn list<'n>(&mut self, node: &'n Node, name: &str) -> &'n [Node] {
        match &node.kind {
            super::tree::Kind::List(items) => items,
            _ => {
                self.wrong_kind(node, name, "a list");
                &[]
            }
        }
    }

    /// Text that says something. A number is taken as it is written: people do not quote ids.
    pub fn text<'n>(&mut self, node: &'n Node, name: &str) -> Option<&'n str> {
        match node.scalar().map(str::trim) {
            Some(text) if !text.is_empty() => Some(text),
            Some(_) => {
                self.wrong_kind_of(node, name, "text", "empty");
                None
            }
            None => {
                self.wrong_kind(node, name, "text");
                None
            }
        }
    }

    pub fn wrong_kind(&mut self, node: &Node, name: &str, wanted: &'static str) {
        self.wrong_kind_of(node, name, wanted, node.kind_name());
    }

    fn wrong_kind_of(&mut self, node: &Node, name: &str, wanted: &'static str, found: &'static str) {
        self.add(node.span, FaultKind::WrongKind { name: name.to_owned(), wanted, found });
    }
}
