//! A document as it was written: every value and every name with its place, twins of a name included.
//!
//! JSON, YAML and documents inside other documents all become this, so that whoever reads a policy
//! does not care where it came from, and a finding always points at the file that a person has open.

use super::bytes;

/// Bytes of a source text, from `start` up to `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub span: Span,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    Bool(bool),
    /// As it was written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// One member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub name_span: Span,
    pub value: Node,
}

impl Node {
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    #[must_use]
    pub fn members(&self) -> Option<&[Member]> {
        match &self.kind {
            Kind::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The last member of that name, which is the one that most readers take.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.members()?.iter().rev().find(|member| member.name == name).map(|member| &member.value)
    }

    /// The elements of a list, or the value itself, which stands for a list of one in a policy.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// What a policy takes a plain value for: text, and numbers and truth values as they are written.
    #[must_use]
    pub fn scalar(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) | Kind::Number(text) => Some(text),
            Kind::Bool(true) => Some("true"),
            Kind::Bool(false) => Some("false"),
            Kind::Null | Kind::List(_) | Kind::Object(_) => None,
        }
    }

    /// For the reader of a message.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a truth value",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Object(_) => "an object",
        }
    }

    /// The JSON Pointer (RFC 6901) of the innermost value that holds `span`.
    #[must_use]
    pub fn pointer(&self, span: Span) -> String {
        let mut pointer = String::new();
        let mut node = self;
        loop {
            let inner = match &node.kind {
                Kind::List(items) => items
                    .iter()
                    .enumerate()
                    .find(|(_, item)| item.span.contains(span))
                    .map(|(index, item)| (index.to_string(), item)),
                Kind::Object(members) => members
                    .iter()
                    .find(|member| Span::new(member.name_span.start, member.value.span.end).contains(span))
                    .map(|member| (member.name.replace('~', "~0").replace('/', "~1"), &member.value)),
                _ => None,
            };
            let Some((step, next)) = inner else { return pointer };
            pointer.push('/');
            pointer.push_str(&step);
            node = next;
        }
    }
}

/// Where the lines of a text begin, to turn bytes into what editors show.
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// The characters before each [`BLOCK`], so that a place in a long line costs no more than in a short one.
    before: Vec<usize>,
}

const BLOCK: usize = 1024;

impl<'a> Lines<'a> {
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(bytes::places_of(text, b'\n').into_iter().map(|at| at + 1)).collect();
        let counts = text.as_bytes().chunks(BLOCK).scan(0, |sum, block| {
            *sum += bytes::characters(block);
            Some(*sum)
        });
        Self { text, starts, before: std::iter::once(0).chain(counts).collect() }
    }

    /// The line of a byte, from 1.
    #[must_use]
    pub fn number(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).max(1)
    }

    /// Line and column of a byte, both from 1, the column in characters.
    #[must_use]
    pub fn place(&self, at: usize) -> (usize, usize) {
        let line = self.number(at);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        (line, self.characters_before(at).saturating_sub(self.characters_before(start)) + 1)
    }

    fn characters_before(&self, at: usize) -> usize {
        let at = at.min(self.text.len());
        let block = at / BLOCK;
        let rest = self.text.as_bytes().get(block * BLOCK..at).unwrap_or_default();
        self.before.get(block).copied().unwrap_or(0) + bytes::characters(rest)
    }

    /// The text of a line, from 1, without its end.
    #[must_use]
    pub fn line(&self, number: usize) -> &'a str {
        let start = self.starts.get(number.wrapping_sub(1)).copied().unwrap_or(self.text.len());
        self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn places_are_those_that_one_would_count(text in "[a-é😀\\n]{0,60}", times in 1_usize..60) {
            let text = text.repeat(times);
            let lines = Lines::new(&text);
            let (mut line, mut column) = (1, 1);
            for (at, c) in text.char_indices() {
                prop_assert_eq!(lines.place(at), (line, column));
                (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
            }
            prop_assert_eq!(lines.place(text.len()), (line, column));
            prop_assert_eq!(lines.place(usize::MAX).0, line);
        }
    }
}
