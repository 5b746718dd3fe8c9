//! What the core asks of the world, and what comes back.
//!
//! The core performs nothing itself. An `async fn` of the core asks for an [`Effect`] on the
//! [`crate::channel::Channel`] and waits for its outcome. So a whole run is data in and data out, and
//! can be replayed.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::Value;

use crate::pairs::Pairs;

/// One thing that the shim is to do. It has no `Debug`: several carry secrets.
pub enum Effect {
    Fetch(Fetch),
    Run(Command),
    /// A program that takes this one's place: its streams, its signals, its exit code.
    Exec {
        argv: Vec<String>,
        env: Pairs,
        /// Variables that it is not to have.
        without: Vec<String>,
    },
    /// Creates a file that nobody else holds, or waits until it can. One whose holder has died is
    /// taken over.
    Lock {
        path: String,
        timeout_ms: u32,
    },
    ReadFile {
        path: String,
        max_bytes: u32,
        symlinks: Symlinks,
    },
    /// The files in a folder and in those below it, by the ends of their names.
    ListFiles {
        path: String,
        endings: &'static [&'static str],
        max_files: u32,
    },
    /// Asks the module that knows trust policies.
    Consult {
        question: String,
    },
    /// All of standard input.
    ReadInput {
        max_bytes: u32,
    },
    /// Replaces a file in one step; missing parent folders are made private.
    WriteFile {
        path: String,
        contents: String,
        mode: u32,
    },
    /// All or nothing; never creates the file.
    AppendFile {
        path: String,
        contents: String,
    },
    TruncateFile {
        path: String,
        length: f64,
    },
    RemoveFile {
        path: String,
    },
    Sleep {
        ms: u32,
    },
    /// A line that makes the CI's log hide a secret. It carries one, so it is never recorded.
    Mask {
        stream: Stream,
        line: String,
    },
    Log {
        stream: Stream,
        text: String,
    },
    /// How far long work is, for hosts that asked to be told; `total` is 0 while it is not known.
    #[cfg(feature = "policy")]
    Progress {
        done: usize,
        total: usize,
    },
    /// Begins again in the module that has all: this one lacks what the run asks for. Nothing was done.
    Elsewhere,
    Done {
        exit_code: u8,
    },
}

/// One HTTP request. Redirects are not followed.
pub struct Fetch {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<Header>,
    pub body: Option<String>,
    pub connect_timeout_ms: u32,
    /// From connect to the last byte of the answer.
    pub timeout_ms: u32,
    pub max_bytes: u32,
    pub proxy: Option<String>,
    /// A socket of the file system to ask, whatever the URL's host.
    pub socket: Option<String>,
}

/// One program, run to its end. No shell is involved, and it gets no terminal.
pub struct Command {
    /// The program and its arguments, which others on the machine can see.
    pub argv: Vec<String>,
    /// Variables on top of those of this process.
    pub env: Vec<(&'static str, String)>,
    /// What it reads from standard input.
    pub input: String,
    pub timeout_ms: u32,
    /// Of each of its two outputs.
    pub max_bytes: u32,
}

/// How a program ended.
pub struct Ended {
    /// `None`: by a signal.
    pub exit_code: Option<i64>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub(crate) fn read(outcome: &Value) -> Option<Self> {
        Some(Self {
            exit_code: outcome["exitCode"].as_i64(),
            stdout: outcome["stdout"].as_str()?.to_owned(),
            stderr: outcome["stderr"].as_str()?.to_owned(),
        })
    }

    /// The exit code, for a message.
    #[must_use]
    pub fn shown_exit(&self) -> String {
        self.exit_code.map_or_else(|| "none: a signal".to_owned(), |code| code.to_string())
    }
}

/// Name and value.
pub type Header = (Cow<'static, str>, String);

/// What a server answered, whatever its status.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Pairs,
    pub body: String,
}

impl Answer {
    pub(crate) fn read(outcome: &Value) -> Option<Self> {
        Some(Self {
            status: u16::try_from(outcome["status"].as_u64()?).ok()?,
            headers: Pairs::read(&outcome["headers"]).unwrap_or_default(),
            body: outcome["body"].as_str()?.to_owned(),
        })
    }

    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }
}

/// How to treat a symbolic link at a path, or at its direct parent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Symlinks {
    Follow,
    Refuse,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// Why an effect could not be performed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    /// A short technical note such as `ECONNREFUSED 127.0.0.1:9`; not trusted to be printable.
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    // network
    ConnectTimeout,
    Dns,
    Protocol,
    Proxy,
    Refused,
    Reset,
    Timeout,
    Tls,
    Unreachable,
    // files
    DiskFull,
    NotAFile,
    NotFound,
    NotUtf8,
    Permission,
    Symlink,
    // both
    Interrupted,
    TooLarge,
    /// Anything else, and whatever the shim calls by another name.
    Io,
}

impl FaultKind {
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "connect-timeout" => Self::ConnectTimeout,
            "disk-full" => Self::DiskFull,
            "dns" => Self::Dns,
            "interrupted" => Self::Interrupted,
            "not-a-file" => Self::NotAFile,
            "not-found" => Self::NotFound,
            "not-utf8" => Self::NotUtf8,
            "permission" => Self::Permission,
            "protocol" => Self::Protocol,
            "proxy" => Self::Proxy,
            "refused" => Self::Refused,
            "reset" => Self::Reset,
            "symlink" => Self::Symlink,
            "timeout" => Self::Timeout,
            "tls" => Self::Tls,
            "too-large" => Self::TooLarge,
            "unreachable" => Self::Unreachable,
            _ => Self::Io,
        }
    }
}

