//! Credentials of an EC2 instance, from its metadata service, version 2.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html>
//!
//! Three requests: a token, the role's name, the role's credentials. Version 1, which takes no token, is
//! never asked: whoever can make a machine fetch a URL could ask it as well. The token's answer travels
//! as many hops as the instance allows, one by default; from a container that is one too few, and then
//! nothing answers at all.

use std::fmt;

use super::credentials::Credentials;
pub use super::metadata::MetadataFault;
use super::metadata::refused;
use crate::effect::{Answer, Header};
use crate::secret::Secret;
use crate::sts::endpoint::{Endpoint, EndpointFault};

/// Says not to ask, when it is `true`.
pub const DISABLED: &str = "AWS_EC2_METADATA_DISABLED";
/// An address in place of AWS's. It counts before [`ENDPOINT_MODE`].
pub const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
/// `IPv4` or `IPv6`.
pub const ENDPOINT_MODE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";

/// How long the service may take to answer, and how often it is asked: it is next to us, or not there.
pub const TIMEOUT_MS: u32 = 1000;
pub const ATTEMPTS: u32 = 3;

const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";
/// Seconds that a token is good for: 1 to 21,600. We need it for two requests.
const TOKEN_SECONDS: &str = "300";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// Whether [`DISABLED`] says so.
#[must_use]
pub fn is_disabled(variable: Option<&str>) -> bool {
    variable.is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
}

/// One request, without a proxy. It has no `Debug`, since it may hold a token.
pub struct Request {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<Header>,
}

/// Where the service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    base: String,
}

impl Service {
    /// The address from [`ENDPOINT`] and [`ENDPOINT_MODE`], else AWS's. An empty variable counts as
    /// absent.
    ///
    /// # Errors
    /// When the address could be another machine's, or the mode is none.
    pub fn new(endpoint: Option<&str>, mode: Option<&str>) -> Result<Self, ImdsFault> {
        let given = |text: Option<&'_ str>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let base = match (given(endpoint), given(mode)) {
            (Some(address), _) => custom(&address)?,
            (None, None) => IPV4.to_owned(),
            (None, Some(mode)) if mode.eq_ignore_ascii_case("ipv4") => IPV4.to_owned(),
            (None, Some(mode)) if mode.eq_ignore_ascii_case("ipv6") => IPV6.to_owned(),
            (None, Some(_)) => return Err(ImdsFault::Mode),
        };
        Ok(Self { base })
    }

    /// The first request.
    #[must_use]
    pub fn token(&self) -> Request {
        let seconds = ("X-aws-ec2-metadata-token-ttl-seconds".into(), TOKEN_SECONDS.to_owned());
        Request { method: "PUT", url: format!("{}/latest/api/token", self.base), headers: vec![seconds] }
    }

    /// The second: which role the instance has.
    #[must_use]
    pub fn role(&self, token: &Secret) -> Request {
        self.get(ROLES, token)
    }

    /// The third.
    #[must_use]
    pub fn credentials(&self, token: &Secret, role: &InstanceRole) -> Request {
        self.get(&format!("{ROLES}{}", role.0), token)
    }

    fn get(&self, path: &str, token: &Secret) -> Request {
        let token = ("X-aws-ec2-metadata-token".into(), token.expose().to_owned());
        Request { method: "GET", url: format!("{}{path}", self.base), headers: vec![token] }
    }
}

/// The name of the role that the instance has: 1 to 64 characters of `[\w+=,.@-]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceRole(String);

impl InstanceRole {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads what was answered to [`Service::token`].
///
/// # Errors
/// [`ImdsFault::Off`], [`ImdsFault::NotImds`] or [`ImdsFault::Answer`].
pub fn read_token(answer: &Answer) -> Result<Secret, ImdsFault> {
    let token = answer.body.trim();
    match answer.status {
        200 if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Secret::new(token)),
        200 | 404 | 405 => Err(ImdsFault::NotImds),
        403 => Err(ImdsFault::Off),
        _ => Err(ImdsFault::Answer(refused(answer, None))),
    }
}

