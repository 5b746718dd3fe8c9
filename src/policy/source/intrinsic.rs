//! The functions of a template, computed as far as the template itself says what they come to.
//!
//! Parameters have their defaults. What is only known at deployment stands in the text as a
//! [`placeholder`], with the rest of it around.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>

use std::cell::Cell;

use super::embedded::Mapped;
use super::view::View;
use crate::keys;
use crate::policy::placeholder;
use crate::policy::tree::{Kind, Node, Span};
use crate::policy::truth::Truth;

/// Those that stand for a value. `Ref` and `Condition` have no `Fn::`.
pub(super) const FUNCTIONS: &[&str] = &[
    "Fn::And",
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::Equals",
    "Fn::FindInMap",
    "Fn::GetAtt",
    "Fn::GetAZs",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Length",
    "Fn::Not",
    "Fn::Or",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
    "Fn::ToJsonString",
    "Fn::Transform",
];

const NO_VALUE: &str = "AWS::NoValue";
/// References to references, and functions in functions.
const MAX_DEPTH: usize = 60;
/// Functions computed for one template. A few lines can refer to each other without end.
const MAX_STEPS: usize = 500_000;

pub(super) struct Template<'a> {
    parameters: Option<View<'a>>,
    conditions: Option<View<'a>>,
    mappings: Option<View<'a>>,
    resources: View<'a>,
    steps: Cell<usize>,
}

/// Whether a value is a text that is left open, so that it may be something else than text.
pub(super) fn is_open(node: &Node) -> bool {
    node.text().is_some_and(|text| {
        text.starts_with("${") && text.find('}') == Some(text.len() - 1) && placeholder::is_in(text)
    })
}

impl<'a> Template<'a> {
    pub fn new(view: View<'a>, resources: View<'a>) -> Self {
        Self {
            parameters: view.get("Parameters"),
            conditions: view.get("Conditions"),
            mappings: view.get("Mappings"),
            resources,
            steps: Cell::new(0),
        }
    }

    /// The value with its functions computed. `None`: the template says that there is none.
    pub fn value(&self, node: &Node) -> Option<Node> {
        self.at(node, 0)
    }

    /// A text with variables, as `Fn::Sub` has it.
    pub fn substituted(&self, text: &Mapped) -> Mapped {
        self.sub(text, &[], 0)
    }

    fn at(&self, node: &Node, depth: usize) -> Option<Node> {
        self.steps.set(self.steps.get() + 1);
        if depth > MAX_DEPTH || self.steps.get() > MAX_STEPS {
            return Some(open(node.span, "value"));
        }
        let kind = match &node.kind {
            Kind::List(items) => Kind::List(items.iter().filter_map(|item| self.at(item, depth + 1)).collect()),
            Kind::Object(members) => {
                if let [only] = members.as_slice()
                    && (only.name == "Ref" || only.name.starts_with("Fn::"))
                {
                    return self.function(&only.name, &only.value, node.span, depth + 1);
                }
                let each = members.iter().filter_map(|member| {
                    let value = self.at(&member.value, depth + 1)?;
                    Some(crate::policy::tree::Member { name: member.name.clone(), name_span: member.name_span, value })
                });
                Kind::Object(each.collect())
            }
            Kind::Text(text) if text.contains("{{resolve:") => Kind::Text(without_references(text)),
            other => other.clone(),
        };
        Some(Node { span: node.span, kind })
    }

