//! What people have of a denied call: a token's payload, a token, or what CloudTrail has kept of it.
//!
//! Of a token only the claims are read. Its signature would be all that somebody needs to use it.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html>

use std::fmt;
use std::net::IpAddr;

use serde_json::{Map, Value};

use super::caller::{Caller, Extent};
use super::json;
use crate::text::Inert;
use crate::time::Timestamp;
use crate::token::{self, TokenFault};

/// A page of events of CloudTrail has about 100 KB; an export of several has more.
pub const MAX_BYTES: usize = 16 << 20;

const EVENT: &str = "AssumeRoleWithWebIdentity";

/// One caller, and the role that it asked for where that is known.
#[derive(Clone, Debug)]
pub struct Given {
    pub caller: Caller,
    pub role_arn: Option<String>,
    /// Where it comes from CloudTrail.
    pub event: Option<Event>,
}

/// What an event says of how a call went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// As CloudTrail writes it: `2026-11-21T12:00:00Z`.
    pub time: String,
    /// `None`: the call succeeded.
    pub error: Option<String>,
}

impl Event {
    /// Whether AWS had come as far as the trust policy, and said no.
    #[must_use]
    pub fn is_denial(&self) -> bool {
        self.error.as_deref().is_some_and(|code| code.starts_with("AccessDenied"))
    }
}

/// Why a text holds no caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    Empty,
    TooLarge,
    /// Where, as line and column, and the likely slip.
    NotJson {
        line: usize,
        column: usize,
        slip: String,
    },
    Token(TokenFault),
    /// It is JSON, but neither claims nor events.
    NotClaims {
        found: &'static str,
    },
    /// Events, of which none is of this kind of call.
    NoEvent,
    /// An event that does not name who called.
    Nameless,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is nothing in it"),
            Self::TooLarge => write!(f, "it has more than {} MiB", MAX_BYTES >> 20),
            Self::NotJson { line, column, slip } => {
                write!(f, "it is neither a token nor JSON: line {line}, column {column}: {}", Inert::excerpt(slip, 200))
            }
            Self::Token(fault) => write!(f, "{}", fault.diagnostic().headline),
            Self::NotClaims { found } => {
                write!(f, "it holds {found}, and neither a token's claims nor events of CloudTrail")
            }
            Self::NoEvent => write!(f, "none of its events is an {EVENT}"),
            Self::Nameless => write!(f, "its {EVENT} event names no caller"),
        }
    }
}

/// Reads a claims file. Of several events those that were denied come first, the latest before the
/// others; of anything else there is one caller.
///
/// # Errors
/// When there is none in it.
pub fn read(text: &str) -> Result<Vec<Given>, Fault> {
    if text.len() > MAX_BYTES {
        return Err(Fault::TooLarge);
    }
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(Fault::Empty);
    }
    if !text.starts_with(['{', '[']) {
        let claims = token::claims_alone(text).map_err(Fault::Token)?;
        return Ok(vec![Given { caller: Caller::of_claims(claims), role_arn: None, event: None }]);
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => of_object(members),
        Ok(Value::Array(items)) => of_events(items),
        Ok(_) => Err(Fault::NotClaims { found: "no object" }),
        Err(error) => Err(Fault::NotJson {
            line: error.line(),
            column: error.column(),
            slip: json::read(text).fault.map_or_else(|| "not JSON".to_owned(), |fault| fault.slip.to_string()),
        }),
    }
}

fn of_object(mut members: Map<String, Value>) -> Result<Vec<Given>, Fault> {
    // `aws cloudtrail lookup-events`, and a log file as CloudTrail delivers it.
    for list in ["Events", "Records"] {
        if let Some(Value::Array(events)) = members.remove(list) {
            return of_events(events);
        }
    }
    if members.contains_key("eventName") || members.contains_key("CloudTrailEvent") {
        return of_events(vec![Value::Object(members)]);
    }
    // What tools print that show a token: `ci-assume-role claims --json` has its claims one step down.
    if !members.contains_key("iss") && !members.contains_key("sub") {
        for name in ["claims", "payload"] {
            if let Some(Value::Object(claims)) = members.remove(name) {
                return of_object(claims);
            }
        }
        return Err(Fault::NotClaims { found: "an object without `iss` and `sub`" });
    }
    Ok(vec![Given { caller: Caller::of_claims(members), role_arn: None, event: None }])
}

