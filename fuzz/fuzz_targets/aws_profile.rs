//! The AWS config files, read: any two texts, and the chains of roles that they describe.
#![no_main]

use std::collections::BTreeSet;

use ci_assume_role::aws::profile::Profiles;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: (&str, &str)| {
    let Ok(profiles) = Profiles::read(Some(texts.0), Some(texts.1)) else { return };
    for name in profiles.names() {
        if let Ok(chain) = profiles.chain(name) {
            let through: BTreeSet<&str> = chain.hops.iter().map(|hop| hop.profile.as_str()).collect();
            assert_eq!(through.len(), chain.hops.len(), "a profile twice in one chain");
            assert!(chain.hops.last().is_none_or(|hop| hop.profile == name));
        }
    }
});
