//! What AWS documents of each operator, key, principal and action, one line for each case.

use serde_json::{Map, Value, json};

use super::*;
use crate::policy::caller::{Extent, Role};
use crate::policy::json;

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
const SUB: &str = "token.actions.githubusercontent.com:sub";
const AMR: &str = "token.actions.githubusercontent.com:amr";
const WEB_IDENTITY: &str = "sts:AssumeRoleWithWebIdentity";

/// A claim that the token does not have.
const GONE: &str = "null";
const A: &str = r#""a""#;

use Truth::{No, Unknown, Yes};

fn claims(claims: Value) -> Map<String, Value> {
    serde_json::from_value(claims).unwrap()
}

fn read(policy: &Value) -> TrustPolicy {
    TrustPolicy::read(&json::read(&policy.to_string()).node.unwrap())
}

fn policy(version: &str, condition: &Value) -> TrustPolicy {
    let statement = json!({"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": WEB_IDENTITY, "Condition": condition});
    let policy = read(&json!({"Version": version, "Statement": statement}));
    assert_eq!(policy.refusals, [], "{condition}");
    policy
}

/// What becomes of one condition, whose values are JSON.
fn truth_in(version: &str, operator: &str, key: &str, wanted: &str, caller: &Caller) -> Truth {
    let wanted: Value = serde_json::from_str(wanted).unwrap();
    let policy = policy(version, &json!({operator: {key: wanted}}));
    let decision = decide(&policy, caller);
    decision.actions[0].statements[0].conditions[0].truth
}

fn truth(operator: &str, key: &str, wanted: &str, caller: &Caller) -> Truth {
    truth_in("2012-10-17", operator, key, wanted, caller)
}

fn caller(of: Value) -> Caller {
    let mut all = json!({"iss": ISSUER, "aud": "sts.amazonaws.com"});
    all.as_object_mut().unwrap().append(&mut claims(of));
    Caller::of_claims(claims(all))
}

