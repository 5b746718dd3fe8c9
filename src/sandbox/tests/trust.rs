use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "token.actions.githubusercontent.com";
const ASSUME: &str = "sts:AssumeRoleWithWebIdentity";

/// What `decide` says, or why the policy cannot be read.
fn read<T>(policy: &Value, decide: impl FnOnce(&TrustPolicy<'_>) -> T) -> Result<T, String> {
    let mut problems = Problems::default();
    let role = json!({"trustPolicy": policy});
    let policy = TrustPolicy::read(&Node::root(&role).get("trustPolicy").unwrap(), &mut problems);
    problems.or(policy).map(|policy| decide(&policy))
}

fn statement(effect: &str, condition: &Value) -> Value {
    json!({"Effect": effect, "Principal": {"Federated": FEDERATED}, "Action": ASSUME, "Condition": condition})
}

fn decide(policy: &Value, action: &str) -> Result<(), String> {
    let claims = json!({"repository_id": "74", "actor": "octocat", "run_id": "9", "ref": 7});
    let caller = Caller {
        provider_arn: FEDERATED,
        issuer: ISSUER,
        audience: "sts.amazonaws.com",
        subject: "repo:o/r:ref:refs/heads/main",
        claims: claims.as_object().unwrap(),
        tags: &[("build_branch".to_owned(), "main".to_owned())],
    };
    read(policy, |policy| policy.decide(action, &caller)).unwrap()
}

fn allowed(condition: &Value) -> bool {
    decide(&json!({"Statement": statement("Allow", condition)}), ASSUME).is_ok()
}

#[test]
fn operators_match_as_iams_do() {
    let sub = "token.actions.githubusercontent.com:sub";
    for (operator, key, value, expected) in [
        ("StringEquals", sub, json!("repo:o/r:ref:refs/heads/main"), true),
        ("StringEquals", sub, json!(["x", "repo:o/r:ref:refs/heads/main"]), true),
        ("StringEquals", sub, json!("repo:o/r:*"), false),
        ("StringEquals", sub, json!("REPO:o/r:ref:refs/heads/main"), false),
        ("StringEquals", "Token.Actions.GitHubUserContent.com:SUB", json!("repo:o/r:ref:refs/heads/main"), true),
        ("StringLike", sub, json!("repo:o/*"), true),
        ("StringLike", sub, json!("repo:?/r:ref:*"), true),
        ("StringLike", sub, json!("repo:O/*"), false),
        ("StringNotEquals", sub, json!("x"), true),
        ("StringNotEquals", sub, json!(["x", "repo:o/r:ref:refs/heads/main"]), false),
        ("StringNotLike", sub, json!("repo:evil/*"), true),
        ("StringNotLike", sub, json!("repo:o/*"), false),
        // A key that is not there.
        ("StringEquals", "token.actions.githubusercontent.com:environment", json!("x"), false),
        ("StringLike", "token.actions.githubusercontent.com:environment", json!("*"), false),
        ("StringNotEquals", "token.actions.githubusercontent.com:environment", json!("x"), true),
        ("StringNotLike", "token.actions.githubusercontent.com:environment", json!("*"), true),
        ("StringEqualsIfExists", "token.actions.githubusercontent.com:environment", json!("x"), true),
        ("StringLikeIfExists", sub, json!("x"), false),
        ("StringNotEqualsIfExists", "gitlab.com:sub", json!("repo:o/r:ref:refs/heads/main"), true),
        // Only behind the issuer of the token, and only as text.
        ("StringEquals", "gitlab.com:sub", json!("repo:o/r:ref:refs/heads/main"), false),
        (
            "StringEquals",
            "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com:sub",
            json!("x"),
            false,
        ),
        ("StringEquals", "token.actions.githubusercontent.com:aud", json!("sts.amazonaws.com"), true),
        ("StringEquals", "token.actions.githubusercontent.com:repository_id", json!("74"), true),
        ("StringLike", "token.actions.githubusercontent.com:ref", json!("*"), false),
        ("StringEquals", "agent.buildkite.com:build_branch", json!("main"), false),
        ("StringNotEquals", "token.builds.bitrise.io:app_slug", json!("x"), true),
        // Session tags, whose names compare without regard to case too.
        ("StringEquals", "aws:RequestTag/build_branch", json!("main"), true),
        ("StringEquals", "AWS:requesttag/Build_Branch", json!("main"), true),
        ("StringEquals", "aws:RequestTag/build_branch", json!("Main"), false),
        ("StringLike", "aws:RequestTag/step_key", json!("*"), false),
    ] {
        assert_eq!(allowed(&json!({operator: {key: value}})), expected, "{operator} {key} {value}");
    }
}

#[test]
fn all_conditions_of_a_statement_count() {
    let both = |sub: &str| {
        json!({
            "StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
            "StringLike": {"token.actions.githubusercontent.com:sub": sub},
        })
    };
    assert!(allowed(&both("repo:o/*")));
    assert!(!allowed(&both("repo:x/*")));
    assert!(allowed(&json!({})));
}

#[test]
fn a_deny_wins_and_its_missing_keys_count_as_iam_says() {
    let policy = |deny: Value| json!({"Statement": [statement("Allow", &json!({})), statement("Deny", &deny)]});
    assert!(decide(&policy(json!({})), ASSUME).is_err());
    let other = json!({"StringEquals": {"token.actions.githubusercontent.com:actor": "mallory"}});
    assert!(decide(&policy(other), ASSUME).is_ok());
    let absent = json!({"StringNotLike": {"token.actions.githubusercontent.com:environment": "production"}});
    assert!(decide(&policy(absent), ASSUME).is_err());
}

#[test]
fn principal_and_action_have_to_match() {
    let policy = |provider: Value, action: Value| json!({"Statement": {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": action}});
    for (provider, action, expected) in [
        (json!(FEDERATED), json!("STS:assumerolewithwebidentity"), true),
        (
            json!(["arn:aws:iam::123456789012:oidc-provider/gitlab.com", FEDERATED]),
            json!(["sts:TagSession", "sts:Assume*"]),
            true,
        ),
        (json!(FEDERATED), json!("*"), true),
        (json!(FEDERATED), json!("sts:AssumeRole"), false),
        (json!("arn:aws:iam::210987654321:oidc-provider/token.actions.githubusercontent.com"), json!("*"), false),
    ] {
        let decision = decide(&policy(provider.clone(), action.clone()), ASSUME);
        assert_eq!(decision.is_ok(), expected, "{provider} {action}");
    }
}

#[test]
fn a_refusal_says_what_was_wanted_and_what_was_there() {
    let wants = |key: &str| json!({"Statement": statement("Allow", &json!({"StringEquals": {key: ["a", "b"]}}))});
    assert_eq!(
        decide(&wants("token.actions.githubusercontent.com:actor"), ASSUME).unwrap_err(),
        r#"the policy wants token.actions.githubusercontent.com:actor StringEquals "a" or "b"; there is "octocat""#
    );
    assert!(decide(&wants("gitlab.com:sub"), ASSUME).unwrap_err().ends_with("; there is no such key"));
    assert!(
        decide(&wants("gitlab.com:sub"), "sts:TagSession").unwrap_err().contains("no statement allows sts:TagSession")
    );
    assert!(decide(&json!({"Statement": []}), ASSUME).unwrap_err().starts_with("no statement allows"));
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let with = |name: &str, value: Value| {
        let mut statement = statement("Allow", &json!({}));
        statement[name] = value;
        json!({"Statement": [statement]})
    };
    let condition = |operator: &str, key: &str, value: Value| with("Condition", json!({operator: {key: value}}));
    let sub = "token.actions.githubusercontent.com:sub";
    for (policy, words) in [
        (json!([]), "trustPolicy is not an object"),
        (json!({"Version": "2012-10-18", "Statement": []}), "trustPolicy.Version is not a version"),
        (json!({}), "trustPolicy.Statement is missing"),
        (with("Effect", json!("allow")), "Statement[0].Effect is neither `Allow` nor `Deny`"),
        (with("NotAction", json!("x")), "Statement[0].NotAction is not known"),
        (with("Resource", json!("*")), "Statement[0].Resource is not known"),
        (with("Principal", json!("*")), "Statement[0].Principal is not understood"),
        (with("Principal", json!({"AWS": "*"})), "Statement[0].Principal.AWS is not understood"),
        (with("Principal", json!({"Federated": "*"})), "Federated has `*`, which is not the ARN of an OIDC provider"),
        (with("Principal", json!({"Federated": []})), "Principal.Federated is an empty list"),
        (with("Action", json!("s3:GetObject")), "Action has `s3:GetObject`, which is not an action of sts"),
        (with("Action", json!(7)), "Action is not text"),
        (with("Condition", json!([])), "Condition is not an object"),
        (with("Condition", Value::Null), "Statement[0].Condition is null"),
        (condition("StringEquals", sub, Value::Null), "com:sub is not text"),
        (json!({"Version": null, "Statement": []}), "trustPolicy.Version is null"),
        (
            condition("StringEqualsIgnoreCase", sub, json!("x")),
            "Condition.StringEqualsIgnoreCase is not understood; the",
        ),
        (condition("ForAllValues:StringLike", sub, json!("x")), "ForAllValues:StringLike is not understood"),
        (condition("stringequals", sub, json!("x")), "stringequals is not understood"),
        (condition("StringEquals", "aws:SourceIp", json!("x")), "aws:SourceIp is not understood; behind an issuer"),
        (condition("StringEquals", "token.actions.githubusercontent.com:event_name", json!("x")), "aud, sub, actor,"),
        (
            condition("StringEquals", "agent.buildkite.com:build_source", json!("x")),
            "understands aud, sub, build_branch,",
        ),
        (condition("StringEquals", "aws:RequestTag/", json!("x")), "aws:RequestTag/ is not understood"),
        (condition("StringEquals", "aws:TagKeys", json!("x")), "aws:TagKeys is not understood"),
        (condition("StringEquals", sub, json!(true)), "com:sub is not text"),
        (condition("StringEquals", sub, json!([])), "com:sub is an empty list"),
        (condition("StringLike", sub, json!("${aws:x}")), "com:sub has a policy variable"),
    ] {
        let report = read(&policy, |_| ()).err().unwrap_or_default();
        assert!(report.contains(words), "{words}: {report}");
        assert!(report.contains("; for example "), "{report}");
    }
}

#[test]
fn githubs_keys_are_mapped_for_githubs_issuers() {
    for issuer in
        [ISSUER, "token.actions.githubusercontent.com/acme", "token.actions.acme.ghe.com", "github.com/enterprises/x"]
    {
        assert!(is_github(issuer), "{issuer}");
    }
    for issuer in ["gitlab.com", "token.actions..ghe.com.evil", "token.actions.githubusercontent.com.evil", "ghe.com"] {
        assert!(!is_github(issuer), "{issuer}");
    }
}

proptest! {
    #[test]
    fn wildcards_cover_the_text_that_they_were_made_from(text in "[a-c:/]{0,12}", from in 0_usize..12, to in 0_usize..12) {
        prop_assert!(like(&text, &text));
        let (from, to) = (from.min(text.len()), to.clamp(from.min(text.len()), text.len()));
        let shortened = format!("{}*{}", &text[..from], &text[to..]);
        prop_assert!(like(&shortened, &text));
        prop_assert!(like(&"?".repeat(text.len()), &text));
        prop_assert!(!like(&"?".repeat(text.len() + 1), &text));
        let longer = format!("{text}d");
        prop_assert!(!like(&text, &longer));
    }
}
