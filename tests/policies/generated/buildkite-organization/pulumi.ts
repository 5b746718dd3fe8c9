import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

// An account has one identity provider for each issuer: `pulumi config set createIdentityProvider false` if it is there already.
const createIdentityProvider = new pulumi.Config().getBoolean("createIdentityProvider") ?? true;

const providerArn: pulumi.Input<string> = createIdentityProvider
  ? new aws.iam.OpenIdConnectProvider("identity-provider", { url: "https://agent.buildkite.com", clientIdLists: ["sts.amazonaws.com"] }).arn
  : "arn:aws:iam::123456789012:oidc-provider/agent.buildkite.com";

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
            "agent.buildkite.com:aud": "sts.amazonaws.com",
            "agent.buildkite.com:organization_id": "0184990a-1111-4222-8333-444455556666",
          },
          "StringLike": {
            "agent.buildkite.com:sub": "organization:acme:*",
          },
        },
      },
    ],
  }),
});

export const roleArn = role.arn;