fn of_events(events: Vec<Value>) -> Result<Vec<Given>, Fault> {
    let calls: Vec<Value> = events
        .into_iter()
        .filter_map(unwrapped)
        .filter(|event| event.get("eventName").and_then(Value::as_str) == Some(EVENT))
        .collect();
    if calls.is_empty() {
        return Err(Fault::NoEvent);
    }
    let mut given: Vec<Given> = calls.iter().filter_map(of_event).collect();
    let rank = |given: &Given| {
        let event = given.event.clone().unwrap_or_default();
        (event.is_denial(), event.time)
    };
    given.sort_by_key(|given| std::cmp::Reverse(rank(given)));
    if given.is_empty() { Err(Fault::Nameless) } else { Ok(given) }
}

/// `lookup-events` has the event itself as text inside of what it lists.
fn unwrapped(event: Value) -> Option<Value> {
    match event.get("CloudTrailEvent").and_then(Value::as_str) {
        Some(text) => serde_json::from_str(text).ok(),
        None => Some(event),
    }
}

fn of_event(event: &Value) -> Option<Given> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let identity = &event["userIdentity"];
    let subject = identity["userName"].as_str()?;
    let provider = identity["identityProvider"].as_str();
    let (issuer, audience) = of_principal(identity["principalId"].as_str(), provider, subject);
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), Value::String(format!("https://{}", issuer?)));
    claims.insert("sub".to_owned(), Value::String(subject.to_owned()));
    if let Some(audience) = audience {
        claims.insert("aud".to_owned(), Value::String(audience));
    }

    let asked = &event["requestParameters"];
    let mut request = Vec::new();
    let mut know = |key: &str, value: Option<String>| {
        request.extend(value.filter(|value| !value.is_empty()).map(|value| (key.to_owned(), vec![value])));
    };
    // A call that AWS makes for somebody has a service's name in the place of an address.
    let address = event["sourceIPAddress"].as_str().filter(|text| text.parse::<IpAddr>().is_ok());
    know("aws:SourceIp", address.map(str::to_owned));
    know("aws:UserAgent", text(&event["userAgent"]));
    know("aws:RequestedRegion", text(&event["awsRegion"]));
    know("sts:RoleSessionName", text(&asked["roleSessionName"]));
    let time = event["eventTime"].as_str().unwrap_or_default();
    know("aws:CurrentTime", Some(time.to_owned()));
    know("aws:EpochTime", Timestamp::parse(time).map(|time| time.seconds().to_string()));

    let mut caller = Caller::of_claims(claims);
    caller.extent = Extent::Event;
    caller.request = request;
    let event = Event { time: time.to_owned(), error: text(&event["errorCode"]) };
    Some(Given { caller, role_arn: text(&asked["roleArn"]), event: Some(event) })
}

