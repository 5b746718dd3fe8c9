//! Credentials of a container: of a task in ECS, of a pod in EKS, of a build in `CodeBuild`.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>

use std::fmt;

use super::credentials::Credentials;
pub use super::metadata::MetadataFault;
use crate::effect::{Answer, Header};
use crate::secret::Secret;
use crate::sts::endpoint::{Endpoint, EndpointFault};

/// A path at the service of ECS. It counts before [`FULL_URI`].
pub const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
pub const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
/// What the service asks for, in a variable. [`TOKEN_FILE`] counts before it.
pub const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
/// The file of what the service asks for. It is rewritten now and then, so it is read each time.
pub const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// How long the service may take to answer, and how often it is asked: it is next to us, or not there.
pub const TIMEOUT_MS: u32 = 2000;
pub const ATTEMPTS: u32 = 3;

const ECS: &str = "http://169.254.170.2";
/// Where the services of ECS and of EKS are. Nothing else may be asked without TLS.
const WITHOUT_TLS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];

/// What is asked of the service. It has no `Debug`, since it holds a secret.
pub struct Request {
    pub url: String,
    authorization: Option<Secret>,
}

impl Request {
    /// The address from [`RELATIVE_URI`] or [`FULL_URI`]. `None`: neither is there, so this is no
    /// container with credentials. An empty variable counts as absent.
    ///
    /// # Errors
    /// When the address could be another machine's, which would get our token, and whose credentials
    /// we would use.
    #[must_use]
    pub fn new(relative: Option<&str>, full: Option<&str>) -> Option<Result<Self, ContainerFault>> {
        let given = |text: Option<&'_ str>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let url = match (given(relative), given(full)) {
            (Some(path), _) => relative_url(&path),
            (None, Some(url)) => full_url(url),
            (None, None) => return None,
        };
        Some(url.map(|url| Self { url, authorization: None }))
    }

    /// With what the service asks for, from [`TOKEN_FILE`] or [`TOKEN`]. Space around it is dropped.
    ///
    /// # Errors
    /// [`ContainerFault::Token`].
    pub fn with_authorization(self, token: &str) -> Result<Self, ContainerFault> {
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err(ContainerFault::Token);
        }
        Ok(Self { authorization: Some(Secret::new(token)), ..self })
    }

    /// For a GET, without a proxy.
    #[must_use]
    pub fn headers(&self) -> Vec<Header> {
        let mut headers: Vec<Header> = vec![("Accept".into(), "application/json".to_owned())];
        if let Some(token) = &self.authorization {
            headers.push(("Authorization".into(), token.expose().to_owned()));
        }
        headers
    }
}

/// Reads what was answered to a [`Request`].
///
/// # Errors
/// When the service refused, when something else answered, and when something is missing.
pub fn read(answer: &Answer) -> Result<Credentials, MetadataFault> {
    super::metadata::read(answer)
}

/// Why nothing is asked. Who set the variables can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerFault {
    /// [`FULL_URI`] without TLS, and neither this machine nor one of AWS's addresses.
    Host,
    /// [`RELATIVE_URI`] is no path.
    Path,
    /// What the service asks for is empty, or no header can hold it.
    Token,
    /// [`FULL_URI`] is no URL that can be asked.
    Url(EndpointFault),
}

impl fmt::Display for ContainerFault {
    /// A sentence without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => write!(
                f,
                "`{FULL_URI}` starts with `http://`, which is allowed for this machine, {} alone",
                WITHOUT_TLS.join(", ")
            ),
            Self::Path => write!(f, "`{RELATIVE_URI}` is no path that starts with `/`"),
            Self::Token => write!(f, "`{TOKEN_FILE}` or `{TOKEN}` is empty or has characters that no header can hold"),
            Self::Url(fault) => write!(f, "the address in `{FULL_URI}` {fault}"),
        }
    }
}

/// A path alone: `@host` or `.host` after AWS's address would name another one.
fn relative_url(path: &str) -> Result<String, ContainerFault> {
    if path.starts_with('/') && is_plain(path) { Ok(format!("{ECS}{path}")) } else { Err(ContainerFault::Path) }
}

fn full_url(url: String) -> Result<String, ContainerFault> {
    let address = url.split('?').next().unwrap_or_default();
    if !is_plain(&url) {
        return Err(ContainerFault::Url(EndpointFault::Character));
    }
    match Endpoint::custom(address) {
        Ok(_) => Ok(url),
        Err(EndpointFault::HttpBeyondLoopback) if is_of_aws(address) => Ok(url),
        Err(EndpointFault::HttpBeyondLoopback) => Err(ContainerFault::Host),
        Err(fault) => Err(ContainerFault::Url(fault)),
    }
}

