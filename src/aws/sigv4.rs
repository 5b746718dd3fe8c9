//! Signatures of requests, version 4: as headers, or as a URL that can be handed on.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
//!
//! A request is brought into a canonical form, which both sides can make from what goes over the
//! wire, and that form is signed with a key for one day, one region and one service.

mod canonical;

use std::fmt::{self, Write as _};

use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::utf8_percent_encode;
use sha2::{Digest as _, Sha256};

use self::canonical::{Headers, RESERVED, Target};
use super::credentials::Credentials;
use crate::effect::Header;
use crate::secret::Secret;
use crate::time::Timestamp;

/// How long a presigned URL may be good for, in seconds: seven days.
pub const LONGEST_PRESIGNED: u32 = 604_800;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// In place of the body's hash, where the body is not known when the signature is made.
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
/// The service that takes paths as they are, and wants the body's hash in a header.
const S3: &str = "s3";

/// Who signs, for whom, and when.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    pub credentials: &'a Credentials,
    /// `us-east-1`.
    pub region: &'a str,
    /// The name that the service signs under, such as `sts`, `ecr` or `ecr-public`.
    pub service: &'a str,
    /// By the service's clock. It refuses more than five minutes of difference.
    pub time: Timestamp,
}

/// What is signed, as it goes over the wire.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub method: &'a str,
    /// Absolute, with what needs encoding encoded once. A fragment is not sent, and not signed.
    pub url: &'a str,
    /// Every one is signed but those that proxies change. Signatures from before are ignored. `Host`
    /// is the URL's unless it stands here.
    pub headers: &'a [Header],
    pub body: &'a [u8],
}

