import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

ISSUER = "https://gitlab.com"


def key(claim: str) -> str:
    """Condition keys start with the issuer without its scheme, not with the provider's ARN."""
    return ISSUER.removeprefix("https://") + ":" + claim


class CiRoleStack(cdk.Stack):
    """create_identity_provider: an account has one for each issuer, so False if it is there already."""

    def __init__(self, scope: Construct, id: str, *, create_identity_provider: bool = True, **props) -> None:
        super().__init__(scope, id, **props)

        if create_identity_provider:
            provider = iam.CfnOIDCProvider(
                self, "IdentityProvider", url=ISSUER, client_id_list=["sts.amazonaws.com"]
            ).attr_arn
        else:
            provider = "arn:aws:iam::123456789012:oidc-provider/gitlab.com"
        self.role = iam.Role(
            self,
            "Role",
            role_name="deploy",
            assumed_by=iam.FederatedPrincipal(
                provider,
                {
                    "StringEquals": {
                        key("aud"): "sts.amazonaws.com",
                        key("project_id"): "20",
                        key("namespace_id"): "72",
                        key("ref_protected"): "true",
                    },
                    "StringLike": {
                        key("sub"): "project_path:acme/shop/api:ref_type:tag:ref:v*",
                    },
                },
                "sts:AssumeRoleWithWebIdentity",
            ),
        )
        cdk.CfnOutput(self, "RoleArn", value=self.role.role_arn)
