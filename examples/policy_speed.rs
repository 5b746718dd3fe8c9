//! Evaluation alone, for `bench/policy.js`: the shipped module has no export that does so little.

use std::cell::RefCell;

use ci_assume_role::policy::caller::{Caller, Role};
use ci_assume_role::policy::document::TrustPolicy;
use ci_assume_role::policy::evaluate::{Verdict, decide};
use ci_assume_role::policy::{json, sample};

const ISSUER: &str = "token.actions.githubusercontent.com";
const POLICY: &str = include_str!("../fuzz/seeds/policy/github.json");

thread_local! {
    static CASE: RefCell<Option<(TrustPolicy, Caller)>> = const { RefCell::new(None) };
}

/// Decides so many times, and returns how often the token was let in.
#[unsafe(no_mangle)]
pub extern "C" fn evaluate(times: u32) -> u32 {
    CASE.with_borrow_mut(|case| {
        if case.is_none() {
            *case = read();
        }
        let Some((policy, caller)) = case else { return 0 };
        let verdicts = (0..times).map(|_| decide(std::hint::black_box(policy), std::hint::black_box(caller)).verdict);
        verdicts.map(|verdict| u32::from(verdict == Verdict::Allowed)).sum()
    })
}

fn read() -> Option<(TrustPolicy, Caller)> {
    let policy = TrustPolicy::read(&json::read(POLICY).node?);
    let mut claims = sample::usual(ISSUER);
    claims.insert("sub".to_owned(), "repo:octo-org/octo-repo:ref:refs/heads/main".into());
    let role = Role { partition: "aws".to_owned(), account: "111122223333".to_owned() };
    Some((policy, Caller::of_claims(claims).with_role(Some(role))))
}
