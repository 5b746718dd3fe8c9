//! The provider and the role as a CloudFormation template.

use super::doc::{Doc, json};
use super::plan::Plan;
use crate::values::RoleArn;

pub fn write(role: &RoleArn, plan: &Plan, provider_arn: &str) -> String {
    let provider = format!("!If [MakesIdentityProvider, !Ref IdentityProvider, {}]", json(provider_arn));
    let policy = plan.policy(Doc::Raw(provider)).yaml(8);
    let path = super::path(role).map_or_else(String::new, |path| format!("      Path: {}\n", json(path)));
    format!(
        r#"AWSTemplateFormatVersion: "2010-09-09"
Description: {description}
Parameters:
  CreateIdentityProvider:
    Description: Make the identity provider. An account has one for each issuer, so false if it is there already
    Type: String
    AllowedValues: ["true", "false"]
    Default: "true"
Conditions:
  MakesIdentityProvider: !Equals [!Ref CreateIdentityProvider, "true"]
Resources:
  IdentityProvider:
    Type: AWS::IAM::OIDCProvider
    Condition: MakesIdentityProvider
    # Other roles of the account may come to need it.
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      Url: {url}
      ClientIdList:
        - {audience}
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: {name}
{path}      AssumeRolePolicyDocument:
{policy}Outputs:
  RoleArn:
    Value: !GetAtt Role.Arn
"#,
        description = json(&format!("A role for jobs whose tokens are of https://{}", plan.issuer)),
        url = json(&format!("https://{}", plan.issuer)),
        audience = json(&plan.audience),
        name = json(role.name()),
    )
}