impl Signer<'_> {
    /// Signs in headers.
    ///
    /// # Errors
    /// [`SigningFault::Url`].
    pub fn sign(&self, request: &Request<'_>) -> Result<SignedHeaders, SigningFault> {
        let target = Target::parse(request.url).ok_or(SigningFault::Url)?;
        let date = self.date();
        let mut headers = Headers::of(request.headers, &target);
        headers.set("x-amz-date", &date);
        if let Some(token) = &self.credentials.session_token {
            headers.set("x-amz-security-token", token.expose());
        }
        let payload = headers.value("x-amz-content-sha256").map(str::to_owned);
        let payload = payload.unwrap_or_else(|| hex(&Sha256::digest(request.body)));
        let content_sha256 = (self.service == S3).then(|| payload.clone());
        if let Some(hash) = &content_sha256 {
            headers.set("x-amz-content-sha256", hash);
        }

        let signature = self.signature(&date, &self.canonical(request.method, &target, &headers, &payload));
        let authorization = format!(
            "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={signature}",
            self.credentials.access_key_id.expose(),
            self.scope(&date),
            headers.names(),
        );
        Ok(SignedHeaders { authorization, date, session_token: self.credentials.session_token.clone(), content_sha256 })
    }

    /// Signs in the query. Whoever has the URL can make this request, with these headers, for so many
    /// seconds: 1 to [`LONGEST_PRESIGNED`]. So it is a secret.
    ///
    /// # Errors
    /// [`SigningFault::Expires`] or [`SigningFault::Url`].
    pub fn presign(&self, request: &Request<'_>, expires_seconds: u32) -> Result<Secret, SigningFault> {
        if !(1..=LONGEST_PRESIGNED).contains(&expires_seconds) {
            return Err(SigningFault::Expires);
        }
        let target = Target::parse(request.url).ok_or(SigningFault::Url)?;
        let headers = Headers::of(request.headers, &target);
        let date = self.date();
        let credential = format!("{}/{}", self.credentials.access_key_id.expose(), self.scope(&date));
        let expires = expires_seconds.to_string();
        let names = headers.names();
        let mut url = target.without_fragment().to_owned();
        let mut push = |name: &str, value: &str| {
            let separator = match url.as_bytes() {
                [.., b'?' | b'&'] => "",
                _ if url.contains('?') => "&",
                _ => "?",
            };
            url.extend([separator, name, "="]);
            url.extend(utf8_percent_encode(value, RESERVED));
        };
        push("X-Amz-Algorithm", ALGORITHM);
        push("X-Amz-Credential", &credential);
        push("X-Amz-Date", &date);
        push("X-Amz-Expires", &expires);
        push("X-Amz-SignedHeaders", &names);
        if let Some(token) = &self.credentials.session_token {
            push("X-Amz-Security-Token", token.expose());
        }

        let payload = match headers.value("x-amz-content-sha256") {
            Some(hash) => hash.to_owned(),
            None if self.service == S3 => UNSIGNED_PAYLOAD.to_owned(),
            None => hex(&Sha256::digest(request.body)),
        };
        let signed = Target::parse(&url).ok_or(SigningFault::Url)?;
        let signature = self.signature(&date, &self.canonical(request.method, &signed, &headers, &payload));
        Ok(Secret::new(format!("{url}&X-Amz-Signature={signature}")))
    }

    /// The request in the form that both sides can make of it.
    fn canonical(&self, method: &str, target: &Target<'_>, headers: &Headers, payload: &str) -> String {
        let path = if self.service == S3 { target.path_as_it_is() } else { target.path_encoded_twice() };
        let method = method.to_ascii_uppercase();
        format!("{method}\n{path}\n{}\n{}\n{}\n{payload}", target.query(), headers.lines(), headers.names())
    }

    fn signature(&self, date: &str, canonical: &str) -> String {
        let to_sign = format!("{ALGORITHM}\n{date}\n{}\n{}", self.scope(date), hex(&Sha256::digest(canonical)));
        let secret = format!("AWS4{}", self.credentials.secret_access_key.expose());
        let day = hmac(secret.as_bytes(), day_of(date));
        let key = hmac(&hmac(&hmac(&day, self.region), self.service), "aws4_request");
        hex(&hmac(&key, &to_sign))
    }

    /// What the signing key is good for.
    fn scope(&self, date: &str) -> String {
        format!("{}/{}/{}/aws4_request", day_of(date), self.region, self.service)
    }

    /// `20150830T123600Z`
    fn date(&self) -> String {
        self.time.to_string().replace(['-', ':'], "")
    }
}

/// What a signature adds to a request. It has no `Debug`, since it holds a secret.
pub struct SignedHeaders {
    /// The signature, with who signed and what. It grants this one request for five minutes.
    pub authorization: String,
    /// `20150830T123600Z`
    pub date: String,
    pub session_token: Option<Secret>,
    /// Wanted by S3 alone.
    pub content_sha256: Option<String>,
}

impl SignedHeaders {
    /// Adds them to those of the request, in place of a signature from before.
    pub fn add_to(&self, headers: &mut Vec<Header>) {
        headers.retain(|(name, _)| !canonical::is_of_signature(name));
        let mut push = |name: &'static str, value: &str| headers.push((name.into(), value.to_owned()));
        push("X-Amz-Date", &self.date);
        if let Some(token) = &self.session_token {
            push("X-Amz-Security-Token", token.expose());
        }
        push("Authorization", &self.authorization);
        if let Some(hash) = &self.content_sha256 {
            headers.retain(|(name, _)| !name.trim().eq_ignore_ascii_case("x-amz-content-sha256"));
            headers.push(("X-Amz-Content-Sha256".into(), hash.clone()));
        }
    }
}

/// Why nothing was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningFault {
    /// A presigned URL is good for 1 second to 7 days.
    Expires,
    /// No absolute URL with a host, or one with a user name in it.
    Url,
}

impl fmt::Display for SigningFault {
    /// Goes on from "the request …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expires => "is to be good for less than a second or more than 7 days",
            Self::Url => "has a URL without a host that can be signed for",
        })
    }
}

