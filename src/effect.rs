//! What the core asks of the world, what comes back, and the channel between the two.
//!
//! The core performs nothing itself. An `async fn` of the core asks for an [`Effect`] and waits for
//! its outcome; there is no runtime underneath, only [`crate::job::Job`], which polls the story
//! whenever an outcome has arrived. So a whole run is data in and data out, and can be replayed.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::Value;

use crate::pairs::Pairs;
use crate::time::Timestamp;

/// One thing that the shim is to do. It has no `Debug`: several carry secrets.
pub enum Effect {
    Fetch(Fetch),
    ReadFile {
        path: String,
        max_bytes: u32,
        symlinks: Symlinks,
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
        line: String,
    },
    Log {
        stream: Stream,
        text: String,
    },
    Done {
        exit_code: u8,
    },
}

/// One HTTP request. Redirects are not followed.
pub struct Fetch {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<String>,
    pub connect_timeout_ms: u32,
    /// From connect to the last byte of the answer.
    pub timeout_ms: u32,
    pub max_bytes: u32,
    pub proxy: Option<String>,
}

/// What a server answered, whatever its status.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Pairs,
    pub body: String,
}

impl Answer {
    fn read(outcome: &Value) -> Option<Self> {
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
    fn named(name: &str) -> Self {
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
            }
            Effect::ReadFile { path, max_bytes, symlinks } => {
                object.serialize_field("path", path)?;
                object.serialize_field("maxBytes", max_bytes)?;
                object.serialize_field("symlinks", if *symlinks == Symlinks::Follow { "follow" } else { "refuse" })?;
            }
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
            Effect::Mask { line } => object.serialize_field("line", line)?,
            Effect::Log { stream, text } => {
                object.serialize_field("stream", if *stream == Stream::Stdout { "stdout" } else { "stderr" })?;
                object.serialize_field("text", text)?;
            }
            Effect::Done { exit_code } => object.serialize_field("exitCode", exit_code)?,
        }
        object.end()
    }
}

impl Effect {
    fn kind(&self) -> &'static str {
        match self {
            Self::Fetch(_) => "fetch",
            Self::ReadFile { .. } => "read-file",
            Self::WriteFile { .. } => "write-file",
            Self::AppendFile { .. } => "append-file",
            Self::TruncateFile { .. } => "truncate-file",
            Self::RemoveFile { .. } => "remove-file",
            Self::Sleep { .. } => "sleep",
            Self::Mask { .. } => "mask",
            Self::Log { .. } => "log",
            Self::Done { .. } => "done",
        }
    }
}

/// The core's only way to the world. Clones share one channel.
#[derive(Clone)]
pub struct Channel(Rc<RefCell<State>>);

struct State {
    started: Timestamp,
    elapsed_ms: u64,
    random: fastrand::Rng,
    next_id: u32,
    outbox: Vec<Posted>,
    inbox: Vec<(u32, String)>,
}

impl Channel {
    #[must_use]
    pub fn new(now: Timestamp, seed: u64) -> Self {
        Self(Rc::new(RefCell::new(State {
            started: now,
            elapsed_ms: 0,
            random: fastrand::Rng::with_seed(seed),
            next_id: 1,
            outbox: Vec::new(),
            inbox: Vec::new(),
        })))
    }

    // The story's side.

    /// # Errors
    /// When no complete answer arrived within the limits of the request.
    pub async fn fetch(&self, request: Fetch) -> Result<Answer, Fault> {
        let outcome = self.ask(Effect::Fetch(request)).await?;
        Answer::read(&outcome).ok_or_else(garbled)
    }

    /// # Errors
    /// When the file is absent, too large, not UTF-8, or may not be read.
    pub async fn read_file(&self, path: &str, max_bytes: u32, symlinks: Symlinks) -> Result<String, Fault> {
        let outcome = self.ask(Effect::ReadFile { path: path.to_owned(), max_bytes, symlinks }).await?;
        outcome["contents"].as_str().map(str::to_owned).ok_or_else(garbled)
    }

    /// # Errors
    /// When the file could not be replaced; it is then as it was.
    pub async fn write_file(&self, path: &str, contents: String, mode: u32) -> Result<(), Fault> {
        self.ask(Effect::WriteFile { path: path.to_owned(), contents, mode }).await.map(|_| ())
    }

