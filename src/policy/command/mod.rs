//! The commands about trust policies. They run in a module of their own, by the same loop as a job:
//! effects out, outcomes in.

pub mod action;
mod audit;
mod check;
mod explain;
mod generate;
mod input;
mod lint;

use serde_json::Value;

pub use self::lint::findings;

use crate::channel::Channel;
use crate::cli::args::Invocation;
use crate::cli::help;
use crate::cli::table::Name;
use crate::diagnostic::{Diagnostic, render};
use crate::effect::{Effect, Stream};
use crate::environment::{Environment, Runtime};
use crate::keys;
use crate::pairs::Pairs;
use crate::policy::report::Format;
use crate::policy::report::text::for_a_log;
use crate::product;

/// What the process ends with.
pub const WELL: u8 = 0;
/// There are findings, or the answer is no.
pub const NO: u8 = 1;
/// Used wrongly, or nobody can tell.
pub const UNCLEAR: u8 = 2;

/// What a process is started with.
pub struct Request {
    entry: Entry,
    env: Environment,
    runtime: Runtime,
    shows_progress: bool,
}

enum Entry {
    Command(Vec<String>),
    /// The step of a job of GitHub Actions.
    Action,
}

impl Request {
    /// Reads `{"entry", "args", "env", "runtime", "progress"?}`. Who says `"progress": true` is told how far long
    /// work is, by [`Effect::Progress`].
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let request: Value = serde_json::from_str(text).ok()?;
        let runtime = Runtime::read(&request["runtime"]);
        let entry = match request["entry"].as_str()? {
            "command" => {
                let args = request["args"].as_array()?.iter().map(|arg| arg.as_str().map(str::to_owned));
                Entry::Command(args.collect::<Option<_>>()?)
            }
            "main" => Entry::Action,
            _ => return None,
        };
        let env = Environment::new(Pairs::read(&request["env"])?, &runtime.platform);
        Some(Self { entry, env, runtime, shows_progress: request["progress"] == true })
    }
}

/// What every command has: the way to the world, and its flags.
struct Desk {
    channel: Channel,
    runtime: Runtime,
    flags: Pairs,
    operands: Vec<String>,
    shows_progress: bool,
}

/// Does what the process was started for, and returns the exit code.
pub async fn run(channel: Channel, request: Request) -> u8 {
    let Request { entry, env, runtime, shows_progress } = request;
    let mut desk = Desk { channel, runtime, flags: Pairs::default(), operands: Vec::new(), shows_progress };
    let ended = match entry {
        Entry::Command(args) => desk.command(&args).await,
        Entry::Action => {
            desk.tell_age();
            action::run(&desk, &env).await
        }
    };
    ended.unwrap_or_else(|diagnostic| {
        desk.complain(&diagnostic);
        UNCLEAR
    })
}

impl Desk {
    async fn command(&mut self, args: &[String]) -> Result<u8, Diagnostic> {
        let invocation = Invocation::parse(args)?;
        if invocation.flags.get("--help").is_some() {
            self.print(help::of(invocation.name).trim_end());
            return Ok(WELL);
        }
        self.flags = invocation.flags;
        self.operands = invocation.operands;
        self.tell_age();
        match invocation.name {
            Name::PolicyLint => lint::run(self).await,
            Name::PolicyExplain => explain::run(self).await,
            Name::PolicyCheck => check::run(self).await,
            Name::PolicyGenerate => generate::run(self).await,
            Name::PolicyAudit => audit::run(self).await,
            _ => Ok(UNCLEAR), // commands of other modules do not come here
        }
    }

    fn flag(&self, name: &str) -> Option<&str> {
        self.flags.get(name)
    }

    fn print(&self, text: &str) {
        self.channel.tell(Effect::Log { stream: Stream::Stdout, text: text.to_owned() });
    }

    /// Annotations of nothing are nothing.
    fn print_if(&self, text: &str) {
        if !text.is_empty() {
            self.print(text);
        }
    }

    /// The format that was asked for, if it is one of those that are the same for every command.
    fn report_format(&self) -> Option<Format> {
        self.flag("--format").and_then(Format::named)
    }

    /// For people, beside what is for programs.
    fn note(&self, text: &str) {
        if !text.is_empty() {
            self.channel.tell(Effect::Log { stream: Stream::Stderr, text: for_a_log(text) });
        }
    }

    /// Every command looks at keys, and may call one unknown that AWS has added since.
    fn tell_age(&self) {
        if keys::is_stale(self.channel.now()) {
            self.note(&format!(
                "What is known of AWS's condition keys is of {}, more than a year ago: a newer version of {} may know more.",
                keys::AS_OF,
                product::NAME
            ));
        }
    }

    /// What keeps a part of the work from being done.
    fn complain(&self, diagnostic: &Diagnostic) {
        let lines = render::text(diagnostic, self.is_coloured(Stream::Stderr));
        self.channel.tell(Effect::Log { stream: Stream::Stderr, text: lines.join("\n") });
    }

    fn is_coloured(&self, stream: Stream) -> bool {
        self.runtime.coloured.contains(&stream)
    }
}
