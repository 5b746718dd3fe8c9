//! Where trust policies stand: one file can hold many, of roles that it also describes.

use super::document::{Text, TrustPolicy};
use super::json::{self, Fault};
use super::tree::{Node, Span};

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The document itself.
    TrustPolicy,
    /// `aws iam get-role`, `list-roles`, `get-account-authorization-details`.
    AwsCli,
    /// `terraform show -json`
    TerraformPlan,
    CloudFormation,
    /// None of them.
    Unknown,
}

/// All that a file holds of roles and those whom they trust.
pub struct File {
    pub format: Format,
    /// What is wrong with its syntax. The rest may have been read all the same.
    pub fault: Option<Fault>,
    pub policies: Vec<Found>,
    pub providers: Vec<Provider>,
}

/// One trust policy. Places are those of the file, wherever the document stands in it.
pub struct Found {
    pub policy: TrustPolicy,
    pub node: Node,
    /// The JSON Pointer of the document in the file; empty for the file itself.
    pub pointer: String,
    pub role: Option<Role>,
    /// Its length as IAM counts it: without white space outside of texts.
    pub length: usize,
}

/// What the file says of the role.
#[derive(Clone, Debug, Default)]
pub struct Role {
    /// Its name, or, in a template, the name that the template has for it.
    pub name: String,
    pub arn: Option<String>,
    pub max_session_duration: Option<u32>,
    /// ARNs or names of the policies attached to it.
    pub attached: Vec<Text>,
    /// Where the file speaks of it.
    pub span: Span,
}

/// An OIDC identity provider that the file speaks of.
#[derive(Clone, Debug)]
pub struct Provider {
    pub url: Text,
    pub client_ids: Vec<Text>,
    pub thumbprints: Vec<Text>,
    pub span: Span,
}

/// `name` decides between JSON and YAML where the text does not.
#[must_use]
pub fn read(_name: &str, text: &str) -> File {
    let read = json::read(text);
    let policies = read.node.into_iter().map(|node| {
        let policy = TrustPolicy::read(&node);
        Found { policy, length: length(&node), node, pointer: String::new(), role: None }
    });
    File { format: Format::TrustPolicy, policies: policies.collect(), fault: read.fault, providers: Vec::new() }
}

/// The length of the document in characters without white space outside of texts, which IAM does not count.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
fn length(node: &Node) -> usize {
    use super::tree::Kind;
    let quoted = |text: &str| {
        text.chars().map(|c| if matches!(c, '"' | '\\') || c.is_control() { 2 } else { 1 }).sum::<usize>() + 2
    };
    match &node.kind {
        Kind::Null => 4,
        Kind::Bool(truth) => 5 - usize::from(*truth),
        Kind::Number(text) => text.len(),
        Kind::Text(text) => quoted(text),
        Kind::List(items) => 1 + items.len().max(1) + items.iter().map(length).sum::<usize>(),
        Kind::Object(members) => {
            let each = members.iter().map(|member| quoted(&member.name) + 1 + length(&member.value));
            1 + members.len().max(1) + each.sum::<usize>()
        }
    }
}
