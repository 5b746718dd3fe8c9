//! Buildkite's tokens: minted by the agent's command line, or by the call behind it.
//! <https://buildkite.com/docs/agent/cli/reference/oidc>

use serde_json::{Value, json};

use crate::change::said;
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::{Answer, Command, Ended, FaultKind};
use crate::run::{Call, Run, Service, Trouble, interrupted, shown_host};
use crate::secret::Secret;
use crate::settings::{Settings, TokenRequest};
use crate::sts::endpoint::Endpoint;
use crate::sts::error::Retry;
use crate::values::Audience;

const AGENT: &str = "buildkite-agent";
/// The agent tries five times by itself, over 15 seconds.
const AGENT_MS: u32 = 25_000;
const AGENT_BYTES: u32 = 64 * 1024;
const DEFAULT_ENDPOINT: &str = "https://agent-edge.buildkite.com/v3";
/// Variables `BUILDKITE_REQUEST_HEADER_BUILDKITE_X_Y` are headers `Buildkite-X-Y` of every request.
const HEADER_PREFIX: &str = "BUILDKITE_REQUEST_HEADER_BUILDKITE_";

const TOKEN_SERVICE: Service = Service {
    name: "Buildkite's token service",
    advice: "check that this agent may reach Buildkite (firewall, DNS, proxy), and https://www.buildkitestatus.com",
};

/// Has Buildkite mint a token. The command line is what Buildkite supports; the call behind it is
/// for agents without it, or with one that is too old.
pub(super) async fn request(run: &Run, settings: &Settings, request: &TokenRequest) -> Result<Secret, Trouble> {
    let Some(job) = run.env.get("BUILDKITE_JOB_ID") else {
        return Err(Trouble::new(Retry::Never, not_a_job()));
    };
    match by_agent(run, request).await? {
        Asked::Token(token) => Ok(token),
        Asked::Unable(reason) => {
            run.say(&format!("  {reason}; asking Buildkite itself"));
            by_call(run, settings, request, job).await
        }
    }
}

pub(super) fn not_a_job() -> Diagnostic {
    Diagnostic::new(Code::TokenPermissionMissing, "this is not a Buildkite job: BUILDKITE_JOB_ID is not set")
        .cause("a container that the job has started gets none of the job's variables by itself")
        .fix("run it as a plugin of a step")
}

enum Asked {
    Token(Secret),
    /// Not this way, and why.
    Unable(String),
}

/// A flag, its values, and the first agent that has it.
struct Flag {
    name: &'static str,
    values: Vec<String>,
    since: [u32; 3],
}

fn flags(request: &TokenRequest) -> Vec<Flag> {
    let flag = |name, values: Vec<String>, since| Flag { name, values, since };
    vec![
        flag("--audience", vec![audience(request).to_owned()], [3, 41, 0]),
        flag("--lifetime", request.lifetime.map(|seconds| seconds.to_string()).into_iter().collect(), [3, 41, 0]),
        flag("--claim", request.claims.clone(), [3, 44, 0]),
        flag("--aws-session-tag", request.session_tags.clone(), [3, 83, 0]),
        flag("--subject-claim", request.subject_claim.clone().into_iter().collect(), [3, 121, 0]),
    ]
    .into_iter()
    .filter(|flag| !flag.values.is_empty())
    .collect()
}

fn audience(request: &TokenRequest) -> &str {
    request.audience.as_ref().map_or(Audience::STS, Audience::as_str)
}

async fn by_agent(run: &Run, request: &TokenRequest) -> Result<Asked, Trouble> {
    let flags = flags(request);
    let mut argv: Vec<String> = [AGENT, "oidc", "request-token"].map(str::to_owned).into();
    for Flag { name, values, .. } in &flags {
        for value in values {
            argv.extend([(*name).to_owned(), value.clone()]);
        }
    }
    let ended = match run.program(agent(run, argv)).await {
        Ok(ended) => ended,
        Err(fault) => {
            return match fault.kind {
                FaultKind::Interrupted => Err(interrupted()),
                FaultKind::NotFound => Ok(Asked::Unable(format!("there is no {AGENT} on PATH"))),
                FaultKind::Timeout => Err(Trouble::new(Retry::Never, too_late())),
                _ => Ok(Asked::Unable(format!("{AGENT} cannot be run ({})", fault.detail))),
            };
        }
    };
    let token = ended.stdout.trim();
    if ended.exit_code == Some(0) {
        return match token {
            "" => Err(Trouble::new(Retry::Never, without_token())),
            token => Ok(Asked::Token(Secret::new(token))),
        };
    }
    match too_old(run, &flags).await {
        Some(reason) => Ok(Asked::Unable(reason)),
        None => Err(Trouble::new(Retry::Never, failed(request, &ended))),
    }
}

