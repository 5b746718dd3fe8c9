import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

ISSUER = "https://oidc.circleci.com/org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11"


def key(claim: str) -> str:
    """Condition keys start with the issuer without its scheme, not with the provider's ARN."""
    return ISSUER.removeprefix("https://") + ":" + claim


class CiRoleStack(cdk.Stack):
    """create_identity_provider: an account has one for each issuer, so False if it is there already."""

    def __init__(self, scope: Construct, id: str, *, create_identity_provider: bool = True, **props) -> None:
        super().__init__(scope, id, **props)

        if create_identity_provider:
            provider = iam.CfnOIDCProvider(
                self, "IdentityProvider", url=ISSUER, client_id_list=["b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11"]
            ).attr_arn
        else:
            provider = "arn:aws:iam::123456789012:oidc-provider/oidc.circleci.com/org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11"
        self.role = iam.Role(
            self,
            "Role",
            role_name="deploy",
            assumed_by=iam.FederatedPrincipal(
                provider,
                {
                    "StringEquals": {
                        key("aud"): "b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11",
                        key("oidc.circleci.com/project-id"): "7d5e5c1e-7a54-4b7e-9ad5-0c2cf1b6a1a2",
                    },
                    "StringLike": {
                        key("sub"): "org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11/project/7d5e5c1e-7a54-4b7e-9ad5-0c2cf1b6a1a2/user/*",
                    },
                },
                "sts:AssumeRoleWithWebIdentity",
            ),
        )
        cdk.CfnOutput(self, "RoleArn", value=self.role.role_arn)
