//! Answers of services that speak JSON, and their refusals.
//!
//! <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>

use serde_json::{Map, Value};

use crate::effect::Answer;
use crate::sts::error::{ErrorKind, Retry};
use crate::text::Inert;

/// The content type of requests and answers.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Why there is no result, although something answered.
#[derive(Debug)]
pub enum AnswerFault {
    /// The service answered without this member, or with something else than belongs there.
    Incomplete { member: &'static str },
    /// What answered was not the service: a proxy, a load balancer, a captive portal.
    NotJson { status: u16, content_type: Option<Inert> },
    /// The service refused.
    Refused(Refusal),
}

impl AnswerFault {
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Incomplete { .. } => Retry::Never,
            // Gateways write pages of their own for a service that is down.
            Self::NotJson { status, .. } => {
                if *status == 429 || *status >= 500 {
                    Retry::Yes
                } else {
                    Retry::Never
                }
            }
            Self::Refused(refusal) => refusal.kind.retry(),
        }
    }
}

/// An error in the service's own form. The message is whole, and not trusted to be printable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
    /// What AWS's support asks for.
    pub request_id: Option<String>,
    pub kind: RefusalKind,
}

/// What a service refused, by who can do something about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    // Who signed.
    /// The credentials or the signature were refused.
    CallerRefused,
    /// The signature's time is off.
    ClockSkewed,

    // Who wrote the caller's policies.
    /// They do not allow this action, which is named where the service told.
    NotAuthorized {
        action: Option<String>,
    },

    // Nobody: it passes.
    Throttled,
    Unavailable,

    // Who wrote the request.
    /// Any other refusal.
    Request,
}

impl RefusalKind {
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::ClockSkewed => Retry::OnceAfterDelay,
            Self::Throttled | Self::Unavailable => Retry::Yes,
            _ => Retry::Never,
        }
    }

    /// All services have these codes in common, so they are sorted in one place.
    fn of(status: u16, code: &str, message: &str) -> Self {
        // The two protocols have different names for one refusal.
        let common = if code == "InvalidSignatureException" { "SignatureDoesNotMatch" } else { code };
        match ErrorKind::of(status, common, message) {
            ErrorKind::CallerRefused | ErrorKind::TokenExpired { .. } => Self::CallerRefused,
            ErrorKind::ClockSkewed => Self::ClockSkewed,
            ErrorKind::NotAuthorized | ErrorKind::TagSessionNotAllowed | ErrorKind::SourceIdentityNotAllowed => {
                Self::NotAuthorized { action: action_of(message) }
            }
            ErrorKind::Throttled => Self::Throttled,
            ErrorKind::Unavailable => Self::Unavailable,
            _ => Self::Request,
        }
    }
}

/// Reads an answer that is to be an object, with status 200.
///
/// # Errors
/// When the service refused, and when something else answered.
pub fn open(answer: &Answer) -> Result<Map<String, Value>, AnswerFault> {
    match serde_json::from_str::<Value>(&answer.body) {
        Ok(Value::Object(members)) if answer.status == 200 => return Ok(members),
        Ok(Value::Object(members)) if answer.status >= 400 => {
            if let Some(refusal) = refusal(answer, &members) {
                return Err(AnswerFault::Refused(refusal));
            }
        }
        _ => {}
    }
    let content_type = answer.header("content-type").map(|kind| Inert::excerpt(kind, 80));
    Err(AnswerFault::NotJson { status: answer.status, content_type })
}

fn refusal(answer: &Answer, members: &Map<String, Value>) -> Option<Refusal> {
    let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let code = answer.header("x-amzn-errortype").or_else(|| text("__type")).or_else(|| text("code"))?;
    // `NAMESPACE#CODE:URL`, with the code alone certain to be there.
    let code = code.split(':').next()?;
    let code = code.rsplit('#').next()?.trim();
    let message = text("message").or_else(|| text("Message")).unwrap_or_default();
    (!code.is_empty()).then(|| Refusal {
        status: answer.status,
        code: code.to_owned(),
        message: message.to_owned(),
        request_id: answer.header("x-amzn-requestid").filter(|id| !id.is_empty()).map(str::to_owned),
        kind: RefusalKind::of(answer.status, code, message),
    })
}

