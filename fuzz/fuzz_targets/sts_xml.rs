//! What answers in place of STS: any status and text. Credentials come out fit for a file, or not
//! at all.
#![no_main]

use ci_assume_role::effect::Answer;
use ci_assume_role::pairs::Pairs;
use ci_assume_role::sts::assume_role_with_web_identity::read;
use ci_assume_role::sts::xml::Document;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, u16, String)| {
    let (fine, status, body) = input;
    let _ = Document::read(&body);
    let status = if fine { 200 } else { status };
    match read(&Answer { status, headers: Pairs::default(), body }) {
        Ok(session) => {
            let credentials = &session.credentials;
            for secret in [&credentials.access_key_id, &credentials.secret_access_key, &credentials.session_token] {
                let text = secret.expose();
                assert!(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()));
            }
            assert_eq!(session.account.len(), 12);
        }
        Err(fault) => {
            let _ = (fault.code(), fault.retry());
        }
    }
});
