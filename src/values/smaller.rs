//! The smaller values: regions, audiences, profile names, numbers, lists.

use super::{AccountId, PolicyArn, ValueFault};
use crate::sts::tags::Tags;

/// The name of a region, of any partition, known to us or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region(String);

impl Region {
    /// # Errors
    /// When it cannot be the name of a region.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        let fault = |problem: &str| ValueFault::new(problem, "us-east-1");
        super::role::refuse_placeholder(text, "us-east-1")?;
        if !text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
            let mended = text.to_ascii_lowercase().replace('_', "-");
            let fault = fault("is not a region's name, which has lower-case letters, digits and dashes");
            return Err(if mended != text && Self::parse(&mended).is_ok() { fault.hint(mended) } else { fault });
        }
        if text.len() > 63 || text.starts_with('-') || text.ends_with('-') {
            return Err(fault("is not a region's name"));
        }
        let mut tail = text.bytes().rev();
        let zone = matches!(tail.next(), Some(b'a'..=b'f')) && matches!(tail.next(), Some(b'0'..=b'9'));
        if zone && text.contains('-') {
            return Err(fault("is an availability zone, not a region").hint(&text[..text.len() - 1]));
        }
        Ok(Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What requests to STS there are signed for. The global endpoint has none of its own.
    #[must_use]
    pub fn of_signature(&self) -> &str {
        if self.0 == "aws-global" { "us-east-1" } else { &self.0 }
    }
}

/// Whom a token is meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience(String);

impl Audience {
    /// What AWS's own tools ask for.
    pub const STS: &str = "sts.amazonaws.com";

