import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

ISSUER = "https://vstoken.dev.azure.com/11111111-aaaa-4bbb-8ccc-222222222222"


def key(claim: str) -> str:
    """Condition keys start with the issuer without its scheme, not with the provider's ARN."""
    return ISSUER.removeprefix("https://") + ":" + claim


class CiRoleStack(cdk.Stack):
    """create_identity_provider: an account has one for each issuer, so False if it is there already."""

    def __init__(self, scope: Construct, id: str, *, create_identity_provider: bool = True, **props) -> None:
        super().__init__(scope, id, **props)

        if create_identity_provider:
            provider = iam.CfnOIDCProvider(
                self, "IdentityProvider", url=ISSUER, client_id_list=["api://AzureADTokenExchange"]
            ).attr_arn
        else:
            provider = "arn:aws:iam::123456789012:oidc-provider/vstoken.dev.azure.com/11111111-aaaa-4bbb-8ccc-222222222222"
        self.role = iam.Role(
            self,
            "Role",
            role_name="deploy",
            assumed_by=iam.FederatedPrincipal(
                provider,
                {
                    "StringEquals": {
                        key("aud"): "api://AzureADTokenExchange",
                        key("sub"): "p://acme/shop/deploy to prod",
                    },
                },
                "sts:AssumeRoleWithWebIdentity",
            ),
        )
        cdk.CfnOutput(self, "RoleArn", value=self.role.role_arn)
