//! What the API's model says of its parameters, and what STS says when one breaks it.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>

pub(super) const ROLE_ARN: Limits<'static> = Limits {
    member: "roleArn",
    sensitive: false,
    pattern: Some(Pattern {
        text: r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+",
        // The part with five digits is no range to the reader of patterns, and never matches.
        allows: |c| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}'),
        empty: false,
    }),
    length: (20, 2048),
};

pub(super) const SESSION_NAME: Limits<'static> = Limits {
    member: "roleSessionName",
    sensitive: false,
    pattern: Some(Pattern { text: r"[\w+=,.@-]*", allows: is_name_character, empty: true }),
    length: (2, 64),
};

pub(super) const TOKEN: Limits<'static> =
    Limits { member: "webIdentityToken", sensitive: true, pattern: None, length: (4, 20_000) };

pub(super) const POLICY: Limits<'static> = Limits {
    member: "policy",
    sensitive: false,
    pattern: Some(Pattern {
        text: r"[\u0009\u000A\u000D\u0020-\u00FF]+",
        allows: |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}'),
        empty: false,
    }),
    length: (1, 2048),
};

/// One of several ARNs, under the name that messages give it.
pub(super) fn policy_arn(member: &str) -> Limits<'_> {
    Limits { member, ..ROLE_ARN }
}

const MOST_POLICIES: usize = 10;

/// The limits of a text.
pub(super) struct Limits<'a> {
    /// As messages spell it.
    member: &'a str,
    /// Messages do not repeat the value of a sensitive one.
    sensitive: bool,
    pattern: Option<Pattern>,
    /// In characters.
    length: (usize, usize),
}

/// A regular expression as messages show it, and what it comes to.
struct Pattern {
    text: &'static str,
    allows: fn(char) -> bool,
    empty: bool,
}

impl Limits<'_> {
    pub(super) fn check_needed(&self, value: Option<&str>, broken: &mut Vec<String>) {
        if let Some(value) = value {
            return self.check(value, broken);
        }
        let shown = if self.sensitive { "" } else { "null " };
        broken.push(format!("Value {shown}at '{}' failed to satisfy constraint: Member must not be null", self.member));
    }

    /// Adds what is wrong to `broken`, in the words of STS.
    pub(super) fn check(&self, value: &str, broken: &mut Vec<String>) {
        let shown = if self.sensitive { String::new() } else { format!("'{value}' ") };
        let mut fault = |rule: String| {
            broken.push(format!("Value {shown}at '{}' failed to satisfy constraint: Member must {rule}", self.member));
        };
        if let Some(pattern) = &self.pattern
            && !(value.chars().all(pattern.allows) && (pattern.empty || !value.is_empty()))
        {
            fault(format!("satisfy regular expression pattern: {}", pattern.text));
        }
        let (least, most) = self.length;
        let length = value.chars().count();
        if length < least {
            fault(format!("have length greater than or equal to {least}"));
        } else if length > most {
            fault(format!("have length less than or equal to {most}"));
        }
    }
}

pub(super) fn check_duration(seconds: i32, broken: &mut Vec<String>) {
    let rule = match seconds {
        900..=43_200 => return,
        i32::MIN..900 => "greater than or equal to 900",
        _ => "less than or equal to 43200",
    };
    broken.push(format!(
        "Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value {rule}"
    ));
}

pub(super) fn check_policy_count(count: usize, broken: &mut Vec<String>) {
    if count > MOST_POLICIES {
        let rule = format!("Member must have length less than or equal to {MOST_POLICIES}");
        broken.push(format!("Value at 'policyArns' failed to satisfy constraint: {rule}"));
    }
}

/// `\w` is ASCII here.
pub(super) fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}