/// Issuer and audience from `PROVIDER:AUDIENCE:SUBJECT`, of which each can have colons.
fn of_principal(principal: Option<&str>, provider: Option<&str>, subject: &str) -> (Option<String>, Option<String>) {
    let host = |provider: &str| {
        provider.split_once(":oidc-provider/").map_or_else(|| provider.to_owned(), |(_, host)| host.to_owned())
    };
    let rest = principal.and_then(|text| text.strip_suffix(subject)?.strip_suffix(':'));
    let audience = provider.and_then(|provider| rest?.strip_prefix(provider)?.strip_prefix(':'));
    (provider.map(host), audience.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn one(text: &str) -> Given {
        read(text).unwrap().into_iter().next().unwrap()
    }

    fn event(time: &str, error: Option<&str>) -> Value {
        let provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
        json!({
            "eventVersion": "1.08", "eventName": EVENT, "eventSource": "sts.amazonaws.com", "eventTime": time,
            "userIdentity": {
                "type": "WebIdentityUser",
                "principalId": format!("{provider}:https://github.com/octo:repo:octo/api:pull_request"),
                "userName": "repo:octo/api:pull_request", "identityProvider": provider,
            },
            "awsRegion": "eu-west-1", "sourceIPAddress": "192.0.2.7", "userAgent": "x/1", "errorCode": error,
            "requestParameters": {"roleArn": "arn:aws:iam::123456789012:role/deploy", "roleSessionName": "ci"},
        })
    }

    #[test]
    fn claims_come_in_several_wrappings() {
        let claims = json!({"iss": "https://gitlab.com", "sub": "s", "aud": "a"});
        let token = |signature: &str| format!("e30.{}{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        for text in [
            claims.to_string(),
            format!("\u{feff} {claims}\n"),
            json!({"claims": claims, "condition_keys": {}}).to_string(),
            json!({"header": {}, "payload": claims}).to_string(),
            token(".c2lnbmF0dXJl"),
            token("."),
            token(""),
        ] {
            let given = one(&text);
            assert_eq!(given.caller.issuer, "gitlab.com", "{text}");
            assert_eq!(Value::Object(given.caller.claims), claims, "{text}");
        }
    }

    #[test]
    fn a_signature_is_not_kept() {
        let token = format!("e30.{}.c2lnbmF0dXJlLW9mLXRoZS1jaQ", URL_SAFE_NO_PAD.encode(r#"{"iss":"i","sub":"s"}"#));
        assert!(!format!("{:?}", read(&token).unwrap()).contains("c2lnbmF0dXJl"));
        let broken = format!("e30.!{}.c2lnbmF0dXJlLW9mLXRoZS1jaQ", "x");
        let fault = read(&broken).unwrap_err();
        assert!(!format!("{fault:?} {fault}").contains("c2lnbmF0dXJl"));
    }

    #[test]
    fn an_event_says_who_called_for_which_role() {
        let denied = event("2026-11-21T12:00:00Z", Some("AccessDenied"));
        for text in [
            denied.to_string(),
            json!({"Records": [denied]}).to_string(),
            json!({"Events": [{"EventName": EVENT, "CloudTrailEvent": denied.to_string()}]}).to_string(),
        ] {
            let given = one(&text);
            assert_eq!(given.role_arn.as_deref(), Some("arn:aws:iam::123456789012:role/deploy"));
            assert_eq!(given.caller.extent, Extent::Event);
            assert_eq!(given.caller.issuer, "token.actions.githubusercontent.com");
            assert_eq!(given.caller.claims["aud"], "https://github.com/octo");
            assert_eq!(given.caller.claims["sub"], "repo:octo/api:pull_request");
            assert!(given.caller.request.contains(&("aws:SourceIp".to_owned(), vec!["192.0.2.7".to_owned()])));
            assert!(given.event.is_some_and(|event| event.is_denial()));
        }
    }

    #[test]
    fn the_latest_denial_comes_first() {
        let events = json!({"Records": [
            event("2026-11-21T12:00:02Z", None), event("2026-11-21T12:00:00Z", Some("AccessDenied")),
            event("2026-11-21T12:00:01Z", Some("AccessDenied")), {"eventName": "GetCallerIdentity"},
        ]});
        let times: Vec<String> =
            read(&events.to_string()).unwrap().into_iter().filter_map(|given| Some(given.event?.time)).collect();
        assert_eq!(times, ["2026-11-21T12:00:01Z", "2026-11-21T12:00:00Z", "2026-11-21T12:00:02Z"]);
    }

    #[test]
    fn what_holds_no_caller_is_named() {
        for (text, words) in [
            ("", "nothing in it"),
            ("{\"iss\": \"x\",}", "line 1, column 13: a comma before a closing bracket"),
            ("{}", "neither a token's claims nor events"),
            ("[]", "none of its events"),
            (r#"{"Events": [{"CloudTrailEvent": "{"}]}"#, "none of its events"),
            (r#"{"eventName": "AssumeRoleWithWebIdentity"}"#, "names no caller"),
            ("abc", "not a JSON Web Token"),
            ("a.b.c.d", "4 parts with dots"),
        ] {
            let fault = read(text).unwrap_err().to_string();
            assert!(fault.contains(words), "{text}: {fault}");
        }
        assert_eq!(read(&" ".repeat(MAX_BYTES + 1)).unwrap_err(), Fault::TooLarge);
    }

    proptest! {
        #[test]
        fn never_panics(text in "[\\[\\]{}\",:a-zA-Z0-9. ]{0,60}") {
            let _ = read(&text);
            let _ = read(&json!({"eventName": EVENT, "userIdentity": {"userName": text, "principalId": text,
                "identityProvider": text}}).to_string());
        }
    }
}
