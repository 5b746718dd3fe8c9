//! Values with `*`, `?` and `${…}`, as the String and Arn operators compare them.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use std::borrow::Cow;
use std::str::Chars;

/// `*` stands for any text, `?` for one character; in linear space and without recursion.
#[must_use]
pub fn like(pattern: &str, text: &str) -> bool {
    matches(&escaped(pattern), text, false)
}

/// As [`like`], without regard to ASCII letter case.
#[must_use]
pub(super) fn like_folded(pattern: &str, text: &str) -> bool {
    matches(&escaped(pattern), text, true)
}

/// As [`like`], for what [`filled`] returns. `fold`: without regard to ASCII letter case.
#[must_use]
pub fn matches(pattern: &str, text: &str, fold: bool) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // What is left of both where the latest `*` has to take one character more.
    let mut retry: Option<(Chars<'_>, Chars<'_>)> = None;
    loop {
        let before = text.clone();
        let Some(c) = text.next() else { return pattern.all(|c| c == '*') };
        let fits = match pattern.next() {
            Some('*') => {
                retry = Some((pattern.clone(), before.clone()));
                text = before;
                true
            }
            Some('?') => true,
            Some(ESCAPE) => pattern.next().is_some_and(|wanted| is_same(wanted, c, fold)),
            Some(wanted) => is_same(wanted, c, fold),
            None => false,
        };
        if !fits {
            let Some((after_star, mut from)) = retry.take() else { return false };
            from.next();
            retry = Some((after_star.clone(), from.clone()));
            (pattern, text) = (after_star, from);
        }
    }
}

fn is_same(wanted: char, c: char, fold: bool) -> bool {
    wanted == c || (fold && wanted.eq_ignore_ascii_case(&c))
}

/// Before a character that means itself, such as a `*` that a variable brings in. It is one of
/// Unicode's private use, and where a text has it, it means itself as well.
const ESCAPE: char = '\u{f0000}';

fn escaped(text: &str) -> Cow<'_, str> {
    if text.contains(ESCAPE) { Cow::Owned(text.replace(ESCAPE, "\u{f0000}\u{f0000}")) } else { Cow::Borrowed(text) }
}

/// Why a value with variables has no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoText {
    /// The variable's key is not there, and it names no other value: the comparison fails.
    Missing,
    /// The variable's value is not known here.
    Unknown,
}

/// A value without variables, as a pattern for [`matches`].
pub(super) fn plain(value: &str) -> Cow<'_, str> {
    escaped(value)
}

/// The value with its variables filled in, as a pattern for [`matches`]. `of_key` says what a key has.
pub(super) fn filled<'a>(
    value: &'a str,
    of_key: impl Fn(&str) -> Result<Option<String>, NoText>,
) -> Result<Cow<'a, str>, NoText> {
    if !has_braces(value) {
        return Ok(escaped(value));
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        let (before, variable) = rest.split_at(at);
        out.push_str(&escaped(before));
        let Some(end) = variable.find('}') else {
            rest = variable;
            break;
        };
        let name = variable.get(2..end).unwrap_or_default();
        match name {
            "*" | "?" | "$" => literally(name, &mut out),
            _ => {
                let (key, default) = match name.split_once(',') {
                    Some((key, rest)) => (key, Some(written_default(rest).ok_or(NoText::Unknown)?)),
                    None => (name, None),
                };
                let found = of_key(key.trim())?;
                literally(found.as_deref().or(default).ok_or(NoText::Missing)?, &mut out);
            }
        }
        rest = variable.get(end + 1..).unwrap_or_default();
    }
    out.push_str(&escaped(rest));
    Ok(Cow::Owned(out))
}

/// Text for a pattern in which its `*` and `?` stand for themselves.
pub(super) fn literally(text: &str, out: &mut String) {
    for c in text.chars() {
        if matches!(c, '*' | '?' | ESCAPE) {
            out.push(ESCAPE);
        }
        out.push(c);
    }
}

/// In single quotes, after a comma and a space. What AWS makes of other forms it does not say.
fn written_default(text: &str) -> Option<&str> {
    text.strip_prefix(" '")?.strip_suffix('\'')
}

/// What [`filled`] returns as text, for operators to which `*` and `?` are ordinary characters.
pub(super) fn literal(filled: &str) -> Cow<'_, str> {
    if !filled.contains(ESCAPE) {
        return Cow::Borrowed(filled);
    }
    let mut out = String::with_capacity(filled.len());
    let mut chars = filled.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == ESCAPE { chars.next() } else { Some(c) });
    }
    Cow::Owned(out)
}

/// Whether a text may have a variable, or anything else in `${…}`. Few have a `$` at all, which is told sooner.
#[must_use]
pub fn has_braces(text: &str) -> bool {
    text.contains('$') && text.contains("${")
}

/// Whether a value has a wildcard that the Like operators would obey.
#[must_use]
pub fn has_wildcard(value: &str) -> bool {
    let is_wild = |text: &str| text.bytes().any(|byte| matches!(byte, b'*' | b'?'));
    is_wild(value) && (!has_braces(value) || is_wild(&value.replace("${*}", "").replace("${?}", "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_aws_says() {
        for (pattern, text, matched) in [
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
            ("a", "a", true),
            ("a", "A", false),
            ("a*", "a/b:c", true),
            ("*b", "aab", true),
            ("a*b*c", "a1b2b3c", true),
            ("a*b*c", "a1c2b", false),
            ("?é", "éé", true),
            ("**?", "x", true),
            ("repo:o/*:ref", "repo:o/a:x:ref", true),
            ("*?", "", false),
            ("a*", "b", false),
            ("*aab", "aaaab", true),
        ] {
            assert_eq!(like(pattern, text), matched, "{pattern} {text}");
        }
    }

    #[test]
    fn variables_are_text_and_not_patterns() {
        let of_key = |key: &str| match key {
            "a" => Ok(Some("x*".to_owned())),
            "u" => Err(NoText::Unknown),
            _ => Ok(None),
        };
        let fill =
            |value| filled(value, of_key).map(|text| (literal(&text).into_owned(), matches(&text, "x*y", false)));
        assert_eq!(fill("${a}y"), Ok(("x*y".to_owned(), true)));
        assert_eq!(fill("x${*}y"), Ok(("x*y".to_owned(), true)));
        assert_eq!(fill("x*y"), Ok(("x*y".to_owned(), true)));
        assert_eq!(fill("${b, 'x*'}y"), Ok(("x*y".to_owned(), true)));
        assert_eq!(fill("${b}"), Err(NoText::Missing));
        assert_eq!(fill("${u}"), Err(NoText::Unknown));
        assert_eq!(fill("{a}"), Ok(("{a}".to_owned(), false)));
        assert_eq!(fill("${a"), Ok(("${a".to_owned(), false)));
        assert!(!matches(&filled("${a}", of_key).unwrap(), "xyz", false));
        assert_eq!(fill("\u{f0000}*${a}"), Ok(("\u{f0000}*x*".to_owned(), false)));
    }

    #[test]
    fn a_character_of_private_use_means_itself() {
        for (pattern, text, matched) in [
            ("\u{f0000}", "\u{f0000}", true),
            ("\u{f0000}", "*", false),
            ("\u{f0000}*", "\u{f0000}ab", true),
            ("*\u{f0000}", "ab\u{f0000}", true),
            ("\u{f0001}", "?", false),
        ] {
            assert_eq!(like(pattern, text), matched, "{pattern} {text}");
        }
    }
}
