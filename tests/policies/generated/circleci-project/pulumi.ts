import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

// An account has one identity provider for each issuer: `pulumi config set createIdentityProvider false` if it is there already.
const createIdentityProvider = new pulumi.Config().getBoolean("createIdentityProvider") ?? true;

const providerArn: pulumi.Input<string> = createIdentityProvider
  ? new aws.iam.OpenIdConnectProvider("identity-provider", { url: "https://oidc.circleci.com/org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11", clientIdLists: ["b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11"] }).arn
  : "arn:aws:iam::123456789012:oidc-provider/oidc.circleci.com/org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11";

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
            "oidc.circleci.com/org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11:aud": "b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11",
            "oidc.circleci.com/org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11:oidc.circleci.com/project-id": "7d5e5c1e-7a54-4b7e-9ad5-0c2cf1b6a1a2",
          },
          "StringLike": {
            "oidc.circleci.com/org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11:sub": "org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11/project/7d5e5c1e-7a54-4b7e-9ad5-0c2cf1b6a1a2/user/*",
          },
        },
      },
    ],
  }),
});

export const roleArn = role.arn;
