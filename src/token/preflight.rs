//! What STS would refuse, refused here, with the reason and without a round trip.
//!
//! STS says the last word: nothing that it might accept is refused here. Where only a clock
//! decides, and the runner's may be the wrong one, there is a notice instead.

use std::fmt;

use serde_json::Value;

use super::{TokenFault, UnverifiedClaims, UnverifiedToken};
use crate::time::{Timestamp, span};

/// How far STS lets clocks differ, each way.
const TOLERANCE_SECONDS: i64 = 300;

/// What the token is held against.
pub struct Expected<'a> {
    /// The audience that it was to have, where that is known.
    pub audience: Option<&'a str>,
    /// The runner's clock.
    pub now: Timestamp,
    /// Whether the CI issued the token just now, for us. Then its times are right by definition,
    /// and what does not fit is the runner's clock, which STS does not ask.
    pub fresh: bool,
}

/// Something that may matter later, and is no fault now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// AWS will compare another claim than the one that was asked for.
    AuthorizedParty { authorized_party: String, audience: String },
    /// The token's times and the runner's clock do not fit together.
    Clock { issued_at: Timestamp, now: Timestamp },
}

impl fmt::Display for Notice {
    /// A sentence without a full stop. It holds text of the token, so it is to be made inert.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AuthorizedParty { authorized_party, audience } => write!(
                f,
                "the token has azp = {authorized_party} besides aud = {audience}; AWS takes azp for the audience"
            ),
            Self::Clock { issued_at, now } => {
                let ahead = now.seconds_since(*issued_at);
                let (off, direction) = if ahead < 0 { (ahead.saturating_neg(), "behind") } else { (ahead, "ahead") };
                write!(
                    f,
                    "this runner's clock seems to be {} {direction}: the token was issued at {issued_at}, and the \
                     clock says {now}",
                    span(off)
                )
            }
        }
    }
}

/// Holds a token against what STS demands of every token, and against what was asked for.
///
/// # Errors
/// When STS would refuse the token whatever the trust policy says.
pub fn check(token: &UnverifiedToken, expected: &Expected<'_>) -> Result<Vec<Notice>, TokenFault> {
    let claims = token.claims();
    let mut notices = Vec::new();
    check_forms(claims)?;
    check_audience(claims, expected.audience, &mut notices)?;
    check_times(claims, expected, &mut notices)?;
    Ok(notices)
}

fn check_forms(claims: &UnverifiedClaims) -> Result<(), TokenFault> {
    for claim in ["iss", "sub", "aud", "iat", "exp"] {
        if claims.get(claim).is_none() {
            return Err(TokenFault::Missing { claim });
        }
    }
    let wrong = |claim, wanted| Err(TokenFault::Form { claim, wanted, found: form_of(claims.get(claim)) });
    if claims.issuer().is_none_or(str::is_empty) {
        return wrong("iss", "a string that is not empty");
    }
    if let Some(Value::Null | Value::Array(_) | Value::Object(_)) = claims.get("sub") {
        return wrong("sub", "a string or a number");
    }
    match claims.get("aud") {
        Some(Value::Null | Value::Object(_)) => return wrong("aud", "a string or a list of strings"),
        Some(Value::Array(audiences)) if audiences.is_empty() => return wrong("aud", "at least one audience"),
        _ => {}
    }
    for (claim, time) in [("iat", claims.issued_at()), ("exp", claims.expires_at()), ("nbf", claims.not_before())] {
        if claims.get(claim).is_some() && time.is_none() {
            return wrong(claim, "whole seconds since 1970");
        }
    }
    Ok(())
}

