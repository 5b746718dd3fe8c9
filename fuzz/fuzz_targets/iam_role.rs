//! What answers in place of IAM: any status and text. A role comes out with an ARN that can be shown, and a
//! policy of a size that can be read, or not at all.
#![no_main]

use ci_assume_role::effect::Answer;
use ci_assume_role::iam::get_role::read;
use ci_assume_role::pairs::Pairs;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, u16, String, String)| {
    let (whole, status, arn, policy) = input;
    let body = if whole {
        let text = format!("<Arn>{arn}</Arn><AssumeRolePolicyDocument>{policy}</AssumeRolePolicyDocument>");
        format!("<GetRoleResponse><GetRoleResult><Role>{text}</Role></GetRoleResult></GetRoleResponse>")
    } else {
        policy
    };
    let status = if whole { 200 } else { status };
    match read(&Answer { status, headers: Pairs::default(), body }) {
        Ok(role) => {
            assert!(role.arn.starts_with("arn:") && role.arn.bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(role.trust_policy.len() <= 32 * 1024);
        }
        Err(fault) => {
            let _ = (fault.code(), fault.retry());
        }
    }
});
