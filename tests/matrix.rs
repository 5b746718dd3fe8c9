//! Every source of credentials, at every CI, with every hand-over: `tests/matrix/expected.txt` has a line for each, with
//! what is handed over or why not. And a fault at every request of every source: nothing is handed over, the reason is
//! named, and no secret is in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ci_assume_role::ci;
use ci_assume_role::ci::bitrise::table::INPUTS;
use ci_assume_role::ci::github::commands;
use ci_assume_role::entry::{Job, Request};
use ci_assume_role::settings::origin::SOURCES;
use ci_assume_role::time::Timestamp;
use serde_json::{Value, json};

const NOW: i64 = 1_795_262_580;
const BASE: &str = "http://127.0.0.1:8080";
const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";
/// Of the sessions that STS issues, one for each call: `secret-1` and so on.
const ISSUED: &str = "wJalrXUtnFEMI/issued-secret-";
/// What there is before.
const STORED: [&str; 4] =
    ["stored-secret-of-a-user", "request-token-of-the-job", "token-of-the-instance", "signature-of"];
const PROFILES: &str =
    "[default]\naws_access_key_id = AKIAPROFILEKEY000001\naws_secret_access_key = stored-secret-of-a-user\n";

#[test]
fn every_source_at_every_ci_with_every_hand_over() {
    let mut table = String::new();
    let mut handed_over = 0;
    for ci in CIS {
        for source in sources(ci) {
            for way in ways(ci) {
                let ran = World::new(ci).with_source(source).with_way(way).run(None);
                let came = match &ran.failure {
                    None => {
                        handed_over += 1;
                        format!("{}; by {}", grouped(&ran.handed_over), ran.requests.join(", "))
                    }
                    Some(failure) => format!("refused: {failure}"),
                };
                assert!(ran.failure.is_some() || !ran.handed_over.is_empty(), "{ci} {source} {way} hands nothing over");
                let _ = writeln!(table, "{ci:<13} {source:<12} {way:<19} {came}");
            }
        }
    }
    assert!(handed_over > 150, "{handed_over}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/matrix/expected.txt");
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    for (old, new) in expected.lines().zip(table.lines()) {
        assert_eq!(old, new);
    }
    assert_eq!(expected.lines().count(), table.lines().count());
}

/// Names after what they are in, each place once.
fn grouped(names: &[String]) -> String {
    let mut places: Vec<(&str, Vec<&str>)> = Vec::new();
    for name in names {
        let (place, name) = name.split_once(':').unwrap_or(("", name));
        match places.iter_mut().find(|(other, _)| *other == place) {
            Some((_, all)) => all.push(name),
            None => places.push((place, vec![name])),
        }
    }
    let places = places.iter().map(|(place, names)| {
        let names = names.join(" ");
        if place.is_empty() { names } else { format!("{place}({names})") }
    });
    places.collect::<Vec<_>>().join(" ")
}

