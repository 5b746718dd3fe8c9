//! Values that were checked when they were read: who has one need not check it again.

mod role;
mod session;
mod smaller;

pub use role::{AccountId, PolicyArn, RoleArn, RoleName};
pub use session::{SessionDuration, SessionName, SessionPolicy, SourceIdentity};
pub use smaller::{
    Audience, ExternalId, ProfileName, Region, account_ids, custom_tags, policy_arns, seconds, tag_keys, whole_number,
};

/// What is wrong with a value, and a value that would do.
#[derive(Debug, PartialEq, Eq)]
pub struct ValueFault {
    /// Continues the sentence "`option` …".
    pub problem: String,
    pub example: String,
    /// A correction of the given value where one can be computed.
    pub hint: Option<String>,
}

impl ValueFault {
    #[must_use]
    pub fn new(problem: impl Into<String>, example: impl Into<String>) -> Self {
        Self { problem: problem.into(), example: example.into(), hint: None }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
