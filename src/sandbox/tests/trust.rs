use serde_json::{Value, json};

use super::*;
use crate::policy::caller::Role;

const HOST: &str = "token.actions.githubusercontent.com";
const FEDERATED: &str = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
const ASSUME: &str = "sts:AssumeRoleWithWebIdentity";

fn read(policy: &Value) -> Result<Trust, String> {
    let mut problems = Problems::default();
    let role = json!({"trustPolicy": policy});
    let trust = Trust::read(&Node::root(&role).get("trustPolicy").unwrap(), &mut problems);
    problems.or(trust)
}

fn statement(effect: &str, condition: &Value) -> Value {
    json!({"Effect": effect, "Principal": {"Federated": FEDERATED}, "Action": ASSUME, "Condition": condition})
}

fn caller() -> Caller {
    let claims = json!({
        "iss": format!("https://{HOST}"), "aud": "sts.amazonaws.com", "sub": "repo:o/r:ref:refs/heads/main",
        "repository_id": "74", "actor": "octocat",
    });
    let role = Role { partition: "aws".to_owned(), account: "123456789012".to_owned() };
    Caller::of_claims(claims.as_object().unwrap().clone()).with_role(Some(role))
}

fn admitted(policy: &Value) -> Result<(), String> {
    read(policy).unwrap().admits(&caller()).map_err(|denied| format!("{}: {}", denied.action, denied.why))
}

#[test]
fn the_engine_decides() {
    let key = |name: &str| format!("{HOST}:{name}");
    for (condition, expected) in [
        (json!({}), true),
        (json!({"StringEquals": {key("sub"): "repo:o/r:ref:refs/heads/main"}}), true),
        (json!({"StringEquals": {key("sub"): "repo:o/r:*"}}), false),
        (json!({"StringLike": {key("sub"): "repo:o/r:*"}}), true),
        (json!({"StringEqualsIgnoreCase": {key("sub"): "REPO:O/R:REF:REFS/HEADS/MAIN"}}), true),
        (json!({"ForAnyValue:StringLike": {key("sub"): ["repo:x/*", "repo:o/*"]}}), true),
        (json!({"StringEquals": {key("event_name"): "push"}}), false),
        (json!({"Null": {key("environment"): "true"}}), true),
        (json!({"StringEquals": {"aws:ResourceAccount": "123456789012"}}), true),
    ] {
        let decided = admitted(&json!({"Version": "2012-10-17", "Statement": statement("Allow", &condition)}));
        assert_eq!(decided.is_ok(), expected, "{condition}: {decided:?}");
    }
    let deny = statement("Deny", &json!({"StringNotLike": {key("environment"): "production"}}));
    let policy = json!({"Statement": [statement("Allow", &json!({})), deny]});
    assert!(admitted(&policy).unwrap_err().contains("a statement denies sts:AssumeRoleWithWebIdentity to it"));
}

#[test]
fn a_refusal_says_what_was_wanted_what_was_there_and_why() {
    let wants =
        |key: &str, value: Value| json!({"Statement": statement("Allow", &json!({"StringEquals": {key: value}}))});
    for (policy, words) in [
        (
            wants("token.actions.githubusercontent.com:actor", json!(["a", "b"])),
            r#"the policy wants token.actions.githubusercontent.com:actor StringEquals "a" or "b"; there is "octocat""#,
        ),
        (wants("gitlab.com:sub", json!("x")), "; there is no such key; the key starts with another issuer"),
        (wants("token.actions.githubusercontent.com:sub", json!("repo:o/r:*")), "a `*` is an ordinary character"),
        (wants("aws:SourceIp", json!("192.0.2.1")), "the sandbox cannot tell; the policy wants aws:SourceIp"),
        (json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ASSUME}}), "no statement allows"),
    ] {
        let why = admitted(&policy).unwrap_err();
        assert!(why.starts_with(ASSUME) && why.contains(words), "{words}: {why}");
    }
}

#[test]
fn what_aws_does_not_save_is_named_with_its_place() {
    let with = |name: &str, value: Value| {
        let mut statement = statement("Allow", &json!({}));
        statement[name] = value;
        json!({"Statement": [statement]})
    };
    let condition = |operator: &str, key: &str, value: Value| with("Condition", json!({operator: {key: value}}));
    for (policy, words) in [
        (json!([]), "trustPolicy is not what AWS saves: `the policy` is a list, and has to be an object"),
        (json!({"Version": "2012-10-18", "Statement": []}), "trustPolicy.Version is not what AWS saves"),
        (json!({}), "the element `Statement` is missing"),
        (with("Effect", json!("allow")), "Statement[0].Effect is not what AWS saves: \"allow\" is neither"),
        (with("Resource", json!("*")), "Statement[0].Resource is not what AWS saves"),
        (with("Principal", json!({"Federated": []})), "`Federated` is an empty list"),
        (
            with("Action", json!("s3:GetObject")),
            "Statement[0].Action is not what AWS saves: `s3:GetObject` is no action",
        ),
        (with("Condition", Value::Null), "`Condition` is null"),
        (
            condition("StringMatches", "aws:x/y", json!("x")),
            "Condition.StringMatches is not what AWS saves: there is no",
        ),
        (
            condition("StringEquals", "aws:x/y", json!([])),
            "Condition.StringEquals.aws:x/y is not what AWS saves: `aws:x",
        ),
    ] {
        let report = read(&policy).err().unwrap_or_default();
        assert!(report.contains(words), "{words}: {report}");
        assert!(report.contains("; for example "), "{report}");
    }
}