/// Two further roles after the first, so that there are faults in the middle of a chain, too.
#[test]
fn a_fault_anywhere_hands_nothing_over() {
    let mut tried = 0;
    for ci in CIS {
        for source in sources(ci) {
            let world = || World::new(ci).with_source(source).with_chain();
            let whole = world().run(None);
            assert_eq!(whole.failure, None, "{ci} {source}");
            assert!(whole.requests.len() >= 3, "{ci} {source}: {:?}", whole.requests);
            for number in 0..whole.requests.len() {
                for fault in FAULTS {
                    let ran = world().run(Some((number, fault)));
                    let place = format!("{ci} {source}: {fault:?} at {}", whole.requests[number]);
                    let failure = ran.failure.unwrap_or_else(|| panic!("{place}: went well"));
                    assert!(failure.len() > 20, "{place}: {failure}");
                    assert!(ran.handed_over.is_empty(), "{place}: {:?}", ran.handed_over);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 1000, "{tried}");
}

const CIS: [&str; 8] = ["github", "buildkite", "bitrise", "circleci", "bitbucket", "azure-devops", "gitlab", "any"];

#[test]
fn no_ci_is_left_out() {
    let known: Vec<&str> = ci::all::ALL.iter().map(|ci| ci.name()).collect();
    assert!(known.iter().all(|name| CIS.contains(name)) && known.len() == CIS.len(), "{known:?}");
}

/// Whether it is configured by the command line.
fn by_flags(ci: &str) -> bool {
    !["github", "buildkite", "bitrise"].contains(&ci)
}

fn sources(ci: &str) -> Vec<&'static str> {
    let stored = ["github", "bitrise"].contains(&ci).then_some("stored key");
    SOURCES.iter().copied().chain(stored).collect()
}

fn ways(ci: &str) -> &'static [&'static str] {
    match ci {
        "github" => &["env", "outputs", "profile", "process"],
        "buildkite" | "bitrise" => &["env", "profile", "process"],
        _ => &[
            "env",
            "profile",
            "process",
            "format env",
            "format json",
            "format dotenv",
            "format powershell",
            "format github",
            "format profile",
            "format process",
            "exec",
            "credential-process",
        ],
    }
}

/// What can go wrong with a request.
const FAULTS: [Fault; 5] = [Fault::Reset, Fault::Silence, Fault::Stranger, Fault::Refusal, Fault::Nothing];

#[derive(Clone, Copy, Debug)]
enum Fault {
    Reset,
    Silence,
    /// A proxy's page.
    Stranger,
    Refusal,
    /// An answer that is empty.
    Nothing,
}

impl Fault {
    fn outcome(self) -> Value {
        match self {
            Self::Reset => json!({"fault": "reset", "detail": "ECONNRESET"}),
            Self::Silence => json!({"fault": "timeout", "detail": ""}),
            Self::Stranger => answer(403, "text/html", "<html>Blocked: stored-secret-of-a-user</html>"),
            Self::Refusal => answer(403, "text/xml", DENIAL),
            Self::Nothing => answer(200, "application/json", ""),
        }
    }
}

struct World {
    ci: &'static str,
    command: &'static str,
    flags: BTreeMap<&'static str, String>,
    env: BTreeMap<String, String>,
    plugin: Value,
}

/// What came of a run.
struct Ran {
    failure: Option<String>,
    /// Names, never values.
    handed_over: Vec<String>,
    requests: Vec<String>,
}

impl World {
    fn new(ci: &'static str) -> Self {
        let mut world =
            Self { ci, command: "assume", flags: BTreeMap::new(), env: BTreeMap::new(), plugin: Value::Null };
        for (name, value) in [
            ("HOME", "/home"),
            ("TMPDIR", "/tmp"),
            // What each of the sources would find.
            ("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENTKEY01"),
            ("AWS_SECRET_ACCESS_KEY", "stored-secret-of-a-user"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:8080/container"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:8080/imds"),
        ] {
            world.env.insert(name.to_owned(), value.to_owned());
        }
        let sts = format!("{BASE}/sts");
        match ci {
            "github" => world.set(&[
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_ENV", "/github/GITHUB_ENV"),
                ("GITHUB_OUTPUT", "/github/GITHUB_OUTPUT"),
                ("GITHUB_STATE", "/github/GITHUB_STATE"),
                ("RUNNER_TEMP", "/runner"),
                ("ACTIONS_ID_TOKEN_REQUEST_URL", "http://127.0.0.1:8080/token?v=1"),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token-of-the-job"),
                ("INPUT_AWS-REGION", "us-east-1"),
                ("INPUT_ROLE-TO-ASSUME", ROLE),
                ("INPUT_STS-ENDPOINT", &sts),
            ]),
            "buildkite" => {
                world.plugin = json!({"role-arn": ROLE, "sts-endpoint": sts});
                world.set(&[
                    ("BUILDKITE", "true"),
                    ("BUILDKITE_JOB_ID", "0184990a-477b-4fa8-9968-496074483cee"),
                    ("BUILDKITE_AGENT_ACCESS_TOKEN", "request-token-of-the-job"),
                    ("BUILDKITE_AGENT_ENDPOINT", "http://127.0.0.1:8080/token"),
                ]);
            }
            "bitrise" => {
                for spec in INPUTS {
                    world.env.insert(spec.name.to_owned(), spec.default.trim_start_matches('$').to_owned());
                }
                world.set(&[
                    ("BITRISE_IO", "true"),
                    ("BITRISE_BUILD_NUMBER", "7"),
                    ("BITRISE_BUILD_API_TOKEN", "request-token-of-the-job"),
                    ("ENVMAN_ENVSTORE_PATH", "/bitrise/store.yml"),
                    ("build_url", "http://127.0.0.1:8080/token"),
                    ("build_api_token", "request-token-of-the-job"),
                    ("role_arn", ROLE),
                    ("session_name", "bitrise-7"),
                    ("sts_endpoint", &sts),
                ]);
            }
            _ => {
                world.flags = [("--role-arn", ROLE), ("--region", "us-east-1"), ("--sts-endpoint", &sts), ("--ci", ci)]
                    .map(|(name, value)| (name, value.to_owned()))
                    .into();
                let token = token();
                world.set(match ci {
                    "circleci" => {
                        &[("CIRCLECI", "true"), ("BASH_ENV", "/circle/bash_env"), ("CIRCLE_OIDC_TOKEN_V2", "")]
                    }
                    "bitbucket" => &[("BITBUCKET_BUILD_NUMBER", "7"), ("BITBUCKET_STEP_OIDC_TOKEN", "")],
                    "azure-devops" => &[
                        ("TF_BUILD", "True"),
                        ("AGENT_TEMPDIRECTORY", "/agent"),
                        ("SYSTEM_OIDCREQUESTURI", "http://127.0.0.1:8080/token"),
                        ("SYSTEM_ACCESSTOKEN", "request-token-of-the-job"),
                        ("CI_ASSUME_ROLE_SERVICE_CONNECTION", "11111111-2222-3333-4444-555555555555"),
                    ],
                    "gitlab" => {
                        &[("GITLAB_CI", "true"), ("CI_SERVER_URL", "https://issuer.example.com"), ("AWS_ID_TOKEN", "")]
                    }
                    _ => &[("AWS_OIDC_TOKEN", "")],
                });
                for value in world.env.values_mut().filter(|value| value.is_empty()) {
                    value.clone_from(&token);
                }
            }
        }
        world
    }

    fn set(&mut self, variables: &[(&str, &str)]) {
        for (name, value) in variables {
            self.env.insert((*name).to_owned(), (*value).to_owned());
        }
    }

    fn option(&mut self, name: &'static str, value: &str) {
        match self.ci {
            "github" => self.set(&[(&format!("INPUT_{}", name.to_uppercase()), value)]),
            "bitrise" => self.set(&[(&name.replace('-', "_"), value)]),
            "buildkite" => {
                let several = name == "chain";
                self.plugin[name] = if several { value.lines().collect() } else { value.into() };
            }
            _ => {
                let flag = ci_assume_role::cli::table::FLAGS.iter().map(|flag| flag.spec.name);
                let flag = flag.into_iter().find(|flag| flag.trim_start_matches('-') == name).unwrap();
                self.flags.insert(flag, value.to_owned());
            }
        }
    }

    fn with_source(mut self, source: &'static str) -> Self {
        match source {
            "token" if self.ci == "any" => self.option("token-env", "AWS_OIDC_TOKEN"),
            "token" => {}
            "stored key" => {
                let names = match self.ci {
                    "github" => ["aws-access-key-id", "aws-secret-access-key"],
                    _ => ["access-key-id", "secret-access-key"],
                };
                self.option(names[0], "AKIASTOREDKEY0000001");
                self.option(names[1], "stored-secret-of-a-user");
            }
            "machine" => {
                // So that it is the last that is found.
                for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
                    self.env.remove(name);
                }
                self.set(&[("AWS_SHARED_CREDENTIALS_FILE", "/nowhere"), ("AWS_CONFIG_FILE", "/nowhere")]);
                self.option("source", source);
            }
            _ => self.option("source", source),
        }
        self
    }

    fn with_way(mut self, way: &'static str) -> Self {
        match way.split_once(' ') {
            Some((_, format)) => self.option("format", format),
            None if ["exec", "credential-process"].contains(&way) => self.command = way,
            None => self.option("hand-over", way),
        }
        self
    }

    fn with_chain(mut self) -> Self {
        let chain = ["hub", "spoke"].map(|name| format!("arn:aws:iam::123456789012:role/{name}")).join("\n");
        self.option("chain", &chain);
        self
    }

    fn run(mut self, fault: Option<(usize, Fault)>) -> Ran {
        let (entry, args) = if by_flags(self.ci) {
            let mut args = vec![self.command.to_owned()];
            args.extend(self.flags.iter().map(|(name, value)| format!("{name}={value}")));
            if self.command == "exec" {
                args.extend(["--".to_owned(), "deploy".to_owned()]);
            }
            ("command", args)
        } else {
            ("main", Vec::new())
        };
        if self.ci == "buildkite" {
            self.set(&[("BUILDKITE_PLUGIN_CONFIGURATION", &self.plugin.to_string())]);
        }
        let request = json!({
            "ci": if by_flags(self.ci) { "any" } else { self.ci }, "entry": entry, "args": args, "env": self.env,
            "runtime": {"name": "node", "version": "24.0.0", "executable": "/node", "root": "/root", "platform": "linux",
                        "home": "/home", "coloured": []},
        });
        let mut job = Job::start(Request::read(&request.to_string()).unwrap(), Timestamp::from_seconds(NOW), 7);
        let mut ran = Ran { failure: None, handed_over: Vec::new(), requests: Vec::new() };
        let mut log = String::new();
        let mut files = BTreeMap::from([
            ("/home/.aws/credentials".to_owned(), PROFILES.to_owned()),
            ("/bitrise/store.yml".to_owned(), "envs: []\n".to_owned()),
        ]);
        let mut waiting = Vec::new();
        let mut elapsed_ms = 0;
        loop {
            for posted in job.advance() {
                let effect = serde_json::to_value(&posted).unwrap();
                match effect["kind"].as_str().unwrap() {
                    "done" if effect["exitCode"] == 0 => return ran,
                    "done" => {
                        assert!(!log.contains(ISSUED) && !STORED.iter().any(|secret| log.contains(secret)), "{log}");
                        let failed = log.lines().find(|line| line.starts_with("error[")).unwrap_or_default();
                        ran.failure = Some(failed.to_owned());
                        return ran;
                    }
                    "mask" => {}
                    "log" => {
                        let text = effect["text"].as_str().unwrap();
                        if text.contains(ISSUED) {
                            ran.handed_over.push("stdout".to_owned());
                        } else {
                            let _ = writeln!(log, "{text}");
                        }
                    }
                    _ => waiting.push(effect),
                }
            }
            assert!(!waiting.is_empty(), "stalled: {log}");
            let effect: Value = waiting.remove(0);
            let kind = effect["kind"].as_str().unwrap();
            let outcome = if kind == "fetch" {
                ran.requests.push(named(&effect));
                match fault {
                    // And again, as often as it is tried again.
                    Some((number, fault)) if ran.requests.len() > number => {
                        if matches!(fault, Fault::Silence) {
                            elapsed_ms += effect["timeoutMs"].as_u64().unwrap_or_default();
                        }
                        fault.outcome()
                    }
                    _ => served(&effect, ran.requests.len()),
                }
            } else {
                ran.handed_over.extend(handed_over(&effect));
                performed(&effect, &mut files)
            };
            if kind == "sleep" {
                elapsed_ms += effect["ms"].as_u64().unwrap();
            }
            job.resume(u32::try_from(effect["id"].as_u64().unwrap()).unwrap(), outcome.to_string(), elapsed_ms);
        }
    }
}

