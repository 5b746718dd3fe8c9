//! A value of a file, whether it was JSON or YAML, looked at without a copy.

use jsonc_parser::ast::{ObjectPropName, Value};
use jsonc_parser::common::Ranged as _;

use crate::policy::json;
use crate::policy::tree::{Kind, Node, Span};

#[derive(Clone, Copy)]
pub(super) enum View<'a> {
    /// What the JSON parser built, and where its text stands. A dump of an account is not worth a tree
    /// of our own: most of it has nothing to do with trust.
    Json(&'a Value<'a>, usize),
    Node(&'a Node),
}

/// A member of an object.
pub(super) struct Entry<'a> {
    pub name: &'a str,
    pub name_span: Span,
    pub value: View<'a>,
}

impl<'a> View<'a> {
    pub fn span(self) -> Span {
        match self {
            Self::Json(value, base) => json::span(value.range(), base),
            Self::Node(node) => node.span,
        }
    }

    pub fn text(self) -> Option<&'a str> {
        match self {
            Self::Json(Value::StringLit(literal), _) => Some(&literal.value),
            Self::Json(..) => None,
            Self::Node(node) => node.text(),
        }
    }

    /// A text that says something.
    pub fn filled(self) -> Option<&'a str> {
        self.text().filter(|text| !text.trim().is_empty())
    }

    pub fn number(self) -> Option<u32> {
        match self {
            Self::Json(Value::NumberLit(literal), _) => literal.value.parse().ok(),
            Self::Json(..) => self.text()?.parse().ok(),
            Self::Node(node) => node.scalar()?.parse().ok(),
        }
    }

    pub fn is_object(self) -> bool {
        matches!(self, Self::Json(Value::Object(_), _) | Self::Node(Node { kind: Kind::Object(_), .. }))
    }

    pub fn is_list(self) -> bool {
        matches!(self, Self::Json(Value::Array(_), _) | Self::Node(Node { kind: Kind::List(_), .. }))
    }

    /// The last member of that name.
    pub fn get(self, name: &str) -> Option<Self> {
        match self {
            Self::Json(Value::Object(object), base) => {
                let found = object.properties.iter().rev().find(|property| property.name.as_str() == name);
                found.map(|property| Self::Json(&property.value, base))
            }
            Self::Json(..) => None,
            Self::Node(node) => node.get(name).map(Self::Node),
        }
    }

    pub fn has(self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn members(self) -> Vec<Entry<'a>> {
        match self {
            Self::Json(Value::Object(object), base) => object
                .properties
                .iter()
                .map(|property| Entry {
                    name: match &property.name {
                        ObjectPropName::String(name) => &name.value,
                        ObjectPropName::Word(name) => name.value,
                    },
                    name_span: json::span(property.name.range(), base),
                    value: Self::Json(&property.value, base),
                })
                .collect(),
            Self::Json(..) => Vec::new(),
            Self::Node(node) => node
                .members()
                .unwrap_or_default()
                .iter()
                .map(|member| Entry {
                    name: &member.name,
                    name_span: member.name_span,
                    value: Self::Node(&member.value),
                })
                .collect(),
        }
    }

    /// The elements of a list; none of anything else.
    pub fn elements(self) -> Vec<Self> {
        match self {
            Self::Json(Value::Array(array), base) => {
                array.elements.iter().map(|element| Self::Json(element, base)).collect()
            }
            Self::Node(Node { kind: Kind::List(items), .. }) => items.iter().map(Self::Node).collect(),
            Self::Json(..) | Self::Node(_) => Vec::new(),
        }
    }

    pub fn to_node(self) -> Node {
        match self {
            Self::Json(value, base) => json::node(value, base),
            Self::Node(node) => node.clone(),
        }
    }
}
