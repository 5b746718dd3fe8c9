//! What IAM has on a role, of which its trust policy is wanted.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html>
//!
//! The call is signed, for the service `iam`. It finds a role by its name alone, in the account of whoever
//! calls. So the ARN in the answer says whether it is the role that was meant.

use percent_encoding::percent_decode_str;

use crate::effect::Answer;
use crate::sts::error::{AnswerFault, open};
use crate::sts::form::Form;
use crate::sts::result::Elements;

/// The name that IAM's requests are signed under.
pub const SERVICE: &str = "iam";
const VERSION: &str = "2010-05-08";
/// A role's trust policy has 4,096 characters at most, after a quota is raised, not counting white space
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
const POLICY_BYTES: usize = 32 * 1024;

/// The form to post. `name` is the role's, without its path: 1 to 64 characters of `[\w+=,.@-]`.
#[must_use]
pub fn body(name: &str) -> String {
    let mut form = Form::of_version("GetRole", VERSION);
    form.push("RoleName", name);
    form.into_body()
}

/// A role, as far as it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// With its path; printable ASCII without spaces.
    pub arn: String,
    /// The document as it was written, and not trusted to be one.
    pub trust_policy: String,
}

/// Reads what was answered to [`body`].
///
/// # Errors
/// When IAM refused, when something else than IAM answered, and when IAM's answer lacks something.
pub fn read(answer: &Answer) -> Result<Role, AnswerFault> {
    const POLICY: &str = "Role/AssumeRolePolicyDocument";
    let document = open(answer, "GetRoleResponse")?;
    let result = Elements::of(&document, "GetRoleResult");
    let arn = result.needed("Role/Arn")?;
    if !arn.starts_with("arn:") || !arn.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(AnswerFault::Incomplete { element: "Role/Arn" });
    }
    // IAM encodes by RFC 3986, where a plus sign is one.
    let policy = percent_decode_str(result.needed(POLICY)?).decode_utf8().ok();
    let policy = policy.filter(|policy| policy.len() <= POLICY_BYTES);
    let policy = policy.ok_or(AnswerFault::Incomplete { element: POLICY })?;
    Ok(Role { arn: arn.to_owned(), trust_policy: policy.into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pairs::Pairs;

    const ANSWER: &str = r#"<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <GetRoleResult>
    <Role>
      <Path>/ci/</Path>
      <Arn>arn:aws:iam::123456789012:role/ci/deploy</Arn>
      <RoleName>deploy</RoleName>
      <AssumeRolePolicyDocument>%7B%22Version%22%3A%20%222012-10-17%22%2C%22Id%22%3A%22a+b%C3%A9%22%7D</AssumeRolePolicyDocument>
      <CreateDate>2026-11-21T12:03:00Z</CreateDate>
      <Tags><member><Key>Arn</Key><Value>x</Value></member><member><Key>Arn</Key><Value>y</Value></member></Tags>
    </Role>
  </GetRoleResult>
  <ResponseMetadata><RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId></ResponseMetadata>
</GetRoleResponse>
"#;

    fn answer(body: &str) -> Answer {
        Answer { status: 200, headers: Pairs::default(), body: body.to_owned() }
    }

    #[test]
    fn the_trust_policy_is_read() {
        assert_eq!(body("de+ploy"), "Action=GetRole&Version=2010-05-08&RoleName=de%2Bploy");
        let role = read(&answer(ANSWER)).ok().unwrap();
        assert_eq!(role.arn, "arn:aws:iam::123456789012:role/ci/deploy");
        assert_eq!(role.trust_policy, r#"{"Version": "2012-10-17","Id":"a+bé"}"#);
    }

    #[test]
    fn an_answer_that_is_no_role_is_none() {
        const POLICY: &str = "Role/AssumeRolePolicyDocument";
        let long = format!(">{}%7B", "a".repeat(POLICY_BYTES));
        for (from, to, element) in [
            ("arn:aws:iam", "aws:iam", "Role/Arn"),
            ("role/ci/deploy", "role/ci deploy", "Role/Arn"),
            ("<Arn>", "<Arn>x</Arn><Arn>", "Role/Arn"),
            ("AssumeRolePolicyDocument>", "Other>", ""),
            ("%C3%A9", "%C3", POLICY),
            (">%7B", &long, POLICY),
        ] {
            let body = ANSWER.replacen(from, to, 1);
            assert_ne!(body, ANSWER, "{from}");
            match read(&answer(&body)).err() {
                Some(AnswerFault::Incomplete { element: found }) => assert_eq!(found, element, "{from}"),
                other => assert!(matches!(other, Some(AnswerFault::NotSts(_))) && element.is_empty(), "{from}"),
            }
        }
    }
}
