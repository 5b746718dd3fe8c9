//! Condition operators: what their names mean, and how each compares one value of the request with
//! one of the policy.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use std::cmp::Ordering;
use std::net::IpAddr;

use super::pattern::{literal, matches};
use crate::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    pub test: Test,
    pub negated: bool,
    pub if_exists: bool,
    pub set: Option<Set>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

/// What a number or date has to be, beside the policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// How the values of a key that has several count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    All,
    Any,
}

/// All names without set operator and `IfExists`. Upper and lower case make no difference to AWS.
pub const NAMES: [(&str, Test, bool); 27] = [
    ("StringEquals", Test::StringEquals, false),
    ("StringNotEquals", Test::StringEquals, true),
    ("StringEqualsIgnoreCase", Test::StringEqualsIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Test::StringEqualsIgnoreCase, true),
    ("StringLike", Test::StringLike, false),
    ("StringNotLike", Test::StringLike, true),
    ("NumericEquals", Test::Numeric(Order::Equal), false),
    ("NumericNotEquals", Test::Numeric(Order::Equal), true),
    ("NumericLessThan", Test::Numeric(Order::Less), false),
    ("NumericLessThanEquals", Test::Numeric(Order::LessOrEqual), false),
    ("NumericGreaterThan", Test::Numeric(Order::Greater), false),
    ("NumericGreaterThanEquals", Test::Numeric(Order::GreaterOrEqual), false),
    ("DateEquals", Test::Date(Order::Equal), false),
    ("DateNotEquals", Test::Date(Order::Equal), true),
    ("DateLessThan", Test::Date(Order::Less), false),
    ("DateLessThanEquals", Test::Date(Order::LessOrEqual), false),
    ("DateGreaterThan", Test::Date(Order::Greater), false),
    ("DateGreaterThanEquals", Test::Date(Order::GreaterOrEqual), false),
    ("Bool", Test::Bool, false),
    ("BinaryEquals", Test::Binary, false),
    ("IpAddress", Test::Ip, false),
    ("NotIpAddress", Test::Ip, true),
    ("ArnEquals", Test::Arn, false),
    ("ArnLike", Test::Arn, false),
    ("ArnNotEquals", Test::Arn, true),
    ("ArnNotLike", Test::Arn, true),
    ("Null", Test::Null, false),
];

impl Operator {
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let (set, rest) = match name.split_once(':') {
            None => (None, name),
            Some((set, rest)) if set.eq_ignore_ascii_case("ForAllValues") => (Some(Set::All), rest),
            Some((set, rest)) if set.eq_ignore_ascii_case("ForAnyValue") => (Some(Set::Any), rest),
            Some(_) => return None,
        };
        let at = rest.len().checked_sub("IfExists".len());
        let (base, if_exists) = match at.and_then(|at| rest.split_at_checked(at)) {
            Some((base, end)) if end.eq_ignore_ascii_case("IfExists") => (base, true),
            _ => (rest, false),
        };
        let (_, test, negated) = NAMES.iter().find(|(known, ..)| known.eq_ignore_ascii_case(base))?;
        if *test == Test::Null && (if_exists || set.is_some()) {
            return None;
        }
        Some(Self { test: *test, negated: *negated, if_exists, set })
    }

    /// Whether `*` and `?` in its values stand for other text.
    #[must_use]
    pub fn has_wildcards(self) -> bool {
        matches!(self.test, Test::StringLike | Test::Arn)
    }

    /// Whether `${…}` in its values is replaced.
    #[must_use]
    pub fn has_variables(self) -> bool {
        matches!(self.test, Test::StringEquals | Test::StringEqualsIgnoreCase | Test::StringLike | Test::Arn)
    }
}

/// How one value of the request stands beside one of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    Match,
    NoMatch,
    /// One of the two is nothing that the operator compares: no number, no date, no ARN.
    WrongType,
    /// AWS does not say.
    Undocumented,
}

impl From<bool> for Compared {
    fn from(matched: bool) -> Self {
        if matched { Self::Match } else { Self::NoMatch }
    }
}

impl Test {
    /// Compares a value of the request with one of the policy, which is a [`super::pattern`] where the
    /// operator has variables. Negation, lists and keys that are not there are the evaluator's.
    #[must_use]
    pub(super) fn compare(self, had: &str, wanted: &str) -> Compared {
        let ordered = |order: Order, found: Option<Ordering>| {
            found.map_or(Compared::WrongType, |found| order.admits(found).into())
        };
        match self {
            Self::StringEquals => (had == literal(wanted)).into(),
            Self::StringEqualsIgnoreCase => folded(had, &literal(wanted)),
            Self::StringLike => matches(wanted, had, false).into(),
            Self::Numeric(order) => {
                ordered(order, decimal(had).zip(decimal(wanted)).map(|(had, wanted)| had.cmp(&wanted)))
            }
            Self::Date(order) => ordered(order, date(had).zip(date(wanted)).map(|(had, wanted)| had.cmp(&wanted))),
            Self::Bool => {
                let truth = |text: &str| {
                    Some(text.eq_ignore_ascii_case("true")).filter(|truth| *truth || text.eq_ignore_ascii_case("false"))
                };
                truth(had).zip(truth(wanted)).map_or(Compared::WrongType, |(had, wanted)| (had == wanted).into())
            }
            Self::Binary => (had == wanted).into(),
            Self::Ip => in_network(had, wanted).map_or(Compared::WrongType, Into::into),
            Self::Arn => arn_like(wanted, had),
            Self::Null => Compared::NoMatch, // asks for the key itself, not for a value
        }
    }
}

