//! What an AWS SDK runs when it needs credentials: the cached ones while they last, else fresh ones.

use crate::change::{self, Change};
use crate::ci::Ci;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::effect::{Effect, Fault, FaultKind, Stream, Symlinks};
use crate::exchange;
#[cfg(feature = "cli")]
use crate::handover::process::ENTRY_OF_THE_COMMAND_LINE;
use crate::handover::process::{Kept, ProcessCredentials};
use crate::run::Run;
use crate::settings::Settings;
use crate::time::Timestamp;

/// From so many seconds before the end on, SDKs ask for fresh credentials, again and again until
/// they get them: botocore's advisory refresh.
const ADVISORY_SECONDS: i64 = 15 * 60;
const LARGEST_FILE: u32 = 256 * 1024;

/// Prints the credentials as JSON, alone, to standard output. `path` is the request file that the
/// hand-over wrote.
///
/// # Errors
/// As for the job itself, and when the request file cannot be used.
pub async fn answer(run: &Run, ci: &'static dyn Ci, path: &str) -> Result<(), Failure> {
    let kept = read_request(run, path).await?;
    let cache = Cache { path: &kept.cache, session_seconds: kept.session_seconds };
    if let Some(cached) = cache.read(run).await {
        print(run, &cached);
        return Ok(());
    }

    #[cfg(feature = "cli")]
    if ci.name() == ENTRY_OF_THE_COMMAND_LINE {
        let (run, ci) = crate::cli::again(run, ci, &kept.options);
        let settings = crate::cli::settings::read(&run, ci)?;
        return renew(&run, ci, &settings, kept, path).await;
    }
    let run = run.with_options(&kept.options);
    let settings = ci.settings(&run)?;
    renew(&run, ci, &settings, kept, path).await
}

async fn renew(run: &Run, ci: &dyn Ci, settings: &Settings, kept: Kept, path: &str) -> Result<(), Failure> {
    let Some(role) = settings.roles.get(kept.role) else {
        return Err(unusable(path, "it is about a role that its options do not have").into());
    };
    run.limit_time(settings.time_limit_ms);
    let exchanged = exchange::exchange(run, ci, settings, role).await?;
    exchange::check_account(run, role, &exchanged.session)?;
    let fresh = ProcessCredentials::of(&exchanged.session);
    let write = Change::Write { path: kept.cache, text: fresh.to_json(), before: None };
    // A cache that cannot be written costs time, not correctness.
    change::best_effort(run, vec![write]).await;
    print(run, &fresh);
    Ok(())
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

/// A file that holds the latest credentials.
pub struct Cache<'a> {
    pub path: &'a str,
    pub session_seconds: i64,
}

impl Cache<'_> {
    /// What is in it, if it is whole and an SDK would be content with it.
    pub async fn read(&self, run: &Run) -> Option<ProcessCredentials> {
        let text = run.channel.read_file(self.path, LARGEST_FILE, Symlinks::Refuse).await.ok()?;
        let cached = ProcessCredentials::read(&text)?;
        let left = Timestamp::parse(&cached.expiration)?.seconds_since(run.channel.now());
        // A short session would be stale from its start.
        (left >= ADVISORY_SECONDS.min(self.session_seconds / 2)).then_some(cached)
    }
}

pub fn print(run: &Run, credentials: &ProcessCredentials) {
    run.channel.tell(Effect::Log { stream: Stream::Stdout, text: credentials.to_json() });
}