/// `sub` has one value or none; it may be any text here.
#[test]
fn operators_on_a_key_with_one_value() {
    for (operator, wanted, sub, expected) in [
        ("StringEquals", A, A, Yes),
        ("StringEquals", A, r#""b""#, No),
        ("StringEquals", A, r#""A""#, No),
        ("StringEquals", r#"["a"]"#, A, Yes),
        ("StringEquals", r#"["b", "a"]"#, A, Yes),
        ("StringEquals", r#""a*""#, r#""ab""#, No),
        ("StringEquals", r#""a*""#, r#""a*""#, Yes),
        ("StringEquals", r#""a?""#, r#""ab""#, No),
        ("StringEquals", A, GONE, No),
        ("stringEQUALS", A, A, Yes),
        ("StringNotEquals", A, A, No),
        ("StringNotEquals", A, r#""b""#, Yes),
        ("StringNotEquals", r#"["b", "a"]"#, A, No),
        ("StringNotEquals", r#"["b", "c"]"#, A, Yes),
        ("StringNotEquals", A, GONE, Yes),
        ("StringEqualsIgnoreCase", r#""aB""#, r#""Ab""#, Yes),
        ("StringEqualsIgnoreCase", r#""a*""#, r#""ab""#, No),
        ("StringEqualsIgnoreCase", r#""é""#, r#""É""#, Unknown),
        ("StringEqualsIgnoreCase", r#""é""#, r#""é""#, Yes),
        ("StringEqualsIgnoreCase", r#""é""#, r#""e""#, No),
        ("StringEqualsIgnoreCase", A, GONE, No),
        ("StringNotEqualsIgnoreCase", r#""aB""#, r#""Ab""#, No),
        ("StringNotEqualsIgnoreCase", A, r#""b""#, Yes),
        ("StringNotEqualsIgnoreCase", A, GONE, Yes),
        ("StringLike", r#""a*""#, A, Yes),
        ("StringLike", r#""a*c""#, r#""a/b:b/c""#, Yes),
        ("StringLike", r#""a?""#, A, No),
        ("StringLike", r#""a?""#, r#""ab""#, Yes),
        ("StringLike", r#""A*""#, r#""ab""#, No),
        ("StringLike", r#""*""#, r#""""#, Yes),
        ("StringLike", r#""*""#, GONE, No),
        ("StringLike", r#"["b*", "a*"]"#, A, Yes),
        ("StringLike", r#""a\\*""#, r#""a*""#, No),
        ("StringNotLike", r#""a*""#, r#""ab""#, No),
        ("StringNotLike", r#""a*""#, r#""b""#, Yes),
        ("StringNotLike", r#"["b*", "a*"]"#, A, No),
        ("StringNotLike", r#""*""#, GONE, Yes),
        ("NumericEquals", "10", r#""10.0""#, Yes),
        ("NumericEquals", r#""10""#, "10", Yes),
        ("NumericEquals", r#""-0""#, r#""0""#, Yes),
        ("NumericEquals", r#""ten""#, r#""ten""#, No),
        ("NumericEquals", r#""9007199254740993""#, r#""9007199254740992""#, No),
        ("NumericEquals", "10", GONE, No),
        ("NumericNotEquals", "10", "11", Yes),
        ("NumericNotEquals", "10", "10", No),
        ("NumericNotEquals", "10", r#""ten""#, Unknown),
        ("NumericNotEquals", "10", GONE, Yes),
        ("NumericLessThan", "10", "9.5", Yes),
        ("NumericLessThan", "10", "10", No),
        ("NumericLessThan", "10", r#""-11""#, Yes),
        ("NumericLessThanEquals", "10", "10", Yes),
        ("NumericLessThanEquals", "10", "10.000001", No),
        ("NumericGreaterThan", "10", "10", No),
        ("NumericGreaterThan", "9", "10", Yes),
        ("NumericGreaterThanEquals", "10", "10", Yes),
        ("NumericGreaterThanEquals", "10", GONE, No),
        ("DateEquals", r#""2026-01-01T00:00:00Z""#, r#""2026-01-01""#, Yes),
        ("DateEquals", r#""2026-01-01T01:00+01:00""#, r#""2026-01-01T00:00Z""#, Yes),
        ("DateEquals", r#""2026-01""#, r#""1767225600""#, Yes),
        ("DateEquals", r#""2026-01-01T00:00:00.5Z""#, r#""2026-01-01T00:00:00Z""#, No),
        ("DateEquals", r#""yesterday""#, r#""yesterday""#, No),
        ("DateEquals", r#""2026-02-30""#, r#""2026-02-30""#, No),
        ("DateNotEquals", r#""2026-01-01""#, r#""2026-01-02""#, Yes),
        ("DateNotEquals", r#""2026-01-01""#, r#""2026-01-01""#, No),
        ("DateNotEquals", r#""2026-01-01""#, r#""soon""#, Unknown),
        ("DateNotEquals", r#""2026-01-01""#, GONE, Yes),
        ("DateLessThan", r#""2026-01-02""#, r#""2026-01-01T23:59:59Z""#, Yes),
        ("DateLessThan", r#""2026-01-02""#, r#""2026-01-02""#, No),
        ("DateLessThanEquals", r#""2026-01-02""#, r#""2026-01-02""#, Yes),
        ("DateGreaterThan", r#""1767225600""#, r#""1767225601""#, Yes),
        ("DateGreaterThan", r#""2026-01-01""#, GONE, No),
        ("DateGreaterThanEquals", r#""2026-01-01""#, r#""2025-12-31""#, No),
        ("Bool", "true", r#""true""#, Yes),
        ("Bool", r#""TRUE""#, "true", Yes),
        ("Bool", "false", r#""true""#, No),
        ("Bool", r#""yes""#, r#""yes""#, No),
        ("Bool", "true", GONE, No),
        ("BinaryEquals", r#""QmluYXJ5""#, r#""QmluYXJ5""#, Yes),
        ("BinaryEquals", r#""QmluYXJ5""#, r#""qmluYXJ5""#, No),
        ("IpAddress", r#""203.0.113.0/24""#, r#""203.0.113.255""#, Yes),
        ("IpAddress", r#""203.0.113.9/24""#, r#""203.0.113.1""#, Yes),
        ("IpAddress", r#""203.0.113.0/24""#, r#""203.0.114.0""#, No),
        ("IpAddress", r#""203.0.113.7""#, r#""203.0.113.7""#, Yes),
        ("IpAddress", r#""0.0.0.0/0""#, r#""203.0.113.7""#, Yes),
        ("IpAddress", r#""0.0.0.0/0""#, r#""2001:db8::1""#, No),
        ("IpAddress", r#""2001:db8::/32""#, r#""2001:db8:ffff::1""#, Yes),
        ("IpAddress", r#""2001:0db8::1""#, r#""2001:db8::1""#, Yes),
        ("IpAddress", r#""203.0.113.0/33""#, r#""203.0.113.0""#, No),
        ("IpAddress", r#""203.0.113.0/+8""#, r#""203.0.113.0""#, No),
        ("IpAddress", r#""203.0.113.0/24""#, r#""203.0.113.0/24""#, No),
        ("NotIpAddress", r#""203.0.113.0/24""#, r#""203.0.113.9""#, No),
        ("NotIpAddress", r#""203.0.113.0/24""#, r#""198.51.100.1""#, Yes),
        ("NotIpAddress", r#"["203.0.113.0/24", "198.51.100.0/24"]"#, r#""198.51.100.1""#, No),
        ("NotIpAddress", r#""203.0.113.0/24""#, r#""here""#, Unknown),
        ("NotIpAddress", r#""203.0.113.0/24""#, GONE, Yes),
        ("ArnLike", r#""arn:aws:iam::*:role/a*""#, r#""arn:aws:iam::1:role/a/b:c""#, Yes),
        ("ArnLike", r#""arn:aws:*:role/a""#, r#""arn:aws:iam::1:role/a""#, Unknown),
        ("ArnLike", r#""arn:*:*:*:*:*""#, r#""arn:aws:iam::1:role/a""#, Yes),
        ("ArnLike", r#""arn:aws:iam::1:role""#, r#""arn:aws:iam::1:role/a""#, No),
        ("ArnLike", r#""*""#, r#""a""#, No),
        ("ArnLike", r#""arn:aws:iam::1:role/a""#, GONE, No),
        ("ArnEquals", r#""arn:aws:iam::1:role/*""#, r#""arn:aws:iam::1:role/a""#, Yes),
        ("ArnEquals", r#""arn:aws:iam::1:role/A""#, r#""arn:aws:iam::1:role/a""#, No),
        ("ArnNotEquals", r#""arn:aws:iam::1:role/*""#, r#""arn:aws:iam::1:role/a""#, No),
        ("ArnNotEquals", r#""arn:aws:iam::1:role/b""#, r#""arn:aws:iam::1:role/a""#, Yes),
        ("ArnNotLike", r#""arn:aws:iam::2:*""#, r#""arn:aws:iam::1:role/a""#, Yes),
        ("ArnNotLike", r#""arn:aws:iam::2:*""#, r#""no ARN""#, Unknown),
        ("ArnNotLike", r#""arn:aws:iam::2:*""#, GONE, Yes),
        ("Null", "true", GONE, Yes),
        ("Null", r#""true""#, A, No),
        ("Null", "false", GONE, No),
        ("Null", r#""False""#, A, Yes),
        ("Null", r#"["true", "false"]"#, A, Yes),
        ("Null", r#""maybe""#, A, Unknown),
        ("Null", "true", r#""""#, Unknown),
    ] {
        let caller = caller(json!({"sub": serde_json::from_str::<Value>(sub).unwrap()}));
        assert_eq!(truth(operator, SUB, wanted, &caller), expected, "{operator} {wanted} {sub}");
    }
}

#[test]
fn if_exists_is_true_of_a_key_that_is_not_there_and_changes_nothing_otherwise() {
    for (name, test, negated) in crate::policy::operator::NAMES {
        if test == Test::Null {
            continue;
        }
        let with = format!("{name}IfExists");
        for wanted in [A, "10", r#""2026-01-01""#, r#""203.0.113.0/24""#, r#""arn:aws:iam::1:role/a""#, "true"] {
            assert_eq!(truth(&with, SUB, wanted, &caller(json!({}))), Yes, "{with} {wanted}");
            assert_eq!(truth(name, SUB, wanted, &caller(json!({}))), negated.into(), "{name} {wanted}");
            for sub in ["a", "b", "10", "2026-01-01", "203.0.113.1", "arn:aws:iam::1:role/a", "true", ""] {
                let caller = caller(json!({"sub": sub}));
                assert_eq!(
                    truth(&with, SUB, wanted, &caller),
                    truth(name, SUB, wanted, &caller),
                    "{with} {wanted} {sub}"
                );
            }
        }
    }
}

#[test]
fn set_operators_on_a_key_with_several_values() {
    for (operator, wanted, amr, expected) in [
        ("ForAllValues:StringEquals", r#"["a", "b"]"#, r#"["a", "b"]"#, Yes),
        ("ForAllValues:StringEquals", r#"["a", "b"]"#, r#"["a"]"#, Yes),
        ("ForAllValues:StringEquals", r#"["a", "b"]"#, r#"["a", "c"]"#, No),
        ("ForAllValues:StringEquals", A, GONE, Yes),
        ("ForAllValues:StringEquals", A, "[]", Yes),
        ("ForAllValues:StringEquals", A, r#"[""]"#, Unknown),
        ("ForAllValues:StringEquals", A, A, Yes),
        ("ForAllValues:StringLike", r#""a*""#, r#"["a", "ab"]"#, Yes),
        ("ForAllValues:StringLikeIfExists", r#""a*""#, GONE, Yes),
        ("ForAllValues:StringNotEquals", r#"["a", "b"]"#, r#"["c", "d"]"#, Yes),
        ("ForAllValues:StringNotEquals", r#"["a", "b"]"#, r#"["c", "a"]"#, No),
        ("ForAllValues:StringNotEquals", A, GONE, Yes),
        ("forallvalues:stringnotlike", r#""a*""#, r#"["b"]"#, Yes),
        ("ForAllValues:NumericLessThan", "10", "[1, 9]", Yes),
        ("ForAllValues:NumericLessThan", "10", "[1, 10]", No),
        ("ForAnyValue:StringEquals", r#"["a", "b"]"#, r#"["c", "b"]"#, Yes),
        ("ForAnyValue:StringEquals", r#"["a", "b"]"#, r#"["c", "d"]"#, No),
        ("ForAnyValue:StringEquals", A, GONE, No),
        ("ForAnyValue:StringEquals", A, "[]", No),
        ("ForAnyValue:StringEquals", r#""""#, r#"[""]"#, Unknown),
        ("ForAnyValue:StringLike", r#""*""#, GONE, No),
        ("ForAnyValue:StringEqualsIfExists", A, GONE, Unknown),
        ("ForAnyValue:StringEqualsIfExists", A, r#"["a"]"#, Yes),
        ("ForAnyValue:StringNotEquals", A, r#"["a", "b"]"#, Yes),
        ("ForAnyValue:StringNotEquals", A, r#"["a"]"#, No),
        ("ForAnyValue:StringNotEquals", A, GONE, No),
        ("ForAnyValue:IpAddress", r#""10.0.0.0/8""#, r#"["192.0.2.1", "10.1.1.1"]"#, Yes),
        // AWS asks for a set operator here, and does not say what comes of a condition without one.
        ("StringEquals", A, r#"["a"]"#, Unknown),
        ("StringNotEquals", A, r#"["a", "b"]"#, Unknown),
        ("StringEqualsIfExists", A, r#"["a"]"#, Unknown),
        ("StringEquals", A, GONE, No),
        ("StringEqualsIfExists", A, GONE, Yes),
        ("Null", "false", r#"["a"]"#, Yes),
        ("Null", "true", GONE, Yes),
        ("Null", "true", "[]", Unknown),
    ] {
        let caller = caller(json!({"amr": serde_json::from_str::<Value>(amr).unwrap()}));
        assert_eq!(truth(operator, AMR, wanted, &caller), expected, "{operator} {wanted} {amr}");
    }
    // One value is a set as well.
    for (operator, sub, expected) in [
        ("ForAllValues:StringEquals", "a", Yes),
        ("ForAllValues:StringEquals", "b", No),
        ("ForAllValues:StringEquals", "", Unknown),
        ("ForAnyValue:StringEquals", "a", Yes),
        ("ForAnyValue:StringEquals", "b", No),
        ("ForAnyValue:StringNotEquals", "b", Yes),
    ] {
        assert_eq!(truth(operator, SUB, A, &caller(json!({"sub": sub}))), expected, "{operator} {sub}");
    }
}

#[test]
fn variables() {
    let job = json!({"sub": "a*b", "actor": "a*b", "ref": "a", "workflow": "", "amr": ["a*b"]});
    let issuer = "token.actions.githubusercontent.com";
    for (operator, wanted, expected) in [
        ("StringEquals", "${ISSUER:actor}", Yes),
        ("StringEquals", "${issuer:ACTOR}", Yes),
        ("StringEquals", "${ ISSUER:actor }", Yes),
        ("StringEquals", "${ISSUER:ref}${*}b", Yes),
        ("StringEquals", "a${*}b", Yes),
        ("StringEquals", "a*b", Yes),
        ("StringEquals", "${ISSUER:ref}*b", Yes),
        ("StringLike", "${ISSUER:ref}*", Yes),
        ("StringLike", "${ISSUER:actor}c", No),
        ("StringLike", "a${?}b", No),
        ("StringEqualsIgnoreCase", "${ISSUER:ref}${*}B", Yes),
        // A variable that has no value equals nothing and is like nothing.
        ("StringEquals", "${ISSUER:environment}", No),
        ("StringLike", "*${ISSUER:environment}", No),
        ("StringNotEquals", "${ISSUER:environment}", Yes),
        ("StringNotLike", "*${ISSUER:environment}", Yes),
        ("StringEquals", "${ISSUER:environment, 'a*b'}", Yes),
        ("StringLike", "${ISSUER:environment, 'a*'}", No),
        ("StringEquals", "${ISSUER:actor, 'x'}", Yes),
        ("StringEquals", "${ISSUER:environment,'a*b'}", Unknown),
        ("StringEquals", "${ISSUER:environment, a*b}", Unknown),
        ("StringEquals", "${ISSUER:actor,'a*b'}", Unknown),
        ("StringEquals", "${ISSUER:workflow}", Unknown),
        ("StringEquals", "${aws:SourceIp}", Unknown),
        ("StringEquals", "${ISSUER:amr}", No), // a key with several values cannot be a variable
        ("StringEquals", "${other.example:sub}", No),
        ("StringEquals", "${}", No),
        ("StringEquals", "${ISSUER:actor", No),
        // Other operators have none.
        ("BinaryEquals", "${ISSUER:actor}", No),
        ("NumericNotEquals", "${ISSUER:actor}", Unknown),
    ] {
        let wanted = wanted.replace("ISSUER", issuer).replace("issuer", issuer);
        let quoted = Value::from(wanted.as_str()).to_string();
        assert_eq!(truth(operator, SUB, &quoted, &caller(job.clone())), expected, "{operator} {wanted}");
    }
    // The older version of the language takes them for text.
    let quoted = format!("\"${{{issuer}:actor}}\"");
    let as_written = caller(json!({"sub": format!("${{{issuer}:actor}}"), "actor": "a"}));
    assert_eq!(truth_in("2008-10-17", "StringEquals", SUB, &quoted, &as_written), Yes);
    assert_eq!(truth_in("2008-10-17", "StringEquals", SUB, &quoted, &caller(job)), No);
    assert_eq!(truth_in("2008-10-17", "StringLike", SUB, r#""a${*}""#, &caller(json!({"sub": "a${x}"}))), Yes);
    let arn = caller(json!({"sub": "arn:aws:iam::1:user/bob", "actor": "bob"}));
    assert_eq!(truth("ArnLike", SUB, &format!("\"arn:aws:iam::1:user/${{{issuer}:actor}}\""), &arn), Yes);
    // Braces alone mean nothing: Bitbucket's subjects have them.
    assert_eq!(truth("StringLike", SUB, r#""{5d4f}:*""#, &caller(json!({"sub": "{5d4f}:{0b7a}"}))), Yes);
}

#[test]
fn operators_and_keys_are_all_needed_and_values_are_alternatives() {
    let job = caller(json!({"sub": "s", "ref": "r"}));
    let key = |name: &str| format!("token.actions.githubusercontent.com:{name}");
    for (condition, expected) in [
        (json!({}), Yes),
        (json!({"StringEquals": {key("sub"): "s", key("ref"): "r"}}), Yes),
        (json!({"StringEquals": {key("sub"): "s", key("ref"): "x"}}), No),
        (json!({"StringEquals": {key("sub"): "s"}, "StringLike": {key("ref"): "?"}}), Yes),
        (json!({"StringEquals": {key("sub"): "s"}, "StringNotLike": {key("ref"): "?"}}), No),
        (json!({"StringEquals": {key("sub"): ["x", "s"], key("ref"): ["y", "r"]}}), Yes),
        (json!({"StringEquals": {key("sub"): "s"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), Unknown),
        (json!({"StringEquals": {key("sub"): "x"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), No),
    ] {
        let policy = policy("2012-10-17", &condition);
        assert_eq!(decide(&policy, &job).actions[0].statements[0].truth, expected, "{condition}");
    }
}

/// What a key is said to have: a value, several, `-` for none, `?` for an unknown.
fn said(caller: &Caller, key: &str) -> String {
    match caller.had(key) {
        Had::One(value) => value.into_owned(),
        Had::Many(values) => format!("[{}]", values.join(",")),
        Had::Absent(_) => "-".to_owned(),
        Had::Unknown(_) => "?".to_owned(),
    }
}

#[test]
fn keys_of_a_token() {
    let token = |iss: &str, more: Value| {
        let mut all = json!({"iss": iss, "sub": "s", "aud": "a", "email": "e@x", "exp": 1, "jti": "j", "nonce": "n"});
        all.as_object_mut().unwrap().append(&mut claims(more));
        Caller::of_claims(claims(all))
    };
    let more = json!({
        "repository_id": "74", "repository_owner": "o", "event_name": "push", "project_id": 7, "ref_protected": true,
        "namespace_id": "9", "pipeline_id": "p", "build_branch": "main", "organization_slug": "acme",
        "oidc.circleci.com/project-id": "cp", "google": {"organization_number": 123}, "rpst_id": "r", "app_slug": "x",
    });
    let host = "token.actions.githubusercontent.com";
    let circle = "oidc.circleci.com/org/0f";
    let bitbucket = "api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc";
    for (issuer, key, expected) in [
        (host, "HOST:sub", "s"),
        (host, "HOST:SUB", "s"),
        (host, "TOKEN.Actions.githubusercontent.com:sub", "s"),
        (host, "HOST:aud", "a"),
        (host, "HOST:oaud", "[a]"),
        (host, "HOST:email", "e@x"),
        (host, "HOST:amr", "-"),
        (host, "HOST:repository_id", "74"),
        (host, "HOST:Repository_ID", "74"),
        (host, "HOST:repository_owner", "-"),
        (host, "HOST:event_name", "-"),
        (host, "HOST:iss", "-"),
        (host, "HOST:exp", "-"),
        (host, "HOST:jti", "-"),
        (host, "HOST:azp", "-"),
        (host, "HOST:nonce", "-"),
        (host, "HOST.sub", "-"),
        (host, "sub", "-"),
        (host, ":sub", "-"),
        (host, "https://HOST:sub", "-"),
        (host, "arn:aws:iam::111122223333:oidc-provider/HOST:sub", "-"),
        (host, "HOST/:sub", "-"),
        (host, "gitlab.com:sub", "-"),
        ("token.actions.githubusercontent.com/acme", "HOST:repository_id", "74"),
        ("token.actions.githubusercontent.com/acme", "token.actions.githubusercontent.com:sub", "-"),
        ("token.actions.acme.ghe.com", "HOST:repository_id", "74"),
        ("github.com/enterprises/acme", "HOST:repository_id", "74"),
        ("github.example.com/_services/token", "HOST:repository_id", "-"),
        ("gitlab.com", "HOST:project_id", "7"),
        ("gitlab.com", "HOST:ref_protected", "true"),
        ("gitlab.com", "HOST:repository_id", "-"),
        ("gitlab.example.com", "HOST:project_id", "-"),
        ("gitlab.example.com", "HOST:sub", "s"),
        ("agent.buildkite.com", "HOST:pipeline_id", "p"),
        ("agent.buildkite.com", "HOST:build_branch", "main"),
        ("agent.x.buildkite.dev", "HOST:pipeline_id", "p"),
        (circle, "HOST:oidc.circleci.com/project-id", "cp"),
        (circle, "oidc.circleci.com/project-id", "-"),
        ("oidc.circleci.com", "HOST:oidc.circleci.com/project-id", "-"),
        ("accounts.google.com", "HOST:google/organization_number", "123"),
        ("idcs-1.identity.oraclecloud.com", "HOST:rpst_id", "r"),
        (bitbucket, "HOST:sub", "s"),
        ("token.builds.bitrise.io", "HOST:app_slug", "-"),
        ("vstoken.dev.azure.com/0f", "HOST:sub", "s"),
    ] {
        let caller = token(&format!("https://{issuer}"), more.clone());
        assert_eq!(said(&caller, &key.replace("HOST", issuer)), expected, "{issuer} {key}");
    }
    for (aud, azp, key, expected) in [
        (json!("a"), json!("z"), "aud", "z"),
        (json!("a"), json!("z"), "oaud", "[a]"),
        (json!(["a", "b"]), json!("z"), "aud", "z"),
        (json!(["a", "b"]), json!("z"), "oaud", "[a,b]"),
        (json!(["a"]), json!(null), "aud", "a"),
        (json!(["a", "b"]), json!(null), "aud", "?"),
        (json!([]), json!(null), "aud", "-"),
        (json!(null), json!(null), "aud", "-"),
        (json!(null), json!("z"), "aud", "z"),
        (json!(null), json!("z"), "oaud", "-"),
    ] {
        let caller = token(ISSUER, json!({"aud": aud, "azp": azp}));
        assert_eq!(said(&caller, &format!("{host}:{key}")), expected, "{aud} {azp} {key}");
    }
    let nobody = Caller::of_claims(claims(json!({"sub": "s"})));
    assert_eq!(said(&nobody, ":sub"), "-", "a token without issuer has no keys");
}

/// Of a token that is there as an event of CloudTrail nobody knows whether AWS asks about more than one action.
#[test]
fn what_an_event_does_not_tell_of_is_allowed_or_left_open() {
    use Verdict::{Allowed, Denied, Unknown};
    let all = json!(["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"]);
    let none = json!({});
    let host = "agent.buildkite.com";
    let provider = |host: &str| json!({"Federated": format!("arn:aws:iam::111122223333:oidc-provider/{host}")});
    let known = json!({"StringEquals": {format!("{host}:sub"): "s"}});
    let other = json!({"StringEquals": {format!("{host}:sub"): "other"}});
    let tagged = json!({"StringEquals": {"aws:RequestTag/team": "x"}});
    let untagged = json!({"Null": {"aws:TagKeys": "true"}});
    for (actions, condition, event, named) in [
        (json!("sts:AssumeRoleWithWebIdentity"), &none, Unknown, Allowed),
        (json!(["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]), &none, Unknown, Allowed),
        (json!(["sts:AssumeRoleWithWebIdentity", "sts:SetSourceIdentity"]), &known, Unknown, Allowed),
        (json!("sts:*"), &known, Allowed, Allowed),
        (all.clone(), &known, Allowed, Allowed),
        (json!("sts:AssumeRoleWithWebIdentity"), &other, Denied, Denied),
        (all.clone(), &other, Denied, Denied),
        (all.clone(), &tagged, Unknown, Unknown),
        (all, &untagged, Unknown, Unknown),
        (json!("sts:TagSession"), &none, Denied, Denied),
    ] {
        let statement = json!({
            "Effect": "Allow", "Principal": provider(host), "Action": actions, "Condition": condition,
        });
        let policy = read(&json!({"Version": "2012-10-17", "Statement": statement}));
        for (extent, expected) in [(Extent::Event, event), (Extent::Named, named)] {
            let mut caller = caller(json!({"iss": format!("https://{host}"), "sub": "s"}));
            caller.extent = extent;
            assert_eq!(decide(&policy, &caller).verdict, expected, "{extent:?} {statement}");
        }
    }
    // GitHub's tokens have neither.
    let statement = json!({"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": WEB_IDENTITY});
    let policy = read(&json!({"Version": "2012-10-17", "Statement": statement}));
    let mut caller = caller(json!({"sub": "s"}));
    caller.extent = Extent::Event;
    assert_eq!(decide(&policy, &caller).verdict, Allowed);
}

#[test]
fn keys_of_a_call() {
    let tags = json!({"principal_tags": {"team": ["x"], "cost:centre": ["y"]}, "transitive_tag_keys": ["team"]});
    let tagged = caller(json!({"https://aws.amazon.com/tags": tags, "https://aws.amazon.com/source_identity": "me"}));
    let flat = caller(json!({
        "https://aws.amazon.com/tags/principal_tags/team": "x", "https://aws.amazon.com/tags/transitive_tag_keys": ["team"],
    }));
    let plain = caller(json!({}));
    let role = Role { partition: "aws".to_owned(), account: "111122223333".to_owned() };
    let of_role = caller(json!({})).with_role(Some(role));
    let mut event = caller(json!({"sub": "s"}));
    event.extent = Extent::Event;
    let mut given = caller(json!({}));
    given.request = vec![
        ("aws:SourceIp".to_owned(), vec!["192.0.2.1".to_owned()]),
        ("aws:ResourceOrgPaths".to_owned(), vec!["o-1/r-1/".to_owned()]),
    ];
    for (caller, key, expected) in [
        (&tagged, "aws:RequestTag/team", "x"),
        (&tagged, "AWS:requesttag/TEAM", "x"),
        (&tagged, "aws:RequestTag/cost:centre", "y"),
        (&tagged, "aws:RequestTag/other", "-"),
        (&tagged, "aws:TagKeys", "[cost:centre,team]"),
        (&tagged, "sts:TransitiveTagKeys", "[team]"),
        (&tagged, "sts:SourceIdentity", "me"),
        (&flat, "aws:RequestTag/team", "x"),
        (&flat, "sts:TransitiveTagKeys", "[team]"),
        (&plain, "aws:RequestTag/team", "-"),
        (&plain, "aws:TagKeys", "-"),
        (&plain, "sts:SourceIdentity", "-"),
        (&plain, "sts:RoleSessionName", "?"),
        (&plain, "aws:SourceIp", "?"),
        (&plain, "aws:CurrentTime", "?"),
        (&plain, "aws:EpochTime", "?"),
        (&plain, "aws:UserAgent", "?"),
        (&plain, "aws:RequestedRegion", "?"),
        (&plain, "aws:ResourceTag/x", "?"),
        (&plain, "aws:ResourceOrgID", "?"),
        (&plain, "sts:RoleAuthorizedByIdp", "?"),
        (&plain, "aws:SecureTransport", "true"),
        (&plain, "aws:PrincipalType", "User"),
        (&plain, "aws:PrincipalArn", "-"),
        (&plain, "aws:PrincipalOrgID", "-"),
        (&plain, "aws:MultiFactorAuthPresent", "-"),
        (&plain, "sts:ExternalId", "-"),
        (&plain, "aws:FederatedProvider", "?"),
        (&plain, "aws:ResourceAccount", "?"),
        (&of_role, "aws:FederatedProvider", PROVIDER),
        (&of_role, "aws:userid", PROVIDER),
        (&of_role, "aws:ResourceAccount", "111122223333"),
        (&of_role, "aws:PrincipalAccount", "111122223333"),
        (&event, SUB, "s"),
        (&event, "token.actions.githubusercontent.com:ref", "?"),
        (&event, "token.actions.githubusercontent.com:event_name", "-"),
        (&event, "aws:RequestTag/team", "?"),
        (&event, "aws:TagKeys", "?"),
        (&event, "sts:SourceIdentity", "?"),
        (&given, "aws:sourceip", "192.0.2.1"),
        (&given, "aws:ResourceOrgPaths", "[o-1/r-1/]"),
    ] {
        assert_eq!(said(caller, key), expected, "{key}");
    }
}

#[test]
fn an_unknown_key_decides_nothing() {
    let plain = caller(json!({}));
    for (operator, wanted) in [
        ("IpAddress", r#""0.0.0.0/0""#),
        ("NotIpAddress", r#""0.0.0.0/0""#),
        ("IpAddressIfExists", r#""0.0.0.0/0""#),
        ("ForAllValues:StringLike", r#""*""#),
        ("ForAnyValue:StringLike", r#""*""#),
        ("Null", "true"),
        ("Null", "false"),
    ] {
        assert_eq!(truth(operator, "aws:SourceIp", wanted, &plain), Unknown, "{operator}");
    }
}

#[test]
fn principals() {
    let arn = |account: &str, host: &str| json!({"Federated": format!("arn:aws:iam::{account}:oidc-provider/{host}")});
    let host = "token.actions.githubusercontent.com";
    let role = Role { partition: "aws".to_owned(), account: "111122223333".to_owned() };
    let of_role = caller(json!({})).with_role(Some(role));
    let google = Caller::of_claims(claims(json!({"iss": "https://accounts.google.com", "aud": "a"})));
    let nobody = Caller::of_claims(claims(json!({"sub": "s"})));
    for (caller, principal, allow, deny) in [
        (&of_role, arn("111122223333", host), Yes, Yes),
        (&of_role, arn("444455556666", host), No, No),
        (&of_role, json!({"Federated": format!("arn:aws-cn:iam::111122223333:oidc-provider/{host}")}), No, No),
        (&of_role, arn("111122223333", "gitlab.com"), No, No),
        (&of_role, arn("111122223333", "token.actions.githubusercontent.com/acme"), No, No),
        (&of_role, arn("111122223333", "https://token.actions.githubusercontent.com"), No, No),
        (&of_role, json!({"Federated": ["arn:aws:iam::111122223333:oidc-provider/gitlab.com", PROVIDER]}), Yes, Yes),
        (&of_role, json!({"Federated": host}), No, No),
        (&of_role, json!({"Federated": "*"}), Unknown, Unknown),
        (&of_role, json!({"Federated": ["*", PROVIDER]}), Yes, Yes),
        (&of_role, json!("*"), Unknown, Yes),
        (&of_role, json!({"AWS": "*"}), No, Unknown),
        (&of_role, json!({"AWS": PROVIDER}), No, No),
        (&of_role, json!({"AWS": "111122223333"}), No, No),
        (&of_role, json!({"Service": host}), No, No),
        (&of_role, json!({"Federated": "arn:aws:iam::111122223333:saml-provider/x"}), No, No),
        (&google, json!({"Federated": "accounts.google.com"}), Yes, Yes),
        (&google, json!({"Federated": "graph.facebook.com"}), No, No),
        (&nobody, json!({"Federated": ""}), No, No),
        (&nobody, arn("111122223333", ""), No, No),
    ] {
        for (effect, expected) in [("Allow", allow), ("Deny", deny)] {
            let policy = read(&json!({"Version": "2012-10-17", "Statement": {
                "Effect": effect, "Principal": principal, "Action": WEB_IDENTITY,
            }}));
            assert_eq!(policy.refusals, [], "{principal}");
            let decision = decide(&policy, caller);
            assert_eq!(decision.actions[0].statements[0].principal, expected, "{effect} {principal}");
        }
    }
    // Without a role nobody knows the account, so that any will do.
    let policy = read(&json!({"Statement": {
        "Effect": "Allow", "Principal": arn("444455556666", host), "Action": WEB_IDENTITY,
    }}));
    assert_eq!(decide(&policy, &caller(json!({}))).verdict, Verdict::Allowed);
}

#[test]
fn actions() {
    let tags = json!({"principal_tags": {"team": ["x"]}});
    let plain = caller(json!({}));
    let tagged = caller(json!({"https://aws.amazon.com/tags": tags}));
    let named = caller(json!({"https://aws.amazon.com/source_identity": "me"}));
    for (caller, action, allowed) in [
        (&plain, json!({"Action": WEB_IDENTITY}), true),
        (&plain, json!({"Action": "STS:assumerolewithwebidentity"}), true),
        (&plain, json!({"Action": "sts:*"}), true),
        (&plain, json!({"Action": "*"}), true),
        (&plain, json!({"Action": "sts:AssumeRole*"}), true),
        (&plain, json!({"Action": "sts:AssumeRoleWith???Identity"}), true),
        (&plain, json!({"Action": "sts:AssumeRole"}), false),
        (&plain, json!({"Action": "sts:AssumeRoleWithSAML"}), false),
        (&plain, json!({"Action": ["sts:AssumeRole", WEB_IDENTITY]}), true),
        (&plain, json!({"Action": "sts:TagSession"}), false),
        (&plain, json!({"NotAction": "sts:AssumeRole"}), true),
        (&plain, json!({"NotAction": WEB_IDENTITY}), false),
        (&plain, json!({"NotAction": ["sts:AssumeRole", "sts:*Identity"]}), false),
        (&tagged, json!({"Action": WEB_IDENTITY}), false),
        (&tagged, json!({"Action": [WEB_IDENTITY, "sts:TagSession"]}), true),
        (&tagged, json!({"Action": "sts:TagSession"}), false),
        (&tagged, json!({"NotAction": "sts:TagSession"}), false),
        (&named, json!({"Action": [WEB_IDENTITY, "sts:TagSession"]}), false),
        (&named, json!({"Action": [WEB_IDENTITY, "sts:SetSourceIdentity"]}), true),
        (&named, json!({"Action": "sts:*"}), true),
    ] {
        let mut statement = json!({"Effect": "Allow", "Principal": {"Federated": PROVIDER}});
        statement.as_object_mut().unwrap().append(&mut claims(action.clone()));
        let policy = read(&json!({"Version": "2012-10-17", "Statement": statement}));
        assert_eq!(policy.refusals, [], "{action}");
        let expected = if allowed { Verdict::Allowed } else { Verdict::Denied };
        assert_eq!(decide(&policy, caller).verdict, expected, "{action}");
    }
}

#[test]
fn a_deny_wins_and_an_unknown_is_neither() {
    let statement = |effect: &str, condition: Value| json!({"Effect": effect, "Principal": {"Federated": PROVIDER}, "Action": "sts:*", "Condition": condition});
    let yes = || json!({});
    let no = || json!({"StringEquals": {SUB: "other"}});
    let unknown = || json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}});
    // `workflow_ref` reaches no policy, so that this is true of everybody.
    let fires = || json!({"StringNotLike": {"token.actions.githubusercontent.com:workflow_ref": "*"}});
    let job = caller(json!({"sub": "s"}));
    for (statements, expected) in [
        (vec![statement("Allow", yes())], Verdict::Allowed),
        (vec![statement("Allow", no())], Verdict::Denied),
        (vec![statement("Allow", unknown())], Verdict::Unknown),
        (vec![statement("Deny", no())], Verdict::Denied),
        (vec![statement("Allow", no()), statement("Allow", yes())], Verdict::Allowed),
        (vec![statement("Allow", unknown()), statement("Allow", yes())], Verdict::Allowed),
        (vec![statement("Allow", yes()), statement("Deny", yes())], Verdict::Denied),
        (vec![statement("Deny", yes()), statement("Allow", yes())], Verdict::Denied),
        (vec![statement("Allow", yes()), statement("Deny", no())], Verdict::Allowed),
        (vec![statement("Allow", yes()), statement("Deny", unknown())], Verdict::Unknown),
        (vec![statement("Allow", unknown()), statement("Deny", unknown())], Verdict::Unknown),
        (vec![statement("Allow", no()), statement("Deny", unknown())], Verdict::Denied),
        (vec![statement("Allow", unknown()), statement("Deny", yes())], Verdict::Denied),
        (vec![statement("Allow", yes()), statement("Deny", fires())], Verdict::Denied),
    ] {
        let policy = read(&json!({"Version": "2012-10-17", "Statement": statements}));
        assert_eq!(decide(&policy, &job).verdict, expected, "{statements:?}");
    }
}

#[test]
fn what_aws_does_not_save_is_refused() {
    let good = json!({"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": WEB_IDENTITY});
    let with = |name: &str, value: Value| {
        let mut statement = good.clone();
        statement[name] = value;
        json!({"Version": "2012-10-17", "Statement": statement})
    };
    let without = |name: &str| {
        let mut statement = good.clone();
        statement.as_object_mut().unwrap().remove(name);
        json!({"Version": "2012-10-17", "Statement": statement})
    };
    for policy in [
        json!([]),
        json!({}),
        json!({"Statement": []}),
        json!({"Version": "2026-01-01", "Statement": good}),
        json!({"Version": 2012, "Statement": good}),
        json!({"Statement": good, "Extra": 1}),
        json!({"Statement": "x"}),
        with("Effect", json!("allow")),
        with("Sid", json!("not allowed")),
        with("Resource", json!("*")),
        with("NotResource", json!("*")),
        with("NotAction", json!("sts:AssumeRole")),
        with("NotPrincipal", json!("*")),
        with("Principal", json!("me")),
        with("Principal", json!({"Federated": []})),
        with("Principal", json!({"Oidc": PROVIDER})),
        with("Action", json!([])),
        with("Action", json!("s3:GetObject")),
        with("Action", json!(1)),
        with("Condition", json!([])),
        with("Condition", json!({"StringMatches": {SUB: "a"}})),
        with("Condition", json!({"ForSomeValues:StringEquals": {SUB: "a"}})),
        with("Condition", json!({"NullIfExists": {SUB: "true"}})),
        with("Condition", json!({"StringEquals": SUB})),
        with("Condition", json!({"StringEquals": {SUB: []}})),
        with("Condition", json!({"StringEquals": {SUB: null}})),
        with("Condition", json!({"StringEquals": {SUB: {"a": "b"}}})),
        with("Conditions", json!({})),
        without("Effect"),
        without("Action"),
        without("Principal"),
        json!({"Statement": [{"Sid": "A", "Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": WEB_IDENTITY},
            {"Sid": "A", "Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": WEB_IDENTITY}]}),
    ] {
        assert_eq!(decide(&read(&policy), &caller(json!({}))).verdict, Verdict::Refused, "{policy}");
    }
    let twice = r#"{"Statement": {"Effect": "Allow", "Effect": "Deny", "Principal": "*", "Action": "sts:*"}}"#;
    let twice = TrustPolicy::read(&json::read(twice).node.unwrap());
    assert_eq!(decide(&twice, &caller(json!({}))).verdict, Verdict::Refused);
}

#[test]
fn what_a_template_leaves_open_is_unknown_unless_the_rest_decides() {
    let provider = "arn:${Partition}:iam::${AccountId}:oidc-provider/token.actions.githubusercontent.com";
    let sub = "token.actions.githubusercontent.com:sub";
    for (provider, key, value, verdict) in [
        (provider, sub, "repo:octo/api:ref:refs/heads/main", Verdict::Allowed),
        (provider, sub, "repo:${Org}/api:*", Verdict::Unknown),
        (provider, sub, "repo:${Org}/web:*", Verdict::Denied),
        (provider, "${Host}:sub", "repo:octo/api:*", Verdict::Unknown),
        ("${Provider}", sub, "repo:octo/api:*", Verdict::Unknown),
        ("arn:aws:iam::${Shared}:oidc-provider/token.actions.githubusercontent.com", sub, "*", Verdict::Unknown),
        ("arn:aws-cn:iam::${AccountId}:oidc-provider/token.actions.githubusercontent.com", sub, "*", Verdict::Denied),
        ("arn:aws:iam::${AccountId}:oidc-provider/gitlab.com", sub, "*", Verdict::Denied),
    ] {
        let document = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringLike": {key: value}},
        }});
        let policy = TrustPolicy::read(&json::read(&document.to_string()).node.unwrap());
        let claims = json!({
            "iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com",
            "sub": "repo:octo/api:ref:refs/heads/main",
        });
        let role = Role::of_arn("arn:aws:iam::123456789012:role/deploy");
        let caller = Caller::of_claims(claims.as_object().cloned().unwrap()).with_role(role);
        assert_eq!(decide(&policy, &caller).verdict, verdict, "{provider} {key} {value}");
    }
}
