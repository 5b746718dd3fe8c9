import * as cdk from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";

const issuer = "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc";

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
        ? new iam.CfnOIDCProvider(this, "IdentityProvider", { url: issuer, clientIdList: ["ari:cloud:bitbucket::workspace/3c2b1a09-8f7e-4d6c-9b5a-4a3b2c1d0e9f"] }).attrArn
        : "arn:aws:iam::123456789012:oidc-provider/api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc";
    this.role = new iam.Role(this, "Role", {
      roleName: "deploy",
      assumedBy: new iam.FederatedPrincipal(
        provider,
        {
          "StringEquals": {
            [key("aud")]: "ari:cloud:bitbucket::workspace/3c2b1a09-8f7e-4d6c-9b5a-4a3b2c1d0e9f",
          },
          "StringLike": {
            [key("sub")]: "{5d4f1c9e-2f6b-4f0c-9a0f-1f6a2b3c4d5e}:{7c8d9e0f-1a2b-4c3d-8e4f-5a6b7c8d9e0f}:*",
          },
        },
        "sts:AssumeRoleWithWebIdentity",
      ),
    });
    new cdk.CfnOutput(this, "RoleArn", { value: this.role.roleArn });
  }
}
