//! Signatures of any request: made or refused, and the same when they are made again.
#![no_main]

use ci_assume_role::aws::credentials::Credentials;
use ci_assume_role::aws::sigv4::{Request, Signer};
use ci_assume_role::effect::Header;
use ci_assume_role::time::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, Vec<(String, String)>, &[u8], bool, u32)| {
    let (method, rest, headers, body, s3, seconds) = input;
    let Ok(credentials) = Credentials::parse("AKID", "secret", Some("token")) else { return };
    let service = if s3 { "s3" } else { "sts" };
    let time = Timestamp::from_seconds(seconds.into());
    let signer = Signer { credentials: &credentials, region: "us-east-1", service, time };
    let mut headers: Vec<Header> = headers.into_iter().map(|(name, value)| (name.into(), value)).collect();
    for url in [rest.to_owned(), format!("https://host/{rest}")] {
        let request = Request { method, url: &url, headers: &headers, body };
        let _ = signer.presign(&request, seconds);
        let Ok(first) = signer.sign(&request) else { continue };
        first.add_to(&mut headers);
        let again = signer.sign(&Request { method, url: &url, headers: &headers, body });
        assert!(again.is_ok_and(|again| again.authorization == first.authorization));
    }
});
