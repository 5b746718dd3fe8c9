//! What answers in place of AWS's sign-in, and destinations: a token that can stand in an address comes out, and
//! an address that leads to the console, or nothing.
#![no_main]

use ci_assume_role::effect::Answer;
use ci_assume_role::pairs::Pairs;
use ci_assume_role::signin::{Site, address, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, u16, String, String)| {
    let (fine, status, body, page) = input;
    let status = if fine { 200 } else { status };
    if let Ok(token) = read(&Answer { status, headers: Pairs::default(), body }) {
        let text = token.expose();
        assert!(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()));
        let whole = address("https://signin.aws.amazon.com/federation", "https://console.aws.amazon.com", &token);
        assert!(!whole.expose().contains([' ', '#', '"']));
    }
    let Some(site) = Site::of_partition("aws") else { return };
    for text in [page.clone(), format!("https://{page}"), format!("https://{page}{}", site.console)] {
        if let Ok(page) = site.page(&text) {
            let host = page.split('/').nth(2).unwrap_or_default().split(['?', '#']).next().unwrap_or_default();
            assert!(host == site.console || host.ends_with(&format!(".{}", site.console)), "{page}");
        }
    }
});