    /// Returns the file's length before, which [`Channel::truncate_file`] takes to undo.
    ///
    /// # Errors
    /// When the text could not be added as a whole; the file is then as it was.
    pub async fn append_file(&self, path: &str, contents: String) -> Result<f64, Fault> {
        let outcome = self.ask(Effect::AppendFile { path: path.to_owned(), contents }).await?;
        outcome["offset"].as_f64().ok_or_else(garbled)
    }

    /// # Errors
    /// When the file could not be shortened.
    pub async fn truncate_file(&self, path: &str, length: f64) -> Result<(), Fault> {
        self.ask(Effect::TruncateFile { path: path.to_owned(), length }).await.map(|_| ())
    }

    /// # Errors
    /// When the file is there and could not be removed.
    pub async fn remove_file(&self, path: &str) -> Result<(), Fault> {
        self.ask(Effect::RemoveFile { path: path.to_owned() }).await.map(|_| ())
    }

    /// # Errors
    /// When the run was interrupted.
    pub async fn sleep(&self, ms: u32) -> Result<(), Fault> {
        self.ask(Effect::Sleep { ms }).await.map(|_| ())
    }

    /// Posts an effect that has no outcome.
    pub fn tell(&self, effect: Effect) {
        self.0.borrow_mut().outbox.push(Posted { id: None, effect });
    }

    /// The time of the latest outcome.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let state = self.0.borrow();
        state.started.plus_millis(state.elapsed_ms)
    }

    /// Milliseconds since the start, by a clock that never jumps.
    #[must_use]
    pub fn elapsed_ms(&self) -> u64 {
        self.0.borrow().elapsed_ms
    }

    /// A random number below `limit`, for jitter and delimiters; not for keys.
    #[must_use]
    pub fn random_below(&self, limit: u32) -> u32 {
        self.0.borrow_mut().random.u32(0..limit.max(1))
    }

    /// 32 random lower-case hexadecimal digits.
    #[must_use]
    pub fn random_name(&self) -> String {
        let mut state = self.0.borrow_mut();
        (0..32).map(|_| char::from(b"0123456789abcdef"[state.random.usize(0..16)])).collect()
    }

    // The job's side.

    /// Takes what the story has asked for since the last call.
    #[must_use]
    pub fn drain(&self) -> Vec<Posted> {
        std::mem::take(&mut self.0.borrow_mut().outbox)
    }

    /// Delivers the outcome of one effect as the JSON that the shim sends.
    pub fn deliver(&self, id: u32, outcome: String, elapsed_ms: u64) {
        let mut state = self.0.borrow_mut();
        state.elapsed_ms = state.elapsed_ms.max(elapsed_ms);
        state.inbox.push((id, outcome));
    }

    async fn ask(&self, effect: Effect) -> Result<Value, Fault> {
        let id = {
            let mut state = self.0.borrow_mut();
            let id = state.next_id;
            state.next_id += 1;
            state.outbox.push(Posted { id: Some(id), effect });
            id
        };
        let outcome = poll_fn(|_| {
            let inbox = &mut self.0.borrow_mut().inbox;
            match inbox.iter().position(|(other, _)| *other == id) {
                Some(place) => Poll::Ready(inbox.swap_remove(place).1),
                None => Poll::Pending,
            }
        })
        .await;
        read_outcome(&outcome)
    }
}

/// An outcome is either what was asked for or `{"fault": KIND, "detail": TEXT}`. It is read field by
/// field: a derived reader costs three kilobytes of module a type.
fn read_outcome(outcome: &str) -> Result<Value, Fault> {
    let outcome: Value = serde_json::from_str(outcome).map_err(|_| garbled())?;
    match outcome["fault"].as_str() {
        Some(kind) => Err(Fault {
            kind: FaultKind::named(kind),
            detail: outcome["detail"].as_str().unwrap_or_default().to_owned(),
        }),
        None => Ok(outcome),
    }
}

fn garbled() -> Fault {
    Fault { kind: FaultKind::Io, detail: "the outcome is not as agreed".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_fault_is_an_io_fault() {
        let outcome = read_outcome(r#"{"fault":"quantum","detail":"x"}"#);
        assert_eq!(outcome.err().map(|fault| fault.kind), Some(FaultKind::Io));
    }

    #[test]
    fn a_garbled_outcome_is_a_fault_and_not_a_panic() {
        assert!(read_outcome("{").is_err());
        assert!(Answer::read(&serde_json::json!({})).is_none());
        assert!(Answer::read(&serde_json::json!({"status": 70_000, "body": ""})).is_none());
    }
}
