use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use serde_json::Map;

use super::request::Form;
use super::*;
use crate::effect;
use crate::secret::Secret;
use crate::sts::assume_role_with_web_identity as client;
use crate::sts::error::AnswerFault;
use crate::sts::xml::Document;

mod gates;
mod never_panics;
pub(super) mod service;

pub(super) const NOW: i64 = 1_795_262_580;
const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

/// A call that passes every gate, to be spoilt in parts.
#[derive(Clone)]
struct Call {
    config: Value,
    form: Map<String, Value>,
    header: Value,
    claims: Map<String, Value>,
    /// In place of a token made of header and claims.
    token: Option<String>,
    signature: &'static str,
}

impl Call {
    /// The job of `config`, for its first role.
    fn of(config: Value) -> Self {
        let minted =
            claims(&json!({"config": config, "audience": "sts.amazonaws.com", "now": NOW}).to_string()).unwrap();
        let form = json!({
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": ROLE,
            "RoleSessionName": "me",
        });
        Self {
            config,
            form: form.as_object().unwrap().clone(),
            header: minted["header"].clone(),
            claims: minted["claims"].as_object().unwrap().clone(),
            token: None,
            signature: "valid",
        }
    }

    /// With session tags and a source identity, which the role allows.
    fn full() -> Self {
        let mut config = default_config();
        config["roles"][0]["trustPolicy"]["Statement"][0]["Action"] =
            json!(["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"]);
        config["job"]["claims"] = json!({
            "https://aws.amazon.com/tags": {"principal_tags": {"team": ["a"]}},
            "https://aws.amazon.com/source_identity": "octocat",
        });
        Self::of(config)
    }

    fn role(mut self, name: &str) -> Self {
        self.form["RoleArn"] = format!("arn:aws:iam::123456789012:role/{name}").into();
        self
    }

    fn actions(&mut self) -> &mut Vec<Value> {
        self.config["roles"][0]["trustPolicy"]["Statement"][0]["Action"].as_array_mut().unwrap()
    }

    fn body(&self) -> String {
        let part = |value: String| URL_SAFE_NO_PAD.encode(value);
        let claims = Value::Object(self.claims.clone()).to_string();
        let token = format!("{}.{}.c2ln", part(self.header.to_string()), part(claims));
        let mut form = self.form.clone();
        form.insert("WebIdentityToken".to_owned(), self.token.clone().unwrap_or(token).into());
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs = form.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value.as_str().unwrap())));
        pairs.collect::<Vec<_>>().join("&")
    }

    fn answer(&self) -> Answer {
        let request = json!({"config": self.config, "body": self.body(), "signature": self.signature, "seed": "00ff", "now": NOW});
        answer(&request.to_string()).unwrap_or_else(|problems| panic!("{problems}"))
    }
}

fn as_read_by_the_client(answer: Answer) -> Result<client::Session, AnswerFault> {
    client::read(&effect::Answer { status: answer.status, headers: crate::pairs::Pairs::default(), body: answer.body })
}

fn code_and_message(answer: &Answer) -> (String, String) {
    let document = Document::read(&answer.body).unwrap();
    assert_eq!(document.root(), "ErrorResponse", "{}", answer.log);
    assert_eq!(document.text("RequestId"), Some(answer.request_id.as_str()));
    let text = |path: &str| document.text(path).unwrap_or_default().to_owned();
    (text("Error/Code"), text("Error/Message"))
}

