//! Subjects and patterns of subjects: what matches is a subject, and its parts are parts of it.
#![no_main]

use ci_assume_role::policy::issuer::Kind;
use ci_assume_role::policy::pattern::{has_wildcard, like};
use ci_assume_role::policy::subject::{parse, witness};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|pattern: &str| {
    for kind in Kind::ALL {
        let forms = kind.subjects();
        if let Some((_, segments)) = parse(forms, pattern) {
            let mut rest = pattern;
            for segment in segments {
                let (_, after) = rest.split_once(segment.value).expect("the parts stand in their order");
                rest = after;
            }
            assert!(pattern.len() > 4096 || witness(forms, pattern, true).as_deref() == Some(pattern));
        }
        if let Some(subject) = witness(forms, pattern, false) {
            assert!(like(pattern, &subject), "{subject}");
            assert!(parse(forms, &subject).is_some(), "{subject}");
            // Without a wildcard there is one text that matches.
            assert!(has_wildcard(pattern) || pattern.contains('$') || subject == pattern);
        }
    }
});