/// AWS does not say how it folds letters beyond ASCII.
fn folded(had: &str, wanted: &str) -> Compared {
    if had.eq_ignore_ascii_case(wanted) {
        return Compared::Match;
    }
    let is_same = !(had.is_ascii() && wanted.is_ascii())
        && (had.to_lowercase() == wanted.to_lowercase() || had.to_uppercase() == wanted.to_uppercase());
    if is_same { Compared::Undocumented } else { Compared::NoMatch }
}

impl Order {
    fn admits(self, found: Ordering) -> bool {
        match self {
            Self::Equal => found.is_eq(),
            Self::Less => found.is_lt(),
            Self::LessOrEqual => found.is_le(),
            Self::Greater => found.is_gt(),
            Self::GreaterOrEqual => found.is_ge(),
        }
    }
}

/// A decimal number, exactly: 38 digits, of which 12 behind the point.
fn decimal(text: &str) -> Option<i128> {
    const PLACES: usize = 12;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.len() + fraction.len() == 0
        || fraction.len() > PLACES
        || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let value: i128 = format!("{whole}{fraction:0<PLACES$}").parse().ok()?;
    Some(if negative { -value } else { value })
}

/// A date of W3C's profile of ISO 8601, or seconds since 1970.
/// <https://www.w3.org/TR/NOTE-datetime>
fn date(text: &str) -> Option<Timestamp> {
    if text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Timestamp::from_seconds);
    }
    let Some((day, clock)) = text.split_once('T') else {
        let day = if text.len() == 7 { format!("{text}-01") } else { text.to_owned() };
        return Timestamp::parse(&format!("{day}T00:00:00Z"));
    };
    let zone = clock.find(['Z', '+', '-'])?;
    let (clock, zone) = clock.split_at_checked(zone)?;
    let seconds = if clock.len() == 5 { ":00" } else { "" }; // they may be left out
    Timestamp::parse(&format!("{day}T{clock}{seconds}{zone}"))
}

/// An address in a network: `203.0.113.0/24`, or one address. `None`: one of the two is neither.
fn in_network(address: &str, network: &str) -> Option<bool> {
    fn bits(address: IpAddr) -> (u128, u32) {
        match address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32),
            IpAddr::V6(v6) => (v6.to_bits(), 128),
        }
    }
    let (start, length) = network.split_once('/').map_or((network, None), |(start, length)| (start, Some(length)));
    let (address, width) = bits(address.parse().ok()?);
    let (start, start_width) = bits(start.parse().ok()?);
    let length = match length {
        None => start_width,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
        Some(_) => return None,
    };
    if length > start_width {
        return None;
    }
    Some(width == start_width && (length == 0 || (address ^ start) >> (128 - length) == 0))
}

/// Part by part, so that a `*` does not reach across a colon; the resource is one part.
fn arn_like(pattern: &str, arn: &str) -> Compared {
    let (patterns, parts): (Vec<&str>, Vec<&str>) = (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    if parts.len() != 6 || parts.first() != Some(&"arn") {
        return Compared::WrongType;
    }
    if patterns.len() != 6 {
        // People write `*` for any ARN, and AWS does not say whether it is one.
        return if pattern.contains('*') { Compared::Undocumented } else { Compared::WrongType };
    }
    patterns.iter().zip(&parts).all(|(pattern, part)| matches(pattern, part, false)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        let read = |name| Operator::named(name).map(|op| (op.test, op.negated, op.if_exists, op.set));
        for (name, expected) in [
            ("StringEquals", Some((Test::StringEquals, false, false, None))),
            ("stringnotlikeifexists", Some((Test::StringLike, true, true, None))),
            ("ForAllValues:StringLike", Some((Test::StringLike, false, false, Some(Set::All)))),
            ("ForAnyValue:ArnNotLikeIfExists", Some((Test::Arn, true, true, Some(Set::Any)))),
            ("Null", Some((Test::Null, false, false, None))),
            ("NullIfExists", None),
            ("IfExists", None),
            ("", None),
            ("ForNoValues:StringEquals", None),
            ("StringMatches", None),
            ("éIfExist", None),
        ] {
            assert_eq!(read(name), expected, "{name}");
        }
    }
}
