//! How a CI's log takes secrets, groups and errors, and what its options are called.

use crate::diagnostic::Diagnostic;
use crate::effect::Stream;
use crate::environment::Environment;
use crate::names::{Meaning, flag};
use crate::variables::AWS_VARIABLES;

/// A CI's language, as far as speaking goes. What it is asked for besides is [`crate::ci::Ci`].
pub trait Dialect {
    fn name(&self) -> &'static str;

    /// Where people read. Standard output is for what a shell or another program is to have.
    fn stream(&self) -> Stream {
        Stream::Stderr
    }

    /// Lines that make the log hide a secret. None where the CI hides secrets in another way, for
    /// which see [`crate::ci::Ci::conceal`].
    fn mask_lines(&self, _secret: &str) -> Vec<String> {
        Vec::new()
    }

    fn notice(&self, _message: &str) -> Option<String> {
        None
    }

    /// The end of a log that failed, from the diagnostics and the lines that show each of them.
    fn failure(&self, reports: Vec<Report<'_>>) -> Vec<String> {
        reports.into_iter().flat_map(|report| report.lines).collect()
    }

    fn group(&self, _title: &str) -> Option<String> {
        None
    }

    fn end_group(&self) -> Option<String> {
        None
    }

    /// Label and value pairs that tell one run from another.
    fn run_labels(&self, _env: &Environment) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Whether a variable of the environment carries one of its options: those of the command line,
    /// for a CI without an entry of its own.
    fn is_option(&self, variable: &str) -> bool {
        is_flag_or_variable(variable)
    }

    /// Whether it is one that must not be written down.
    fn is_secret_option(&self, _variable: &str) -> bool {
        false
    }

    /// What people call an option here: a flag, for a CI without an entry of its own.
    fn option(&self, meaning: Meaning) -> &'static str {
        option_of_flags(meaning)
    }
}

/// Whether a name of the environment is an option of the command line. Flags are kept there under
/// their own names, which no variable can have.
#[must_use]
pub fn is_flag_or_variable(name: &str) -> bool {
    name.starts_with("--") || name.starts_with("CI_ASSUME_ROLE_") || AWS_VARIABLES.contains(&name)
}

/// The command line's name for an option, or for the one that comes nearest to it.
#[must_use]
pub fn option_of_flags(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Overwrite => flag(Meaning::Profile),
        other => flag(other),
    }
}

/// A diagnostic, and the lines that show it.
pub struct Report<'a> {
    pub diagnostic: &'a Diagnostic,
    pub lines: Vec<String>,
}
