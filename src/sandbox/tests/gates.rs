//! One row for each gate, in AWS's order.

use super::*;
use crate::diagnostic::Code;

struct Gate {
    status: u16,
    code: &'static str,
    /// What the client takes it for.
    means: Code,
    message: &'static str,
    /// How to fail at this gate and, by this, at no other.
    spoil: fn(&mut Call),
}

/// In AWS's order.
const GATES: &[Gate] = &[
    Gate {
        status: 400,
        code: "InvalidAction",
        means: Code::StsError,
        message: "Could not find operation AssumeRoleWithWebIdentity for version 2010-05-08",
        spoil: |call| call.form["Version"] = "2010-05-08".into(),
    },
    Gate {
        status: 400,
        code: "ValidationError",
        means: Code::RequestInvalid,
        message: "1 validation error detected: Value 'a/b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
        spoil: |call| call.form["RoleSessionName"] = "a/b".into(),
    },
    Gate {
        status: 400,
        code: "ValidationError",
        means: Code::RequestInvalid,
        message: "Request ARN is invalid",
        spoil: |call| call.form["RoleArn"] = "arn:aws:iam::123456789012:user/deploy".into(),
    },
    Gate {
        status: 400,
        code: "InvalidIdentityToken",
        means: Code::TokenMalformed,
        message: "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        spoil: |call| call.token = Some("gho_access".to_owned()),
    },
    Gate {
        status: 400,
        code: "InvalidIdentityToken",
        means: Code::ProviderNotFound,
        message: "No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com",
        spoil: |call| call.config["providers"][0]["account"] = "210987654321".into(),
    },
    Gate {
        status: 400,
        code: "InvalidIdentityToken",
        means: Code::KeysUnreachable,
        message: "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements",
        spoil: |call| call.signature = "unknown-key",
    },
    Gate {
        status: 400,
        code: "InvalidIdentityToken",
        means: Code::TokenRejected,
        message: "The web identity token provided could not be validated.",
        spoil: |call| call.header["alg"] = "HS256".into(),
    },
    Gate {
        status: 400,
        code: "InvalidIdentityToken",
        means: Code::TokenClaimInvalid,
        message: "Missing a required claim: iat",
        spoil: |call| drop(call.claims.remove("iat")),
    },
    Gate {
        status: 400,
        code: "ExpiredTokenException",
        means: Code::TokenExpired,
        message: "Token expired: current date/time 1795262280 must be before the expiration date/time 1795262280",
        spoil: |call| call.claims["exp"] = (NOW - 300).into(),
    },
    Gate {
        status: 400,
        code: "InvalidIdentityToken",
        means: Code::TokenRejected,
        message: "The web identity token provided could not be validated.",
        spoil: |call| call.claims["aud"] = "https://github.com/octo-org".into(),
    },
    Gate {
        status: 400,
        code: "InvalidIdentityToken",
        means: Code::TokenClaimInvalid,
        message: "The target role ARN is not present in the roles claim of the identity token",
        spoil: |call| {
            call.claims.insert("https://aws.amazon.com/roles".to_owned(), json!([format!("{ROLE}-prod")]));
        },
    },
    Gate {
        status: 403,
        code: "AccessDenied",
        means: Code::NotAuthorized,
        message: "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        spoil: |call| call.claims["sub"] = "repo:evil/octo-repo:ref:refs/heads/main".into(),
    },
    Gate {
        status: 403,
        code: "AccessDenied",
        means: Code::TagSessionNotAllowed,
        message: "Not authorized to perform sts:TagSession",
        spoil: |call| call.actions().retain(|action| action != "sts:TagSession"),
    },
    Gate {
        status: 403,
        code: "AccessDenied",
        means: Code::SourceIdentityNotAllowed,
        message: "Not authorized to perform sts:SetSourceIdentity",
        spoil: |call| call.actions().retain(|action| action != "sts:SetSourceIdentity"),
    },
    Gate {
        status: 400,
        code: "ValidationError",
        means: Code::DurationTooLong,
        message: "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        spoil: |call| drop(call.form.insert("DurationSeconds".to_owned(), "7200".into())),
    },
    Gate {
        status: 400,
        code: "MalformedPolicyDocument",
        means: Code::SessionPolicyInvalid,
        message: "Syntax errors in policy.",
        spoil: |call| drop(call.form.insert("Policy".to_owned(), "{".into())),
    },
    Gate {
        status: 400,
        code: "PackedPolicyTooLarge",
        means: Code::SessionTooLarge,
        message: "Packed policy consumes 110% of allotted space, please use smaller policy.",
        spoil: |call| {
            for number in 1..=10 {
                let arn = format!("arn:aws:iam::aws:policy/{}/P{number}", "x".repeat(325));
                call.form.insert(format!("PolicyArns.member.{number}.arn"), arn.into());
            }
        },
    },
];

#[test]
fn every_gate_answers_in_the_words_of_sts() {
    assert_eq!(Call::full().answer().status, 200);
    for gate in GATES {
        let mut call = Call::full();
        (gate.spoil)(&mut call);
        let answer = call.answer();
        assert_eq!((answer.status, answer.content_type), (gate.status, "text/xml"));
        assert_eq!(code_and_message(&answer), (gate.code.to_owned(), gate.message.to_owned()));
        assert_eq!(as_read_by_the_client(answer).err().map(|fault| fault.code()), Some(gate.means), "{}", gate.message);
    }
}

#[test]
fn the_first_of_two_shut_gates_gives_the_answer() {
    for (index, first) in GATES.iter().enumerate() {
        for second in &GATES[index + 1..] {
            let mut call = Call::full();
            (second.spoil)(&mut call);
            (first.spoil)(&mut call);
            let seen = code_and_message(&call.answer()).1;
            assert_eq!(seen, first.message, "not {}", second.message);
        }
    }
}
