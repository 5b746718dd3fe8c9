//! Keys that sign requests, whatever they come from.

use std::fmt;

use serde_json::{Map, Value};

use crate::secret::Secret;
use crate::sts::session::{self, Session};
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

    /// The texts that are to be hidden.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        [&self.access_key_id, &self.secret_access_key].into_iter().chain(&self.session_token)
    }

    /// Reads them as services on the machine and `credential_process` hand them out: an object with
    /// `AccessKeyId`, `SecretAccessKey`, a token and `Expiration`. The token's name is not everywhere
    /// the same. The last two may be missing where `of_user` says so: keys of a user have neither.
    pub(super) fn read(members: &Map<String, Value>, token: &'static str, of_user: bool) -> Result<Self, MemberFault> {
        let text = |member: &'static str| match members.get(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(MemberFault { member }),
        };
        let needed = |member| text(member)?.ok_or(MemberFault { member });
        let (id, secret) = (needed("AccessKeyId")?, needed("SecretAccessKey")?);
        let (session_token, expiration) = if of_user {
            (text(token)?, text("Expiration")?)
        } else {
            (Some(needed(token)?), Some(needed("Expiration")?))
        };
        let mut credentials = Self::parse(id, secret, session_token).map_err(|fault| MemberFault {
            member: match fault.part() {
                Part::AccessKeyId => "AccessKeyId",
                Part::SecretAccessKey => "SecretAccessKey",
                Part::SessionToken => token,
            },
        })?;
        if credentials.session_token.is_none() && !of_user {
            return Err(MemberFault { member: token });
        }
        if let Some(text) = expiration {
            let moment = Timestamp::parse(text).ok_or(MemberFault { member: "Expiration" })?;
            credentials.expiration = Some(moment);
        }
        Ok(credentials)
    }
}

/// A role's session signs as any other credentials do.
impl From<&session::Credentials> for Credentials {
    fn from(session: &session::Credentials) -> Self {
        Self {
            access_key_id: session.access_key_id.clone(),
            secret_access_key: session.secret_access_key.clone(),
            session_token: Some(session.session_token.clone()),
            expiration: Some(session.expiration),
        }
    }
}

/// Credentials, and whose they are. It has no `Debug`, since it holds secrets.
pub struct Identity {
    pub credentials: Credentials,
    /// 12 digits.
    pub account: String,
    /// Of a session of a role, or of whoever else has credentials.
    pub arn: String,
}

impl From<Session> for Identity {
    fn from(session: Session) -> Self {
        Self {
            credentials: Credentials::from(&session.credentials),
            account: session.account,
            arn: session.assumed_role_arn,
        }
    }
}

/// The member of an object that is missing, or is not what belongs there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberFault {
    pub member: &'static str,
}

/// Which of the three is not what it should be. It never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialsFault {
    /// A character that is not printable ASCII.
    Character(Part),
    Empty(Part),
}

impl CredentialsFault {
    #[must_use]
    pub fn part(self) -> Part {
        match self {
            Self::Character(part) | Self::Empty(part) => part,
        }
    }
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

    #[test]
    fn objects_are_read_member_by_member() {
        let whole = r#"{"AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"t","Expiration":"2026-11-21T12:03:00Z"}"#;
        let read = |json: &str, of_user| {
            let value: Value = serde_json::from_str(json).unwrap();
            Credentials::read(value.as_object().unwrap(), "Token", of_user)
        };
        let credentials = read(whole, false).ok().unwrap();
        assert_eq!(credentials.session_token.map(|token| token.expose().to_owned()).as_deref(), Some("t"));
        assert_eq!(credentials.expiration.map(|time| time.to_string()).as_deref(), Some("2026-11-21T12:03:00Z"));
        for (from, to, member) in [
            (r#""ASIA""#, "null", "AccessKeyId"),
            (r#""ASIA""#, r#""""#, "AccessKeyId"),
            (r#""s""#, "1", "SecretAccessKey"),
            (r#""s""#, r#""a b""#, "SecretAccessKey"),
            (r#""t""#, r#""a\r\nb""#, "Token"),
            ("2026-11-21T12:03:00Z", "soon", "Expiration"),
        ] {
            for of_user in [false, true] {
                let fault = read(&whole.replacen(from, to, 1), of_user).err();
                assert_eq!(fault, Some(MemberFault { member }), "{from} -> {to}");
            }
        }
        let of_user = r#"{"AccessKeyId":"AKIA","SecretAccessKey":"s"}"#;
        assert!(read(of_user, true).is_ok_and(|keys| keys.session_token.is_none() && keys.expiration.is_none()));
        assert_eq!(read(of_user, false).err(), Some(MemberFault { member: "Token" }));
        assert_eq!(read(&whole.replacen(r#""t""#, r#""""#, 1), false).err(), Some(MemberFault { member: "Token" }));
    }
}
