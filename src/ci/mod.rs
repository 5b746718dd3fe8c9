//! The CIs, one folder or file each. They differ in what they answer to [`Ci`], and in nothing else.

pub mod all;
#[cfg(feature = "cli")]
mod any;
#[cfg(feature = "cli")]
mod azure_devops;
#[cfg(feature = "cli")]
mod bitbucket;
#[cfg(feature = "bitrise")]
pub mod bitrise;
#[cfg(feature = "buildkite")]
pub mod buildkite;
#[cfg(feature = "cli")]
mod circleci;
#[cfg(feature = "github")]
pub mod github;
#[cfg(feature = "cli")]
mod gitlab;

use futures_util::future::{LocalBoxFuture, ready};

use crate::change::Change;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::dialect::Dialect;
use crate::environment::Environment;
use crate::pairs::Pairs;
use crate::run::{Run, Trouble};
use crate::secret::Secret;
use crate::settings::common::Way;
use crate::settings::{Settings, ToAssume, TokenRequest};
use crate::shell;
use crate::token::UnverifiedToken;

/// What a CI is asked.
pub trait Ci: Dialect {
    /// Whether this is a job of it.
    fn is_here(&self, env: &Environment) -> bool;

    // Its options.

    /// Whether its entry was told to sign requests with credentials that there are, which not every module can.
    fn needs_signatures(&self, _env: &Environment) -> bool {
        false
    }

    /// What its own entry was configured with.
    ///
    /// # Errors
    /// All problems of the configuration at once.
    fn settings(&self, _run: &Run) -> Result<Settings, Failure> {
        Err(Diagnostic::new(Code::CapabilityMissing, "this CI has no entry but the command line").into())
    }

    /// What its entry for a login was configured with.
    ///
    /// # Errors
    /// As for [`Ci::settings`].
    #[cfg(feature = "signed")]
    fn login(&self, _run: &Run) -> Result<crate::login::step::Step, Failure> {
        Err(Diagnostic::new(Code::CapabilityMissing, "this CI has no entry for a login but the command line").into())
    }

    /// What a session is called when nobody has said it.
    fn session_name(&self, env: &Environment) -> String;

    /// How the command line hands over when nobody has said it.
    fn way(&self) -> Way {
        Way::Env
    }

    // Its token.

    /// Has the CI mint a token. The text is not looked at here.
    fn token<'a>(
        &'a self,
        run: &'a Run,
        settings: &'a Settings,
        request: &'a TokenRequest,
    ) -> LocalBoxFuture<'a, Result<Secret, Trouble>>;

    /// Whether it can mint a token at any time of the job, so that what it gives is always fresh.
    fn mints(&self, _run: &Run) -> bool {
        true
    }

    /// The claims that AWS or people decide by, in the order in which to show them.
    fn deciding_claims(&self) -> &'static [&'static str];

    /// Why a role's trust policy usually refuses a job like this one, the likeliest first.
    fn denial_causes(&self, token: &UnverifiedToken, role: &ToAssume<'_>) -> Vec<String>;

    /// The claims that a trust policy should pin for this job, as condition key (without the
    /// issuer) and claim name.
    fn pinned_claims(&self) -> &'static [&'static str];

    /// Which jobs those claims tell from all others.
    fn pinned(&self) -> &'static str {
        "jobs with this subject, and no others"
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

    /// Whether exports are printed, for the shell of the same step to evaluate.
    fn prints_exports(&self) -> bool {
        false
    }

    /// Variables for the later steps of the job.
    ///
    /// # Errors
    /// When the CI offers no way, or a value cannot go that way.
    fn exports<'a>(
        &'a self,
        _run: &'a Run,
        variables: &'a Pairs,
    ) -> LocalBoxFuture<'a, Result<Vec<Change>, Diagnostic>> {
        Box::pin(ready(printed(variables)))
    }

    /// Outputs of this step.
    ///
    /// # Errors
    /// As for [`Ci::exports`].
    fn outputs(&self, _run: &Run, _outputs: &Pairs) -> Result<Vec<Change>, Diagnostic> {
        Ok(Vec::new())
    }

    // What happens when the job ends.

    fn at_the_end(&self) -> AtTheEnd {
        AtTheEnd::Nothing
    }

    /// Makes the end of the job find what there is to clean up: `path` is that of the record, or, for
    /// [`AtTheEnd::RemovesFiles`], what the paths of all our files start with.
    ///
    /// # Errors
    /// As for [`Ci::exports`].
    fn remember(&self, _run: &Run, _path: &str) -> Result<Reminder, Diagnostic> {
        Ok(Reminder::Changes(Vec::new()))
    }

    /// The paths that [`Ci::remember`] stored, when this is the end of the job.
    fn remembered(&self, _env: &Environment) -> Vec<String> {
        Vec::new()
    }

    // Places.

    /// A folder for files of this job.
    fn scratch(&self, run: &Run) -> String {
        run.env.temp().to_owned()
    }

    /// What the names of all files of this job have in common, so that its end finds them even if a
    /// signal came before it could be told. `None` where it is told first.
    fn mark(&self, _run: &Run) -> Option<String> {
        None
    }

    /// Where profiles are written.
    fn profile_place(&self) -> ProfilePlace {
        ProfilePlace::OfTheJob
    }

    /// What else to leave behind after a failure, such as a page for people. Best effort.
    fn after_failure<'a>(&'a self, _run: &'a Run, _failure: &'a Failure) -> LocalBoxFuture<'a, ()> {
        Box::pin(ready(()))
    }
}

/// Exports on standard output, for a shell that evaluates them.
///
/// # Errors
/// When a variable cannot go that way.
pub fn printed(variables: &Pairs) -> Result<Vec<Change>, Diagnostic> {
    Ok(vec![Change::Print { text: exports_text(variables)? }])
}

/// Exports for a shell that evaluates them.
fn exports_text(variables: &Pairs) -> Result<String, Diagnostic> {
    shell::exports(variables)
        .map_err(|(name, fault)| Diagnostic::new(Code::HandOverFailed, format!("{name} cannot be exported: {fault}")))
}

/// What can be wrong with a trust policy whatever the CI, the likeliest first.
#[cfg_attr(not(feature = "exchange"), allow(dead_code))] // by a module that knows no CI
fn usual_causes(role: &ToAssume<'_>) -> Vec<String> {
    vec![
        "the policy has a `*` under StringEquals, where it is an ordinary character; patterns need StringLike"
            .to_owned(),
        format!(
            "there is no role `{}` in account {}: AWS answers the same for a role that does not exist",
            role.role_arn.name(),
            role.role_arn.account().as_str()
        ),
        "the role, or its policy, is only seconds old".to_owned(),
    ]
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
