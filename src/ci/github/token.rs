//! GitHub's token service.
//! <https://docs.github.com/en/actions/reference/security/oidc>

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::diagnostic::{Code, Diagnostic};
use crate::effect::Answer;
use crate::environment::Environment;
use crate::run::{Call, Run, Service, Trouble, shown_host};
use crate::secret::Secret;
use crate::settings::Settings;
use crate::sts::endpoint::Endpoint;
use crate::sts::error::Retry;
use crate::values::Audience;

const TOKEN_SERVICE: Service = Service {
    name: "GitHub's token service",
    advice: "check that this runner may reach GitHub's token service (firewall, DNS, proxy), and https://www.githubstatus.com",
};

/// RFC 3986 section 2.3.
const NOT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Has GitHub mint a token of its usual lifetime of five minutes.
pub(super) async fn request(run: &Run, settings: &Settings, audience: Option<&Audience>) -> Result<Secret, Trouble> {
    let (Some(url), Some(bearer)) =
        (run.env.get("ACTIONS_ID_TOKEN_REQUEST_URL"), run.env.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN"))
    else {
        return Err(Trouble::new(Retry::Never, permission_missing(&run.env)));
    };
    // Its query is what the runner put there; all else has to be fit for a secret.
    if Endpoint::custom(url.split('?').next().unwrap_or_default()).is_err() {
        let diagnostic =
            Diagnostic::new(Code::TokenRequestFailed, "the token service's address is not an https address")
                .fact("host", shown_host(url))
                .fix("ACTIONS_ID_TOKEN_REQUEST_URL is set by the runner; something has replaced it");
        return Err(Trouble::new(Retry::Never, diagnostic));
    }
    run.mask(&Secret::new(bearer));
    let joint = if url.contains('?') { '&' } else { '?' };
    let call = Call {
        method: "GET",
        url: format!(
            "{url}{joint}audience={}",
            utf8_percent_encode(audience.map_or(Audience::STS, Audience::as_str), NOT_UNRESERVED)
        ),
        headers: vec![
            ("authorization".into(), format!("Bearer {bearer}")),
            ("accept".into(), "application/json".to_owned()),
            ("user-agent".into(), run.user_agent()),
        ],
        body: None,
    };
    let answer = run.fetch(TOKEN_SERVICE, call, &settings.proxy).await?;
    read(&answer)
}

fn read(answer: &Answer) -> Result<Secret, Trouble> {
    let content_type = answer.header("content-type").unwrap_or("none");
    // The body itself is never shown.
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let with_facts = |diagnostic: Diagnostic| {
        let said = body["message"].as_str();
        diagnostic
            .fact("status", answer.status.to_string())
            .fact("content type", content_type)
            .fact_if("GitHub says", said)
    };
    match answer.status {
        200 => match body["value"].as_str() {
            Some(token) if !token.is_empty() => Ok(Secret::new(token)),
            _ => Err(Trouble::new(
                Retry::Never,
                with_facts(Diagnostic::new(
                    Code::TokenAnswerInvalid,
                    "GitHub's token service answered without a token",
                ))
                .cause("something between the runner and GitHub (a proxy, a captive portal) answered in its place"),
            )),
        },
        401 | 403 => Err(Trouble::new(
            Retry::Never,
            with_facts(Diagnostic::new(Code::TokenRequestRefused, "GitHub refused to issue a token for this job"))
                .cause("the job's request token is no longer valid: it belongs to another job, or the job is over")
                .cause("the organisation's or enterprise's settings keep this repository from using OIDC")
                .fix("run the job again; if it stays, look at the repository's and organisation's Actions settings"),
        )),
        429 | 500.. => Err(Trouble::new(
            Retry::Yes,
            with_facts(Diagnostic::new(Code::TokenRequestFailed, "GitHub's token service has trouble"))
                .fix("run the job again later; see https://www.githubstatus.com"),
        )),
        300..=399 => Err(Trouble::new(
            Retry::Never,
            with_facts(Diagnostic::new(Code::TokenAnswerInvalid, "GitHub's token service answered with a redirect"))
                .cause("a proxy or captive portal wants a login; redirects are not followed with a secret in hand"),
        )),
        _ => Err(Trouble::new(
            Retry::Never,
            with_facts(Diagnostic::new(Code::TokenRequestFailed, "GitHub's token service did not accept the request")),
        )),
    }
}

/// The usual reason for a job without a token, told by what the job is.
pub(super) fn permission_missing(env: &Environment) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(Code::TokenPermissionMissing, "this job may not ask GitHub for an OIDC token");
    let event = env.get("GITHUB_EVENT_NAME");
    diagnostic = diagnostic.fact_if("event", event);
    if env.get("GITHUB_ACTOR") == Some("dependabot[bot]") {
        diagnostic = diagnostic.cause("jobs that Dependabot starts get a read-only token, whatever the workflow says");
    }
    if event.is_some_and(|event| event.starts_with("pull_request")) {
        diagnostic =
            diagnostic.cause("pull requests from forks get no `id-token` permission, whatever the workflow says");
    }
    diagnostic
        .cause("neither the job nor the workflow grants `id-token: write`")
        .cause("in a reusable workflow, the caller has to grant it as well")
        .fix("add the permissions below to the job, and to the caller's job if this is a reusable workflow")
        .paste("in the job, beside `runs-on:`", "yaml", "permissions:\n  id-token: write\n  contents: read")
}