/// `20150830` of `20150830T123600Z`
fn day_of(date: &str) -> &str {
    date.split('T').next().unwrap_or_default()
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    // RFC 2104 section 3: a key of any length will do.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn credentials(token: Option<&str>) -> Credentials {
        Credentials::parse("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token).ok().unwrap()
    }

    fn signer(credentials: &Credentials) -> Signer<'_> {
        let time = Timestamp::parse("2015-08-30T12:36:00Z").unwrap();
        Signer { credentials, region: "us-east-1", service: "iam", time }
    }

    /// The example that AWS's documentation works through.
    #[test]
    fn signs_as_documented() {
        let credentials = credentials(None);
        let headers = [("Content-Type".into(), "application/x-www-form-urlencoded; charset=utf-8".to_owned())];
        let request = Request {
            method: "GET",
            url: "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
            headers: &headers,
            body: b"",
        };
        let signed = signer(&credentials).sign(&request).ok().unwrap();
        assert_eq!(
            signed.authorization,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }

    #[test]
    fn a_second_signature_replaces_the_first() {
        let credentials = credentials(Some("token"));
        for (service, more) in [("sts", ""), ("s3", "X-Amz-Content-Sha256")] {
            let signer = Signer { service, ..signer(&credentials) };
            let mut headers: Vec<Header> = vec![("accept".into(), "*/*".to_owned())];
            for _ in 0..2 {
                let request = Request { method: "post", url: "https://sts.example/", headers: &headers, body: b"a=b" };
                signer.sign(&request).ok().unwrap().add_to(&mut headers);
            }
            let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_ref()).collect();
            assert_eq!(
                names.join(" ").trim(),
                format!("accept X-Amz-Date X-Amz-Security-Token Authorization {more}").trim()
            );
        }
    }

    #[test]
    fn faults_are_named() {
        let credentials = credentials(None);
        let request = |url| Request { method: "GET", url, headers: &[], body: b"" };
        for url in ["", "sts.example", "https://", "https:///x", "https://a@b", "https://a b", "//a"] {
            assert_eq!(signer(&credentials).sign(&request(url)).err(), Some(SigningFault::Url), "{url}");
        }
        for seconds in [0, LONGEST_PRESIGNED + 1] {
            let presigned = signer(&credentials).presign(&request("https://a"), seconds);
            assert_eq!(presigned.err(), Some(SigningFault::Expires));
        }
    }

    #[test]
    fn a_presigned_url_keeps_its_query() {
        let credentials = credentials(None);
        for (url, start) in [
            ("https://a", "https://a?X-Amz-Algorithm="),
            ("https://a/?", "https://a/?X-Amz-Algorithm="),
            ("https://a/b?c=d&e#f?", "https://a/b?c=d&e&X-Amz-Algorithm="),
            ("https://a/b?c&", "https://a/b?c&X-Amz-Algorithm="),
        ] {
            let request = Request { method: "GET", url, headers: &[], body: b"" };
            let presigned = signer(&credentials).presign(&request, 60).ok().unwrap();
            assert!(presigned.expose().starts_with(start), "{}", presigned.expose());
        }
    }

    proptest! {
        #[test]
        fn never_panics(
            method in any::<String>(), url in any::<String>(), rest in "[ -~é]{0,40}", name in any::<String>(),
            value in any::<String>(), body in any::<Vec<u8>>(), service in "s3|sts", millis in any::<i64>(),
        ) {
            let credentials = credentials(Some("token"));
            let headers = [(name.into(), value)];
            for url in [url, format!("https://host/{rest}")] {
                let request = Request { method: &method, url: &url, headers: &headers, body: &body };
                let signer = Signer { service: &service, time: Timestamp::from_millis(millis), ..signer(&credentials) };
                let _ = signer.sign(&request);
                let _ = signer.presign(&request, 60);
            }
        }
    }
}
