use serde_json::{Value, json};

use super::*;

const GITHUB: &str = "token.actions.githubusercontent.com";

/// Who is let in by one statement with these conditions.
fn who(issuer: &str, condition: &Value) -> (String, Breadth) {
    let admitted = admitted(issuer, condition);
    (admitted.who, admitted.breadth)
}

fn admitted(issuer: &str, condition: &Value) -> who::Admitted {
    first(&json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Federated": format!("arn:aws:iam::123456789012:oidc-provider/{issuer}")},
        "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition,
    }]}))
}

fn of_policy(policy: &Value) -> (String, Breadth) {
    let admitted = first(policy);
    (admitted.who, admitted.breadth)
}

fn first(policy: &Value) -> who::Admitted {
    let file = source::read("policy.json", &policy.to_string());
    let policy = &file.policies[0].policy;
    let mut each = policy.statements.iter().flat_map(|statement| who::admitted(policy, statement, None));
    each.next().unwrap()
}

#[test]
fn who_is_admitted_follows_from_the_policy() {
    let bitbucket = "api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc";
    let circleci = "oidc.circleci.com/org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11";
    for (issuer, operator, name, value, expected, breadth) in [
        (
            GITHUB,
            "StringLike",
            "sub",
            json!("repo:octo-org/*"),
            "any repository of octo-org, any branch, tag, pull request and environment",
            Breadth::Organization,
        ),
        (
            GITHUB,
            "StringEquals",
            "sub",
            json!("repo:octo-org/api:environment:production"),
            "octo-org/api, environment production",
            Breadth::Narrow,
        ),
        (
            GITHUB,
            "StringEquals",
            "sub",
            json!("repo:octo-org@9919/api@74:ref:refs/heads/main"),
            "octo-org@9919/api@74, branch main",
            Breadth::Narrow,
        ),
        (
            GITHUB,
            "StringLike",
            "sub",
            json!("repo:octo-org/api:*"),
            "octo-org/api, any branch, tag, pull request and environment",
            Breadth::Project,
        ),
        (
            GITHUB,
            "StringLike",
            "sub",
            json!("repo:octo-org/app*:ref:refs/heads/main"),
            "repositories like app* of octo-org, branch main",
            Breadth::Organization,
        ),
        (
            GITHUB,
            "StringLike",
            "sub",
            json!("repo:octo*"),
            "any repository of every owner like octo*, any branch, tag, pull request and environment",
            Breadth::Anyone,
        ),
        (
            GITHUB,
            "StringLike",
            "sub",
            json!("repo:*/api:pull_request"),
            "a repository api of anyone with a GitHub account, pull requests",
            Breadth::Anyone,
        ),
        (GITHUB, "StringLike", "sub", json!("*"), "anyone with a GitHub account", Breadth::Anyone),
        (GITHUB, "StringEquals", "aud", json!("sts.amazonaws.com"), "anyone with a GitHub account", Breadth::Anyone),
        (
            GITHUB,
            "StringEquals",
            "repository_id",
            json!("74"),
            "jobs of GitHub Actions, with repository_id 74",
            Breadth::Project,
        ),
        (
            GITHUB,
            "StringEqualsIfExists",
            "environment",
            json!("prod"),
            "anyone with a GitHub account, with environment prod or no environment at all",
            Breadth::Anyone,
        ),
        (
            GITHUB,
            "ForAllValues:StringLike",
            "sub",
            json!("repo:octo-org/api:*"),
            "octo-org/api, any branch, tag, pull request and environment",
            Breadth::Project,
        ),
        (
            GITHUB,
            "StringNotLike",
            "sub",
            json!("repo:evil/*"),
            "anyone with a GitHub account, with sub not like repo:evil/*",
            Breadth::Anyone,
        ),
        (
            GITHUB,
            "StringEquals",
            "sub",
            json!("repo:octo-org/*"),
            "nobody: no subject of this issuer is like that",
            Breadth::Nobody,
        ),
        (
            GITHUB,
            "StringEquals",
            "event_name",
            json!("push"),
            "nobody: AWS never sends token.actions.githubusercontent.com:event_name for this issuer",
            Breadth::Nobody,
        ),
        (
            GITHUB,
            "StringLike",
            "sub",
            json!("*:environment:prod"),
            "subjects like *:environment:prod",
            Breadth::Unknown,
        ),
        (
            GITHUB,
            "StringLike",
            "sub",
            json!(["repo:a/b:ref:refs/tags/*", "repo:a/c:environment:*"]),
            "a/b, any tag or a/c, any environment",
            Breadth::Project,
        ),
        (
            GITHUB,
            "StringLike",
            "sub",
            json!("repo:${Org}/api:ref:refs/heads/main"),
            "${Org}/api, branch main",
            Breadth::Narrow,
        ),
        (
            GITHUB,
            "StringLike",
            "sub",
            json!("repo:octo-org/${aws:RequestTag/r}:*"),
            "unknown: the subject is compared with a variable",
            Breadth::Unknown,
        ),
        (
            "gitlab.com",
            "StringLike",
            "sub",
            json!("project_path:acme/*:ref_type:branch:ref:main"),
            "any project like acme/*, branch main",
            Breadth::Organization,
        ),
        (
            "gitlab.com",
            "StringLike",
            "sub",
            json!("project_path:acme*"),
            "any project like acme*, any branch and tag",
            Breadth::Anyone,
        ),
        (
            "agent.buildkite.com",
            "StringLike",
            "sub",
            json!("organization:acme:pipeline:api:ref:refs/heads/main:*"),
            "organization acme, pipeline api, branch main",
            Breadth::Narrow,
        ),
        (
            "agent.buildkite.com",
            "StringLike",
            "sub",
            json!("organization:acme:*"),
            "organization acme, any pipeline and ref",
            Breadth::Organization,
        ),
        (
            circleci,
            "StringEquals",
            "aud",
            json!("b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11"),
            "any project of organization b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11",
            Breadth::Organization,
        ),
        (bitbucket, "StringEquals", "aud", json!("x"), "any repository of workspace acme", Breadth::Organization),
        ("token.builds.bitrise.io", "StringEquals", "aud", json!("x"), "any customer of Bitrise", Breadth::Anyone),
        (
            "token.builds.bitrise.io",
            "StringEquals",
            "sub",
            json!("app:1:workflow:deploy"),
            "app 1, workflow deploy",
            Breadth::Narrow,
        ),
        ("ci.example.com", "StringEquals", "sub", json!("job-7"), "the subject job-7", Breadth::Narrow),
        (
            "ci.example.com",
            "StringEquals",
            "aud",
            json!("x"),
            "whoever has a token of ci.example.com",
            Breadth::Organization,
        ),
    ] {
        let condition = json!({operator: {format!("{issuer}:{name}"): value}});
        assert_eq!(who(issuer, &condition), (expected.to_owned(), breadth), "{issuer} {condition}");
    }
}

