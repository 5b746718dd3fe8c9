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
        matches!(
            self.test,
            Test::StringEquals | Test::StringEqualsIgnoreCase | Test::StringLike | Test::Arn | Test::Bool
        )
    }
}

impl Test {
    /// Whether a value of the request passes beside one of the policy. Negation, lists and keys that
    /// are not there are the evaluator's.
    #[must_use]
    pub(super) fn holds(self, had: &str, wanted: &str) -> bool {
        match self {
            Self::StringEquals => had == literal(wanted),
            // AWS does not say how it folds letters beyond ASCII, and no claim of a CI has any.
            Self::StringEqualsIgnoreCase => had.eq_ignore_ascii_case(&literal(wanted)),
            Self::StringLike => matches(wanted, had, false),
            Self::Numeric(order) => {
                decimal(had).zip(decimal(wanted)).is_some_and(|(had, wanted)| order.admits(had.cmp(&wanted)))
            }
            Self::Date(order) => {
                date(had).zip(date(wanted)).is_some_and(|(had, wanted)| order.admits(had.cmp(&wanted)))
            }
            Self::Bool => had.eq_ignore_ascii_case(&literal(wanted)),
            Self::Binary => had == wanted,
            Self::Ip => in_network(had, wanted),
            Self::Arn => arn_like(wanted, had),
            Self::Null => false, // asks for the key itself, not for a value
        }
    }
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
fn date(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse() {
        return Some(Timestamp::from_seconds(seconds));
    }
    match text.len() {
        10 => Timestamp::parse(&format!("{text}T00:00:00Z")),
        17 if text.ends_with('Z') => Timestamp::parse(&format!("{}:00Z", text.strip_suffix('Z')?)),
        _ => Timestamp::parse(text),
    }
}

/// An address in a network: `203.0.113.0/24`, or one address.
fn in_network(address: &str, network: &str) -> bool {
    fn bits(address: IpAddr) -> (u128, u32) {
        match address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32),
            IpAddr::V6(v6) => (v6.to_bits(), 128),
        }
    }
    let (start, length) = network.split_once('/').map_or((network, None), |(start, length)| (start, Some(length)));
    let (Ok(address), Ok(start)) = (address.parse(), start.parse()) else { return false };
    let ((address, width), (start, start_width)) = (bits(address), bits(start));
    let length = match length.map(str::parse::<u32>) {
        None => width,
        Some(Ok(length)) if length <= width => length,
        Some(_) => return false,
    };
    width == start_width && (length == 0 || (address ^ start) >> (128 - length) == 0)
}

/// Part by part, so that a `*` does not reach across a colon; the resource is one part.
fn arn_like(pattern: &str, arn: &str) -> bool {
    let (patterns, parts): (Vec<&str>, Vec<&str>) = (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    patterns.len() == 6
        && parts.len() == 6
        && parts.first() == Some(&"arn")
        && patterns.iter().zip(&parts).all(|(pattern, part)| matches(pattern, part, false))
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

    #[test]
    fn values_compare() {
        let numeric = |order| Test::Numeric(order);
        for (test, had, wanted, holds) in [
            (Test::StringEquals, "a", "a", true),
            (Test::StringEquals, "a", "A", false),
            (Test::StringEquals, "ab", "a*", false),
            (Test::StringEqualsIgnoreCase, "Ab", "aB", true),
            (Test::StringLike, "ab", "a*", true),
            (numeric(Order::Equal), "10", "10.0", true),
            (numeric(Order::Equal), "x", "x", false),
            (numeric(Order::Less), "-2", "1.5", true),
            (numeric(Order::GreaterOrEqual), "1.50", "1.5", true),
            (Test::Date(Order::Less), "2026-01-01T00:00:00Z", "2026-01-02", true),
            (Test::Date(Order::Greater), "1767225601", "2026-01-01T00:00Z", true),
            (Test::Bool, "TRUE", "true", true),
            (Test::Ip, "203.0.113.9", "203.0.113.0/24", true),
            (Test::Ip, "203.0.114.9", "203.0.113.0/24", false),
            (Test::Ip, "203.0.113.9", "203.0.113.9", true),
            (Test::Ip, "::1", "0.0.0.0/0", false),
            (Test::Ip, "2001:db8::5", "2001:db8::/32", true),
            (Test::Ip, "203.0.113.9", "203.0.113.0/33", false),
            (Test::Arn, "arn:aws:iam::1:role/a/b", "arn:aws:iam::*:role/a*", true),
            (Test::Arn, "arn:aws:iam::1:role/a", "arn:aws:*:role/a", false),
            (Test::Arn, "x", "*", false),
        ] {
            assert_eq!(test.holds(had, wanted), holds, "{test:?} {had} {wanted}");
        }
    }
}