/// What a request asks for, in a word.
fn named(effect: &Value) -> String {
    let url = effect["url"].as_str().unwrap();
    let body = effect["body"].as_str().unwrap_or_default();
    match body.strip_prefix("Action=").and_then(|rest| rest.split('&').next()) {
        Some(action) => action.to_owned(),
        None => url.trim_start_matches(BASE).split(['/', '?']).nth(1).unwrap_or_default().to_owned(),
    }
}

fn served(effect: &Value, number: usize) -> Value {
    let url = effect["url"].as_str().unwrap();
    let credentials = json!({
        "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAMACHINEKEY000001",
        "SecretAccessKey": "stored-secret-of-a-user", "Token": "stored-token", "Expiration": "2030-01-01T00:00:00Z",
    });
    if url.contains("/imds/latest/api/token") {
        return answer(200, "text/plain", "token-of-the-instance");
    }
    if url.ends_with("/security-credentials/") {
        return answer(200, "text/plain", "ci-runner");
    }
    if url.contains("/imds") || url.ends_with("/container") {
        return answer(200, "application/json", &credentials.to_string());
    }
    if !url.contains("/sts") {
        let token = token();
        let body = json!({"count": 1, "value": token, "token": token, "id_token": token, "oidcToken": token});
        return answer(200, "application/json", &body.to_string());
    }
    let action = named(effect);
    answer(200, "text/xml", &session(&action, number))
}

