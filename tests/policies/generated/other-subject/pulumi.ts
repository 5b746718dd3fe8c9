import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

// An account has one identity provider for each issuer: `pulumi config set createIdentityProvider false` if it is there already.
const createIdentityProvider = new pulumi.Config().getBoolean("createIdentityProvider") ?? true;

const providerArn: pulumi.Input<string> = createIdentityProvider
  ? new aws.iam.OpenIdConnectProvider("identity-provider", { url: "https://acme.semaphoreci.com", clientIdLists: ["https://acme.semaphoreci.com"] }).arn
  : "arn:aws:iam::123456789012:oidc-provider/acme.semaphoreci.com";

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
            "acme.semaphoreci.com:aud": "https://acme.semaphoreci.com",
            "acme.semaphoreci.com:sub": "org:acme:project:api:repo:api:ref_type:branch:ref:refs/heads/main",
          },
        },
      },
    ],
  }),
});

export const roleArn = role.arn;