/// Reads what was answered to [`Service::role`].
///
/// # Errors
/// [`ImdsFault::NoRole`], [`ImdsFault::NotImds`] or [`ImdsFault::Answer`].
pub fn read_role(answer: &Answer) -> Result<InstanceRole, ImdsFault> {
    let name = answer.body.trim();
    match answer.status {
        404 => Err(ImdsFault::NoRole),
        200 if name.is_empty() => Err(ImdsFault::NoRole),
        200 if name.len() <= 64 && name.bytes().all(is_role_byte) => Ok(InstanceRole(name.to_owned())),
        200 => Err(ImdsFault::NotImds),
        _ => Err(ImdsFault::Answer(refused(answer, None))),
    }
}

/// Reads what was answered to [`Service::credentials`].
///
/// # Errors
/// [`ImdsFault::Answer`]. A role that does not trust EC2 is refused with `AssumeRoleUnauthorizedAccess`.
pub fn read(answer: &Answer) -> Result<Credentials, ImdsFault> {
    super::metadata::read(answer).map_err(ImdsFault::Answer)
}

/// Why there are no credentials of an instance.
#[derive(Debug, PartialEq, Eq)]
pub enum ImdsFault {
    // Who set the variables can mend these.
    /// [`ENDPOINT`] is no address, or one of another machine.
    Endpoint(EndpointFault),
    /// [`ENDPOINT_MODE`] is neither `IPv4` nor `IPv6`.
    Mode,

    // Who started the instance can mend these.
    /// The service answered with something else.
    Answer(MetadataFault),
    /// The instance has no role.
    NoRole,
    /// The service is switched off for this instance.
    Off,

    /// What answered is no metadata service of version 2: this is no instance of EC2.
    NotImds,
}

impl fmt::Display for ImdsFault {
    /// A sentence without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(MetadataFault::Member(fault)) => {
                write!(f, "the instance metadata service answered without a valid `{}`", fault.member)
            }
            Self::Answer(MetadataFault::NotJson) => {
                f.write_str("the instance metadata service answered with something that is not JSON")
            }
            Self::Answer(MetadataFault::Refused { status, code, .. }) => {
                write!(f, "the instance metadata service refused with status {status}")?;
                code.as_ref().map_or(Ok(()), |code| write!(f, ": {code}"))
            }
            Self::Endpoint(fault) => write!(f, "the address in `{ENDPOINT}` {fault}"),
            Self::Mode => write!(f, "`{ENDPOINT_MODE}` is neither `IPv4` nor `IPv6`"),
            Self::NoRole => f.write_str("the instance has no role"),
            Self::NotImds => f.write_str("what answered is no instance metadata service of version 2"),
            Self::Off => f.write_str("the instance metadata service is switched off for this instance"),
        }
    }
}

/// AWS's own addresses, and this machine: a stand-in for tests, or a proxy for containers.
fn custom(address: &str) -> Result<String, ImdsFault> {
    let base = address.strip_suffix('/').unwrap_or(address);
    if [IPV4, IPV6].iter().any(|own| own.eq_ignore_ascii_case(base)) {
        return Ok(base.to_owned());
    }
    Endpoint::custom(base).map(|endpoint| endpoint.url).map_err(ImdsFault::Endpoint)
}

