//! Slips of the hand in texts: characters that nobody sees, quotes and white space that came along
//! from a page, placeholders that nobody filled in.

use super::repair::{kept_out, shown, siblings};
use super::{Finding, Findings, Rule, Scope, Severity, View};
use crate::policy::document::{Statement, Text};
use crate::policy::operator::{NAMES, Operator};

pub static TP063: Rule = Rule {
    id: "TP063",
    name: "quotes-in-text",
    severity: Severity::High,
    title: "quotation marks are part of the text",
};

pub static TP064: Rule =
    Rule { id: "TP064", name: "white-space", severity: Severity::High, title: "white space is part of the text" };

pub static TP065: Rule = Rule {
    id: "TP065",
    name: "invisible-character",
    severity: Severity::High,
    title: "a character that nobody sees is part of the text",
};

pub static TP066: Rule = Rule {
    id: "TP066",
    name: "operator-case",
    severity: Severity::Low,
    title: "the operator is written in odd letter case",
};

pub static TP067: Rule =
    Rule { id: "TP067", name: "placeholder-left", severity: Severity::High, title: "a placeholder was left in" };

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    let mut placeholders: Vec<(String, Finding, usize)> = Vec::new();
    for scope in &view.scopes {
        for (place, text) in texts(scope.statement) {
            if let Some(finding) = slip(view, scope, findings, place, text) {
                findings.add(finding);
            } else if let Some(word) = placeholder(&text.text) {
                match placeholders.iter_mut().find(|(known, ..)| known == word) {
                    Some((.., count)) => *count += 1,
                    None => {
                        let finding = Finding::new(
                            &TP067,
                            text.span,
                            format!("{} was left in {}", shown(word), shown(&text.text)),
                            format!("write the real value for {}", shown(word)),
                        );
                        placeholders.push((word.to_owned(), finding, 1));
                    }
                }
            }
        }
        operator_case(view, scope, findings);
    }
    for (_, mut finding, count) in placeholders {
        if count > 1 {
            finding.message.push_str(&format!(" and in {} more", count - 1));
        }
        findings.add(finding);
    }
}

/// Where a text stands, as far as it decides which characters it can have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Names of keys and actions, ARNs of providers: no white space anywhere.
    Name,
    /// A value of a condition: a workflow's name has blanks.
    Value,
}

fn texts(statement: &Statement) -> impl Iterator<Item = (Place, &Text)> {
    let principals = statement.principals.items.iter().map(|principal| (Place::Name, &principal.value));
    let actions = statement.actions.patterns.iter().map(|action| (Place::Name, action));
    let conditions = statement.conditions.iter().flat_map(|condition| {
        std::iter::once((Place::Name, &condition.key)).chain(condition.values.iter().map(|value| (Place::Value, value)))
    });
    principals.chain(actions).chain(conditions)
}

fn slip(view: &View<'_>, scope: &Scope<'_>, findings: &Findings<'_>, place: Place, text: &Text) -> Option<Finding> {
    let written = text.text.as_str();
    if is_clean(written) {
        return None;
    }
    let (rule, message, right) = if let Some(c) = written.chars().find(|c| is_invisible(*c)) {
        let right: String = written.chars().filter(|c| !is_invisible(*c)).collect();
        (&TP065, format!("U+{:04X}, which shows nothing, is part of {}", u32::from(c), shown(written)), right)
    } else if let Some(right) = unquoted(written, place) {
        (&TP063, format!("quotation marks are part of {}", shown(written)), right)
    } else if let Some(right) = tightened(written, place) {
        (&TP064, format!("white space is part of {}", shown(written)), right)
    } else {
        return None;
    };
    let span = text.span;
    let finding = Finding::new(rule, span, message, format!("write {}", shown(&right)));
    if right.is_empty() {
        return Some(finding);
    }
    let example = kept_out(view, scope, findings, |statement| replace(statement, span, &right));
    Some(finding.edit(span, right.clone()).shown_by(example))
}

