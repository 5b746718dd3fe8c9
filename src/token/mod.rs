//! The CI's OIDC token, read without checking its signature.
//!
//! STS verifies; this tool only explains, and refuses early what STS would refuse. So everything
//! decoded here is called `Unverified…`, and nothing may be granted because of it.

pub mod claims;
pub mod fault;
pub mod preflight;

use std::fmt;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

pub use self::claims::{SOURCE_IDENTITY, TAGS, UnverifiedClaims};
pub use self::fault::{Part, TokenFault};
use crate::secret::Secret;

/// The longest `WebIdentityToken` that STS accepts
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>).
pub const MAX_CHARS: usize = 20_000;

/// A signed JSON Web Token (RFC 7519) in compact form (RFC 7515 section 7.1), decoded but not
/// verified. It has no `Debug`, since it holds the token.
#[derive(Clone)]
pub struct UnverifiedToken {
    compact: Secret,
    algorithm: &'static str,
    key_id: Option<String>,
    claims: UnverifiedClaims,
}

impl UnverifiedToken {
    /// Reads a token as it came from a CI, a variable or a file; white space around it is fine.
    ///
    /// Base64url without padding, JSON objects without duplicate members (STS takes the last, other
    /// readers the first), nested at most 128 deep.
    ///
    /// # Errors
    /// When STS would not even try to verify it.
    pub fn parse(text: &str) -> Result<Self, TokenFault> {
        // Windows tools put a byte order mark before the text that they write to a file.
        let text = text.trim().trim_start_matches('\u{feff}').trim();
        if let Some(fault) = something_else(text) {
            return Err(fault);
        }
        let parts: Vec<&str> = text.split('.').collect();
        let (header, claims, signature) = match parts.as_slice() {
            [header, claims, signature] => (*header, *claims, *signature),
            [_] => return Err(TokenFault::Opaque),
            [_, _, _, _, _] => return Err(TokenFault::Encrypted),
            _ => return Err(TokenFault::Parts { count: parts.len() }),
        };

        let header = object(header, Part::Header)?;
        if header.contains_key("crit") {
            return Err(TokenFault::Critical);
        }
        let algorithm = match header.get("alg") {
            Some(Value::String(name)) => ALGORITHMS
                .iter()
                .find(|known| *known == name)
                .ok_or_else(|| TokenFault::Algorithm { name: name.clone() })?,
            _ => return Err(TokenFault::AlgorithmMissing),
        };
        let claims = object(claims, Part::Claims)?;
        if signature.is_empty() || !signature.bytes().all(is_base64url) {
            return Err(TokenFault::Encoding { part: Part::Signature });
        }
        Ok(Self {
            compact: Secret::new(text),
            algorithm,
            key_id: header.get("kid").and_then(Value::as_str).map(str::to_owned),
            claims: UnverifiedClaims::new(claims),
        })
    }

    /// The token as it is sent to STS.
    #[must_use]
    pub fn compact(&self) -> &Secret {
        &self.compact
    }

    /// One of [`ALGORITHMS`].
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    /// Which of the issuer's keys it says it is signed with.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    #[must_use]
    pub fn claims(&self) -> &UnverifiedClaims {
        &self.claims
    }

    /// What must not be seen in a log: the token, and the parts of it that are of use to a thief.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        let parts = self.compact.expose().split('.').skip(1).map(Secret::new);
        std::iter::once(self.compact.clone()).chain(parts).collect()
    }
}

/// The claims of a token, to explain with: no matter what it is signed with, and what comes after the
/// claims is not looked at.
///
/// # Errors
/// When there are no claims in it.
pub fn claims_alone(text: &str) -> Result<Map<String, Value>, TokenFault> {
    let text = text.trim().trim_start_matches('\u{feff}').trim();
    if let Some(fault) = something_else(text) {
        return Err(fault);
    }
    let parts: Vec<&str> = text.splitn(4, '.').collect();
    match parts.as_slice() {
        [_, claims] | [_, claims, _] => object(claims, Part::Claims),
        [_] => Err(TokenFault::Opaque),
        _ => Err(TokenFault::Parts { count: text.split('.').count() }),
    }
}

