//! Logging in to registries, and out again, from the command line.

use super::settings;
use crate::change::{self, Change};
use crate::ci::Ci;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::ecr::endpoint::{self, PUBLIC_REGISTRY};
use crate::job;
use crate::login;
use crate::login::action::credentials;
use crate::login::client::choose;
use crate::login::record::{self, Login};
use crate::login::wanted::Registries;
use crate::run::{Run, apart};
use crate::sts::endpoint::EndpointQuery;

/// Longer than a login takes.
const LOCK_MS: u32 = 35_000;
/// What a flag switches on for the whole run, STS included.
const SWITCHES: [(&str, &str, &str); 2] = [
    ("--fips", "CI_ASSUME_ROLE_FIPS", "AWS_USE_FIPS_ENDPOINT"),
    ("--dual-stack", "CI_ASSUME_ROLE_DUAL_STACK", "AWS_USE_DUALSTACK_ENDPOINT"),
];

/// Puts flags that AWS's tools have as variables into these.
pub fn spread(run: &mut Run) {
    for (flag, variable, of_aws) in SWITCHES {
        if run.env.is_on(flag) || run.env.is_on(variable) {
            run.env.set(of_aws, "true");
        }
    }
}

/// # Errors
/// With everything that kept it from being done; then no login is left.
pub async fn log_in(run: &Run, ci: &dyn Ci) -> Result<(), Failure> {
    let step = settings::read_login(run, ci)?;
    let path = record_path(run)?;
    job::announce(run, &step.settings);
    let found = apart(credentials(run, ci, &step)).await?;
    let plan = apart(login::plan(run, ci, &step.settings, &step.wanted, found)).await?;
    alone(run, &path.clone(), async {
        let earlier = record::read(run, &path).await?.unwrap_or_default();
        let all = record::merged(earlier.clone(), &plan.logins);
        change::perform(run, vec![record::change(path.clone(), &all, None)]).await?;
        let done = login::log_in(run, &plan).await;
        if done.is_err() {
            change::best_effort(run, vec![record::change(path, &earlier, None)]).await;
        }
        done
    })
    .await
}

/// # Errors
/// With everything that could not be taken back.
pub async fn log_out(run: &Run) -> Result<(), Failure> {
    let named = settings::read_logout(run)?;
    let path = record_path(run)?;
    alone(run, &path.clone(), async {
        let recorded = record::read(run, &path).await?.unwrap_or_default();
        let (mut rest, mut due) = (Vec::new(), recorded.clone());
        if let Some((registries, choice, region)) = named {
            let hosts = hosts(run, &registries, region.as_ref().map(|region| region.of_signature()));
            (due, rest) = recorded.into_iter().partition(|login| hosts.contains(&login.host));
            let client = choose(run, choice).await?;
            for host in hosts {
                if !due.iter().any(|login| login.host == host) {
                    due.push(Login::unrecorded(client, client.auth_file(run), host));
                }
            }
        }
        if due.is_empty() {
            run.say("No login is on record");
            return Ok(());
        }
        let (left, mut problems) = record::take_all_back(run, &due).await;
        rest.extend(left);
        problems.extend(change::perform(run, vec![record::change(path, &rest, None)]).await.err());
        Failure::of(problems).map_or(Ok(()), Err)
    })
    .await
}

/// The names that the registries have.
fn hosts(run: &Run, registries: &Registries, region: Option<&str>) -> Vec<String> {
    let Registries::Private(accounts) = registries else { return vec![PUBLIC_REGISTRY.to_owned()] };
    let (fips, dual_stack) = (run.env.is_on("AWS_USE_FIPS_ENDPOINT"), run.env.is_on("AWS_USE_DUALSTACK_ENDPOINT"));
    let query = EndpointQuery { region: region.unwrap_or_default(), fips, dual_stack };
    accounts.iter().filter_map(|account| endpoint::registry(account.as_str(), &query).ok().flatten()).collect()
}

/// One file for this user, as the files of clients are. Never in a folder that others may write to: what a record says is done.
fn record_path(run: &Run) -> Result<String, Diagnostic> {
    let Some(folder) = run.folder_of_user("XDG_STATE_HOME", ".local/state") else {
        return Err(Diagnostic::new(Code::LoginFailed, "there is no home folder to keep a record of logins in")
            .fix("let HOME or XDG_STATE_HOME name a folder of this user"));
    };
    Ok(format!("{folder}/{}/logins.json", crate::product::NAME))
}

/// Not at the same moment as another process of this user: both would write the files anew.
async fn alone<T>(run: &Run, path: &str, story: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let lock = format!("{path}.lock");
    // Without it, it is only less certain.
    let locked = run.channel.lock(&lock, LOCK_MS).await.is_ok();
    let outcome = story.await;
    if locked {
        change::best_effort(run, vec![Change::Remove { path: lock }]).await;
    }
    outcome
}