fn check_audience(
    claims: &UnverifiedClaims,
    expected: Option<&str>,
    notices: &mut Vec<Notice>,
) -> Result<(), TokenFault> {
    let audiences = claims.audiences();
    let authorized_party = claims.authorized_party();
    if let Some(Value::Array(several)) = claims.get("aud")
        && several.len() > 1
        && claims.get("azp").is_none()
    {
        return Err(TokenFault::ManyAudiences { audiences: audiences.into_iter().map(str::to_owned).collect() });
    }
    if let Some(expected) = expected
        && authorized_party != Some(expected)
        && !audiences.contains(&expected)
    {
        return Err(TokenFault::Audience {
            expected: expected.to_owned(),
            audiences: audiences.into_iter().map(str::to_owned).collect(),
            authorized_party: authorized_party.map(str::to_owned),
        });
    }
    if let (Some(authorized_party), Some(audience)) = (authorized_party, audiences.first())
        && !audiences.contains(&authorized_party)
    {
        notices.push(Notice::AuthorizedParty {
            authorized_party: authorized_party.to_owned(),
            audience: (*audience).to_owned(),
        });
    }
    Ok(())
}

fn check_times(
    claims: &UnverifiedClaims,
    expected: &Expected<'_>,
    notices: &mut Vec<Notice>,
) -> Result<(), TokenFault> {
    // The forms have been checked.
    let (Some(issued_at), Some(expires_at)) = (claims.issued_at(), claims.expires_at()) else {
        return Ok(());
    };
    let now = expected.now;
    let valid_from = claims.not_before().filter(|time| is_future(*time, now));
    let expired = now.seconds_since(expires_at) >= TOLERANCE_SECONDS;
    if expected.fresh {
        if expired || valid_from.is_some() || is_future(issued_at, now) {
            notices.push(Notice::Clock { issued_at, now });
        }
        return Ok(());
    }
    if expired {
        return Err(TokenFault::Expired { issued_at, expires_at, now });
    }
    // Nobody holds a token before it is issued: a clock is off, and the runner's is the likelier one.
    if is_future(issued_at, now) {
        notices.push(Notice::Clock { issued_at, now });
        return Ok(());
    }
    match valid_from {
        Some(valid_from) => Err(TokenFault::NotYetValid { valid_from, now }),
        None => Ok(()),
    }
}

fn is_future(time: Timestamp, now: Timestamp) -> bool {
    time.seconds_since(now) > TOLERANCE_SECONDS
}

