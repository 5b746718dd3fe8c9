//! Where trust policies stand: one file can hold many, of roles that it also describes.
//!
//! [`visit`] hands them out one by one, so that an account of ten thousand roles is never in memory
//! as trees. All places are those of the file, wherever a document stands in it.

mod aws;
mod cloudformation;
mod embedded;
mod intrinsic;
mod terraform;
mod view;
mod yaml;

use self::embedded::Mapped;
use self::view::View;
use super::document::{Text, TrustPolicy};
use super::json::{self, Fault, Slip};
use super::placeholder;
use super::tree::{Kind, Node, Span};

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The document itself.
    TrustPolicy,
    /// `aws iam get-role`, `list-roles`, `get-account-authorization-details`, `get-open-id-connect-provider`.
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
    pub unread: Vec<Unread>,
}

/// What a file holds, apart from its roles and providers.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub format: Format,
    pub fault: Option<Fault>,
}

/// One thing of a file.
#[allow(clippy::large_enum_variant)] // handed on at once, and never kept in numbers
pub enum Item {
    Policy(Found),
    Provider(Provider),
    Unread(Unread),
}

/// One trust policy.
pub struct Found {
    pub policy: TrustPolicy,
    pub node: Node,
    /// The JSON Pointer of the document in the file; empty for the file itself.
    pub pointer: String,
    pub role: Option<Role>,
    /// Its length as IAM counts it: without white space outside of texts.
    pub length: usize,
    /// What is wrong with the syntax of a document that stands in a text of the file.
    pub fault: Option<Fault>,
    pub spelling: Spelling,
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

/// A role whose trust policy the file does not show.
#[derive(Clone, Debug)]
pub struct Unread {
    pub role: Option<Role>,
    pub pointer: String,
    pub span: Span,
    pub why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its document is not JSON.
    Fault(Fault),
    /// It is known once the plan is applied, or the template deployed.
    NotYetKnown,
}

/// How a document is written, which a change to it has to keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    Json,
    Yaml,
    /// JSON inside a string of JSON.
    JsonText,
    /// The same, percent-encoded.
    PercentText,
    /// In a text of YAML, or put together by functions of the template.
    Other,
}

impl Found {
    /// What has to stand at `span` of the file so that `replacement`, a piece of JSON, stands in the
    /// document. `None`: that cannot be done by a change at this place.
    #[must_use]
    pub fn spelt(&self, file: &str, span: Span, replacement: &str) -> Option<String> {
        let raw = file.get(span.start..span.end)?;
        // What a function of a template comes to is changed where its parts come from.
        let bare = raw.trim_start_matches(|c: char| c == '{' || c == '"' || c.is_whitespace());
        if bare.starts_with("Fn::") || bare.starts_with("Ref\"") || bare.starts_with("Ref:") {
            return None;
        }
        match self.spelling {
            Spelling::Json => Some(replacement.to_owned()),
            Spelling::JsonText => {
                let quoted = serde_json::to_string(replacement).ok()?;
                quoted.strip_prefix('"')?.strip_suffix('"').map(str::to_owned)
            }
            Spelling::PercentText => {
                let all = percent_encoding::NON_ALPHANUMERIC;
                Some(percent_encoding::utf8_percent_encode(replacement, all).to_string())
            }
            // A value of one line can be replaced by JSON, which is YAML too; structure cannot.
            Spelling::Yaml => {
                let plain =
                    !raw.is_empty() && !raw.contains(['\n', '{', '[', ',']) && !raw.starts_with(['!', '&', '*']);
                (plain && !replacement.is_empty()).then(|| replacement.to_owned())
            }
            Spelling::Other => None,
        }
    }

    /// The JSON Pointer of a place in the document, from the top of the file.
    #[must_use]
    pub fn pointer_of(&self, span: Span) -> String {
        format!("{}{}", self.pointer, self.node.pointer(span))
    }
}

