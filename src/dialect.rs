//! How a CI's log takes secrets, groups and errors, and what its options are called.

use crate::diagnostic::Diagnostic;
use crate::effect::Stream;
use crate::environment::Environment;

/// A CI's language, as far as speaking goes. What it is asked for besides is [`crate::ci::Ci`].
pub trait Dialect {
    fn name(&self) -> &'static str;

    /// Where people read.
    fn stream(&self) -> Stream;

    /// Lines that make the log hide a secret. None where the CI hides secrets in another way, for
    /// which see [`crate::ci::Ci::conceal`].
    fn mask_lines(&self, secret: &str) -> Vec<String>;

    fn notice(&self, message: &str) -> Option<String>;

    /// The end of a log that failed, from the diagnostics and the lines that show each of them.
    fn failure(&self, reports: Vec<Report<'_>>) -> Vec<String>;

    fn group(&self, title: &str) -> Option<String>;
    fn end_group(&self) -> Option<String>;

    /// Label and value pairs that tell one run from another.
    fn run_labels(&self, env: &Environment) -> Vec<(&'static str, String)>;

    /// Whether a variable of the environment carries one of its options.
    fn is_option(&self, variable: &str) -> bool;

    /// Whether it is one that must not be written down.
    fn is_secret_option(&self, _variable: &str) -> bool {
        false
    }

    /// What people call an option here.
    fn option(&self, meaning: Meaning) -> &'static str;
}

/// A diagnostic, and the lines that show it.
pub struct Report<'a> {
    pub diagnostic: &'a Diagnostic,
    pub lines: Vec<String>,
}

/// What an option is for, whatever a CI calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    AllowedAccounts,
    Attempts,
    Audience,
    Duration,
    Endpoint,
    HandOver,
    Overwrite,
    Policy,
    PolicyArns,
    Profile,
    Region,
    SessionName,
    TokenFile,
}
