//! Documents inside a text of another document: `"{\"Version\": …}"`, `%7B%22Version…`, a block of YAML.
//!
//! Each spelling is taken apart with a map from the text that it stands for to the characters that
//! stand for it, so that a place in the inner document is a place in the file.

use crate::policy::json;
use crate::policy::tree::{Kind, Node, Span};

/// A text, and where each of its characters stands in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Mapped {
    pub text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Where it begins in the text; it ends where the next begins.
    at: usize,
    source: Span,
    /// Byte for byte what stands in the file.
    verbatim: bool,
}

impl Mapped {
    /// Text as it stands in the file from `at`.
    pub fn verbatim(text: &str, at: usize) -> Self {
        let mut mapped = Self::default();
        mapped.push_verbatim(text, at);
        mapped
    }

    pub fn push_verbatim(&mut self, text: &str, at: usize) {
        if text.is_empty() {
            return;
        }
        let end = at + text.len();
        match self.pieces.last_mut() {
            Some(last) if last.verbatim && last.source.end == at => last.source.end = end,
            _ => self.pieces.push(Piece { at: self.text.len(), source: Span::new(at, end), verbatim: true }),
        }
        self.text.push_str(text);
    }

    /// Text that stands in the file in another spelling.
    pub fn push_as(&mut self, text: &str, source: Span) {
        if text.is_empty() {
            return;
        }
        self.pieces.push(Piece { at: self.text.len(), source, verbatim: false });
        self.text.push_str(text);
    }

    /// A part of another text, with its places.
    pub fn push_part(&mut self, other: &Self, part: Span) {
        let Some(text) = other.text.get(part.start..part.end) else { return };
        let first = other.pieces.partition_point(|piece| piece.at <= part.start).saturating_sub(1);
        for (index, piece) in other.pieces.iter().enumerate().skip(first) {
            if piece.at >= part.end {
                break;
            }
            let next = other.pieces.get(index + 1).map_or(other.text.len(), |next| next.at);
            let (from, to) = (piece.at.max(part.start), next.min(part.end));
            let Some(slice) = text.get(from - part.start..to.max(from) - part.start) else { continue };
            if piece.verbatim {
                self.push_verbatim(slice, piece.source.start + from - piece.at);
            } else {
                self.push_as(slice, piece.source);
            }
        }
    }

    /// The place in the file of a place in the text.
    pub fn source(&self, span: Span) -> Span {
        let piece = |at: usize| {
            let index = self.pieces.partition_point(|piece| piece.at <= at).saturating_sub(1);
            self.pieces.get(index)
        };
        let start = piece(span.start).map_or(0, |piece| match piece.verbatim {
            true => (piece.source.start + span.start - piece.at).min(piece.source.end),
            false => piece.source.start,
        });
        let end = piece(span.end.saturating_sub(1)).map_or(start, |piece| match piece.verbatim {
            true => (piece.source.start + span.end.saturating_sub(piece.at)).min(piece.source.end),
            false => piece.source.end,
        });
        Span::new(start, if span.end > span.start { end.max(start) } else { start })
    }

    pub fn parse(&self) -> json::Read {
        let mut read = json::read(&self.text);
        if let Some(node) = &mut read.node {
            self.relocate(node);
        }
        if let Some(fault) = &mut read.fault {
            fault.span = self.source(fault.span);
        }
        read
    }

    /// Depth is limited by the reader of the document.
    fn relocate(&self, node: &mut Node) {
        node.span = self.source(node.span);
        match &mut node.kind {
            Kind::List(items) => items.iter_mut().for_each(|item| self.relocate(item)),
            Kind::Object(members) => {
                for member in members {
                    member.name_span = self.source(member.name_span);
                    self.relocate(&mut member.value);
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {}
        }
    }
}

/// A string of JSON, quotes included, at `at` in the file. Its reader has accepted it.
pub(super) fn json_string(raw: &str, at: usize) -> Mapped {
    let mut mapped = Mapped::default();
    let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    let (mut rest, mut at) = (inner, at + 1);
    while let Some(found) = rest.find('\\') {
        let (before, escape) = rest.split_at(found);
        mapped.push_verbatim(before, at);
        at += found;
        let (c, length) = unescape(escape);
        mapped.push_as(c.encode_utf8(&mut [0; 4]), Span::new(at, at + length));
        at += length;
        rest = escape.get(length..).unwrap_or_default();
    }
    mapped.push_verbatim(rest, at);
    mapped
}

/// The character that an escape stands for, and how long the escape is.
fn unescape(escape: &str) -> (char, usize) {
    let unit = |from: usize| escape.get(from..from + 4).and_then(|hex| u16::from_str_radix(hex, 16).ok());
    let Some(c) = escape.chars().nth(1) else { return ('\\', escape.len()) };
    let plain = match c {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => {
            let Some(first) = unit(2) else { return (c, 2) };
            let second = if escape.get(6..8) == Some("\\u") { unit(8) } else { None };
            if let Some(second) = second
                && let Some(Ok(c)) = char::decode_utf16([first, second]).next()
                && u32::from(c) > 0xffff
            {
                return (c, 12);
            }
            return (char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER), 6);
        }
        c => c,
    };
    (plain, 1 + c.len_utf8())
}

/// Percent-encoded text (RFC 3986), as the API of IAM hands out documents.
pub(super) fn percent(text: &Mapped) -> Mapped {
    let mut mapped = Mapped::default();
    let mut at = 0;
    while let Some(rest) = text.text.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = rest.find('%').unwrap_or(rest.len());
        mapped.push_part(text, Span::new(at, at + plain));
        at += plain;
        // As many bytes as one character has.
        let mut bytes = Vec::new();
        let mut end = at;
        while let Some(byte) = escaped_byte(text.text.get(end..).unwrap_or_default()) {
            bytes.push(byte);
            end += 3;
            if std::str::from_utf8(&bytes).is_ok() || bytes.len() == 4 {
                break;
            }
        }
        if end > at {
            mapped.push_as(&String::from_utf8_lossy(&bytes), text.source(Span::new(at, end)));
            at = end;
        } else if plain < rest.len() {
            mapped.push_part(text, Span::new(at, at + 1)); // a `%` that escapes nothing
            at += 1;
        }
    }
    mapped
}

