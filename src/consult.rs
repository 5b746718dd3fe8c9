//! A denied job asks what the role's trust policy has against it, where the policy is at hand.
//!
//! What knows trust policies is another module, which no job that is let in has to load. So it is
//! asked by an effect: a question in JSON, with the claims that can decide and nothing of the token
//! besides, and an answer in JSON, which is text to show.

use serde_json::Value;

use crate::ci::Ci;
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::{FaultKind, Symlinks};
use crate::keys;
#[cfg(feature = "signed")]
use crate::names::Meaning;
use crate::permalink;
use crate::product;
#[cfg(feature = "signed")]
use crate::run::apart;
use crate::run::{Run, Trouble};
use crate::settings::{Settings, ToAssume};
#[cfg(feature = "signed")]
use crate::signed::role_policy::{self, RolePolicy};
use crate::token::UnverifiedToken;

/// A trust policy has at most 4 KB; a file can have those of many roles.
const POLICY_BYTES: u32 = 1 << 20;
/// What the answer may call its lines.
const LABELS: [&str; 12] = [
    "statement",
    "failed",
    "applies",
    "open",
    "policy wants",
    "policy denies",
    "policy names",
    "differs",
    "token has",
    "token is from",
    "job calls",
    "or",
];
/// What says where a policy is from that is in a file.
const FILE: &str = "policy file";
/// What an answer may hold of each kind.
const MOST: usize = 24;

/// Adds what the policy says to the explanation of a refusal, from a file or from IAM. Whatever is wrong with
/// either, the explanation stands.
pub async fn by_policy(
    run: &Run,
    ci: &dyn Ci,
    settings: &Settings,
    role: &ToAssume<'_>,
    token: &UnverifiedToken,
    mut trouble: Trouble,
) -> Trouble {
    let about_policy = matches!(
        trouble.diagnostic.code,
        Code::NotAuthorized | Code::TagSessionNotAllowed | Code::SourceIdentityNotAllowed
    );
    if !about_policy {
        return trouble;
    }
    let mut policy = String::new(); // where it is at hand
    let mut name = "trust-policy.json";
    if let Some(path) = &role.checks.trust_policy_file {
        name = path;
        let text = read(run, path).await;
        let answer = match &text {
            Ok(text) => ask(run, role, token, path, text).await,
            Err(problem) => Err(*problem),
        };
        trouble.diagnostic = match answer {
            Ok(answer) => told(trouble.diagnostic, FILE, path, &answer),
            Err(problem) => trouble.diagnostic.fact(FILE, format!("{path} {problem}")),
        };
        policy = text.unwrap_or_default();
    } else {
        #[cfg(feature = "signed")]
        if let Some(source) = &role.checks.explain_with {
            let found = apart(role_policy::read(run, ci, settings, role, source)).await;
            if let RolePolicy::Document { text, .. } = &found {
                policy.clone_from(text);
            }
            trouble.diagnostic = by_iam(run, role, token, found, trouble.diagnostic).await;
        }
        #[cfg(not(feature = "signed"))]
        let _ = (ci, settings); // such a run has gone elsewhere
    }
    if role.checks.permalink {
        trouble.diagnostic = trouble.diagnostic.drawn(link(run, role, token, name, &policy));
    }
    trouble
}

/// Where the page shows this denial: the question, without what only this machine knows, such as the file's folder.
/// The claims in it are those that decide, of which a token has no secret ones. What is hidden from the log is taken
/// out before it is encoded, since no filter could find it afterwards.
fn link(run: &Run, role: &ToAssume<'_>, token: &UnverifiedToken, path: &str, policy: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let policy = if policy.len() > permalink::POLICY_BYTES { "" } else { policy };
    permalink::of(&run.scrub(&question(name, policy, role.role_arn.as_str(), token)))
}

