//! Bitrise's token service.
//! <https://docs.bitrise.io/en/bitrise-ci/configure-builds/oidc-token-authentication.html>

use serde_json::Value;

use super::verbose;
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::Answer;
use crate::environment::Environment;
use crate::run::{Call, Run, Service, Trouble};
use crate::secret::Secret;
use crate::settings::Settings;
use crate::sts::error::Retry;
use crate::time::span;
use crate::token::UnverifiedToken;

const TOKEN_SERVICE: Service = Service {
    name: "Bitrise's token service",
    advice: "check that this machine may reach the build's address at Bitrise (firewall, DNS, proxy), and https://status.bitrise.io",
};

/// The claims that Bitrise documents, but for the times.
const CLAIMS: &[&str] = &[
    "iss",
    "aud",
    "sub",
    "app_slug",
    "workspace_slug",
    "workflow",
    "build_number",
    "trigger_by",
    "repository_url",
    "repository_owner",
    "repository_slug",
    "branch",
    "branch_dest",
    "tag",
    "sha",
];

/// Has Bitrise mint a token. How long it lasts, Bitrise decides and says.
pub(super) async fn request(run: &Run, settings: &Settings, audience: &str) -> Result<Secret, Trouble> {
    let (Some(url), Some(token)) = (given(&run.env, "build_url"), given(&run.env, "build_api_token")) else {
        return Err(Trouble::new(Retry::Never, cannot_ask(&run.env)));
    };
    let began = run.channel.elapsed_ms();
    let call = Call {
        method: "POST",
        url: format!("{}/id_token.json", url.trim_end_matches('/')),
        headers: vec![
            ("authorization".into(), token.to_owned()),
            ("build_api_token".into(), token.to_owned()),
            ("content-type".into(), "application/json; charset=UTF-8".to_owned()),
            ("accept".into(), "application/json".to_owned()),
            ("user-agent".into(), run.user_agent()),
        ],
        body: Some(serde_json::json!({"sub": "", "aud": audience}).to_string()),
    };
    let answer = run.fetch(TOKEN_SERVICE, call, &settings.proxy).await?;
    let took = run.channel.elapsed_ms().saturating_sub(began);
    verbose(run, || format!("Bitrise answered {} after {took} ms", answer.status));
    let (token, lasts) = read(&answer)?;
    if let Some(seconds) = lasts {
        run.say(&format!("  token lasts {}, says Bitrise", span(seconds)));
    }
    show_claims(run, &token);
    Ok(token)
}

/// An input, or else the variable that stands for it.
pub(super) fn given<'a>(env: &'a Environment, input: &str) -> Option<&'a str> {
    let alias = super::table::INPUTS.iter().find(|spec| spec.name == input)?.alias?;
    env.get(input).or_else(|| env.get(alias)).map(str::trim).filter(|text| !text.is_empty())
}

/// In the words of the token, for those who want to know more.
pub(super) fn show_claims(run: &Run, token: &Secret) {
    if let Ok(token) = UnverifiedToken::parse(token.expose()) {
        let claims = token.claims();
        for name in CLAIMS {
            verbose(run, || format!("claim {name}: {}", claims.text(name).unwrap_or_default()));
        }
        for (name, time) in [("iat", claims.issued_at()), ("nbf", claims.not_before()), ("exp", claims.expires_at())] {
            verbose(run, || format!("claim {name}: {}", time.map(|time| time.to_string()).unwrap_or_default()));
        }
    }
}

/// The token, and how many seconds it lasts if the answer says so. The body itself is never shown.
fn read(answer: &Answer) -> Result<(Secret, Option<i64>), Trouble> {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let trouble = |retry, code, headline: &str| {
        let said = body["error_msg"].as_str();
        let diagnostic = Diagnostic::new(code, headline)
            .fact("status", answer.status.to_string())
            .fact("content type", answer.header("content-type").unwrap_or("none"))
            .fact_if("Bitrise says", said);
        Trouble::new(retry, diagnostic)
    };
    let with = |trouble: Trouble, change: fn(Diagnostic) -> Diagnostic| {
        Trouble::new(trouble.retry, change(trouble.diagnostic))
    };
    Err(match answer.status {
        200..=299 => match body["id_token"].as_str() {
            Some(token) if !token.trim().is_empty() => {
                return Ok((Secret::new(token.trim()), body["expires_in"].as_i64()));
            }
            _ => with(
                trouble(Retry::Never, Code::TokenAnswerInvalid, "Bitrise's token service answered without a token"),
                |diagnostic| {
                    diagnostic
                        .cause("something between this machine and Bitrise (a proxy, a captive portal) answered")
                        .cause("`build_url` is not the address of this build at Bitrise")
                },
            ),
        },
        401 | 403 => with(
            trouble(Retry::Never, Code::TokenRequestRefused, "Bitrise refused to issue a token for this build"),
            |diagnostic| {
                diagnostic
                    .cause("`build_api_token` is not this build's token, or the build is over")
                    .cause("the token service is not open to this workspace")
                    .fix("leave `build_url` and `build_api_token` as they are by default, and run the build again")
            },
        ),
        404 => {
            with(trouble(Retry::Never, Code::TokenRequestFailed, "Bitrise does not know this build"), |diagnostic| {
                diagnostic.fix("leave `build_url` as it is by default: $BITRISE_BUILD_URL")
            })
        }
        501 => trouble(Retry::Never, Code::TokenRequestFailed, "Bitrise's token service did not accept the request"),
        429 | 500.. => {
            with(trouble(Retry::Yes, Code::TokenRequestFailed, "Bitrise's token service has trouble"), |diagnostic| {
                diagnostic.fix("run the build again later; see https://status.bitrise.io")
            })
        }
        300..=399 => with(
            trouble(Retry::Never, Code::TokenAnswerInvalid, "Bitrise's token service answered with a redirect"),
            |diagnostic| {
                diagnostic
                    .cause("a proxy or captive portal wants a login; redirects are not followed with a secret in hand")
            },
        ),
        _ => trouble(Retry::Never, Code::TokenRequestFailed, "Bitrise's token service did not accept the request"),
    })
}

/// There is no way to ask for a token, and none was given.
pub(super) fn cannot_ask(env: &Environment) -> Diagnostic {
    let missing: Vec<String> = [("build_url", "BITRISE_BUILD_URL"), ("build_api_token", "BITRISE_BUILD_API_TOKEN")]
        .iter()
        .filter(|(input, _)| given(env, input).is_none())
        .map(|(input, variable)| format!("`{input}` ({variable})"))
        .collect();
    let mut diagnostic =
        Diagnostic::new(Code::TokenPermissionMissing, "this build has no way to ask Bitrise for an OIDC token")
            .fact("not set", missing.join(" and "));
    if !env.is_on("BITRISE_IO") {
        diagnostic = diagnostic.cause("the workflow runs on a machine of your own, by `bitrise run`, not at Bitrise");
    }
    if env.is_on("PR") || env.get("BITRISE_PULL_REQUEST").is_some() {
        diagnostic = diagnostic.cause("the build is for a pull request of a fork, and is kept from secrets");
    }
    diagnostic
        .cause("an execution container or a Script step hides the variables of the build")
        .fix("run the workflow at Bitrise, and leave `build_url` and `build_api_token` as they are by default")
        .fix("or give a token by `identity_token`; for a try-out without Bitrise, run the sandbox")
}
