//! Tokens: any text, and any header and payload in a well-formed envelope.
#![no_main]

use ci_assume_role::time::Timestamp;
use ci_assume_role::token::UnverifiedToken;
use ci_assume_role::token::preflight::{Expected, check};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (String, String, String, i64, bool)| {
    let (text, header, claims, now, fresh) = input;
    for token in [&text, &enveloped(&header, &claims), &enveloped(r#"{"alg":"RS256"}"#, &claims)] {
        match UnverifiedToken::parse(token) {
            Ok(parsed) => {
                assert_eq!(parsed.compact().expose().split('.').count(), 3);
                let audience = parsed.claims().audience();
                let expected = Expected { audience, now: Timestamp::from_seconds(now), fresh };
                match check(&parsed, &expected) {
                    Ok(notices) => notices.iter().for_each(|notice| drop(notice.to_string())),
                    Err(fault) => drop(fault.diagnostic()),
                }
            }
            Err(fault) => drop(fault.diagnostic()),
        }
    }
});

fn enveloped(header: &str, claims: &str) -> String {
    format!("{}.{}.c2lnbmF0dXJl", base64url(header), base64url(claims))
}

/// RFC 4648 section 5, without padding.
fn base64url(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut encoded = String::new();
    for bytes in text.as_bytes().chunks(3) {
        let group = bytes.iter().fold(0, |group, byte| group << 8 | usize::from(*byte)) << (8 * (3 - bytes.len()));
        for place in 0..=bytes.len() {
            encoded.push(char::from(DIGITS[group >> (18 - 6 * place) & 63]));
        }
    }
    encoded
}