fn replace(statement: &mut Statement, span: crate::policy::tree::Span, right: &str) {
    let principals = statement.principals.items.iter_mut().map(|principal| &mut principal.value);
    let conditions = statement
        .conditions
        .iter_mut()
        .flat_map(|condition| std::iter::once(&mut condition.key).chain(&mut condition.values));
    for text in principals.chain(&mut statement.actions.patterns).chain(conditions) {
        if text.span == span {
            right.clone_into(&mut text.text);
        }
    }
}

/// What most texts are, told at one glance: nothing but what people see, without blanks and quotes.
fn is_clean(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'`'))
}

/// Zero-width characters, direction marks, the soft hyphen, control characters.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    ) || (c.is_control() && !c.is_whitespace())
}

const TYPOGRAPHIC: [char; 8] =
    ['\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}', '\u{2018}', '\u{2019}', '\u{ab}', '\u{bb}'];

/// Without the quotes at its ends, if it has any.
fn unquoted(text: &str, place: Place) -> Option<String> {
    let plain = text.trim_matches(TYPOGRAPHIC);
    if plain != text {
        return Some(plain.trim().to_owned());
    }
    if place == Place::Name && text.contains(TYPOGRAPHIC) {
        return Some(text.replace(TYPOGRAPHIC, ""));
    }
    let inner = ['"', '\'', '`'].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    inner.map(|inner| inner.trim().to_owned())
}

fn tightened(text: &str, place: Place) -> Option<String> {
    match place {
        Place::Name if text.contains(char::is_whitespace) => {
            Some(text.chars().filter(|c| !c.is_whitespace()).collect())
        }
        Place::Value if text.trim() != text => Some(text.trim().to_owned()),
        _ => None,
    }
}

#[must_use]
pub(super) fn is_placeholder(text: &str) -> bool {
    placeholder(text).is_some()
}

/// What pages write where people are to put their own. Names in capitals count only if they are
/// usual: organizations do shout. `${Name}` is a template's, and filled in by whoever deploys it.
fn placeholder(text: &str) -> Option<&str> {
    let between = |open: &str, close: &str| {
        let start = text.find(open)?;
        let end = start + text.get(start..)?.find(close)? + close.len();
        text.get(start..end)
    };
    if text.contains(['<', '{'])
        && let Some(found) = between("{{", "}}").or_else(|| between("<", ">"))
    {
        return Some(found);
    }
    // Where everything is in capitals, no word stands out.
    let shouted = !text.bytes().any(|byte| byte.is_ascii_lowercase());
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
    words.find(|word| is_placeholder_word(word) && (!shouted || word.contains('_')))
}

fn is_placeholder_word(word: &str) -> bool {
    const ALONE: [&str; 14] = [
        "ACCOUNT",
        "ACCOUNTID",
        "AWSACCOUNTID",
        "ORG",
        "OWNER",
        "REPO",
        "ORGANIZATION",
        "ORGANISATION",
        "REPOSITORY",
        "WORKSPACE",
        "BRANCH",
        "USERNAME",
        "ORGNAME",
        "REPONAME",
    ];
    const ENDS: [&str; 12] =
        ["ID", "NAME", "ORG", "OWNER", "REPO", "ACCOUNT", "SLUG", "UUID", "GUID", "HERE", "ARN", "REPOSITORY"];
    const STARTS: [&str; 4] = ["YOUR", "REPLACE", "CHANGE", "INSERT"];
    let starts = |start: &str| word.get(..start.len()).is_some_and(|begun| begun.eq_ignore_ascii_case(start));
    match word.bytes().next() {
        Some(b'x' | b'X') => {
            let mut parts = word.split(['_', '-']);
            if word.len() >= 4 && parts.all(|part| !part.is_empty() && lower_is_x(part)) {
                return true;
            }
        }
        Some(b'y' | b'Y') if starts("your-") || starts("your_") => return true,
        _ => {}
    }
    let shouted =
        word.bytes().any(|byte| byte.is_ascii_uppercase()) && !word.bytes().any(|byte| byte.is_ascii_lowercase());
    if !shouted {
        return false;
    }
    let ends = [word.split(['_', '-']).next(), word.rsplit(['_', '-']).next()];
    let [Some(first), Some(last)] = ends else { return false };
    ALONE.contains(&word)
        || (first.len() < word.len() && (STARTS.contains(&first) || (word.contains('_') && ENDS.contains(&last))))
}

