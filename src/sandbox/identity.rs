//! The token as STS reads it: its shape, then its claims, in STS's order and with STS's leniency.
//!
//! Not by [`crate::token`], with which the client reads: that is stricter than STS, and a mistake in
//! it would go unseen if both ends made it.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use super::limits::is_name_character;
use super::refusal::Refusal;

/// How far the clocks of issuer and AWS may differ, in seconds.
const TOLERANCE: i64 = 300;
const REQUIRED: &[&str] = &["iss", "sub", "aud", "iat", "exp"];
/// RSA and ECDSA; no shared secrets, no RSA-PSS.
const ALGORITHMS: &[&str] = &["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
const TAGS: &str = "https://aws.amazon.com/tags";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";
const ROLES: &str = "https://aws.amazon.com/roles";
const MOST_TAGS: usize = 50;

/// Bits at the end that belong to no byte are none of STS's business.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// A token whose signature has not been looked at. Of two members with one name the last counts.
pub(super) struct Token {
    header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
}

impl Token {
    pub(super) fn read(text: &str) -> Result<Self, Refusal> {
        let parts: Vec<&str> = text.trim_ascii_end().split('.').collect();
        let &[header, claims, signature] = parts.as_slice() else {
            return Err(Refusal::not_a_jwt());
        };
        let signed = BASE64URL.decode(signature).is_ok_and(|signature| !signature.is_empty());
        match (object(header), object(claims)) {
            (Some(header), Some(claims)) if signed => Ok(Self { header, claims }),
            _ => Err(Refusal::not_a_jwt()),
        }
    }

    /// What keeps STS from checking the signature at all.
    pub(super) fn check_header(&self) -> Result<(), Refusal> {
        let algorithm = self.header.get("alg").and_then(Value::as_str).unwrap_or_default();
        if !ALGORITHMS.contains(&algorithm) {
            return Err(Refusal::not_validated(format!("STS does not take the algorithm `{algorithm}`")));
        }
        if self.header.contains_key("crit") {
            return Err(Refusal::not_validated("STS refuses a header with `crit`"));
        }
        Ok(())
    }

    pub(super) fn issuer(&self) -> Result<&str, Refusal> {
        match self.claims.get("iss") {
            None => Err(missing("iss")),
            Some(issuer) => issuer.as_str().ok_or_else(|| Refusal::not_validated("`iss` is not text")),
        }
    }
}

/// Whom a token speaks of, once its claims are found in order.
pub(super) struct Identity {
    pub(super) subject: String,
    /// The authorized party where there is one, else the audience.
    pub(super) audience: String,
    pub(super) tags: Vec<(String, String)>,
    /// `https://aws.amazon.com/source_identity`
    pub(super) source: Option<String>,
    /// The only roles that the issuer lets this token take.
    pub(super) roles: Option<Vec<String>>,
}

impl Identity {
    /// `now` is in seconds since 1970.
    pub(super) fn read(claims: &Map<String, Value>, now: i64) -> Result<Self, Refusal> {
        if let Some(name) = REQUIRED.iter().find(|name| !claims.contains_key(**name)) {
            return Err(missing(name));
        }
        let subject = match claims.get("sub") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Null) => return Err(Refusal::internal("Unknown error validating third-party token")),
            _ => return Err(Refusal::not_validated("`sub` is neither text nor a number")),
        };
        let audience = audience(claims)?;
        check_times(claims, now)?;
        Ok(Self { subject, audience, tags: tags(claims)?, source: source_identity(claims)?, roles: roles(claims)? })
    }
}

fn object(segment: &str) -> Option<Map<String, Value>> {
    let text = String::from_utf8(BASE64URL.decode(segment).ok()?).ok()?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}

fn missing(name: &str) -> Refusal {
    Refusal::token(format!("Missing a required claim: {name}"))
}

fn audience(claims: &Map<String, Value>) -> Result<String, Refusal> {
    let audiences = claims.get("aud").and_then(texts).ok_or_else(|| Refusal::not_validated("`aud` is not text"))?;
    match (claims.get("azp"), audiences.as_slice()) {
        (_, []) => Err(Refusal::token("The claim aud is not allowed to be empty")),
        (Some(Value::String(party)), _) => Ok(party.clone()),
        (Some(_), _) => Err(Refusal::not_validated("`azp` is not text")),
        (None, [audience]) => Ok(audience.clone()),
        (None, _) => {
            Err(Refusal::token("Token audience contains more than one audience while authorized party is not present"))
        }
    }
}

