//! A whole run: any options, and any outcomes for what it asks. It ends, it never panics, and what it
//! prints starts no command of the log that we did not mean.
#![no_main]

use std::collections::VecDeque;

use ci_assume_role::ci::all::ALL;
use ci_assume_role::ci::bitrise::table as bitrise;
use ci_assume_role::ci::buildkite::table::SPECS;
use ci_assume_role::ci::github::table::{INPUTS, variable_of};
use ci_assume_role::effect::{Effect, Posted};
use ci_assume_role::entry::{Entry, Job, Request};
use ci_assume_role::environment::Runtime;
use ci_assume_role::pairs::Pairs;
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
        ("BITRISE_BUILD_URL", "https://build.example/1"),
        ("BITRISE_BUILD_API_TOKEN", "api-token-of-the-build"),
        ("ENVMAN_ENVSTORE_PATH", "/store/envs.yml"),
        ("role_arn", "arn:aws:iam::123456789012:role/deploy"),
        ("BUILDKITE_JOB_ID", "0183c4e6"),
        ("BUILDKITE_AGENT_ACCESS_TOKEN", "access-token-of-the-job"),
        ("BUILDKITE_AGENT_JOB_API_SOCKET", "/socket"),
        ("BUILDKITE_AGENT_JOB_API_TOKEN", "token-of-the-job-api"),
    ] {
        env.set(name, value);
    }
    let ci = ALL[usize::from(entry / 4) % ALL.len()];
    if ci.name() == "buildkite" {
        let mut config = serde_json::json!({ "role-arn": "arn:aws:iam::123456789012:role/deploy" });
        for (index, value) in options {
            // As text, or as whatever JSON it is.
            let value = serde_json::from_str(&value).unwrap_or(serde_json::Value::String(value));
            config[SPECS[usize::from(index) % SPECS.len()].name] = value;
        }
        env.set("BUILDKITE_PLUGIN_CONFIGURATION", &config.to_string());
    } else if ci.name() == "bitrise" {
        for (index, value) in options {
            env.set(bitrise::INPUTS[usize::from(index) % bitrise::INPUTS.len()].name, &value);
        }
    } else {
        for (index, value) in options {
            let spec = &INPUTS[usize::from(index) % INPUTS.len()];
            env.set(&variable_of(spec.name), &value);
        }
    }
    let entry = match entry % 4 {
        0 => Entry::CredentialProcess("/request".to_owned()),
        1 if ci.name() == "github" => Entry::Post,
        _ => Entry::Main,
    };
    let runtime = Runtime { home: "/home".to_owned(), ..Runtime::default() };
    let request = Request { ci, entry, env, runtime };
    let mut job = Job::start(request, Timestamp::from_seconds(1_795_262_580), 7);

    let mut outcomes = VecDeque::from(outcomes);
    let mut waiting: VecDeque<u32> = VecDeque::new();
    let mut elapsed_ms = 0;
    for _ in 0..ENOUGH {
        for Posted { id, effect } in job.advance() {
            match effect {
                Effect::Done { .. } => return,
                Effect::Log { text, .. } => {
                    // The reason of a failure, which the Bitrise CLI knows by its colour.
                    let red = text.strip_prefix("\u{1b}[31;1m").and_then(|text| text.strip_suffix("\u{1b}[0m"));
                    let shown = red.filter(|_| ci.name() == "bitrise").unwrap_or(&text);
                    assert!(!shown.contains('\u{1b}'), "an escape is in the log");
                }
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
            2 => format!("{{\"contents\":{quoted},\"offset\":0,\"exitCode\":0,\"stdout\":{quoted},\"stderr\":\"\"}}"),
            _ => format!("{{\"status\":{status},\"headers\":{{\"content-type\":{quoted}}},\"body\":{quoted}}}"),
        };
        job.resume(id, outcome, elapsed_ms);
    }
    panic!("the run does not end");
});
