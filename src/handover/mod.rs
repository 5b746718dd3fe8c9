//! Giving the credentials to later steps: all of it, or nothing.

pub mod plan;
pub mod process;
pub mod profile;
pub mod record;

use crate::change;
use crate::ci::Ci;
use crate::diagnostic::Failure;
use crate::exchange::Exchanged;
use crate::pairs::Pairs;
use crate::run::Run;
use crate::settings::Settings;
use crate::variables::CREDENTIAL_VARIABLES;

/// Works out every change first, then makes them; one that fails undoes those before it.
/// `exchanged` has a session for each of the settings' roles; `more` are variables besides theirs.
///
/// # Errors
/// When something cannot be written. Nothing has been handed over then.
pub async fn hand_over(
    run: &Run,
    ci: &dyn Ci,
    settings: &Settings,
    exchanged: &[Exchanged],
    more: Pairs,
) -> Result<(), Failure> {
    let changes = plan::changes(run, ci, settings, exchanged, more).await?;
    change::perform(run, changes).await?;
    Ok(())
}

/// Makes the credentials that the job had before unusable for its later steps.
///
/// # Errors
/// When the variables cannot be exported.
pub async fn blank_credentials(run: &Run, ci: &dyn Ci) -> Result<(), Failure> {
    let mut blank = Pairs::default();
    for name in CREDENTIAL_VARIABLES {
        blank.set(name, "");
    }
    let changes = ci.exports(run, &blank).await?;
    change::perform(run, changes).await?;
    Ok(())
}