#[test]
fn customers_are_told_by_name_else_by_id_else_by_their_issuer() {
    let bitbucket = "api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc";
    let azure = "vstoken.dev.azure.com/11111111-2222-3333-4444-555555555555";
    let id = "b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11";
    for (issuer, conditions, expected) in [
        (
            GITHUB,
            json!({"StringLike": {"sub": ["repo:octo-org/api:*", "repo:hub/x:*", "repo:octo-org/b:*"]}}),
            &["octo-org", "hub"][..],
        ),
        (GITHUB, json!({"StringLike": {"sub": "repo:octo*"}}), &[]),
        (
            GITHUB,
            json!({"StringLike": {"sub": "repo:octo-org@9919/*"}, "StringEquals": {"repository_owner_id": "9919"}}),
            &["octo-org"],
        ),
        (GITHUB, json!({"StringEquals": {"repository_owner_id": "9919", "repository_id": "74"}}), &["9919"]),
        (GITHUB, json!({"StringLike": {"repository": "octo-org/*"}}), &["octo-org"]),
        (GITHUB, json!({"StringNotEquals": {"repository": "octo-org/x"}}), &[]),
        (GITHUB, json!({"StringEqualsIfExists": {"repository_owner_id": "9919"}}), &[]),
        (GITHUB, json!({"StringEquals": {"event_name": "push", "repository_owner_id": "9919"}}), &[]),
        ("gitlab.com", json!({"StringLike": {"sub": "project_path:acme/shop/api:*"}}), &["acme"]),
        ("gitlab.com", json!({"StringEquals": {"namespace_id": "7"}}), &["7"]),
        (
            "agent.buildkite.com",
            json!({"StringEquals": {"organization_slug": "acme", "organization_id": id}}),
            &["acme"],
        ),
        ("token.builds.bitrise.io", json!({"StringEquals": {"sub": "app:1:workflow:deploy"}}), &[]),
        (bitbucket, json!({"StringEquals": {"aud": "x"}}), &["acme"]),
        (azure, json!({"StringEquals": {"sub": "sc://acme/shop/aws"}}), &["acme"]),
        (azure, json!({"StringEquals": {"aud": "x"}}), &["11111111-2222-3333-4444-555555555555"]),
    ] {
        let mut condition = conditions.clone();
        for keys in condition.as_object_mut().unwrap().values_mut() {
            let own = keys.as_object().unwrap().iter();
            *keys = own.map(|(name, value)| (format!("{issuer}:{name}"), value.clone())).collect();
        }
        assert_eq!(admitted(issuer, &condition).tenants, expected, "{issuer} {conditions}");
    }
}

