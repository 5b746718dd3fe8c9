import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

ISSUER = "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc"


def key(claim: str) -> str:
    """Condition keys start with the issuer without its scheme, not with the provider's ARN."""
    return ISSUER.removeprefix("https://") + ":" + claim


class CiRoleStack(cdk.Stack):
    """create_identity_provider: an account has one for each issuer, so False if it is there already."""

    def __init__(self, scope: Construct, id: str, *, create_identity_provider: bool = True, **props) -> None:
        super().__init__(scope, id, **props)

        if create_identity_provider:
            provider = iam.CfnOIDCProvider(
                self, "IdentityProvider", url=ISSUER, client_id_list=["ari:cloud:bitbucket::workspace/3c2b1a09-8f7e-4d6c-9b5a-4a3b2c1d0e9f"]
            ).attr_arn
        else:
            provider = "arn:aws:iam::123456789012:oidc-provider/api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc"
        self.role = iam.Role(
            self,
            "Role",
            role_name="deploy",
            assumed_by=iam.FederatedPrincipal(
                provider,
                {
                    "StringEquals": {
                        key("aud"): "ari:cloud:bitbucket::workspace/3c2b1a09-8f7e-4d6c-9b5a-4a3b2c1d0e9f",
                    },
                    "StringLike": {
                        key("sub"): "{5d4f1c9e-2f6b-4f0c-9a0f-1f6a2b3c4d5e}:{7c8d9e0f-1a2b-4c3d-8e4f-5a6b7c8d9e0f}:*",
                    },
                },
                "sts:AssumeRoleWithWebIdentity",
            ),
        )
        cdk.CfnOutput(self, "RoleArn", value=self.role.role_arn)
