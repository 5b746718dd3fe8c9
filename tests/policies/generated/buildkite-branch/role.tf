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

  url            = "https://agent.buildkite.com"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_openid_connect_provider" "ci" {
  count = var.create_identity_provider ? 0 : 1

  url = "https://agent.buildkite.com"
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
      variable = "agent.buildkite.com:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "agent.buildkite.com:organization_id"
      values   = ["0184990a-1111-4222-8333-444455556666"]
    }

    condition {
      test     = "StringEquals"
      variable = "agent.buildkite.com:pipeline_id"
      values   = ["0184990a-2222-4333-8444-555566667777"]
    }

    condition {
      test     = "StringEquals"
      variable = "agent.buildkite.com:build_branch"
      values   = ["main"]
    }

    condition {
      test     = "StringLike"
      variable = "agent.buildkite.com:sub"
      values   = ["organization:acme:pipeline:api:ref:refs/heads/main:commit:*"]
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
