//! Templates of CloudFormation and SAM, in JSON and YAML.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html>

use super::intrinsic::{Template, is_open};
use super::view::View;
use super::{Reader, Role, Spelling, Text, Why, embedded, step};
use crate::policy::placeholder;
use crate::policy::tree::{Kind, Member, Node, Span};

pub(super) fn visit(reader: &mut Reader<'_>, view: View<'_>, pointer: &str) -> bool {
    let resources = view.get("Resources").filter(|resources| resources.is_object());
    let of_type = |resource: View<'_>| resource.get("Type").and_then(View::text).is_some();
    let Some(resources) = resources else { return view.has("AWSTemplateFormatVersion") };
    let is_template = view.has("AWSTemplateFormatVersion")
        || view.has("Transform")
        || resources.members().iter().any(|resource| of_type(resource.value));
    if !is_template {
        return false;
    }
    let template = Template::new(view, resources);
    let spelling = if matches!(view, View::Json(..)) { Spelling::Json } else { Spelling::Yaml };
    for resource in resources.members() {
        let Some(properties) = resource.value.get("Properties") else { continue };
        let here = format!("{pointer}/Resources/{}/Properties", step(resource.name));
        let property = |name: &str| properties.get(name).and_then(|value| template.value(&value.to_node()));
        match resource.value.get("Type").and_then(View::text) {
            Some("AWS::IAM::OIDCProvider") => {
                if let Some(url) = property("Url").as_ref().and_then(text) {
                    let list = |name: &str| texts(property(name).as_ref());
                    reader.provider(url, list("ClientIdList"), list("ThumbprintList"), resource.name_span);
                }
            }
            Some("AWS::IAM::Role" | "AWS::Serverless::Function") => {
                let Some(document) = properties.get("AssumeRolePolicyDocument") else { continue };
                let named = property("RoleName").as_ref().and_then(text).map(|name| name.text);
                let mut attached = texts(property("ManagedPolicyArns").as_ref());
                attached.extend(texts(property("Policies").as_ref())); // names, of a function
                let role = Role {
                    name: named.filter(|name| !placeholder::is_in(name)).unwrap_or_else(|| resource.name.to_owned()),
                    arn: None,
                    max_session_duration: property("MaxSessionDuration")
                        .and_then(|seconds| seconds.scalar().and_then(|seconds| seconds.parse().ok())),
                    attached,
                    span: resource.name_span,
                };
                let here = format!("{here}/AssumeRolePolicyDocument");
                policy(reader, &template, &document.to_node(), &here, role, spelling);
            }
            _ => {}
        }
    }
    true
}

fn policy(
    reader: &mut Reader<'_>,
    template: &Template,
    document: &Node,
    pointer: &str,
    role: Role,
    spelling: Spelling,
) {
    // A document that is a text, with or without variables.
    let inner = document.get("Fn::Sub").filter(|_| document.members().is_some_and(|members| members.len() == 1));
    if let Some(text) = document.text().or(inner.and_then(Node::text)) {
        let scalar = inner.unwrap_or(document);
        let raw = reader.text.get(scalar.span.start..scalar.span.end).unwrap_or_default();
        let mapped = if spelling == Spelling::Json {
            embedded::json_string(raw, scalar.span.start)
        } else {
            embedded::yaml_scalar(raw, scalar.span.start, text)
        };
        let mapped = if inner.is_some() { template.substituted(&mapped) } else { mapped };
        return reader.embedded(&mapped, document.span, pointer, Some(role), Spelling::Other);
    }
    match template.value(document) {
        Some(value) if value.members().is_some() => reader.found(complete(value), pointer, Some(role), None, spelling),
        _ => reader.unread(document.span, pointer, Some(role), Why::NotYetKnown),
    }
}

