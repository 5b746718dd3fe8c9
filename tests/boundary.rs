//! The exports as JavaScript sees them: types, absent fields, errors, large and odd text, memory.
//! Behaviour is tested natively; this is about the boundary alone.
#![cfg(target_arch = "wasm32")]

use ci_assume_role::bindings::{Job, sandbox_answer, sandbox_claims, sandbox_default_config, version};
use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

fn request(changes: &[(&str, &str)]) -> String {
    let mut env = json!({
        "ACTIONS_ID_TOKEN_REQUEST_URL": "https://token.example/?x=1",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token-of-the-job",
        "INPUT_ROLE-TO-ASSUME": "arn:aws:iam::123456789012:role/deploy",
        "INPUT_AWS-REGION": "us-east-1",
    });
    for (name, value) in changes {
        env[*name] = json!(value);
    }
    json!({ "ci": "github", "entry": "main", "args": [], "env": env, "runtime": { "platform": "linux" } }).to_string()
}

/// What JavaScript would see of the value, through its own JSON.
fn seen(value: &JsValue) -> Value {
    serde_json::from_str(&String::from(js_sys::JSON::stringify(value).unwrap())).unwrap()
}

fn effects(job: &mut Job) -> Vec<Value> {
    serde_json::from_slice(&job.advance()).unwrap()
}

#[wasm_bindgen_test]
fn effects_are_json_with_absent_fields_left_out() {
    let mut job = Job::new(request(&[]).as_bytes()).ok().unwrap();
    let fetch = effects(&mut job).into_iter().find(|effect| effect["kind"] == "fetch").unwrap();
    for absent in ["body", "proxy", "socket"] {
        assert!(fetch.get(absent).is_none(), "{absent}");
    }
    assert_eq!(fetch["method"], "GET");
    assert!(fetch["id"].is_u64() && fetch["timeoutMs"].is_u64() && fetch["headers"].is_array());
}

#[wasm_bindgen_test]
fn a_mask_comes_before_what_it_masks() {
    let mut job = Job::new(request(&[]).as_bytes()).ok().unwrap();
    let kinds: Vec<String> = effects(&mut job).iter().map(|effect| effect["kind"].as_str().unwrap().into()).collect();
    let place = |kind: &str| kinds.iter().position(|other| other == kind).unwrap();
    assert!(place("mask") < place("fetch"));
}

#[wasm_bindgen_test]
fn a_run_ends_with_done_and_then_stays_silent() {
    let mut job = Job::new(request(&[]).as_bytes()).ok().unwrap();
    let fetch = effects(&mut job).into_iter().find(|effect| effect["kind"] == "fetch").unwrap();
    let id = u32::try_from(fetch["id"].as_u64().unwrap()).unwrap();
    job.resume(id, json!({ "fault": "tls", "detail": "CERT_HAS_EXPIRED" }).to_string().as_bytes(), 5.0);
    let last = effects(&mut job);
    let done = last.iter().find(|effect| effect["kind"] == "done").unwrap_or_else(|| panic!("{last:?}"));
    assert_eq!(done["exitCode"], 5);
    assert!(effects(&mut job).is_empty());
}

#[wasm_bindgen_test]
fn a_request_that_is_none_is_an_error_object() {
    for text in ["", "{", "[]", "{\"entry\":\"nothing\",\"env\":{}}"] {
        let error: JsValue = Job::new(text.as_bytes()).err().unwrap().into();
        assert!(error.is_instance_of_error(), "{text}");
    }
}

trait IsError {
    fn is_instance_of_error(&self) -> bool;
}

impl IsError for JsValue {
    fn is_instance_of_error(&self) -> bool {
        use wasm_bindgen::JsCast as _;
        self.is_instance_of::<js_sys::Error>()
    }
}

#[wasm_bindgen_test]
fn odd_outcomes_and_numbers_do_no_harm() {
    for (outcome, elapsed_ms) in
        [("", 0.0), ("null", -1.0), ("{\"status\":1e9}", f64::NAN), ("[1,2]", f64::INFINITY), ("\u{1f600}", 1e300)]
    {
        let mut job = Job::new(request(&[("INPUT_DISABLE-RETRY", "true")]).as_bytes()).ok().unwrap();
        let fetch = effects(&mut job).into_iter().find(|effect| effect["kind"] == "fetch").unwrap();
        job.resume(99, b"{}", 0.0);
        job.resume(u32::try_from(fetch["id"].as_u64().unwrap()).unwrap(), outcome.as_bytes(), elapsed_ms);
        assert!(effects(&mut job).iter().any(|effect| effect["kind"] == "done"), "{outcome}");
    }
}

#[wasm_bindgen_test]
fn text_beyond_ascii_and_beyond_a_page_crosses_whole() {
    let name = "é日😀\u{2028}".repeat(20_000);
    let mut job = Job::new(request(&[("INPUT_AWS-REGION", &name)]).as_bytes()).ok().unwrap();
    let all = String::from_utf8(job.advance()).unwrap();
    assert!(all.contains("é日😀"));
    assert!(all.len() > name.len());
}

#[wasm_bindgen_test]
fn the_sandbox_issues_and_answers() {
    let config = seen(&sandbox_default_config().ok().unwrap());
    let claims = sandbox_claims(&json!({ "config": config, "audience": "a", "now": 1 }).to_string()).ok().unwrap();
    assert_eq!(seen(&claims)["claims"]["aud"], "a");
    let request = json!({ "config": config, "body": "", "signature": "valid", "seed": "00", "now": 1 });
    let answer = seen(&sandbox_answer(&request.to_string()).ok().unwrap());
    assert_eq!(answer["status"], 400);
    let error: JsValue = sandbox_answer("{}").err().unwrap().into();
    assert!(error.is_instance_of_error());
}

#[wasm_bindgen_test]
fn many_runs_do_not_grow_the_memory() {
    let pages = || {
        use wasm_bindgen::JsCast as _;
        let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
        let buffer: js_sys::ArrayBuffer = memory.buffer().unchecked_into();
        buffer.byte_length() / 65_536
    };
    let run = || {
        let mut job = Job::new(request(&[]).as_bytes()).ok().unwrap();
        let _ = effects(&mut job);
    };
    (0..50).for_each(|_| run());
    let before = pages();
    (0..500).for_each(|_| run());
    assert_eq!(pages(), before);
}

#[wasm_bindgen_test]
fn the_version_is_the_crates() {
    assert_eq!(version(), env!("CARGO_PKG_VERSION"));
}