    /// # Errors
    /// When it is a placeholder. Any other text can be an audience.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        super::role::refuse_placeholder(text, "sts.amazonaws.com")?;
        Ok(Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Audience {
    fn default() -> Self {
        Self(Self::STS.to_owned())
    }
}

/// A profile of the AWS config files: no white space, brackets, slashes, quotes or controls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileName(String);

impl ProfileName {
    /// # Errors
    /// When it could not stand between the brackets of a section.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        let odd = |c: char| c.is_whitespace() || c.is_control() || "[]/\\\"'#;=".contains(c);
        match text.chars().find(|c| odd(*c)) {
            Some(found) => Err(ValueFault::new(
                format!("has the character `{found}`, which a profile's name cannot have"),
                "deploy",
            )),
            None if text.len() > 128 => Err(ValueFault::new("is longer than 128 characters", "deploy")),
            None => Ok(Self(text.to_owned())),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Seconds as a number, or as a sum such as `1h30m`.
///
/// # Errors
/// When it is neither.
pub fn seconds(text: &str) -> Result<u64, ValueFault> {
    let fault = || ValueFault::new("is not a duration", "1h");
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(seconds);
    }
    let mut total: u64 = 0;
    let mut digits = String::new();
    let mut last_unit = u64::MAX;
    for c in text.chars().filter(|c| *c != ' ') {
        let unit = match c {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            'h' | 'H' => 3600,
            'm' | 'M' => 60,
            's' | 'S' => 1,
            _ => return Err(fault()),
        };
        if unit >= last_unit {
            return Err(fault());
        }
        last_unit = unit;
        let count: u64 = digits.parse().map_err(|_| fault())?;
        total = count.checked_mul(unit).and_then(|part| total.checked_add(part)).ok_or_else(fault)?;
        digits.clear();
    }
    if digits.is_empty() && last_unit != u64::MAX { Ok(total) } else { Err(fault()) }
}

/// # Errors
/// When it is not a whole number from 0.
pub fn whole_number(text: &str) -> Result<u32, ValueFault> {
    text.parse().map_err(|_| ValueFault::new("is not a whole number", "3"))
}

/// Account ids between commas, white space or new lines; never an empty list.
///
/// # Errors
/// Names the first entry that is no account id.
pub fn account_ids(text: &str) -> Result<Vec<AccountId>, ValueFault> {
    let ids: Vec<AccountId> = text
        .split([',', ' ', '\n', '\r', '\t'])
        .filter(|entry| !entry.is_empty())
        .map(AccountId::parse)
        .collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Err(ValueFault::new("holds no account id, so it would allow any account", "123456789012"));
    }
    Ok(ids)
}

/// ARNs of managed policies, one a line or between commas; at most ten.
///
/// # Errors
/// Names the first entry that is no ARN of a policy.
pub fn policy_arns(text: &str) -> Result<Vec<PolicyArn>, ValueFault> {
    let arns: Vec<PolicyArn> = text
        .split(['\n', '\r', ','])
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(PolicyArn::parse)
        .collect::<Result<_, _>>()?;
    if arns.len() > 10 {
        return Err(ValueFault::new(
            format!("has {} policies; STS takes 10", arns.len()),
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
        ));
    }
    Ok(arns)
}

/// What the trust policy of a role asks of third parties: 2 to 1224 characters of `[\w+=,.@:\/-]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalId(String);

impl ExternalId {
    /// # Errors
    /// When STS would refuse it.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
        match text.chars().find(|c| !fits(*c)) {
            Some(odd) => Err(ValueFault::new(
                format!("has the character `{odd}`; an external id takes letters, digits and `_+=,.@:/-`"),
                "customer-1234",
            )),
            None if !(2..=1224).contains(&text.len()) => {
                Err(ValueFault::new("does not have 2 to 1224 characters", "customer-1234"))
            }
            None => Ok(Self(text.to_owned())),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Keys of session tags, one a line or between commas, each once.
///
/// # Errors
/// Never: which keys there are is not known here.
pub fn tag_keys(text: &str) -> Result<Vec<String>, ValueFault> {
    let mut keys: Vec<String> = Vec::new();
    for key in text.split(['\n', '\r', ',']).map(str::trim).filter(|key| !key.is_empty()) {
        if !keys.iter().any(|known| known == key) {
            keys.push(key.to_owned());
        }
    }
    Ok(keys)
}

/// Session tags as a JSON object of strings, numbers and booleans, on top of those that there are.
///
/// # Errors
/// When STS would refuse a tag, there are more than 50, or one is there already.
pub fn custom_tags(text: &str, mut all: Tags) -> Result<Tags, ValueFault> {
    const EXAMPLE: &str = r#"{"team": "payments"}"#;
    let fault = |problem: String| ValueFault::new(problem, EXAMPLE);
    let tags: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let tags = tags.as_object().ok_or_else(|| fault("is not a JSON object".to_owned()))?;
    for (key, value) in tags {
        let value = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Bool(_) | serde_json::Value::Number(_) => value.to_string(),
            _ => return Err(fault(format!("has the tag `{key}`, whose value is neither text, number nor boolean"))),
        };
        all.push(key, &value).map_err(|found| fault(format!("cannot be sent: {found}")))?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_mistakes_are_named() {
        for text in ["us-east-1", "us-gov-west-1", "eusc-de-east-1", "aws-global", "xx-new-9"] {
            assert!(Region::parse(text).is_ok(), "{text}");
        }
        for (text, hint) in [
            ("us-east-1a", Some("us-east-1")),
            ("US-EAST-1", Some("us-east-1")),
            ("us_east_1", Some("us-east-1")),
            ("N. Virginia", None),
            ("${{ vars.REGION }}", None),
            ("us-east-1.evil.example", None),
        ] {
            assert_eq!(Region::parse(text).unwrap_err().hint.as_deref(), hint, "{text}");
        }
    }

    #[test]
    fn an_allow_list_is_never_silently_empty() {
        assert_eq!(account_ids("123456789012, ,210987654321,").map(|ids| ids.len()), Ok(2));
        assert_eq!(account_ids(",123456789012").map(|ids| ids.len()), Ok(1));
        assert!(account_ids(",").is_err());
        assert!(account_ids("123456789012,prod").is_err());
    }

    #[test]
    fn blank_lines_leave_no_hole_in_a_list_of_policies() {
        let arns = policy_arns("arn:aws:iam::aws:policy/A\n\n  \narn:aws:iam::aws:policy/B\n").unwrap();
        assert_eq!(
            arns.iter().map(PolicyArn::as_str).collect::<Vec<_>>(),
            ["arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B"]
        );
        assert!(policy_arns(&"arn:aws:iam::aws:policy/A\n".repeat(11)).is_err());
    }

    #[test]
    fn tags_are_checked_like_sts_would() {
        let mut usual = Tags::default();
        usual.push("GitHub", "Actions").unwrap();
        let tags = custom_tags(r#"{"team":"payments","n":1,"on":true}"#, usual.clone()).unwrap();
        let tags: Vec<(&str, &str)> = tags.iter().collect();
        assert_eq!(tags, [("GitHub", "Actions"), ("n", "1"), ("on", "true"), ("team", "payments")]);
        for text in ["[]", "x", r#"{"a":null}"#, r#"{"a":{}}"#, r#"{"":"x"}"#, r#"{"a":"<b>"}"#, r#"{"github":"x"}"#] {
            assert!(custom_tags(text, usual.clone()).is_err(), "{text}");
        }
    }

    #[test]
    fn external_ids_and_keys_are_read() {
        assert!(ExternalId::parse("a:b/c-1").is_ok());
        for text in ["x", "a b", "é1", &"x".repeat(1225)] {
            assert!(ExternalId::parse(text).is_err(), "{text}");
        }
        assert_eq!(tag_keys("a\n\n b ,a").unwrap(), ["a", "b"]);
    }
}