fn check_times(claims: &Map<String, Value>, now: i64) -> Result<(), Refusal> {
    let time = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_i64().or_else(|| value.as_str()?.parse().ok()) {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(Refusal::token(format!("Invalid timestamp in claim: {name}"))),
        },
    };
    let (issued, expiry, start) = (time("iat")?, time("exp")?, time("nbf")?);
    if let Some(expiry) = expiry.filter(|expiry| now - TOLERANCE >= *expiry) {
        return Err(Refusal::expired(now - TOLERANCE, expiry));
    }
    if issued.is_some_and(|issued| issued > now + TOLERANCE) {
        return Err(Refusal::token("Token issued in the future"));
    }
    if start.is_some_and(|start| start > now + TOLERANCE) {
        return Err(Refusal::token("Token is not yet valid"));
    }
    Ok(())
}

/// Session tags, in either of the two spellings that AWS takes.
fn tags(claims: &Map<String, Value>) -> Result<Vec<(String, String)>, Refusal> {
    let malformed = || Refusal::token("principal_tags passed in claim is not in correct format");
    let mut tags = Vec::new();
    let mut transitive = Vec::new();
    if let Some(claim) = claims.get(TAGS) {
        let principal = match claim.get("principal_tags") {
            Some(principal) => Some(principal.as_object().ok_or_else(malformed)?),
            None => None,
        };
        for (key, value) in principal.into_iter().flatten() {
            let value = value.as_array().and_then(|values| match values.as_slice() {
                [value] => value.as_str(),
                _ => None,
            });
            tags.push((key.clone(), value.ok_or_else(malformed)?.to_owned()));
        }
        transitive.extend(claim.get("transitive_tag_keys"));
    }
    for (name, value) in claims {
        if let Some(name) = name.strip_prefix(TAGS).and_then(|name| name.strip_prefix('/')) {
            match name.strip_prefix("principal_tags/") {
                Some(key) => tags.push((key.to_owned(), value.as_str().ok_or_else(malformed)?.to_owned())),
                None if name == "transitive_tag_keys" => transitive.push(value),
                None => {}
            }
        }
    }

    let twins = |(index, (key, _)): (usize, &(String, String))| has_key(tags.get(..index).unwrap_or_default(), key);
    let all_fit = tags.len() <= MOST_TAGS && tags.iter().all(|(key, value)| is_tag(key, value));
    if !all_fit || tags.iter().enumerate().any(twins) {
        return Err(malformed());
    }
    for value in transitive {
        let named = texts(value).ok_or_else(malformed)?;
        if !named.iter().all(|key| has_key(&tags, key)) {
            return Err(Refusal::token("transitive_tag_keys passed in claim is not in correct format"));
        }
    }
    Ok(tags)
}

/// Keys of tags compare without regard to case.
fn has_key(tags: &[(String, String)], key: &str) -> bool {
    tags.iter().any(|(known, _)| known.eq_ignore_ascii_case(key))
}

fn is_tag(key: &str, value: &str) -> bool {
    let allowed = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c));
    let (key_length, value_length) = (key.chars().count(), value.chars().count());
    let reserved = key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    (1..=128).contains(&key_length) && value_length <= 256 && allowed(key) && allowed(value) && !reserved
}

fn source_identity(claims: &Map<String, Value>) -> Result<Option<String>, Refusal> {
    let Some(value) = claims.get(SOURCE_IDENTITY) else {
        return Ok(None);
    };
    let allowed = |text: &&str| (2..=64).contains(&text.len()) && text.chars().all(is_name_character);
    match value.as_str().filter(allowed) {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(Refusal::token("source_identity passed in claim is not in correct format")),
    }
}

fn roles(claims: &Map<String, Value>) -> Result<Option<Vec<String>>, Refusal> {
    let malformed = || Refusal::token("The roles claim contains no valid role ARNs");
    match claims.get(ROLES) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.split(';').map(|role| role.trim().to_owned()).collect())),
        Some(value) => texts(value).map(Some).ok_or_else(malformed),
    }
}

