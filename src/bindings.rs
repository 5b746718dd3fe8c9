//! The module's face to JavaScript, and the only file that names wasm-bindgen and its family.

#[cfg(feature = "sandbox")]
use serde::Serialize;
use wasm_bindgen::prelude::*;

#[cfg(any(feature = "exchange", feature = "policy"))]
use crate::effect::Posted;
#[cfg(any(feature = "exchange", feature = "policy"))]
use crate::entry;
#[cfg(feature = "exchange")]
use crate::entry::Request;
#[cfg(all(feature = "policy", not(feature = "exchange")))]
use crate::policy::command;
#[cfg(feature = "sandbox")]
use crate::sandbox;
#[cfg(any(feature = "exchange", feature = "policy"))]
use crate::time::Timestamp;

/// Kept beside the Rust types by `tests/boundary.rs` and the type check of `js/`.
#[cfg(any(feature = "exchange", feature = "policy"))]
#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** One thing that the core asks for. Those with an `id` are answered by `Job.resume`. */
export type Effect =
  | { id: number; kind: 'fetch'; method: string; url: string; headers: [string, string][]; body?: string;
      connectTimeoutMs: number; timeoutMs: number; maxBytes: number; proxy?: string; socket?: string }
  | { id: number; kind: 'run'; argv: string[]; env: [string, string][]; input: string; timeoutMs: number;
      maxBytes: number }
  | { id: number; kind: 'read-file'; path: string; maxBytes: number; symlinks: 'follow' | 'refuse' }
  | { id: number; kind: 'list-files'; path: string; endings: string[]; maxFiles: number }
  | { id: number; kind: 'read-input'; maxBytes: number }
  | { id: number; kind: 'consult'; question: string }
  | { id: number; kind: 'write-file'; path: string; contents: string; mode: number }
  | { id: number; kind: 'append-file'; path: string; contents: string }
  | { id: number; kind: 'truncate-file'; path: string; length: number }
  | { id: number; kind: 'remove-file'; path: string }
  | { id: number; kind: 'sleep'; ms: number }
  | { id: number; kind: 'exec'; argv: string[]; env: Record<string, string>; without: string[] }
  | { id: number; kind: 'lock'; path: string; timeoutMs: number }
  | { id: number; kind: 'progress'; done: number; total: number }
  | { id?: undefined; kind: 'mask'; stream: 'stdout' | 'stderr'; line: string }
  | { id?: undefined; kind: 'log'; stream: 'stdout' | 'stderr'; text: string }
  | { id?: undefined; kind: 'elsewhere' }
  | { id?: undefined; kind: 'done'; exitCode: number };
"#;

/// A run in progress.
#[cfg(any(feature = "exchange", feature = "policy"))]
#[wasm_bindgen]
pub struct Job(entry::Job);

#[cfg(any(feature = "exchange", feature = "policy"))]
#[wasm_bindgen]
impl Job {
    /// Starts a run from its request as JSON in UTF-8. Clock and seed are drawn here, and nowhere else.
    ///
    /// Bytes and not a string: the glue copies a string character by character, in a loop that takes
    /// longer to optimise than the whole run.
    #[wasm_bindgen(constructor)]
    pub fn new(request: &[u8]) -> Result<Job, JsError> {
        #[allow(clippy::cast_possible_truncation)] // milliseconds since 1970 are far below 2^53
        let now = Timestamp::from_millis(js_sys::Date::now() as i64);
        let seed = getrandom::u64().map_err(|_| failed("the random source", "none on this host"))?;
        let job = start(&String::from_utf8_lossy(request), now, seed);
        job.map(Self).ok_or_else(|| failed("the request", "see `Request::read`"))
    }

    /// Goes on as far as possible; returns the effects that are newly asked for, in order, as JSON in
    /// UTF-8: a list of `Effect`. Objects would do, but each of their fields is a call across the
    /// boundary, and the loop that makes them takes longer to compile than JSON to read.
    #[wasm_bindgen(js_name = next)]
    pub fn advance(&mut self) -> Vec<u8> {
        let effects: Vec<Posted> = self.0.advance();
        // Text, numbers and lists of them always serialise.
        serde_json::to_vec(&effects).unwrap_or_default()
    }

    /// Delivers the outcome of an effect, as JSON in UTF-8, and the milliseconds since the start.
    pub fn resume(&mut self, id: u32, outcome: &[u8], elapsed_ms: f64) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates, which will do
        self.0.resume(id, String::from_utf8_lossy(outcome).into_owned(), elapsed_ms as u64);
    }
}

#[cfg(feature = "exchange")]
fn start(request: &str, now: Timestamp, seed: u64) -> Option<entry::Job> {
    Some(entry::Job::start(Request::read(request)?, now, seed))
}

/// The module that has no exchange has the commands about trust policies.
#[cfg(all(feature = "policy", not(feature = "exchange")))]
fn start(request: &str, now: Timestamp, seed: u64) -> Option<entry::Job> {
    let request = command::Request::read(request)?;
    Some(entry::Job::of(now, seed, |channel| command::run(channel, request)))
}

/// The sandbox's configuration when none is given.
#[cfg(feature = "sandbox")]
#[wasm_bindgen(js_name = sandboxDefaultConfig)]
pub fn sandbox_default_config() -> Result<JsValue, JsError> {
    to_js(&sandbox::default_config())
}

/// Header and claims of the token that the sandbox's issuer signs next.
#[cfg(feature = "sandbox")]
#[wasm_bindgen(js_name = sandboxClaims)]
pub fn sandbox_claims(request: &str) -> Result<JsValue, JsError> {
    to_js(&sandbox::claims(request).map_err(|reason| JsError::new(&reason))?)
}

/// What the sandbox's STS answers to one request.
#[cfg(feature = "sandbox")]
#[wasm_bindgen(js_name = sandboxAnswer)]
pub fn sandbox_answer(request: &str) -> Result<JsValue, JsError> {
    to_js(&sandbox::answer(request).map_err(|reason| JsError::new(&reason))?)
}

/// What `policy lint --format json` says of one text, for hosts without files. `name` is what the file is called.
#[cfg(feature = "policy")]
#[wasm_bindgen(js_name = policyLint)]
#[must_use]
pub fn policy_lint(text: &str, name: &str) -> String {
    crate::policy::command::findings(name, text)
}

/// What a denied job asks of the module that knows trust policies, and what it is told.
#[cfg(feature = "policy")]
#[wasm_bindgen(js_name = policyConsult)]
pub fn policy_consult(question: &str) -> String {
    crate::policy::consult::consult(question)
}

#[wasm_bindgen]
pub fn version() -> String {
    crate::product::VERSION.to_owned()
}

#[cfg(feature = "sandbox")]
fn to_js(value: &impl Serialize) -> Result<JsValue, JsError> {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    value.serialize(&serializer).map_err(|error| failed("an effect", &error.to_string()))
}

fn failed(what: &str, reason: &str) -> JsError {
    JsError::new(&format!("{what} is not as agreed: {reason}"))
}
