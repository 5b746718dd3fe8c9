import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

// An account has one identity provider for each issuer: `pulumi config set createIdentityProvider false` if it is there already.
const createIdentityProvider = new pulumi.Config().getBoolean("createIdentityProvider") ?? true;

const providerArn: pulumi.Input<string> = createIdentityProvider
  ? new aws.iam.OpenIdConnectProvider("identity-provider", { url: "https://ghe.example.com/_services/token", clientIdLists: ["sts.amazonaws.com"] }).arn
  : "arn:aws:iam::123456789012:oidc-provider/ghe.example.com/_services/token";

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
            "ghe.example.com/_services/token:aud": "sts.amazonaws.com",
            "ghe.example.com/_services/token:sub": "repo:octo-org/octo-repo:ref:refs/heads/main",
          },
        },
      },
    ],
  }),
});

export const roleArn = role.arn;
