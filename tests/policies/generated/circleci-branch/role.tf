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

  url            = "https://oidc.circleci.com/org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11"
  client_id_list = ["b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11"]
}

data "aws_iam_openid_connect_provider" "ci" {
  count = var.create_identity_provider ? 0 : 1

  url = "https://oidc.circleci.com/org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11"
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
      variable = "oidc.circleci.com/org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11:aud"
      values   = ["b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11"]
    }

    condition {
      test     = "StringEquals"
      variable = "oidc.circleci.com/org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11:oidc.circleci.com/project-id"
      values   = ["7d5e5c1e-7a54-4b7e-9ad5-0c2cf1b6a1a2"]
    }

    condition {
      test     = "StringLike"
      variable = "oidc.circleci.com/org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11:sub"
      values   = ["org/b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11/project/7d5e5c1e-7a54-4b7e-9ad5-0c2cf1b6a1a2/user/????????-????-????-????-????????????/vcs-origin/github.com/acme/api/vcs-ref/refs/heads/main"]
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
