use super::*;
use crate::sandbox::tests::NOW;
use crate::sandbox::tests::service::Asked;

const ALWAYS: &str = "agent_id aud build_branch build_commit build_number build_source build_tag exp iat iss job_id \
    jti nbf organization_slug pipeline_slug runner_environment step_key sub";

fn ask(job: &Value, body: &Value) -> Value {
    Asked::buildkite(body).job(json!({ BUILDKITE: job })).reply()
}

fn claims_of(job: &Value, body: &Value) -> Value {
    let reply = ask(job, body);
    assert_eq!(reply["status"], 200, "{}", reply["log"]);
    reply["token"]["claims"].clone()
}

fn refusal_of(job: &Value, body: &Value) -> (u64, String) {
    let reply = ask(job, body);
    assert!(reply.get("token").is_none());
    (reply["status"].as_u64().unwrap(), reply["body"]["message"].as_str().unwrap().to_owned())
}

fn names(claims: &Value) -> String {
    claims.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>().join(" ")
}

const BUILDKITE: &str = "buildkite";

#[test]
fn a_token_has_every_claim_of_buildkites_in_its_type() {
    let claims = claims_of(&json!({}), &json!({}));
    assert_eq!(names(&claims), ALWAYS);
    for (name, value) in claims.as_object().unwrap() {
        assert_eq!(value.is_u64(), ["build_number", "exp", "iat", "nbf"].contains(&name.as_str()), "{name}");
        assert_eq!(value.is_null(), name == "build_tag", "{name}");
    }
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!((&claims["iat"], &claims["nbf"], &claims["exp"]), (&json!(NOW), &json!(NOW), &json!(NOW + 300)));
    assert_eq!((&claims["job_id"], &claims["aud"]), (&json!("job-1"), &json!("https://buildkite.com/acme")));
}

#[test]
fn the_answer_holds_the_token_alone() {
    let reply = ask(&json!({}), &json!({"audience": "sts.amazonaws.com"}));
    assert_eq!(
        (&reply["body"], &reply["token"]["member"], &reply["token"]["length"]),
        (&json!({}), &json!("token"), &Value::Null)
    );
    let subject = "organization:acme:pipeline:api:ref:refs/heads/main:commit:9f3182061f1e2cca4702c368cbc039b7dc9d4485:step:deploy";
    assert_eq!(reply["log"], format!("200 token of {subject} for sts.amazonaws.com"));
}

#[test]
fn the_configuration_fills_the_claims() {
    let job = json!({
        "organization_slug": "o", "pipeline_slug": "p", "build_number": 7, "build_branch": "b", "build_commit": "c",
        "step_key": null, "build_source": "ui", "runner_environment": "buildkite-hosted", "agent_id": "a",
        "job_id": "job-1", "claims": {"jti": null, "more": [1]},
    });
    let claims = claims_of(&job, &json!({"audience": ""}));
    assert_eq!(claims["sub"], "organization:o:pipeline:p:ref:refs/heads/b:commit:c:step:");
    assert_eq!((&claims["aud"], &claims["build_number"]), (&json!("https://buildkite.com/o"), &json!(7)));
    assert_eq!((&claims["step_key"], claims.get("jti"), &claims["more"]), (&Value::Null, None, &json!([1])));
}

#[test]
fn a_build_of_a_tag_has_the_tag_in_its_subject() {
    let claims = claims_of(&json!({"build_tag": "v1", "build_commit": "c"}), &json!({}));
    assert_eq!(claims["sub"], "organization:acme:pipeline:api:ref:refs/tags/v1:commit:c:step:deploy");
    assert_eq!(claims["build_tag"], "v1");
}

#[test]
fn a_token_lives_as_long_as_is_asked_up_to_two_hours() {
    for (lifetime, expected) in [(json!(null), 300), (json!(0), 300), (json!(1), 1), (json!(7200), 7200)] {
        let claims = claims_of(&json!({}), &json!({"lifetime": lifetime}));
        assert_eq!(claims["exp"], NOW + expected, "{lifetime}");
    }
    let too_high = |seconds: &str| format!("Requested lifetime too high (requested: {seconds} max: 7200)");
    for (lifetime, message) in [
        (json!(7201), too_high("7201")),
        (json!(u64::MAX), too_high("18446744073709551615")),
        (json!(-1), "Requested lifetime is negative (requested: -1)".to_owned()),
        (json!(1.5), "lifetime is not a whole number of seconds".to_owned()),
        (json!("300"), "lifetime is not a whole number of seconds".to_owned()),
    ] {
        assert_eq!(refusal_of(&json!({}), &json!({"lifetime": lifetime})), (422, message));
    }
}

#[test]
fn optional_claims_come_when_they_are_asked_for() {
    let wanted = ["organization_id", "pipeline_id", "build_id", "cluster_id", "cluster_name", "queue_id", "queue_key"];
    let claims = claims_of(&json!({}), &json!({"claims": wanted}));
    assert!(wanted.iter().all(|name| claims[name].is_string()), "{claims}");
    assert_eq!(claims.as_object().unwrap().len(), ALWAYS.split(' ').count() + wanted.len());

    let job = json!({"cluster_id": null, "queue_key": "q", "agent_tags": {"os": "linux"}});
    let wanted = ["cluster_id", "queue_key", "agent_tag:os", "agent_tag:queue", "queue_key"];
    let claims = claims_of(&job, &json!({"claims": wanted}));
    assert_eq!((&claims["cluster_id"], &claims["queue_key"]), (&Value::Null, &json!("q")));
    assert_eq!((&claims["agent_tag:os"], &claims["agent_tag:queue"]), (&json!("linux"), &Value::Null));
    assert_eq!(claims_of(&json!({}), &json!({"claims": ["agent_tag:queue"]}))["agent_tag:queue"], "default");

    for name in ["repository", "sub", "organization_slug", "agent_tag:", ""] {
        let (status, message) = refusal_of(&json!({}), &json!({"claims": [name]}));
        assert!(status == 422 && message.starts_with(&format!("No claim `{name}` is optional; there are build_id, ")));
    }
}