/// "User: ARN is not authorized to perform: ACTION on resource: *"
fn action_of(message: &str) -> Option<String> {
    let (_, after) = message.split_once("to perform: ")?;
    let action = after.split_whitespace().next()?.trim_end_matches(['.', ',']);
    let (service, name) = action.split_once(':')?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (plain(service) && plain(name)).then(|| action.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pairs::Pairs;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut all = Pairs::default();
        headers.iter().for_each(|(name, value)| all.set(name, value));
        Answer { status, headers: all, body: body.to_owned() }
    }

    #[test]
    fn every_known_refusal_is_sorted() {
        use RefusalKind as K;
        let named = |action: &str| K::NotAuthorized { action: Some(action.to_owned()) };
        for (code, status, message, kind, retry) in [
            (
                "AccessDeniedException",
                400,
                "User: arn:aws:sts::123456789012:assumed-role/a/b is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no identity-based policy allows the ecr:GetAuthorizationToken action",
                named("ecr:GetAuthorizationToken"),
                Retry::Never,
            ),
            (
                "AccessDeniedException",
                403,
                "x is not authorized to perform: sts:GetServiceBearerToken, on resource: *",
                named("sts:GetServiceBearerToken"),
                Retry::Never,
            ),
            ("AccessDeniedException", 403, "no", K::NotAuthorized { action: None }, Retry::Never),
            (
                "UnrecognizedClientException",
                400,
                "The security token included in the request is invalid.",
                K::CallerRefused,
                Retry::Never,
            ),
            (
                "ExpiredTokenException",
                400,
                "The security token included in the request is expired",
                K::CallerRefused,
                Retry::Never,
            ),
            ("InvalidSignatureException", 400, "The request signature we calculated", K::CallerRefused, Retry::Never),
            (
                "InvalidSignatureException",
                400,
                "Signature expired: 20261121T110000Z is now earlier than 20261121T115500Z",
                K::ClockSkewed,
                Retry::OnceAfterDelay,
            ),
            ("ThrottlingException", 400, "Rate exceeded", K::Throttled, Retry::Yes),
            ("ServerException", 500, "", K::Unavailable, Retry::Yes),
            ("InvalidParameterException", 400, "registryIds", K::Request, Retry::Never),
        ] {
            let body = serde_json::json!({"__type": code, "message": message}).to_string();
            let fault = open(&answer(status, &[("x-amzn-requestid", "id")], &body)).err().unwrap();
            assert_eq!(fault.retry(), retry, "{code}");
            let AnswerFault::Refused(refusal) = fault else { panic!("{code} is no refusal") };
            assert_eq!((refusal.code.as_str(), refusal.kind), (code, kind), "{message}");
            assert_eq!((refusal.message.as_str(), refusal.request_id.as_deref()), (message, Some("id")));
        }
    }

    #[test]
    fn codes_have_many_spellings() {
        for (header, body) in [
            (None, r#"{"__type":"com.amazonaws.ecr#NewException","Message":"m"}"#),
            (None, r#"{"code":"NewException","message":"m"}"#),
            (Some("NewException:http://internal.amazon.com/coral/"), r#"{"message":"m"}"#),
            (Some("aws.protocoltests#NewException:http://x#y"), r#"{"__type":"Other","message":"m"}"#),
        ] {
            let headers: Vec<_> = header.map(|header| ("x-amzn-errortype", header)).into_iter().collect();
            let Err(AnswerFault::Refused(refusal)) = open(&answer(400, &headers, body)) else { panic!("{body}") };
            assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("NewException", "m"), "{body}");
        }
    }

    #[test]
    fn what_is_not_the_service_is_told_from_it() {
        for (status, body, retry) in [
            (200, "<html>", Retry::Never),
            (200, "[]", Retry::Never),
            (302, "{}", Retry::Never),
            (403, "{}", Retry::Never),
            (403, r#"{"__type":""}"#, Retry::Never),
            (502, "Bad Gateway", Retry::Yes),
            (429, "", Retry::Yes),
        ] {
            let fault = open(&answer(status, &[("content-type", "text/html\n::x")], body)).err().unwrap();
            assert_eq!(fault.retry(), retry, "{status} {body}");
            assert!(matches!(fault, AnswerFault::NotJson { status: found, content_type: Some(_) } if found == status));
        }
    }

    proptest! {
        #[test]
        fn never_panics(status in any::<u16>(), code in any::<String>(), message in any::<String>(), body in any::<String>()) {
            let json = serde_json::json!({"__type": code, "message": message}).to_string();
            let _ = open(&answer(status, &[], &json));
            let _ = open(&answer(status, &[("x-amzn-errortype", &code)], &body));
        }
    }
}