fn escaped_byte(text: &str) -> Option<u8> {
    let hex = text.strip_prefix('%')?.get(..2)?;
    hex.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u8::from_str_radix(hex, 16).ok())?
}

/// A scalar of YAML whose spelling is `raw` and whose text the parser has worked out. Lines may be
/// folded and indented: white space stands for white space, everything else for itself.
pub(super) fn yaml_scalar(raw: &str, at: usize, text: &str) -> Mapped {
    if raw.starts_with('"') {
        let mapped = json_string(raw, at); // the same escapes, but for rare ones
        if mapped.text == text {
            return mapped;
        }
    }
    let whole = || {
        let mut mapped = Mapped::default();
        mapped.push_as(text, Span::new(at, at + raw.len()));
        mapped
    };
    let quoted = raw.starts_with('\'');
    let mut mapped = Mapped::default();
    let mut rest = if quoted { raw.get(1..).unwrap_or_default() } else { raw };
    for c in text.chars() {
        let here = |rest: &str| at + raw.len() - rest.len();
        if !c.is_whitespace() {
            rest = rest.trim_start();
        }
        if quoted && c == '\'' && rest.starts_with("''") {
            mapped.push_as("'", Span::new(here(rest), here(rest) + 2));
            rest = rest.get(2..).unwrap_or_default();
        } else if let Some(after) = rest.strip_prefix(c) {
            mapped.push_verbatim(c.encode_utf8(&mut [0; 4]), here(rest));
            rest = after;
        } else if c.is_whitespace() {
            let after = rest.trim_start();
            mapped.push_as(c.encode_utf8(&mut [0; 4]), Span::new(here(rest), here(after)));
            rest = after;
        } else {
            return whole();
        }
    }
    mapped
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_place_in_the_text_is_a_place_in_the_file() {
        for (file, mapped, inner, outer) in [
            (r#"  "a\"b\u00e9c""#, json_string(r#""a\"b\u00e9c""#, 2), "é", r"\u00e9"),
            (r#""a\"b\u00e9c""#, json_string(r#""a\"b\u00e9c""#, 0), "\"b", r#"\"b"#),
            (r#""\ud83d\ude00x""#, json_string(r#""\ud83d\ude00x""#, 0), "x", "x"),
            (r#""\ud83d\ude00x""#, json_string(r#""\ud83d\ude00x""#, 0), "😀", r"\ud83d\ude00"),
            ("%7Ba%C3%A9b%7D", percent(&Mapped::verbatim("%7Ba%C3%A9b%7D", 0)), "é", "%C3%A9"),
            ("%7Ba%C3%A9b%7D", percent(&Mapped::verbatim("%7Ba%C3%A9b%7D", 0)), "aéb", "a%C3%A9b"),
            ("100%", percent(&Mapped::verbatim("100%", 0)), "0%", "0%"),
            ("'it''s x'", yaml_scalar("'it''s x'", 0, "it's x"), "'", "''"),
            ("a:\n   b\n   c", yaml_scalar("b\n   c", 6, "b c"), "c", "c"),
            ("{\n      x: 1\n    }\n", yaml_scalar("{\n      x: 1\n    }\n", 0, "{\n  x: 1\n}\n"), "x: 1", "x: 1"),
        ] {
            let start = mapped.text.rfind(inner).unwrap_or_else(|| panic!("{inner} in {}", mapped.text));
            let place = mapped.source(Span::new(start, start + inner.len()));
            assert_eq!(&file[place.start..place.end], outer, "{file}");
        }
    }

    proptest! {
        #[test]
        fn every_string_of_json_is_read_as_serde_reads_it(text in any::<String>()) {
            let raw = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(&json_string(&raw, 0).text, &text);
            let mut escaped = String::from("\"");
            for unit in text.encode_utf16() {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
            escaped.push('"');
            prop_assert_eq!(json_string(&escaped, 0).text, text);
        }

        #[test]
        fn percent_encoding_is_undone(text in any::<String>()) {
            let encoded = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string();
            let mapped = percent(&Mapped::verbatim(&encoded, 7));
            prop_assert_eq!(&mapped.text, &text);
            for (at, c) in text.char_indices() {
                let place = mapped.source(Span::new(at, at + c.len_utf8()));
                let spelt = &encoded[place.start - 7..place.end - 7];
                prop_assert_eq!(spelt, utf8_percent_encode(&c.to_string(), NON_ALPHANUMERIC).to_string());
            }
        }

        #[test]
        fn never_panics(raw in any::<String>(), text in any::<String>(), start in 0_usize..40, end in 0_usize..40) {
            let quoted = format!("\"{raw}\"");
            for mapped in [
                json_string(&raw, 0), json_string(&quoted, 3), yaml_scalar(&raw, 1, &text), yaml_scalar(&quoted, 1, &raw),
                percent(&Mapped::verbatim(&raw, 5)), percent(&json_string(&raw, 0)),
            ] {
                mapped.source(Span::new(start, end));
                mapped.parse();
            }
        }
    }
}
