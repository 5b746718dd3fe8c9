//! A sign-in to AWS's console with the credentials of a session: they are exchanged for a token, and the token
//! goes into an address for a browser.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html>
//!
//! That page allows the exchange by GET and by POST. By POST, no credentials stand in an address. It is asked for
//! no `SessionDuration`, which AWS refuses for chained roles: the console's session ends with the credentials.

use serde_json::Value;

use crate::aws::credentials::Credentials;
use crate::effect::Answer;
use crate::product;
use crate::secret::Secret;
use crate::sts::form::Form;
use crate::text::as_json;
use crate::values::ValueFault;

/// How long an address signs in, in minutes.
pub const MINUTES: u32 = 15;
/// A real token has about 1,000 characters.
const MOST_TOKEN_BYTES: usize = 16 * 1024;

/// Where a partition's console is, and what signs in to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    pub endpoint: &'static str,
    /// The console's host; each region has one below it.
    pub console: &'static str,
}

impl Site {
    /// `None`: AWS documents no address for this partition.
    #[must_use]
    pub fn of_partition(id: &str) -> Option<Self> {
        let (endpoint, console) = match id {
            "aws" => ("https://signin.aws.amazon.com/federation", "console.aws.amazon.com"),
            "aws-cn" => ("https://signin.amazonaws.cn/federation", "console.amazonaws.cn"),
            "aws-us-gov" => ("https://signin.amazonaws-us-gov.com/federation", "console.amazonaws-us-gov.com"),
            _ => return None,
        };
        Some(Self { endpoint, console })
    }

    /// The page that a console begins with.
    #[must_use]
    pub fn start(self, region: &str) -> String {
        format!("https://{}/console/home?region={region}", self.console)
    }

    /// A page of the console, and of no other host: who is signed in there has just been sent by us.
    ///
    /// # Errors
    /// When it is another address, or none.
    pub fn page(self, text: &str) -> Result<String, ValueFault> {
        let fault = |problem: &str| Err(ValueFault::new(problem, self.start("us-east-1")));
        let Some(rest) = text.strip_prefix("https://") else { return fault("does not start with `https://`") };
        if !rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return fault("has a character that may not stand in a URL");
        }
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let is_region = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || b"0123456789-".contains(&byte))
        };
        let below = host.strip_suffix(self.console).and_then(|below| below.strip_suffix('.'));
        if host == self.console || below.is_some_and(is_region) {
            return Ok(text.to_owned());
        }
        fault(&format!("is no page of AWS's console at {}", self.console))
    }
}

/// The form to post. `None`: keys of a user, which have no session to sign in with.
#[must_use]
pub fn body(credentials: &Credentials) -> Option<String> {
    let token = credentials.session_token.as_ref()?;
    let session = format!(
        "{{\"sessionId\":{},\"sessionKey\":{},\"sessionToken\":{}}}",
        as_json(credentials.access_key_id.expose()),
        as_json(credentials.secret_access_key.expose()),
        as_json(token.expose())
    );
    let mut form = Form::without_version("getSigninToken");
    form.push("Session", &session);
    Some(form.into_body())
}

/// Why there is no token. What was answered is not kept: it may repeat what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigninFault {
    /// The credentials were not accepted.
    Refused,
    /// The service has trouble that can pass.
    Unavailable,
    /// It answered in another way than AWS's does.
    Strange,
}

/// Reads what was answered to [`body`].
///
/// # Errors
/// When there is no token in it.
pub fn read(answer: &Answer) -> Result<Secret, SigninFault> {
    match answer.status {
        200 => {}
        400 | 401 | 403 => return Err(SigninFault::Refused),
        429 | 500.. => return Err(SigninFault::Unavailable),
        _ => return Err(SigninFault::Strange),
    }
    let answer: Value = serde_json::from_str(&answer.body).map_err(|_| SigninFault::Strange)?;
    match answer["SigninToken"].as_str() {
        Some(token)
            if (1..=MOST_TOKEN_BYTES).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Ok(Secret::new(token))
        }
        _ => Err(SigninFault::Strange),
    }
}

