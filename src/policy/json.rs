//! JSON as people have it: with places, and with a word on the slip where it is not quite JSON.

use std::fmt;

use jsonc_parser::ast::Value;
use jsonc_parser::common::{Range, Ranged as _};
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::bytes;
use super::tree::{Kind, Member, Node, Span};

/// An account's dump of ten thousand roles has about 25 MB.
pub const MAX_BYTES: usize = 64 << 20;
/// That dump has a million; what the parser builds for this many takes some 300 MB.
pub const MAX_VALUES: usize = 4_000_000;

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
    TooMany,
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
            Self::TooMany => write!(f, "more than {MAX_VALUES} values"),
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

const LENIENT: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: true,
    allow_trailing_commas: true,
    allow_missing_commas: true,
    allow_single_quoted_strings: true,
    allow_hexadecimal_numbers: true,
    allow_unary_plus_numbers: true,
    allow_bare_decimal_point_numbers: true,
    allow_non_finite_numbers: true,
    allow_extended_string_escapes: false,
};

#[must_use]
pub fn read(text: &str) -> Read {
    let parsed = parse(text, 0);
    Read { node: parsed.value.map(|value| node(&value, parsed.base)), fault: parsed.fault }
}

/// A document as the parser has it, of which only some may be needed as [`Node`]s.
pub(super) struct Parsed<'t> {
    pub value: Option<Value<'t>>,
    pub fault: Option<Fault>,
    /// Where the text stands that the parser's places count from.
    pub base: usize,
}

/// `at` is where `text` stands in its file.
pub(super) fn parse(text: &str, at: usize) -> Parsed<'_> {
    let failed = |slip| Parsed { value: None, fault: Some(Fault { span: Span::new(at, at), slip }), base: at };
    if text.len() > MAX_BYTES {
        return failed(Slip::TooLarge);
    }
    if values_at_most(text) > MAX_VALUES {
        return failed(Slip::TooMany);
    }
    make_room(text);
    let (text, mark) = match text.strip_prefix('\u{feff}') {
        Some(rest) => (rest, '\u{feff}'.len_utf8()),
        None => (text, 0),
    };
    let base = at + mark;
    let parse =
        |options: &ParseOptions| parse_to_ast(text, &CollectOptions::default(), options).map(|parsed| parsed.value);
    let mut outcome = match parse(&STRICT) {
        Ok(None) => return failed(Slip::Empty),
        Ok(value) => Parsed { value, fault: None, base },
        Err(error) => Parsed { value: parse(&LENIENT).ok().flatten(), fault: Some(fault(text, base, &error)), base },
    };
    if mark > 0 && outcome.fault.is_none() {
        outcome.fault = Some(Fault { span: Span::new(at, base), slip: Slip::ByteOrderMark });
    }
    outcome
}

/// Where a second document starts, if the text holds one behind the first.
pub(super) fn second(text: &str) -> Option<usize> {
    match parse_to_ast(text, &CollectOptions::default(), &STRICT) {
        Err(error) if matches!(error.kind(), ParseErrorKind::MultipleRootJsonValues) => Some(error.range().start),
        _ => None,
    }
}

/// Every value but the outermost follows one of three characters.
fn values_at_most(text: &str) -> usize {
    1 + bytes::count_of(text, *b",[{")
}

/// Asks for the memory of a large document at once. WebAssembly's allocator grows its memory by the
/// smallest step, and thousands of steps cost more than to parse.
fn make_room(text: &str) {
    if text.len() > (1 << 20) {
        std::hint::black_box(Vec::<u8>::with_capacity(2 * text.len()));
    }
}

/// Depth is limited by the parser.
pub(super) fn node(value: &Value<'_>, base: usize) -> Node {
    let kind = match value {
        Value::NullKeyword(_) => Kind::Null,
        Value::BooleanLit(literal) => Kind::Bool(literal.value),
        Value::NumberLit(literal) => Kind::Number(literal.value.to_owned()),
        Value::StringLit(literal) => Kind::Text(literal.value.clone().into_owned()),
        Value::Array(array) => Kind::List(array.elements.iter().map(|element| node(element, base)).collect()),
        Value::Object(object) => Kind::Object(
            object
                .properties
                .iter()
                .map(|property| Member {
                    name_span: span(property.name.range(), base),
                    name: property.name.as_str().to_owned(),
                    value: node(&property.value, base),
                })
                .collect(),
        ),
    };
    Node { span: span(value.range(), base), kind }
}

pub(super) fn span(range: Range, base: usize) -> Span {
    Span::new(range.start + base, range.end + base)
}

fn fault(text: &str, base: usize, error: &ParseError) -> Fault {
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
    Fault { span: Span::new(start + base, end.max(start) + base), slip }
}

fn placeholder(rest: &str, end: char) -> Slip {
    let line = rest.lines().next().unwrap_or_default();
    let until = line.find(end).map_or(line.len(), |at| at + end.len_utf8());
    Slip::Placeholder(line.get(..until).unwrap_or_default().chars().take(60).collect())
}