/// Which flag the agent is too old for, if that is what was wrong.
async fn too_old(run: &Run, flags: &[Flag]) -> Option<String> {
    let newest = flags.iter().max_by_key(|flag| flag.since)?;
    let asked = run.program(agent(run, [AGENT, "--version"].map(str::to_owned).into())).await.ok()?;
    let version = version(&asked.stdout)?;
    let [major, minor, patch] = newest.since;
    (version < newest.since).then(|| {
        let [a, b, c] = version;
        format!("agent {a}.{b}.{c} does not know `{}`, which {major}.{minor}.{patch} brought", newest.name)
    })
}

/// Of `buildkite-agent version 3.137.0, build 10000`.
fn version(text: &str) -> Option<[u32; 3]> {
    let word = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let mut numbers = word.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some([numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?])
}

fn agent(run: &Run, argv: Vec<String>) -> Command {
    // The first two would have the agent print what it sends and gets.
    let mut env = vec![
        ("BUILDKITE_AGENT_DEBUG", "false".to_owned()),
        ("BUILDKITE_AGENT_DEBUG_HTTP", "false".to_owned()),
        ("BUILDKITE_AGENT_NO_COLOR", "true".to_owned()),
    ];
    if run.env.get("BUILDKITE_AGENT_JOB_API_SOCKET").is_none() {
        // From 3.104 on the agent hides the token before it prints it, and fails where it cannot.
        env.push(("BUILDKITE_AGENT_OIDC_REQUEST_TOKEN_SKIP_TOKEN_REDACTION", "true".to_owned()));
    }
    Command { argv, env, input: String::new(), timeout_ms: AGENT_MS, max_bytes: AGENT_BYTES }
}

fn failed(request: &TokenRequest, ended: &Ended) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(Code::TokenRequestFailed, "the agent could not get a token for this job")
        .fact("exit code", ended.shown_exit())
        .fact_if("agent says", said(ended));
    diagnostic = with_causes(diagnostic, request);
    diagnostic
        .cause("Buildkite has trouble, or cannot be reached from this agent")
        .fix("see what the agent says above, and https://www.buildkitestatus.com")
}

fn with_causes(mut diagnostic: Diagnostic, request: &TokenRequest) -> Diagnostic {
    if let Some(lifetime) = request.lifetime.filter(|lifetime| *lifetime > 7200) {
        diagnostic = diagnostic.cause(format!(
            "`oidc-token-lifetime` is {lifetime} seconds, and Buildkite grants 7200 unless the organization has another limit"
        ));
    }
    if !request.claims.is_empty() || !request.session_tags.is_empty() || request.subject_claim.is_some() {
        diagnostic =
            diagnostic.cause("`claims`, `session-tags` or `subject-claim` names a claim that Buildkite does not have");
    }
    diagnostic
}

fn too_late() -> Diagnostic {
    Diagnostic::new(Code::EndpointTimeout, "the agent did not get a token in time").fix(TOKEN_SERVICE.advice)
}

fn without_token() -> Diagnostic {
    Diagnostic::new(Code::TokenAnswerInvalid, "Buildkite answered without a token")
        .cause("something between the agent and Buildkite (a proxy, a captive portal) answered in its place")
}

