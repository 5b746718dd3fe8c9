//! What a session is called, how long it lasts, and what narrows it.

use super::ValueFault;

/// 2 to 64 characters of `[\w+=,.@-]`. It is part of the assumed role's ARN and of CloudTrail events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionName(String);

impl SessionName {
    /// # Errors
    /// When STS would refuse it. The hint is the nearest name that it takes.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        let example = "deploy-123";
        if let Some(odd) = text.chars().find(|c| !is_name_character(*c)) {
            let mended: String = text.chars().map(|c| if is_name_character(c) { c } else { '-' }).take(64).collect();
            let mended = if mended.len() < 2 { example.to_owned() } else { mended };
            return Err(ValueFault::new(
                format!("has the character `{odd}`; a session name takes letters, digits and `_+=,.@-`"),
                example,
            )
            .hint(mended));
        }
        if !(2..=64).contains(&text.len()) {
            let fault = ValueFault::new(format!("is {} characters long; 2 to 64 are allowed", text.len()), example);
            return Err(match text.get(..64) {
                Some(head) => fault.hint(head),
                None => fault,
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// The nearest name that STS takes, for names that nobody chose: each run of other characters is
    /// a dash, and 64 characters are enough.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut name = String::new();
        for c in text.chars() {
            if is_name_character(c) {
                name.push(c);
            } else if !name.ends_with('-') {
                name.push('-');
            }
        }
        name.truncate(64); // it is all ASCII
        if name.len() < 2 { Self(crate::product::NAME.to_owned()) } else { Self(name) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who is behind a session: written as session names are, and never beginning with `aws:`.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceIdentity(SessionName);

impl SourceIdentity {
    /// # Errors
    /// When STS would refuse it.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        // A colon is in no name, so that `aws:` cannot be at the start of one.
        SessionName::parse(text).map(Self).map_err(|fault| ValueFault {
            problem: fault.problem.replace("a session name", "a source identity"),
            example: "alice".to_owned(),
            hint: fault.hint,
        })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// `\w` is ASCII here.
pub(super) fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

/// 900 to 43,200 seconds; the role's own maximum may be lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionDuration(u32);

impl SessionDuration {
    pub const HOUR: Self = Self(3600);

    /// Reads plain seconds, or a sum of hours, minutes and seconds such as `1h`, `90m`, `1h30m`.
    ///
    /// # Errors
    /// When it is no duration, or one that STS would refuse.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        let seconds = super::seconds(text)?;
        match u32::try_from(seconds) {
            Ok(seconds @ 900..=43_200) => Ok(Self(seconds)),
            _ => Err(ValueFault::new(
                format!("is {seconds} seconds; STS takes 900 (15 minutes) to 43200 (12 hours)"),
                "3600",
            )),
        }
    }

    #[must_use]
    pub fn seconds(self) -> u32 {
        self.0
    }
}

/// A policy that narrows the session: a JSON object of at most 2048 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPolicy(String);

impl SessionPolicy {
    /// # Errors
    /// When STS would refuse it without looking at what it allows.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        const EXAMPLE: &str =
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
        let fault = |problem: String| Err(ValueFault::new(problem, EXAMPLE));
        match serde_json::from_str::<serde_json::Value>(text) {
            Err(error) => return fault(format!("is not JSON: line {}, column {}", error.line(), error.column())),
            Ok(serde_json::Value::Object(_)) => {}
            Ok(_) => return fault("is JSON but not an object".to_owned()),
        }
        let length = text.chars().count();
        if length > 2048 {
            return fault(format!("is {length} characters long; STS takes 2048"));
        }
        if let Some(odd) = text.chars().find(|c| !matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')) {
            return fault(format!("has the character `{odd}`, which STS does not take in a policy"));
        }
        Ok(Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_names_are_mended_in_the_message() {
        assert!(SessionName::parse("GitHubActions").is_ok());
        assert_eq!(SessionName::parse("feature/x y").unwrap_err().hint.as_deref(), Some("feature-x-y"));
        assert!(SessionName::parse("x").is_err());
        assert_eq!(SessionName::parse(&"x".repeat(70)).unwrap_err().hint.map(|hint| hint.len()), Some(64));
        assert!(SessionName::parse("naïve").is_err());
    }

    #[test]
    fn a_duration_is_what_it_says() {
        for (text, seconds) in
            [("3600", 3600), ("1h", 3600), ("90m", 5400), ("1h30m", 5400), ("900s", 900), ("12 h", 43_200)]
        {
            assert_eq!(SessionDuration::parse(text).map(SessionDuration::seconds), Ok(seconds), "{text}");
        }
        for text in ["0", "899", "43201", "abc", "1", "h", "1d", "-3600", "3600.5", "1h30", "99999999999999999999"] {
            assert!(SessionDuration::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn session_policies_are_json_objects_that_fit() {
        assert!(SessionPolicy::parse("{\"Version\":\"2012-10-17\"}").is_ok());
        assert!(SessionPolicy::parse("{\n  \"a\": 1,\n}").unwrap_err().problem.contains("line 3"));
        assert!(SessionPolicy::parse("[]").is_err());
        assert!(SessionPolicy::parse(&format!("{{\"a\":\"{}\"}}", "x".repeat(2048))).is_err());
        assert!(SessionPolicy::parse("{\"a\":\"日\"}").is_err());
    }
}
