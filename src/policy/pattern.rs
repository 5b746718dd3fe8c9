//! Values with `*`, `?` and `${…}`, as the String and Arn operators compare them.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use std::borrow::Cow;

/// `*` stands for any text, `?` for one character; in linear space and without recursion.
#[must_use]
pub fn like(pattern: &str, text: &str) -> bool {
    matches(pattern, text, false)
}

/// As [`like`], with [`LITERAL_ANY`] and its kin for characters that have no meaning. `fold`: without regard to
/// ASCII letter case.
#[must_use]
pub fn matches(pattern: &str, text: &str, fold: bool) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // What is left of both where the latest `*` has to take one character more.
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
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
            Some(wanted) => {
                let wanted = plain(wanted);
                wanted == c || (fold && wanted.eq_ignore_ascii_case(&c))
            }
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

// What a variable brings in has no wildcards: its characters travel in Unicode's private use area.
const LITERAL_ANY: char = '\u{f0000}';
const LITERAL_ONE: char = '\u{f0001}';

fn plain(c: char) -> char {
    match c {
        LITERAL_ANY => '*',
        LITERAL_ONE => '?',
        c => c,
    }
}

/// Why a value with variables has no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoText {
    /// The variable's key is not there, and it names no other value: the comparison fails.
    Missing,
    /// The variable's value is not known here.
    Unknown,
}

/// The value with its variables filled in, as a pattern for [`matches`]. `of_key` says what a key has.
pub(super) fn filled<'a>(
    value: &'a str,
    of_key: impl Fn(&str) -> Result<Option<String>, NoText>,
) -> Result<Cow<'a, str>, NoText> {
    if !value.contains("${") {
        return Ok(Cow::Borrowed(value));
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        let (before, variable) = rest.split_at(at);
        out.push_str(before);
        let Some(end) = variable.find('}') else {
            rest = variable;
            break;
        };
        let name = variable.get(2..end).unwrap_or_default();
        match name {
            "*" => out.push(LITERAL_ANY),
            "?" => out.push(LITERAL_ONE),
            "$" => out.push('$'),
            _ => {
                let (key, default) = match name.split_once(',') {
                    Some((key, default)) => (key.trim(), unquoted(default.trim())),
                    None => (name.trim(), None),
                };
                let found = of_key(key)?;
                let text = found.as_deref().or(default).ok_or(NoText::Missing)?;
                out.extend(text.chars().map(|c| match c {
                    '*' => LITERAL_ANY,
                    '?' => LITERAL_ONE,
                    c => c,
                }));
            }
        }
        rest = variable.get(end + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

fn unquoted(text: &str) -> Option<&str> {
    text.strip_prefix('\'')?.strip_suffix('\'')
}

/// The value as text, for operators to which `*` and `?` are ordinary characters.
pub(super) fn literal(filled: &str) -> Cow<'_, str> {
    if filled.contains([LITERAL_ANY, LITERAL_ONE]) {
        Cow::Owned(filled.chars().map(plain).collect())
    } else {
        Cow::Borrowed(filled)
    }
}

/// Whether a value has a wildcard that the Like operators would obey.
#[must_use]
pub fn has_wildcard(value: &str) -> bool {
    value.replace("${*}", "").replace("${?}", "").contains(['*', '?'])
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
    }
}
