//! Passwords for private registries.
//!
//! <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html>
//!
//! The call is signed, for the service `ecr`. One password is good for every registry of the region
//! that the caller may use.

use serde_json::{Value, json};

use super::authorization::Authorization;
use crate::aws::json::{AnswerFault, CONTENT_TYPE, open};
use crate::effect::{Answer, Header};

/// The name that the service signs under.
pub const SERVICE: &str = "ecr";

/// The headers of the request, to which a signature is added.
#[must_use]
pub fn headers() -> Vec<Header> {
    let target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
    vec![("Content-Type".into(), CONTENT_TYPE.to_owned()), ("X-Amz-Target".into(), target.to_owned())]
}

/// What to post. Without accounts, whose ids have 12 digits, the answer names the caller's own
/// registry; with up to 10, one for each of them.
#[must_use]
pub fn body(accounts: &[&str]) -> String {
    if accounts.is_empty() { "{}".to_owned() } else { json!({"registryIds": accounts}).to_string() }
}

/// Reads what was answered: one authorization at least, each with its registry.
///
/// # Errors
/// When ECR refused, when something else than ECR answered, and when ECR's answer lacks something.
pub fn read(answer: &Answer) -> Result<Vec<Authorization>, AnswerFault> {
    const DATA: &str = "authorizationData";
    let members = open(answer)?;
    let data = members.get(DATA).and_then(Value::as_array).filter(|data| !data.is_empty());
    let mut all = Vec::new();
    for entry in data.ok_or(AnswerFault::Incomplete { member: DATA })? {
        let authorization = Authorization::read(entry.as_object().ok_or(AnswerFault::Incomplete { member: DATA })?)?;
        if authorization.registry.is_none() {
            return Err(AnswerFault::Incomplete { member: "proxyEndpoint" });
        }
        all.push(authorization);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pairs::Pairs;

    fn answer(status: u16, body: &Value) -> Answer {
        Answer { status, headers: Pairs::default(), body: body.to_string() }
    }

    #[test]
    fn writes_the_request() {
        assert_eq!(body(&[]), "{}");
        assert_eq!(body(&["123456789012", "210987654321"]), r#"{"registryIds":["123456789012","210987654321"]}"#);
        let headers = headers();
        assert_eq!(headers[0].1, "application/x-amz-json-1.1");
        assert!(headers[1].1.ends_with(".GetAuthorizationToken"));
    }

    #[test]
    fn every_registry_is_read() {
        let entry = |host: &str| json!({"authorizationToken": "QVdTOnB3", "proxyEndpoint": format!("https://{host}")});
        let read = read(&answer(200, &json!({"authorizationData": [entry("a"), entry("b")]}))).ok().unwrap();
        let hosts: Vec<_> = read.iter().filter_map(|authorization| authorization.registry.as_deref()).collect();
        assert_eq!(hosts, ["a", "b"]);
    }

    #[test]
    fn an_answer_without_a_password_is_none() {
        for (body, member) in [
            (json!({}), "authorizationData"),
            (json!({"authorizationData": null}), "authorizationData"),
            (json!({"authorizationData": []}), "authorizationData"),
            (json!({"authorizationData": [1]}), "authorizationData"),
            (json!({"authorizationData": {}}), "authorizationData"),
            (json!({"authorizationData": [{}]}), "authorizationToken"),
            (json!({"authorizationData": [{"authorizationToken": "QVdTOnB3"}]}), "proxyEndpoint"),
        ] {
            let fault = read(&answer(200, &body)).err();
            assert!(matches!(fault, Some(AnswerFault::Incomplete { member: found }) if found == member), "{body}");
        }
        let refused = read(&answer(400, &json!({"__type": "AccessDeniedException"}))).err();
        assert!(matches!(refused, Some(AnswerFault::Refused(_))));
    }
}