/// An effect on its way out, with the number under which its outcome comes back.
pub struct Posted {
    pub id: Option<u32>,
    pub effect: Effect,
}

/// One flat object: `id`, `kind`, and the effect's own fields. Written out, since what serde derives
/// for a tagged enum inside a flattened struct is as much code as all of the rest of this file.
impl Serialize for Posted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Effect", 2)?;
        if let Some(id) = self.id {
            object.serialize_field("id", &id)?;
        }
        object.serialize_field("kind", self.effect.kind())?;
        match &self.effect {
            Effect::Fetch(fetch) => {
                object.serialize_field("method", fetch.method)?;
                object.serialize_field("url", &fetch.url)?;
                object.serialize_field("headers", &fetch.headers)?;
                if let Some(body) = &fetch.body {
                    object.serialize_field("body", body)?;
                }
                object.serialize_field("connectTimeoutMs", &fetch.connect_timeout_ms)?;
                object.serialize_field("timeoutMs", &fetch.timeout_ms)?;
                object.serialize_field("maxBytes", &fetch.max_bytes)?;
                if let Some(proxy) = &fetch.proxy {
                    object.serialize_field("proxy", proxy)?;
                }
                if let Some(socket) = &fetch.socket {
                    object.serialize_field("socket", socket)?;
                }
            }
            Effect::Run(command) => {
                object.serialize_field("argv", &command.argv)?;
                object.serialize_field("env", &command.env)?;
                object.serialize_field("input", &command.input)?;
                object.serialize_field("timeoutMs", &command.timeout_ms)?;
                object.serialize_field("maxBytes", &command.max_bytes)?;
            }
            Effect::Exec { argv, env, without } => {
                object.serialize_field("argv", argv)?;
                object.serialize_field("env", env)?;
                object.serialize_field("without", without)?;
            }
            Effect::Lock { path, timeout_ms } => {
                object.serialize_field("path", path)?;
                object.serialize_field("timeoutMs", timeout_ms)?;
            }
            Effect::ReadFile { path, max_bytes, symlinks } => {
                object.serialize_field("path", path)?;
                object.serialize_field("maxBytes", max_bytes)?;
                object.serialize_field("symlinks", if *symlinks == Symlinks::Follow { "follow" } else { "refuse" })?;
            }
            Effect::ListFiles { path, endings, max_files } => {
                object.serialize_field("path", path)?;
                object.serialize_field("endings", endings)?;
                object.serialize_field("maxFiles", max_files)?;
            }
            Effect::Consult { question } => object.serialize_field("question", question)?,
            Effect::ReadInput { max_bytes } => object.serialize_field("maxBytes", max_bytes)?,
            Effect::WriteFile { path, contents, mode } => {
                object.serialize_field("path", path)?;
                object.serialize_field("contents", contents)?;
                object.serialize_field("mode", mode)?;
            }
            Effect::AppendFile { path, contents } => {
                object.serialize_field("path", path)?;
                object.serialize_field("contents", contents)?;
            }
            Effect::TruncateFile { path, length } => {
                object.serialize_field("path", path)?;
                object.serialize_field("length", length)?;
            }
            Effect::RemoveFile { path } => object.serialize_field("path", path)?,
            Effect::Sleep { ms } => object.serialize_field("ms", ms)?,
            Effect::Mask { stream, line } => {
                object.serialize_field("stream", stream.name())?;
                object.serialize_field("line", line)?;
            }
            Effect::Log { stream, text } => {
                object.serialize_field("stream", stream.name())?;
                object.serialize_field("text", text)?;
            }
            #[cfg(feature = "policy")]
            Effect::Progress { done, total } => {
                object.serialize_field("done", done)?;
                object.serialize_field("total", total)?;
            }
            Effect::Elsewhere => {}
            Effect::Done { exit_code } => object.serialize_field("exitCode", exit_code)?,
        }
        object.end()
    }
}

impl Effect {
    fn kind(&self) -> &'static str {
        match self {
            Self::Fetch(_) => "fetch",
            Self::Run(_) => "run",
            Self::Exec { .. } => "exec",
            Self::Lock { .. } => "lock",
            Self::ReadFile { .. } => "read-file",
            Self::ListFiles { .. } => "list-files",
            Self::Consult { .. } => "consult",
            Self::ReadInput { .. } => "read-input",
            Self::WriteFile { .. } => "write-file",
            Self::AppendFile { .. } => "append-file",
            Self::TruncateFile { .. } => "truncate-file",
            Self::RemoveFile { .. } => "remove-file",
            Self::Sleep { .. } => "sleep",
            Self::Mask { .. } => "mask",
            Self::Log { .. } => "log",
            #[cfg(feature = "policy")]
            Self::Progress { .. } => "progress",
            Self::Elsewhere => "elsewhere",
            Self::Done { .. } => "done",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_none_is_nothing() {
        assert!(Answer::read(&serde_json::json!({})).is_none());
        assert!(Answer::read(&serde_json::json!({"status": 70_000, "body": ""})).is_none());
    }
}