/// `name` decides between JSON and YAML where the text does not.
#[must_use]
pub fn read(name: &str, text: &str) -> File {
    let (mut policies, mut providers, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    let Outcome { format, fault } = visit(name, text, &mut |item| match item {
        Item::Policy(found) => policies.push(found),
        Item::Provider(provider) => providers.push(provider),
        Item::Unread(role) => unread.push(role),
    });
    File { format, fault, policies, providers, unread }
}

/// A file of any kind as a tree, if it is one document of JSON or YAML.
#[must_use]
pub fn tree(name: &str, text: &str) -> (Option<Fault>, Option<Node>) {
    if !matches!(language(name, text), Language::Yaml) {
        let read = json::read(text);
        return (read.fault, read.node);
    }
    let (documents, fault) = yaml::read(text);
    let mut documents = documents.into_iter();
    let (first, second) = (documents.next(), documents.next());
    let several = second.map(|second| Fault { span: second.span, slip: Slip::MoreThanOne });
    (fault.or(several), first)
}

/// As [`read`], one thing after the other.
pub fn visit(name: &str, text: &str, take: &mut dyn FnMut(Item)) -> Outcome {
    let mut reader = Reader { text, take };
    match language(name, text) {
        Language::Json => reader.json(name),
        Language::Yaml => reader.yaml(),
        Language::Percent => {
            let encoded = text.trim_end();
            let start = encoded.len() - encoded.trim_start().len();
            let document = embedded::percent(&Mapped::verbatim(encoded.trim_start(), start));
            reader.embedded(&document, Span::new(start, encoded.len()), "", None, Spelling::PercentText);
            Outcome { format: Format::TrustPolicy, fault: None }
        }
    }
}

enum Language {
    Json,
    Yaml,
    /// A document as IAM's API has it.
    Percent,
}

fn language(name: &str, text: &str) -> Language {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let ends = |ending: &str| {
        name.get(name.len().saturating_sub(ending.len())..).is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    let is_yaml = ends(".yaml") || ends(".yml");
    match start.chars().next() {
        Some('{' | '[' | '"') => Language::Json,
        Some('/') if start.starts_with("//") || start.starts_with("/*") => Language::Json,
        Some('%') if start.get(..3).is_some_and(|code| code.eq_ignore_ascii_case("%7B")) => Language::Percent,
        None => Language::Json,
        Some(_) if is_yaml => Language::Yaml,
        Some(_) if ends(".json") => Language::Json,
        Some('#' | '%' | '-') => Language::Yaml,
        // A name and a colon, as no JSON starts.
        Some(c) if c.is_alphabetic() && start.lines().next().is_some_and(|line| line.contains(':')) => Language::Yaml,
        Some(_) => Language::Json,
    }
}

struct Reader<'s> {
    text: &'s str,
    take: &'s mut dyn FnMut(Item),
}

impl Reader<'_> {
    fn json(&mut self, name: &str) -> Outcome {
        let text = self.text;
        let mut parsed = json::parse(text, 0);
        let many = matches!(&parsed.fault, Some(Fault { slip: Slip::MoreThanOne, .. })) && parsed.value.is_none();
        if many {
            return self.json_in_a_row();
        }
        // Braces without quotes around names: YAML that looks like JSON.
        if parsed.fault.is_some() && matches!(language(name, "a"), Language::Yaml) {
            let (documents, fault) = yaml::read(text);
            if fault.is_none() {
                return Outcome { format: self.documents(&documents), fault: None };
            }
        }
        let fault = parsed.fault.take();
        let format = match &parsed.value {
            Some(value) => self.value(View::Json(value, parsed.base), "", 0),
            None => Format::Unknown,
        };
        Outcome { format, fault }
    }

    /// What several calls of the command line leave in one file.
    fn json_in_a_row(&mut self) -> Outcome {
        let text = self.text;
        let mut format = Format::Unknown;
        let (mut at, mut index) = (0, 0);
        loop {
            let rest = text.get(at..).unwrap_or_default();
            let next = json::second(rest);
            let this = rest.get(..next.unwrap_or(rest.len())).unwrap_or_default();
            let parsed = json::parse(this, at);
            if let Some(value) = &parsed.value {
                let found = self.value(View::Json(value, parsed.base), &format!("/{index}"), 0);
                format = if format == Format::Unknown { found } else { format };
            }
            if parsed.fault.is_some() {
                return Outcome { format, fault: parsed.fault };
            }
            let Some(next) = next else { return Outcome { format, fault: None } };
            at += next;
            index += 1;
            // After a document that is whole, only another one can follow.
            if !text.get(at..).is_some_and(|rest| rest.starts_with(['{', '['])) {
                let fault = Fault { span: Span::new(at, at), slip: Slip::MoreThanOne };
                return Outcome { format, fault: Some(fault) };
            }
        }
    }

    fn yaml(&mut self) -> Outcome {
        let (documents, fault) = yaml::read(self.text);
        Outcome { format: self.documents(&documents), fault }
    }

    fn documents(&mut self, documents: &[Node]) -> Format {
        let mut format = Format::Unknown;
        for (index, document) in documents.iter().enumerate() {
            let pointer = if documents.len() > 1 { format!("/{index}") } else { String::new() };
            let found = self.value(View::Node(document), &pointer, 0);
            format = if format == Format::Unknown { found } else { format };
        }
        format
    }

    fn value(&mut self, view: View<'_>, pointer: &str, depth: usize) -> Format {
        if view.is_list() && depth < 2 {
            let mut format = Format::Unknown;
            for (index, element) in view.elements().into_iter().enumerate() {
                let found = self.value(element, &format!("{pointer}/{index}"), depth + 1);
                format = if format == Format::Unknown { found } else { format };
            }
            return format;
        }
        if aws::visit(self, view, pointer) {
            Format::AwsCli
        } else if terraform::visit(self, view, pointer) {
            Format::TerraformPlan
        } else if cloudformation::visit(self, view, pointer) {
            Format::CloudFormation
        } else if is_trust_policy(view) || view.text().is_some_and(is_document) {
            self.policy(view, pointer, None);
            Format::TrustPolicy
        } else {
            Format::Unknown
        }
    }

    /// A document, as itself or in a text.
    fn policy(&mut self, view: View<'_>, pointer: &str, role: Option<Role>) {
        let Some(text) = view.text() else {
            let spelling = if matches!(view, View::Json(..)) { Spelling::Json } else { Spelling::Yaml };
            self.found(view.to_node(), pointer, role, None, spelling);
            return;
        };
        let span = view.span();
        let raw = self.text.get(span.start..span.end).unwrap_or_default();
        let (mapped, spelling) = match view {
            View::Json(..) => (embedded::json_string(raw, span.start), Spelling::JsonText),
            View::Node(_) => (embedded::yaml_scalar(raw, span.start, text), Spelling::Other),
        };
        if mapped.text.trim_start().starts_with('%') {
            let spelling = if spelling == Spelling::JsonText { Spelling::PercentText } else { spelling };
            self.embedded(&embedded::percent(&mapped), span, pointer, role, spelling);
        } else {
            self.embedded(&mapped, span, pointer, role, spelling);
        }
    }

    fn embedded(&mut self, document: &Mapped, span: Span, pointer: &str, role: Option<Role>, spelling: Spelling) {
        let json::Read { node, fault } = document.parse();
        match (node, fault) {
            (Some(node), fault) => self.found(node, pointer, role, fault, spelling),
            (None, Some(fault)) => self.unread(span, pointer, role, Why::Fault(fault)),
            (None, None) => {}
        }
    }

    fn found(&mut self, node: Node, pointer: &str, role: Option<Role>, fault: Option<Fault>, spelling: Spelling) {
        let policy = TrustPolicy::read(&node);
        let pointer = pointer.to_owned();
        let length = length(&node);
        (self.take)(Item::Policy(Found { policy, length, node, pointer, role, fault, spelling }));
    }

    fn unread(&mut self, span: Span, pointer: &str, role: Option<Role>, why: Why) {
        (self.take)(Item::Unread(Unread { role, pointer: pointer.to_owned(), span, why }));
    }

    fn provider(&mut self, url: Text, client_ids: Vec<Text>, thumbprints: Vec<Text>, span: Span) {
        (self.take)(Item::Provider(Provider { url, client_ids, thumbprints, span }));
    }
}

