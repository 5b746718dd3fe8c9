//! Credentials of a role in exchange for an OIDC token.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>
//!
//! The call is not signed: the token is the proof. It is posted, never put into a URL, where logs
//! would keep it.

use super::error::{AnswerFault, open};
use super::form::Form;
use super::result::Elements;
pub use super::session::{Credentials, Session};
use crate::effect::Answer;
use crate::secret::Secret;

/// What is asked of STS. It has been validated before; here it is only written down.
pub struct Request<'a> {
    /// Kept whole, with its path. 20 to 2,048 characters.
    pub role_arn: &'a str,
    /// 2 to 64 characters of `[\w+=,.@-]`.
    pub session_name: &'a str,
    /// A signed JWT of at most 20,000 characters.
    pub token: &'a Secret,
    /// 900 to 43,200; 3,600 when absent.
    pub duration_seconds: Option<u32>,
    /// A session policy of at most 2,048 characters.
    pub policy: Option<&'a str>,
    /// At most 10 managed policies.
    pub policy_arns: &'a [&'a str],
}

impl Request<'_> {
    /// The form to post. It holds the token.
    #[must_use]
    pub fn body(&self) -> String {
        let mut form = Form::of("AssumeRoleWithWebIdentity");
        form.push("RoleArn", self.role_arn);
        form.push("RoleSessionName", self.session_name);
        form.push("WebIdentityToken", self.token.expose());
        form.push_list("PolicyArns", ".arn", self.policy_arns);
        form.push_some("Policy", self.policy);
        if let Some(seconds) = self.duration_seconds {
            form.push("DurationSeconds", &seconds.to_string());
        }
        form.into_body()
    }
}

/// Reads what was answered to a [`Request`].
///
/// # Errors
/// When STS refused, when something else than STS answered, and when STS's answer lacks something.
pub fn read(answer: &Answer) -> Result<Session, AnswerFault> {
    let document = open(answer, "AssumeRoleWithWebIdentityResponse")?;
    Session::of(&Elements::of(&document, "AssumeRoleWithWebIdentityResult"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <Audience>sts.amazonaws.com</Audience>
    <AssumedRoleUser>
      <AssumedRoleId>AROAEXAMPLE:me@1</AssumedRoleId>
      <Arn>arn:aws:sts::123456789012:assumed-role/deploy/me@1</Arn>
    </AssumedRoleUser>
    <Provider>arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com</Provider>
    <Credentials>
      <AccessKeyId>ASIAEXAMPLE</AccessKeyId>
      <SecretAccessKey>abc/def+ghi</SecretAccessKey>
      <SessionToken><![CDATA[IQoJ//////////wEaCXVz]]>&#x3d;=</SessionToken>
      <Expiration>2026-11-21T12:03:00Z</Expiration>
    </Credentials>
    <SubjectFromWebIdentityToken>repo:octo-org/octo-repo:ref:refs/heads/a&amp;b</SubjectFromWebIdentityToken>
    <SomethingNew><Deep>1</Deep></SomethingNew>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>
"#;

    fn answer(body: &str) -> Answer {
        Answer { status: 200, headers: crate::pairs::Pairs::default(), body: body.to_owned() }
    }

    fn missing(body: &str) -> Option<&'static str> {
        match read(&answer(body)) {
            Err(AnswerFault::Incomplete { element }) => Some(element),
            _ => None,
        }
    }

    #[test]
    fn writes_the_form() {
        let token = Secret::new("eyJ.eyJ.c2ln-_");
        let plain = Request {
            role_arn: "arn:aws:iam::123456789012:role/ci/deploy",
            session_name: "me+you",
            token: &token,
            duration_seconds: None,
            policy: None,
            policy_arns: &[],
        };
        assert_eq!(
            plain.body(),
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15\
             &RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fci%2Fdeploy\
             &RoleSessionName=me%2Byou&WebIdentityToken=eyJ.eyJ.c2ln-_"
        );
        let full = Request { duration_seconds: Some(900), policy: Some("{}"), policy_arns: &["a", "b"], ..plain };
        assert!(
            full.body()
                .ends_with("&PolicyArns.member.1.arn=a&PolicyArns.member.2.arn=b&Policy=%7B%7D&DurationSeconds=900")
        );
    }

    #[test]
    fn reads_credentials() {
        let session = read(&answer(ANSWER)).ok().unwrap();
        assert_eq!(session.account, "123456789012");
        assert_eq!(session.assumed_role_arn, "arn:aws:sts::123456789012:assumed-role/deploy/me@1");
        assert_eq!(session.assumed_role_id, "AROAEXAMPLE:me@1");
        assert_eq!(session.credentials.access_key_id.expose(), "ASIAEXAMPLE");
        assert_eq!(session.credentials.secret_access_key.expose(), "abc/def+ghi");
        assert_eq!(session.credentials.session_token.expose(), "IQoJ//////////wEaCXVz==");
        assert_eq!(session.credentials.expiration.to_string(), "2026-11-21T12:03:00Z");
        assert_eq!(session.subject.as_deref(), Some("repo:octo-org/octo-repo:ref:refs/heads/a&b"));
        assert_eq!(session.audience.as_deref(), Some("sts.amazonaws.com"));
        assert_eq!(session.packed_policy_size, None);
        assert_eq!(session.source_identity, None);
    }

    #[test]
    fn an_answer_without_all_of_the_credentials_is_none() {
        for (from, to, element) in [
            ("<AccessKeyId>ASIAEXAMPLE</AccessKeyId>", "", "Credentials/AccessKeyId"),
            ("ASIAEXAMPLE", "", "Credentials/AccessKeyId"),
            ("ASIAEXAMPLE", "A\nB", "Credentials/AccessKeyId"),
            ("abc/def+ghi", " ", "Credentials/SecretAccessKey"),
            ("abc/def+ghi", "é", "Credentials/SecretAccessKey"),
            ("</Credentials>", "<SessionToken>2</SessionToken></Credentials>", "Credentials/SessionToken"),
            ("2026-11-21T12:03:00Z", "soon", "Credentials/Expiration"),
            (":123456789012:", ":12345678901:", "AssumedRoleUser/Arn"),
            (":123456789012:", ":12345678901x:", "AssumedRoleUser/Arn"),
            ("arn:aws:sts:", "arn:aws:iam:", "AssumedRoleUser/Arn"),
            (":assumed-role/", ":role/", "AssumedRoleUser/Arn"),
        ] {
            let body = ANSWER.replacen(from, to, 1);
            assert_ne!(body, ANSWER, "{from}");
            assert_eq!(missing(&body), Some(element), "{from} -> {to}");
        }
    }

    #[test]
    fn every_truncation_is_a_fault() {
        let whole = ANSWER.trim_end().len();
        for end in 0..whole {
            if let Some(body) = ANSWER.get(..end) {
                assert!(read(&answer(body)).is_err(), "{end}");
            }
        }
    }
}
