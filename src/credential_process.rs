//! What an AWS SDK runs when it needs credentials: the cached ones while they last, else fresh ones.

use crate::change::{self, Change};
use crate::ci::Ci;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::effect::{Effect, Fault, FaultKind, Symlinks};
use crate::exchange;
use crate::handover::process::{Cache, Kept, LARGEST_FILE, ProcessCredentials, print};
use crate::run::Run;
use crate::settings::Settings;
#[cfg(feature = "cli")]
use crate::{ci::all, cli::settings as flags};

/// Prints the credentials as JSON, alone, to standard output. `path` is the request file that the
/// hand-over wrote.
///
/// # Errors
/// As for the job itself, and when the request file cannot be used.
pub async fn answer(run: &Run, ci: &dyn Ci, path: &str) -> Result<(), Failure> {
    let kept = read_request(run, path).await?;
    let cache = Cache { path: &kept.cache, session_seconds: kept.session_seconds };
    if let Some(cached) = cache.read(run).await {
        print(run, &cached);
        return Ok(());
    }
    // What the step was told may take requests that are signed.
    if !cfg!(feature = "signed") && ci.needs_signatures(&run.with_options(&kept.options).env) {
        run.channel.tell(Effect::Elsewhere);
        return Ok(()); // nobody sees it: the run begins again
    }

    let (run, ci, settings) = with_settings(run, ci, &kept)?;
    let Some(role) = settings.roles.get(kept.role) else {
        return Err(unusable(path, "it is about a role that its options do not have").into());
    };
    run.limit_time(settings.time_limit_ms);
    let exchanged = exchange::exchange(&run, ci, &settings, role, None).await?;
    exchange::check_account(&run, role, &exchanged.identity)?;
    let fresh = ProcessCredentials::of(&exchanged.identity);
    let write = Change::Write { path: kept.cache, text: fresh.to_json(), before: None };
    // A cache that cannot be written costs time, not correctness.
    change::best_effort(&run, vec![write]).await;
    print(&run, &fresh);
    Ok(())
}

fn with_settings<'a>(run: &Run, ci: &'a dyn Ci, kept: &Kept) -> Result<(Run, &'a dyn Ci, Settings), Failure> {
    #[cfg(feature = "cli")]
    if let Some(ci) = kept.ci.as_deref().and_then(all::named) {
        let run = run.with_options_of_flags(ci, &kept.options);
        let settings = flags::read(&run, ci)?;
        return Ok((run, ci, settings));
    }
    let run = run.with_options(&kept.options);
    let settings = ci.settings(&run)?;
    Ok((run, ci, settings))
}

async fn read_request(run: &Run, path: &str) -> Result<Kept, Diagnostic> {
    let text =
        run.channel.read_file(path, LARGEST_FILE, Symlinks::Refuse).await.map_err(|Fault { kind, detail }| {
            unusable(path, if kind == FaultKind::NotFound { "it is not there" } else { &detail })
        })?;
    Kept::read(&text).ok_or_else(|| unusable(path, "its contents are not what was written"))
}

fn unusable(path: &str, reason: &str) -> Diagnostic {
    Diagnostic::new(Code::CacheUnusable, format!("{path} is not a request for credentials"))
        .fact("reason", reason)
        .cause("the job that wrote it is over, or another step has removed or changed it")
        .fix("use the profile only in the job that wrote it, while that job runs")
}