fn is_role_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::aws::credentials::MemberFault;
    use crate::pairs::Pairs;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, headers: Pairs::default(), body: body.to_owned() }
    }

    #[test]
    fn the_service_is_where_it_is_said_to_be() {
        let base = |endpoint, mode| Service::new(endpoint, mode).map(|service| service.base);
        assert_eq!(base(None, None), Ok(IPV4.to_owned()));
        assert_eq!(base(Some(""), Some("IPv4")), Ok(IPV4.to_owned()));
        assert_eq!(base(None, Some("ipv6")), Ok(IPV6.to_owned()));
        assert_eq!(base(Some("http://[fd00:ec2::254]/"), Some("?")), Ok(IPV6.to_owned()));
        assert_eq!(base(Some("http://127.0.0.1:1338/"), None), Ok("http://127.0.0.1:1338".to_owned()));
        assert_eq!(base(None, Some("ipv5")), Err(ImdsFault::Mode));
        for (endpoint, fault) in [
            ("http://example.com", EndpointFault::HttpBeyondLoopback),
            ("http://169.254.169.254.example", EndpointFault::HttpBeyondLoopback),
            ("http://169.254.169.254@example.com", EndpointFault::UserInfo),
            ("169.254.169.254", EndpointFault::Scheme),
        ] {
            assert_eq!(base(Some(endpoint), None), Err(ImdsFault::Endpoint(fault)), "{endpoint}");
        }
        assert!(is_disabled(Some("TRUE")) && !is_disabled(Some("1")) && !is_disabled(None));
    }

    #[test]
    fn three_requests_lead_to_credentials() {
        let service = Service::new(None, None).unwrap();
        let first = service.token();
        assert_eq!((first.method, first.url.as_str()), ("PUT", "http://169.254.169.254/latest/api/token"));
        let (name, seconds) = &first.headers[0];
        assert_eq!((name.as_ref(), seconds.as_str()), ("X-aws-ec2-metadata-token-ttl-seconds", "300"));

        let token = read_token(&answer(200, "AQAAANN==")).ok().unwrap();
        let second = service.role(&token);
        assert_eq!((second.method, second.headers[0].1.as_str()), ("GET", "AQAAANN=="));
        let role = read_role(&answer(200, "my-role_1\n")).ok().unwrap();
        let third = service.credentials(&token, &role);
        let url = "http://169.254.169.254/latest/meta-data/iam/security-credentials/my-role_1";
        assert_eq!((third.url.as_str(), third.headers[0].1.as_str()), (url, "AQAAANN=="));

        let body = r#"{"Code":"Success","LastUpdated":"2026-11-21T11:03:00Z","Type":"AWS-HMAC","AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"t","Expiration":"2026-11-21T12:03:00Z"}"#;
        assert!(read(&answer(200, body)).is_ok());
    }

    #[test]
    fn what_is_missing_is_named() {
        for (status, body, fault) in [
            (200, "", ImdsFault::NotImds),
            (200, "<html> </html>", ImdsFault::NotImds),
            (404, "", ImdsFault::NotImds),
            (405, "", ImdsFault::NotImds),
            (403, "", ImdsFault::Off),
        ] {
            assert_eq!(read_token(&answer(status, body)).err(), Some(fault), "{status} {body}");
        }
        for (status, body, fault) in [
            (404, "", ImdsFault::NoRole),
            (200, "\n", ImdsFault::NoRole),
            (200, "../../user-data", ImdsFault::NotImds),
            (200, "a\nb", ImdsFault::NotImds),
        ] {
            assert_eq!(read_role(&answer(status, body)).err(), Some(fault), "{status} {body}");
        }
        let unauthorized = r#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role"}"#;
        let fault = read(&answer(200, unauthorized)).err().unwrap();
        assert_eq!(
            fault.to_string(),
            "the instance metadata service refused with status 200: AssumeRoleUnauthorizedAccess"
        );
        let missing = read(&answer(200, r#"{"Code":"Success"}"#)).err();
        let member = MemberFault { member: "AccessKeyId" };
        assert_eq!(missing, Some(ImdsFault::Answer(MetadataFault::Member(member))));
        let again = read_role(&answer(429, "")).err();
        assert!(matches!(again, Some(ImdsFault::Answer(fault)) if fault.may_pass()));
    }

    proptest! {
        #[test]
        fn never_panics(status in any::<u16>(), body in any::<String>(), endpoint in any::<String>()) {
            let _ = (read_token(&answer(status, &body)).is_ok(), read_role(&answer(status, &body)).is_ok());
            let _ = (read(&answer(status, &body)).is_ok(), Service::new(Some(&endpoint), Some(&body)).is_ok());
        }
    }
}