    fn function(&self, name: &str, argument: &Node, span: Span, depth: usize) -> Option<Node> {
        let text = |text: String| Some(Node { span, kind: Kind::Text(text) });
        let items = argument.items();
        let computed = match name {
            "Ref" => {
                let name = argument.text()?;
                if name == NO_VALUE {
                    return None;
                }
                return Some(self.reference(name, span, depth));
            }
            "Fn::GetAtt" => {
                let path: Vec<&str> = items.iter().filter_map(Node::text).collect();
                return text(self.attribute(&path.join("."), depth));
            }
            "Fn::Sub" => {
                let (format, values) = match items {
                    [format, values] => (format, values.members().unwrap_or_default()),
                    _ => (argument, &[][..]),
                };
                let values: Vec<(&str, String)> = values
                    .iter()
                    .filter_map(|member| Some((member.name.as_str(), self.text(&member.value, depth)?)))
                    .collect();
                let format = Mapped::verbatim(format.text()?, 0);
                Some(self.sub(&format, &values, depth).text)
            }
            "Fn::Join" => match items {
                [with, list] => self.join(with, list, depth),
                _ => None,
            },
            "Fn::If" => match items {
                [condition, yes, no] => {
                    let condition = condition.text().unwrap_or_default();
                    match self.holds(condition, depth) {
                        Truth::Yes => return self.at(yes, depth),
                        Truth::No => return self.at(no, depth),
                        Truth::Unknown => return Some(open(span, condition)),
                    }
                }
                _ => None,
            },
            "Fn::Select" => match items {
                [index, list] => {
                    let list = self.at(list, depth)?;
                    let index = self.text(index, depth).and_then(|index| index.parse::<usize>().ok());
                    match (index.and_then(|index| list.items().get(index)), is_open(&list)) {
                        (Some(item), false) => return Some(Node { span, kind: item.kind.clone() }),
                        _ => None,
                    }
                }
                _ => None,
            },
            "Fn::Split" => match items {
                [at, whole] => {
                    let (at, whole) = (at.text()?, self.text(whole, depth)?);
                    if !at.is_empty() && !placeholder::is_in(&whole) {
                        let part = |part: &str| Node { span, kind: Kind::Text(part.to_owned()) };
                        return Some(Node { span, kind: Kind::List(whole.split(at).map(part).collect()) });
                    }
                    None
                }
                _ => None,
            },
            "Fn::FindInMap" => {
                if let Some(found) = self.in_map(items, depth) {
                    return Some(Node { span, kind: found.kind });
                }
                None
            }
            _ => None,
        };
        computed.map_or_else(|| Some(open(span, name.strip_prefix("Fn::").unwrap_or(name))), text)
    }

    /// The text of a value that is one.
    fn text(&self, node: &Node, depth: usize) -> Option<String> {
        self.at(node, depth)?.scalar().map(str::to_owned)
    }

    fn join(&self, with: &Node, list: &Node, depth: usize) -> Option<String> {
        let list = self.at(list, depth)?;
        if is_open(&list) {
            return None;
        }
        let parts: Option<Vec<&str>> = list.items().iter().map(Node::scalar).collect();
        Some(parts?.join(with.text()?))
    }

    fn in_map(&self, path: &[Node], depth: usize) -> Option<Node> {
        let [map, first, second] = path else { return None };
        let (map, first, second) = (self.text(map, depth)?, self.text(first, depth)?, self.text(second, depth)?);
        self.mappings?.get(&map)?.get(&first)?.get(&second).map(View::to_node)
    }

    /// `${Name}` is a reference or attribute, `${!Name}` the text `${Name}`.
    fn sub(&self, format: &Mapped, values: &[(&str, String)], depth: usize) -> Mapped {
        let mut out = Mapped::default();
        let mut at = 0;
        while let Some(found) = format.text.get(at..).and_then(|rest| rest.find("${")) {
            let start = at + found;
            let Some(length) = format.text.get(start..).and_then(|rest| rest.find('}')) else { break };
            let end = start + length + 1;
            out.push_part(format, Span::new(at, start));
            let name = format.text.get(start + 2..end - 1).unwrap_or_default().trim();
            let place = format.source(Span::new(start, end));
            let value = match (name.strip_prefix('!'), values.iter().find(|(known, _)| *known == name)) {
                (Some(literal), _) => format!("${{{literal}}}"),
                (None, Some((_, value))) => value.clone(),
                (None, None) if is_reference(name) => {
                    if name.contains('.') {
                        self.attribute(name, depth + 1)
                    } else {
                        let node = self.reference(name, place, depth + 1);
                        node.scalar().map_or_else(|| placeholder::named(name), str::to_owned)
                    }
                }
                // No name of a template: the policy's own variable, which the deployment would refuse.
                (None, None) => format.text.get(start..end).unwrap_or_default().to_owned(),
            };
            if format.text.get(start..end) == Some(value.as_str()) {
                out.push_part(format, Span::new(start, end));
            } else {
                out.push_as(&value, place);
            }
            at = end;
        }
        out.push_part(format, Span::new(at, format.text.len()));
        out
    }

    fn reference(&self, name: &str, span: Span, depth: usize) -> Node {
        if depth > MAX_DEPTH {
            return open(span, name);
        }
        if let Some(parameter) = self.parameters.and_then(|parameters| parameters.get(name)) {
            return default(parameter, span).unwrap_or_else(|| open(span, name));
        }
        let text = match self.resource(name) {
            Some(("AWS::IAM::OIDCProvider", _)) => self.attribute(&format!("{name}.Arn"), depth),
            Some(("AWS::IAM::Role", properties)) => {
                let named = properties.and_then(|properties| properties.get("RoleName"));
                named
                    .and_then(|named| self.text(&named.to_node(), depth + 1))
                    .unwrap_or_else(|| placeholder::named(name))
            }
            _ => return open(span, name),
        };
        Node { span, kind: Kind::Text(text) }
    }

