//! Signatures against AWS's own test suite, and against botocore's on random requests.
//! `tests/oracle/sigv4.py` writes the latter; the former says in its head where it comes from.

use std::collections::BTreeMap;

use ci_assume_role::aws::credentials::Credentials;
use ci_assume_role::aws::sigv4::{Request, Signer};
use ci_assume_role::effect::Header;
use ci_assume_role::time::Timestamp;
use serde::Deserialize;

#[derive(Deserialize)]
struct Suite {
    cases: BTreeMap<String, Vector>,
}

#[derive(Deserialize)]
struct Vector {
    /// A request in HTTP's own form.
    req: String,
    /// The canonical request.
    creq: String,
    /// The header `Authorization`.
    authz: String,
}

#[test]
fn aws_own_suite_is_signed_as_it_says() {
    let suite: Suite = serde_json::from_str(include_str!("oracle/sigv4_suite.json")).unwrap();
    assert_eq!(suite.cases.len(), 34);
    for (name, vector) in &suite.cases {
        let (head, body) = vector.req.split_once("\n\n").unwrap_or((&vector.req, ""));
        let (first, lines) = head.split_once('\n').unwrap();
        let (method, rest) = first.split_once(' ').unwrap();
        let target = rest.strip_suffix(" HTTP/1.1").unwrap();
        // The suite has the token in one place only, and there it is signed or not.
        let token = vector.creq.lines().find_map(|line| line.strip_prefix("x-amz-security-token:"));
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let credentials = Credentials::parse("AKIDEXAMPLE", secret, token).ok().unwrap();
        let time = Timestamp::parse("2015-08-30T12:36:00Z").unwrap();
        let signer = Signer { credentials: &credentials, region: "us-east-1", service: "service", time };
        let url = format!("https://example.amazonaws.com{target}");
        let headers = headers(lines);
        let request = Request { method, url: &url, headers: &headers, body: body.as_bytes() };
        let signed = signer.sign(&request).ok().unwrap();
        assert_eq!(signed.authorization, vector.authz, "{name}: {}", vector.creq);
    }
}

/// Lines that start with space go on with the header above (RFC 9112 section 5.2).
fn headers(lines: &str) -> Vec<Header> {
    let mut headers: Vec<Header> = Vec::new();
    for line in lines.lines() {
        match (line.strip_prefix(' '), headers.last_mut()) {
            (Some(more), Some((_, value))) => {
                value.push('\n');
                value.push_str(more);
            }
            _ => {
                let (name, value) = line.split_once(':').unwrap();
                headers.push((name.to_owned().into(), value.to_owned()));
            }
        }
    }
    headers
}

#[derive(Deserialize)]
struct Case {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    region: String,
    service: String,
    time: i64,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
    /// Seconds; `None` for a signature in headers.
    expires: Option<u32>,
    signed: Signed,
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(untagged)]
enum Signed {
    Url(String),
    Headers(Vec<(String, String)>),
}

#[test]
fn random_requests_are_signed_as_by_botocore() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("oracle/sigv4.json")).unwrap();
    assert!(cases.len() >= 200);
    for case in cases {
        let credentials =
            Credentials::parse(&case.access_key_id, &case.secret_access_key, case.session_token.as_deref());
        let signer = Signer {
            credentials: &credentials.ok().unwrap(),
            region: &case.region,
            service: &case.service,
            time: Timestamp::from_seconds(case.time),
        };
        let headers: Vec<Header> =
            case.headers.iter().map(|(name, value)| (name.clone().into(), value.clone())).collect();
        let request = Request { method: &case.method, url: &case.url, headers: &headers, body: case.body.as_bytes() };
        let signed = if let Some(seconds) = case.expires {
            Signed::Url(signer.presign(&request, seconds).ok().unwrap().expose().to_owned())
        } else {
            let mut added = Vec::new();
            signer.sign(&request).ok().unwrap().add_to(&mut added);
            Signed::Headers(added.into_iter().map(|(name, value)| (name.into_owned(), value)).collect())
        };
        assert_eq!(signed, case.signed, "{} {} {:?}", case.method, case.url, case.headers);
    }
}
