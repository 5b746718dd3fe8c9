import * as cdk from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";

const issuer = "https://token.actions.githubusercontent.com";

/** Condition keys start with the issuer without its scheme, not with the provider's ARN. */
const key = (claim: string): string => `${issuer.replace("https://", "")}:${claim}`;

export interface CiRoleStackProps extends cdk.StackProps {
  /** Make the identity provider. An account has one for each issuer: false if it is there already. */
  readonly createIdentityProvider?: boolean;
}

export class CiRoleStack extends cdk.Stack {
  readonly role: iam.Role;

  constructor(scope: Construct, id: string, props: CiRoleStackProps = {}) {
    super(scope, id, props);

    const provider =
      (props.createIdentityProvider ?? true)
        ? new iam.CfnOIDCProvider(this, "IdentityProvider", { url: issuer, clientIdList: ["sts.amazonaws.com"] }).attrArn
        : "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
    this.role = new iam.Role(this, "Role", {
      roleName: "deploy",
      assumedBy: new iam.FederatedPrincipal(
        provider,
        {
          "StringEquals": {
            [key("aud")]: "sts.amazonaws.com",
            [key("sub")]: [
              "repo:octo-org/octo-repo:environment:production",
              "repo:octo-org@65/octo-repo@74:environment:production",
            ],
            [key("repository_owner_id")]: "65",
            [key("repository_id")]: "74",
          },
        },
        "sts:AssumeRoleWithWebIdentity",
      ),
    });
    new cdk.CfnOutput(this, "RoleArn", { value: this.role.roleArn });
  }
}
