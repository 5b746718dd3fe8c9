import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

// An account has one identity provider for each issuer: `pulumi config set createIdentityProvider false` if it is there already.
const createIdentityProvider = new pulumi.Config().getBoolean("createIdentityProvider") ?? true;

const providerArn: pulumi.Input<string> = createIdentityProvider
  ? new aws.iam.OpenIdConnectProvider("identity-provider", { url: "https://vstoken.dev.azure.com/11111111-aaaa-4bbb-8ccc-222222222222", clientIdLists: ["api://AzureADTokenExchange"] }).arn
  : "arn:aws:iam::123456789012:oidc-provider/vstoken.dev.azure.com/11111111-aaaa-4bbb-8ccc-222222222222";

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
            "vstoken.dev.azure.com/11111111-aaaa-4bbb-8ccc-222222222222:aud": "api://AzureADTokenExchange",
            "vstoken.dev.azure.com/11111111-aaaa-4bbb-8ccc-222222222222:sub": "p://acme/shop/deploy to prod",
          },
        },
      },
    ],
  }),
});

export const roleArn = role.arn;
