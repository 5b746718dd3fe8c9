//! What the engine says of the cases on standard input, for `tests/policy-oracle`: one JSON object a line,
//! one line of verdicts for each, in the order of the actions that the case asks for.

use std::io::{self, BufRead as _, BufWriter, Write as _};

use ci_assume_role::policy::caller::{Caller, Role};
use ci_assume_role::policy::document::TrustPolicy;
use ci_assume_role::policy::evaluate::{Verdict, decide};
use ci_assume_role::policy::json;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Case {
    /// As text, so that names can stand in it twice.
    policy: String,
    claims: Map<String, Value>,
    role: Option<String>,
    /// Keys of the call.
    #[serde(default)]
    request: Map<String, Value>,
}

fn main() -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let case: Case = serde_json::from_str(&line?)?;
        writeln!(out, "{}", verdicts(case))?;
    }
    out.flush()
}

fn verdicts(case: Case) -> String {
    let Some(node) = json::read(&case.policy).node else { return "unreadable".to_owned() };
    let policy = TrustPolicy::read(&node);
    if !policy.refusals.is_empty() {
        return name(Verdict::Refused).to_owned();
    }
    let mut caller = Caller::of_claims(case.claims).with_role(case.role.as_deref().and_then(Role::of_arn));
    caller.request = case.request.into_iter().map(|(key, value)| (key, texts(&value))).collect();
    let verdicts = decide(&policy, &caller).actions;
    verdicts.iter().map(|action| name(action.verdict)).collect::<Vec<_>>().join(" ")
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "allowed",
        Verdict::Denied => "denied",
        Verdict::Unknown => "unknown",
        Verdict::Refused => "refused",
    }
}
