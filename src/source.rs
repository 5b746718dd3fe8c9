//! Tokens that come from elsewhere than the CI's own service: a file, a command, an address.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::change::said;
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::{Command, FaultKind, Symlinks};
use crate::names::Meaning;
use crate::run::{Call, Run, Service, Trouble, interrupted, shown_host};
use crate::secret::Secret;
use crate::settings::Settings;
use crate::sts::endpoint::Endpoint;
use crate::sts::error::Retry;
use crate::values::Audience;

/// STS takes tokens of at most 20,000 characters; what holds more holds something else.
const TOKEN_BYTES: u32 = 64 * 1024;
const COMMAND_MS: u32 = 20_000;
/// What services call the token in their answers: GitHub's kind, Buildkite's, Bitrise's and other OAuth
/// servers', Azure's.
const MEMBERS: [&str; 5] = ["value", "token", "id_token", "oidcToken", "access_token"];

const SERVICE: Service = Service {
    name: "the token service",
    advice: "check the address, and that this machine may reach the host (firewall, DNS, proxy)",
};

/// # Errors
/// When the file cannot be read.
pub async fn from_file(run: &Run, path: &str, symlinks: Symlinks) -> Result<Secret, Trouble> {
    run.channel.read_file(path, TOKEN_BYTES, symlinks).await.map(Secret::new).map_err(|fault| {
        let refused = |headline: String| {
            Diagnostic::new(Code::TokenFileUnreadable, headline)
                .fact_if("system says", Some(&fault.detail).filter(|d| !d.is_empty()))
        };
        let diagnostic = match fault.kind {
            FaultKind::Interrupted => return interrupted(),
            FaultKind::NotFound => refused(format!("there is no file {path}"))
                .fix(format!("check `{}`; a relative path starts at the workspace", run.option(Meaning::TokenFile))),
            FaultKind::Symlink => refused(format!("{path}, or the folder it is in, is a symbolic link"))
                .cause("a link could make the job send another file's content to STS")
                .fix("name the file itself; only the kubelet's own layout under /var/run/secrets may have links"),
            FaultKind::TooLarge => refused(format!("{path} is too large for a token")),
            FaultKind::NotAFile => refused(format!("{path} is not a regular file")),
            FaultKind::NotUtf8 => refused(format!("{path} does not hold text")),
            _ => refused(format!("{path} cannot be read")).fix("let the user that runs the job read it"),
        };
        Trouble::new(Retry::Never, diagnostic)
    })
}

/// # Errors
/// When the command fails, or prints nothing.
pub async fn from_command(run: &Run, line: &str) -> Result<Secret, Trouble> {
    let shell: &[&str] = if run.runtime.platform == "win32" { &["cmd.exe", "/d", "/s", "/c"] } else { &["sh", "-c"] };
    let command = Command {
        argv: shell.iter().copied().chain([line]).map(str::to_owned).collect(),
        env: Vec::new(),
        input: String::new(),
        timeout_ms: COMMAND_MS,
        max_bytes: TOKEN_BYTES,
    };
    let failed =
        |headline: &str| Diagnostic::new(Code::TokenRequestFailed, headline).fix("run the command by itself, and see");
    let diagnostic = match run.program(command).await {
        Ok(ended) if ended.exit_code == Some(0) => match ended.stdout.trim() {
            "" => failed("the command for the token printed nothing"),
            token => return Ok(Secret::new(token)),
        },
        Ok(ended) => failed("the command for the token failed")
            .fact("exit code", ended.shown_exit())
            // Its standard output may be half a token.
            .fact_if("it says", Some(ended).filter(|ended| !ended.stderr.trim().is_empty()).and_then(|e| said(&e))),
        Err(fault) if fault.kind == FaultKind::Interrupted => return Err(interrupted()),
        Err(fault) if fault.kind == FaultKind::Timeout => failed("the command for the token did not end in time"),
        Err(fault) => failed("the command for the token could not be run").fact("system says", &fault.detail),
    };
    Err(Trouble::new(Retry::Never, diagnostic))
}

