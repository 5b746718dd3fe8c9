//! Requests and answers against botocore's. `tests/oracle/exchange.py` and
//! `tests/oracle/signed_calls.py` write what is read here.

use ci_assume_role::effect::Answer;
use ci_assume_role::pairs::Pairs;
use ci_assume_role::secret::Secret;
use ci_assume_role::sts::assume_role_with_web_identity::{Request, read};
use ci_assume_role::sts::error::AnswerFault;
use ci_assume_role::sts::session::Session;
use ci_assume_role::sts::tags::Tags;
use ci_assume_role::sts::{assume_role, get_caller_identity};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct WrittenRequest {
    parameters: Value,
    form: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct ReadAnswer {
    status: u16,
    body: String,
    parsed: Value,
}

#[test]
fn requests_say_what_those_of_botocore_say() {
    let requests: Vec<WrittenRequest> = serde_json::from_str(include_str!("oracle/requests.json")).unwrap();
    assert!(requests.len() >= 50);
    for WrittenRequest { parameters, form } in &requests {
        let text = |name: &str| parameters.get(name).and_then(Value::as_str);
        let arns = parameters.get("PolicyArns").and_then(Value::as_array);
        let arns: Vec<&str> = arns.into_iter().flatten().filter_map(|policy| policy.get("arn")?.as_str()).collect();
        let seconds = parameters.get("DurationSeconds").and_then(Value::as_u64);
        let body = Request {
            role_arn: text("RoleArn").unwrap(),
            session_name: text("RoleSessionName").unwrap(),
            token: &Secret::new(text("WebIdentityToken").unwrap()),
            duration_seconds: seconds.map(|seconds| seconds.try_into().unwrap()),
            policy: text("Policy"),
            policy_arns: &arns,
        }
        .body();
        assert!(body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%&=".contains(&byte)), "{body}");
        assert_eq!(decoded(&body), *form);
    }
}

#[test]
fn answers_mean_what_they_mean_to_botocore() {
    let answers: Vec<ReadAnswer> = serde_json::from_str(include_str!("oracle/answers.json")).unwrap();
    assert!(answers.len() >= 50);
    for ReadAnswer { status, body, parsed } in answers {
        let text = |path: &str| parsed.pointer(path).and_then(Value::as_str);
        match read(&Answer { status, headers: Pairs::default(), body }) {
            Ok(session) => {
                assert_eq!(status, 200);
                assert_session(&session, &parsed);
                assert_eq!(session.subject.as_deref(), text("/SubjectFromWebIdentityToken"));
                assert_eq!(session.audience.as_deref(), text("/Audience"));
                assert_eq!(session.provider.as_deref(), text("/Provider"));
            }
            Err(AnswerFault::Sts(error)) => {
                assert_eq!(error.status, status);
                assert_eq!(Some(error.code.as_str()), text("/Error/Code"));
                assert_eq!(Some(error.message.as_str()), text("/Error/Message"));
                assert_eq!(error.request_id.as_deref(), text("/ResponseMetadata/RequestId"));
            }
            Err(fault) => panic!("{fault:?} for {parsed}"),
        }
    }
}

/// What sessions of both kinds have.
fn assert_session(session: &Session, parsed: &Value) {
    let text = |path: &str| parsed.pointer(path).and_then(Value::as_str);
    let credentials = &session.credentials;
    assert_eq!(Some(credentials.access_key_id.expose()), text("/Credentials/AccessKeyId"));
    assert_eq!(Some(credentials.secret_access_key.expose()), text("/Credentials/SecretAccessKey"));
    assert_eq!(Some(credentials.session_token.expose()), text("/Credentials/SessionToken"));
    let expiration = parsed.pointer("/Credentials/Expiration").and_then(Value::as_i64);
    assert_eq!(Some(credentials.expiration.seconds()), expiration);
    assert_eq!(Some(session.assumed_role_arn.as_str()), text("/AssumedRoleUser/Arn"));
    assert_eq!(Some(session.assumed_role_id.as_str()), text("/AssumedRoleUser/AssumedRoleId"));
    assert_eq!(session.source_identity.as_deref(), text("/SourceIdentity"));
    let packed = parsed.get("PackedPolicySize").and_then(Value::as_u64);
    assert_eq!(session.packed_policy_size.map(u64::from), packed);
}

#[derive(Deserialize)]
struct SignedCalls {
    assume_role: Vec<WrittenRequest>,
    sessions: Vec<Parsed>,
    callers: Vec<Parsed>,
}

#[derive(Deserialize)]
struct Parsed {
    body: String,
    parsed: Value,
}

fn signed_calls() -> SignedCalls {
    serde_json::from_str(include_str!("oracle/signed_calls.json")).unwrap()
}

#[test]
fn requests_for_roles_by_signature_say_what_those_of_botocore_say() {
    let requests = signed_calls().assume_role;
    assert!(requests.len() >= 50);
    for WrittenRequest { parameters, form } in &requests {
        let text = |name: &str| parameters.get(name).and_then(Value::as_str);
        let list = |name: &str| parameters.get(name).and_then(Value::as_array).into_iter().flatten();
        let arns: Vec<&str> = list("PolicyArns").filter_map(|policy| policy.get("arn")?.as_str()).collect();
        let keys: Vec<&str> = list("TransitiveTagKeys").filter_map(Value::as_str).collect();
        let mut tags = Tags::default();
        for tag in list("Tags") {
            tags.push(tag["Key"].as_str().unwrap(), tag["Value"].as_str().unwrap()).unwrap();
        }
        let seconds = parameters.get("DurationSeconds").and_then(Value::as_u64);
        let body = assume_role::Request {
            role_arn: text("RoleArn").unwrap(),
            session_name: text("RoleSessionName").unwrap(),
            duration_seconds: seconds.map(|seconds| seconds.try_into().unwrap()),
            external_id: text("ExternalId"),
            source_identity: text("SourceIdentity"),
            policy: text("Policy"),
            policy_arns: &arns,
            tags: &tags,
            transitive_tag_keys: &keys,
        }
        .body();
        assert!(body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%&=".contains(&byte)), "{body}");
        assert_eq!(decoded(&body), *form);
    }
}

#[test]
fn answers_to_signed_calls_mean_what_they_mean_to_botocore() {
    let SignedCalls { sessions, callers, .. } = signed_calls();
    assert!(sessions.len() >= 30 && callers.len() >= 20);
    let answer = |body: String| Answer { status: 200, headers: Pairs::default(), body };
    for Parsed { body, parsed } in sessions {
        let session = assume_role::read(&answer(body)).unwrap_or_else(|fault| panic!("{fault:?} for {parsed}"));
        assert_session(&session, &parsed);
    }
    for Parsed { body, parsed } in callers {
        let caller = get_caller_identity::read(&answer(body)).unwrap();
        let ours = serde_json::json!({"Account": caller.account, "Arn": caller.arn, "UserId": caller.user_id});
        assert_eq!(ours, parsed);
    }
}

/// The form as a server reads it, except that a plus sign stays one: none is written for a space.
fn decoded(form: &str) -> Vec<(String, String)> {
    let decode = |text| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    form.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (decode(name), decode(value))).collect()
}
