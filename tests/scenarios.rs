//! Runs every scenario against the core alone. `tests/scenarios/README.md` has the format.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ci_assume_role::ci::bitrise::table::INPUTS;
use ci_assume_role::ci::github::commands;
use ci_assume_role::diagnostic::Code;
use ci_assume_role::entry::{Job, Request};
use ci_assume_role::time::Timestamp;
use serde_json::{Map, Value, json};

const NOW: i64 = 1_795_262_580;
const BASE: &str = "http://127.0.0.1:8080";
const TEMP: &str = "/temp";
const STORE: &str = "/temp/bitrise/output_envstore.yml";
const COMMAND_FILES: [&str; 4] = ["GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"];

#[test]
fn every_scenario_ends_as_expected() {
    let mut wrong = Vec::new();
    for folder in scenarios() {
        println!("{}", folder.display()); // shown when it panics
        let ci = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap();
        let got = run(ci, &read_scenario(&folder));
        let expected_path = folder.join("expected.txt");
        if env::var_os("UPDATE").is_some() {
            fs::write(&expected_path, &got).unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if got != expected {
            wrong.push(format!("{}:\n{}", folder.display(), difference(&expected, &got)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The documentation test asks for a heading for every code; this one for a fixture.
#[test]
fn every_diagnostic_code_has_a_scenario() {
    let all: String =
        scenarios().iter().map(|folder| fs::read_to_string(folder.join("expected.txt")).unwrap_or_default()).collect();
    let missing: Vec<&str> =
        Code::ALL.iter().map(|code| code.id()).filter(|id| !all.contains(&format!("error[{id}]: "))).collect();
    assert!(missing.is_empty(), "no scenario shows {missing:?}");
}

fn scenarios() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut folders = Vec::new();
    for ci in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        folders.extend(fs::read_dir(ci).unwrap().map(|entry| entry.unwrap().path()));
    }
    folders.sort();
    folders
}

fn read_scenario(folder: &Path) -> Value {
    let path = folder.join("scenario.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn difference(expected: &str, got: &str) -> String {
    let mut out = String::new();
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    for index in 0..old.len().max(new.len()) {
        if old.get(index) != new.get(index) {
            let _ = writeln!(out, "  line {}:\n  - {:?}\n  + {:?}", index + 1, old.get(index), new.get(index));
            if out.len() > 2000 {
                break;
            }
        }
    }
    out
}

// The world.

enum Node {
    File(String),
    Link,
    Folder,
}

struct World {
    ci: String,
    /// What programs are to do, in the order in which they are run.
    programs: VecDeque<Value>,
    /// Buildkite's agent knows the credentials, or the log says that it does not.
    concealed: bool,
    /// What knows trust policies can be loaded.
    knows_policies: bool,
    files: BTreeMap<String, Node>,
    /// What the step is started with.
    environment: BTreeMap<String, String>,
    /// Another process keeps the lock that is asked for.
    locked: bool,
    token: String,
    account: String,
    secret: String,
    out: String,
}

const KEY_ID: &str = "ASIAEXAMPLEKEYID0001";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SESSION_TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////wEaCXVzLWVhc3QtMSJHMEUCIQ==";
/// Of credentials that are there before: a stored key, an earlier step's, the machine's.
const STORED_SECRET: &str = "stored-secret-of-a-user";
const STORED_TOKEN: &str = "stored-session-token-of-a-role";
/// Of a registry, and as files of clients hold it: `AWS:` and the password in base64.
const REGISTRY_PASSWORD: &str = "password-of-the-registry";
const REGISTRY_TOKEN: &str = "QVdTOnBhc3N3b3JkLW9mLXRoZS1yZWdpc3RyeQ==";
const REQUEST_TOKEN: &str = "request-token-of-the-job";

fn run(ci: &str, scenario: &Value) -> String {
    let token = match scenario["token"].as_str() {
        Some(text) => text.to_owned(),
        None => mint(ci, scenario),
    };
    let mut world = World {
        ci: ci.to_owned(),
        programs: VecDeque::new(),
        concealed: false,
        knows_policies: scenario["consult"] != "fault",
        files: BTreeMap::new(),
        environment: BTreeMap::new(),
        locked: false,
        token,
        account: "123456789012".to_owned(),
        secret: SECRET.to_owned(),
        out: String::new(),
    };
    for (path, node) in scenario["files"].as_object().into_iter().flatten() {
        let node = match node {
            Value::String(text) => Node::File(fill(text, &world.token)),
            other if other["folder"] == true => Node::Folder,
            _ => Node::Link,
        };
        world.files.insert(fill(path, ""), node);
    }

    let default_steps = json!([{"entry": ci}]);
    let steps = if scenario["steps"].is_array() { &scenario["steps"] } else { &default_steps };
    let mut environment = usual_environment(ci);
    if ci == "buildkite" {
        environment.insert("BUILDKITE_PLUGIN_CONFIGURATION".to_owned(), configuration(&scenario["config"]));
    }
    merge(&mut environment, &scenario["env"], &world.token);
    for step in steps.as_array().unwrap() {
        for name in COMMAND_FILES {
            let removed = matches!(scenario["files"][format!("{TEMP}/commands/{name}")], Value::Object(_))
                || matches!(scenario["files"][format!("{{temp}}/commands/{name}")], Value::Object(_));
            if !removed {
                world.files.insert(format!("{TEMP}/commands/{name}"), Node::File(String::new()));
            }
        }
        let mut step_environment = environment.clone();
        merge(&mut step_environment, &step["env"], &world.token);
        if ci == "bitrise" && !matches!(world.files.get(STORE), Some(Node::Link | Node::Folder)) {
            world.files.insert(STORE.to_owned(), Node::File(EMPTY_STORE.to_owned()));
        }
        let exports = run_step(&mut world, step, &step_environment);
        environment.extend(exported(&exports));
        if let Some(Node::File(text)) = world.files.get(STORE) {
            environment.extend(stored(text));
        }
        for (file, prefix) in [("GITHUB_ENV", ""), ("GITHUB_STATE", "STATE_")] {
            if let Some(Node::File(text)) = world.files.get(&format!("{TEMP}/commands/{file}")) {
                for (name, value) in commands::parse_file(text).unwrap() {
                    environment.insert(format!("{prefix}{name}"), value);
                }
            }
        }
    }
    world.out.clone()
}

fn usual_environment(ci: &str) -> BTreeMap<String, String> {
    match ci {
        "bitrise" => usual_environment_of_bitrise(),
        "buildkite" => usual_environment_of_buildkite(),
        "github" => usual_environment_of_github(),
        "any" => [("HOME", "home"), ("TMPDIR", "tmp")]
            .map(|(name, folder)| (name.to_owned(), format!("{TEMP}/{folder}")))
            .into(),
        other => panic!("no usual environment for {other}"),
    }
}

fn usual_environment_of_github() -> BTreeMap<String, String> {
    let mut environment: BTreeMap<String, String> = [
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", &format!("{BASE}/token?api-version=2.0")),
        ("CI", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "push"),
        ("GITHUB_JOB", "deploy"),
        ("GITHUB_REPOSITORY", "octo-org/octo-repo"),
        ("GITHUB_RUN_ATTEMPT", "1"),
        ("GITHUB_RUN_ID", "1234567890"),
        ("GITHUB_WORKSPACE", &format!("{TEMP}/workspace")),
        ("INPUT_AWS-REGION", "us-east-1"),
        ("INPUT_ROLE-TO-ASSUME", "arn:aws:iam::123456789012:role/deploy"),
        ("INPUT_STS-ENDPOINT", &format!("{BASE}/sts")),
        ("RUNNER_TEMP", &format!("{TEMP}/runner")),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    for name in COMMAND_FILES {
        environment.insert(name.to_owned(), format!("{TEMP}/commands/{name}"));
    }
    environment
}

fn usual_environment_of_bitrise() -> BTreeMap<String, String> {
    let mut environment: BTreeMap<String, String> = INPUTS
        .iter()
        .map(|spec| {
            let value = match spec.name {
                "build_api_token" => REQUEST_TOKEN,
                "build_url" => &format!("{BASE}/build/0123456789abcdef"),
                "role_arn" => "arn:aws:iam::123456789012:role/deploy",
                "session_name" => "bitrise-7",
                "sts_endpoint" => &format!("{BASE}/sts"),
                _ => spec.default,
            };
            (spec.name.to_owned(), value.to_owned())
        })
        .collect();
    for (name, value) in [
        ("BITRISE_APP_SLUG", "0a1b2c3d4e5f6071"),
        ("BITRISE_BUILD_API_TOKEN", REQUEST_TOKEN),
        ("BITRISE_BUILD_NUMBER", "7"),
        ("BITRISE_BUILD_SLUG", "11111111-2222-3333-4444-555555555555"),
        ("BITRISE_BUILD_URL", &format!("{BASE}/build/0123456789abcdef")),
        ("BITRISE_IO", "true"),
        ("BITRISE_TRIGGERED_WORKFLOW_ID", "deploy"),
        ("CI", "true"),
        ("ENVMAN_ENVSTORE_PATH", STORE),
        ("PR", "false"),
        ("TMPDIR", &format!("{TEMP}/tmp")),
    ] {
        environment.insert(name.to_owned(), value.to_owned());
    }
    environment
}

fn usual_environment_of_buildkite() -> BTreeMap<String, String> {
    [
        ("BUILDKITE", "true"),
        ("BUILDKITE_AGENT_ACCESS_TOKEN", REQUEST_TOKEN),
        ("BUILDKITE_AGENT_ENDPOINT", &format!("{BASE}/v3")),
        ("BUILDKITE_BUILD_NUMBER", "7"),
        ("BUILDKITE_JOB_ID", "0184990a-477b-4fa8-9968-496074483cee"),
        ("BUILDKITE_ORGANIZATION_SLUG", "acme"),
        ("BUILDKITE_PIPELINE_SLUG", "api"),
        ("BUILDKITE_PLUGIN_NAME", "AWS_CREDENTIALS"),
        ("CI", "true"),
        ("TMPDIR", &format!("{TEMP}/tmp")),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// What a step has under the plugin: the usual, with these differences.
fn configuration(differences: &Value) -> String {
    let mut options = json!({"role-arn": "arn:aws:iam::123456789012:role/deploy", "sts-endpoint": "{base}/sts"});
    for (name, value) in differences.as_object().into_iter().flatten() {
        let options = options.as_object_mut().unwrap();
        match value {
            Value::Null => options.remove(name),
            value => options.insert(name.clone(), value.clone()),
        };
    }
    fill(&options.to_string(), "")
}

/// What a shell makes of exports whose values have no quote.
fn exported(text: &str) -> Vec<(String, String)> {
    let pairs = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect()
}

fn merge(environment: &mut BTreeMap<String, String>, changes: &Value, token: &str) {
    for (name, value) in changes.as_object().into_iter().flatten() {
        match value.as_str() {
            Some(text) => environment.insert(name.clone(), fill(text, token)),
            None => environment.remove(name),
        };
    }
}

fn fill(text: &str, token: &str) -> String {
    text.replace("{base}", BASE).replace("{temp}", TEMP).replace("{token}", token)
}

fn mint(ci: &str, scenario: &Value) -> String {
    let mut header = json!({"alg": "RS256", "kid": "k1", "typ": "JWT"});
    let mut claims = usual_claims(ci);
    for (target, changes) in [(&mut header, &scenario["header"]), (&mut claims, &scenario["claims"])] {
        let target = target.as_object_mut().unwrap();
        for (name, value) in changes.as_object().into_iter().flatten() {
            if value.is_null() {
                target.remove(name);
            } else {
                target.insert(name.clone(), value.clone());
            }
        }
        for value in target.values_mut() {
            if let Some(offset) = value.as_str().and_then(|text| text.strip_prefix('@')) {
                *value = json!(NOW + offset.trim_start_matches('+').parse::<i64>().unwrap());
            }
        }
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(&header), part(&claims), URL_SAFE_NO_PAD.encode("signature-made-by-the-ci"))
}

fn usual_claims(ci: &str) -> Value {
    match ci {
        "github" => json!({
            "iss": "https://token.actions.githubusercontent.com",
            "aud": "sts.amazonaws.com",
            "sub": "repo:octo-org/octo-repo:ref:refs/heads/main",
            "exp": "@+300", "iat": "@+0", "nbf": "@-5", "jti": "11111111-2222-3333-4444-555555555555",
            "repository": "octo-org/octo-repo", "repository_id": "74", "repository_owner": "octo-org",
            "repository_owner_id": "65", "ref": "refs/heads/main", "ref_type": "branch", "event_name": "push",
            "workflow": "deploy", "job_workflow_ref": "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main",
            "actor": "octocat",
        }),
        "bitrise" => json!({
            "iss": "https://token.builds.bitrise.io",
            "aud": "sts.amazonaws.com",
            "sub": "app:0a1b2c3d4e5f6071:workflow:deploy",
            "exp": "@+600", "iat": "@+0", "nbf": "@+0", "jti": "11111111-2222-3333-4444-555555555555",
            "app_slug": "0a1b2c3d4e5f6071", "workspace_slug": "f0e1d2c3b4a59687", "workflow": "deploy",
            "build_number": "7", "trigger_by": "octocat", "repository_owner": "octo-org", "repository_slug": "octo-repo",
            "repository_url": "https://git.example.com/octo-org/octo-repo.git", "branch": "main", "branch_dest": "",
            "tag": "", "sha": "0123456789abcdef0123456789abcdef01234567",
        }),
        "any" => json!({
            "iss": "https://issuer.example.com", "aud": "sts.amazonaws.com", "sub": "job:deploy",
            "exp": "@+300", "iat": "@+0", "nbf": "@+0",
        }),
        "buildkite" => json!({
            "iss": "https://agent.buildkite.com",
            "aud": "sts.amazonaws.com",
            "sub": "organization:acme:pipeline:api:ref:refs/heads/main:commit:9f3182061f1e2cca4702c368cbc039b7dc9d4485:step:deploy",
            "exp": "@+300", "iat": "@+0", "nbf": "@+0", "jti": "11111111-2222-3333-4444-555555555555",
            "organization_slug": "acme", "pipeline_slug": "api", "build_number": 7, "build_branch": "main",
            "build_tag": null, "build_commit": "9f3182061f1e2cca4702c368cbc039b7dc9d4485", "step_key": "deploy",
            "job_id": "0184990a-477b-4fa8-9968-496074483cee", "agent_id": "0184990a-4782-42b5-afc1-16715b10b8ff",
            "build_source": "webhook", "runner_environment": "self-hosted",
        }),
        other => panic!("no usual claims for {other}"),
    }
}

// One step.

/// Returns what it printed for the shell that it is part of.
fn run_step(world: &mut World, step: &Value, environment: &BTreeMap<String, String>) -> String {
    let entry = step["entry"].as_str().unwrap_or(&world.ci).to_owned();
    let entry = entry.as_str();
    let kind = match entry {
        "command" | "credential-process" | "login-ecr" => entry,
        "login-ecr-post" => "logout-ecr",
        _ if entry.ends_with("-post") => "post",
        _ => "main",
    };
    let default_answers = if entry == world.ci { json!([{"to": "token"}, {"to": "sts"}]) } else { json!([]) };
    let answers = if step["http"].is_array() { &step["http"] } else { &default_answers };
    let mut answers: VecDeque<Value> = answers.as_array().unwrap().clone().into();
    let args: Vec<String> =
        step["args"].as_array().into_iter().flatten().map(|arg| fill(arg.as_str().unwrap(), "")).collect();
    let args = args.into_iter().map(|arg| find_written(world, &arg)).collect::<Vec<_>>();
    let request = Request::read(
        &json!({
            "ci": world.ci, "entry": kind, "args": args, "env": environment,
            "runtime": {"name": "node", "version": "24.0.0", "executable": "{node}", "root": "{root}",
                        "platform": "linux", "home": format!("{TEMP}/home"), "coloured": []},
        })
        .to_string(),
    )
    .unwrap();
    let mut job = Job::start(request, Timestamp::from_seconds(NOW), 7);
    let mut elapsed_ms = 0;
    let mut log = String::new();
    let mut requests = String::new();
    let (mut exports, mut programs) = (String::new(), String::new());
    world.environment.clone_from(environment);
    world.locked = step["locked"] == true;
    world.programs = step["programs"].as_array().cloned().unwrap_or_default().into();
    let for_a_shell = entry == "buildkite";
    let mut waiting: VecDeque<Value> = VecDeque::new();
    let mut masked: Vec<String> = Vec::new();

    let exit_code = loop {
        let mut done = None;
        for posted in job.advance() {
            let effect = serde_json::to_value(&posted).unwrap();
            match effect["kind"].as_str().unwrap() {
                "mask" => {
                    let line = effect["line"].as_str().unwrap();
                    masked.push(line.trim_start_matches("::add-mask::").to_owned());
                    let _ = writeln!(log, "{line}");
                }
                "log" => {
                    let text = effect["text"].as_str().unwrap();
                    let answers_sdk = matches!(entry, "command" | "credential-process") && effect["stream"] == "stdout";
                    if for_a_shell && effect["stream"] == "stdout" {
                        assert!(world.concealed, "exported before it is hidden");
                        exports.push_str(text);
                        continue;
                    }
                    world.concealed |= text.contains("cannot be made to hide");
                    if !answers_sdk {
                        assert_no_secret(world, text);
                    }
                    let aside = effect["stream"] == "stderr" && !for_a_shell;
                    let _ = writeln!(log, "{}{text}", if aside { "(stderr) " } else { "" });
                }
                "done" => done = Some(effect["exitCode"].as_u64().unwrap()),
                _ => {
                    assert_masked_first(world, entry, &effect, &masked);
                    waiting.push_back(effect);
                }
            }
        }
        if let Some(code) = done {
            break code;
        }
        let effect = waiting.pop_front().expect("a story that waits has asked for something");
        if effect["kind"] == "sleep" {
            elapsed_ms += effect["ms"].as_u64().unwrap();
        }
        let outcome = match effect["kind"].as_str() {
            Some("run") if world.ci == "buildkite" => run_program(world, &effect, &mut programs),
            _ => perform(world, &effect, &mut answers, &mut requests, &mut elapsed_ms),
        };
        job.resume(u32::try_from(effect["id"].as_u64().unwrap()).unwrap(), outcome.to_string(), elapsed_ms);
    };
    assert!(answers.is_empty(), "answers left over: {answers:?}");
    assert!(world.programs.is_empty(), "programs that were not run: {:?}", world.programs);

    let mut files = String::new();
    for (path, node) in &world.files {
        let Node::File(text) = node else { continue };
        let command_file = COMMAND_FILES.iter().any(|name| path.ends_with(name));
        if command_file && text.is_empty() || path == STORE && text == EMPTY_STORE {
            continue;
        }
        let _ = writeln!(files, "{path}");
        for line in text.lines() {
            let _ = writeln!(files, "  {line}");
        }
    }
    let part = |title: &str, text: &str| if text.is_empty() { String::new() } else { format!("## {title}\n{text}") };
    let [shell, run] = [part("exports", &exports), part("programs", &programs)];
    let page =
        format!("# {entry}: exit {exit_code}\n## log\n{log}{shell}{run}## requests\n{requests}## files\n{files}\n");
    let page = normalise(world, &page);
    world.out.push_str(&page);
    exports
}

/// `*` in an argument stands for a random part of the path of a file that an earlier step wrote.
fn find_written(world: &World, arg: &str) -> String {
    let Some((head, tail)) = arg.split_once('*') else { return arg.to_owned() };
    let found = world.files.keys().find(|path| path.starts_with(head) && path.ends_with(tail));
    found.cloned().unwrap_or_else(|| arg.to_owned())
}

fn secrets(world: &World) -> Vec<(&'static str, String)> {
    let part = |index: usize| world.token.split('.').nth(index).unwrap_or_default().to_owned();
    [
        ("<token>", world.token.clone()),
        ("<payload>", part(1)),
        ("<signature>", part(2)),
        ("<request-token>", REQUEST_TOKEN.to_owned()),
        ("<key-id>", KEY_ID.to_owned()),
        ("<secret>", world.secret.clone()),
        ("<secret>", SECRET.to_owned()),
        ("<session-token>", SESSION_TOKEN.to_owned()),
        ("<stored-secret>", STORED_SECRET.to_owned()),
        ("<stored-token>", STORED_TOKEN.to_owned()),
        ("<registry-password>", REGISTRY_PASSWORD.to_owned()),
        ("<registry-token>", REGISTRY_TOKEN.to_owned()),
    ]
    .into_iter()
    .filter(|(_, secret)| secret.len() >= 8)
    .collect()
}

fn assert_no_secret(world: &World, text: &str) {
    for (name, secret) in secrets(world) {
        assert!(!text.contains(&secret), "{name} is in the log: {text}");
    }
}

/// A secret that came from outside must be masked before any effect carries it.
fn assert_masked_first(world: &World, entry: &str, effect: &Value, masked: &[String]) {
    if !["github", "login-ecr"].contains(&entry) {
        return;
    }
    let unmasked = world.environment.get("INPUT_MASK-PASSWORD").is_some_and(|value| value == "false");
    let text = effect.to_string();
    for (name, secret) in secrets(world) {
        let quoted = Value::String(secret.clone()).to_string();
        let carried = text.contains(quoted.trim_matches('"'));
        let is_asked_for = unmasked && name.starts_with("<registry-");
        assert!(!carried || is_asked_for || masked.contains(&secret), "{name} is used before it is masked");
    }
}

fn normalise(world: &World, page: &str) -> String {
    let mut page = page.to_owned();
    for (name, secret) in secrets(world) {
        page = page.replace(&secret, name);
    }
    page = page.replace(BASE, "{base}").replace(TEMP, "{temp}").replace('\u{1b}', "<esc>");
    page = replace_runs(&page, 32, |c| c.is_ascii_digit() || ('a'..='f').contains(&c), "<random>");
    let mut out = String::new();
    for line in page.lines() {
        let mut line = replace_signature(&replace_times(line));
        if let Some((head, _)) = line.split_once("the next one follows in ") {
            line = format!("{head}the next one follows in <ms>");
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn replace_runs(text: &str, length: usize, wanted: impl Fn(char) -> bool, name: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    for c in text.chars().chain(['\u{0}']) {
        if wanted(c) {
            run.push(c);
            continue;
        }
        out.push_str(if run.len() == length { name } else { &run });
        run.clear();
        if c != '\u{0}' {
            out.push(c);
        }
    }
    out
}

fn replace_times(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("20") {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        match tail.get(..20).filter(|text| Timestamp::parse(text).is_some()) {
            Some(text) => {
                out.push_str("<time>");
                rest = &tail[text.len()..];
            }
            None => {
                out.push_str("20");
                rest = &tail[2..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The time and the day of a signature, and the signature itself. A time that is not ours stands as the
/// minutes between them.
fn replace_signature(line: &str) -> String {
    if let Some(date) = line.strip_prefix("  X-Amz-Date: ").or(line.strip_prefix("  x-amz-date: ")) {
        let part = |from: usize, to: usize| date.get(from..to).unwrap_or_default();
        let [year, month, day] = [part(0, 4), part(4, 6), part(6, 8)];
        let [hour, minute, second] = [part(9, 11), part(11, 13), part(13, 15)];
        let text = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
        let minutes = Timestamp::parse(&text).map(|time| (time.seconds() - NOW + 30).div_euclid(60));
        return match minutes {
            Some(0) => "  x-amz-date: <now>".to_owned(),
            minutes => format!("  x-amz-date: <now> {:+} min", minutes.unwrap()),
        };
    }
    let Some((head, rest)) = line.split_once("Credential=") else { return line.to_owned() };
    let Some((key, rest)) = rest.split_once('/') else { return line.to_owned() };
    let tail = rest.split_once('/').map_or(rest, |(_, tail)| tail);
    let tail = tail.split("Signature=").next().unwrap_or_default();
    format!("{head}Credential={key}/<day>/{tail}Signature=<hmac>")
}

// Effects.

fn perform(
    world: &mut World,
    effect: &Value,
    answers: &mut VecDeque<Value>,
    requests: &mut String,
    elapsed_ms: &mut u64,
) -> Value {
    let fault = |kind: &str| json!({"fault": kind, "detail": ""});
    let path = effect["path"].as_str().unwrap_or_default().to_owned();
    match effect["kind"].as_str().unwrap() {
        "fetch" => {
            note_request(effect, requests);
            let answer = answers.pop_front().unwrap_or_else(|| panic!("no answer for {}", effect["url"]));
            let url = effect["url"].as_str().unwrap();
            let wanted = match url {
                _ if effect["socket"].is_string() => "job-api",
                _ if url.ends_with("/sts") || url.contains("//sts.") => "sts",
                _ if url.ends_with("/ecr") || url.contains("//api.ecr") => "ecr",
                _ if url.contains("/metadata") => "metadata",
                _ if url.ends_with("/iam") => "iam",
                _ if url.ends_with("/signin") => "signin",
                _ => "token",
            };
            world.concealed |= wanted == "job-api" && answer["status"] == 201;
            assert_eq!(answer["to"], wanted, "the requests come in another order");
            if wanted == "sts" {
                let action = answer["action"].as_str().unwrap_or("AssumeRoleWithWebIdentity");
                let body = effect["body"].as_str().unwrap();
                assert!(body.starts_with(&format!("Action={action}&")), "{body}");
            }
            match answer["fault"].as_str() {
                Some("hang") => {
                    *elapsed_ms += effect["timeoutMs"].as_u64().unwrap();
                    fault("timeout")
                }
                Some(kind) => fault(kind),
                None => respond(world, &answer),
            }
        }
        "run" if effect["argv"][0] != "envman" => {
            let mut programs = String::new();
            let ended = run_program(world, effect, &mut programs);
            requests.push_str(&programs);
            ended
        }
        "run" => envman(world, &effect["argv"]),
        "exec" => {
            if effect["argv"][0] == "no-such-command" {
                return fault("not-found");
            }
            let _ = writeln!(requests, "exec {}", effect["argv"]);
            for (name, value) in effect["env"].as_object().unwrap() {
                let _ = writeln!(requests, "  {name}={}", value.as_str().unwrap());
            }
            let without = effect["without"].as_array().unwrap().iter().filter_map(Value::as_str);
            let without: BTreeSet<&str> = without.filter(|name| world.environment.contains_key(*name)).collect();
            for name in without {
                let _ = writeln!(requests, "  without {name}");
            }
            json!({"exitCode": 7})
        }
        "lock" if world.locked => fault("timeout"),
        "lock" => json!({}),
        "consult" => {
            let question = effect["question"].as_str().unwrap();
            assert_no_secret(world, question);
            assert!(!question.contains("jti"), "{question}");
            if !world.knows_policies {
                return fault("io");
            }
            json!({"answer": ci_assume_role::policy::consult::consult(question)})
        }
        "sleep" => json!({}),
        "read-file" => match world.files.get(&path) {
            None => fault("not-found"),
            Some(Node::Link) => fault("symlink"),
            Some(Node::Folder) => fault("not-a-file"),
            Some(Node::File(text)) if text.len() as u64 > effect["maxBytes"].as_u64().unwrap() => fault("too-large"),
            Some(Node::File(text)) => json!({"contents": text}),
        },
        "write-file" => match world.files.get(&path) {
            Some(Node::Link) => fault("symlink"),
            Some(Node::Folder) => fault("not-a-file"),
            _ => {
                world.files.insert(path, Node::File(effect["contents"].as_str().unwrap().to_owned()));
                json!({})
            }
        },
        "append-file" => match world.files.get_mut(&path) {
            None => fault("not-found"),
            Some(Node::Link) => fault("symlink"),
            Some(Node::Folder) => fault("not-a-file"),
            Some(Node::File(text)) => {
                let offset = text.len();
                text.push_str(effect["contents"].as_str().unwrap());
                json!({"offset": offset})
            }
        },
        "truncate-file" => {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let length = effect["length"].as_f64().unwrap() as usize;
            match world.files.get_mut(&path) {
                Some(Node::File(text)) => text.truncate(length),
                _ => panic!("{path} is no file"),
            }
            json!({})
        }
        "remove-file" => {
            world.files.remove(&path);
            json!({})
        }
        other => panic!("no such effect: {other}"),
    }
}

// The Bitrise CLI's envman, as far as a step uses it.

const EMPTY_STORE: &str = "envs: []\n";

fn envman(world: &mut World, argv: &Value) -> Value {
    let argv: Vec<&str> = argv.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    let [program, "--loglevel", "fatal", "--path", store, "add", "--key", key, "--valuefile", file, flags @ ..] =
        argv.as_slice()
    else {
        panic!("envman is not called like that: {argv:?}");
    };
    assert_eq!(*program, "envman");
    assert_no_secret(world, &argv.join(" "));
    let (Some(Node::File(value)), Some(Node::File(text))) = (world.files.get(*file), world.files.get(*store)) else {
        return json!({"exitCode": 1, "stdout": "", "stderr": "no such file"});
    };
    let value = if value.is_empty() { "\"\"" } else { value };
    let sensitive = if flags.contains(&"--sensitive") { "    is_sensitive: true\n" } else { "" };
    let head = if text == EMPTY_STORE { "envs:\n" } else { text };
    let text = format!("{head}- {key}: {value}\n  opts:\n    is_expand: false\n{sensitive}");
    world.files.insert((*store).to_owned(), Node::File(text));
    json!({"exitCode": 0, "stdout": "", "stderr": ""})
}

/// What the CLI gives to later steps.
fn stored(text: &str) -> Vec<(String, String)> {
    let pairs = text.lines().filter_map(|line| line.strip_prefix("- ")?.split_once(": "));
    pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect()
}

// Programs of Buildkite's agent, as far as a scenario says what they do; it has none else.

fn run_program(world: &mut World, effect: &Value, programs: &mut String) -> Value {
    let words = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let argv = words(&effect["argv"]).join(" ");
    assert_no_secret(world, &argv);
    let name = effect["argv"][0].clone();
    let is_next = world.programs.front().is_some_and(|next| next["program"].is_null() || next["program"] == name);
    let Some(scripted) = world.programs.pop_front_if(|_| is_next) else {
        return json!({"fault": "not-found", "detail": ""});
    };
    if scripted["program"].is_string() && scripted["fault"] == "not-found" {
        return json!({"fault": "not-found", "detail": ""}); // nothing was run
    }
    let _ = writeln!(programs, "{argv}");
    let mut variables: Vec<String> =
        effect["env"].as_array().unwrap().iter().map(|pair| words(pair).join("=")).collect();
    variables.sort();
    for variable in variables {
        let _ = writeln!(programs, "  {variable}");
    }
    for line in effect["input"].as_str().unwrap().lines() {
        let _ = writeln!(programs, "  < {line}");
    }
    if scripted["fault"].is_string() {
        return json!({"fault": scripted["fault"], "detail": ""});
    }
    for (path, text) in scripted["writes"].as_object().into_iter().flatten() {
        world.files.insert(fill(path, ""), Node::File(text.as_str().unwrap().to_owned()));
    }
    let text = |name: &str| fill(scripted[name].as_str().unwrap_or_default(), &world.token);
    let exit_code = scripted["exitCode"].as_u64().unwrap_or(0);
    let ended = json!({"exitCode": exit_code, "stdout": text("stdout"), "stderr": text("stderr")});
    world.concealed |= argv.contains(" redactor add ") && exit_code == 0;
    ended
}

fn note_request(effect: &Value, requests: &mut String) {
    let _ = writeln!(requests, "{} {}", effect["method"].as_str().unwrap(), effect["url"].as_str().unwrap());
    for header in effect["headers"].as_array().unwrap() {
        let _ = writeln!(
            requests,
            "  {}: {}",
            header[0].as_str().unwrap().to_ascii_lowercase(),
            header[1].as_str().unwrap()
        );
    }
    for pair in effect["body"].as_str().into_iter().flat_map(|body| body.split('&')) {
        let decoded = percent_encoding::percent_decode_str(pair).decode_utf8().unwrap().into_owned();
        let _ = writeln!(requests, "  {}", Value::String(decoded).to_string().trim_matches('"'));
    }
}

fn respond(world: &mut World, answer: &Value) -> Value {
    let reply = |status: u64, content_type: &str, body: String| {
        let mut headers = json!({"content-type": content_type, "x-amzn-requestid": "request-1"});
        if let Some(ahead) = answer["clock"].as_i64() {
            headers["date"] = http_date(NOW + ahead).into();
        }
        json!({"status": status, "headers": headers, "body": body})
    };
    if answer["status"].is_u64() {
        let body = fill(answer["body"].as_str().unwrap_or_default(), &world.token);
        let content_type = answer["contentType"].as_str().unwrap_or("application/json");
        return reply(answer["status"].as_u64().unwrap(), content_type, body);
    }
    if let Some(error) = answer["error"].as_object().filter(|_| answer["to"] == "ecr") {
        let body = json!({"__type": error["code"], "message": error["message"]});
        return reply(error["status"].as_u64().unwrap(), "application/x-amz-json-1.1", body.to_string());
    }
    if let Some(error) = answer["error"].as_object() {
        return reply(error["status"].as_u64().unwrap(), "text/xml", error_xml(error, &world.token));
    }
    if answer["to"] == "iam" {
        return reply(200, "text/xml", role_xml(answer["arn"].as_str(), &answer["policy"]));
    }
    if answer["to"] == "ecr" {
        return reply(200, "application/x-amz-json-1.1", passwords(answer).to_string());
    }
    if answer["to"] == "token" && world.ci == "buildkite" {
        return reply(200, "application/json", json!({"token": world.token}).to_string());
    }
    if answer["to"] == "token" && world.ci == "bitrise" {
        let token = json!({"id_token": world.token, "token_type": "Bearer", "expires_in": 600});
        return reply(200, "application/json; charset=utf-8", token.to_string());
    }
    if answer["to"] == "token" {
        return reply(200, "application/json; charset=utf-8", json!({"count": 1, "value": world.token}).to_string());
    }
    if let Some(account) = answer["account"].as_str() {
        account.clone_into(&mut world.account);
    }
    let action = answer["action"].as_str().unwrap_or("AssumeRoleWithWebIdentity");
    if action == "GetCallerIdentity" {
        let usual = format!("arn:aws:iam::{}:user/deployer", world.account);
        return reply(200, "text/xml", caller_xml(&world.account, answer["arn"].as_str().unwrap_or(&usual)));
    }
    answer["secret"].as_str().unwrap_or(SECRET).clone_into(&mut world.secret);
    let lasts = answer["lasts"].as_i64().unwrap_or(3630);
    let usual = format!("arn:aws:sts::{}:assumed-role/deploy/GitHubActions", world.account);
    let session = success_xml(world, answer["arn"].as_str().unwrap_or(&usual), lasts);
    reply(200, "text/xml", session.replace("AssumeRoleWithWebIdentity", action))
}

/// One for each of the `registries` (by default the caller's own), or for the public registry.
fn passwords(answer: &Value) -> Value {
    let entry = || json!({"authorizationToken": REGISTRY_TOKEN, "expiresAt": NOW + 43_230});
    if answer["public"] == true {
        return json!({"authorizationData": entry()});
    }
    let own = json!(["123456789012"]);
    let accounts = answer["registries"].as_array().or(own.as_array()).unwrap();
    let of = |account: &Value| {
        let mut entry = entry();
        let account = account.as_str().unwrap();
        entry["proxyEndpoint"] = format!("https://{account}.dkr.ecr.us-east-1.amazonaws.com").into();
        entry
    };
    json!({"authorizationData": accounts.iter().map(of).collect::<Vec<_>>()})
}

fn error_xml(error: &Map<String, Value>, token: &str) -> String {
    let text = |name: &str| {
        fill(error[name].as_str().unwrap(), token).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    };
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{}</Code>\
         <Message>{}</Message></Error><RequestId>request-1</RequestId></ErrorResponse>",
        text("code"),
        text("message")
    )
}

fn caller_xml(account: &str, arn: &str) -> String {
    format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>{arn}</Arn><UserId>AIDAEXAMPLE</UserId><Account>{account}</Account></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )
}

/// As IAM answers, with its policy in percent-encoding.
fn role_xml(arn: Option<&str>, policy: &Value) -> String {
    let arn = arn.unwrap_or("arn:aws:iam::123456789012:role/deploy");
    let policy = percent_encoding::utf8_percent_encode(policy.as_str().unwrap(), percent_encoding::NON_ALPHANUMERIC);
    format!(
        "<GetRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetRoleResult><Role><Arn>{arn}</Arn>\
         <AssumeRolePolicyDocument>{policy}</AssumeRolePolicyDocument><RoleName>deploy</RoleName></Role></GetRoleResult>\
         <ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></GetRoleResponse>"
    )
}

/// RFC 9110 section 5.6.7, of a day in November 2026.
fn http_date(seconds: i64) -> String {
    let text = Timestamp::from_seconds(seconds).to_string();
    let (day, time) = (&text[8..10], &text[11..19]);
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][usize::try_from(seconds / 86_400 % 7).unwrap()];
    format!("{weekday}, {day} Nov 2026 {time} GMT")
}

fn success_xml(world: &World, arn: &str, lasts: i64) -> String {
    format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <AssumeRoleWithWebIdentityResult><Audience>sts.amazonaws.com</Audience><AssumedRoleUser>\
         <AssumedRoleId>AROAEXAMPLE:GitHubActions</AssumedRoleId>\
         <Arn>{arn}</Arn></AssumedRoleUser><Credentials>\
         <AccessKeyId>{KEY_ID}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>\
         <SessionToken>{SESSION_TOKEN}</SessionToken><Expiration>{}</Expiration></Credentials>\
         </AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata>\
         </AssumeRoleWithWebIdentityResponse>",
        world.secret,
        Timestamp::from_seconds(NOW + lasts),
    )
}
