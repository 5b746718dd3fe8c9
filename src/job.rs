//! The one path: settings, token, preflight, exchange, account check, hand-over; or an explanation.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use serde_json::Value;

use crate::channel::Channel;
use crate::ci::{Ci, github};
use crate::diagnostic::Failure;
use crate::effect::{Effect, Posted, Stream};
use crate::exchange::{self, Exchanged};
use crate::pairs::Pairs;
use crate::run::{Environment, Run, Runtime, apart};
use crate::settings::Settings;
use crate::time::{Timestamp, span};
use crate::{cleanup, credential_process, handover};

/// Assumes the role and hands the credentials over. Nothing is handed over unless all succeeded.
async fn assume(run: &Run) -> Result<(), Failure> {
    let settings = run.ci.settings(run)?;
    announce(run, &settings);
    match exchange_and_hand_over(run, &settings).await {
        Ok(()) => Ok(()),
        Err(failure) => {
            if settings.clear_first {
                apart(handover::blank_credentials(run)).await?;
            }
            Err(failure)
        }
    }
}

async fn exchange_and_hand_over(run: &Run, settings: &Settings) -> Result<(), Failure> {
    run.command(run.ci.group(&format!("Assume {}", settings.role_arn.as_str())));
    let exchanged = exchange::exchange(run, settings).await;
    if let Ok(exchanged) = &exchanged {
        tell_exchange(run, settings, exchanged);
    }
    run.command(run.ci.end_group());
    let Exchanged { session, .. } = exchanged?;

    exchange::check_account(settings, &session)?;
    handover::hand_over(run, settings, &session).await?;
    run.say(&format!(
        "Assumed {} until {} ({} from now)",
        session.assumed_role_arn,
        session.credentials.expiration,
        span(session.credentials.expiration.seconds_since(run.channel.now()).max(0)),
    ));
    Ok(())
}

/// Hides what is to be hidden and says what is worth saying, before the first request.
fn announce(run: &Run, settings: &Settings) {
    for secret in settings.proxy.secrets() {
        run.mask(secret);
    }
    if settings.hide_account {
        run.hide(settings.role_arn.account().as_str());
        run.hide(settings.role_arn.as_str());
    }
    run.limit_time(settings.time_limit_ms);
    for notice in &settings.notices {
        run.notice(notice);
    }
}

fn tell_exchange(run: &Run, settings: &Settings, exchanged: &Exchanged) {
    for name in run.ci.deciding_claims() {
        if let Some(value) = exchanged.token.claims().text(name) {
            run.say(&format!("  token {name}: {value}"));
        }
    }
    run.say(&format!(
        "  session {} of {}, by {}",
        settings.session_name.as_str(),
        span(i64::from(settings.duration.seconds())),
        settings.endpoint.url,
    ));
}

/// Which program of ours this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The GitHub Action's main step.
    Github,
    /// The GitHub Action's post step.
    GithubPost,
    /// What an AWS SDK runs when a profile says `credential_process`.
    CredentialProcess,
}

/// What a job is started with.
pub struct Request {
    pub entry: Entry,
    pub args: Vec<String>,
    pub env: Pairs,
    pub runtime: Runtime,
}

impl Request {
    /// Reads `{"entry", "args", "env", "runtime"}`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let request: Value = serde_json::from_str(text).ok()?;
        Some(Self {
            entry: match request["entry"].as_str()? {
                "github" => Entry::Github,
                "github-post" => Entry::GithubPost,
                "credential-process" => Entry::CredentialProcess,
                _ => return None,
            },
            args: request["args"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            env: Pairs::read(&request["env"])?,
            runtime: Runtime::read(&request["runtime"]),
        })
    }
}

/// A run in progress: asks for effects, takes their outcomes, until it is done.
pub struct Job {
    story: Pin<Box<dyn Future<Output = u8>>>,
    channel: Channel,
    done: bool,
}

impl Job {
    #[must_use]
    pub fn start(request: Request, now: Timestamp, seed: u64) -> Self {
        let channel = Channel::new(now, seed);
        Self { story: Box::pin(story(request, channel.clone())), channel, done: false }
    }

    /// Goes on as far as possible and returns what is newly asked for, in order.
    pub fn advance(&mut self) -> Vec<Posted> {
        if !self.done
            && let Poll::Ready(exit_code) = self.story.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            self.done = true;
            self.channel.tell(Effect::Done { exit_code });
        }
        self.channel.drain()
    }

    /// Takes the outcome of one effect, as JSON, and the milliseconds since the start.
    pub fn resume(&mut self, id: u32, outcome: String, elapsed_ms: u64) {
        self.channel.deliver(id, outcome, elapsed_ms);
    }
}

async fn story(request: Request, channel: Channel) -> u8 {
    let env = Environment::new(request.env, &request.runtime.platform);
    let ci: &'static dyn Ci = &github::GitHub;
    let stream = if request.entry == Entry::CredentialProcess { Stream::Stderr } else { Stream::Stdout };
    let run = Run::new(channel, ci, env, request.runtime, stream);

    let ended = match request.entry {
        Entry::Github => apart(assume(&run)).await,
        Entry::GithubPost => apart(cleanup::clean_up(&run)).await,
        Entry::CredentialProcess => apart(credential_process::answer(&run, &request.args)).await,
    };
    match ended {
        Ok(()) => 0,
        Err(failure) => apart(tell_failure(&run, request.entry, failure)).await,
    }
}

async fn tell_failure(run: &Run, entry: Entry, failure: Failure) -> u8 {
    run.report(&failure);
    if entry == Entry::Github {
        handover::best_effort(run, run.ci.after_failure(run, &failure)).await;
    }
    failure.exit_code()
}
