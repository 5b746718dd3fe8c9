//! The kinds of refusal, by what can be done about them.
//!
//! The codes are those of
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html> and
//! <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>. One code covers many
//! causes, so the message decides as well; messages are matched loosely, since AWS rewords them.

use crate::diagnostic::Code;

/// What STS refused, and with it what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    // The token or its identity provider: the trust policy was not looked at.
    /// The token's audience is not among the provider's client ids.
    AudienceNotAccepted,
    /// A required claim is missing, empty, or has the wrong form.
    ClaimRefused {
        claim: Option<String>,
    },
    /// AWS could not fetch the issuer's keys. Often passes, the only refusal of a token that does.
    KeysUnreachable,
    /// Several audiences and no `azp` claim.
    ManyAudiences,
    /// The text that was sent is no signed token.
    NotJwt,
    /// The token's times lie in the future.
    NotYetValid,
    /// The role's account has no identity provider for the issuer, as STS names it.
    ProviderNotFound {
        issuer: Option<String>,
    },
    /// The issuer reported a failure.
    ProviderRejectedClaim,
    /// The issuer could not be reached.
    ProviderUnreachable,
    /// The token has a claim that lists roles, without this one.
    RolesClaim,
    /// The session tags in the token have the wrong form.
    TagsClaim,
    /// The certificate of the issuer's host is not the one that the provider names.
    Thumbprint,
    /// The token has expired, so many seconds ago by STS's clock where it told.
    TokenExpired {
        seconds_ago: Option<i64>,
    },
    /// Any other fault with the token: signature, keys, audience.
    TokenNotValidated,

    // The role: the token was accepted.
    /// The trust policy does not admit the token, or there is no such role; AWS does not tell.
    NotAuthorized,
    /// The token carries a source identity that the trust policy does not let it set.
    SourceIdentityNotAllowed,
    /// The token carries session tags that the trust policy does not let it set.
    TagSessionNotAllowed,

    // The request.
    /// The session is to last longer than this allows.
    DurationTooLong {
        limit: DurationLimit,
    },
    /// A parameter has a value that cannot be. Its name is spelt as in STS's message.
    ParameterInvalid {
        parameter: Option<String>,
    },
    /// A provider was named, which only two legacy providers want.
    ProviderIdSent,
    /// STS is not enabled in this region for the role's account.
    RegionDisabled,
    /// STS could not read the session policy.
    SessionPolicyInvalid,
    /// Session policies and tags do not fit into a session.
    SessionTooLarge,

    // Signed calls.
    /// The credentials or the signature of the request were refused.
    CallerRefused,
    /// The signature's time is off.
    ClockSkewed,

    // Passing trouble.
    Throttled,
    Unavailable,

    /// A code that this version does not know.
    Unknown,
}

/// Which limit a session's duration is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DurationLimit {
    /// 43,200 s for every role.
    Api,
    /// 3,600 s for a role that is assumed from another role.
    Chaining,
    /// What the role's `MaxSessionDuration` says, 3,600 s unless it was raised.
    Role,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// With a new token, once; the same token will not get better.
    FreshToken,
    Never,
    /// Once, after some seconds: a clock is slightly off.
    OnceAfterDelay,
    /// Several times, each after a longer wait.
    Yes,
}

