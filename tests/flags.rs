//! A flag counts before its variable, for every flag: with both, a run does what it does with the flag alone.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ci_assume_role::cli::table::{FLAGS, Flag, Takes};
use ci_assume_role::entry::{Job, Request};
use ci_assume_role::time::Timestamp;
use serde_json::{Value, json};

const NOW: i64 = 1_795_262_580;
const BASE: &str = "http://127.0.0.1:8080";

/// What a run is started with besides the flag that it is about.
struct Setting {
    command: &'static str,
    flags: BTreeMap<&'static str, &'static str>,
    variables: BTreeMap<String, String>,
}

impl Setting {
    fn usual() -> Self {
        let flags = [
            ("--role-arn", "arn:aws:iam::123456789012:role/deploy"),
            ("--region", "us-east-1"),
            ("--sts-endpoint", "http://127.0.0.1:8080/sts"),
            ("--token-env", "TOKEN"),
            ("--format", "json"),
        ];
        let variables = ["TOKEN", "OTHER"].map(|name| (name.to_owned(), token(name)));
        Self { command: "assume", flags: flags.into(), variables: variables.into() }
    }

    /// Without a role and a token: with the credentials of the environment.
    fn of_login() -> Self {
        let keys = Self::usual()
            .without(&["--format", "--role-arn", "--token-env", "--sts-endpoint"])
            .with("--ecr-endpoint", "http://127.0.0.1:8080/ecr")
            .with("--client", "auth-file")
            .and("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .and("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        Self { command: "login ecr", ..keys }
    }

    fn without(mut self, flags: &[&str]) -> Self {
        self.flags.retain(|flag, _| !flags.contains(flag));
        self
    }

    fn with(mut self, flag: &'static str, value: &'static str) -> Self {
        self.flags.insert(flag, value);
        self
    }

    /// By a key in place of a token.
    fn signed(self) -> Self {
        self.without(&["--token-env"])
            .with("--source", "environment")
            .and("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .and("AWS_SECRET_ACCESS_KEY", "secret-of-a-user")
    }

    fn and(mut self, variable: &str, value: &str) -> Self {
        self.variables.insert(variable.to_owned(), value.to_owned());
        self
    }
}

/// Two values of a flag, and a run in which they differ.
fn case(flag: &Flag) -> ([&'static str; 2], Setting) {
    let usual = Setting::usual().without(&[flag.spec.name]);
    match flag.spec.name {
        "--role-arn" => (["arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/b"], usual),
        "--trust-policy-file" => (["/a.json", "/b.json"], usual.and("STS", "denies")),
        // In either run of the pair, what the first asks for is looked for.
        "--explain-with" => {
            let usual = usual.and("STS", "denies").and("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:8080/iam");
            (["environment", "profile"], usual.and("AWS_ACCESS_KEY_ID", "AKIA").and("AWS_SECRET_ACCESS_KEY", "s"))
        }
        "--verify-identity" => (["true", "false"], usual),
        "--region" => (["eu-west-1", "us-west-2"], usual),
        "--session-name" => (["one", "two"], usual),
        "--duration" => (["15m", "30m"], usual),
        "--policy" => ([r#"{"Id":"a"}"#, r#"{"Id":"b"}"#], usual),
        "--policy-file" => (["/a.json", "/b.json"], usual),
        "--policy-arn" => (["arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B"], usual),
        "--allowed-account-id" => (["123456789012", "210987654321"], usual),
        "--sts-endpoint" => (["http://127.0.0.1:8080/sts/a", "http://127.0.0.1:8080/sts/b"], usual),
        "--max-attempts" => (["1", "3"], usual.and("STS", "down")),
        "--hand-over" | "--export-region" => (choices(flag), usual.without(&["--format"])),
        "--profile" => (["one", "two"], usual.without(&["--format"])),
        "--prefix" => (["ONE_", "TWO_"], usual),
        "--format" => (choices(flag), usual),
        "--output" => (["/a", "/b"], usual),
        "--audience" => (["sts.amazonaws.com", "other"], usual),
        "--token-file" => (["/a.jwt", "/b.jwt"], usual.without(&["--token-env"])),
        "--token-env" => (["TOKEN", "OTHER"], usual),
        "--token-command" => (["a", "b"], usual.without(&["--token-env"])),
        "--token-url" => (["http://127.0.0.1:8080/a", "http://127.0.0.1:8080/b"], usual.without(&["--token-env"])),
        "--token-header" => {
            let usual = usual.without(&["--token-env"]).with("--token-url", "http://127.0.0.1:8080/token");
            (["X: a", "X: b"], usual)
        }
        "--ci" => (["gitlab", "bitbucket"], usual.without(&["--token-env"])),
        "--service-connection" => {
            let usual = usual.without(&["--token-env"]).with("--ci", "azure-devops");
            let uri = format!("{BASE}/oidctoken");
            (["a", "b"], usual.and("SYSTEM_OIDCREQUESTURI", &uri).and("SYSTEM_ACCESSTOKEN", "access"))
        }
        "--source" => (choices(flag), usual),
        "--source-profile" => (["one", "two"], usual.without(&["--token-env"])),
        "--external-id" => (["one", "two"], usual.signed()),
        "--source-identity" => (["one", "two"], usual.signed()),
        "--tags" => ([r#"{"a":"1"}"#, r#"{"a":"2"}"#], usual.signed()),
        "--transitive-tag-key" => (["a", "b"], usual.signed().with("--tags", r#"{"a":"1","b":"2"}"#)),
        "--chain" => (["arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/b"], usual),
        "--roles" => ([r#"[{"session-name":"one"}]"#, r#"[{"session-name":"two"}]"#], usual),
        "--registry" => (["123456789012", "210987654321"], Setting::of_login()),
        "--registry-type" => (choices(flag), Setting::of_login()),
        "--client" => (["crane", "auth-file"], Setting::of_login().without(&["--client"])),
        "--ecr-endpoint" => (
            ["http://127.0.0.1:8080/ecr/a", "http://127.0.0.1:8080/ecr/b"],
            Setting::of_login().without(&["--ecr-endpoint"]),
        ),
        "--fips" | "--dual-stack" => (["true", ""], Setting::of_login().without(&["--ecr-endpoint"])),
        other => panic!("{other} has no line here"),
    }
}

fn choices(flag: &Flag) -> [&'static str; 2] {
    match flag.takes {
        Takes::Choice([one, other, ..]) => [*one, *other],
        _ => panic!("{} has no choices", flag.spec.name),
    }
}

#[test]
fn a_flag_counts_before_its_variable() {
    let whole = run(&Setting::usual(), None, None);
    assert!(whole.last().is_some_and(|done| done.contains(r#""exitCode":0"#)), "{whole:?}");
    let mut tried = 0;
    for flag in FLAGS {
        let Some(variable) = flag.spec.alias else { continue };
        let name = flag.spec.name;
        let ([one, other], setting) = case(flag);
        if flag.takes == Takes::Nothing {
            // It cannot be switched off, so that there is nothing to count before.
            let alone = run(&setting, Some((name, "")), None);
            assert_eq!(
                told(&alone),
                told(&run(&setting, None, Some((variable, one)))),
                "{variable} is not read as {name}"
            );
            assert_ne!(alone, run(&setting, None, None), "{name} shows nothing");
            tried += 1;
            continue;
        }
        let alone = run(&setting, Some((name, one)), None);
        let by_variable = run(&setting, None, Some((variable, one)));
        assert_eq!(told(&alone), told(&by_variable), "{variable} is not read as {name}");
        assert_ne!(alone, run(&setting, Some((name, other)), None), "{name} shows nothing of its value");
        assert_eq!(alone, run(&setting, Some((name, one)), Some((variable, other))), "{variable} counts before {name}");
        tried += 1;
    }
    assert!(tried > 20, "{tried}");
}

/// Messages name what a value was given by, so that much may differ.
fn told(effects: &[String]) -> Vec<&String> {
    effects.iter().filter(|effect| !effect.contains(r#""kind":"log""#)).collect()
}

/// All that the run asked for, in order.
fn run(setting: &Setting, flag: Option<(&str, &str)>, variable: Option<(&str, &str)>) -> Vec<String> {
    let mut args: Vec<String> = setting.command.split(' ').map(str::to_owned).collect();
    for (name, value) in setting.flags.iter().map(|(name, value)| (*name, *value)).chain(flag) {
        args.push(if value.is_empty() { name.to_owned() } else { format!("{name}={value}") });
    }
    let mut env = setting.variables.clone();
    env.extend(variable.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let sts = env.remove("STS");
    let request = json!({
        "ci": "any", "entry": "command", "args": args, "env": env,
        "runtime": {"name": "node", "version": "24.0.0", "executable": "/node", "root": "/root", "platform": "linux",
                    "home": "/home", "coloured": []},
    });
    let mut job = Job::start(Request::read(&request.to_string()).unwrap(), Timestamp::from_seconds(NOW), 7);
    let mut asked = Vec::new();
    let mut waiting = Vec::new();
    for _ in 0..200 {
        for posted in job.advance() {
            let effect = serde_json::to_value(&posted).unwrap();
            asked.push(effect.to_string());
            match effect["kind"].as_str().unwrap() {
                "done" => return asked,
                "mask" | "log" => {}
                _ => waiting.push(effect),
            }
        }
        let effect = waiting.remove(0);
        let id = u32::try_from(effect["id"].as_u64().unwrap()).unwrap();
        job.resume(id, outcome(&effect, sts.as_deref()).to_string(), 0);
    }
    panic!("the run does not end: {asked:?}");
}

fn outcome(effect: &Value, sts: Option<&str>) -> Value {
    let path = effect["path"].as_str().unwrap_or_default();
    match effect["kind"].as_str().unwrap() {
        "fetch" if effect["url"].as_str().unwrap().contains("ecr") => {
            answer(200, "application/json", &passwords(effect))
        }
        "fetch" if !effect["url"].as_str().unwrap().contains("/sts") => answer(200, "application/json", &tokens()),
        "fetch" if sts == Some("down") => answer(503, "text/plain", ""),
        "fetch" if sts == Some("denies") => answer(403, "text/xml", DENIAL),
        "fetch" => answer(200, "text/xml", SESSION),
        "run" => json!({"exitCode": 0, "stdout": token("TOKEN"), "stderr": ""}),
        "read-file" if path.ends_with("logins.json") || path.ends_with("config.json") => {
            json!({"fault": "not-found", "detail": ""})
        }
        "read-file" if path.ends_with(".json") => json!({"contents": "{\"Version\":\"2012-10-17\"}"}),
        "read-file" if path.ends_with(".jwt") => json!({"contents": token("TOKEN")}),
        "read-file" => json!({"fault": "not-found", "detail": ""}),
        _ => json!({}),
    }
}

fn answer(status: u16, kind: &str, body: &str) -> Value {
    json!({"status": status, "headers": {"content-type": kind}, "body": body})
}

/// In the forms that the private and the public registry have.
fn passwords(effect: &Value) -> String {
    let entry = json!({"authorizationToken": "QVdTOnBhc3N3b3Jk", "proxyEndpoint": "https://123456789012.dkr.ecr.us-east-1.amazonaws.com"});
    let is_public = effect["headers"].to_string().contains("SpencerFrontendService");
    json!({"authorizationData": if is_public { entry } else { json!([entry]) }}).to_string()
}

const DENIAL: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized to perform \
     sts:AssumeRoleWithWebIdentity</Message></Error><RequestId>r</RequestId></ErrorResponse>";

/// In the forms that token services have.
fn tokens() -> String {
    json!({"value": token("TOKEN"), "oidcToken": token("TOKEN")}).to_string()
}

fn token(subject: &str) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "iss": "https://issuer.example.com", "aud": "sts.amazonaws.com", "sub": subject, "exp": NOW + 300,
        "iat": NOW, "nbf": NOW - 5,
    });
    format!("{}.{}.{}", part(json!({"alg": "RS256", "kid": "k"})), part(claims), URL_SAFE_NO_PAD.encode("signature"))
}

const SESSION: &str = "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
<AssumeRoleWithWebIdentityResult><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/deploy/x</Arn>\
<AssumedRoleId>AROAEXAMPLE:x</AssumedRoleId></AssumedRoleUser><Credentials>\
<AccessKeyId>ASIAEXAMPLEKEYID0001</AccessKeyId>\
<SecretAccessKey>wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY</SecretAccessKey><SessionToken>session-token</SessionToken>\
<Expiration>2026-11-22T12:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
</AssumeRoleWithWebIdentityResponse>";
