//! The commands about trust policies. They run in a module of their own, by the same loop as a job:
//! effects out, outcomes in.

mod input;
mod lint;

use serde_json::Value;

use crate::channel::Channel;
use crate::cli::args::Invocation;
use crate::cli::help;
use crate::cli::table::Name;
use crate::diagnostic::{Diagnostic, render};
use crate::effect::{Effect, Stream};
use crate::environment::Runtime;
use crate::pairs::Pairs;

/// What the process ends with.
pub const WELL: u8 = 0;
/// There are findings, or the answer is no.
pub const NO: u8 = 1;
/// Used wrongly, or nobody can tell.
pub const UNCLEAR: u8 = 2;

/// What a command is started with.
pub struct Request {
    pub args: Vec<String>,
    pub runtime: Runtime,
}

impl Request {
    /// Reads `{"args", "runtime"}`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let request: Value = serde_json::from_str(text).ok()?;
        let args = request["args"].as_array()?.iter().map(|arg| arg.as_str().map(str::to_owned));
        Some(Self { args: args.collect::<Option<_>>()?, runtime: Runtime::read(&request["runtime"]) })
    }
}

/// What every command has: the way to the world, and its flags.
struct Desk {
    channel: Channel,
    runtime: Runtime,
    flags: Pairs,
    operands: Vec<String>,
}

/// Runs one command, and returns the exit code.
pub async fn run(channel: Channel, request: Request) -> u8 {
    let Request { args, runtime } = request;
    let mut desk = Desk { channel, runtime, flags: Pairs::default(), operands: Vec::new() };
    let invocation = match Invocation::parse(&args) {
        Ok(invocation) => invocation,
        Err(diagnostic) => return desk.refuse(&diagnostic),
    };
    if invocation.flags.get("--help").is_some() {
        desk.print(help::of(invocation.name).trim_end());
        return WELL;
    }
    desk.flags = invocation.flags;
    desk.operands = invocation.operands;
    let ended = match invocation.name {
        Name::PolicyLint => lint::run(&desk).await,
        _ => Ok(UNCLEAR), // commands of other modules do not come here
    };
    ended.unwrap_or_else(|diagnostic| desk.refuse(&diagnostic))
}

impl Desk {
    fn flag(&self, name: &str) -> Option<&str> {
        self.flags.get(name)
    }

    fn print(&self, text: &str) {
        self.channel.tell(Effect::Log { stream: Stream::Stdout, text: text.to_owned() });
    }

    fn refuse(&self, diagnostic: &Diagnostic) -> u8 {
        self.complain(diagnostic);
        UNCLEAR
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
