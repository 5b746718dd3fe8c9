//! A whole file: its syntax, the providers it speaks of, and each of its policies.

use super::repair::shown;
use super::{Edit, Finding, Rule, Severity, check};
use crate::policy::issuer::Kind;
use crate::policy::json::{self, Fault, Slip};
use crate::policy::source::{File, Format, Provider, Why};
use crate::policy::tree::Span;

pub static TP041: Rule = Rule {
    id: "TP041",
    name: "broken-json",
    severity: Severity::High,
    title: "the text is not JSON, so AWS does not take it",
};

pub static TP055: Rule = Rule {
    id: "TP055",
    name: "thumbprint",
    severity: Severity::Low,
    title: "the provider has thumbprints that do nothing, or not those of its issuer",
};

/// A finding, and what in the file it is about.
#[derive(Clone, Debug)]
pub struct FileFinding {
    pub finding: Finding,
    /// The JSON Pointer of the place in the file.
    pub pointer: String,
    /// Which of the file's policies it is about, if it is about one.
    pub policy: Option<usize>,
    /// The role of that policy, where the file names it.
    pub role: Option<String>,
}

/// All that is wrong with a file, in the order of its text. `text` is what `file` was read from.
#[must_use]
pub fn check_file(file: &File, text: &str) -> Vec<FileFinding> {
    let whole = |finding| FileFinding { finding, pointer: String::new(), policy: None, role: None };
    let mut findings: Vec<FileFinding> = Vec::new();
    let alone = matches!(file.format, Format::TrustPolicy | Format::Unknown);
    findings.extend(file.fault.as_ref().map(|fault| whole(syntax(fault, alone, text))));
    findings.extend(file.unread.iter().filter_map(|unread| {
        let Why::Fault(fault) = &unread.why else { return None };
        let role = unread.role.as_ref().map(|role| role.name.clone());
        let finding = syntax(fault, false, text);
        Some(FileFinding { finding, pointer: unread.pointer.clone(), policy: None, role })
    }));
    findings.extend(file.providers.iter().filter_map(thumbprints).map(whole));
    for (index, found) in file.policies.iter().enumerate() {
        // What is wrong with a document in a text of the file is not for us to repair.
        let inner = found.fault.as_ref().map(|fault| syntax(fault, false, text));
        findings.extend(check(found).into_iter().chain(inner).map(|finding| FileFinding {
            pointer: found.pointer_of(finding.span),
            policy: Some(index),
            role: found.role.as_ref().map(|role| role.name.clone()),
            finding,
        }));
    }
    findings.sort_by(|a, b| (a.finding.span, a.finding.rule.id).cmp(&(b.finding.span, b.finding.rule.id)));
    findings
}

/// With changes where the file may be nothing but the policy.
fn syntax(fault: &Fault, alone: bool, text: &str) -> Finding {
    let fix = match &fault.slip {
        Slip::TrailingComma => "remove the comma",
        Slip::MissingComma => "put a comma between the two",
        Slip::Comment => "remove the comment; a Sid can say what a statement is for",
        Slip::SmartQuote(_) | Slip::SingleQuote => "write a plain \" at both ends",
        Slip::Placeholder(_) => "write the real value, in quotes",
        Slip::BadEscape => "remove the backslash, or write \\\\ for one",
        Slip::Unquoted(_) => "put it in double quotes",
        Slip::Unfinished => "close what is open; the end of the file may be missing",
        Slip::MoreThanOne => "keep one document in a file",
        Slip::Empty => "put a policy into it",
        Slip::ByteOrderMark => "save the file without the mark",
        _ => "correct the JSON at this place",
    };
    let mut finding = Finding::new(&TP041, fault.span, fault.slip.to_string(), fix);
    if alone {
        finding.edits = repairs(fault, text);
    }
    finding
}

/// Changes that leave no doubt, if the text can be read further after them.
fn repairs(fault: &Fault, text: &str) -> Vec<Edit> {
    let span = fault.span;
    let one = |span: Span, replacement: &str| vec![Edit { span, replacement: replacement.to_owned() }];
    let every = |quotes: &[char]| {
        let each = text.match_indices(quotes);
        each.map(|(at, c)| Edit { span: Span::new(at, at + c.len()), replacement: "\"".to_owned() }).collect()
    };
    let edits: Vec<Edit> = match &fault.slip {
        Slip::Comment => one(whole_line(text, span), ""),
        Slip::TrailingComma | Slip::ByteOrderMark => one(span, ""),
        Slip::MissingComma => one(Span::new(span.start, span.start), ","),
        Slip::BadEscape if text.get(span.start..).is_some_and(|rest| rest.starts_with('\\')) => {
            one(Span::new(span.start, span.start + 1), "")
        }
        Slip::Unquoted(word) => one(Span::new(span.start, span.start + word.len()), &super::repair::quoted(word)),
        Slip::SmartQuote(_) => every(&['\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}']),
        Slip::SingleQuote => every(&['\'']),
        _ => Vec::new(),
    };
    // Another slip may follow; the same one again would mean that the change was none.
    let further = super::fix::applied(text, &edits).is_some_and(|text| {
        json::read(&text).fault.is_none_or(|next| next.slip != fault.slip || next.span.start > span.start)
    });
    if further { edits } else { Vec::new() }
}

/// The line as well, if nothing else stands on it.
fn whole_line(text: &str, span: Span) -> Span {
    let before = text.get(..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let blank = |text: &str| text.trim().is_empty();
    match after.split_once('\n') {
        Some((rest, _)) if blank(rest) && before.get(start..).is_some_and(blank) => {
            Span::new(start, span.end + rest.len() + 1)
        }
        _ => span,
    }
}

/// GitHub's, which pages of other CIs repeat.
/// <https://github.blog/changelog/2023-06-27-github-actions-update-on-oidc-integration-with-aws/>
const OF_GITHUB: [&str; 2] = ["6938fd4d98bab03faadb97b34396831e3780aea1", "1c58a3a8518e8759bf075b76b750d4f2df264fcd"];

/// AWS trusts the certificate authorities that the public does, and looks at thumbprints of others only.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html>
fn thumbprints(provider: &Provider) -> Option<Finding> {
    let host = crate::keys::without_scheme(&provider.url.text);
    let kind = Kind::of(host);
    let is_open = |text: &str| text.contains("${");
    let bad = provider.thumbprints.iter().find(|print| {
        !is_open(&print.text) && (print.text.len() != 40 || !print.text.bytes().all(|byte| byte.is_ascii_hexdigit()))
    });
    if let Some(print) = bad {
        let message = format!("{} is no thumbprint: it has 40 hexadecimal digits", shown(&print.text));
        let mut finding = Finding::new(&TP055, print.span, message, "leave the list of thumbprints out");
        finding.severity = Severity::Medium;
        return Some(finding);
    }
    let borrowed = provider
        .thumbprints
        .iter()
        .find(|print| kind != Kind::GitHub && OF_GITHUB.iter().any(|known| known.eq_ignore_ascii_case(&print.text)));
    if let Some(print) = borrowed {
        let message = format!("the thumbprint is one of GitHub's, and the provider is {host}");
        return Some(Finding::new(&TP055, print.span, message, "leave the list of thumbprints out"));
    }
    let first = provider.thumbprints.first()?;
    let public = !matches!(kind, Kind::Other | Kind::GitLabOwn);
    public.then(|| {
        let message = format!("AWS checks {host} by public certificate authorities and ignores thumbprints");
        Finding::new(&TP055, first.span, message, "leave the list of thumbprints out")
    })
}
