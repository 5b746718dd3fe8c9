//! Keys that sign requests, whatever they come from.

use std::fmt;

use crate::secret::Secret;
use crate::time::Timestamp;

/// The keys of a user, or of a session. It has no `Debug`, since it holds secrets.
#[derive(Clone)]
pub struct Credentials {
    pub access_key_id: Secret,
    pub secret_access_key: Secret,
    /// `None`: keys of a user, which nothing ends but their removal.
    pub session_token: Option<Secret>,
    /// When they stop working, where that is known.
    pub expiration: Option<Timestamp>,
}

impl Credentials {
    /// Takes the two keys, and a token that counts as absent when it is empty. Space around each is
    /// dropped: it comes with keys that are pasted.
    ///
    /// # Errors
    /// When one is empty, or holds what could not stand in a header, a variable or a file.
    pub fn parse(
        access_key_id: &str,
        secret_access_key: &str,
        session_token: Option<&str>,
    ) -> Result<Self, CredentialsFault> {
        let token = session_token.map(str::trim).filter(|token| !token.is_empty());
        Ok(Self {
            access_key_id: part(access_key_id, Part::AccessKeyId)?,
            secret_access_key: part(secret_access_key, Part::SecretAccessKey)?,
            session_token: token.map(|token| part(token, Part::SessionToken)).transpose()?,
            expiration: None,
        })
    }
}

/// Which of the three is not what it should be. It never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialsFault {
    /// A character that is not printable ASCII.
    Character(Part),
    Empty(Part),
}

impl fmt::Display for CredentialsFault {
    /// A sentence without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character(part) => {
                write!(f, "the {part} has a space, a line break or another character that no key has")
            }
            Self::Empty(part) => write!(f, "the {part} is missing or empty"),
        }
    }
}

/// One of the three texts of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    AccessKeyId,
    SecretAccessKey,
    SessionToken,
}

impl fmt::Display for Part {
    /// As AWS's documentation calls it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessKeyId => "access key ID",
            Self::SecretAccessKey => "secret access key",
            Self::SessionToken => "session token",
        })
    }
}

fn part(text: &str, part: Part) -> Result<Secret, CredentialsFault> {
    let text = text.trim();
    if text.is_empty() {
        return Err(CredentialsFault::Empty(part));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(CredentialsFault::Character(part));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_or_refused() {
        let fault = |id, secret, token| Credentials::parse(id, secret, token).err();
        assert_eq!(fault("AKIAEXAMPLE", "abc/+", None), None);
        assert_eq!(fault("AKIAEXAMPLE\n", " abc", Some("t==")), None);
        assert_eq!(fault(" ", "abc", None), Some(CredentialsFault::Empty(Part::AccessKeyId)));
        assert_eq!(fault("AKIA", "", None), Some(CredentialsFault::Empty(Part::SecretAccessKey)));
        assert_eq!(fault("AKIA", "a b", None), Some(CredentialsFault::Character(Part::SecretAccessKey)));
        assert_eq!(fault("AKIA", "ab", Some("a\r\nx: y")), Some(CredentialsFault::Character(Part::SessionToken)));
        assert_eq!(fault("AKIÄ", "ab", None), Some(CredentialsFault::Character(Part::AccessKeyId)));
    }

    #[test]
    fn an_empty_token_is_none() {
        let credentials = Credentials::parse("AKIA", "s", Some(" ")).ok().unwrap();
        assert!(credentials.session_token.is_none());
        assert_eq!(credentials.access_key_id.expose(), "AKIA");
    }
}
