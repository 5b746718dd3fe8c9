//! What ECR answers with: a user name and a password for a registry.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use crate::aws::json::AnswerFault;
use crate::secret::Secret;
use crate::time::Timestamp;

/// A way into a registry. It has no `Debug`, since it holds secrets.
pub struct Authorization {
    /// `AWS`.
    pub user: String,
    pub password: Secret,
    /// User and password in base64, as they stand in the file of Docker's clients. It is as secret as
    /// the password.
    pub token: Secret,
    /// When the password stops working; twelve hours from now, says the documentation.
    pub expiration: Option<Timestamp>,
    /// The registry that ECR names: a host, without a scheme. It has none for the public registry.
    pub registry: Option<String>,
}

impl Authorization {
    pub(super) fn read(members: &Map<String, Value>) -> Result<Self, AnswerFault> {
        let token = text(members, "authorizationToken")?;
        let (user, password) = decoded(token).ok_or(AnswerFault::Incomplete { member: "authorizationToken" })?;
        let registry = match members.get("proxyEndpoint") {
            None | Some(Value::Null) => None,
            Some(_) => Some(registry(text(members, "proxyEndpoint")?)?),
        };
        Ok(Self { user, password, token: Secret::new(token), expiration: moment(members.get("expiresAt")), registry })
    }
}

fn text<'a>(members: &'a Map<String, Value>, member: &'static str) -> Result<&'a str, AnswerFault> {
    members.get(member).and_then(Value::as_str).ok_or(AnswerFault::Incomplete { member })
}

/// `USER:PASSWORD` in base64, both printable: they are going to stand in commands' input and in files.
fn decoded(token: &str) -> Option<(String, Secret)> {
    let text = String::from_utf8(BASE64_STANDARD.decode(token).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    (plain(user) && plain(password)).then(|| (user.to_owned(), Secret::new(password)))
}

/// `https://123456789012.dkr.ecr.us-east-1.amazonaws.com`. Nothing but a host may follow the scheme,
/// and a port where somebody stands in for ECR.
fn registry(endpoint: &str) -> Result<String, AnswerFault> {
    let host = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"));
    let host = host.map(|host| host.strip_suffix('/').unwrap_or(host));
    let plain = |host: &&str| {
        // A client takes it for an argument, and must not take it for an option.
        host.starts_with(|c: char| c.is_ascii_alphanumeric())
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte))
    };
    host.filter(plain).map(str::to_owned).ok_or(AnswerFault::Incomplete { member: "proxyEndpoint" })
}

/// Seconds since 1970, with a fraction or without.
fn moment(value: Option<&Value>) -> Option<Timestamp> {
    let number = value?.as_number()?.to_string();
    let whole = number.split('.').next()?;
    whole.parse().ok().map(Timestamp::from_seconds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<Authorization, AnswerFault> {
        Authorization::read(value.as_object().unwrap())
    }

    /// `AWS:p+a/s=s`
    const TOKEN: &str = "QVdTOnArYS9zPXM=";

    #[test]
    fn a_password_is_read() {
        let answer = json!({
            "authorizationToken": TOKEN,
            "expiresAt": 1_795_262_580.5,
            "proxyEndpoint": "https://123456789012.dkr.ecr.us-east-1.amazonaws.com",
        });
        let authorization = read(&answer).ok().unwrap();
        assert_eq!((authorization.user.as_str(), authorization.password.expose()), ("AWS", "p+a/s=s"));
        assert_eq!(authorization.token.expose(), TOKEN);
        assert_eq!(authorization.registry.as_deref(), Some("123456789012.dkr.ecr.us-east-1.amazonaws.com"));
        assert_eq!(authorization.expiration.map(|time| time.to_string()).as_deref(), Some("2026-11-21T12:03:00Z"));
        let bare = read(&json!({"authorizationToken": TOKEN})).ok().unwrap();
        assert!(bare.expiration.is_none() && bare.registry.is_none());
    }

    #[test]
    fn what_is_no_password_is_named() {
        let encode = |text: &str| BASE64_STANDARD.encode(text);
        for (token, endpoint, member) in [
            (json!(null), json!("https://a"), "authorizationToken"),
            (json!(""), json!("https://a"), "authorizationToken"),
            (json!("***"), json!("https://a"), "authorizationToken"),
            (json!(encode("AWS")), json!("https://a"), "authorizationToken"),
            (json!(encode("AWS:")), json!("https://a"), "authorizationToken"),
            (json!(encode("AWS:a\nb")), json!("https://a"), "authorizationToken"),
            (json!(encode("A S:ab")), json!("https://a"), "authorizationToken"),
            (json!(TOKEN), json!(""), "proxyEndpoint"),
            (json!(TOKEN), json!(1), "proxyEndpoint"),
            (json!(TOKEN), json!("https://"), "proxyEndpoint"),
            (json!(TOKEN), json!("https://a/b"), "proxyEndpoint"),
            (json!(TOKEN), json!("https://--debug"), "proxyEndpoint"),
            (json!(TOKEN), json!("https://a@b"), "proxyEndpoint"),
            (json!(TOKEN), json!("ftp://a"), "proxyEndpoint"),
        ] {
            let fault = read(&json!({"authorizationToken": token, "proxyEndpoint": endpoint})).err();
            let named = matches!(fault, Some(AnswerFault::Incomplete { member: found }) if found == member);
            assert!(named, "{token} {endpoint}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(token in any::<String>(), endpoint in any::<String>(), time in any::<f64>()) {
            let _ = read(&json!({"authorizationToken": token, "proxyEndpoint": endpoint, "expiresAt": time}));
            let _ = read(&json!({"authorizationToken": BASE64_STANDARD.encode(&token), "expiresAt": time}));
        }
    }
}
