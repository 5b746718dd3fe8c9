//! Text from elsewhere, made safe to print, and help with misspelt words.

use std::fmt;

/// Remote text (an STS message, a claim, a file's content, an option's value) that can neither
/// start a new log line nor speak to a log's command parser or terminal.
///
/// Control characters, line separators and direction overrides become visible escapes. The marks
/// `##[` and `##vso[`, which GitHub and Azure Pipelines obey anywhere in a line, are broken up.
/// Marks that only count at the start of a line (`::`, `---`, `+++`, `~~~`, `^^^`) are handled by
/// the renderer, which never starts a line with remote text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Inert(String);

impl Inert {
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut safe = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '\n' => safe.push_str("\\n"),
                '\r' => safe.push_str("\\r"),
                '\t' => safe.push_str("\\t"),
                c if is_invisible(c) => {
                    safe.push_str("\\u{");
                    push_hex(&mut safe, c as u32);
                    safe.push('}');
                }
                c => safe.push(c),
            }
        }
        while let Some(at) = safe.find("##[") {
            safe.insert(at + 1, ' ');
        }
        while let Some(at) = find_ignoring_case(&safe, "##vso[") {
            safe.insert(at + 1, ' ');
        }
        Self(safe)
    }

    /// Like [`Inert::new`], cut after `limit` characters. For text whose length says nothing.
    #[must_use]
    pub fn excerpt(text: &str, limit: usize) -> Self {
        let mut chars = text.chars();
        let head: String = chars.by_ref().take(limit).collect();
        let mut inert = Self::new(&head);
        if chars.next().is_some() {
            inert.0.push('…');
        }
        inert
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Inert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Inert> for String {
    fn from(inert: Inert) -> Self {
        inert.0
    }
}

/// Control characters, line separators, zero-width characters and direction overrides.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The text as a JSON string.
#[must_use]
pub fn as_json(text: &str) -> String {
    // Text always serialises.
    serde_json::to_string(text).unwrap_or_default()
}

fn push_hex(out: &mut String, code: u32) {
    let digits: Vec<char> = (0..8)
        .rev()
        .map(|place| char::from_digit((code >> (4 * place)) & 0xf, 16).unwrap_or('0'))
        .skip_while(|digit| *digit == '0')
        .collect();
    out.extend(if digits.is_empty() { vec!['0'] } else { digits });
}

fn find_ignoring_case(haystack: &str, needle: &str) -> Option<usize> {
    haystack.as_bytes().windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}

/// The candidate that a misspelt word most likely means, if one is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = fold(word).collect();
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &fold(candidate).collect::<Vec<_>>()), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 6)
        .map(|(_, candidate)| candidate)
}

/// `Role_To_Assume` and `role-to-assume` are the same word.
fn fold(word: &str) -> impl Iterator<Item = char> {
    word.chars().map(|c| if c == '_' || c == ' ' { '-' } else { c.to_ascii_lowercase() })
}

/// Edit distance in which swapping two neighbours costs one (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

/// `one`, `one and two`, `one, two and three`.
#[must_use]
pub fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn log_commands_and_escapes_lose_their_power() {
        for (hostile, safe) in [
            ("a\n::error::b", "a\\n::error::b"),
            ("x ##[error]y", "x # #[error]y"),
            ("###[group]", "## #[group]"),
            ("##VSO[task.setsecret]", "# #VSO[task.setsecret]"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\u{2028}b\u{202e}c", "a\\u{2028}b\\u{202e}c"),
            ("\u{0}", "\\u{0}"),
        ] {
            assert_eq!(Inert::new(hostile).as_str(), safe);
        }
    }

    #[test]
    fn an_excerpt_says_that_it_was_cut() {
        assert_eq!(Inert::excerpt("abcdef", 3).as_str(), "abc…");
        assert_eq!(Inert::excerpt("abc", 3).as_str(), "abc");
    }

    #[test]
    fn typos_find_their_option() {
        let options = ["role-to-assume", "role-session-name", "aws-region"];
        assert_eq!(nearest("role-to-asume", options), Some("role-to-assume"));
        assert_eq!(nearest("ROLE_TO_ASSUME", options), Some("role-to-assume"));
        assert_eq!(nearest("aws-regoin", options), Some("aws-region"));
        assert_eq!(nearest("colour", options), None);
    }

    proptest! {
        #[test]
        fn nothing_inert_can_speak_to_a_log(text in any::<String>()) {
            let inert = Inert::new(&text);
            prop_assert!(!inert.as_str().contains("##["));
            prop_assert!(find_ignoring_case(inert.as_str(), "##vso[").is_none());
            prop_assert!(!inert.as_str().chars().any(is_invisible));
        }
    }
}