fn session(action: &str, number: usize) -> String {
    if action == "GetCallerIdentity" {
        return "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/deployer</Arn>\
                <UserId>AIDAEXAMPLE</UserId><Account>123456789012</Account></GetCallerIdentityResult>\
                <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
            .to_owned();
    }
    format!(
        "<{action}Response><{action}Result><AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:x</AssumedRoleId>\
         <Arn>arn:aws:sts::123456789012:assumed-role/deploy/x</Arn></AssumedRoleUser><Credentials>\
         <AccessKeyId>ASIAISSUEDKEY0000{number:03}</AccessKeyId><SecretAccessKey>{ISSUED}{number}</SecretAccessKey>\
         <SessionToken>issued-token</SessionToken><Expiration>{}</Expiration></Credentials></{action}Result>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>",
        Timestamp::from_seconds(NOW + 3600)
    )
}

/// The outcome of an effect that is no request.
fn performed(effect: &Value, files: &mut BTreeMap<String, String>) -> Value {
    let missing = json!({"fault": "not-found", "detail": ""});
    let path = effect["path"].as_str().unwrap_or_default();
    match effect["kind"].as_str().unwrap() {
        "read-file" => files.get(path).map_or(missing, |text| json!({"contents": text})),
        "write-file" => {
            files.insert(path.to_owned(), effect["contents"].as_str().unwrap().to_owned());
            json!({})
        }
        "run" if effect["argv"][0] == "envman" => json!({"exitCode": 0, "stdout": "", "stderr": ""}),
        "run" => missing,
        "exec" => json!({"exitCode": 0}),
        "append-file" => json!({"offset": 0}),
        _ => json!({}),
    }
}

