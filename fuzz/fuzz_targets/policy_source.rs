//! Files that hold trust policies: what the AWS CLI, Terraform and CloudFormation write, and anything else.
#![no_main]

use ci_assume_role::policy::source;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for name in ["file.json", "file.yaml", "file"] {
        let file = source::read(name, text);
        if let Some(fault) = &file.fault {
            assert!(text.get(fault.span.start..fault.span.end).is_some(), "{:?}", fault.span);
        }
        for found in &file.policies {
            let spans = found.policy.statements.iter().map(|statement| statement.span);
            let role = found.role.as_ref().map(|role| role.span);
            for span in spans.chain([found.policy.span, found.node.span]).chain(role) {
                assert!(text.get(span.start..span.end).is_some(), "{span:?}");
            }
        }
        for provider in &file.providers {
            assert!(text.get(provider.span.start..provider.span.end).is_some(), "{:?}", provider.span);
        }
    }
});
