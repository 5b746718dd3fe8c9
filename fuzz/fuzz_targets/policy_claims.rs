//! Claims files: tokens, payloads and CloudTrail events, each explained beside a policy.
#![no_main]

use ci_assume_role::policy::caller::Role;
use ci_assume_role::policy::evaluate::{Verdict, decide};
use ci_assume_role::policy::explain::{self, Decision, Known, explain};
use ci_assume_role::policy::{claims, source};
use libfuzzer_sys::fuzz_target;

const POLICY: &str = include_str!("../seeds/policy/operators.json");

fuzz_target!(|text: &str| {
    let Ok(given) = claims::read(text) else { return };
    let file = source::read("policy.json", POLICY);
    for found in &file.policies {
        for given in &given {
            let explanation = explain(&found.policy, &given.caller, given.role_arn.as_deref(), &Known::default());
            let mut caller = given.caller.clone();
            caller.role = given.role_arn.as_deref().and_then(Role::of_arn).or(caller.role);
            if explanation.decision == Decision::Allow {
                assert_eq!(decide(&found.policy, &caller).verdict, Verdict::Allowed);
            }
            drop(explain::text(&explanation, false));
            let json = explain::json(&explanation, found, POLICY, &caller);
            assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
        }
    }
});
