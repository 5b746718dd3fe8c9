//! From the request of a process to the part of the core that serves it.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use serde_json::Value;

use crate::channel::Channel;
use crate::ci::{Ci, all};
#[cfg(feature = "cli")]
use crate::cli;
use crate::diagnostic::{Blame, Failure};
use crate::effect::{Effect, Posted};
use crate::environment::{Environment, Runtime};
#[cfg(feature = "signed")]
use crate::login;
use crate::pairs::Pairs;
use crate::run::{Run, Voice, apart};
use crate::time::Timestamp;
use crate::{cleanup, credential_process, job};

/// Which program of ours this is.
pub enum Entry {
    /// The step of a job that assumes its roles.
    Main,
    /// The end of the job.
    Post,
    /// The step of a job that logs in to registries, and its end.
    #[cfg(feature = "signed")]
    LoginEcr,
    #[cfg(feature = "signed")]
    LogoutEcr,
    /// What an AWS SDK runs when a profile says `credential_process`, with the path of its request.
    CredentialProcess(String),
    /// A command of the command line, with all that follows it.
    #[cfg(feature = "cli")]
    Command(Vec<String>),
}

impl Entry {
    fn read(name: &str, args: &Value) -> Option<Self> {
        match name {
            "main" => Some(Self::Main),
            "post" => Some(Self::Post),
            #[cfg(feature = "signed")]
            "login-ecr" => Some(Self::LoginEcr),
            #[cfg(feature = "signed")]
            "logout-ecr" => Some(Self::LogoutEcr),
            "credential-process" => Some(Self::CredentialProcess(args[0].as_str()?.to_owned())),
            #[cfg(feature = "cli")]
            "command" => args
                .as_array()?
                .iter()
                .map(|arg| arg.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .map(Self::Command),
            _ => None,
        }
    }
}

/// What a job is started with.
pub struct Request {
    pub ci: &'static dyn Ci,
    pub entry: Entry,
    pub env: Pairs,
    pub runtime: Runtime,
}

impl Request {
    /// Reads `{"ci", "entry", "args", "env", "runtime"}`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let request: Value = serde_json::from_str(text).ok()?;
        Some(Self {
            ci: all::named(request["ci"].as_str()?)?,
            entry: Entry::read(request["entry"].as_str()?, &request["args"])?,
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
        Self::of(now, seed, |channel| story(request, channel))
    }

    /// A run that `story` tells; it ends with the exit code.
    pub fn of<S: Future<Output = u8> + 'static>(now: Timestamp, seed: u64, story: impl FnOnce(Channel) -> S) -> Self {
        let channel = Channel::new(now, seed);
        Self { story: Box::pin(story(channel.clone())), channel, done: false }
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
    let Request { ci, entry, env, runtime } = request;
    let env = Environment::new(env, &runtime.platform);
    #[cfg(feature = "cli")]
    if let Entry::Command(args) = &entry {
        return apart(cli::run(channel, env, runtime, args)).await;
    }
    if !cfg!(feature = "signed") && matches!(entry, Entry::Main) && ci.needs_signatures(&env) {
        channel.tell(Effect::Elsewhere);
        return Blame::Bug.exit_code(); // nobody sees it: the run begins again
    }
    let voice = match entry {
        Entry::CredentialProcess(_) => Voice::Aside,
        _ => Voice::Log,
    };
    let run = Run::new(channel, ci, env, runtime, voice);

    let ended = match &entry {
        #[cfg(feature = "signed")]
        Entry::LoginEcr => apart(login::action::run(&run, ci)).await,
        #[cfg(feature = "signed")]
        Entry::LogoutEcr => apart(login::action::clean_up(&run, ci)).await,
        Entry::Post => apart(cleanup::clean_up(&run, ci)).await,
        Entry::CredentialProcess(path) => apart(credential_process::answer(&run, ci, path)).await,
        _ => apart(job::assume(&run, ci)).await,
    };
    match ended {
        Ok(()) => 0,
        Err(failure) => apart(tell_failure(&run, ci, &entry, failure)).await,
    }
}

async fn tell_failure(run: &Run, ci: &dyn Ci, entry: &Entry, failure: Failure) -> u8 {
    run.report(&failure);
    let is_step = match entry {
        Entry::Main => true,
        #[cfg(feature = "signed")]
        Entry::LoginEcr => true,
        _ => false,
    };
    if is_step {
        ci.after_failure(run, &failure).await;
    }
    failure.exit_code()
}