/// The signatures that STS verifies
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html>).
pub const ALGORITHMS: &[&str] = &["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];

/// What people store in place of a token.
fn something_else(text: &str) -> Option<TokenFault> {
    if text.is_empty() {
        Some(TokenFault::Empty)
    } else if ["***", "[MASKED]", "[REDACTED]"].iter().any(|mask| text.contains(mask)) {
        Some(TokenFault::Masked)
    } else if text.starts_with(['"', '\'', '`']) {
        Some(TokenFault::Quoted)
    } else if text.starts_with('$') || text.starts_with('%') || text.starts_with("{{") {
        Some(TokenFault::VariableName)
    } else if text.starts_with(['{', '[']) {
        Some(TokenFault::JsonDocument)
    } else if text.contains(char::is_whitespace) {
        Some(TokenFault::Whitespace)
    } else if text.chars().nth(MAX_CHARS).is_some() {
        Some(TokenFault::TooLong { chars: text.chars().count() })
    } else {
        None
    }
}

/// Bits that belong to no byte are let through: whether they matter is for STS to say.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn object(encoded: &str, part: Part) -> Result<Map<String, Value>, TokenFault> {
    let json = BASE64URL.decode(encoded).map_err(|_| TokenFault::Encoding { part })?;
    // As text, for which there is a reader already: one for bytes would have to be compiled as well.
    let json = str::from_utf8(&json).map_err(|_| TokenFault::NotObject { part })?;
    let Members(members) = serde_json::from_str(json).map_err(|_| TokenFault::NotObject { part })?;
    let mut object = Map::new();
    for (name, value) in members {
        if object.contains_key(&name) {
            return Err(TokenFault::Duplicate { part, name });
        }
        object.insert(name, value);
    }
    Ok(object)
}