#[test]
fn what_cannot_be_told_is_said_to_be_unknown() {
    let statement = |principal: Value, action: &str| json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": action}]});
    let federated = json!({"Federated": format!("arn:aws:iam::123456789012:oidc-provider/{GITHUB}")});
    for (policy, expected) in [
        (statement(json!("*"), "sts:*"), "unknown: AWS does not say whom \"*\" lets in with a token"),
        (
            statement(json!({"Federated": "${Provider}"}), "sts:*"),
            "unknown: the provider is known when the template is deployed",
        ),
        (
            json!({"Version": "2012", "Statement": [{"Effect": "Allow", "Principal": federated, "Action": "sts:*"}]}),
            "unknown: AWS does not save this policy",
        ),
    ] {
        assert_eq!(of_policy(&policy), (expected.to_owned(), Breadth::Unknown));
    }
}

#[test]
fn the_worst_comes_first_and_the_rest_is_counted() {
    let account = include_str!("../../../tests/policies/sources/aws-account/account.json");
    let provider = include_str!("../../../tests/policies/sources/aws-provider/provider.json");
    let lines = Lines::new(account);
    let mut audit = Audit::default();
    for found in source::read("account.json", account).policies {
        let role = found.role.as_ref().unwrap();
        let finding = Finding::new(lint::RULES[0], role.span, "wrong", "right");
        let findings = if role.name == "deploy-api" { vec![finding] } else { Vec::new() };
        audit.policy("account.json", lines.number(role.span.start), &found, &findings);
    }
    for provider in source::read("provider.json", provider).providers {
        audit.provider(&provider);
    }
    let report = audit.finish();
    let arns: Vec<_> = report.providers.iter().map(|provider| (provider.issuer.as_str(), provider.described)).collect();
    assert_eq!(arns, [(GITHUB, true), ("agent.buildkite.com", false)]);
    insta::assert_snapshot!(report.text(), @r"
    token.actions.githubusercontent.com (all customers of GitHub Actions share this issuer; audience sts.amazonaws.com)
      critical deploy-api (TP001)
               octo-org/api, branch main or octo-org/api, any environment [statement 1]
               account.json:7
      -        deploy-anything with AdministratorAccess
               any repository of octo-org, any branch, tag, pull request and environment [statement 1]
               account.json:47

    agent.buildkite.com (all customers of Buildkite share this issuer)
      -        release
               jobs of Buildkite, with pipeline_id 0184990a-477b-4fa8-9968-496074483cee [statement 1]
               account.json:81

    3 of 5 roles can be assumed with tokens from outside
    not judged here: 1 trust other accounts and 1 trust services of AWS
    ");
}

/// What [`Audit::file`] does is what its parts do.
#[test]
fn a_file_is_audited_with_its_findings() {
    let policy = json!({"Role": {"RoleName": "open", "AssumeRolePolicyDocument": {
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": format!("arn:aws:iam::123456789012:oidc-provider/{GITHUB}")}}]}}});
    let mut audit = Audit::default();
    audit.file("role.json", &policy.to_string());
    let report = serde_json::to_value(audit.finish()).unwrap();
    let role = &report["providers"][0]["roles"][0];
    assert_eq!((&role["severity"], &role["breadth"]), (&json!("critical"), &json!("anyone")));
    assert!(role["rules"].as_array().unwrap().contains(&json!("TP001")), "{role}");
    assert_eq!(
        role["admitted"],
        json!([{"statement": 0, "sid": null, "who": "anyone with a GitHub account", "breadth": "anyone", "tenants": []}])
    );
}

#[test]
fn a_provider_of_another_account_lets_nobody_in() {
    let statement = |account: &str| {
        json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": format!("arn:aws:iam::{account}:oidc-provider/{GITHUB}")}})
    };
    let document =
        json!({"Version": "2012-10-17", "Statement": [statement("123456789012"), statement("999999999999")]});
    let role =
        json!({"RoleName": "r", "Arn": "arn:aws:iam::123456789012:role/r", "AssumeRolePolicyDocument": document});
    let mut audit = Audit::default();
    audit.file("role.json", &role.to_string());
    let report = audit.finish();
    let admitted = report.providers[0].roles[0].admitted.iter().map(|admitted| (admitted.statement, admitted.breadth));
    assert_eq!(admitted.collect::<Vec<_>>(), [(0, Breadth::Anyone), (1, Breadth::Nobody)]);
}

#[test]
fn the_report_is_inert() {
    let hostile = json!({"Role": {"RoleName": "a\n::error::b", "AssumeRolePolicyDocument": {
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": format!("arn:aws:iam::123456789012:oidc-provider/{GITHUB}")},
            "Condition": {"StringEquals": {format!("{GITHUB}:sub"): "\u{1b}[31m##[error]"}}}]}}});
    let mut audit = Audit::default();
    audit.file("role.json", &hostile.to_string());
    let text = audit.finish().text();
    assert!(text.contains("a\\n::error::b"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains("##["), "{text}");
}
