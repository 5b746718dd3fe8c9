//! The two languages in which a step speaks to the GitHub runner: commands on stdout, and entries of
//! the files behind `GITHUB_ENV`, `GITHUB_OUTPUT` and `GITHUB_STATE`. Text in, text out.
//!
//! The grammar is that of actions/runner, `ActionCommand.cs` and `FileCommandManager.cs`.

use std::fmt;

pub const END_GROUP: &str = "::endgroup::";

/// How an annotation looks. `Debug` shows only when the job runs with debug logs, and has no title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Debug,
    Error,
    Notice,
    Warning,
}

/// Lines that make the runner hide a secret wherever it would appear in the log: the secret as a
/// whole, and each of its lines, because logs are filtered line by line. Nothing for a secret
/// without a visible character, about which the runner would complain.
#[must_use]
pub fn add_mask(secret: &str) -> String {
    let mut texts = vec![secret];
    for line in secret.split(['\r', '\n']).map(str::trim) {
        if !texts.contains(&line) {
            texts.push(line);
        }
    }
    let masks = texts.iter().filter(|text| !text.trim().is_empty());
    masks.map(|text| format!("::add-mask::{}", escape_data(text))).collect::<Vec<_>>().join("\n")
}

/// A line of the log that is also shown on the run's page.
#[must_use]
pub fn annotation(level: Level, title: &str, message: &str) -> String {
    let command = match level {
        Level::Debug => "debug",
        Level::Error => "error",
        Level::Notice => "notice",
        Level::Warning => "warning",
    };
    let message = escape_data(message);
    if title.is_empty() || level == Level::Debug {
        format!("::{command}::{message}")
    } else {
        format!("::{command} title={}::{message}", escape_property(title))
    }
}

/// Starts a part of the log that is folded away, until [`END_GROUP`].
#[must_use]
pub fn group(title: &str) -> String {
    format!("::group::{}", escape_data(title))
}

/// One entry of a file, to be appended to it: `NAME<<DELIMITER`, the value, and the delimiter again.
///
/// The delimiter must be one that nobody could have guessed (CVE-2022-35954). A value that ends in a
/// carriage return is refused because a Windows runner would take it for a part of the line end.
///
/// # Errors
/// When the runner could read the entry as something else.
pub fn file_entry(name: &str, value: &str, delimiter: &str) -> Result<String, EntryFault> {
    let graphic = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !graphic(delimiter) || name.contains(delimiter) || value.contains(delimiter) {
        return Err(EntryFault::Delimiter);
    }
    if !graphic(name) || name.contains(['=', '<']) {
        return Err(EntryFault::Name);
    }
    if value.contains('\0') || value.ends_with('\r') {
        return Err(EntryFault::Value);
    }
    Ok(format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"))
}

/// Why an entry cannot be written. It never holds the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryFault {
    /// It is no single word, or the name or the value has it inside.
    Delimiter,
    /// It is empty, or has `=`, `<`, or anything but visible ASCII.
    Name,
    /// It has a NUL character, or a carriage return at its end.
    Value,
}

impl fmt::Display for EntryFault {
    /// A sentence without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delimiter => "the value has the delimiter inside that was chosen for it",
            Self::Name => "the name is empty or has characters other than visible ASCII without `=` and `<`",
            Self::Value => "the value has a NUL character, or a carriage return at its end",
        })
    }
}

/// Reads a file as the runner does on Linux and macOS. It stands in for the runner in tests.
///
/// # Errors
/// Where the runner would fail the step.
pub fn parse_file(text: &str) -> Result<Vec<(String, String)>, FileFault> {
    let mut pairs = Vec::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = after;
        if line.is_empty() {
            continue;
        }
        let (heredoc, plain) = (line.split_once("<<"), line.split_once('='));
        match (heredoc, plain) {
            (Some((name, delimiter)), _) if !name.contains('=') => {
                if name.is_empty() || delimiter.is_empty() {
                    return Err(FileFault::Header);
                }
                let (value, after) = read_value(rest, delimiter).ok_or(FileFault::Unfinished)?;
                rest = after;
                pairs.push((name.to_owned(), value.to_owned()));
            }
            (_, Some((name, value))) => pairs.push((name.to_owned(), value.to_owned())),
            _ => return Err(FileFault::Header),
        }
    }
    Ok(pairs)
}

/// Why the runner would refuse a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFault {
    /// A line is neither `NAME=VALUE` nor `NAME<<DELIMITER`.
    Header,
    /// A value's delimiter does not come.
    Unfinished,
}

/// The value up to the line that is the delimiter and nothing else, and what follows that line.
fn read_value<'a>(text: &'a str, delimiter: &str) -> Option<(&'a str, &'a str)> {
    let mut length = 0;
    for line in text.split_inclusive('\n') {
        if line.strip_suffix('\n').unwrap_or(line) == delimiter {
            let value = text.get(..length)?;
            return Some((value.strip_suffix('\n').unwrap_or(value), text.get(length + line.len()..)?));
        }
        length += line.len();
    }
    None
}

/// The percent sign first, or the other escapes would be escaped again.
pub fn escape_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

