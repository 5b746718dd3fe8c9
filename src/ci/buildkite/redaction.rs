//! Telling the agent what to hide from the log. <https://buildkite.com/docs/agent/cli/reference/redactor>

use serde_json::{Map, Value, json};

use super::TOOL_MS;
use crate::effect::{Command, Fault, FaultKind};
use crate::run::{Call, Run, Trouble, all, apart, interrupted};
use crate::secret::Secret;

/// By the Job API, which takes a secret at once and from memory; else by the agent's command line.
/// Where neither can do it, the log says what that means.
///
/// # Errors
/// When the run was interrupted meanwhile.
pub(super) async fn conceal(run: &Run) -> Result<(), Trouble> {
    let secrets = run.secrets();
    let Some(socket) = run.env.get("BUILDKITE_AGENT_JOB_API_SOCKET") else {
        exposed(run, "the agent's Job API is off, or the agent is older than 3.64.0");
        return Ok(());
    };
    // Node has no sockets of the file system on Windows.
    if run.runtime.platform != "win32" && by_socket(run, socket, &secrets).await? {
        return Ok(());
    }
    if !by_agent(run, &secrets).await? {
        exposed(run, "the agent did not take them: it needs 3.66.0 or newer");
    }
    Ok(())
}

async fn by_socket(run: &Run, socket: &str, secrets: &[Secret]) -> Result<bool, Trouble> {
    let Some(bearer) = run.env.get("BUILDKITE_AGENT_JOB_API_TOKEN") else { return Ok(false) };
    let posts = secrets.iter().map(|secret| {
        let call = Call {
            method: "POST",
            url: "http://job/api/current-job/v0/redactions".to_owned(),
            headers: vec![
                ("authorization".into(), format!("Bearer {bearer}")),
                ("content-type".into(), "application/json".to_owned()),
            ],
            body: Some(json!({ "redact": secret.expose() }).to_string()),
        };
        apart(run.ask_socket(socket, call))
    });
    let mut taken = true;
    for answer in all(posts.collect()).await {
        taken &= unless_interrupted(answer)?.is_some_and(|answer| answer.status == 201);
    }
    Ok(taken)
}

async fn by_agent(run: &Run, secrets: &[Secret]) -> Result<bool, Trouble> {
    let named: Map<String, Value> =
        secrets.iter().enumerate().map(|(number, secret)| (number.to_string(), secret.expose().into())).collect();
    let command = Command {
        argv: ["buildkite-agent", "redactor", "add", "--format", "json"].map(str::to_owned).into(),
        env: Vec::new(),
        input: Value::Object(named).to_string(),
        timeout_ms: TOOL_MS,
        max_bytes: 64 * 1024,
    };
    let ended = unless_interrupted(run.program(command).await)?;
    Ok(ended.is_some_and(|ended| ended.exit_code == Some(0)))
}

/// A fault is as good as a refusal, but for the one that ends the run.
fn unless_interrupted<T>(outcome: Result<T, Fault>) -> Result<Option<T>, Trouble> {
    match outcome {
        Ok(outcome) => Ok(Some(outcome)),
        Err(fault) if fault.kind == FaultKind::Interrupted => Err(interrupted()),
        Err(_) => Ok(None),
    }
}

fn exposed(run: &Run, reason: &str) {
    run.notice(&format!(
        "the log cannot be made to hide these credentials ({reason}). The agent hides AWS_SECRET_ACCESS_KEY and \
         AWS_SESSION_TOKEN by their names, unless it is configured otherwise; AWS_ACCESS_KEY_ID is not hidden"
    ));
}
