import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

// An account has one identity provider for each issuer: `pulumi config set createIdentityProvider false` if it is there already.
const createIdentityProvider = new pulumi.Config().getBoolean("createIdentityProvider") ?? true;

const providerArn: pulumi.Input<string> = createIdentityProvider
  ? new aws.iam.OpenIdConnectProvider("identity-provider", { url: "https://token.builds.bitrise.io", clientIdLists: ["sts.amazonaws.com"] }).arn
  : "arn:aws:iam::123456789012:oidc-provider/token.builds.bitrise.io";

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
            "token.builds.bitrise.io:aud": "sts.amazonaws.com",
          },
          "StringLike": {
            "token.builds.bitrise.io:sub": "app:c6d2a5b8e1f34a7b:workflow:*",
          },
        },
      },
    ],
  }),
});

export const roleArn = role.arn;