impl ErrorKind {
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::KeysUnreachable | Self::ProviderUnreachable | Self::Throttled | Self::Unavailable => Retry::Yes,
            Self::TokenExpired { .. } => Retry::FreshToken,
            Self::ClockSkewed | Self::NotYetValid => Retry::OnceAfterDelay,
            _ => Retry::Never,
        }
    }

    /// The diagnostic that tells about it.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::AudienceNotAccepted => Code::AudienceMismatch,
            Self::ClaimRefused { .. } | Self::ManyAudiences | Self::RolesClaim | Self::TagsClaim => {
                Code::TokenClaimInvalid
            }
            Self::KeysUnreachable | Self::ProviderUnreachable => Code::KeysUnreachable,
            Self::NotJwt => Code::TokenMalformed,
            Self::NotYetValid => Code::TokenNotYetValid,
            Self::ProviderNotFound { .. } => Code::ProviderNotFound,
            Self::ProviderRejectedClaim | Self::Thumbprint | Self::TokenNotValidated => Code::TokenRejected,
            Self::TokenExpired { .. } => Code::TokenExpired,
            Self::NotAuthorized => Code::NotAuthorized,
            Self::SourceIdentityNotAllowed => Code::SourceIdentityNotAllowed,
            Self::TagSessionNotAllowed => Code::TagSessionNotAllowed,
            Self::DurationTooLong { .. } => Code::DurationTooLong,
            Self::ParameterInvalid { .. } | Self::ProviderIdSent => Code::RequestInvalid,
            Self::RegionDisabled => Code::RegionDisabled,
            Self::SessionPolicyInvalid => Code::SessionPolicyInvalid,
            Self::SessionTooLarge => Code::SessionTooLarge,
            Self::Throttled => Code::StsThrottled,
            Self::Unavailable => Code::StsUnavailable,
            Self::CallerRefused | Self::ClockSkewed | Self::Unknown => Code::StsError,
        }
    }

    /// Sorts an error by its code, its message, and its HTTP status where the code says nothing.
    #[must_use]
    pub fn of(status: u16, code: &str, message: &str) -> Self {
        let code = code.to_ascii_lowercase();
        // `ExpiredToken` and `ExpiredTokenException` are the same error: documentation, SDKs and
        // the wire do not agree on the suffix.
        let code = code.strip_suffix("exception").unwrap_or(&code);
        let said = Said::new(message);
        match code {
            "invalididentitytoken" => of_invalid_identity_token(&said),
            // A signed call with old credentials has the same code.
            "expiredtoken" if said.has("security token") => Self::CallerRefused,
            "expiredtoken" => Self::TokenExpired { seconds_ago: expired_ago(&said) },
            "idpcommunicationerror" => Self::ProviderUnreachable,
            "idprejectedclaim" => Self::ProviderRejectedClaim,
            "accessdenied" if said.has("sts:tagsession") => Self::TagSessionNotAllowed,
            "accessdenied" if said.has("sts:setsourceidentity") => Self::SourceIdentityNotAllowed,
            "accessdenied" if said.has("oauth provider") => Self::ProviderIdSent,
            "accessdenied" => Self::NotAuthorized,
            "validation" | "validationerror" => of_validation_error(&said),
            "malformedpolicydocument" => Self::SessionPolicyInvalid,
            "packedpolicytoolarge" => Self::SessionTooLarge,
            "regiondisabled" => Self::RegionDisabled,
            "signaturedoesnotmatch" if said.has("signature expired") || said.has("signature not yet current") => {
                Self::ClockSkewed
            }
            "requestexpired" | "requesttimetooskewed" => Self::ClockSkewed,
            "invalidclienttokenid"
            | "signaturedoesnotmatch"
            | "missingauthenticationtoken"
            | "incompletesignature"
            | "unrecognizedclient" => Self::CallerRefused,
            _ if is_throttling(code) || status == 429 => Self::Throttled,
            "internalfailure" | "internalerror" | "serviceunavailable" => Self::Unavailable,
            _ if status >= 500 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }
}

/// A message to look for words in, whatever their case.
struct Said<'a> {
    original: &'a str,
    /// Same length, so that places in one are places in the other.
    folded: String,
}

impl<'a> Said<'a> {
    fn new(message: &'a str) -> Self {
        Self { original: message, folded: message.to_ascii_lowercase() }
    }

    fn has(&self, words: &str) -> bool {
        self.folded.contains(words)
    }

    /// What follows these words, as it was written.
    fn after(&self, words: &str) -> Option<&'a str> {
        let at = self.folded.find(words)? + words.len();
        self.original.get(at..)
    }

    /// The word after these words, without punctuation around it.
    fn word_after(&self, words: &str) -> Option<String> {
        let word = self.after(words)?.split_whitespace().next()?;
        let word = word.trim_matches(|c| matches!(c, '\'' | '"' | '.' | ',' | ':'));
        (!word.is_empty()).then(|| word.to_owned())
    }

    fn number_after(&self, words: &str) -> Option<i64> {
        self.word_after(words)?.parse().ok()
    }
}

