import * as cdk from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";

const issuer = "https://oidc.circleci.com/org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11";

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
        ? new iam.CfnOIDCProvider(this, "IdentityProvider", { url: issuer, clientIdList: ["b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11"] }).attrArn
        : "arn:aws:iam::123456789012:oidc-provider/oidc.circleci.com/org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11";
    this.role = new iam.Role(this, "Role", {
      roleName: "deploy",
      assumedBy: new iam.FederatedPrincipal(
        provider,
        {
          "StringEquals": {
            [key("aud")]: "b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11",
          },
          "StringLike": {
            [key("sub")]: "org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11/project/*",
          },
        },
        "sts:AssumeRoleWithWebIdentity",
      ),
    });
    new cdk.CfnOutput(this, "RoleArn", { value: this.role.roleArn });
  }
}
