//! The CIs, one folder or file each. They differ in what they answer to [`Ci`], and in nothing else.

pub mod github;

use futures_util::future::LocalBoxFuture;

use crate::diagnostic::{Diagnostic, Failure};
use crate::handover::Step;
use crate::run::{Environment, Run, Trouble};
use crate::secret::Secret;
use crate::settings::{Audience, Settings};
use crate::token::UnverifiedToken;

/// What a CI is asked.
pub trait Ci {
    fn name(&self) -> &'static str;

    // Its options.

    /// # Errors
    /// All problems of the configuration at once.
    fn settings(&self, run: &Run) -> Result<Settings, Failure>;

    /// Whether a variable of the environment carries one of its options.
    fn is_option(&self, variable: &str) -> bool;

    // Its token.

    /// Has the CI mint a token. The text is not looked at here.
    fn token<'a>(
        &'a self,
        run: &'a Run,
        settings: &'a Settings,
        audience: &'a Audience,
    ) -> LocalBoxFuture<'a, Result<Secret, Trouble>>;

    /// The claims that AWS or people decide by, in the order in which to show them.
    fn deciding_claims(&self) -> &'static [&'static str];

    /// Why a role's trust policy usually refuses a job like this one, the likeliest first.
    fn denial_causes(&self, token: &UnverifiedToken, settings: &Settings) -> Vec<String>;

    /// The claims that a trust policy should pin for this job, as condition key (without the
    /// issuer) and claim name.
    fn pinned_claims(&self) -> &'static [&'static str];

    // How its log takes secrets and errors.

    fn mask_lines(&self, secret: &str) -> Vec<String>;
    fn notice(&self, message: &str) -> Option<String>;
    fn error(&self, diagnostic: &Diagnostic) -> Option<String>;
    fn group(&self, title: &str) -> Option<String>;
    fn end_group(&self) -> Option<String>;

    /// Label and value pairs that tell one run from another.
    fn run_labels(&self, env: &Environment) -> Vec<(&'static str, String)>;

    // How it takes exports.

    /// Variables for the later steps of the job.
    ///
    /// # Errors
    /// When the CI offers no way, or a value cannot go that way.
    fn exports(&self, run: &Run, variables: &[(String, String)]) -> Result<Vec<Step>, Diagnostic>;

    /// Outputs of this step.
    ///
    /// # Errors
    /// As for [`Ci::exports`].
    fn outputs(&self, run: &Run, outputs: &[(String, String)]) -> Result<Vec<Step>, Diagnostic>;

    /// Makes the end of the job find `record`, the path of what there is to clean up.
    ///
    /// # Errors
    /// As for [`Ci::exports`].
    fn remember(&self, run: &Run, record: &str) -> Result<Vec<Step>, Diagnostic>;

    /// The path that [`Ci::remember`] stored, when this is the end of the job.
    fn remembered(&self, env: &Environment) -> Option<String>;

    /// A folder that only this job uses.
    fn scratch(&self, run: &Run) -> String;

    /// What else to leave behind after a failure, such as a page for people. Best effort.
    fn after_failure(&self, run: &Run, failure: &Failure) -> Vec<Step>;
}
