//! What all token services have in common.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// A request to a token service, to be spoilt in parts.
pub(in crate::sandbox) struct Asked {
    config: Value,
    method: &'static str,
    path: String,
    query: &'static str,
    pub(in crate::sandbox) headers: Value,
    body: String,
}

impl Asked {
    pub(in crate::sandbox) fn github() -> Self {
        let headers = json!({"authorization": "Bearer key"});
        Self { method: "GET", query: "audience=sts.amazonaws.com", ..Self::post("/token", headers, String::new()) }
    }

    pub(in crate::sandbox) fn buildkite(body: &Value) -> Self {
        Self::post("/v3/jobs/job-1/oidc/tokens", json!({"authorization": "Token key"}), body.to_string())
    }

    pub(in crate::sandbox) fn bitrise(body: &Value) -> Self {
        let headers = json!({"authorization": "key", "build_api_token": "key"});
        Self::post("/build/build-1/id_token.json", headers, body.to_string())
    }

    fn post(path: &str, headers: Value, body: String) -> Self {
        Self { config: default_config(), method: "POST", path: path.to_owned(), query: "", headers, body }
    }

    pub(in crate::sandbox) fn job(mut self, job: Value) -> Self {
        self.config["job"] = job;
        self
    }

    pub(in crate::sandbox) fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    pub(in crate::sandbox) fn reply(&self) -> Value {
        self.try_reply().unwrap_or_else(|problems| panic!("{problems}"))
    }

    pub(in crate::sandbox) fn try_reply(&self) -> Result<Value, String> {
        let Self { config, method, path, query, headers, body } = self;
        let request =
            json!({"method": method, "path": path, "query": query, "headers": headers, "body": body, "key": "key"});
        claims(&json!({"config": config, "request": request, "now": NOW}).to_string())
    }

    /// A call of STS with the token.
    fn exchange(&self, role: &str) -> Answer {
        let mut call = Call::of(self.config.clone()).role(role);
        let token = self.reply()["token"].clone();
        call.header = token["header"].clone();
        call.claims = token["claims"].as_object().unwrap().clone();
        call.answer()
    }
}

fn all() -> [Asked; 3] {
    let buildkite = json!({"audience": "sts.amazonaws.com"});
    [Asked::github(), Asked::buildkite(&buildkite), Asked::bitrise(&json!({"aud": "sts.amazonaws.com"}))]
}

#[test]
fn the_default_job_of_each_ci_may_deploy_and_may_not_deploy_prod() {
    for asked in all() {
        let (open, closed) = (asked.exchange("deploy"), asked.exchange("deploy-prod"));
        assert_eq!((open.status, closed.status), (200, 403), "{} / {}", open.log, closed.log);
        assert!(closed.log.contains(":sub String"), "{}", closed.log);
    }
}

#[test]
fn the_jobs_that_deploy_prod_trusts_may_deploy_prod() {
    let [_, buildkite, bitrise] = all();
    let tag = buildkite.job(json!({"buildkite": {"build_tag": "v1"}}));
    let workflow = bitrise.job(json!({"bitrise": {"workflow": "deploy-prod"}}));
    for asked in [tag, workflow] {
        assert_eq!((asked.exchange("deploy").status, asked.exchange("deploy-prod").status), (403, 200));
    }
}