fn form_of(value: Option<&Value>) -> &'static str {
    match value {
        None => "nothing",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "a boolean",
        Some(Value::Number(number)) if number.is_f64() => "a number with a fraction or an exponent",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(text)) if text.is_empty() => "an empty string",
        Some(Value::String(_)) => "a string",
        Some(Value::Array(list)) if list.is_empty() => "an empty list",
        Some(Value::Array(_)) => "a list",
        Some(Value::Object(_)) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::token;
    use super::*;

    const NOW: i64 = 1_795_262_580;

    /// Claims that STS accepts, with some of them replaced; `null` here means absent.
    fn with(changes: Value) -> Value {
        let mut claims = json!({
            "iss": "https://token.actions.githubusercontent.com", "sub": "repo:o/r:ref:refs/heads/main",
            "aud": "sts.amazonaws.com", "iat": NOW, "nbf": NOW - 600, "exp": NOW + 300,
        });
        let (Value::Object(changes), Some(members)) = (changes, claims.as_object_mut()) else { unreachable!() };
        members.extend(changes);
        claims
    }

    fn without(name: &str) -> Value {
        let mut claims = with(json!({}));
        claims.as_object_mut().unwrap().remove(name);
        claims
    }

    fn checked(claims: &Value, fresh: bool) -> Result<Vec<Notice>, TokenFault> {
        let expected = Expected { audience: Some("sts.amazonaws.com"), now: Timestamp::from_seconds(NOW), fresh };
        check(&token(claims), &expected)
    }

    #[test]
    fn what_sts_accepts_passes() {
        for claims in [
            with(json!({})),
            with(json!({"aud": ["sts.amazonaws.com"]})),
            with(json!({"sub": ""})),
            with(json!({"sub": 12})),
            with(json!({"iat": NOW.to_string(), "exp": (NOW + 1).to_string()})),
            with(json!({"aud": "other", "azp": "sts.amazonaws.com"})),
            // Within the tolerance, to the second.
            with(json!({"exp": NOW - 299})),
            with(json!({"iat": NOW + 300})),
            with(json!({"nbf": NOW + 300})),
            without("nbf"),
        ] {
            for fresh in [true, false] {
                assert!(checked(&claims, fresh).is_ok(), "{claims}");
            }
        }
    }

    #[test]
    fn what_sts_demands_is_demanded() {
        for claim in ["iss", "sub", "aud", "iat", "exp"] {
            assert_eq!(checked(&without(claim), true), Err(TokenFault::Missing { claim }));
        }
        for (claim, value) in [
            ("iss", json!("")),
            ("iss", json!(7)),
            ("sub", json!(null)),
            ("aud", json!([])),
            ("aud", json!(null)),
            ("iat", json!(1.5)),
            ("iat", json!(null)),
            ("exp", json!("soon")),
            ("exp", json!(true)),
            ("nbf", json!(null)),
        ] {
            let claims = with(json!({ claim: value }));
            let fault = checked(&claims, true).err();
            assert!(matches!(fault, Some(TokenFault::Form { claim: found, .. }) if found == claim), "{claims}");
        }
    }

    #[test]
    fn several_audiences_need_an_authorized_party() {
        let several = with(json!({"aud": ["sts.amazonaws.com", "b"]}));
        let audiences = vec!["sts.amazonaws.com".to_owned(), "b".to_owned()];
        assert_eq!(checked(&several, true), Err(TokenFault::ManyAudiences { audiences }));
        let notice = Notice::AuthorizedParty { authorized_party: "c".into(), audience: "sts.amazonaws.com".into() };
        let with_azp = with(json!({"aud": ["sts.amazonaws.com", "b"], "azp": "c"}));
        assert_eq!(checked(&with_azp, true), Ok(vec![notice]));
    }

    #[test]
    fn a_token_for_somebody_else_is_refused_when_that_is_known() {
        let claims = with(json!({"aud": "https://github.com/octo-org"}));
        let fault = checked(&claims, true).err();
        assert!(matches!(fault, Some(TokenFault::Audience { .. })));
        let expected = Expected { audience: None, now: Timestamp::from_seconds(NOW), fresh: true };
        assert_eq!(check(&token(&claims), &expected), Ok(Vec::new()));
    }

    #[test]
    fn a_stored_token_that_expired_is_refused() {
        let (issued_at, expires_at) = (Timestamp::from_seconds(NOW - 600), Timestamp::from_seconds(NOW - 300));
        let claims = with(json!({"iat": NOW - 600, "exp": NOW - 300}));
        let now = Timestamp::from_seconds(NOW);
        assert_eq!(checked(&claims, false), Err(TokenFault::Expired { issued_at, expires_at, now }));
    }

    #[test]
    fn a_runner_with_a_wrong_clock_is_told_and_not_refused() {
        let now = Timestamp::from_seconds(NOW);
        for offset in [-7200, 7200] {
            let claims = with(json!({"iat": NOW + offset, "nbf": NOW + offset, "exp": NOW + offset + 300}));
            let notice = Notice::Clock { issued_at: Timestamp::from_seconds(NOW + offset), now };
            assert_eq!(checked(&claims, true), Ok(vec![notice.clone()]), "{offset}");
            let direction = if offset < 0 { "ahead" } else { "behind" };
            assert!(notice.to_string().contains(&format!("2 h {direction}")), "{notice}");
        }
        // A stored token from the future: the same doubt.
        let claims = with(json!({"iat": NOW + 7200, "nbf": NOW + 7200, "exp": NOW + 7500}));
        assert_eq!(checked(&claims, false).map(|notices| notices.len()), Ok(1));
    }

    #[test]
    fn a_stored_token_for_later_is_refused() {
        let claims = with(json!({"nbf": NOW + 301}));
        let valid_from = Timestamp::from_seconds(NOW + 301);
        let now = Timestamp::from_seconds(NOW);
        assert_eq!(checked(&claims, false), Err(TokenFault::NotYetValid { valid_from, now }));
    }

    #[test]
    fn times_at_the_ends_of_the_range_do_not_overflow() {
        for time in [i64::MIN, i64::MAX, 0] {
            for fresh in [true, false] {
                let _ = checked(&with(json!({"iat": time, "nbf": time, "exp": time})), fresh)
                    .map(|notices| notices.iter().map(ToString::to_string).collect::<Vec<_>>());
            }
        }
    }
}
