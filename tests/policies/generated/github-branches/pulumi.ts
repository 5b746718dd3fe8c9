import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

// An account has one identity provider for each issuer: `pulumi config set createIdentityProvider false` if it is there already.
const createIdentityProvider = new pulumi.Config().getBoolean("createIdentityProvider") ?? true;

const providerArn: pulumi.Input<string> = createIdentityProvider
  ? new aws.iam.OpenIdConnectProvider("identity-provider", { url: "https://token.actions.githubusercontent.com", clientIdLists: ["sts.amazonaws.com"] }).arn
  : "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";

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
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:repository_owner_id": "65",
            "token.actions.githubusercontent.com:repository_id": "74",
          },
          "StringLike": {
            "token.actions.githubusercontent.com:sub": [
              "repo:octo-org/octo-repo:ref:refs/heads/main",
              "repo:octo-org@65/octo-repo@74:ref:refs/heads/main",
              "repo:octo-org/octo-repo:ref:refs/heads/release/*",
              "repo:octo-org@65/octo-repo@74:ref:refs/heads/release/*",
            ],
          },
        },
      },
    ],
  }),
});

export const roleArn = role.arn;
