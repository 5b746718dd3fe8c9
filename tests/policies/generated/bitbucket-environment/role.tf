terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.81" # from there on a provider needs no thumbprints
    }
  }
}

variable "create_identity_provider" {
  description = "Make the identity provider. An account has one for each issuer: false if it is there already"
  type        = bool
  default     = true
}

resource "aws_iam_openid_connect_provider" "ci" {
  count = var.create_identity_provider ? 1 : 0

  url            = "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc"
  client_id_list = ["ari:cloud:bitbucket::workspace/3c2b1a09-8f7e-4d6c-9b5a-4a3b2c1d0e9f"]
}

data "aws_iam_openid_connect_provider" "ci" {
  count = var.create_identity_provider ? 0 : 1

  url = "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc"
}

data "aws_iam_policy_document" "trust" {
  statement {
    effect  = "Allow"
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = concat(aws_iam_openid_connect_provider.ci[*].arn, data.aws_iam_openid_connect_provider.ci[*].arn)
    }

    condition {
      test     = "StringEquals"
      variable = "api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc:aud"
      values   = ["ari:cloud:bitbucket::workspace/3c2b1a09-8f7e-4d6c-9b5a-4a3b2c1d0e9f"]
    }

    condition {
      test     = "StringLike"
      variable = "api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc:sub"
      values   = ["{5d4f1c9e-2f6b-4f0c-9a0f-1f6a2b3c4d5e}:{7c8d9e0f-1a2b-4c3d-8e4f-5a6b7c8d9e0f}:*"]
    }
  }
}

resource "aws_iam_role" "ci" {
  name               = "deploy"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

output "role_arn" {
  value = aws_iam_role.ci.arn
}
