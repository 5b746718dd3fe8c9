//! What a denied job asks of this module, and what it is told: JSON in, JSON out.

use serde_json::{Value, json};

use super::caller::Caller;
use super::explain::{self, Known, explain};
use super::source::{self, File, Found};
use super::tree::Lines;

/// `{"name", "policy": "the file's text", "roleArn", "claims": {…}}` becomes `{"facts": [[label, text]],
/// "causes": […], "fixes": […], "statement"?, "cause"?}`. AWS has refused the call by the trust policy already.
#[must_use]
pub fn consult(question: &str) -> String {
    let question: Value = serde_json::from_str(question).unwrap_or_default();
    let text = |name: &str| question[name].as_str().unwrap_or_default();
    let file = source::read(text("name"), text("policy"));
    let answer = match choose(&file, text("policy"), text("roleArn")) {
        Ok(found) => {
            let caller = Caller::of_claims(question["claims"].as_object().cloned().unwrap_or_default());
            let known = Known { reached_policy: true, ..Known::default() };
            explain::answer(&explain(&found.policy, &caller, Some(text("roleArn")), &known))
        }
        Err(problem) => json!({ "facts": [["failed", problem]] }),
    };
    answer.to_string()
}

/// The role's policy: the only one of the file, or the one that the file says is the role's.
fn choose<'f>(file: &'f File, text: &str, role_arn: &str) -> Result<&'f Found, String> {
    if let [only] = file.policies.as_slice() {
        return Ok(only);
    }
    let name = role_arn.rsplit('/').next().unwrap_or_default();
    let is = |found: &&Found, by_arn: bool| {
        found.role.as_ref().is_some_and(|role| match &role.arn {
            Some(arn) if by_arn => arn == role_arn,
            _ => !by_arn && role.name == name,
        })
    };
    let mut found = file.policies.iter();
    let role = found.clone().find(|found| is(found, true)).or_else(|| found.find(|found| is(found, false)));
    role.ok_or_else(|| match (file.policies.len(), &file.fault) {
        (0, Some(fault)) => {
            let (line, column) = Lines::new(text).place(fault.span.start);
            format!("there is no trust policy in it: line {line}, column {column}: {}", fault.slip)
        }
        (0, None) => "there is no trust policy in it".to_owned(),
        (many, _) => format!("it has {many} trust policies, and none is of a role {name}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

    fn ask(policy: &str) -> Value {
        let claims = json!({"iss": "https://gitlab.com", "aud": "a", "sub": "project_path:a/b:ref_type:branch:ref:x"});
        let question = json!({"name": "policy.json", "policy": policy, "roleArn": ROLE, "claims": claims});
        serde_json::from_str(&consult(&question.to_string())).unwrap()
    }

    #[test]
    fn a_question_has_an_answer() {
        let policy = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/gitlab.com"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {"gitlab.com:sub": "project_path:a/b:ref_type:branch:ref:main"}},
        }});
        let answer = ask(&policy.to_string());
        assert_eq!(answer["facts"][1], json!(["failed", "gitlab.com:sub, under StringEquals"]));
        assert_eq!(answer["causes"][0], "the policy is about another branch");
        assert_eq!(answer["cause"], "value-differs");
        assert!(answer["statement"].as_str().is_some_and(|text| text.contains("ref_type:branch:ref:x")));
    }

    #[test]
    fn what_is_no_policy_is_named() {
        for (policy, words) in [("", "nothing in it"), ("nonsense", "stands without quotes")] {
            assert!(ask(policy)["facts"][0][1].as_str().is_some_and(|text| text.contains(words)), "{}", ask(policy));
        }
        assert!(serde_json::from_str::<Value>(&consult("not JSON")).is_ok());
    }
}
