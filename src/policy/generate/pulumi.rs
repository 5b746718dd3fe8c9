//! The provider and the role as programs of Pulumi.

use super::doc::{Doc, TYPESCRIPT, json};
use super::plan::Plan;
use crate::values::RoleArn;

pub fn typescript(role: &RoleArn, plan: &Plan, provider_arn: &str) -> String {
    let policy = plan.policy(Doc::Raw("providerArn".to_owned())).literal(TYPESCRIPT, 1);
    let path = super::path(role).map_or_else(String::new, |path| format!("  path: {},\n", json(path)));
    format!(
        r#"import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

// An account has one identity provider for each issuer: `pulumi config set createIdentityProvider false` if it is there already.
const createIdentityProvider = new pulumi.Config().getBoolean("createIdentityProvider") ?? true;

const providerArn: pulumi.Input<string> = createIdentityProvider
  ? new aws.iam.OpenIdConnectProvider("identity-provider", {{ url: {url}, clientIdLists: [{audience}] }}).arn
  : {provider};

const role = new aws.iam.Role("role", {{
  name: {name},
{path}  assumeRolePolicy: pulumi.jsonStringify({policy}),
}});

export const roleArn = role.arn;
"#,
        url = json(&format!("https://{}", plan.issuer)),
        audience = json(&plan.audience),
        provider = json(provider_arn),
        name = json(role.name()),
    )
}

pub fn yaml(role: &RoleArn, plan: &Plan) -> String {
    let policy = plan.policy(Doc::Raw("${identity-provider.arn}".to_owned())).yaml(10);
    let path = super::path(role).map_or_else(String::new, |path| format!("      path: {}\n", json(path)));
    format!(
        r#"name: ci-role
runtime: yaml
resources:
  # An account has one identity provider for each issuer. Where it is there already, `pulumi import` takes it over:
  # pulumi import aws:iam/openIdConnectProvider:OpenIdConnectProvider identity-provider ARN
  identity-provider:
    type: aws:iam:OpenIdConnectProvider
    properties:
      url: {url}
      clientIdLists:
        - {audience}
  role:
    type: aws:iam:Role
    properties:
      name: {name}
{path}      assumeRolePolicy:
        fn::toJSON:
{policy}outputs:
  roleArn: ${{role.arn}}
"#,
        url = json(&format!("https://{}", plan.issuer)),
        audience = json(&plan.audience),
        name = json(role.name()),
    )
}
