//! A whole run: any options, and any outcomes for what it asks. It ends, it never panics, and what it
//! prints starts no command of the log that we did not mean.
#![no_main]

use std::collections::VecDeque;

use ci_assume_role::ci::github::table::{INPUTS, variable_of};
use ci_assume_role::effect::{Effect, Posted};
use ci_assume_role::job::{Entry, Job, Request};
use ci_assume_role::pairs::Pairs;
use ci_assume_role::run::Runtime;
use ci_assume_role::time::Timestamp;
use libfuzzer_sys::fuzz_target;

/// More effects than any run needs: twenty sessions of two requests, and all the files.
const ENOUGH: usize = 500;

fuzz_target!(|input: (u8, Vec<(u8, String)>, Vec<(u16, String)>)| {
    let (entry, options, outcomes) = input;
    let mut env = Pairs::default();
    for (name, value) in [
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://token.example/?x=1"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token-of-the-job"),
        ("INPUT_ROLE-TO-ASSUME", "arn:aws:iam::123456789012:role/deploy"),
        ("INPUT_AWS-REGION", "us-east-1"),
        ("GITHUB_ENV", "/env"),
        ("GITHUB_OUTPUT", "/output"),
        ("GITHUB_STATE", "/state"),
        ("STATE_record", "/record"),
    ] {
        env.set(name, value);
    }
    for (index, value) in options {
        let spec = &INPUTS[usize::from(index) % INPUTS.len()];
        env.set(&variable_of(spec.name), &value);
    }
    let entry = [Entry::Github, Entry::GithubPost, Entry::CredentialProcess][usize::from(entry) % 3];
    let runtime = Runtime { home: "/home".to_owned(), ..Runtime::default() };
    let request = Request { entry, args: vec!["/request".to_owned()], env, runtime };
    let mut job = Job::start(request, Timestamp::from_seconds(1_795_262_580), 7);

    let mut outcomes = VecDeque::from(outcomes);
    let mut waiting: VecDeque<u32> = VecDeque::new();
    let mut elapsed_ms = 0;
    for _ in 0..ENOUGH {
        for Posted { id, effect } in job.advance() {
            match effect {
                Effect::Done { .. } => return,
                Effect::Log { text, .. } => assert!(!text.contains('\u{1b}'), "an escape is in the log"),
                Effect::Mask { .. } => {}
                _ => waiting.extend(id),
            }
        }
        let id = waiting.pop_front().expect("a run that is not done has asked for something");
        let (status, text) = outcomes.pop_front().unwrap_or((0, String::new()));
        elapsed_ms += u64::from(status);
        let quoted = serde_json::Value::String(text.clone());
        let outcome = match status % 4 {
            0 => text,
            1 => format!("{{\"status\":200,\"headers\":{{}},\"body\":{quoted}}}"),
            2 => format!("{{\"contents\":{quoted},\"offset\":0}}"),
            _ => format!("{{\"status\":{status},\"headers\":{{\"content-type\":{quoted}}},\"body\":{quoted}}}"),
        };
        job.resume(id, outcome, elapsed_ms);
    }
    panic!("the run does not end");
});
