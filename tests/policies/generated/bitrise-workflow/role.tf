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

  url            = "https://token.builds.bitrise.io"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_openid_connect_provider" "ci" {
  count = var.create_identity_provider ? 0 : 1

  url = "https://token.builds.bitrise.io"
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
      variable = "token.builds.bitrise.io:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "token.builds.bitrise.io:sub"
      values   = ["app:c6d2a5b8e1f34a7b:workflow:deploy"]
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