/// A text, or a list of texts.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_795_262_580;

    fn read(changes: &Value) -> Result<Identity, Refusal> {
        let claims = json!({"iss": "https://x", "sub": "s", "aud": "a", "iat": NOW, "exp": NOW + 300});
        let mut claims = claims.as_object().unwrap().clone();
        claims.extend(changes.as_object().unwrap().clone());
        Identity::read(&claims, NOW)
    }

    #[test]
    fn a_token_has_three_parts_of_base64url_and_two_objects() {
        let part = |json: &str| BASE64URL.encode(json);
        let (header, claims) = (part(r#"{"alg":"RS256"}"#), part(r#"{"sub":"a","sub":"b"}"#));
        let token = Token::read(&format!("{header}.{claims}.c2ln\n")).ok().unwrap();
        assert_eq!(token.claims["sub"], "b");
        // The last bits of this signature belong to no byte.
        assert!(Token::read(&format!("{header}.{claims}.c2lnbb")).is_ok());
        for text in [
            String::new(),
            "***".to_owned(),
            format!("{header}.{claims}"),
            format!("{header}.{claims}."),
            format!("{header}.{claims}.c2ln.x"),
            format!("{header}.{claims}.c2l+"),
            format!("{header}==.{claims}.c2ln"),
            format!("{}.{claims}.c2ln", part("[]")),
            format!("{header}.{}.c2ln", part("{")),
        ] {
            let refusal = Token::read(&text).err().unwrap();
            assert!(refusal.message.unwrap().contains("not a valid JWT"), "{text}");
        }
    }

    #[test]
    fn algorithms_without_a_public_key_and_critical_headers_are_refused() {
        let check = |header: Value| {
            let header = BASE64URL.encode(header.to_string());
            Token::read(&format!("{header}.e30.c2ln")).ok().unwrap().check_header().is_ok()
        };
        assert!(check(json!({"alg": "ES512"})));
        for header in [json!({"alg": "HS256"}), json!({"alg": "none"}), json!({}), json!({"alg": "RS256", "crit": []})]
        {
            assert!(!check(header));
        }
    }

    #[test]
    fn claims_are_refused_in_the_words_of_sts() {
        for (changes, code, words) in [
            (
                json!({"exp": NOW - 300}),
                "ExpiredTokenException",
                "current date/time 1795262280 must be before the expiration date/time 1795262280",
            ),
            (json!({"exp": "soon"}), "InvalidIdentityToken", "Invalid timestamp in claim: exp"),
            (json!({"exp": 1.5}), "InvalidIdentityToken", "Invalid timestamp in claim: exp"),
            (json!({"iat": NOW + 301}), "InvalidIdentityToken", "Token issued in the future"),
            (json!({"nbf": NOW + 301}), "InvalidIdentityToken", "Token is not yet valid"),
            (json!({"nbf": null}), "InvalidIdentityToken", "Invalid timestamp in claim: nbf"),
            (json!({"sub": null}), "InternalFailure", "Unknown error"),
            (json!({"sub": []}), "InvalidIdentityToken", "could not be validated"),
            (json!({"aud": []}), "InvalidIdentityToken", "not allowed to be empty"),
            (json!({"aud": 7}), "InvalidIdentityToken", "could not be validated"),
            (json!({"aud": ["a", "b"]}), "InvalidIdentityToken", "more than one audience while authorized party"),
            (json!({"azp": 7}), "InvalidIdentityToken", "could not be validated"),
            (json!({TAGS: {"principal_tags": {"a": "b"}}}), "InvalidIdentityToken", "principal_tags passed in claim"),
            (json!({TAGS: {"principal_tags": {"a": ["b"], "A": ["c"]}}}), "InvalidIdentityToken", "principal_tags"),
            (json!({TAGS: {"principal_tags": {"aws:a": ["b"]}}}), "InvalidIdentityToken", "principal_tags"),
            (json!({TAGS: {"transitive_tag_keys": ["a"]}}), "InvalidIdentityToken", "transitive_tag_keys"),
            (json!({SOURCE_IDENTITY: "a b"}), "InvalidIdentityToken", "source_identity passed in claim"),
            (json!({ROLES: 7}), "InvalidIdentityToken", "roles claim"),
        ] {
            let refusal = read(&changes).err().unwrap();
            assert_eq!(refusal.code, code, "{changes}");
            assert!(refusal.message.unwrap().contains(words), "{changes}");
        }
        let refusal = Identity::read(&Map::new(), NOW).err().unwrap();
        assert_eq!(refusal.message.as_deref(), Some("Missing a required claim: iss"));
    }

    #[test]
    fn what_sts_lets_pass_passes() {
        let audience = |changes: Value| read(&changes).ok().unwrap().audience;
        assert_eq!(audience(json!({"aud": ["one"]})), "one");
        assert_eq!(audience(json!({"aud": ["a", "b"], "azp": "me"})), "me");
        assert_eq!(read(&json!({"sub": 7})).ok().unwrap().subject, "7");
        for changes in [
            json!({"sub": ""}),
            json!({"exp": (NOW - 299).to_string(), "iat": NOW + 300, "nbf": NOW + 300}),
            json!({ROLES: "arn:a; arn:b", SOURCE_IDENTITY: "octocat"}),
        ] {
            assert!(read(&changes).is_ok(), "{changes}");
        }
        let flat = json!({"https://aws.amazon.com/tags/principal_tags/Team": "a", "https://aws.amazon.com/tags/transitive_tag_keys": ["team"]});
        assert_eq!(read(&flat).ok().unwrap().tags, [("Team".to_owned(), "a".to_owned())]);
    }
}