/// The same with what IAM has of the role, which may be no role at all.
#[cfg(feature = "signed")]
async fn by_iam(
    run: &Run,
    role: &ToAssume<'_>,
    token: &UnverifiedToken,
    found: RolePolicy,
    diagnostic: Diagnostic,
) -> Diagnostic {
    const POLICY: &str = "trust policy";
    let (account, name) = (role.role_arn.account().as_str(), role.role_arn.name());
    let option = run.option(Meaning::RoleArn);
    match found {
        RolePolicy::Document { text, from } => {
            let whence = format!("from IAM, read with {from}");
            match ask(run, role, token, "trust-policy.json", &text).await {
                Ok(answer) => told(diagnostic, POLICY, &whence, &answer),
                Err(problem) => diagnostic.fact(POLICY, format!("{whence}, {problem}")),
            }
        }
        RolePolicy::NoSuchRole => diagnostic
            .fact(POLICY, "none: IAM says that there is no such role")
            .without_guesses()
            .cause(format!("there is no role `{name}` in account {account}"))
            .fix(format!("correct the account and the name in `{option}`, or create the role")),
        RolePolicy::OtherArn(arn) => diagnostic
            .fact("role in IAM", &arn)
            .without_guesses()
            .cause(format!("the role `{name}` of account {account} has another ARN, with another path or spelling"))
            .fix(format!("set `{option}` to {arn}")),
        RolePolicy::Unread(reason) => diagnostic.fact(POLICY, format!("not read: {reason}")),
    }
}

async fn read(run: &Run, path: &str) -> Result<String, &'static str> {
    let text = run.channel.read_file(path, POLICY_BYTES, Symlinks::Follow).await;
    text.map_err(|fault| match fault.kind {
        FaultKind::NotFound => "is not there",
        FaultKind::TooLarge => "is too large for trust policies",
        FaultKind::NotAFile => "is not a regular file",
        FaultKind::NotUtf8 => "does not hold text",
        _ => "cannot be read",
    })
}

async fn ask(
    run: &Run,
    role: &ToAssume<'_>,
    token: &UnverifiedToken,
    name: &str,
    policy: &str,
) -> Result<Value, &'static str> {
    let answer = run.channel.consult(question(name, policy, role.role_arn.as_str(), token)).await;
    let answer = answer.map_err(|_| "was not looked at: what knows trust policies could not be loaded")?;
    serde_json::from_str(&answer).map_err(|_| "was not looked at: no answer came back")
}

/// With the claims that AWS shows to a policy, and those that it acts on itself.
fn question(name: &str, policy: &str, role_arn: &str, token: &UnverifiedToken) -> String {
    let mut out = String::from("{");
    for (name, text) in [("name", name), ("policy", policy), ("roleArn", role_arn)] {
        push_member(&mut out, name);
        push_text(&mut out, text);
    }
    push_member(&mut out, "claims");
    out.push('{');
    let claims = token.claims();
    let issuer = claims.issuer().unwrap_or_default();
    for name in claims.names() {
        let decides = matches!(name.as_str(), "iss" | "azp" | "google")
            || name.starts_with("https://aws.amazon.com/")
            || keys::of_claim(issuer, name).is_some();
        if let Some(value) = claims.get(name).filter(|_| decides) {
            push_member(&mut out, name);
            push_value(&mut out, value);
        }
    }
    out.push_str("}}");
    out
}

/// What serde makes of any value can write floats as well, which are kilobytes of the module.
fn push_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => match number.as_i64() {
            Some(number) => out.push_str(&number.to_string()),
            None => out.push_str("null"), // no claim that decides is such a number
        },
        Value::String(text) => push_text(out, text),
        Value::Array(items) => {
            out.push('[');
            for item in items {
                push_comma(out);
                push_value(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (name, value) in members {
                push_member(out, name);
                push_value(out, value);
            }
            out.push('}');
        }
    }
}

fn push_member(out: &mut String, name: &str) {
    push_comma(out);
    push_text(out, name);
    out.push(':');
}

/// Unless what comes is the first of its list.
fn push_comma(out: &mut String) {
    if !out.ends_with(['{', '[']) {
        out.push(',');
    }
}

