//! Trust policies: any text is read, decided and linted, with places that are in the text.
#![no_main]

use ci_assume_role::policy::caller::{Caller, Role};
use ci_assume_role::policy::evaluate::{Verdict, decide};
use ci_assume_role::policy::tree::{Kind, Lines, Node, Span};
use ci_assume_role::policy::{json, lint, sample, source};
use libfuzzer_sys::fuzz_target;

const ISSUERS: [&str; 4] =
    ["token.actions.githubusercontent.com", "gitlab.com", "agent.buildkite.com", "accounts.google.com"];

fuzz_target!(|text: &str| {
    let read = json::read(text);
    if let Some(fault) = &read.fault {
        check(text, fault.span);
        drop(fault.slip.to_string());
    }
    assert!(read.node.is_some() || read.fault.is_some());
    // What another reader takes for JSON has no fault.
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        assert!(read.fault.is_none(), "{:?}", read.fault);
    }
    if let Some(node) = &read.node {
        places(text, node);
    }

    let role = Role { partition: "aws".to_owned(), account: "111122223333".to_owned() };
    for found in source::read("policy.json", text).policies {
        for refusal in &found.policy.refusals {
            check(text, refusal.span);
        }
        for issuer in ISSUERS {
            let caller = Caller::of_claims(sample::usual(issuer));
            for caller in [caller.clone(), caller.with_role(Some(role.clone()))] {
                let decision = decide(&found.policy, &caller);
                assert_eq!(decision.verdict == Verdict::Refused, !found.policy.refusals.is_empty());
            }
        }
        for finding in lint::check(&found) {
            check(text, finding.span);
            for edit in &finding.edits {
                check(text, edit.span);
            }
            if let Some(example) = &finding.counter_example {
                assert!(example.holds(&found));
            }
        }
    }
});

fn places(text: &str, node: &Node) {
    check(text, node.span);
    match &node.kind {
        Kind::List(items) => items.iter().for_each(|item| places(text, item)),
        Kind::Object(members) => members.iter().for_each(|member| {
            check(text, member.name_span);
            places(text, &member.value);
        }),
        _ => {}
    }
}

fn check(text: &str, span: Span) {
    assert!(text.get(span.start..span.end).is_some(), "{span:?}");
    let (line, column) = Lines::new(text).place(span.start);
    assert!(line >= 1 && column >= 1);
}
