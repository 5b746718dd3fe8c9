//! Every explanation in `tests/policies/explain`, as a whole: `policy.json`, `claims.json`, perhaps
//! `options.json` (`roleArn`, `now`, `clientIds`, `reachedPolicy`), and what comes of them.
//! `UPDATE=1` writes it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use ci_assume_role::diagnostic::render::guarded;
use ci_assume_role::policy::caller::{Caller, Role};
use ci_assume_role::policy::claims::{self, Given};
use ci_assume_role::policy::document::TrustPolicy;
use ci_assume_role::policy::evaluate::{Verdict, decide};
use ci_assume_role::policy::explain::{CAUSES, Decision, Explanation, Known, explain, json, text};
use ci_assume_role::policy::issuer::Kind;
use ci_assume_role::policy::json as reader;
use ci_assume_role::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

struct Read {
    name: String,
    policy: String,
    given: Given,
    role_arn: Option<String>,
    explanation: Explanation,
}

fn cases() -> Vec<Read> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/explain");
    let mut folders: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.iter().map(|folder| read(folder)).collect()
}

fn read(folder: &Path) -> Read {
    let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
    let policy = fs::read_to_string(folder.join("policy.json")).unwrap();
    let given = claims::read(&fs::read_to_string(folder.join("claims.json")).unwrap()).unwrap().remove(0);
    let options = fs::read_to_string(folder.join("options.json")).unwrap_or_else(|_| "{}".to_owned());
    let options: Value = serde_json::from_str(&options).unwrap();
    let client_ids: Option<Vec<String>> =
        options["clientIds"].as_array().map(|ids| ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect());
    let known = Known {
        now: options["now"].as_str().map(|time| Timestamp::parse(time).unwrap()),
        client_ids: client_ids.as_deref(),
        reached_policy: options["reachedPolicy"] == true || given.event.as_ref().is_some_and(claims::Event::is_denial),
    };
    let role_arn = options["roleArn"].as_str().map(str::to_owned).or_else(|| given.role_arn.clone());
    let explanation = explain(&parsed(&policy), &given.caller, role_arn.as_deref(), &known);
    Read { name, policy, given, role_arn, explanation }
}

fn parsed(text: &str) -> TrustPolicy {
    TrustPolicy::read(&reader::read(text).node.unwrap())
}