pub fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::Inert;

    #[test]
    fn secrets_are_hidden_whole_and_by_line() {
        for (secret, lines) in [
            ("s3cr3t", "::add-mask::s3cr3t"),
            ("100%", "::add-mask::100%25"),
            ("a\r\n b\n\nc\n", "::add-mask::a%0D%0A b%0A%0Ac%0A\n::add-mask::a\n::add-mask::b\n::add-mask::c"),
            ("a\na", "::add-mask::a%0Aa\n::add-mask::a"),
            (" a ", "::add-mask:: a \n::add-mask::a"),
            ("", ""),
            (" \t\r\n", ""),
        ] {
            assert_eq!(add_mask(secret), lines, "{secret:?}");
        }
    }

    #[test]
    fn annotations_keep_to_their_line() {
        assert_eq!(annotation(Level::Error, "a: b, c%", "x\ny: z, 1%"), "::error title=a%3A b%2C c%25::x%0Ay: z, 1%25");
        assert_eq!(annotation(Level::Warning, "", "x"), "::warning::x");
        assert_eq!(annotation(Level::Notice, "t", ""), "::notice title=t::");
        assert_eq!(annotation(Level::Debug, "t", "x"), "::debug::x");
        assert_eq!(annotation(Level::Error, "x::y\r", "::z"), "::error title=x%3A%3Ay%0D::::z");
        assert_eq!(group("a\n::error::b"), "::group::a%0A::error::b");
    }

    #[test]
    fn entries_that_could_be_misread_are_refused() {
        for (name, value, delimiter, fault) in [
            ("", "v", "D", EntryFault::Name),
            ("a=b", "v", "D", EntryFault::Name),
            ("a<<b", "v", "D", EntryFault::Name),
            // `a<<<D` would be the name `a` with the delimiter `<D`.
            ("a<", "v", "D", EntryFault::Name),
            ("a\nb", "v", "D", EntryFault::Name),
            ("a\rb", "v", "D", EntryFault::Name),
            ("\u{feff}a", "v", "D", EntryFault::Name),
            ("a", "v\0", "D", EntryFault::Value),
            ("a", "v\r", "D", EntryFault::Value),
            ("a", "vD", "D", EntryFault::Delimiter),
            ("aD", "v", "D", EntryFault::Delimiter),
            ("a", "v", "", EntryFault::Delimiter),
            ("a", "v", "D\n", EntryFault::Delimiter),
        ] {
            assert_eq!(file_entry(name, value, delimiter), Err(fault), "{name:?} {value:?} {delimiter:?}");
        }
    }

    #[test]
    fn files_are_read_as_the_runner_reads_them() {
        for (text, pairs) in [
            ("", Ok(vec![])),
            ("\n\na=b\n\n", Ok(vec![("a", "b")])),
            ("a=b<<c", Ok(vec![("a", "b<<c")])),
            ("=v", Ok(vec![("", "v")])),
            ("a=b\r\n", Ok(vec![("a", "b\r")])),
            ("a<<D\nD", Ok(vec![("a", "")])),
            ("a<<D\n\nD\n", Ok(vec![("a", "")])),
            ("a<<D\n\n\nD\n", Ok(vec![("a", "\n")])),
            ("a<<D=\n D\nDD\nD=\nb=c", Ok(vec![("a", " D\nDD"), ("b", "c")])),
            ("a<<<D\nv\n<D\n", Ok(vec![("a", "v")])),
            ("a<<D\nv\nD\r\n", Err(FileFault::Unfinished)),
            ("a<<D\nv", Err(FileFault::Unfinished)),
            ("a<<D", Err(FileFault::Unfinished)),
            ("a<<\nv\n", Err(FileFault::Header)),
            ("<<D\nv\nD\n", Err(FileFault::Header)),
            ("word\n", Err(FileFault::Header)),
        ] {
            let pairs: Result<Vec<(String, String)>, FileFault> = pairs
                .map(|pairs| pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
            assert_eq!(parse_file(text), pairs, "{text:?}");
        }
    }

    fn odd_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "\\PC",
            any::<char>().prop_map(String::from),
            "[\r\n=<:D_%\0 ]",
            Just("D_1".to_owned()),
            Just("<<".to_owned())
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(pairs in proptest::collection::vec((prop_oneof!["[A-Z_-]{1,8}".boxed(), odd_text().boxed()], odd_text()), 0..5)) {
            let mut file = String::new();
            let mut written = Vec::new();
            for (name, value) in pairs {
                if let Ok(entry) = file_entry(&name, &value, "D_1") {
                    file.push_str(&entry);
                    written.push((name, value));
                }
            }
            prop_assert_eq!(parse_file(&file), Ok(written));
        }

        #[test]
        fn ordinary_pairs_are_not_refused(name in "[A-Za-z_.-]{1,12}", value in "([^\0]*[^\0\r])?", delimiter in "ghadelimiter_[0-9a-f]{32}") {
            prop_assert!(file_entry(&name, &value, &delimiter).is_ok());
        }

        #[test]
        fn reading_never_panics(text in odd_text()) {
            let _ = parse_file(&text);
        }

        /// Neither dialect of the runner sees a second command in what we print.
        #[test]
        fn one_line_stays_one_command(title in odd_text(), message in odd_text()) {
            let inert = Inert::new(&message);
            let line = annotation(Level::Error, &title, inert.as_str());
            prop_assert!(!line.contains(['\r', '\n']));
            prop_assert!(line.starts_with("::error"));
            let (_, data) = line[2..].split_once("::").unwrap();
            prop_assert_eq!(data, inert.as_str().replace('%', "%25"));
            for mask in add_mask(&message).lines() {
                prop_assert!(mask.starts_with("::add-mask::") && !mask.contains('\r'));
            }
        }
    }
}
