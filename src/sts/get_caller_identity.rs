//! Whose credentials these are.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
//!
//! The call is signed, for the service `sts`. It takes no permission, and no policy can deny it.

use super::error::{AnswerFault, open};
use super::form::Form;
use super::result::Elements;
use crate::effect::Answer;

/// The form to post.
#[must_use]
pub fn body() -> String {
    Form::of("GetCallerIdentity").into_body()
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// 12 digits.
    pub account: String,
    /// Of a user, a federated user, or a session of a role; printable ASCII without spaces.
    pub arn: String,
    /// `AIDA…` for a user, `AROA…:SESSION` for a session of a role, the account for its root user.
    pub user_id: String,
}

/// Reads what was answered to [`body`].
///
/// # Errors
/// When STS refused, when something else than STS answered, and when STS's answer lacks something.
pub fn read(answer: &Answer) -> Result<CallerIdentity, AnswerFault> {
    let document = open(answer, "GetCallerIdentityResponse")?;
    let result = Elements::of(&document, "GetCallerIdentityResult");
    let plain = |element: &'static str, is_fine: fn(&str) -> bool| {
        let text = result.needed(element)?;
        if is_fine(text) { Ok(text.to_owned()) } else { Err(AnswerFault::Incomplete { element }) }
    };
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    Ok(CallerIdentity {
        account: plain("Account", is_account)?,
        arn: plain("Arn", |text| text.starts_with("arn:") && is_graphic(text))?,
        user_id: plain("UserId", is_graphic)?,
    })
}

fn is_graphic(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pairs::Pairs;

    const ANSWER: &str = r#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:aws:sts::123456789012:assumed-role/deploy/me@1</Arn>
    <UserId>AROAEXAMPLE:me@1</UserId>
    <Account>123456789012</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata><RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>
"#;

    fn answer(body: &str) -> Answer {
        Answer { status: 200, headers: Pairs::default(), body: body.to_owned() }
    }

    #[test]
    fn the_caller_is_read() {
        assert_eq!(body(), "Action=GetCallerIdentity&Version=2011-06-15");
        let caller = read(&answer(ANSWER)).ok().unwrap();
        let expected = CallerIdentity {
            account: "123456789012".to_owned(),
            arn: "arn:aws:sts::123456789012:assumed-role/deploy/me@1".to_owned(),
            user_id: "AROAEXAMPLE:me@1".to_owned(),
        };
        assert_eq!(caller, expected);
    }

    #[test]
    fn an_answer_that_names_nobody_is_none() {
        for (from, to, element) in [
            (">123456789012<", "><", "Account"),
            (">123456789012<", ">12345678901<", "Account"),
            (">arn:aws", ">aws", "Arn"),
            ("me@1</Arn>", "me 1</Arn>", "Arn"),
            ("<UserId>", "<UserId>a\nb", "UserId"),
        ] {
            let body = ANSWER.replacen(from, to, 1);
            assert_ne!(body, ANSWER, "{from}");
            let fault = read(&answer(&body)).err();
            assert!(matches!(fault, Some(AnswerFault::Incomplete { element: found }) if found == element), "{to}");
        }
    }
}