#[test]
fn every_explanation_reads_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/explain");
    let mut wrong = Vec::new();
    for case in cases() {
        let pretty: Value = serde_json::from_str(&json(&case.explanation)).unwrap();
        for (file, got) in [
            ("expected.txt", text(&case.explanation, false).join("\n") + "\n"),
            ("expected.json", serde_json::to_string_pretty(&pretty).unwrap() + "\n"),
        ] {
            let path = root.join(&case.name).join(file);
            if env::var_os("UPDATE").is_some() {
                fs::write(&path, &got).unwrap();
            }
            let expected = fs::read_to_string(&path).unwrap_or_default();
            if got != expected {
                wrong.push(format!("{}:\n- {expected}\n+ {got}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_cause_has_a_case() {
    let shown: BTreeSet<&str> = cases().iter().map(|case| case.explanation.cause.id).collect();
    let missing: Vec<&str> = CAUSES.iter().map(|cause| cause.id).filter(|id| !shown.contains(id)).collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}

#[test]
fn every_ci_has_a_case() {
    let shown: BTreeSet<Kind> = cases().iter().map(|case| Kind::of(&case.given.caller.issuer)).collect();
    for kind in [
        Kind::GitHub,
        Kind::GitLab,
        Kind::GitLabOwn,
        Kind::Buildkite,
        Kind::CircleCi,
        Kind::Bitbucket,
        Kind::Bitrise,
        Kind::AzureDevOps,
        Kind::Google,
        Kind::Other,
    ] {
        assert!(shown.contains(&kind), "{}", kind.name());
    }
}

/// Scripts read these members, and people read them first.
#[test]
fn json_starts_with_what_is_promised() {
    for case in cases() {
        let text = json(&case.explanation);
        let names = ["decision", "gate", "cause", "statement", "failed", "fix", "action"];
        let places: Vec<usize> = names.iter().map(|name| text.find(&format!("\"{name}\":")).unwrap()).collect();
        // `failed` has members of its own, of which one is called `cause` as well, behind the first.
        assert!(places.is_sorted(), "{}: {text}", case.name);
    }
}

/// The answer is the evaluator's, and a statement that is offered does what is said of it.
#[test]
fn explanations_and_fixes_agree_with_the_evaluator() {
    let mut offered = 0;
    for case in cases() {
        let role = case.role_arn.as_deref().and_then(Role::of_arn);
        let caller = case.given.caller.clone().with_role(role);
        let name = &case.name;
        let verdict = decide(&parsed(&case.policy), &caller).verdict;
        let expected = match verdict {
            _ if name.starts_with("gate-") => Decision::Deny,
            Verdict::Allowed => Decision::Allow,
            Verdict::Denied => Decision::Deny,
            Verdict::Unknown | Verdict::Refused => Decision::Unknown,
        };
        assert_eq!(case.explanation.decision, expected, "{name}");
        let Some(statement) = &case.explanation.fix.statement else { continue };
        offered += 1;
        let fixed = format!("{{\"Version\": \"2012-10-17\", \"Statement\": [{statement}]}}");
        assert_eq!(decide(&parsed(&fixed), &caller).verdict, Verdict::Allowed, "{name}: {fixed}");

        // And it lets in nobody who only has the same issuer and audience.
        let mut stranger = caller.claims.clone();
        for (claim, value) in &mut stranger {
            if !["iss", "aud", "azp", "iat", "exp"].contains(&claim.as_str()) && value.is_string() {
                *value = "stranger".into();
            }
        }
        let stranger = Caller::of_claims(stranger).with_role(caller.role.clone());
        let verdict = decide(&parsed(&fixed), &stranger).verdict;
        let says_no_more = Kind::of(&caller.issuer) == Kind::Bitbucket || name.contains("missing-path");
        assert!(verdict == Verdict::Denied || says_no_more, "{name} lets strangers in: {fixed}");
    }
    assert!(offered > 40, "only {offered} statements are offered");
}

#[test]
fn no_line_can_speak_to_a_log() {
    for case in cases() {
        for line in text(&case.explanation, false) {
            assert!(!line.chars().any(char::is_control), "{}: {line}", case.name);
            assert_eq!(guarded(&line), line, "{}", case.name);
            assert!(!line.contains("##["), "{}: {line}", case.name);
        }
    }
}

proptest! {
    /// Whatever a policy and a token say, there is an explanation, and it agrees with the evaluator.
    #[test]
    fn anything_has_an_explanation(
        operator in select(&["StringEquals", "StringNotLike", "StringLike", "ForAnyValue:StringEquals", "Null", "Bool"][..]),
        key in "(token\\.actions\\.githubusercontent\\.com|agent\\.buildkite\\.com|aws|sts|arn:aws)?[:./]?(sub|aud|ref|SourceIp|RequestTag/x)?",
        wanted in "(repo:|organization:)?[a-z*?@/:{}$ é]{0,24}",
        subject in "(repo:|organization:)?[a-z*?@/:{}$ é]{0,24}",
        issuer in select(&["token.actions.githubusercontent.com", "agent.buildkite.com", "gitlab.com", ""][..]),
        effect in select(&["Allow", "Deny"][..]),
    ) {
        let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [{
            "Effect": effect, "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": format!("arn:aws:iam::123456789012:oidc-provider/{issuer}")},
            "Condition": {operator: {key: [wanted, "true"]}},
        }]});
        let claims = serde_json::json!({"iss": format!("https://{issuer}"), "sub": subject, "aud": "a"});
        let policy = parsed(&policy.to_string());
        let caller = Caller::of_claims(claims.as_object().unwrap().clone());
        let known = Known { reached_policy: true, ..Known::default() };
        let explanation = explain(&policy, &caller, Some("arn:aws:iam::123456789012:role/deploy"), &known);
        let caller = caller.with_role(Role::of_arn("arn:aws:iam::123456789012:role/deploy"));
        let expected = match decide(&policy, &caller).verdict {
            Verdict::Allowed => Decision::Allow,
            Verdict::Denied => Decision::Deny,
            Verdict::Unknown | Verdict::Refused => Decision::Unknown,
        };
        prop_assert_eq!(explanation.decision, expected);
        prop_assert!(!explanation.why.is_empty() && explanation.cause.id != "none", "{}", json(&explanation));
        if let Some(statement) = &explanation.fix.statement {
            let fixed = parsed(&format!("{{\"Version\": \"2012-10-17\", \"Statement\": [{statement}]}}"));
            prop_assert_ne!(decide(&fixed, &caller).verdict, Verdict::Denied, "{}", statement);
        }
        prop_assert!(text(&explanation, false).iter().all(|line| !line.chars().any(char::is_control)));
    }
}