#[test]
fn session_tags_need_a_role_that_allows_them_and_can_be_asked_for() {
    let body = json!({"audience": "sts.amazonaws.com", "aws_session_tags": ["build_branch", "build_tag"]});
    let mut asked = Asked::buildkite(&body);
    assert_eq!(asked.exchange("deploy").status, 200);

    asked.config["roles"][0]["trustPolicy"]["Statement"][1]["Condition"]["StringEquals"]["aws:RequestTag/build_branch"] =
        "prod".into();
    let log = asked.exchange("deploy").log;
    assert!(log.contains(r#"wants aws:RequestTag/build_branch StringEquals "prod"; there is "main""#), "{log}");

    let mut asked = Asked::buildkite(&body);
    asked.config["roles"][0]["trustPolicy"]["Statement"][1]["Action"] = "sts:AssumeRoleWithWebIdentity".into();
    let answer = asked.exchange("deploy");
    assert_eq!(code_and_message(&answer).1, "Not authorized to perform sts:TagSession");
}

#[test]
fn buildkites_claims_are_keys_and_bitrises_are_none() {
    let with = |mut asked: Asked, index: usize, key: &str, value: &str| {
        asked.config["roles"][0]["trustPolicy"]["Statement"][index]["Condition"]["StringEquals"][key] = value.into();
        asked.exchange("deploy")
    };
    let buildkite = |body: &Value, key: &str, value: &str| with(Asked::buildkite(body), 1, key, value).status;
    let body = json!({"audience": "sts.amazonaws.com", "claims": ["cluster_name"]});
    assert_eq!(buildkite(&body, "agent.buildkite.com:pipeline_slug", "api"), 200);
    assert_eq!(buildkite(&body, "agent.buildkite.com:Pipeline_Slug", "web"), 403);
    assert_eq!(buildkite(&body, "agent.buildkite.com:cluster_name", "Default cluster"), 200);
    let body = json!({"audience": "sts.amazonaws.com"});
    assert_eq!(buildkite(&body, "agent.buildkite.com:cluster_name", "Default cluster"), 403);

    let [_, _, bitrise] = all();
    let answer = with(bitrise, 2, "token.builds.bitrise.io:app_slug", "2b1a9f3c4d5e6f70");
    assert!(answer.status == 403 && answer.log.contains("there is no such key"), "{}", answer.log);
}

#[test]
fn a_token_goes_where_the_ci_has_it() {
    let members = all().map(|asked| asked.reply()["token"]["member"].as_str().unwrap().to_owned());
    assert_eq!(members, ["value", "token", "id_token"]);
    assert_eq!(Asked::github().reply()["token"]["length"], "count");
    assert_eq!(Asked { query: "", ..Asked::github() }.reply()["token"]["claims"]["aud"], "https://github.com/octo-org");
}

#[test]
fn a_job_of_another_ci_need_not_say_what_it_is_at_github() {
    let job = json!({"buildkite": {"pipeline_slug": "web"}});
    let claims = Asked::buildkite(&json!({})).job(job).reply()["token"]["claims"].clone();
    assert_eq!(claims["pipeline_slug"], "web");
    assert!(Asked::github().job(json!({})).try_reply().unwrap_err().contains("job.repository is missing"));
}

#[test]
fn githubs_issuer_is_that_of_a_provider_of_its_own() {
    let mut asked = Asked::github();
    let issuer = |asked: &Asked| asked.reply()["token"]["claims"]["iss"].clone();
    asked.config["providers"].as_array_mut().unwrap().rotate_left(1);
    assert_eq!(issuer(&asked), "https://token.actions.githubusercontent.com");
    asked.config["providers"][0]["url"] = "https://ghe.example/_services/token".into();
    assert_eq!(issuer(&asked), "https://ghe.example/_services/token");
    asked.config["providers"] = json!([]);
    assert_eq!(issuer(&asked), "https://token.actions.githubusercontent.com");
}

#[test]
fn what_is_at_no_address_is_not_there() {
    for (method, path) in [
        ("POST", "/token"),
        ("GET", "/v3/jobs/job-1/oidc/tokens"),
        ("POST", "/v3/jobs//oidc/tokens"),
        ("POST", "/v3/jobs/a%2Fb/oidc/tokens"),
        ("POST", "/v3/jobs/job-1/oidc/tokens/"),
        ("POST", "/v4/jobs/job-1/oidc/tokens"),
        ("POST", "/build/build-1//id_token.json"),
        ("POST", "/build/id_token.json"),
        ("GET", "/build/build-1/id_token.json"),
        ("POST", ""),
    ] {
        let reply = Asked { method, ..Asked::bitrise(&json!({"aud": "a"})).path(path) }.reply();
        assert_eq!((&reply["status"], &reply["log"]), (&json!(404), &json!("404 nothing here")), "{method} {path}");
    }
    let long = format!("/v3/jobs/{}/oidc/tokens", "x".repeat(101));
    assert_eq!(Asked::buildkite(&json!({})).path(&long).reply()["status"], 404);
}

#[test]
fn a_body_that_is_too_large_or_no_object_is_refused_in_the_words_of_the_ci() {
    let large = format!("{{}}{}", " ".repeat(64 * 1024));
    for (body, status) in [(large.as_str(), 413), ("[]", 400), ("{", 400), ("null", 400), ("\u{0}", 400)] {
        for (asked, member) in [(Asked::buildkite(&json!({})), "message"), (Asked::bitrise(&json!({})), "error_msg")] {
            let reply = Asked { body: body.to_owned(), ..asked }.reply();
            assert!(reply["status"] == status && reply["body"][member].is_string(), "{reply}");
        }
    }
    assert_eq!(Asked { body: " ".to_owned(), ..Asked::buildkite(&json!({})) }.reply()["status"], 200);
}

#[test]
fn hostile_text_stays_out_of_the_log() {
    let hostile = format!("\u{1b}[2J\n::error::x{}", "x".repeat(2000));
    for asked in [
        Asked::buildkite(&json!({ "audience": hostile })),
        Asked::buildkite(&json!({ "claims": [hostile] })),
        Asked::buildkite(&json!({ "subject_claim": hostile })),
        Asked::bitrise(&json!({ "aud": hostile })),
        Asked { query: "audience=%1b%5b2J%0a::error::", ..Asked::github() },
    ] {
        let log = asked.reply()["log"].as_str().unwrap().to_owned();
        assert!(!log.contains(['\n', '\u{1b}']) && log.chars().count() < 1100, "{log}");
    }
}

#[test]
fn a_request_without_a_key_is_answered_by_nobody() {
    for request in [json!(7), json!({}), json!({"method": "GET", "path": "/token", "key": ""})] {
        let request = json!({"config": default_config(), "request": request, "now": NOW});
        assert!(claims(&request.to_string()).is_err());
    }
}

const MEMBERS: &[&str] =
    &["audience", "aud", "sub", "lifetime", "claims", "aws_session_tags", "subject_claim", "other"];

proptest! {
    #[test]
    fn no_body_can_make_a_service_panic(body in any::<String>(), path in any::<String>()) {
        for asked in all() {
            let asked = Asked { body: body.clone(), ..asked };
            prop_assert!(asked.try_reply().is_ok());
        }
        prop_assert_eq!(&Asked::buildkite(&json!({})).path(&path).reply()["status"], 404);
    }

    #[test]
    fn no_member_can_make_a_service_panic(name in select(MEMBERS), value in never_panics::any_json()) {
        let body = json!({"aud": "a", name: value});
        for asked in [Asked::buildkite(&body), Asked::bitrise(&body)] {
            prop_assert!(asked.try_reply().is_ok());
        }
    }
}
