//! Credentials of a role in exchange for an OIDC token.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>
//!
//! The call is not signed: the token is the proof. It is posted, never put into a URL, where logs
//! would keep it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::{AnswerFault, open};
use super::xml::Document;
use crate::effect::Answer;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The content type of [`Request::body`].
pub const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

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
        let mut form = Form("Action=AssumeRoleWithWebIdentity&Version=2011-06-15".to_owned());
        form.push("RoleArn", self.role_arn);
        form.push("RoleSessionName", self.session_name);
        form.push("WebIdentityToken", self.token.expose());
        for (index, arn) in self.policy_arns.iter().enumerate() {
            form.push(&format!("PolicyArns.member.{}.arn", index + 1), arn);
        }
        if let Some(policy) = self.policy {
            form.push("Policy", policy);
        }
        if let Some(seconds) = self.duration_seconds {
            form.push("DurationSeconds", &seconds.to_string());
        }
        form.0
    }
}

/// Credentials and what STS says about them. It has no `Debug`, since it holds secrets.
pub struct Session {
    pub credentials: Credentials,
    /// `arn:aws:sts::123456789012:assumed-role/NAME/SESSION`: without the role's path.
    pub assumed_role_arn: String,
    /// `AROA…:SESSION`.
    pub assumed_role_id: String,
    /// The account that the credentials belong to: 12 digits, from the ARN.
    pub account: String,
    /// The token's `sub`.
    pub subject: Option<String>,
    /// The token's `azp` if it has one, else its `aud`.
    pub audience: Option<String>,
    /// The identity provider's ARN.
    pub provider: Option<String>,
    pub source_identity: Option<String>,
    /// How much of the room for session policies and tags is used up, in percent.
    pub packed_policy_size: Option<u32>,
}

/// What signs requests to AWS.
#[derive(Clone)]
pub struct Credentials {
    pub access_key_id: Secret,
    pub secret_access_key: Secret,
    pub session_token: Secret,
    pub expiration: Timestamp,
}

/// Reads what was answered to a [`Request`].
///
/// # Errors
/// When STS refused, when something else than STS answered, and when STS's answer lacks something.
pub fn read(answer: &Answer) -> Result<Session, AnswerFault> {
    let document = open(answer, "AssumeRoleWithWebIdentityResponse")?;
    let result = Elements(&document);
    let assumed_role_arn = result.needed("AssumedRoleUser/Arn")?;
    Ok(Session {
        credentials: Credentials {
            access_key_id: result.secret("Credentials/AccessKeyId")?,
            secret_access_key: result.secret("Credentials/SecretAccessKey")?,
            session_token: result.secret("Credentials/SessionToken")?,
            expiration: Timestamp::parse(result.needed("Credentials/Expiration")?)
                .ok_or(AnswerFault::Incomplete { element: "Credentials/Expiration" })?,
        },
        account: account_of(assumed_role_arn)
            .ok_or(AnswerFault::Incomplete { element: "AssumedRoleUser/Arn" })?
            .to_owned(),
        assumed_role_arn: assumed_role_arn.to_owned(),
        assumed_role_id: result.needed("AssumedRoleUser/AssumedRoleId")?.to_owned(),
        subject: result.optional("SubjectFromWebIdentityToken"),
        audience: result.optional("Audience"),
        provider: result.optional("Provider"),
        source_identity: result.optional("SourceIdentity"),
        packed_policy_size: result.optional("PackedPolicySize").and_then(|percent| percent.parse().ok()),
    })
}

/// The account in `arn:PARTITION:sts::ACCOUNT:assumed-role/NAME/SESSION`.
fn account_of(arn: &str) -> Option<&str> {
    let mut fields = arn.splitn(6, ':');
    let (scheme, _partition, service, _region) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let (account, resource) = (fields.next()?, fields.next()?);
    if !arn.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (scheme == "arn" && service == "sts" && is_account && resource.starts_with("assumed-role/")).then_some(account)
}

/// The elements of the result.
struct Elements<'a>(&'a Document);

impl<'a> Elements<'a> {
    fn needed(&self, path: &'static str) -> Result<&'a str, AnswerFault> {
        self.find(path).ok_or(AnswerFault::Incomplete { element: path })
    }

    /// A value that will stand in environment variables and files, where a line break or a space
    /// in it would change what they mean.
    fn secret(&self, path: &'static str) -> Result<Secret, AnswerFault> {
        let text = self.needed(path)?;
        if text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Secret::new(text))
        } else {
            Err(AnswerFault::Incomplete { element: path })
        }
    }

    fn optional(&self, path: &str) -> Option<String> {
        self.find(path).map(str::to_owned)
    }

    fn find(&self, path: &str) -> Option<&'a str> {
        self.0.text(&format!("AssumeRoleWithWebIdentityResult/{path}")).filter(|text| !text.is_empty())
    }
}

/// Pairs of a form, everything but RFC 3986's unreserved characters percent-encoded: a bare `+`
/// would be a space to the reader.
struct Form(String);

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Form {
    /// Names are ours and need no encoding.
    fn push(&mut self, name: &str, value: &str) {
        self.0.push('&');
        self.0.push_str(name);
        self.0.push('=');
        self.0.extend(utf8_percent_encode(value, RESERVED));
    }
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
