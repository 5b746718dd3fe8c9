//! What a token says about the job, with the JSON types that it says it in.

use serde_json::{Map, Number, Value};

use crate::time::Timestamp;

/// The claims of a token whose signature nobody has checked. It has no `Debug`: some issuers put
/// names and e-mail addresses of people in, so what is shown is to be chosen claim by claim.
#[derive(Clone)]
pub struct UnverifiedClaims(Map<String, Value>);

/// Session tags, as one object. <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
pub const TAGS: &str = "https://aws.amazon.com/tags";
/// Session tags again, as one claim each: what follows this is a kind and a key.
const TAG_PREFIX: &str = "https://aws.amazon.com/tags/";
pub const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

impl UnverifiedClaims {
    pub(super) fn new(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    /// `iss`, by which AWS finds the identity provider. The text counts to the letter.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.get("iss").and_then(Value::as_str)
    }

    /// `sub`. STS takes a number for its digits.
    #[must_use]
    pub fn subject(&self) -> Option<String> {
        match self.get("sub") {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => digits(number),
            _ => None,
        }
    }

    /// `aud`, one string or a list of them.
    #[must_use]
    pub fn audiences(&self) -> Vec<&str> {
        match self.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// `azp`, which STS puts in the place of `aud` when it is there.
    #[must_use]
    pub fn authorized_party(&self) -> Option<&str> {
        self.get("azp").and_then(Value::as_str)
    }

    /// What STS looks for in the provider's list of client ids: `azp`, or else the only `aud`.
    #[must_use]
    pub fn audience(&self) -> Option<&str> {
        self.authorized_party().or_else(|| match self.audiences().as_slice() {
            [only] => Some(*only),
            _ => None,
        })
    }

    /// `iat`
    #[must_use]
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.time("iat")
    }

    /// `exp`
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.time("exp")
    }

    /// `nbf`
    #[must_use]
    pub fn not_before(&self) -> Option<Timestamp> {
        self.time("nbf")
    }

    /// Whether the trust policy must allow `sts:TagSession`.
    #[must_use]
    pub fn carries_session_tags(&self) -> bool {
        self.names().any(|name| name == TAGS || name.starts_with(TAG_PREFIX))
    }

    /// Whether the trust policy must allow `sts:SetSourceIdentity`.
    #[must_use]
    pub fn carries_source_identity(&self) -> bool {
        self.get(SOURCE_IDENTITY).is_some()
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A string, a whole number or a boolean as text; nothing for the rest, which has no one text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => digits(number),
            Value::Bool(true) => Some("true".to_owned()),
            Value::Bool(false) => Some("false".to_owned()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// The names of all claims, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// Seconds since 1970 as STS reads them: a whole number, or a string that is one.
    fn time(&self, name: &str) -> Option<Timestamp> {
        let seconds = match self.get(name)? {
            Value::Number(number) => number.as_i64()?,
            Value::String(text) => text.parse().ok()?,
            _ => return None,
        };
        Some(Timestamp::from_seconds(seconds))
    }
}

/// Whole numbers of up to 64 bits; of others the token's own spelling is lost.
fn digits(number: &Number) -> Option<String> {
    number.as_i64().map(|whole| whole.to_string()).or_else(|| number.as_u64().map(|whole| whole.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::token;
    use super::*;

    #[test]
    fn claims_keep_their_types() {
        let token = token(&json!({
            "iss": "https://issuer.example/", "sub": 42, "aud": ["a"], "iat": 1, "exp": "2", "nbf": 1.5,
            "run_attempt": "1", "id": 18_446_744_073_709_551_615_u64, "fraction": 1.5, "ok": false, "none": null,
        }));
        let claims = token.claims();
        assert_eq!(claims.issuer(), Some("https://issuer.example/"));
        assert_eq!(claims.subject().as_deref(), Some("42"));
        assert_eq!(claims.audience(), Some("a"));
        assert_eq!(claims.issued_at(), Some(Timestamp::from_seconds(1)));
        assert_eq!(claims.expires_at(), Some(Timestamp::from_seconds(2)));
        assert_eq!(claims.not_before(), None);
        assert_eq!(claims.text("run_attempt").as_deref(), Some("1"));
        assert_eq!(claims.text("id").as_deref(), Some("18446744073709551615"));
        assert_eq!(claims.text("ok").as_deref(), Some("false"));
        assert_eq!(claims.text("fraction"), None);
        assert_eq!(claims.text("none"), None);
        assert_eq!(claims.text("aud"), None);
        assert_eq!(claims.get("none"), Some(&Value::Null));
    }

    #[test]
    fn azp_takes_the_place_of_aud() {
        for (claims, audience) in [
            (json!({"aud": "a"}), Some("a")),
            (json!({"aud": ["a", "b"]}), None),
            (json!({"aud": ["a", "b"], "azp": "c"}), Some("c")),
            (json!({"aud": "a", "azp": "c"}), Some("c")),
            (json!({}), None),
        ] {
            assert_eq!(token(&claims).claims().audience(), audience, "{claims}");
        }
    }

    #[test]
    fn tags_and_source_identity_are_noticed() {
        for (claims, tags, source_identity) in [
            (json!({"https://aws.amazon.com/tags": {"principal_tags": {"a": ["b"]}}}), true, false),
            (json!({"https://aws.amazon.com/tags/principal_tags/a": "b"}), true, false),
            (json!({"https://aws.amazon.com/tagsoup": 1}), false, false),
            (json!({"https://aws.amazon.com/source_identity": "me"}), false, true),
            (json!({}), false, false),
        ] {
            let token = token(&claims);
            assert_eq!(token.claims().carries_session_tags(), tags, "{claims}");
            assert_eq!(token.claims().carries_source_identity(), source_identity, "{claims}");
        }
    }
}