fn lower_is_x(part: &str) -> bool {
    part.bytes().all(|byte| byte.eq_ignore_ascii_case(&b'x'))
}

/// AWS reads it all the same; people who look for the operator do not find it.
fn operator_case(view: &View<'_>, scope: &Scope<'_>, findings: &mut Findings<'_>) {
    let mut done = Vec::new();
    for condition in &scope.statement.conditions {
        let written = &condition.operator_name;
        if is_usual(&written.text) || done.contains(&written.span) {
            continue;
        }
        let Some(right) = spelt(&written.text).filter(|right| *right != written.text) else { continue };
        done.push(written.span);
        let message = format!("{} is how nobody else writes {right}", shown(&written.text));
        let mut finding = Finding::new(&TP066, written.span, message, format!("write {right}"));
        let free = siblings(&view.found.node, written.span)
            .is_some_and(|(members, _)| members.iter().all(|member| member.name != right));
        if free {
            finding = finding.edit(written.span, right);
        }
        findings.add(finding);
    }
}

/// One of those that nearly all policies have.
fn is_usual(name: &str) -> bool {
    matches!(name, "StringEquals" | "StringLike" | "StringNotEquals" | "StringNotLike")
}

/// The operator's name as AWS writes it.
fn spelt(name: &str) -> Option<String> {
    let operator = Operator::named(name)?;
    let (set, rest) = name.split_once(':').map_or(("", name), |(_, rest)| {
        (if operator.set == Some(crate::policy::operator::Set::All) { "ForAllValues:" } else { "ForAnyValue:" }, rest)
    });
    let (base, end) = match rest.len().checked_sub("IfExists".len()) {
        Some(at) if operator.if_exists => (rest.get(..at)?, "IfExists"),
        _ => (rest, ""),
    };
    let (base, ..) = NAMES.iter().find(|(known, ..)| known.eq_ignore_ascii_case(base))?;
    Some(format!("{set}{base}{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_names() {
        for (text, found) in [
            ("arn:aws:iam::<ACCOUNT_ID>:oidc-provider/x", Some("<ACCOUNT_ID>")),
            ("arn:aws:iam::ACCOUNT_ID:oidc-provider/x", Some("ACCOUNT_ID")),
            ("repo:YOUR_ORG/api:*", Some("YOUR_ORG")),
            ("repo:your-org/your-repo:*", Some("your-org")),
            ("repo:{{ org }}/api", Some("{{ org }}")),
            ("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", Some("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")),
            ("OIDC.CIRCLECI.COM/ORG/B38D9C1A:SUB", None),
            ("ORG_ID", Some("ORG_ID")),
            ("repo:ACME/API:*", None),
            ("repo:octo-org/octo-repo:ref:refs/heads/main", None),
            ("repo:octo-org/your:x", None),
            ("{5d4f1c9e-2f6b-4f0c-9a0f-1f6a2b3c4d5e}:*", None),
            ("repo:${Org}/api:*", None),
            ("sts.amazonaws.com", None),
            ("repo:acme/x:environment:PROD-EU", None),
            ("repo:acme/SERVICE-ID:environment:x", None),
        ] {
            assert_eq!(placeholder(text), found, "{text}");
        }
    }

    #[test]
    fn operators_have_one_spelling() {
        for (name, right) in [
            ("stringequals", Some("StringEquals")),
            ("forallvalues:stringlikeifexists", Some("ForAllValues:StringLikeIfExists")),
            ("StringNotLike", Some("StringNotLike")),
            ("NULL", Some("Null")),
            ("StringMatches", None),
        ] {
            assert_eq!(spelt(name).as_deref(), right, "{name}");
        }
    }
}