    fn attribute(&self, path: &str, depth: usize) -> String {
        let known = path.strip_suffix(".Arn").and_then(|name| match self.resource(name)? {
            ("AWS::IAM::OIDCProvider", properties) => {
                let url = self.text(&properties?.get("Url")?.to_node(), depth + 1)?;
                Some(format!("oidc-provider/{}", keys::without_scheme(&url)))
            }
            ("AWS::IAM::Role", properties) => {
                let name = self.text(&properties?.get("RoleName")?.to_node(), depth + 1)?;
                Some(format!("role/{name}"))
            }
            _ => None,
        });
        match known {
            Some(rest) => format!("arn:{}:iam::{}:{rest}", placeholder::PARTITION, placeholder::ACCOUNT),
            None => placeholder::named(path),
        }
    }

    fn resource(&self, name: &str) -> Option<(&'a str, Option<View<'a>>)> {
        let resource = self.resources.get(name)?;
        Some((resource.get("Type")?.text()?, resource.get("Properties")))
    }

    /// By the name of a condition.
    fn holds(&self, name: &str, depth: usize) -> Truth {
        match self.conditions.and_then(|conditions| conditions.get(name)) {
            Some(condition) => self.is_true(&condition.to_node(), depth + 1),
            None => Truth::Unknown,
        }
    }

    fn is_true(&self, node: &Node, depth: usize) -> Truth {
        self.steps.set(self.steps.get() + 1);
        let (Some([only]), true) = (node.members(), depth <= MAX_DEPTH && self.steps.get() <= MAX_STEPS) else {
            return Truth::Unknown;
        };
        let items = only.value.items();
        let each = || items.iter().map(|item| self.is_true(item, depth + 1));
        match only.name.as_str() {
            "Condition" => only.value.text().map_or(Truth::Unknown, |name| self.holds(name, depth)),
            "Fn::And" => each().fold(Truth::Yes, Truth::and),
            "Fn::Or" => each().fold(Truth::No, Truth::or),
            "Fn::Not" => each().fold(Truth::Yes, Truth::and).not(),
            "Fn::Equals" => {
                let [one, other] = items else { return Truth::Unknown };
                match (self.compared(one, depth), self.compared(other, depth)) {
                    (Some(one), Some(other)) => (one == other).into(),
                    _ => Truth::Unknown,
                }
            }
            _ => Truth::Unknown,
        }
    }

    /// For a comparison, a default that is empty counts as it stands.
    fn compared(&self, node: &Node, depth: usize) -> Option<String> {
        if let Some(name) = node.get("Ref").and_then(Node::text)
            && let Some(parameter) = self.parameters.and_then(|parameters| parameters.get(name))
            && !is_looked_up(parameter)
            && parameter.get("Default").and_then(View::text) == Some("")
        {
            return Some(String::new());
        }
        self.text(node, depth).filter(|text| !placeholder::is_in(text))
    }
}

/// A parameter's default. One that is empty is there to be replaced.
fn default(parameter: View<'_>, span: Span) -> Option<Node> {
    let value = parameter.get("Default").filter(|_| !is_looked_up(parameter))?.to_node();
    let text = value.scalar().filter(|text| !text.trim().is_empty())?;
    let of_type = parameter.get("Type").and_then(View::text).unwrap_or_default();
    let item = |text: &str| Node { span, kind: Kind::Text(text.trim().to_owned()) };
    let kind = if of_type == "CommaDelimitedList" || of_type.starts_with("List<") {
        Kind::List(text.split(',').map(item).collect())
    } else {
        Kind::Text(text.to_owned())
    };
    Some(Node { span, kind })
}

/// The default is the name of what holds the value.
fn is_looked_up(parameter: View<'_>) -> bool {
    parameter.get("Type").and_then(View::text).is_some_and(|of_type| of_type.starts_with("AWS::SSM::"))
}

/// Names of parameters, resources, their attributes, and `AWS::…`.
fn is_reference(name: &str) -> bool {
    let name = name.strip_prefix("AWS::").unwrap_or(name);
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "._-".contains(c))
}

fn open(span: Span, name: &str) -> Node {
    Node { span, kind: Kind::Text(placeholder::named(name)) }
}

/// `{{resolve:ssm:name}}` is looked up at deployment.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html>
fn without_references(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, reference)) = rest.split_once("{{resolve:") {
        out.push_str(before);
        let Some((name, after)) = reference.split_once("}}") else {
            out.push_str("{{resolve:");
            rest = reference;
            break;
        };
        out.push_str(&placeholder::named(name));
        rest = after;
    }
    out.push_str(rest);
    out
}