/// `{audience}` in the address stands for the audience; else it is added to the query.
///
/// # Errors
/// When there is no token in the answer.
pub async fn from_url(
    run: &Run,
    settings: &Settings,
    url: &str,
    headers: &[(String, Secret)],
    audience: Option<&Audience>,
) -> Result<Secret, Trouble> {
    let url = with_audience(url, audience);
    if Endpoint::custom(url.split('?').next().unwrap_or_default()).is_err() {
        let diagnostic =
            Diagnostic::new(Code::TokenRequestFailed, "the token service's address is not an https address")
                .fact("host", shown_host(&url))
                .fix("use https://, or a host that is this machine");
        return Err(Trouble::new(Retry::Never, diagnostic));
    }
    let mut all = vec![("accept".into(), "application/json".to_owned()), ("user-agent".into(), run.user_agent())];
    for (name, value) in headers {
        run.mask(value);
        all.push((name.to_ascii_lowercase().into(), value.expose().to_owned()));
    }
    let call = Call { method: "GET", url, headers: all, body: None };
    let answer = run.fetch(SERVICE, call, &settings.proxy).await?;
    let with_facts = |diagnostic: Diagnostic| {
        diagnostic
            .fact("status", answer.status.to_string())
            .fact("content type", answer.header("content-type").unwrap_or("none"))
    };
    let (retry, diagnostic) = match answer.status {
        200..=299 => match token_in(&answer.body) {
            Some(token) => return Ok(token),
            None => (
                Retry::Never,
                Diagnostic::new(Code::TokenAnswerInvalid, "the token service answered without a token")
                    .cause(format!("its answer is no token, and no JSON object with one of {}", MEMBERS.join(", "))),
            ),
        },
        429 | 500.. => (Retry::Yes, Diagnostic::new(Code::TokenRequestFailed, "the token service has trouble")),
        401 | 403 => (
            Retry::Never,
            Diagnostic::new(Code::TokenRequestRefused, "the token service refused to issue a token")
                .fix("check `--token-header`"),
        ),
        _ => (
            Retry::Never,
            Diagnostic::new(Code::TokenRequestFailed, "the token service did not accept the request")
                .fix("check `--token-url`"),
        ),
    };
    Err(Trouble::new(retry, with_facts(diagnostic)))
}

fn with_audience(url: &str, audience: Option<&Audience>) -> String {
    let Some(audience) = audience else { return url.to_owned() };
    let encoded = utf8_percent_encode(audience.as_str(), NON_ALPHANUMERIC).to_string();
    if url.contains("{audience}") {
        return url.replace("{audience}", &encoded);
    }
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}audience={encoded}")
}

/// The token itself, or a JSON object that has it.
fn token_in(body: &str) -> Option<Secret> {
    let text = body.trim();
    if text.starts_with("eyJ") {
        return Some(Secret::new(text));
    }
    let body: Value = serde_json::from_str(text).ok()?;
    MEMBERS.iter().find_map(|name| body[*name].as_str()).filter(|token| !token.is_empty()).map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audience_goes_where_the_address_wants_it() {
        let audience = Audience::parse("a:b").unwrap();
        for (url, whole) in [
            ("https://x/t", "https://x/t?audience=a%3Ab"),
            ("https://x/t?v=1", "https://x/t?v=1&audience=a%3Ab"),
            ("https://x/{audience}/t", "https://x/a%3Ab/t"),
        ] {
            assert_eq!(with_audience(url, Some(&audience)), whole);
        }
        assert_eq!(with_audience("https://x/t", None), "https://x/t");
    }

    #[test]
    fn a_token_is_found_in_the_usual_answers() {
        for body in [
            "eyJh.b.c\n",
            r#"{"value":"eyJh.b.c"}"#,
            r#"{"token":"eyJh.b.c"}"#,
            r#"{"id_token":"eyJh.b.c","expires_in":1}"#,
            r#"{"oidcToken":"eyJh.b.c"}"#,
        ] {
            assert!(token_in(body).is_some_and(|token| token.expose() == "eyJh.b.c"), "{body}");
        }
        for body in ["", "{}", "<html>", r#"{"value":""}"#, r#"{"value":3}"#, "[]"] {
            assert!(token_in(body).is_none(), "{body}");
        }
    }
}
