//! The provider and the role in HCL, in the layout of `terraform fmt`.

use super::doc::hcl;
use super::plan::Plan;
use crate::values::RoleArn;

pub fn write(role: &RoleArn, plan: &Plan) -> String {
    let texts = |texts: &[String]| texts.iter().map(|text| hcl(text)).collect::<Vec<_>>();
    // What takes several lines is not lined up with its neighbours.
    let values = |values: &[String]| match texts(values).as_slice() {
        [one] => format!("values   = [{one}]"),
        several => format!("values = [\n        {},\n      ]", several.join(",\n        ")),
    };
    let conditions: String = plan
        .conditions()
        .iter()
        .map(|condition| {
            format!(
                "\n    condition {{\n      test     = {}\n      variable = {}\n      {}\n    }}\n",
                hcl(condition.operator),
                hcl(&plan.key(condition.claim)),
                values(&condition.values)
            )
        })
        .collect();
    let path = super::path(role).map_or_else(String::new, |path| format!("  path               = {}\n", hcl(path)));
    format!(
        r#"terraform {{
  required_version = ">= 1.3"

  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = ">= 5.81" # from there on a provider needs no thumbprints
    }}
  }}
}}

variable "create_identity_provider" {{
  description = "Make the identity provider. An account has one for each issuer: false if it is there already"
  type        = bool
  default     = true
}}

resource "aws_iam_openid_connect_provider" "ci" {{
  count = var.create_identity_provider ? 1 : 0

  url            = {url}
  client_id_list = [{audience}]
}}

data "aws_iam_openid_connect_provider" "ci" {{
  count = var.create_identity_provider ? 0 : 1

  url = {url}
}}

data "aws_iam_policy_document" "trust" {{
  statement {{
    effect  = "Allow"
    actions = [{actions}]

    principals {{
      type        = "Federated"
      identifiers = concat(aws_iam_openid_connect_provider.ci[*].arn, data.aws_iam_openid_connect_provider.ci[*].arn)
    }}
{conditions}  }}
}}

resource "aws_iam_role" "ci" {{
  name               = {name}
{path}  assume_role_policy = data.aws_iam_policy_document.trust.json
}}

output "role_arn" {{
  value = aws_iam_role.ci.arn
}}
"#,
        url = hcl(&format!("https://{}", plan.issuer)),
        audience = hcl(&plan.audience),
        actions = texts(&plan.all_actions()).join(", "),
        name = hcl(role.name()),
    )
}