/// `POST /jobs/ID/oidc/tokens` of the agent's API.
async fn by_call(run: &Run, settings: &Settings, request: &TokenRequest, job: &str) -> Result<Secret, Trouble> {
    let never = |diagnostic| Trouble::new(Retry::Never, diagnostic);
    let Some(access) = run.env.get("BUILDKITE_AGENT_ACCESS_TOKEN") else {
        let diagnostic =
            Diagnostic::new(Code::TokenPermissionMissing, "this job may not ask Buildkite for an OIDC token")
                .cause("BUILDKITE_AGENT_ACCESS_TOKEN is not set, and there is no agent to ask")
                .fix("run it as a plugin of a step, where the agent sets it");
        return Err(never(diagnostic));
    };
    run.mask(&Secret::new(access));
    let base = run.env.get("BUILDKITE_AGENT_ENDPOINT").unwrap_or(DEFAULT_ENDPOINT).trim_end_matches('/');
    if Endpoint::custom(base).is_err() || !job.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        let diagnostic = Diagnostic::new(Code::TokenRequestFailed, "the agent's address is not an https address")
            .fact("host", shown_host(base))
            .fix("BUILDKITE_AGENT_ENDPOINT and BUILDKITE_JOB_ID are set by the agent; something has replaced them");
        return Err(never(diagnostic));
    }
    let mut headers = vec![
        ("authorization".into(), format!("Token {access}")),
        ("content-type".into(), "application/json".to_owned()),
        ("accept".into(), "application/json".to_owned()),
        ("user-agent".into(), run.user_agent()),
    ];
    for (name, value) in run.env.variables().iter() {
        if let Some(rest) = name.strip_prefix(HEADER_PREFIX) {
            headers
                .push((format!("buildkite-{}", rest.to_ascii_lowercase().replace('_', "-")).into(), value.to_owned()));
        }
    }
    let call = Call {
        method: "POST",
        url: format!("{base}/jobs/{job}/oidc/tokens"),
        headers,
        body: Some(body(request).to_string()),
    };
    let answer = run.fetch(TOKEN_SERVICE, call, &settings.proxy).await?;
    read(request, &answer)
}

/// What is not asked for is left out.
fn body(request: &TokenRequest) -> Value {
    let mut body = json!({ "audience": audience(request) });
    let mut set = |name: &str, value: Value| body[name] = value;
    if let Some(lifetime) = request.lifetime {
        set("lifetime", lifetime.into());
    }
    if !request.claims.is_empty() {
        set("claims", request.claims.clone().into());
    }
    if !request.session_tags.is_empty() {
        set("aws_session_tags", request.session_tags.clone().into());
    }
    if let Some(claim) = &request.subject_claim {
        set("subject_claim", claim.clone().into());
    }
    body
}

fn read(request: &TokenRequest, answer: &Answer) -> Result<Secret, Trouble> {
    // The body itself is never shown.
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let with_facts = |diagnostic: Diagnostic| {
        diagnostic
            .fact("status", answer.status.to_string())
            .fact("content type", answer.header("content-type").unwrap_or("none"))
            .fact_if("Buildkite says", body["message"].as_str())
    };
    let (retry, diagnostic) = match answer.status {
        200..=299 => match body["token"].as_str() {
            Some(token) if !token.is_empty() => return Ok(Secret::new(token)),
            _ => (Retry::Never, with_facts(without_token())),
        },
        429 | 500.. => (
            Retry::Yes,
            with_facts(Diagnostic::new(Code::TokenRequestFailed, "Buildkite's token service has trouble"))
                .fix("run the job again later; see https://www.buildkitestatus.com"),
        ),
        401 | 403 | 404 => (
            Retry::Never,
            with_facts(Diagnostic::new(Code::TokenRequestRefused, "Buildkite refused to issue a token for this job"))
                .cause("the job's access token is no longer valid: it belongs to another job, or the job is over")
                .fix("run the job again"),
        ),
        _ => (
            Retry::Never,
            with_causes(
                with_facts(Diagnostic::new(
                    Code::TokenRequestFailed,
                    "Buildkite's token service did not accept the request",
                )),
                request,
            ),
        ),
    };
    Err(Trouble::new(retry, diagnostic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agents_version_is_read() {
        assert_eq!(version("buildkite-agent version 3.137.0, build 10000\n"), Some([3, 137, 0]));
        assert_eq!(version("buildkite-agent version 3.137.0+x..dirty"), Some([3, 137, 0]));
        assert_eq!(version("buildkite-agent version 4.0.0-beta.15+11"), Some([4, 0, 0]));
        assert_eq!(version("flag provided but not defined"), None);
        assert_eq!(version(""), None);
    }
}
