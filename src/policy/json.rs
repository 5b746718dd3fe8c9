//! JSON as people have it: with places, and with a word on the slip where it is not quite JSON.

use std::fmt;

use jsonc_parser::ast::Value;
use jsonc_parser::common::{Range, Ranged as _};
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::tree::{Kind, Member, Node, Span};

/// An account's dump of ten thousand roles has about 25 MB.
pub const MAX_BYTES: usize = 64 << 20;

/// Why a text is not JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub span: Span,
    pub slip: Slip,
}

/// What somebody probably did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slip {
    TrailingComma,
    MissingComma,
    Comment,
    SmartQuote(char),
    SingleQuote,
    /// `<ACCOUNT_ID>`, `${var}` and their kin outside quotes.
    Placeholder(String),
    BadEscape,
    Unquoted(String),
    Unfinished,
    /// A second value behind the first.
    MoreThanOne,
    TooDeep,
    TooLarge,
    Empty,
    ByteOrderMark,
    Other(String),
}

impl fmt::Display for Slip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrailingComma => f.write_str("a comma before a closing bracket"),
            Self::MissingComma => f.write_str("a comma is missing between two entries"),
            Self::Comment => f.write_str("a comment, which JSON does not have"),
            Self::SmartQuote(c) => write!(f, "a typographic quote {c} where JSON needs a plain \""),
            Self::SingleQuote => f.write_str("a single quote where JSON needs \""),
            Self::Placeholder(text) => write!(f, "the placeholder {text} was left in"),
            Self::BadEscape => f.write_str("a backslash before a character that has no escape in JSON"),
            Self::Unquoted(word) => write!(f, "the word {word} stands without quotes"),
            Self::Unfinished => f.write_str("the text ends before its last bracket or quote is closed"),
            Self::MoreThanOne => f.write_str("a second document follows the first"),
            Self::TooDeep => f.write_str("brackets in brackets, deeper than any policy"),
            Self::TooLarge => write!(f, "more than {} MiB", MAX_BYTES >> 20),
            Self::Empty => f.write_str("there is nothing in it"),
            Self::ByteOrderMark => f.write_str("a byte order mark at the start; save the file as UTF-8 without it"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// A document, and what is wrong with its JSON. With slips that leave no doubt about what was meant,
/// the document is there all the same, so that the rest of it can be looked at.
pub struct Read {
    pub node: Option<Node>,
    pub fault: Option<Fault>,
}

const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

#[must_use]
pub fn read(text: &str) -> Read {
    if text.len() > MAX_BYTES {
        return Read { node: None, fault: Some(Fault { span: Span::default(), slip: Slip::TooLarge }) };
    }
    let (text, mark) = match text.strip_prefix('\u{feff}') {
        Some(rest) => (rest, '\u{feff}'.len_utf8()),
        None => (text, 0),
    };
    let parse = |options: &ParseOptions| {
        parse_to_ast(text, &CollectOptions::default(), options)
            .map(|parsed| parsed.value.map(|value| node(value, mark)))
    };
    let mut outcome = match parse(&STRICT) {
        Ok(Some(node)) => Read { node: Some(node), fault: None },
        Ok(None) => Read { node: None, fault: Some(Fault { span: Span::default(), slip: Slip::Empty }) },
        Err(error) => {
            let lenient = ParseOptions { allow_extended_string_escapes: false, ..ParseOptions::default() };
            Read { node: parse(&lenient).ok().flatten(), fault: Some(fault(text, mark, &error)) }
        }
    };
    if mark > 0 && outcome.fault.is_none() {
        outcome.fault = Some(Fault { span: Span::new(0, mark), slip: Slip::ByteOrderMark });
    }
    outcome
}

/// Depth is limited by the parser.
fn node(value: Value<'_>, mark: usize) -> Node {
    let span = span(value.range(), mark);
    let kind = match value {
        Value::NullKeyword(_) => Kind::Null,
        Value::BooleanLit(literal) => Kind::Bool(literal.value),
        Value::NumberLit(literal) => Kind::Number(literal.value.to_owned()),
        Value::StringLit(literal) => Kind::Text(literal.value.into_owned()),
        Value::Array(array) => Kind::List(array.elements.into_iter().map(|element| node(element, mark)).collect()),
        Value::Object(object) => Kind::Object(
            object
                .properties
                .into_iter()
                .map(|property| Member {
                    name_span: self::span(property.name.range(), mark),
                    name: property.name.into_string(),
                    value: node(property.value, mark),
                })
                .collect(),
        ),
    };
    Node { span, kind }
}

fn span(range: Range, mark: usize) -> Span {
    Span::new(range.start + mark, range.end + mark)
}

fn fault(text: &str, mark: usize, error: &ParseError) -> Fault {
    let Range { start, end } = error.range();
    let rest = text.get(start..).unwrap_or_default();
    let first = rest.chars().next();
    let slip = match error.kind() {
        ParseErrorKind::TrailingCommasNotAllowed => Slip::TrailingComma,
        ParseErrorKind::CommentsNotAllowed | ParseErrorKind::UnterminatedCommentBlock => Slip::Comment,
        ParseErrorKind::SingleQuotedStringsNotAllowed => Slip::SingleQuote,
        ParseErrorKind::MultipleRootJsonValues => Slip::MoreThanOne,
        ParseErrorKind::NestingDepthExceeded => Slip::TooDeep,
        ParseErrorKind::UnterminatedArray | ParseErrorKind::UnterminatedObject => Slip::Unfinished,
        kind => match first {
            Some(c) if "\u{201c}\u{201d}\u{201e}\u{2018}\u{2019}\u{ab}\u{bb}".contains(c) => Slip::SmartQuote(c),
            Some('<') => placeholder(rest, '>'),
            Some('$') => placeholder(rest, '}'),
            Some('{') if rest.starts_with("{{") => placeholder(rest, '}'),
            None => Slip::Unfinished,
            Some(_) => match kind {
                ParseErrorKind::ExpectedComma => Slip::MissingComma,
                ParseErrorKind::String(_) => Slip::BadEscape,
                ParseErrorKind::UnexpectedWord | ParseErrorKind::ExpectedStringObjectProperty => {
                    let word = rest.chars().take(40).take_while(|c| c.is_alphanumeric() || "_-.".contains(*c));
                    Slip::Unquoted(word.collect())
                }
                other => Slip::Other(other.to_string()),
            },
        },
    };
    Fault { span: Span::new(start + mark, end.max(start) + mark), slip }
}

fn placeholder(rest: &str, end: char) -> Slip {
    let line = rest.lines().next().unwrap_or_default();
    let until = line.find(end).map_or(line.len(), |at| at + end.len_utf8());
    Slip::Placeholder(line.get(..until).unwrap_or_default().chars().take(60).collect())
}
