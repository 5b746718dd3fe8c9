import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

// An account has one identity provider for each issuer: `pulumi config set createIdentityProvider false` if it is there already.
const createIdentityProvider = new pulumi.Config().getBoolean("createIdentityProvider") ?? true;

const providerArn: pulumi.Input<string> = createIdentityProvider
  ? new aws.iam.OpenIdConnectProvider("identity-provider", { url: "https://gitlab.com", clientIdLists: ["sts.amazonaws.com"] }).arn
  : "arn:aws:iam::123456789012:oidc-provider/gitlab.com";

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
            "gitlab.com:aud": "sts.amazonaws.com",
            "gitlab.com:sub": "project_path:acme/shop/api:ref_type:branch:ref:main",
            "gitlab.com:project_id": "20",
            "gitlab.com:namespace_id": "72",
            "gitlab.com:ref_protected": "true",
          },
        },
      },
    ],
  }),
});

export const roleArn = role.arn;
