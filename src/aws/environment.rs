//! Credentials from the environment.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html>

use super::credentials::{Credentials, CredentialsFault};
use crate::time::Timestamp;

const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
/// The older name counts first, as in botocore.
const SESSION_TOKENS: [&str; 2] = ["AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"];
const EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";

/// Reads the variables. `None`: there is no access key id, so no credentials are meant. An empty
/// variable counts as absent.
///
/// # Errors
/// When what is there are no credentials, or not all of them.
pub fn read(variable: impl Fn(&str) -> Option<String>) -> Option<Result<Credentials, EnvironmentFault>> {
    let given = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let id = given(ACCESS_KEY_ID)?;
    let secret = given(SECRET_ACCESS_KEY).unwrap_or_default();
    let token = SESSION_TOKENS.iter().find_map(|name| given(name));
    let credentials = Credentials::parse(&id, &secret, token.as_deref()).map_err(EnvironmentFault::Credentials);
    Some(credentials.and_then(|mut credentials| {
        if let Some(text) = given(EXPIRATION) {
            credentials.expiration = Some(Timestamp::parse(&text).ok_or(EnvironmentFault::Expiration)?);
        }
        Ok(credentials)
    }))
}

/// Why the variables are no credentials. It never holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvironmentFault {
    Credentials(CredentialsFault),
    /// `AWS_CREDENTIAL_EXPIRATION` is no moment.
    Expiration,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::credentials::Part;

    /// Key id and token.
    fn of(variables: &[(&str, &str)]) -> Option<Result<(String, Option<String>), EnvironmentFault>> {
        let variable =
            |name: &str| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
        let shown = |credentials: Credentials| {
            let token = credentials.session_token.map(|token| token.expose().to_owned());
            (credentials.access_key_id.expose().to_owned(), token)
        };
        read(variable).map(|read| read.map(shown))
    }

    #[test]
    fn variables_are_credentials_or_none() {
        let keys = [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "s")];
        let with = |more: &[(&'static str, &'static str)]| of(&[&keys, more].concat());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("AWS_ACCESS_KEY_ID", " "), ("AWS_SECRET_ACCESS_KEY", "s")]), None);
        assert_eq!(with(&[]), Some(Ok(("AKIA".to_owned(), None))));
        assert_eq!(with(&[("AWS_SESSION_TOKEN", "")]), Some(Ok(("AKIA".to_owned(), None))));
        for tokens in [
            [("AWS_SESSION_TOKEN", "new"), ("AWS_SECURITY_TOKEN", "old")],
            [("AWS_SESSION_TOKEN", "old"), ("AWS_SECURITY_TOKEN", "")],
        ] {
            assert_eq!(with(&tokens), Some(Ok(("AKIA".to_owned(), Some("old".to_owned())))));
        }
        let missing = EnvironmentFault::Credentials(CredentialsFault::Empty(Part::SecretAccessKey));
        assert_eq!(of(&keys[..1]), Some(Err(missing)));
        assert_eq!(with(&[("AWS_CREDENTIAL_EXPIRATION", "soon")]), Some(Err(EnvironmentFault::Expiration)));
        assert!(with(&[("AWS_CREDENTIAL_EXPIRATION", "2026-11-21T12:03:00Z")]).is_some_and(|read| read.is_ok()));
    }
}
