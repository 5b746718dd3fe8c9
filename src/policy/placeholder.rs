//! What a template or a plan leaves open until it is deployed, as it stands in a policy's texts: `${Name}`.
//!
//! The name has no colon, and every condition key has one, so that a policy's own variables are never
//! mistaken for it. CloudFormation's `${AWS::AccountId}` becomes `${AccountId}`: ARNs and keys with it
//! can still be taken apart at their colons.

use super::pattern;
use super::truth::Truth;

/// The account and the partition that the template is deployed to, and the role with it.
pub const ACCOUNT: &str = "${AccountId}";
pub const PARTITION: &str = "${Partition}";

/// The text for something of this name. What a name cannot have becomes a hyphen.
#[must_use]
pub fn named(name: &str) -> String {
    let name = name.strip_prefix("AWS::").unwrap_or(name);
    let plain = |c: char| if c.is_alphanumeric() || "._-/".contains(c) { c } else { '-' };
    let name: String = name.chars().take(80).map(plain).collect();
    format!("${{{}}}", if name.is_empty() { "value" } else { &name })
}

/// Whether any of the text is left open.
#[must_use]
pub fn is_in(text: &str) -> bool {
    pattern::has_braces(text) && parts(text).any(|part| part.is_open())
}

/// The text as a pattern for [`pattern::matches`], in which `*` stands for what is left open. With
/// `literal`, the text's own `*` and `?` stand for themselves.
#[must_use]
pub fn pattern(text: &str, literal: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for part in parts(text) {
        match part {
            Part::Open => out.push('*'),
            Part::Text(text) if literal => pattern::literally(text, &mut out),
            Part::Text(text) | Part::Variable(text) => out.push_str(&pattern::plain(text)),
        }
    }
    out
}

/// Whether two texts are equal, as far as that can be said.
pub(super) fn equal(written: &str, had: &str) -> Truth {
    if !is_in(written) {
        return (written == had).into();
    }
    if pattern::matches(&pattern(written, true), had, false) { Truth::Unknown } else { Truth::No }
}

enum Part<'a> {
    Text(&'a str),
    /// One of the policy language, braces included.
    Variable(&'a str),
    Open,
}

impl Part<'_> {
    fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}

/// Text and what stands in `${…}`, in turn.
fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = rest.find("${").unwrap_or(rest.len());
        if at > 0 {
            let (before, after) = rest.split_at(at);
            rest = after;
            return Some(Part::Text(before));
        }
        let Some(end) = rest.find('}') else { return Some(Part::Text(std::mem::take(&mut rest))) };
        let (variable, after) = rest.split_at(end + 1);
        rest = after;
        let name = variable.get(2..end).unwrap_or_default();
        Some(if is_name(name) { Part::Open } else { Part::Variable(variable) })
    })
}

/// `${*}`, `${?}` and `${$}` are the policy language's way to write these characters.
fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && !name.contains([':', '*', '?', '$', '{'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_no_variable_of_the_policy() {
        for (text, open) in [
            ("repo:${Org}/api:*", true),
            ("${aws_iam_openid_connect_provider.github.arn}", true),
            ("${aws:username}", false),
            ("${aws:RequestTag/team, 'none'}", false),
            ("${*}${?}${$}", false),
            ("${${*}", false),
            ("${", false),
            ("${}", false),
            ("plain", false),
        ] {
            assert_eq!(is_in(text), open, "{text}");
        }
        for (name, text) in
            [("AWS::AccountId", "${AccountId}"), ("Org", "${Org}"), ("a:b c", "${a-b-c}"), ("", "${value}")]
        {
            assert_eq!(named(name), text);
            assert!(is_in(text));
        }
    }

    #[test]
    fn what_is_left_open_fits_anything_and_the_rest_does_not() {
        for (written, had, truth) in [
            ("a", "a", Truth::Yes),
            ("a", "b", Truth::No),
            ("arn:${Partition}:iam", "arn:aws:iam", Truth::Unknown),
            ("arn:${Partition}:iam", "arn:aws:sts", Truth::No),
            ("${X}*", "ab", Truth::No),
            ("${X}*", "a*", Truth::Unknown),
        ] {
            assert_eq!(equal(written, had), truth, "{written} {had}");
        }
        assert_eq!(pattern("repo:${Org}/*", false), "repo:*/*");
    }
}
