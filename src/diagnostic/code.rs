//! Every diagnostic code, with who has to act. `docs/diagnostics.md` has a heading for each.

use crate::product;

/// Who can mend it. Decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The workflow's author: an option or a permission.
    Workflow,
    /// The token or the CI that issues it.
    Token,
    /// The role, its trust policy, the identity provider, or the account.
    Aws,
    /// Something between here and there.
    Network,
    /// The machine that runs the job: files, disk, permissions.
    Runner,
    /// The run was stopped from outside.
    Interrupted,
    /// Us.
    Bug,
}

impl Blame {
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Workflow => 2,
            Self::Token => 3,
            Self::Aws => 4,
            Self::Network => 5,
            Self::Runner => 6,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }
}

macro_rules! codes {
    ($($variant:ident $id:literal $blame:ident $title:literal,)*) => {
        /// A stable name for one kind of trouble.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $($variant),* }

        impl Code {
            pub const ALL: &[Code] = &[$(Code::$variant),*];

            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Code::$variant => $id),* }
            }

            #[must_use]
            pub fn blame(self) -> Blame {
                match self { $(Code::$variant => Blame::$blame),* }
            }

            /// The heading's subtitle in the documentation.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title),* }
            }
        }
    };
}

codes! {
    OptionMissing "option-missing" Workflow "An option that is needed was not given",
    OptionInvalid "option-invalid" Workflow "An option has a value that cannot work",
    OptionUnknown "option-unknown" Workflow "An option has a name that does not exist",
    OptionConflict "option-conflict" Workflow "Two options contradict each other",
    CapabilityMissing "capability-missing" Workflow "The configuration asks for something that this version cannot do yet",
    EndpointNotAllowed "endpoint-not-allowed" Workflow "The environment points a service of AWS at a host that is not AWS's",
    TokenPermissionMissing "token-permission-missing" Workflow "The job may not ask for an OIDC token",
    TokenRequestRefused "token-request-refused" Token "The CI refused to issue a token",
    TokenRequestFailed "token-request-failed" Token "The CI's token service answered with an error",
    TokenAnswerInvalid "token-answer-invalid" Token "The CI's token service answered with something else than a token",
    TokenFileUnreadable "token-file-unreadable" Workflow "The file that should hold the token cannot be used",
    TokenMalformed "token-malformed" Token "The token is not a JSON Web Token",
    TokenAlgorithm "token-algorithm" Token "The token is signed in a way that STS does not accept",
    TokenClaimInvalid "token-claim-invalid" Token "The token lacks a claim that STS demands, or it has the wrong form",
    TokenExpired "token-expired" Token "The token was too old when it was used",
    TokenNotYetValid "token-not-yet-valid" Token "The token says that it was issued in the future",
    AudienceMismatch "audience-mismatch" Token "The token is meant for somebody else",
    ProviderNotFound "provider-not-found" Aws "The role's account has no identity provider for this CI",
    TokenRejected "token-rejected" Aws "The identity provider in AWS did not accept the token",
    KeysUnreachable "keys-unreachable" Aws "AWS could not fetch the CI's signing keys",
    NotAuthorized "not-authorized" Aws "The role's trust policy does not admit this job, or there is no such role",
    TagSessionNotAllowed "tag-session-not-allowed" Aws "The trust policy does not allow the session tags that the token carries",
    SourceIdentityNotAllowed "source-identity-not-allowed" Aws "The trust policy does not allow the source identity that the token carries",
    CredentialsMissing "credentials-missing" Workflow "There are no usable credentials where they were to come from",
    CredentialsRefused "credentials-refused" Workflow "AWS did not accept the credentials that signed a request",
    AssumeRoleDenied "assume-role-denied" Aws "AWS does not let these credentials assume the role",
    ClockWrong "clock-wrong" Runner "The machine's clock is too far from AWS's for a signature",
    RequestInvalid "request-invalid" Aws "STS found fault with a parameter",
    DurationTooLong "duration-too-long" Aws "The session is longer than the role allows",
    SessionPolicyInvalid "session-policy-invalid" Aws "STS could not read the session policy",
    SessionTooLarge "session-too-large" Aws "Session policies and tags do not fit into a session",
    RegionDisabled "region-disabled" Aws "STS is not enabled for the account in this region",
    StsThrottled "sts-throttled" Aws "STS asked to slow down, several times",
    StsUnavailable "sts-unavailable" Aws "STS had an error of its own, several times",
    StsError "sts-error" Aws "STS answered with an error that this tool does not know",
    StsAnswerInvalid "sts-answer-invalid" Network "What answered in place of STS was not STS",
    AccountNotAllowed "account-not-allowed" Aws "The credentials belong to an account that is not in the list",
    SpecialCharacters "special-characters" Aws "No credentials without special characters were issued",
    EcrDenied "ecr-denied" Aws "AWS does not let these credentials have a password of the registry",
    EcrUnavailable "ecr-unavailable" Aws "ECR had an error of its own, or asked to slow down, several times",
    EcrError "ecr-error" Aws "ECR found fault with the request",
    EcrAnswerInvalid "ecr-answer-invalid" Network "What answered in place of ECR was not ECR",
    LoginClientMissing "login-client-missing" Workflow "The client that was to be logged in is not installed",
    LoginFailed "login-failed" Runner "A client could not be logged in",
    AuthFileInvalid "auth-file-invalid" Runner "The file with the logins of clients cannot be used",
    LogoutFailed "logout-failed" Runner "A login could not be taken back",
    EndpointUnreachable "endpoint-unreachable" Network "A server could not be reached",
    EndpointTimeout "endpoint-timeout" Network "A server did not answer in time",
    TlsFailed "tls-failed" Network "A secure connection could not be made",
    ProxyFailed "proxy-failed" Network "The proxy could not be used",
    AnswerTooLarge "answer-too-large" Network "A server sent far more than an answer",
    TimeLimit "time-limit" Network "The time limit of the step ran out",
    HandOverFailed "hand-over-failed" Runner "The credentials could not be handed over",
    ProfileExists "profile-exists" Workflow "The profile is there already",
    CommandFailed "command-failed" Workflow "The command that was to get the credentials could not be started",
    CacheUnusable "cache-unusable" Runner "The file that a credential process works from cannot be used",
    Interrupted "interrupted" Interrupted "The run was interrupted",
}

impl Code {
    /// Whether it is an answer "no" of STS to a token: by what the token says, its provider, its audience, the
    /// role or the trust policy, and not by the request or by trouble that passes. What says so for each answer is
    /// `sts::error::ErrorKind::code`; preflight says the same of a token that STS would refuse.
    #[must_use]
    pub fn is_denial(self) -> bool {
        matches!(
            self,
            Self::TokenMalformed
                | Self::TokenClaimInvalid
                | Self::TokenExpired
                | Self::TokenNotYetValid
                | Self::AudienceMismatch
                | Self::ProviderNotFound
                | Self::TokenRejected
                | Self::KeysUnreachable
                | Self::NotAuthorized
                | Self::TagSessionNotAllowed
                | Self::SourceIdentityNotAllowed
        )
    }

    /// What it means: for a denial the page that explains one, else its part of the documentation.
    #[must_use]
    pub fn docs_url(self) -> String {
        if self.is_denial() {
            return product::cause_url(self.id());
        }
        format!("{}/docs/diagnostics.md#{}", product::SOURCE_URL, self.id())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_kebab_case() {
        let ids: BTreeSet<&str> = Code::ALL.iter().map(|code| code.id()).collect();
        assert_eq!(ids.len(), Code::ALL.len());
        assert!(ids.iter().all(|id| id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
    }
}
