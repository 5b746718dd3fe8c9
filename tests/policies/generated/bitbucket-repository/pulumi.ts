import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

// An account has one identity provider for each issuer: `pulumi config set createIdentityProvider false` if it is there already.
const createIdentityProvider = new pulumi.Config().getBoolean("createIdentityProvider") ?? true;

const providerArn: pulumi.Input<string> = createIdentityProvider
  ? new aws.iam.OpenIdConnectProvider("identity-provider", { url: "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc", clientIdLists: ["ari:cloud:bitbucket::workspace/3c2b1a09-8f7e-4d6c-9b5a-4a3b2c1d0e9f"] }).arn
  : "arn:aws:iam::123456789012:oidc-provider/api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc";

const role = new aws.iam.Role("role", {
  name: "deploy",
  assumeRolePolicy: pulumi.jsonStringify({
    "Version": "2012-10-17",
    "Statement": [
      {
        "Effect": "Allow",
        "Principal": {
          "Federated": providerArn,
        },
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
          "StringEquals": {
            "api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc:aud": "ari:cloud:bitbucket::workspace/3c2b1a09-8f7e-4d6c-9b5a-4a3b2c1d0e9f",
          },
          "StringLike": {
            "api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc:sub": "{5d4f1c9e-2f6b-4f0c-9a0f-1f6a2b3c4d5e}:*",
          },
        },
      },
    ],
  }),
});

export const roleArn = role.arn;
