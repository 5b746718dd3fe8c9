//! What can be wrong with a token, and how it is told.

use std::fmt;

use super::{ALGORITHMS, MAX_CHARS};
use crate::diagnostic::{Code, Diagnostic};
use crate::text::Inert;
use crate::time::{Timestamp, span};

/// Why STS would refuse a token. None of them holds text of the token except names and claims that
/// are fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenFault {
    // The text.
    Empty,
    /// The whole answer of a token service.
    JsonDocument,
    /// What a log shows in place of a secret.
    Masked,
    Quoted,
    TooLong {
        chars: usize,
    },
    /// `$NAME`, `${{ … }}`, `%NAME%`.
    VariableName,
    Whitespace,

    // The parts.
    Duplicate {
        part: Part,
        name: String,
    },
    Encoding {
        part: Part,
    },
    /// Five parts.
    Encrypted,
    NotObject {
        part: Part,
    },
    /// One part.
    Opaque,
    Parts {
        count: usize,
    },

    // The header.
    Algorithm {
        name: String,
    },
    AlgorithmMissing,
    Critical,

    // The claims.
    Audience {
        expected: String,
        audiences: Vec<String>,
        authorized_party: Option<String>,
    },
    Expired {
        issued_at: Timestamp,
        expires_at: Timestamp,
        now: Timestamp,
    },
    Form {
        claim: &'static str,
        wanted: &'static str,
        found: &'static str,
    },
    ManyAudiences {
        audiences: Vec<String>,
    },
    Missing {
        claim: &'static str,
    },
    NotYetValid {
        valid_from: Timestamp,
        now: Timestamp,
    },
}

/// One of the three parts of a signed token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Header,
    Claims,
    Signature,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Claims => "payload",
            Self::Signature => "signature",
        })
    }
}

/// Longer claims and names are cut when they are shown.
const SHOWN_CHARS: usize = 200;

impl TokenFault {
    /// The fault as a person is told. Where the token came from is for the caller to add.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Empty => malformed("the token is empty")
                .cause("the variable or file that should hold the token is not set in this job")
                .fix("check that the job may have an OIDC token, and that the name of the variable or file is right"),
            Self::JsonDocument => malformed("the token is a JSON document")
                .cause("the whole answer of the token service was stored, and not only the token in it")
                .fix("store the member that holds the token, for example with `jq -r .value`"),
            Self::Masked => malformed("the token is the mask that a log shows in place of a secret")
                .cause("the token was copied from a log, or went through an output that the CI masks")
                .fix("fetch the token in the job that uses it"),
            Self::Quoted => malformed("the token is in quotes")
                .cause("quotes of a shell or of a configuration file became part of the value")
                .fix("remove the quotes from the value"),
            Self::TooLong { chars } => malformed("the token is longer than STS accepts")
                .fact("length", format!("{chars} characters"))
                .fact("limit", format!("{MAX_CHARS} characters"))
                .cause("something else than a token was stored, or the issuer adds very many claims"),
            Self::VariableName => malformed("the token is the name of a variable, and not its value")
                .cause("the name stands where the CI or the shell does not replace it, such as in single quotes")
                .fix("use a form that is replaced there, or let the value come from the environment"),
            Self::Whitespace => malformed("the token has white space in it")
                .cause("several lines were stored, or a prefix such as `Bearer`")
                .fix("store the token alone, on one line"),

            Self::Duplicate { part, name } => {
                malformed(format!("the token's {part} has two members with the same name"))
                    .fact("name", shown(name))
                    .cause("the token was not made by an ordinary issuer: readers differ in which of the two they take")
            }
            Self::Encoding { part } => {
                malformed(format!("the token's {part} is not base64url text without padding")).cause(DAMAGED)
            }
            Self::Encrypted => malformed("the token is encrypted (JWE): it has five parts instead of three")
                .cause("the issuer encrypts its tokens for another recipient, and AWS cannot read them")
                .fix("ask the issuer for a signed ID token (JWS)"),
            Self::NotObject { part } => malformed(format!("the token's {part} is not a JSON object")).cause(DAMAGED),
            Self::Opaque => malformed("the token is not a JSON Web Token: it has no dots")
                .cause("an access token, an API key or another secret was passed in place of the OIDC ID token")
                .fix("pass the ID token: three parts with dots between them, the first starting with `eyJ`"),
            Self::Parts { count } => {
                malformed(format!("the token has {count} parts with dots between them instead of 3")).cause(DAMAGED)
            }