#[test]
fn session_tags_are_texts_in_the_form_of_awss() {
    let tags = ["organization_slug", "build_number", "build_tag", "organization_id", "agent_tag:queue", "job_id"];
    let claims = claims_of(&json!({"organization_id": "id"}), &json!({"aws_session_tags": tags}));
    let expected = json!({
        "organization_slug": ["acme"], "build_number": ["42"], "build_tag": [""], "organization_id": ["id"],
        "agent_tag:queue": ["default"], "job_id": ["job-1"],
    });
    assert_eq!(claims["https://aws.amazon.com/tags"], json!({ "principal_tags": expected }));
    assert!(claims.get("organization_id").is_none());
    let none = claims_of(&json!({}), &json!({"aws_session_tags": []}));
    assert_eq!(names(&none), ALWAYS);
    let refused = refusal_of(&json!({}), &json!({"aws_session_tags": ["team"]}));
    assert_eq!(refused, (422, "No claim `team` can be an AWS session tag".to_owned()));
}

#[test]
fn an_id_can_be_the_subject_and_is_then_a_claim_too() {
    for name in SUBJECTS {
        let claims = claims_of(&json!({}), &json!({"subject_claim": name}));
        assert!(claims["sub"].is_string());
        assert_eq!(claims["sub"], claims[name], "{name}");
    }
    let claims = claims_of(&json!({}), &json!({"subject_claim": "job_id"}));
    assert_eq!((&claims["sub"], names(&claims).as_str()), (&json!("job-1"), ALWAYS));
    let (status, message) = refusal_of(&json!({}), &json!({"subject_claim": "organization_slug"}));
    assert!(status == 422 && message.contains("can be the subject; there are organization_id, "), "{message}");
    let refused = refusal_of(&json!({"queue_id": null}), &json!({"subject_claim": "queue_id"}));
    assert_eq!(refused, (422, "The job has no queue_id".to_owned()));
}

#[test]
fn what_has_the_wrong_type_is_refused_and_what_is_unknown_passes() {
    for (body, message) in [
        (json!({"audience": 7}), "audience is not text"),
        (json!({"claims": "build_id"}), "claims is not a list of texts"),
        (json!({"claims": [7]}), "claims is not a list of texts"),
        (json!({"aws_session_tags": {}}), "aws_session_tags is not a list of texts"),
        (json!({"subject_claim": []}), "subject_claim is not text"),
    ] {
        assert_eq!(refusal_of(&json!({}), &body), (422, message.to_owned()));
    }
    let empty = json!({"audience": null, "claims": null, "aws_session_tags": null, "subject_claim": null, "new": 1});
    assert_eq!(names(&claims_of(&json!({}), &empty)), ALWAYS);
}

#[test]
fn only_the_access_token_of_the_job_gets_a_token() {
    for authorization in [None, Some("key"), Some("Bearer key"), Some("token key"), Some("Token guess"), Some("Token ")]
    {
        for path in ["oidc/tokens", "data/exists", "data/set"] {
            let mut asked = Asked::buildkite(&json!({})).path(&format!("/v3/jobs/job-1/{path}"));
            asked.headers = json!({ "authorization": authorization });
            assert_eq!(asked.reply()["status"], 401, "{authorization:?}");
        }
    }
    assert_eq!(
        refusal_of(&json!({"job_id": "job-2"}), &json!({})),
        (403, "The access token is for another job".to_owned())
    );
}

#[test]
fn the_agents_checkout_finds_the_meta_data_that_it_wants() {
    let ask = |path| Asked::buildkite(&json!({"key": "buildkite:git:commit"})).path(path).reply();
    assert_eq!(ask("/v3/jobs/job-1/data/exists")["body"], json!({"exists": false}));
    let set = ask("/v3/jobs/job-1/data/set");
    assert_eq!((&set["status"], &set["body"]), (&json!(200), &json!({})));
    assert_eq!(ask("/v3/jobs/job-1/data/get")["status"], 404);
}

#[test]
fn a_job_that_cannot_be_is_refused() {
    for (job, words) in [
        (json!([]), "job.buildkite is not an object"),
        (json!({"pipeline": "x"}), "job.buildkite.pipeline is not known; "),
        (json!({"build_number": "7"}), "job.buildkite.build_number is not a whole number; for example 74"),
        (json!({"build_source": "x"}), "build_source is none of ui, api, webhook, trigger_job and schedule"),
        (json!({"step_key": 7}), "step_key is not text"),
        (json!({"job_id": "a/b"}), "job_id is not the id of a job; for example \"0184990a"),
        (json!({"agent_tags": ["queue=x"]}), "agent_tags is not an object; for example {\"queue\": \"default\"}"),
        (json!({"agent_tags": {"queue": 7}}), "agent_tags.queue is not text"),
        (json!({"claims": 7}), "job.buildkite.claims is not an object"),
    ] {
        let report = Asked::buildkite(&json!({})).job(json!({ BUILDKITE: job })).try_reply().unwrap_err();
        assert!(report.contains(words), "{report}");
    }
}
