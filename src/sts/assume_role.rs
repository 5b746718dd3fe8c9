//! Credentials of a role for who has credentials already.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
//!
//! The call is signed, for the service `sts`.

use super::error::{AnswerFault, open};
use super::form::Form;
use super::result::Elements;
use super::session::Session;
use super::tags::Tags;
use crate::effect::Answer;

/// The longest session, in seconds, of a role that is assumed with the credentials of a role. The
/// role's own maximum does not raise it
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining>).
pub const LONGEST_CHAINED: u32 = 3600;

/// What is asked of STS. It has been validated before; here it is only written down.
pub struct Request<'a> {
    /// Kept whole, with its path. 20 to 2,048 characters.
    pub role_arn: &'a str,
    /// 2 to 64 characters of `[\w+=,.@-]`.
    pub session_name: &'a str,
    /// 900 to 43,200, and at most [`LONGEST_CHAINED`] with the credentials of a role; 3,600 when absent.
    pub duration_seconds: Option<u32>,
    /// 2 to 1,224 characters of `[\w+=,.@:\/-]`: what the role's trust policy asks of third parties.
    pub external_id: Option<&'a str>,
    /// 2 to 64 characters of `[\w+=,.@-]`. It stays through all further roles.
    pub source_identity: Option<&'a str>,
    /// A session policy of at most 2,048 characters.
    pub policy: Option<&'a str>,
    /// At most 10 managed policies.
    pub policy_arns: &'a [&'a str],
    pub tags: &'a Tags,
    /// Keys of tags that stay through all further roles.
    pub transitive_tag_keys: &'a [&'a str],
}

impl Request<'_> {
    /// The form to post.
    #[must_use]
    pub fn body(&self) -> String {
        let mut form = Form::of("AssumeRole");
        form.push("RoleArn", self.role_arn);
        form.push("RoleSessionName", self.session_name);
        form.push_list("PolicyArns", ".arn", self.policy_arns);
        form.push_some("Policy", self.policy);
        if let Some(seconds) = self.duration_seconds {
            form.push("DurationSeconds", &seconds.to_string());
        }
        for (number, (key, value)) in (1..).zip(self.tags.iter()) {
            form.push(&format!("Tags.member.{number}.Key"), key);
            form.push(&format!("Tags.member.{number}.Value"), value);
        }
        form.push_list("TransitiveTagKeys", "", self.transitive_tag_keys);
        form.push_some("ExternalId", self.external_id);
        form.push_some("SourceIdentity", self.source_identity);
        form.into_body()
    }
}

/// Reads what was answered to a [`Request`].
///
/// # Errors
/// When STS refused, when something else than STS answered, and when STS's answer lacks something.
pub fn read(answer: &Answer) -> Result<Session, AnswerFault> {
    let document = open(answer, "AssumeRoleResponse")?;
    Session::of(&Elements::of(&document, "AssumeRoleResult"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pairs::Pairs;

    #[test]
    fn writes_the_form() {
        let mut tags = Tags::default();
        let plain = Request {
            role_arn: "arn:aws:iam::123456789012:role/ci/deploy",
            session_name: "me+you",
            duration_seconds: None,
            external_id: None,
            source_identity: None,
            policy: None,
            policy_arns: &[],
            tags: &tags.clone(),
            transitive_tag_keys: &[],
        };
        let start = "Action=AssumeRole&Version=2011-06-15\
                     &RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fci%2Fdeploy&RoleSessionName=me%2Byou";
        assert_eq!(plain.body(), start);
        tags.push("Team", "a b").unwrap();
        tags.push("Empty", "").unwrap();
        let full = Request {
            duration_seconds: Some(900),
            external_id: Some("x:1"),
            source_identity: Some("alice"),
            policy: Some("{}"),
            policy_arns: &["p", "q"],
            tags: &tags,
            transitive_tag_keys: &["Team"],
            ..plain
        };
        assert_eq!(
            full.body(),
            format!(
                "{start}&PolicyArns.member.1.arn=p&PolicyArns.member.2.arn=q&Policy=%7B%7D&DurationSeconds=900\
                 &Tags.member.1.Key=Team&Tags.member.1.Value=a%20b&Tags.member.2.Key=Empty&Tags.member.2.Value=\
                 &TransitiveTagKeys.member.1=Team&ExternalId=x%3A1&SourceIdentity=alice"
            )
        );
    }

    #[test]
    fn an_answer_to_another_call_is_none() {
        let answer = |root: &str| Answer {
            status: 200,
            headers: Pairs::default(),
            body: format!("<{root}Response><{root}Result/></{root}Response>"),
        };
        let missing = read(&answer("AssumeRole")).err();
        assert!(matches!(missing, Some(AnswerFault::Incomplete { element: "AssumedRoleUser/Arn" })));
        let other = read(&answer("AssumeRoleWithWebIdentity")).err();
        assert!(matches!(other, Some(AnswerFault::NotSts(_))));
    }
}