            Self::Algorithm { name } => Diagnostic::new(
                Code::TokenAlgorithm,
                format!("the token is signed with {}, which STS does not accept", shown(name)),
            )
            .fact("accepted", ALGORITHMS.join(", "))
            .fix("let the issuer sign its ID tokens with RS256 or ES256"),
            Self::AlgorithmMissing => {
                Diagnostic::new(Code::TokenAlgorithm, "the token does not say how it is signed (`alg`)")
                    .fact("accepted", ALGORITHMS.join(", "))
            }
            Self::Critical => Diagnostic::new(
                Code::TokenAlgorithm,
                "the token demands extensions of its reader (`crit`), and STS knows none",
            )
            .fix("let the issuer sign plain ID tokens, without a `crit` header"),

            Self::Audience { expected, audiences, authorized_party } => {
                Diagnostic::new(Code::AudienceMismatch, "the token is meant for another audience")
                    .fact("token has", format!("aud = {}", listed(audiences)))
                    .fact_if("and", authorized_party.as_ref().map(|party| format!("azp = {}", shown(party))))
                    .fact("expected", format!("aud = {}", shown(expected)))
                    .cause("the token was made for another service, or with another audience than this step asks for")
                    .fix("ask the CI for a token with the expected audience, or give this step the token's audience")
            }
            Self::Expired { issued_at, expires_at, now } => {
                let ago = span(now.seconds_since(*expires_at));
                Diagnostic::new(Code::TokenExpired, format!("the token expired {ago} ago"))
                    .fact("issued", issued_at.to_string())
                    .fact("expired", expires_at.to_string())
                    .fact("runner's clock", now.to_string())
                    .cause("the token was fetched early and used late: after a long step, in a queue, or after an approval")
                    .cause("the runner's clock is wrong, if the time above is not the present time")
                    .fix("fetch the token right before it is used")
            }
            Self::Form { claim, wanted, found } => {
                claim_invalid(format!("the token's `{claim}` claim has a form that STS does not accept"))
                    .fact("found", found)
                    .fact("needed", wanted)
                    .cause(CUSTOM)
            }
            Self::ManyAudiences { audiences } => {
                claim_invalid("the token has several audiences, and no `azp` claim that says which one counts")
                    .fact("aud", listed(audiences))
                    .fix("ask the CI for a token with one audience")
            }
            Self::Missing { claim } => claim_invalid(format!("the token has no `{claim}` claim"))
                .fact("needed", "iss, sub, aud, iat and exp")
                .cause("the token is not an OIDC ID token, for example an access token of the CI's API")
                .cause(CUSTOM),
            Self::NotYetValid { valid_from, now } => {
                let ahead = span(valid_from.seconds_since(*now));
                Diagnostic::new(Code::TokenNotYetValid, format!("the token is not valid before {ahead} from now"))
                    .fact("valid from", valid_from.to_string())
                    .fact("runner's clock", now.to_string())
                    .cause("the issuer makes tokens for later")
                    .cause("the runner's clock is wrong, if the time above is not the present time")
            }
        }
    }
}

const DAMAGED: &str = "the token was cut, joined with something, or changed on its way here";
const CUSTOM: &str = "the token was made by an issuer that does not follow OpenID Connect";

fn malformed(headline: impl AsRef<str>) -> Diagnostic {
    Diagnostic::new(Code::TokenMalformed, headline)
}

fn claim_invalid(headline: impl AsRef<str>) -> Diagnostic {
    Diagnostic::new(Code::TokenClaimInvalid, headline)
}

