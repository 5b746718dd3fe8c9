//! The CIs, one folder or file each. They differ in what they answer to [`Ci`], and in nothing else.

#[cfg(feature = "bitrise")]
pub mod bitrise;
#[cfg(feature = "buildkite")]
pub mod buildkite;
#[cfg(feature = "github")]
pub mod github;

use futures_util::future::{LocalBoxFuture, ready};

use crate::change::Change;
use crate::diagnostic::{Diagnostic, Failure};
use crate::dialect::Dialect;
use crate::environment::Environment;
use crate::pairs::Pairs;
use crate::run::{Run, Trouble};
use crate::secret::Secret;
use crate::settings::{RoleSettings, Settings, TokenRequest};
use crate::token::UnverifiedToken;

/// Every CI that this module knows, found by the name that its dialect has.
pub const ALL: &[&dyn Ci] = &[
    #[cfg(feature = "github")]
    &github::GitHub,
    #[cfg(feature = "buildkite")]
    &buildkite::Buildkite,
    #[cfg(feature = "bitrise")]
    &bitrise::Bitrise,
];

/// What a CI is asked.
pub trait Ci: Dialect {
    // Its options.

    /// # Errors
    /// All problems of the configuration at once.
    fn settings(&self, run: &Run) -> Result<Settings, Failure>;

    // Its token.

    /// Has the CI mint a token. The text is not looked at here.
    fn token<'a>(
        &'a self,
        run: &'a Run,
        settings: &'a Settings,
        request: &'a TokenRequest,
    ) -> LocalBoxFuture<'a, Result<Secret, Trouble>>;

    /// The claims that AWS or people decide by, in the order in which to show them.
    fn deciding_claims(&self) -> &'static [&'static str];

    /// Why a role's trust policy usually refuses a job like this one, the likeliest first.
    fn denial_causes(&self, token: &UnverifiedToken, role: &RoleSettings) -> Vec<String>;

    /// The claims that a trust policy should pin for this job, as condition key (without the
    /// issuer) and claim name.
    fn pinned_claims(&self) -> &'static [&'static str];

    /// Which jobs those claims tell from all others.
    fn pinned(&self) -> &'static str {
        "this job and no other branch or environment"
    }

    /// A subject with a `*` for all that is another in the next run of the same job. `None` where
    /// the subject stays the same.
    fn subject_pattern(&self, _subject: &str) -> Option<String> {
        None
    }

    // How it hides secrets and takes exports.

    /// Makes the log hide every secret of the run, where no line of the log can. The last thing
    /// before the hand-over; a CI that cannot do it says so in the log.
    ///
    /// # Errors
    /// When the run was interrupted meanwhile.
    fn conceal<'a>(&'a self, _run: &'a Run) -> LocalBoxFuture<'a, Result<(), Trouble>> {
        Box::pin(ready(Ok(())))
    }

    /// Variables for the later steps of the job.
    ///
    /// # Errors
    /// When the CI offers no way, or a value cannot go that way.
    fn exports<'a>(&'a self, run: &'a Run, variables: &'a Pairs)
    -> LocalBoxFuture<'a, Result<Vec<Change>, Diagnostic>>;

    /// Outputs of this step.
    ///
    /// # Errors
    /// As for [`Ci::exports`].
    fn outputs(&self, run: &Run, outputs: &Pairs) -> Result<Vec<Change>, Diagnostic>;

    // What happens when the job ends.

    fn at_the_end(&self) -> AtTheEnd;

    /// Makes the end of the job find what there is to clean up: `path` is that of the record, or, for
    /// [`AtTheEnd::RemovesFiles`], what the paths of all our files start with.
    ///
    /// # Errors
    /// As for [`Ci::exports`].
    fn remember(&self, run: &Run, path: &str) -> Result<Reminder, Diagnostic>;

    /// The paths that [`Ci::remember`] stored, when this is the end of the job.
    fn remembered(&self, env: &Environment) -> Vec<String>;

    // Places.

    /// A folder for files of this job.
    fn scratch(&self, run: &Run) -> String;

    /// What the names of all files of this job have in common, so that its end finds them even if a
    /// signal came before it could be told. `None` where it is told first.
    fn mark(&self, _run: &Run) -> Option<String> {
        None
    }

    /// Where profiles are written.
    fn profile_place(&self) -> ProfilePlace;

    /// What else to leave behind after a failure, such as a page for people. Best effort.
    fn after_failure<'a>(&'a self, run: &'a Run, failure: &'a Failure) -> LocalBoxFuture<'a, ()>;
}

/// What becomes of a job's changes when it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtTheEnd {
    /// Nothing of ours runs then.
    Nothing,
    /// Files are removed; variables end with the job.
    RemovesFiles,
    /// Files are removed and variables have the values again that they had before.
    TakesAllBack,
}

/// How the end of the job finds the record.
pub enum Reminder {
    Changes(Vec<Change>),
    Variable(String, String),
}

/// Where profiles are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfilePlace {
    /// The files that everybody on the machine reads. For machines with one job at a time.
    Shared,
    /// Copies that this job alone is told of.
    OfTheJob,
}

/// A CI by its name.
#[must_use]
pub fn named(name: &str) -> Option<&'static dyn Ci> {
    ALL.iter().copied().find(|ci| ci.name() == name)
}
