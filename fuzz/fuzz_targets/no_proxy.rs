//! Proxy addresses, exceptions and targets: any text.
#![no_main]

use ci_assume_role::proxy::{Origin, ProxySettings, ProxyUrl};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, &str)| {
    let (proxy, exceptions, target) = input;
    let Ok(settings) = ProxySettings::new(Some(proxy), Some(exceptions), |_| None) else { return };
    let Ok(Some(route)) = settings.for_url(target) else { return };
    assert!(!route.shown().contains('@'));

    // The shim reads what we hand it as we did.
    let again = ProxyUrl::parse(&route.expose(), Origin::Option).ok().expect("our own spelling");
    assert!(again.expose() == route.expose() && again.shown() == route.shown());
});
