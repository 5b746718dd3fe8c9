//! The provider and the role as a stack of the AWS CDK.

use super::doc::{Doc, Layout, PYTHON, TYPESCRIPT, json};
use super::plan::Plan;
use crate::policy::caller::ASSUME;
use crate::values::RoleArn;

/// The conditions, with keys that the program makes from the issuer. Its literals have no place for an
/// expression as a name, so a mark stands there until the end.
fn conditions(plan: &Plan, layout: Layout, depth: usize, key: impl Fn(&str) -> String) -> String {
    let mut text = String::new();
    if let Doc::Object(members) = plan.policy(Doc::text(""))
        && let Some((_, Doc::List(statements))) = members.into_iter().find(|(name, _)| name == "Statement")
        && let Some(Doc::Object(statement)) = statements.into_iter().next()
        && let Some((_, conditions)) = statement.into_iter().find(|(name, _)| name == "Condition")
    {
        text = conditions.literal(layout, depth);
    }
    for condition in plan.conditions() {
        text = text.replace(&format!("{}: ", json(&plan.key(condition.claim))), &format!("{}: ", key(condition.claim)));
    }
    text
}

pub fn typescript(role: &RoleArn, plan: &Plan, provider_arn: &str) -> String {
    let conditions = conditions(plan, TYPESCRIPT, 4, |claim| format!("[key({})]", json(claim)));
    let path = super::path(role).map_or_else(String::new, |path| format!("      path: {},\n", json(path)));
    let actions = if plan.actions.is_empty() {
        String::new()
    } else {
        format!(
            "\n    const statement = \"AssumeRolePolicyDocument.Statement.0.Action\";\n    const resource = \
             this.role.node.defaultChild as iam.CfnRole;\n    resource.addPropertyOverride(statement, [{}]);\n",
            plan.all_actions().iter().map(|action| json(action)).collect::<Vec<_>>().join(", ")
        )
    };
    format!(
        r#"import * as cdk from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type {{ Construct }} from "constructs";

const issuer = {issuer};

/** Condition keys start with the issuer without its scheme, not with the provider's ARN. */
const key = (claim: string): string => `${{issuer.replace("https://", "")}}:${{claim}}`;

export interface CiRoleStackProps extends cdk.StackProps {{
  /** Make the identity provider. An account has one for each issuer: false if it is there already. */
  readonly createIdentityProvider?: boolean;
}}

export class CiRoleStack extends cdk.Stack {{
  readonly role: iam.Role;

  constructor(scope: Construct, id: string, props: CiRoleStackProps = {{}}) {{
    super(scope, id, props);

    const provider =
      (props.createIdentityProvider ?? true)
        ? new iam.CfnOIDCProvider(this, "IdentityProvider", {{ url: issuer, clientIdList: [{audience}] }}).attrArn
        : {provider};
    this.role = new iam.Role(this, "Role", {{
      roleName: {name},
{path}      assumedBy: new iam.FederatedPrincipal(
        provider,
        {conditions},
        "{ASSUME}",
      ),
    }});
{actions}    new cdk.CfnOutput(this, "RoleArn", {{ value: this.role.roleArn }});
  }}
}}
"#,
        issuer = json(&format!("https://{}", plan.issuer)),
        audience = json(&plan.audience),
        provider = json(provider_arn),
        name = json(role.name()),
    )
}

pub fn python(role: &RoleArn, plan: &Plan, provider_arn: &str) -> String {
    let conditions = conditions(plan, PYTHON, 4, |claim| format!("key({})", json(claim)));
    let path = super::path(role).map_or_else(String::new, |path| format!("            path={},\n", json(path)));
    let actions = if plan.actions.is_empty() {
        String::new()
    } else {
        format!(
            "        statement = \"AssumeRolePolicyDocument.Statement.0.Action\"\n        \
             self.role.node.default_child.add_property_override(statement, [{}])\n",
            plan.all_actions().iter().map(|action| json(action)).collect::<Vec<_>>().join(", ")
        )
    };
    format!(
        r#"import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

ISSUER = {issuer}


def key(claim: str) -> str:
    """Condition keys start with the issuer without its scheme, not with the provider's ARN."""
    return ISSUER.removeprefix("https://") + ":" + claim


class CiRoleStack(cdk.Stack):
    """create_identity_provider: an account has one for each issuer, so False if it is there already."""

    def __init__(self, scope: Construct, id: str, *, create_identity_provider: bool = True, **props) -> None:
        super().__init__(scope, id, **props)

        if create_identity_provider:
            provider = iam.CfnOIDCProvider(
                self, "IdentityProvider", url=ISSUER, client_id_list=[{audience}]
            ).attr_arn
        else:
            provider = {provider}
        self.role = iam.Role(
            self,
            "Role",
            role_name={name},
{path}            assumed_by=iam.FederatedPrincipal(
                provider,
                {conditions},
                "{ASSUME}",
            ),
        )
{actions}        cdk.CfnOutput(self, "RoleArn", value=self.role.role_arn)
"#,
        issuer = json(&format!("https://{}", plan.issuer)),
        audience = json(&plan.audience),
        provider = json(provider_arn),
        name = json(role.name()),
    )
}
