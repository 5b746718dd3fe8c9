use super::*;
use crate::sandbox::tests::NOW;
use crate::sandbox::tests::service::Asked;

fn ask(job: &Value, body: &Value) -> Value {
    Asked::bitrise(body).job(json!({ "bitrise": job })).reply()
}

fn claims_of(job: &Value, body: &Value) -> Value {
    ask(job, body)["token"]["claims"].clone()
}

#[test]
fn a_token_has_every_claim_of_bitrises() {
    let claims = claims_of(&json!({}), &json!({"aud": "sts.amazonaws.com"}));
    let names: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names.join(" "),
        "app_slug aud branch branch_dest build_number exp iat iss jti nbf repository_owner repository_slug \
        repository_url sha sub tag trigger_by workflow workspace_slug"
    );
    for (name, value) in claims.as_object().unwrap() {
        assert_eq!(value.is_u64(), ["exp", "iat", "nbf"].contains(&name.as_str()), "{name}");
    }
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(ISSUER), &json!("sts.amazonaws.com")));
    assert_eq!((&claims["iat"], &claims["exp"]), (&json!(NOW), &json!(NOW + LIFETIME)));
    assert_eq!(claims["sub"], "app:2b1a9f3c4d5e6f70:workflow:deploy");
}

#[test]
fn the_answer_says_what_the_token_is_and_how_long_it_lives() {
    let reply = ask(&json!({}), &json!({"sub": "", "aud": "a"}));
    assert_eq!(reply["body"], json!({"token_type": "Bearer", "expires_in": 3600}));
    assert_eq!((&reply["token"]["member"], &reply["token"]["length"]), (&json!("id_token"), &Value::Null));
    assert_eq!(reply["log"], "200 token of app:2b1a9f3c4d5e6f70:workflow:deploy for a");
}

#[test]
fn the_configuration_fills_the_claims_and_the_request_cannot_choose_the_subject() {
    let job = json!({"app_slug": "a", "workflow": "w", "repository_owner": "o", "repository_slug": "r", "claims": {"exp": 7}});
    let claims = claims_of(&job, &json!({"sub": "app:b:workflow:w", "aud": "x"}));
    assert_eq!((&claims["sub"], &claims["exp"]), (&json!("app:a:workflow:w"), &json!(7)));
    assert_eq!(claims["repository_url"], "https://github.com/o/r.git");
}

#[test]
fn without_an_audience_there_is_no_token() {
    for body in [json!({}), json!({"aud": ""}), json!({"aud": null}), json!({"aud": ["a"]}), json!({"audience": "a"})] {
        let reply = ask(&json!({}), &body);
        assert_eq!((&reply["status"], &reply["body"]), (&json!(400), &json!({"error_msg": "There is no `aud`"})));
    }
}

#[test]
fn both_headers_have_to_be_the_token_of_the_build() {
    for headers in [
        json!({}),
        json!({"authorization": "key"}),
        json!({"build_api_token": "key"}),
        json!({"authorization": "Bearer key", "build_api_token": "key"}),
        json!({"authorization": "key", "build_api_token": "guess"}),
    ] {
        let mut asked = Asked::bitrise(&json!({"aud": "a"}));
        asked.headers = headers;
        let reply = asked.reply();
        assert!(reply["status"] == 401 && reply["body"]["error_msg"].is_string() && reply.get("token").is_none());
    }
}

#[test]
fn a_build_that_cannot_be_is_refused() {
    for (job, words) in [
        (json!("x"), "job.bitrise is not an object"),
        (json!({"app": "x"}), "job.bitrise.app is not known; "),
        (json!({"build_number": 7}), "job.bitrise.build_number is not text"),
        (json!({"build_number": "x"}), "job.bitrise.build_number is not a number written as text"),
    ] {
        let report = Asked::bitrise(&json!({})).job(json!({ "bitrise": job })).try_reply().unwrap_err();
        assert!(report.contains(words), "{report}");
    }
}
