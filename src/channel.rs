//! The channel between the story and the shim: effects out, outcomes in.
//!
//! There is no runtime underneath, only [`crate::entry::Job`], which polls the story whenever an outcome
//! has arrived.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use serde_json::Value;

use crate::effect::{Answer, Command, Effect, Ended, Fault, FaultKind, Fetch, Posted, Symlinks};
use crate::pairs::Pairs;
use crate::time::Timestamp;

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
    /// When the program could not be started, said too much, or did not end in time.
    pub async fn run_program(&self, command: Command) -> Result<Ended, Fault> {
        let outcome = self.ask(Effect::Run(command)).await?;
        Ended::read(&outcome).ok_or_else(garbled)
    }

    /// The exit code of a program that takes this one's place; 128 and the signal's number if it was
    /// ended by one.
    ///
    /// # Errors
    /// When the program could not be started.
    pub async fn exec(&self, argv: Vec<String>, env: Pairs, without: Vec<String>) -> Result<u8, Fault> {
        let outcome = self.ask(Effect::Exec { argv, env, without }).await?;
        outcome["exitCode"].as_u64().and_then(|code| u8::try_from(code).ok()).ok_or_else(garbled)
    }

    /// Removing the file gives it back.
    ///
    /// # Errors
    /// When others hold it for all that time, or it cannot be made.
    pub async fn lock(&self, path: &str, timeout_ms: u32) -> Result<(), Fault> {
        self.ask(Effect::Lock { path: path.to_owned(), timeout_ms }).await.map(|_| ())
    }

    /// # Errors
    /// When the file is absent, too large, not UTF-8, or may not be read.
    pub async fn read_file(&self, path: &str, max_bytes: u32, symlinks: Symlinks) -> Result<String, Fault> {
        let outcome = self.ask(Effect::ReadFile { path: path.to_owned(), max_bytes, symlinks }).await?;
        outcome["contents"].as_str().map(str::to_owned).ok_or_else(garbled)
    }

    /// Paths in alphabetical order.
    ///
    /// # Errors
    /// When the folder cannot be read, or has more such files than that.
    pub async fn list_files(
        &self,
        path: &str,
        endings: &'static [&'static str],
        max_files: u32,
    ) -> Result<Vec<String>, Fault> {
        let outcome = self.ask(Effect::ListFiles { path: path.to_owned(), endings, max_files }).await?;
        let files = outcome["files"].as_array().ok_or_else(garbled)?;
        Ok(files.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// # Errors
    /// When what knows trust policies could not be loaded.
    pub async fn consult(&self, question: String) -> Result<String, Fault> {
        let outcome = self.ask(Effect::Consult { question }).await?;
        outcome["answer"].as_str().map(str::to_owned).ok_or_else(garbled)
    }

    /// # Errors
    /// When there is more of it than that, or it is not UTF-8.
    pub async fn read_input(&self, max_bytes: u32) -> Result<String, Fault> {
        let outcome = self.ask(Effect::ReadInput { max_bytes }).await?;
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

    /// Tells how far long work is, and comes back when the host lets it go on, whatever it says.
    #[cfg(feature = "policy")]
    pub async fn progress(&self, done: usize, total: usize) {
        let _ = self.ask(Effect::Progress { done, total }).await;
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
    }
}
