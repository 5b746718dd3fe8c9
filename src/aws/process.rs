//! Credentials from a program, as the option `credential_process` of a profile names one.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>

use serde_json::Value;

use super::credentials::{Credentials, MemberFault};

/// Reads what the program printed. Credentials without an end are good until they are replaced.
///
/// # Errors
/// When it is something else; what was printed is never told, since it may hold keys.
pub fn read(stdout: &str) -> Result<Credentials, ProcessFault> {
    let value: Value = serde_json::from_str(stdout)
        .map_err(|error| ProcessFault::NotJson { line: error.line(), column: error.column() })?;
    let members = value.as_object().ok_or(ProcessFault::NotAnObject)?;
    // The one version that there is. An SDK that knows a later one would read other members.
    if members.get("Version").and_then(Value::as_u64) != Some(1) {
        return Err(ProcessFault::Version);
    }
    Credentials::read(members, "SessionToken", true).map_err(ProcessFault::Member)
}

/// What a program printed in place of credentials. The program's author can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessFault {
    Member(MemberFault),
    NotAnObject,
    NotJson {
        line: usize,
        column: usize,
    },
    /// `Version` is not 1.
    Version,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn credentials_are_read() {
        let with_end = r#"{"Version":1,"AccessKeyId":"ASIA","SecretAccessKey":"s","SessionToken":"t","Expiration":"2026-11-21T12:03:00+00:00","AccountId":"123456789012"}"#;
        assert!(read(with_end).is_ok_and(|read| read.session_token.is_some() && read.expiration.is_some()));
        let bare = "{\"Version\": 1, \"AccessKeyId\": \"AKIA\", \"SecretAccessKey\": \"s\"}\n";
        assert!(read(bare).is_ok_and(|read| read.session_token.is_none() && read.expiration.is_none()));
    }

    #[test]
    fn what_is_something_else_is_named() {
        for (stdout, fault) in [
            ("", ProcessFault::NotJson { line: 1, column: 0 }),
            ("please sign in\n{}", ProcessFault::NotJson { line: 1, column: 1 }),
            ("{} {}", ProcessFault::NotJson { line: 1, column: 4 }),
            ("[]", ProcessFault::NotAnObject),
            ("{}", ProcessFault::Version),
            (r#"{"Version":2,"AccessKeyId":"AKIA","SecretAccessKey":"s"}"#, ProcessFault::Version),
            (r#"{"Version":"1"}"#, ProcessFault::Version),
            (r#"{"Version":1}"#, ProcessFault::Member(MemberFault { member: "AccessKeyId" })),
            (
                r#"{"Version":1,"AccessKeyId":"AKIA","SecretAccessKey":"s","Expiration":1}"#,
                ProcessFault::Member(MemberFault { member: "Expiration" }),
            ),
        ] {
            assert_eq!(read(stdout).err(), Some(fault), "{stdout}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = read(&text);
        }
    }
}
