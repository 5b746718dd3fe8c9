//! A command that has the credentials in its environment, and nobody else.

use std::pin::pin;

use futures_util::future::{Either, select};

use super::settings;
use crate::change::{self, Change};
use crate::ci::{Ci, ProfilePlace};
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::effect::FaultKind;
use crate::handover::plan::{self, Parts};
use crate::job::{self, Obtained};
use crate::pairs::Pairs;
use crate::run::{Run, interrupted};
use crate::settings::{ProfileKind, Settings};
use crate::time::span;

/// So long before their end it is said that credentials are about to end.
const WARNING_MS: u64 = 5 * 60 * 1000;

/// Returns the command's exit code.
///
/// # Errors
/// When there are no credentials, or the command could not be started.
pub async fn run(run: &Run, ci: &dyn Ci, argv: Vec<String>) -> Result<u8, Failure> {
    let settings = settings::read(run, ci)?;
    job::announce(run, &settings);
    let Obtained { exchanged, more } = job::obtain(run, ci, &settings).await?;
    let prefix = plan::prefix(run, run.env.temp(), None);
    let Parts { files, record, variables, .. } =
        plan::parts(run, &settings, &exchanged, ProfilePlace::OfTheJob, more, &prefix).await?;
    change::perform(run, files).await?;
    job::tell_end(run, &settings, &exchanged);

    let mut env = Pairs::default();
    let mut without: Vec<String> = run.env.names().filter(|name| name.starts_with("--")).map(str::to_owned).collect();
    for (name, value) in variables.iter() {
        match value {
            // A child can do without a variable, where a later step can only have it empty.
            "" => without.push(name.to_owned()),
            value => env.push(name.to_owned(), value.to_owned()),
        }
    }
    without.extend(shadowing(&settings, &env));
    let renews = settings
        .roles
        .iter()
        .any(|role| role.hand_over.profile.as_ref().is_some_and(|profile| profile.kind == ProfileKind::Process));
    let ends = exchanged.iter().filter_map(|exchanged| exchanged.identity.credentials.expiration).min();
    let left_ms = ends.filter(|_| !renews).map(|end| end.seconds_since(run.channel.now()).max(0).unsigned_abs() * 1000);

    let program = argv.first().cloned().unwrap_or_default();
    let ended = watched(run, run.channel.exec(argv, env, without), left_ms).await;
    let removals = record.files.into_iter().map(|path| Change::Remove { path }).collect();
    change::best_effort(run, removals).await;
    ended.map_err(|fault| {
        let failed = |headline: String| Diagnostic::new(Code::CommandFailed, headline);
        match fault.kind {
            FaultKind::Interrupted => interrupted().diagnostic,
            FaultKind::NotFound => failed(format!("there is no command {program}")).fix("check its name, and PATH"),
            FaultKind::Permission => failed(format!("{program} cannot be run"))
                .cause("it is not executable, or is not a program")
                .fix("let this user run it"),
            _ => failed(format!("{program} could not be started")).fact("system says", &fault.detail),
        }
        .into()
    })
}

/// What would have a tool take another identity. Some SDKs prefer a profile to keys, botocore prefers the
/// default profile's variable to the other one, and none may find a second role when the first fails.
fn shadowing(settings: &Settings, env: &Pairs) -> Vec<String> {
    let unprefixed = settings.roles.iter().any(|role| role.hand_over.environment && role.hand_over.prefix.is_empty());
    let mut names = Vec::new();
    if unprefixed || env.get("AWS_PROFILE").is_some() {
        names.extend(["AWS_DEFAULT_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"]);
        if env.get("AWS_PROFILE").is_none() {
            names.push("AWS_PROFILE");
        }
    }
    names.into_iter().map(str::to_owned).collect()
}

/// Says when a command is about to outlive its credentials, and when it has.
async fn watched<T>(run: &Run, command: impl Future<Output = T>, left_ms: Option<u64>) -> T {
    let mut command = pin!(command);
    let Some(left_ms) = left_ms else { return command.await };
    let early_ms = left_ms.saturating_sub(WARNING_MS);
    let late_ms = left_ms - early_ms;
    let left = span(i64::try_from(late_ms / 1000).unwrap_or(i64::MAX));
    let moments = [(early_ms, format!("end in {left}, and the command goes on")), (late_ms, "have ended".to_owned())];
    for (pause_ms, what) in moments {
        // Sessions are at most 12 hours.
        let pause_ms = u32::try_from(pause_ms).unwrap_or(u32::MAX);
        match select(command.as_mut(), pin!(run.channel.sleep(pause_ms))).await {
            Either::Left((ended, _)) => return ended,
            Either::Right((Err(_), _)) => break, // interrupted, as the command was
            Either::Right((Ok(()), _)) => {
                run.notice(&format!("the credentials {what}; `--hand-over process` lets AWS tools fetch fresh ones"));
            }
        }
    }
    command.await
}
