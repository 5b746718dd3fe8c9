//! `credential-process` with options of its own: a cache that all processes of this user share, and a
//! lock, so that of many that ask at once one fetches.

use super::settings;
use crate::change::{self, Change};
use crate::ci::Ci;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::effect::FaultKind;
use crate::exchange;
use crate::handover::process::{Cache, ProcessCredentials, print};
use crate::run::Run;
use crate::secret::Secret;
use crate::settings::{RoleSettings, Source, TokenSource};
use crate::source;

/// Longer than an exchange can take.
const LOCK_MS: u32 = 35_000;

/// How the names of variables end that differ from job to job, at CIs that are not known by name: who
/// may have a session is decided by the job's token, and another job of this user has another one.
const OF_THE_JOB: [&str; 10] = [
    "JOB_ID",
    "RUN_ID",
    "RUN_ATTEMPT",
    "BUILD_ID",
    "BUILD_NUMBER",
    "BUILD_TAG",
    "REQUEST_TOKEN",
    "OIDC_TOKEN",
    "OIDC_TOKEN_ID",
    "WORKLOAD_IDENTITY_TOKEN",
];

/// # Errors
/// As for the exchange.
pub async fn answer(run: &Run, ci: &dyn Ci) -> Result<(), Failure> {
    let settings = settings::read(run, ci)?;
    let Some(role) = settings.roles.first() else {
        return Err(Diagnostic::new(Code::OptionMissing, "`--role-arn` is not set").into());
    };
    let path = format!("{}/ci-assume-role/{}.json", cache_folder(run), key(run, role).await);
    let cache = Cache { path: &path, session_seconds: i64::from(role.session_seconds()) };
    if let Some(cached) = cache.read(run).await {
        print(run, &cached);
        return Ok(());
    }
    let lock = format!("{path}.lock");
    // Without the lock it costs more exchanges, and nothing else.
    let locked = match run.channel.lock(&lock, LOCK_MS).await {
        Ok(()) => true,
        Err(fault) => {
            if fault.kind == FaultKind::Timeout {
                run.notice(&format!("another process has held {lock} for {} s; going on without it", LOCK_MS / 1000));
            }
            false
        }
    };
    let outcome = match cache.read(run).await {
        Some(cached) => Ok(cached),
        None => match exchange::exchange(run, ci, &settings, role, None).await {
            Ok(exchanged) => exchange::check_account(run, role, &exchanged.identity)
                .map(|()| ProcessCredentials::of(&exchanged.identity)),
            Err(failure) => Err(failure),
        },
    };
    let mut changes = Vec::new();
    if let Ok(fresh) = &outcome {
        changes.push(Change::Write { path: path.clone(), text: fresh.to_json(), before: None });
    }
    if locked {
        changes.push(Change::Remove { path: lock });
    }
    change::best_effort(run, changes).await;
    print(run, &outcome?);
    Ok(())
}

fn cache_folder(run: &Run) -> String {
    run.folder_of_user("XDG_CACHE_HOME", ".cache").unwrap_or_else(|| run.env.temp().to_owned())
}

/// Two runs share credentials only where nothing that decides about them differs, the job included.
async fn key(run: &Run, role: &RoleSettings) -> String {
    let own = match role.token() {
        Some(TokenSource::Given { token, .. }) => vec![token.clone()],
        Some(TokenSource::File { path, symlinks }) => {
            source::from_file(run, path, *symlinks).await.map_or_else(|_| Vec::new(), |token| vec![token])
        }
        Some(TokenSource::Url { headers, .. }) => headers.iter().map(|(_, value)| value.clone()).collect(),
        Some(TokenSource::Ci(_) | TokenSource::Command { .. }) | None => Vec::new(),
    };
    let mut parts: Vec<&str> = vec![
        run.dialect.name(),
        role.role(),
        role.session.name.as_str(),
        &role.endpoint.url,
        role.session.policy.as_ref().map_or("", crate::values::SessionPolicy::as_str),
    ];
    parts.extend(role.session.policy_arns.iter().map(crate::values::PolicyArn::as_str));
    let labels = run.dialect.run_labels(&run.env);
    parts.extend(labels.iter().map(|(_, value)| value.as_str()));
    let mut options: Vec<(&str, &str)> = run.env.variables().iter().filter(|(name, _)| run.is_option(name)).collect();
    options.sort_unstable();
    parts.extend(options.iter().flat_map(|(name, value)| [*name, *value]));
    let is_of_job = |name: &str| OF_THE_JOB.iter().any(|end| name.ends_with(end));
    let mut of_job: Vec<(&str, &str)> = run.env.variables().iter().filter(|(name, _)| is_of_job(name)).collect();
    of_job.sort_unstable();
    parts.extend(of_job.iter().flat_map(|(name, value)| [*name, *value]));
    parts.extend(own.iter().map(Secret::expose));
    // Other credentials come from AWS's own variables, or from where these say.
    let of_aws = |name: &str| matches!(role.source, Source::Credentials(_)) && name.starts_with("AWS_");
    let mut of_source: Vec<(&str, &str)> = run.env.variables().iter().filter(|(name, _)| of_aws(name)).collect();
    of_source.sort_unstable();
    parts.extend(of_source.iter().flat_map(|(name, value)| [*name, *value]));
    // FNV-1a, twice with different starts: names only have to differ, nobody gains from a clash.
    let hash = |start: u64| {
        parts
            .iter()
            .flat_map(|part| part.bytes().chain([0]))
            .fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
    };
    format!("{:016x}{:016x}", hash(0xcbf2_9ce4_8422_2325), hash(0x6c62_272e_07bb_0142))
}