/// The address that signs in whoever opens it.
#[must_use]
pub fn address(endpoint: &str, destination: &str, token: &Secret) -> Secret {
    let mut form = Form::without_version("login");
    form.push("Issuer", product::NAME);
    form.push("Destination", destination);
    form.push("SigninToken", token.expose());
    Secret::new(format!("{endpoint}?{}", form.into_body()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pairs::Pairs;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, headers: Pairs::default(), body: body.to_owned() }
    }

    #[test]
    fn a_session_is_exchanged_and_keys_of_a_user_are_not() {
        let session = Credentials::parse("ASIA", "a+b/\"", Some("t==")).ok().unwrap();
        assert_eq!(
            body(&session).as_deref(),
            Some(
                "Action=getSigninToken&Session=%7B%22sessionId%22%3A%22ASIA%22%2C%22sessionKey%22%3A%22a%2Bb%2F%5C%22\
                 %22%2C%22sessionToken%22%3A%22t%3D%3D%22%7D"
            )
        );
        assert_eq!(body(&Credentials::parse("AKIA", "s", None).ok().unwrap()), None);
    }

    #[test]
    fn only_a_token_is_one() {
        let token = read(&answer(200, r#"{"SigninToken": "a-b_c+d="}"#)).ok().unwrap();
        assert_eq!(
            address("https://signin.aws.amazon.com/federation", "https://console.aws.amazon.com/?a=b#c", &token)
                .expose(),
            "https://signin.aws.amazon.com/federation?Action=login&Issuer=ci-assume-role\
             &Destination=https%3A%2F%2Fconsole.aws.amazon.com%2F%3Fa%3Db%23c&SigninToken=a-b_c%2Bd%3D"
        );
        let long = format!(r#"{{"SigninToken": "{}"}}"#, "a".repeat(MOST_TOKEN_BYTES + 1));
        for (status, body, fault) in [
            (200, "", SigninFault::Strange),
            (200, "<html>", SigninFault::Strange),
            (200, "[]", SigninFault::Strange),
            (200, r#"{"SigninToken": ""}"#, SigninFault::Strange),
            (200, r#"{"SigninToken": "a b"}"#, SigninFault::Strange),
            (200, r#"{"SigninToken": "a\n::error::b"}"#, SigninFault::Strange),
            (200, &long, SigninFault::Strange),
            (302, "", SigninFault::Strange),
            (400, r#"{"SigninToken": "a"}"#, SigninFault::Refused),
            (403, "", SigninFault::Refused),
            (429, "", SigninFault::Unavailable),
            (503, "", SigninFault::Unavailable),
        ] {
            assert_eq!(read(&answer(status, body)).err(), Some(fault), "{status} {}", body.get(..40).unwrap_or(body));
        }
    }

    #[test]
    fn only_the_console_is_a_destination() {
        let site = Site::of_partition("aws").unwrap();
        for text in [
            "https://console.aws.amazon.com",
            "https://console.aws.amazon.com/s3/buckets?region=eu-west-1#x",
            "https://eu-west-1.console.aws.amazon.com/console/home?region=eu-west-1",
            &site.start("us-east-1"),
        ] {
            assert_eq!(site.page(text).as_deref(), Ok(text));
        }
        for text in [
            "",
            "http://console.aws.amazon.com/",
            "//console.aws.amazon.com/",
            "https://evil.example/console.aws.amazon.com",
            "https://evilconsole.aws.amazon.com/",
            "https://evil-console.aws.amazon.com/",
            "https://.console.aws.amazon.com/",
            "https://a.b.console.aws.amazon.com/",
            "https://console.aws.amazon.com.evil.example/",
            "https://console.aws.amazon.com@evil.example/",
            "https://evil.example?console.aws.amazon.com",
            "https://evil.example#.console.aws.amazon.com",
            "https://evil.example\\.console.aws.amazon.com",
            "https://console.aws.amazon.com:8443/",
            "https://console.amazonaws.cn/",
            "https://console.aws.amazon.com/a b",
        ] {
            assert!(site.page(text).is_err(), "{text}");
        }
        assert!(Site::of_partition("aws-cn").unwrap().page("https://cn-north-1.console.amazonaws.cn/").is_ok());
        assert_eq!(Site::of_partition("aws-iso"), None);
    }
}