#[test]
fn a_bad_signature_and_a_role_that_is_not_there_say_no_more_than_at_aws() {
    let mut call = Call::full();
    call.signature = "invalid";
    let answer = call.answer();
    assert_eq!(code_and_message(&answer).1, "The web identity token provided could not be validated.");
    assert!(answer.log.ends_with(" (the signature is not one of the sandbox's key)"), "{}", answer.log);

    let answer = Call::full().role("nobody").answer();
    assert_eq!(
        (answer.status, code_and_message(&answer).1.as_str()),
        (403, "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    );
    assert!(
        answer.log.contains("there is no role arn:aws:iam::123456789012:role/nobody; the sandbox has"),
        "{}",
        answer.log
    );
}

#[test]
fn the_default_job_may_deploy_and_the_environment_production_may_deploy_prod() {
    let status = |config: &Value, role: &str| Call::of(config.clone()).role(role).answer().status;
    let mut config = default_config();
    assert_eq!((status(&config, "deploy"), status(&config, "deploy-prod")), (200, 403));
    config["job"]["environment"] = "production".into();
    assert_eq!((status(&config, "deploy"), status(&config, "deploy-prod")), (403, 200));
}

#[test]
fn a_denial_tells_the_log_what_aws_would_not() {
    let log = Call::of(default_config()).role("deploy-prod").answer().log;
    assert_eq!(
        log,
        "403 AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity (the policy wants \
        token.actions.githubusercontent.com:sub StringEquals \"repo:octo-org/octo-repo:environment:production\"; \
        there is \"repo:octo-org/octo-repo:ref:refs/heads/main\"; \
        the policy wants a job with an `environment:`, and this one has none)"
    );
}

#[test]
fn credentials_come_in_the_shape_of_awss() {
    let mut call = Call::full();
    call.form.insert("DurationSeconds".to_owned(), "900".into());
    let answer = call.answer();
    let document = Document::read(&answer.body).unwrap();
    assert_eq!(document.root(), "AssumeRoleWithWebIdentityResponse");
    let text = |path: &str| document.text(&format!("AssumeRoleWithWebIdentityResult/{path}")).unwrap();
    let role_id = text("AssumedRoleUser/AssumedRoleId").strip_suffix(":me").unwrap();
    assert!(role_id.len() == 21 && role_id.starts_with("AROA"));
    assert!(text("Credentials/AccessKeyId").len() == 20 && text("Credentials/AccessKeyId").starts_with("ASIA"));
    assert_eq!(text("Credentials/SecretAccessKey").len(), 40);
    assert!(text("Credentials/SessionToken").len() > 500);
    for (path, value) in [
        ("Credentials/Expiration", "2026-11-21T12:18:00Z"),
        ("AssumedRoleUser/Arn", "arn:aws:sts::123456789012:assumed-role/deploy/me"),
        ("Provider", "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"),
        ("Audience", "sts.amazonaws.com"),
        ("SubjectFromWebIdentityToken", "repo:octo-org/octo-repo:ref:refs/heads/main"),
        ("SourceIdentity", "octocat"),
        ("PackedPolicySize", "24"),
    ] {
        assert_eq!(text(path), value);
    }
    assert_eq!(document.text("ResponseMetadata/RequestId"), Some(answer.request_id.as_str()));
    assert!(!answer.log.contains(text("Credentials/SecretAccessKey")));
    assert_eq!(answer.body, call.answer().body);
}

#[test]
fn the_client_and_the_sandbox_understand_each_other() {
    let call = Call::of(default_config());
    let form = Form::read(&call.body());
    let asked = client::Request {
        role_arn: ROLE,
        session_name: "a+b@c,d=e",
        token: &Secret::new(form.get("WebIdentityToken").unwrap()),
        duration_seconds: Some(1234),
        policy: Some("{\"Version\": \"2012-10-17\", \"Statement\": []}\n"),
        policy_arns: &["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    };
    let request =
        json!({"config": call.config, "body": asked.body(), "signature": "valid", "seed": "", "now": NOW}).to_string();
    let session = as_read_by_the_client(answer(&request).ok().unwrap()).ok().unwrap();
    assert_eq!(session.assumed_role_arn, "arn:aws:sts::123456789012:assumed-role/deploy/a+b@c,d=e");
    assert_eq!((session.account.as_str(), session.packed_policy_size), ("123456789012", Some(25)));
    assert_eq!(session.credentials.expiration, Timestamp::from_seconds(NOW + 1234));
    assert_eq!(session.subject.as_deref(), Some("repo:octo-org/octo-repo:ref:refs/heads/main"));
}

#[test]
fn hostile_text_stays_inside_its_element_and_out_of_the_log() {
    let hostile = "</Message><Code>x</Code>&\"'\u{1b}[2J\n::error::\u{0}";
    let mut call = Call::of(default_config());
    call.form["RoleSessionName"] = hostile.into();
    let answer = call.answer();
    assert!(
        code_and_message(&answer).1.contains("Value '</Message><Code>x</Code>&\"'\u{fffd}[2J\n::error::\u{fffd}' at")
    );
    assert!(!answer.log.contains(['\n', '\u{1b}']), "{}", answer.log);

    let mut config = default_config();
    config["roles"][0]["trustPolicy"]["Statement"][0]["Condition"] = json!({});
    config["job"]["claims"] = json!({"sub": "</SubjectFromWebIdentityToken><x>&\n"});
    let answer = Call::of(config).answer();
    let document = Document::read(&answer.body).unwrap();
    let subject = document.text("AssumeRoleWithWebIdentityResult/SubjectFromWebIdentityToken");
    assert_eq!(subject, Some("</SubjectFromWebIdentityToken><x>&"));
    assert!(!answer.log.contains('\n'));
}

#[test]
fn the_authorized_party_takes_the_place_of_the_audience() {
    let mut config = default_config();
    config["providers"][0]["clientIds"] = json!(["me"]);
    config["job"]["claims"] = json!({"azp": "me", "aud": ["a", "b"]});
    config["roles"][0]["trustPolicy"]["Statement"][0]["Condition"]["StringEquals"]["token.actions.githubusercontent.com:aud"] =
        "me".into();
    let answer = Call::of(config).answer();
    assert!(answer.body.contains("<Audience>me</Audience>"), "{}", answer.log);
}

#[test]
fn a_request_that_makes_no_sense_is_an_error_and_not_an_answer() {
    for request in ["", "[]", "{}", r#"{"config": {}, "body": "", "signature": "fine", "seed": "", "now": 0}"#] {
        assert!(answer(request).is_err() && claims(request).is_err(), "{request}");
    }
}