/// Whether the host of an `http:` address, with any port, is one of AWS's.
fn is_of_aws(address: &str) -> bool {
    let authority = address.split('/').nth(2).unwrap_or_default().to_ascii_lowercase();
    WITHOUT_TLS
        .iter()
        .any(|host| authority.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')))
}

/// No fragment, no backslash that some readers take for a slash, nothing that a URL cannot hold.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pairs::Pairs;

    fn url(relative: Option<&str>, full: Option<&str>) -> Option<Result<String, ContainerFault>> {
        Request::new(relative, full).map(|request| request.map(|request| request.url))
    }

    #[test]
    fn a_path_is_asked_at_ecs() {
        let at = |path: &str| Some(Ok(format!("http://169.254.170.2{path}")));
        assert_eq!(url(None, None), None);
        assert_eq!(url(Some(""), Some(" ")), None);
        assert_eq!(url(Some("/v2/credentials/1?id=2"), None), at("/v2/credentials/1?id=2"));
        assert_eq!(url(Some("/a"), Some("https://elsewhere")), at("/a"));
        for path in ["@evil.example/", ".evil.example", ":80@evil.example", "a", "/a b", "/a#b", "/a\\b", "/é"] {
            assert_eq!(url(Some(path), Some("https://elsewhere")), Some(Err(ContainerFault::Path)), "{path}");
        }
    }

    #[test]
    fn only_this_machine_and_aws_are_asked_without_tls() {
        for full in [
            "https://credentials.example/a?b=c",
            "https://[2001:db8::1]:8443",
            "http://localhost:8080/a",
            "http://127.0.0.1/get?x=@",
            "http://[::1]:80/",
            "http://169.254.170.2/v2",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]:80/v1/credentials",
            "HTTP://[FD00:EC2::23]/v1",
        ] {
            assert_eq!(url(None, Some(full)), Some(Ok(full.to_owned())), "{full}");
        }
        for (full, fault) in [
            ("http://example.com/", ContainerFault::Host),
            ("http://169.254.169.254/", ContainerFault::Host),
            ("http://169.254.170.2.example/", ContainerFault::Host),
            ("http://169.254.170.23x/", ContainerFault::Host),
            ("http://[fd00:ec2::24]/", ContainerFault::Host),
            ("http://169.254.170.2@example.com/", ContainerFault::Url(EndpointFault::UserInfo)),
            ("http://169.254.170.2\\@example.com/", ContainerFault::Url(EndpointFault::Character)),
            ("http://169.254.170.2#@example.com/", ContainerFault::Url(EndpointFault::Character)),
            ("http://169.254.170.2:x/", ContainerFault::Url(EndpointFault::Port)),
            ("ftp://localhost", ContainerFault::Url(EndpointFault::Scheme)),
            ("/v2", ContainerFault::Url(EndpointFault::Scheme)),
        ] {
            assert_eq!(url(None, Some(full)), Some(Err(fault)), "{full}");
        }
    }

    #[test]
    fn the_token_stands_in_a_header() {
        let request = || Request::new(Some("/a"), None).unwrap().ok().unwrap();
        assert_eq!(request().headers().len(), 1);
        let headers = request().with_authorization("Basic abc=\n").ok().unwrap().headers();
        assert_eq!(
            headers.last().map(|(name, value)| (name.as_ref(), value.as_str())),
            Some(("Authorization", "Basic abc="))
        );
        for token in ["", " \n", "a\r\nX: y", "a\nb", "é"] {
            assert_eq!(request().with_authorization(token).err(), Some(ContainerFault::Token), "{token}");
        }
    }

    #[test]
    fn credentials_are_read_or_refused() {
        let answer = |status: u16, body: &str| Answer { status, headers: Pairs::default(), body: body.to_owned() };
        let whole = r#"{"RoleArn":"r","AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"t","Expiration":"2026-11-21T12:03:00Z"}"#;
        assert!(read(&answer(200, whole)).is_ok());
        assert_eq!(read(&answer(200, "<html>")).err(), Some(MetadataFault::NotJson));
        let fault = read(&answer(404, r#"{"code":"NoSuchTask","message":"a\nb"}"#)).err().unwrap();
        assert!(!fault.may_pass());
        let MetadataFault::Refused { status, code, message } = fault else { panic!("not refused") };
        let text = |text: Option<crate::text::Inert>| text.map(String::from);
        assert_eq!((status, text(code), text(message)), (404, Some("NoSuchTask".into()), Some("a\\nb".into())));
        assert!(read(&answer(500, "down")).err().is_some_and(|fault| fault.may_pass()));
    }

    proptest! {
        #[test]
        fn no_address_leads_elsewhere(text in any::<String>(), rest in "[a-z0-9.:/?@\\[\\]%]{0,30}") {
            let _ = url(Some(&text), Some(&rest));
            if let Some(Ok(url)) = url(None, Some(&format!("http://{rest}"))) {
                let host = Endpoint::custom(&url.replacen("http", "https", 1).replace('?', "/")).map(|endpoint| endpoint.host);
                let host = host.unwrap();
                let local = host == "localhost" || host.starts_with("127.") || host.contains("::1") || host == "::ffff:127.0.0.1";
                prop_assert!(local || WITHOUT_TLS.iter().any(|own| own.contains(&host)), "{}", url);
            }
        }
    }
}