/// A JSON object as it was written, with duplicates.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// A token with an invented signature.
    pub(crate) fn encode(header: &str, claims: &str) -> String {
        format!("{}.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    }

    pub(crate) fn token(claims: &Value) -> UnverifiedToken {
        let text = encode(r#"{"alg":"RS256","kid":"k1","typ":"JWT"}"#, &claims.to_string());
        UnverifiedToken::parse(&text).ok().unwrap()
    }

    fn fault(text: &str) -> Option<TokenFault> {
        UnverifiedToken::parse(text).err()
    }

    #[test]
    fn a_token_is_trimmed_and_taken_apart() {
        let text = encode(r#"{"alg":"ES256","kid":"k1"}"#, r#"{"sub":"s"}"#);
        let token = UnverifiedToken::parse(&format!("\u{feff}{text}\r\n")).ok().unwrap();
        assert_eq!(token.compact().expose(), text);
        assert_eq!(token.algorithm(), "ES256");
        assert_eq!(token.key_id(), Some("k1"));
        assert_eq!(token.claims().subject().as_deref(), Some("s"));
        assert_eq!(token.secrets().len(), 3);
    }

    #[test]
    fn what_is_no_token_is_named() {
        let rs256 = r#"{"alg":"RS256"}"#;
        let long = encode(rs256, &format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_CHARS)));
        let deep = encode(rs256, &format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200)));
        for (text, expected) in [
            ("", TokenFault::Empty),
            (" \n ", TokenFault::Empty),
            ("***", TokenFault::Masked),
            ("eyJ.***.sig", TokenFault::Masked),
            ("[MASKED]", TokenFault::Masked),
            ("\"eyJ.eyJ.sig\"", TokenFault::Quoted),
            ("'eyJ.eyJ.sig", TokenFault::Quoted),
            ("$ID_TOKEN", TokenFault::VariableName),
            ("${ID_TOKEN}", TokenFault::VariableName),
            ("$(ID_TOKEN)", TokenFault::VariableName),
            ("${{ secrets.TOKEN }}", TokenFault::VariableName),
            ("%ID_TOKEN%", TokenFault::VariableName),
            ("{\"count\":1,\"value\":\"eyJ.eyJ.sig\"}", TokenFault::JsonDocument),
            ("Bearer eyJ.eyJ.sig", TokenFault::Whitespace),
            ("eyJ.eyJ.\nsig", TokenFault::Whitespace),
            ("ghs_0123456789", TokenFault::Opaque),
            ("a.b.c.d.e", TokenFault::Encrypted),
            ("a.b", TokenFault::Parts { count: 2 }),
            ("a.b.c.d", TokenFault::Parts { count: 4 }),
            ("..", TokenFault::NotObject { part: Part::Header }),
            ("é.b.c", TokenFault::Encoding { part: Part::Header }),
            ("e30=.e30.c2ln", TokenFault::Encoding { part: Part::Header }),
            ("e3+0.e30.c2ln", TokenFault::Encoding { part: Part::Header }),
            ("W10.e30.c2ln", TokenFault::NotObject { part: Part::Header }),
            (&encode("{", "{}"), TokenFault::NotObject { part: Part::Header }),
            (&encode("{} {}", "{}"), TokenFault::NotObject { part: Part::Header }),
            (&encode("{}", "{}"), TokenFault::AlgorithmMissing),
            (&encode(r#"{"alg":7}"#, "{}"), TokenFault::AlgorithmMissing),
            (&encode(r#"{"alg":"none"}"#, "{}"), TokenFault::Algorithm { name: "none".into() }),
            (&encode(r#"{"alg":"HS256"}"#, "{}"), TokenFault::Algorithm { name: "HS256".into() }),
            (&encode(r#"{"alg":"PS256"}"#, "{}"), TokenFault::Algorithm { name: "PS256".into() }),
            (&encode(r#"{"alg":"EdDSA"}"#, "{}"), TokenFault::Algorithm { name: "EdDSA".into() }),
            (&encode(r#"{"alg":"rs256"}"#, "{}"), TokenFault::Algorithm { name: "rs256".into() }),
            (&encode(r#"{"alg":"RS256","crit":["b64"],"b64":false}"#, "{}"), TokenFault::Critical),
            (
                &encode(r#"{"alg":"none","alg":"RS256"}"#, "{}"),
                TokenFault::Duplicate { part: Part::Header, name: "alg".into() },
            ),
            (&encode(rs256, "[]"), TokenFault::NotObject { part: Part::Claims }),
            (&encode(rs256, "{\"a\":\"\\ud800\"}"), TokenFault::NotObject { part: Part::Claims }),
            (
                &encode(rs256, r#"{"sub":"a","x":1,"\u0073ub":"b"}"#),
                TokenFault::Duplicate { part: Part::Claims, name: "sub".into() },
            ),
            (&deep, TokenFault::NotObject { part: Part::Claims }),
            (&long, TokenFault::TooLong { chars: long.len() }),
            (encode(rs256, "{}").trim_end_matches("c2lnbmF0dXJl"), TokenFault::Encoding { part: Part::Signature }),
            (&format!("{}=", encode(rs256, "{}")), TokenFault::Encoding { part: Part::Signature }),
        ] {
            assert_eq!(fault(text), Some(expected), "{}", text.get(..60).unwrap_or(text));
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4).prop_map(|members| json!(members)),
            ]
        })
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>(), nearly in "[A-Za-z0-9_.=-]{0,80}", json in "[{}\\[\\]\",:a-z0-9.eE+\\\\-]{0,40}") {
            let _ = UnverifiedToken::parse(&text);
            let _ = UnverifiedToken::parse(&nearly);
            let _ = UnverifiedToken::parse(&encode(&json, &json));
            if let Ok(token) = UnverifiedToken::parse(&encode(r#"{"alg":"RS256"}"#, &json)) {
                let expected = preflight::Expected { audience: None, now: crate::time::Timestamp::from_seconds(0), fresh: false };
                let _ = preflight::check(&token, &expected);
            }
        }

        #[test]
        fn claims_come_back_as_they_were(claims in prop::collection::btree_map(any::<String>(), value(), 0..12)) {
            let text = encode(r#"{"alg":"RS256"}"#, &json!(claims).to_string());
            if let Ok(token) = UnverifiedToken::parse(&text) {
                prop_assert_eq!(token.claims().names().collect::<Vec<_>>(), claims.keys().collect::<Vec<_>>());
                for (name, value) in &claims {
                    prop_assert_eq!(token.claims().get(name), Some(value));
                }
            } else {
                prop_assert!(text.len() > MAX_CHARS);
            }
        }

        /// Whatever a fault says, it does not say the token.
        #[test]
        fn faults_keep_the_token_to_themselves(junk in "[A-Za-z0-9_-]{24,40}", form in 0..6_u8) {
            let text = match form {
                0 => junk.clone(),
                1 => format!("{junk}.{junk}.{junk}"),
                2 => format!("Bearer {junk}"),
                3 => format!("\"{junk}\""),
                4 => format!("${junk}"),
                _ => format!("{{\"value\":\"{junk}\"}}"),
            };
            if let Some(fault) = fault(&text) {
                let told = format!("{:?}", fault.diagnostic());
                prop_assert!(!told.contains(&junk), "{}", told);
            }
        }
    }
}
