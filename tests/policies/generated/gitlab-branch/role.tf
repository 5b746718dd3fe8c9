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

  url            = "https://gitlab.com"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_openid_connect_provider" "ci" {
  count = var.create_identity_provider ? 0 : 1

  url = "https://gitlab.com"
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
      variable = "gitlab.com:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "gitlab.com:sub"
      values   = ["project_path:acme/shop/api:ref_type:branch:ref:main"]
    }

    condition {
      test     = "StringEquals"
      variable = "gitlab.com:project_id"
      values   = ["20"]
    }

    condition {
      test     = "StringEquals"
      variable = "gitlab.com:namespace_id"
      values   = ["72"]
    }

    condition {
      test     = "StringEquals"
      variable = "gitlab.com:ref_protected"
      values   = ["true"]
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
