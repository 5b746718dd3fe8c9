//! Telling headers, options, further lines and comments apart, as Python's `configparser` does.

use std::ops::Range;

/// What a line is.
pub(crate) enum Line<'a> {
    Blank,
    Comment,
    /// What stands between the first and the last bracket.
    Header(&'a str),
    HalfHeader,
    /// A further line of the option above.
    More(&'a str),
    Option(&'a str, &'a str),
    /// Nothing that these files should have.
    Other,
}

/// Lines as `configparser.RawConfigParser._read` tells them apart, with their place in the text.
pub(crate) struct Lines<'a> {
    rest: &'a str,
    at: usize,
    /// How far the latest option or header is indented, in characters.
    indent: usize,
    in_option: bool,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text, at: 0, indent: 0, in_option: false }
    }

    fn classify(&mut self, line: &'a str) -> Line<'a> {
        let content = line.trim_matches(is_space);
        if content.is_empty() {
            return Line::Blank;
        }
        if content.starts_with(['#', ';']) {
            return Line::Comment;
        }
        let indent = line.chars().take_while(|c| is_space(*c)).count();
        if self.in_option && indent > self.indent {
            return Line::More(content);
        }
        self.indent = indent;
        if let Some(inside) = content.strip_prefix('[') {
            self.in_option = false;
            return match inside.rsplit_once(']') {
                Some((header, _)) if !header.is_empty() => Line::Header(header),
                _ => Line::HalfHeader,
            };
        }
        match content.split_once(['=', ':']) {
            Some((key, value)) => {
                self.in_option = true;
                Line::Option(key.trim_end_matches(is_space), value.trim_start_matches(is_space))
            }
            None => Line::Other,
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (Range<usize>, Line<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.rest.split_inclusive('\n').next()?;
        let span = self.at..self.at + line.len();
        self.at = span.end;
        self.rest = self.rest.get(line.len()..).unwrap_or_default();
        Some((span, self.classify(line)))
    }
}

/// Python's `str.isspace`, which counts four separators that Unicode does not.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}