fn shown(text: &str) -> String {
    Inert::excerpt(text, SHOWN_CHARS).into()
}

fn listed(texts: &[String]) -> String {
    let shown: Vec<String> = texts.iter().take(10).map(|text| shown(text)).collect();
    if texts.len() > shown.len() { format!("{}, …", shown.join(", ")) } else { shown.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_code_and_says_what_to_do_or_why() {
        let part = Part::Claims;
        let time = Timestamp::from_seconds(0);
        let text = String::new;
        for (fault, code) in [
            (TokenFault::Empty, Code::TokenMalformed),
            (TokenFault::JsonDocument, Code::TokenMalformed),
            (TokenFault::Masked, Code::TokenMalformed),
            (TokenFault::Quoted, Code::TokenMalformed),
            (TokenFault::TooLong { chars: 20_001 }, Code::TokenMalformed),
            (TokenFault::VariableName, Code::TokenMalformed),
            (TokenFault::Whitespace, Code::TokenMalformed),
            (TokenFault::Duplicate { part, name: text() }, Code::TokenMalformed),
            (TokenFault::Encoding { part }, Code::TokenMalformed),
            (TokenFault::Encrypted, Code::TokenMalformed),
            (TokenFault::NotObject { part }, Code::TokenMalformed),
            (TokenFault::Opaque, Code::TokenMalformed),
            (TokenFault::Parts { count: 2 }, Code::TokenMalformed),
            (TokenFault::Algorithm { name: text() }, Code::TokenAlgorithm),
            (TokenFault::AlgorithmMissing, Code::TokenAlgorithm),
            (TokenFault::Critical, Code::TokenAlgorithm),
            (
                TokenFault::Audience { expected: text(), audiences: Vec::new(), authorized_party: None },
                Code::AudienceMismatch,
            ),
            (TokenFault::Expired { issued_at: time, expires_at: time, now: time }, Code::TokenExpired),
            (TokenFault::Form { claim: "exp", wanted: "", found: "" }, Code::TokenClaimInvalid),
            (TokenFault::ManyAudiences { audiences: Vec::new() }, Code::TokenClaimInvalid),
            (TokenFault::Missing { claim: "exp" }, Code::TokenClaimInvalid),
            (TokenFault::NotYetValid { valid_from: time, now: time }, Code::TokenNotYetValid),
        ] {
            let diagnostic = fault.diagnostic();
            assert_eq!(diagnostic.code, code, "{fault:?}");
            assert!(!diagnostic.headline.as_str().ends_with('.'), "{fault:?}");
            let told = diagnostic.facts.len() + diagnostic.causes.len() + diagnostic.fixes.len();
            assert!(told > 0, "{fault:?}");
        }
    }

    #[test]
    fn an_expired_token_reads_like_this() {
        let at = Timestamp::from_seconds;
        let fault = TokenFault::Expired { issued_at: at(0), expires_at: at(300), now: at(5700) };
        let diagnostic = fault.diagnostic();
        assert_eq!(diagnostic.headline.as_str(), "the token expired 1 h 30 min ago");
        let facts: Vec<_> = diagnostic.facts.iter().map(|(label, value)| (*label, value.as_str())).collect();
        assert_eq!(
            facts,
            [
                ("issued", "1970-01-01T00:00:00Z"),
                ("expired", "1970-01-01T00:05:00Z"),
                ("runner's clock", "1970-01-01T01:35:00Z"),
            ]
        );
        assert!(diagnostic.causes.iter().any(|cause| cause.as_str().contains("clock is wrong")));
    }

    #[test]
    fn long_and_hostile_claims_are_cut_and_tamed() {
        let audiences = vec!["x\n::error::".repeat(200); 50];
        let diagnostic = TokenFault::ManyAudiences { audiences }.diagnostic();
        for (_, value) in &diagnostic.facts {
            assert!(value.as_str().len() < 4000);
            assert!(!value.as_str().contains('\n'));
        }
    }
}