fn of_invalid_identity_token(said: &Said<'_>) -> ErrorKind {
    if said.has("retrieve verification key") {
        ErrorKind::KeysUnreachable
    } else if said.has("no openidconnect provider found") {
        ErrorKind::ProviderNotFound { issuer: said.word_after("in your account for ") }
    } else if said.has("more than one audience") {
        ErrorKind::ManyAudiences
    } else if said.has("token audience") {
        ErrorKind::AudienceNotAccepted
    } else if said.has("thumbprint") {
        ErrorKind::Thumbprint
    } else if said.has("roles claim") {
        ErrorKind::RolesClaim
    } else if said.has("principal_tags") || said.has("session tags") || said.has("transitive_tag_keys") {
        ErrorKind::TagsClaim
    } else if said.has("in the future") || said.has("not yet valid") {
        ErrorKind::NotYetValid
    } else if said.has("not a valid jwt") {
        ErrorKind::NotJwt
    } else if said.has("required claim") {
        ErrorKind::ClaimRefused { claim: said.word_after("required claim:") }
    } else if said.has("not allowed to be empty") || said.has("invalid timestamp") {
        ErrorKind::ClaimRefused { claim: None }
    } else {
        ErrorKind::TokenNotValidated
    }
}

fn of_validation_error(said: &Said<'_>) -> ErrorKind {
    if said.has("role chaining") {
        ErrorKind::DurationTooLong { limit: DurationLimit::Chaining }
    } else if said.has("maxsessionduration") {
        ErrorKind::DurationTooLong { limit: DurationLimit::Role }
    } else if said.has("'durationseconds'") && said.has("less than or equal to") {
        ErrorKind::DurationTooLong { limit: DurationLimit::Api }
    } else if said.has("request arn is invalid") {
        ErrorKind::ParameterInvalid { parameter: Some("roleArn".to_owned()) }
    } else {
        // "Value 'x' at 'roleSessionName' failed to satisfy constraint"; the value may hold anything.
        let name = said.original.rsplit_once("' failed to satisfy").and_then(|(head, _)| head.rsplit_once("at '"));
        ErrorKind::ParameterInvalid { parameter: name.map(|(_, name)| name.to_owned()) }
    }
}

/// STS allows clocks to differ by five minutes, and quotes its own time with them taken off.
const TOLERANCE_SECONDS: i64 = 300;

/// "Token expired: current date/time 1740387458 must be before the expiration date/time 1740319004"
fn expired_ago(said: &Said<'_>) -> Option<i64> {
    let now = said.number_after("current date/time ")?;
    let expired = said.number_after("expiration date/time ")?;
    now.checked_sub(expired)?.checked_add(TOLERANCE_SECONDS)
}