fn push_text(out: &mut String, text: &str) {
    // Text always serialises.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// The answer in the place of what is only likely. `label` and `whence` say where the policy is from.
fn told(diagnostic: Diagnostic, label: &'static str, whence: &str, answer: &Value) -> Diagnostic {
    let texts = |name: &str| answer[name].as_array().into_iter().flatten().filter_map(Value::as_str).take(MOST);
    let mut diagnostic = diagnostic.fact(label, whence);
    if texts("causes").next().is_some() {
        diagnostic = diagnostic.without_guesses();
    }
    for fact in answer["facts"].as_array().into_iter().flatten().take(MOST) {
        let label = fact[0].as_str().and_then(|given| LABELS.iter().find(|label| **label == given));
        if let (Some(label), Some(value)) = (label, fact[1].as_str()) {
            diagnostic = diagnostic.fact(label, value);
        }
    }
    for cause in texts("causes") {
        diagnostic = diagnostic.cause(cause);
    }
    for fix in texts("fixes") {
        diagnostic = diagnostic.fix(fix);
    }
    if let Some(cause) = answer["cause"].as_str().filter(|id| is_id(id)) {
        diagnostic = diagnostic.page(product::cause_url(cause));
    }
    match answer["statement"].as_str() {
        Some(text) => diagnostic.paste("the statement, changed so that it admits this job", "json", text),
        None => diagnostic,
    }
}

/// A link is made of it.
fn is_id(cause: &str) -> bool {
    !cause.is_empty() && cause.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::token::tests::token;

    #[test]
    fn the_question_holds_what_decides_and_nothing_else() {
        let token = token(&json!({
            "iss": "https://gitlab.com", "sub": "a\"b\n", "aud": ["x", "y"], "jti": "secret", "exp": 1, "iat": 1,
            "project_id": 20, "ref_protected": true, "ref": "main", "user_email": null, "namespace_id": 1.5,
            "https://aws.amazon.com/tags": {"principal_tags": {"a": ["b"], "c": []}},
        }));
        let asked: Value = serde_json::from_str(&question("p", "{\"x\": \"\u{1b}\"}", "arn", &token)).unwrap();
        assert_eq!(
            asked,
            json!({"name": "p", "policy": "{\"x\": \"\u{1b}\"}", "roleArn": "arn", "claims": {
                "iss": "https://gitlab.com", "sub": "a\"b\n", "aud": ["x", "y"], "project_id": 20,
                "ref_protected": true, "user_email": null, "namespace_id": null,
                "https://aws.amazon.com/tags": {"principal_tags": {"a": ["b"], "c": []}},
            }})
        );
    }

    #[test]
    fn an_answer_is_shown_as_far_as_it_is_one() {
        let usual = || Diagnostic::new(Code::NotAuthorized, "x").cause("a guess").fix("a guess");
        let answer = json!({
            "facts": [["policy wants", "a\n::error::b"], ["AWS says", "c"], 7, ["failed", 7]],
            "causes": ["d", 7], "fixes": {}, "statement": ["e"], "cause": "value-differs",
        });
        let shown = told(usual(), FILE, "p", &answer);
        assert_eq!(shown.docs_url(), product::cause_url("value-differs"));
        for none in [json!("../x"), json!("a) [b](c"), json!(""), json!(7), json!(null)] {
            assert_eq!(told(usual(), FILE, "p", &json!({ "cause": none })).docs_url(), Code::NotAuthorized.docs_url());
        }
        assert_eq!(shown.facts.len(), 2, "{:?}", shown.facts);
        assert_eq!(shown.facts[1].1.as_str(), "a\\n::error::b");
        assert_eq!(shown.causes.iter().map(crate::text::Inert::as_str).collect::<Vec<_>>(), ["d"]);
        for nothing in [json!(null), json!({"causes": "x"}), json!([])] {
            assert_eq!(told(usual(), FILE, "p", &nothing).causes.len(), 1, "{nothing}");
        }
    }
}
