//! The trust policies of `docs/` do what the pages say of them, by the sandbox's reading of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ci_assume_role::sandbox;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../docs/buildkite.md");
const NOW: i64 = 1_795_262_580;

#[test]
fn the_policies_on_the_buildkite_page_admit_what_they_say() {
    let policy: Value = serde_json::from_str(&blocks(PAGE, "trust policy")[0]).unwrap();
    let with = |member: &str| {
        let mut policy = policy.clone();
        let block: Value = serde_json::from_str(&format!("{{{member}}}")).unwrap();
        for (name, value) in block.as_object().unwrap() {
            policy["Statement"][0][name] = value.clone();
        }
        policy
    };
    let conditions = blocks(PAGE, "condition");
    let [ids, subject] = conditions.as_slice() else { panic!("the page has two conditions") };
    let action = &blocks(PAGE, "action")[0];

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

#[test]
fn the_policy_on_the_gitlab_page_admits_what_it_says() {
    let usual = json!({
        "iss": "https://gitlab.com", "aud": "sts.amazonaws.com", "sub": "project_path:acme/api:ref_type:branch:ref:main",
        "project_id": "20", "namespace_id": "72", "ref_protected": "true",
    });
    for (changes, admitted) in [
        (json!({}), true),
        (json!({"sub": "project_path:acme/api:ref_type:branch:ref:fix"}), false),
        (json!({"sub": "project_path:acme/api:ref_type:tag:ref:main"}), false),
        (json!({"ref_protected": "false"}), false),
        (json!({"project_id": "21"}), false),
        (json!({"namespace_id": "73"}), false),
    ] {
        assert_admitted(include_str!("../docs/gitlab.md"), &usual, &changes, admitted);
    }
}

#[test]
fn the_policy_on_the_azure_devops_page_admits_what_it_says() {
    let usual = json!({
        "iss": "https://vstoken.dev.azure.com/11111111-aaaa-4bbb-8ccc-222222222222",
        "aud": "api://AzureADTokenExchange", "sub": "p://acme/shop/deploy",
    });
    for (changes, admitted) in [
        (json!({}), true),
        (json!({"sub": "p://acme/shop/other"}), false),
        (json!({"sub": "sc://acme/shop/deploy"}), false),
    ] {
        assert_admitted(include_str!("../docs/azure-devops.md"), &usual, &changes, admitted);
    }
}

fn assert_admitted(page: &str, usual: &Value, changes: &Value, admitted: bool) {
    let mut claims = usual.clone();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    for (name, at) in [("iat", NOW), ("nbf", NOW), ("exp", NOW + 300)] {
        claims[name] = at.into();
    }
    claims["jti"] = "11111111-2222-3333-4444-555555555555".into();
    let mut config = sandbox::default_config();
    config["roles"][0]["trustPolicy"] = serde_json::from_str(&blocks(page, "trust policy")[0]).unwrap();
    config["providers"] = json!([{"url": usual["iss"], "account": "123456789012", "clientIds": [usual["aud"]]}]);
    let answer = assume(&config, &json!({"alg": "RS256", "kid": "k1", "typ": "JWT"}), &claims);
    assert_eq!(answer.status == 200, admitted, "{changes}: {}", answer.log);
}

/// The JSON of every block that has this comment above it.
fn blocks(page: &str, comment: &str) -> Vec<String> {
    let mark = format!("<!-- {comment} -->");
    let marked = page.split(&mark).skip(1);
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
    assume(&config, &minted["token"]["header"], &minted["token"]["claims"])
}

fn assume(config: &Value, header: &Value, claims: &Value) -> sandbox::Answer {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let token = format!("{}.{}.c2ln", part(header), part(claims));
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