/// A policy of its own. One for the resources of another service has a grammar of its own as well,
/// and is none of ours.
fn is_trust_policy(view: View<'_>) -> bool {
    let Some(statements) = view.get("Statement") else {
        let version = view.get("Version").and_then(View::text);
        let misspelt = matches!(version, Some("2012-10-17" | "2008-10-17"));
        let bare_statement = view.has("Effect") && (view.has("Principal") || view.has("Action"));
        return misspelt || bare_statement;
    };
    let one = [statements];
    let list = statements.elements();
    let statements = if statements.is_list() { list.as_slice() } else { one.as_slice() };
    let is_foreign = |statement: &View<'_>| {
        let Some(action) = statement.get("Action").or_else(|| statement.get("NotAction")) else { return false };
        let list = action.elements();
        let mut names = list.iter().filter_map(|name| name.text()).chain(action.text()).peekable();
        names.peek().is_some()
            && names.all(|name| {
                let service = name.split_once(':').map_or("", |(service, _)| service);
                // Around the name may be what somebody has copied along.
                let service = service.trim_matches(|c: char| !c.is_ascii_alphanumeric());
                !service.is_empty() && !service.eq_ignore_ascii_case("sts") && !placeholder::is_in(name)
            })
    };
    statements.is_empty() || !statements.iter().all(is_foreign)
}

fn is_document(text: &str) -> bool {
    let start = text.trim_start();
    start.starts_with('{') || start.get(..3).is_some_and(|code| code.eq_ignore_ascii_case("%7B"))
}

fn text(view: View<'_>) -> Option<Text> {
    view.filled().map(|text| Text { text: text.to_owned(), span: view.span() })
}

fn texts(view: Option<View<'_>>) -> Vec<Text> {
    view.map(View::elements).unwrap_or_default().into_iter().filter_map(text).collect()
}

/// One step of a JSON Pointer (RFC 6901).
fn step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The length of the document in characters without white space outside of texts, which IAM does not count.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
fn length(node: &Node) -> usize {
    // A character that is not ASCII counts once: by the first of its bytes.
    let quoted = |text: &str| {
        let of = |byte: u8| match byte {
            b'"' | b'\\' | ..0x20 => 2,
            0x80..=0xbf => 0,
            _ => 1,
        };
        text.bytes().map(of).sum::<usize>() + 2
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