/// Names under which an effect hands something over that was issued.
fn handed_over(effect: &Value) -> Vec<String> {
    let text = |name: &str| effect[name].as_str().unwrap_or_default();
    let file =
        |path: &str| path.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default().to_owned();
    match text("kind") {
        "append-file" if text("path").starts_with("/github/") => {
            let names = commands::parse_file(text("contents")).unwrap();
            let names = names.into_iter().map(|(name, _)| name).filter(|name| name != "diagnostic");
            names.map(|name| format!("{}:{name}", file(text("path")))).collect()
        }
        "append-file" => vec![file(text("path"))],
        "write-file" if text("path").starts_with("/home/.aws") => vec![format!("~/.aws/{}", file(text("path")))],
        // On the way to envman, and to the store that it writes.
        "write-file" if is_staged(text("path")) => Vec::new(),
        "write-file" if text("contents").contains(ISSUED) => {
            // Their names have something random in them.
            let name = file(text("path"));
            vec![format!("file:{}", name.rsplit('-').next().unwrap_or_default())]
        }
        "exec" => effect["env"].as_object().into_iter().flatten().map(|(name, _)| format!("exec:{name}")).collect(),
        "run" => effect["argv"]
            .as_array()
            .into_iter()
            .flatten()
            .skip_while(|word| *word != "--key")
            .nth(1)
            .map(|name| format!("envman:{}", name.as_str().unwrap()))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

fn is_staged(path: &str) -> bool {
    path.starts_with("/bitrise/") && (path.ends_with(".yml") || path.ends_with(|c: char| c.is_ascii_digit()))
}

fn answer(status: u16, kind: &str, body: &str) -> Value {
    json!({"status": status, "headers": {"content-type": kind}, "body": body})
}

const DENIAL: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized</Message>\
     </Error><RequestId>r</RequestId></ErrorResponse>";

fn token() -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "iss": "https://issuer.example.com", "aud": "sts.amazonaws.com", "sub": "job", "exp": NOW + 300,
        "iat": NOW, "nbf": NOW,
    });
    let header = json!({"alg": "RS256", "kid": "k", "typ": "JWT"});
    format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode("signature-of-the-issuer"))
}
