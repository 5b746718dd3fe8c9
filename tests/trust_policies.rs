//! The trust policies of `docs/buildkite.md` do what the page says of them, by the sandbox's reading of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ci_assume_role::sandbox;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../docs/buildkite.md");
const NOW: i64 = 1_795_262_580;

#[test]
fn the_policies_on_the_buildkite_page_admit_what_they_say() {
    let policy: Value = serde_json::from_str(&blocks("trust policy")[0]).unwrap();
    let with = |member: &str| {
        let mut policy = policy.clone();
        let block: Value = serde_json::from_str(&format!("{{{member}}}")).unwrap();
        for (name, value) in block.as_object().unwrap() {
            policy["Statement"][0][name] = value.clone();
        }
        policy
    };
    let conditions = blocks("condition");
    let [ids, subject] = conditions.as_slice() else { panic!("the page has two conditions") };
    let action = &blocks("action")[0];

    let main = json!({});
    let elsewhere = json!({"build_branch": "feature"});
    let tagged = json!({"build_tag": "v1"});
    let another_build = json!({"build_commit": "0000000000000000000000000000000000000000", "step_key": null});
    let nothing = json!({});
    let claims = json!({"claims": ["organization_id", "pipeline_id"]});
    let id = json!({"subject_claim": "pipeline_id"});
    let tags = json!({"aws_session_tags": ["organization_id"]});
    for (policy, job, asked, admitted) in [
        (&policy, &main, &nothing, true),
        (&policy, &another_build, &nothing, true),
        (&policy, &elsewhere, &nothing, false),
        (&policy, &tagged, &nothing, false),
        (&policy, &main, &id, false),
        (&policy, &main, &tags, false),
        (&with(action), &main, &tags, true),
        (&with(ids), &main, &claims, true),
        (&with(ids), &another_build, &claims, true),
        (&with(ids), &elsewhere, &claims, false),
        (&with(ids), &main, &nothing, false),
        (&with(subject), &main, &id, true),
        (&with(subject), &another_build, &id, true),
        (&with(subject), &elsewhere, &id, false),
        (&with(subject), &main, &nothing, false),
    ] {
        let answer = exchange(policy, job, asked);
        assert_eq!(answer.status == 200, admitted, "{job} with {asked}: {}\n{policy:#}", answer.log);
    }
}

/// The JSON of every block that has this comment above it.
fn blocks(comment: &str) -> Vec<String> {
    let mark = format!("<!-- {comment} -->");
    let marked = PAGE.split(&mark).skip(1);
    marked.map(|rest| rest.split("```").nth(1).unwrap().strip_prefix("json").unwrap().to_owned()).collect()
}

/// What STS answers to a job that has asked for its token in this way.
fn exchange(policy: &Value, job: &Value, asked: &Value) -> sandbox::Answer {
    let mut config = sandbox::default_config();
    config["roles"][0]["trustPolicy"] = policy.clone();
    config["job"]["buildkite"] = job.clone();
    let mut body = asked.clone();
    body["audience"] = "sts.amazonaws.com".into();
    let request = json!({
        "method": "POST", "path": "/v3/jobs/job-1/oidc/tokens", "query": "", "headers": {"authorization": "Token key"},
        "body": body.to_string(), "key": "key",
    });
    let minted = sandbox::claims(&json!({"config": config, "request": request, "now": NOW}).to_string()).unwrap();
    assert_eq!(minted["status"], 200, "{}", minted["log"]);
    let part = |name: &str| URL_SAFE_NO_PAD.encode(minted["token"][name].to_string());
    let token = format!("{}.{}.c2ln", part("header"), part("claims"));
    let form = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", config["roles"][0]["arn"].as_str().unwrap()),
        ("RoleSessionName", "me"),
        ("WebIdentityToken", &token),
    ];
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let form: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let call = json!({"config": config, "body": form.join("&"), "signature": "valid", "seed": "00ff", "now": NOW});
    sandbox::answer(&call.to_string()).unwrap()
}