/// The codes that the AWS SDKs count as throttling; `code` is in lower case without `exception`.
fn is_throttling(code: &str) -> bool {
    code.starts_with("throttl")
        || matches!(
            code,
            "bandwidthlimitexceeded"
                | "ec2throttled"
                | "limitexceeded"
                | "priorrequestnotcomplete"
                | "provisionedthroughputexceeded"
                | "requestlimitexceeded"
                | "requestthrottled"
                | "slowdown"
                | "toomanyrequests"
                | "transactioninprogress"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of refusals: code, status, message as AWS words it, and what follows.
    #[test]
    fn every_known_refusal_is_sorted() {
        use ErrorKind as K;
        use Retry::{FreshToken, Never, OnceAfterDelay, Yes};
        let issuer = Some("https://token.actions.githubusercontent.com".to_owned());
        let long = |limit| K::DurationTooLong { limit };
        let parameter = |name: &str| K::ParameterInvalid { parameter: Some(name.to_owned()) };
        #[rustfmt::skip]
        let table = [
            ("InvalidIdentityToken", 400, "No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com", K::ProviderNotFound { issuer }, Never),
            ("InvalidIdentityToken", 400, "No OpenIDConnect provider found in your account", K::ProviderNotFound { issuer: None }, Never),
            ("InvalidIdentityToken", 400, "The web identity token that was passed could not be validated by AWS", K::TokenNotValidated, Never),
            ("InvalidIdentityToken", 400, "", K::TokenNotValidated, Never),
            ("InvalidIdentityToken", 400, "Incorrect token audience", K::AudienceNotAccepted, Never),
            ("InvalidIdentityToken", 400, "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements", K::KeysUnreachable, Yes),
            ("InvalidIdentityToken", 400, "Token audience contains more than one audience while authorized party is not present", K::ManyAudiences, Never),
            ("InvalidIdentityToken", 400, "Missing a required claim: exp", K::ClaimRefused { claim: Some("exp".into()) }, Never),
            ("InvalidIdentityToken", 400, "aud is not allowed to be empty", K::ClaimRefused { claim: None }, Never),
            ("InvalidIdentityToken", 400, "Invalid timestamp in token claims.", K::ClaimRefused { claim: None }, Never),
            ("InvalidIdentityToken", 400, "Token issued in the future.", K::NotYetValid, OnceAfterDelay),
            ("InvalidIdentityToken", 400, "The web identity token is not yet valid.", K::NotYetValid, OnceAfterDelay),
            ("InvalidIdentityToken", 400, "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)", K::NotJwt, Never),
            ("InvalidIdentityToken", 400, "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint", K::Thumbprint, Never),
            ("InvalidIdentityToken", 400, "The target role ARN is not present in the roles claim", K::RolesClaim, Never),
            ("InvalidIdentityToken", 400, "principal_tags passed in claim is not in correct format.", K::TagsClaim, Never),
            ("InvalidIdentityToken", 400, "Session tags passed in claim are not in correct format.", K::TagsClaim, Never),
            ("ExpiredTokenException", 400, "Token expired: current date/time 1740387458 must be before the expiration date/time 1740387400", K::TokenExpired { seconds_ago: Some(358) }, FreshToken),
            ("ExpiredTokenException", 400, "The web identity token that was passed is expired or is not valid.", K::TokenExpired { seconds_ago: None }, FreshToken),
            ("IDPCommunicationError", 400, "The identity provider could not be reached", K::ProviderUnreachable, Yes),
            ("IDPRejectedClaim", 403, "The identity provider (IdP) reported that authentication failed", K::ProviderRejectedClaim, Never),
            ("AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity", K::NotAuthorized, Never),
            ("AccessDenied", 403, "Not authorized to perform sts:TagSession", K::TagSessionNotAllowed, Never),
            ("AccessDenied", 403, "User: arn:aws:iam::123456789012:oidc-provider/x is not authorized to perform: sts:SetSourceIdentity on resource: r", K::SourceIdentityNotAllowed, Never),
            ("AccessDenied", 403, "Unrecognized OAuth provider. Do not include a provider parameter when submitting OpenIDConnect ID tokens", K::ProviderIdSent, Never),
            ("ValidationError", 400, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", long(DurationLimit::Role), Never),
            ("ValidationError", 400, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.", long(DurationLimit::Chaining), Never),
            ("ValidationError", 400, "1 validation error detected: Value '50000' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200", long(DurationLimit::Api), Never),
            ("ValidationError", 400, "1 validation error detected: Value '100' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900", parameter("durationSeconds"), Never),
            ("ValidationError", 400, r"1 validation error detected: Value 'a at 'b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*", parameter("roleSessionName"), Never),
            ("ValidationError", 400, "1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: Member must have length less than or equal to 20000", parameter("webIdentityToken"), Never),
            ("ValidationError", 400, "Request ARN is invalid", parameter("roleArn"), Never),
            ("ValidationError", 400, "something new", K::ParameterInvalid { parameter: None }, Never),
            ("MalformedPolicyDocument", 400, "Syntax errors in policy.", K::SessionPolicyInvalid, Never),
            ("PackedPolicyTooLarge", 400, "Packed policy consumes 157% of allotted space, please use smaller policy.", K::SessionTooLarge, Never),
            ("PackedPolicyTooLargeException", 400, "Serialized token too large for session", K::SessionTooLarge, Never),
            ("RegionDisabledException", 403, "STS is not activated in this region for account:123456789012. Your account administrator can activate STS in this region using the IAM Console.", K::RegionDisabled, Never),
            ("InternalFailure", 500, "", K::Unavailable, Yes),
            ("ServiceUnavailable", 503, "", K::Unavailable, Yes),
            ("SomethingNew", 502, "", K::Unavailable, Yes),
            ("Throttling", 400, "Rate exceeded", K::Throttled, Yes),
            ("ThrottlingException", 400, "Rate exceeded", K::Throttled, Yes),
            ("ThrottledException", 429, "", K::Throttled, Yes),
            ("TooManyRequestsException", 429, "", K::Throttled, Yes),
            ("RequestLimitExceeded", 503, "", K::Throttled, Yes),
            ("SlowDown", 503, "", K::Throttled, Yes),
            ("SomethingNew", 429, "", K::Throttled, Yes),
            ("InvalidClientTokenId", 403, "The security token included in the request is invalid.", K::CallerRefused, Never),
            ("ExpiredToken", 403, "The security token included in the request is expired", K::CallerRefused, Never),
            ("MissingAuthenticationToken", 403, "Request is missing Authentication Token", K::CallerRefused, Never),
            ("SignatureDoesNotMatch", 403, "The request signature we calculated does not match the signature you provided.", K::CallerRefused, Never),
            ("SignatureDoesNotMatch", 403, "Signature expired: 20261121T110000Z is now earlier than 20261121T115500Z", K::ClockSkewed, OnceAfterDelay),
            ("SomethingNew", 400, "what?", K::Unknown, Never),
        ];
        for (code, status, message, kind, retry) in table {
            let sorted = ErrorKind::of(status, code, message);
            assert_eq!(sorted, kind, "{code}: {message}");
            assert_eq!(sorted.retry(), retry, "{code}: {message}");
            let is_about_request = match kind {
                K::AudienceNotAccepted | K::ClaimRefused { .. } | K::KeysUnreachable | K::ManyAudiences => false,
                K::NotJwt | K::NotYetValid | K::ProviderNotFound { .. } | K::ProviderRejectedClaim => false,
                K::ProviderUnreachable | K::RolesClaim | K::TagsClaim | K::Thumbprint => false,
                K::TokenExpired { .. } | K::TokenNotValidated | K::NotAuthorized => false,
                K::SourceIdentityNotAllowed | K::TagSessionNotAllowed => false,
                K::DurationTooLong { .. } | K::ParameterInvalid { .. } | K::ProviderIdSent => true,
                K::RegionDisabled | K::SessionPolicyInvalid | K::SessionTooLarge | K::CallerRefused => true,
                K::ClockSkewed | K::Throttled | K::Unavailable | K::Unknown => true,
            };
            assert_eq!(sorted.code().is_denial(), !is_about_request, "{code}: {message}");
        }
    }

    #[test]
    fn spelling_does_not_matter() {
        for code in ["InvalidIdentityToken", "InvalidIdentityTokenException", "INVALIDIDENTITYTOKEN"] {
            let kind = ErrorKind::of(400, code, "COULDN'T RETRIEVE VERIFICATION KEY");
            assert_eq!(kind, ErrorKind::KeysUnreachable, "{code}");
        }
        let kind = ErrorKind::of(400, "ExpiredToken", "Token expired: current date/time 10 must be …");
        assert_eq!(kind, ErrorKind::TokenExpired { seconds_ago: None });
    }

    #[test]
    fn hostile_messages_do_not_panic() {
        for message in [
            "at '' failed to satisfy",
            "current date/time 9223372036854775807 expiration date/time -9",
            "required claim:",
            "İn your account for é",
        ] {
            for code in ["ValidationError", "ExpiredTokenException", "InvalidIdentityToken"] {
                let _ = ErrorKind::of(400, code, message);
            }
        }
    }
}
