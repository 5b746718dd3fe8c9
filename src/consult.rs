//! A denied job asks what the role's trust policy has against it, where the policy is at hand.
//!
//! What knows trust policies is another module, which no job that is let in has to load. So it is
//! asked by an effect: a question in JSON, with the claims that can decide and nothing of the token
//! besides, and an answer in JSON, which is text to show.

use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic};
use crate::effect::{FaultKind, Symlinks};
use crate::keys;
use crate::run::{Run, Trouble};
use crate::settings::RoleSettings;
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
/// What an answer may hold of each kind.
const MOST: usize = 24;

/// Adds what the policy says to the explanation of a refusal. Whatever is wrong with the file, the
/// explanation stands.
pub async fn by_policy(run: &Run, role: &RoleSettings, token: &UnverifiedToken, mut trouble: Trouble) -> Trouble {
    let Some(path) = &role.trust_policy_file else { return trouble };
    let about_policy = matches!(
        trouble.diagnostic.code,
        Code::NotAuthorized | Code::TagSessionNotAllowed | Code::SourceIdentityNotAllowed
    );
    if about_policy {
        trouble.diagnostic = match ask(run, role, token, path).await {
            Ok(answer) => told(trouble.diagnostic, path, &answer),
            Err(problem) => trouble.diagnostic.fact("policy file", format!("{path} {problem}")),
        };
    }
    trouble
}

async fn ask(run: &Run, role: &RoleSettings, token: &UnverifiedToken, path: &str) -> Result<Value, &'static str> {
    let policy = run.channel.read_file(path, POLICY_BYTES, Symlinks::Follow).await;
    let policy = policy.map_err(|fault| match fault.kind {
        FaultKind::NotFound => "is not there",
        FaultKind::TooLarge => "is too large for trust policies",
        FaultKind::NotAFile => "is not a regular file",
        FaultKind::NotUtf8 => "does not hold text",
        _ => "cannot be read",
    })?;
    let question =
        json!({ "name": path, "policy": policy, "roleArn": role.role_arn.as_str(), "claims": deciding(token) });
    let answer = run.channel.consult(question.to_string()).await;
    let answer = answer.map_err(|_| "was not looked at: what knows trust policies could not be loaded")?;
    serde_json::from_str(&answer).map_err(|_| "was not looked at: no answer came back")
}

/// The claims that AWS shows to a policy, and those that it acts on itself.
fn deciding(token: &UnverifiedToken) -> Map<String, Value> {
    let claims = token.claims();
    let issuer = claims.issuer().unwrap_or_default();
    let decides = |name: &str| {
        matches!(name, "iss" | "azp" | "google")
            || name.starts_with("https://aws.amazon.com/")
            || keys::of_claim(issuer, name).is_some()
    };
    let chosen = claims.names().filter(|name| decides(name));
    chosen.filter_map(|name| Some((name.clone(), claims.get(name)?.clone()))).collect()
}

/// The answer in the place of what is only likely.
fn told(diagnostic: Diagnostic, path: &str, answer: &Value) -> Diagnostic {
    let texts = |name: &str| answer[name].as_array().into_iter().flatten().filter_map(Value::as_str).take(MOST);
    let mut diagnostic = diagnostic.fact("policy file", path);
    if texts("causes").next().is_some() {
        diagnostic = diagnostic.without_guesses();
    }
    for fact in answer["facts"].as_array().into_iter().flatten().take(MOST) {
        let label = LABELS.iter().find(|label| fact[0] == **label);
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
    match answer["statement"].as_str() {
        Some(text) => diagnostic.paste("the statement, changed so that it admits this job", "json", text),
        None => diagnostic,
    }
}
