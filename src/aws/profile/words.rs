//! A line of words as a POSIX shell reads it, without anything that a shell would replace. botocore
//! reads section names and `credential_process` that way, with Python's `shlex.split`.

/// The words. A comment is none, and `#` a character like others. `None` when a quote is not closed,
/// or nothing follows a last backslash.
#[must_use]
pub fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(rest.next()?),
            '\'' | '"' => quoted(c, &mut rest, word.get_or_insert_default())?,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

/// Between double quotes, a backslash escapes a quote and itself, and is a character before others.
fn quoted(quote: char, rest: &mut std::str::Chars<'_>, word: &mut String) -> Option<()> {
    loop {
        match rest.next()? {
            c if c == quote => return Some(()),
            '\\' if quote == '"' => match rest.next()? {
                c @ ('"' | '\\') => word.push(c),
                c => word.extend(['\\', c]),
            },
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_those_of_a_shell() {
        for (text, words) in [
            ("", Some(vec![])),
            (" \t\n", Some(vec![])),
            ("a  b\tc", Some(vec!["a", "b", "c"])),
            ("a 'b c' \"d e\"f", Some(vec!["a", "b c", "d ef"])),
            ("'' \"\"", Some(vec!["", ""])),
            (r"a\ b \'", Some(vec!["a b", "'"])),
            (r#""a\"b\\c\d\$""#, Some(vec![r#"a"b\c\d\$"#])),
            (r"'a\'b", Some(vec![r"a\b"])),
            ("a#b # c", Some(vec!["a#b", "#", "c"])),
            ("$HOME `x` *", Some(vec!["$HOME", "`x`", "*"])),
            ("é\u{a0}中", Some(vec!["é\u{a0}中"])),
            ("'a", None),
            ("\"a", None),
            ("\"a\\\"", None),
            ("a\\", None),
        ] {
            let words = words.map(|words| words.into_iter().map(str::to_owned).collect());
            assert_eq!(split(text), words, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = split(&text);
        }
    }
}