/// Where the template leaves more open than a text, the policy gets something that it can have at this
/// place and that decides nothing: a principal, a key or a statement that nobody knows yet.
fn complete(mut policy: Node) -> Node {
    let Kind::Object(members) = &mut policy.kind else { return policy };
    for Member { name, value, .. } in members {
        match name.as_str() {
            "Version" if is_open(value) => value.kind = Kind::Text("2012-10-17".to_owned()),
            "Statement" if is_open(value) => *value = unknown_statement(value),
            "Statement" => match &mut value.kind {
                Kind::List(items) => items.iter_mut().for_each(complete_statement),
                _ => complete_statement(value),
            },
            _ => {}
        }
    }
    policy
}

fn complete_statement(statement: &mut Node) {
    if is_open(statement) {
        *statement = unknown_statement(statement);
    }
    let Kind::Object(members) = &mut statement.kind else { return };
    members.retain(|member| !(member.name == "Sid" && is_open(&member.value)));
    let mut unsure = None;
    for Member { name, value, .. } in members.iter_mut() {
        match name.as_str() {
            "Effect" if is_open(value) => {
                unsure = Some(value.clone());
                value.kind = Kind::Text("Allow".to_owned());
            }
            "Action" => {
                let actions = match &mut value.kind {
                    Kind::List(items) => items.as_mut_slice(),
                    _ => std::slice::from_mut(value),
                };
                for action in actions.iter_mut().filter(|action| is_open(action)) {
                    unsure = Some(action.clone());
                    action.kind = Kind::Text("sts:AssumeRoleWithWebIdentity".to_owned());
                }
            }
            "Principal" if is_open(value) => *value = object(value.span, "Federated", value.clone()),
            "Condition" if is_open(value) => *value = unknown_condition(value),
            "Condition" => {
                let Kind::Object(operators) = &mut value.kind else { continue };
                for operator in operators.iter_mut().filter(|operator| is_open(&operator.value)) {
                    operator.value = unknown_key(&operator.value);
                }
                for Member { name, name_span, value: keys } in operators {
                    if placeholder::is_in(name) {
                        *name = "StringEquals".to_owned();
                        *keys = unknown_key(&Node { span: *name_span, kind: Kind::Text(placeholder::named("key")) });
                    }
                }
            }
            _ => {}
        }
    }
    // With a condition that nobody can decide, the statement decides nothing either.
    let Some(unsure) = unsure else { return };
    match members.iter_mut().find(|member| member.name == "Condition") {
        Some(Member { value: Node { kind: Kind::Object(operators), .. }, .. }) => {
            operators.push(member(unsure.span, "NumericEquals", unknown_key(&unsure)));
        }
        _ => members.push(member(unsure.span, "Condition", unknown_condition(&unsure))),
    }
}

fn unknown_statement(open: &Node) -> Node {
    let text = |text: &str| Node { span: open.span, kind: Kind::Text(text.to_owned()) };
    let members = vec![
        member(open.span, "Effect", text("Allow")),
        member(open.span, "Principal", object(open.span, "Federated", open.clone())),
        member(open.span, "Action", text("sts:AssumeRoleWithWebIdentity")),
        member(open.span, "Condition", unknown_condition(open)),
    ];
    Node { span: open.span, kind: Kind::Object(members) }
}

fn unknown_condition(open: &Node) -> Node {
    object(open.span, "StringEquals", unknown_key(open))
}

fn unknown_key(open: &Node) -> Node {
    object(open.span, open.text().unwrap_or_default(), open.clone())
}

fn object(span: Span, name: &str, value: Node) -> Node {
    Node { span, kind: Kind::Object(vec![member(span, name, value)]) }
}

fn member(span: Span, name: &str, value: Node) -> Member {
    Member { name: name.to_owned(), name_span: span, value }
}

fn text(node: &Node) -> Option<Text> {
    let text = node.text().filter(|text| !text.trim().is_empty())?;
    Some(Text { text: text.to_owned(), span: node.span })
}

fn texts(node: Option<&Node>) -> Vec<Text> {
    node.map(Node::items).unwrap_or_default().iter().filter_map(text).collect()
}
