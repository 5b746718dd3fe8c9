//! Passwords for the public registry, `public.ecr.aws`.
//!
//! <https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_GetAuthorizationToken.html>
//!
//! The call is signed, for the service `ecr-public` in [`super::endpoint::PUBLIC_REGION`]. It takes the
//! permissions `ecr-public:GetAuthorizationToken` and `sts:GetServiceBearerToken`.

use serde_json::Value;

use super::authorization::Authorization;
use crate::aws::json::{AnswerFault, CONTENT_TYPE, open};
use crate::effect::{Answer, Header};

/// The name that the service signs under.
pub const SERVICE: &str = "ecr-public";

/// What to post.
pub const BODY: &str = "{}";

/// The headers of the request, to which a signature is added.
#[must_use]
pub fn headers() -> Vec<Header> {
    let target = "SpencerFrontendService.GetAuthorizationToken";
    vec![("Content-Type".into(), CONTENT_TYPE.to_owned()), ("X-Amz-Target".into(), target.to_owned())]
}

/// Reads what was answered.
///
/// # Errors
/// When ECR refused, when something else than ECR answered, and when ECR's answer lacks something.
pub fn read(answer: &Answer) -> Result<Authorization, AnswerFault> {
    const DATA: &str = "authorizationData";
    let members = open(answer)?;
    Authorization::read(members.get(DATA).and_then(Value::as_object).ok_or(AnswerFault::Incomplete { member: DATA })?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pairs::Pairs;

    fn read_body(body: &str) -> Result<Authorization, AnswerFault> {
        read(&Answer { status: 200, headers: Pairs::default(), body: body.to_owned() })
    }

    #[test]
    fn one_password_is_read() {
        let read = read_body(r#"{"authorizationData":{"authorizationToken":"QVdTOnB3","expiresAt":1795262580}}"#);
        let authorization = read.ok().unwrap();
        assert_eq!((authorization.user.as_str(), authorization.password.expose()), ("AWS", "pw"));
        assert!(authorization.expiration.is_some() && authorization.registry.is_none());
        assert!(headers()[1].1.starts_with("SpencerFrontendService."));
    }

    #[test]
    fn an_answer_without_a_password_is_none() {
        for body in ["{}", r#"{"authorizationData":[]}"#, r#"{"authorizationData":null}"#] {
            assert!(matches!(read_body(body).err(), Some(AnswerFault::Incomplete { member: "authorizationData" })));
        }
    }
}
