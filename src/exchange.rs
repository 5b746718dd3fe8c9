//! From a token to credentials: fetch, look, exchange, and again where that can help.

use std::cell::Cell;

use crate::attempts::with_retries;
use crate::aws::credentials::{Credentials, Identity};
use crate::ci::Ci;
use crate::consult;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::explain;
use crate::names::Meaning;
use crate::run::{Call, Run, Service, Trouble, apart};
use crate::secret::Secret;
use crate::settings::{RoleSettings, Settings, Source, ToAssume, TokenSource};
#[cfg(feature = "signed")]
use crate::signed;
use crate::source;
use crate::sts::assume_role_with_web_identity::{Request, Session};
use crate::sts::error::Retry;
use crate::sts::form;
use crate::sts::{self};
use crate::token::preflight::{self, Expected};
use crate::token::{TokenFault, UnverifiedToken};
use crate::values::{AccountId, Audience};

/// How often to ask for credentials without punctuation. 28 % of all secrets have none, so that
/// one in a thousand runs would need more than this.
const PLAIN_SECRET_ROUNDS: u32 = 20;

pub const STS: Service = Service {
    name: "STS",
    advice: "check the region for a slip, and that this machine may reach the host (firewall, DNS, proxy)",
};

/// What an exchange gave.
pub struct Exchanged {
    /// `None`: other credentials took its place.
    pub token: Option<UnverifiedToken>,
    pub identity: Identity,
    /// How long a session was asked for, in seconds.
    pub duration: u32,
}

/// Exchanges what the role is assumed with for a session of it, with a fresh token for every attempt.
///
/// # Errors
/// With the explanation of the last attempt.
///
/// The first attempt has the token that is `given`, where there is one.
pub async fn exchange(
    run: &Run,
    ci: &dyn Ci,
    settings: &Settings,
    role: &RoleSettings,
    given: Option<UnverifiedToken>,
) -> Result<Exchanged, Failure> {
    let given = Cell::new(given);
    for _ in 0..PLAIN_SECRET_ROUNDS {
        let exchanged = match &role.source {
            Source::Token { role_arn, token } => {
                let first = ToAssume { role_arn, session: &role.session, settings: role };
                by_token(run, ci, settings, &first, token, &given).await?
            }
            #[cfg(feature = "signed")]
            Source::Credentials(signed) => apart(signed::exchange(run, ci, settings, role, signed)).await?,
        };
        #[cfg(feature = "signed")]
        let exchanged = apart(signed::chain(run, settings, role, exchanged)).await?;
        let is_issued = !role.role().is_empty();
        if !settings.plain_secrets || !is_issued || is_plain(&exchanged.identity.credentials) {
            #[cfg(feature = "signed")]
            apart(signed::verify(run, settings, role, &exchanged)).await?;
            return Ok(exchanged);
        }
    }
    Err(Diagnostic::new(
        Code::SpecialCharacters,
        format!("{PLAIN_SECRET_ROUNDS} sessions in a row had punctuation in their key id or secret"),
    )
    .fix("run the job again, or turn `special-characters-workaround` off and quote the secret where it breaks")
    .into())
}

/// Fails unless the credentials belong to an account that is allowed.
///
/// # Errors
/// Names the account that the credentials belong to and those that were allowed.
pub fn check_account(run: &Run, role: &RoleSettings, identity: &Identity) -> Result<(), Failure> {
    let subject = if role.role().is_empty() { "the credentials are of" } else { "the role is in" };
    check_allowed(run, &role.checks.allowed_accounts, &identity.account, subject)
}

/// The same for what is no role; `subject` goes on with "an account".
///
/// # Errors
/// As for [`check_account`].
pub fn check_allowed(run: &Run, allowed: &[AccountId], account: &str, subject: &str) -> Result<(), Failure> {
    if allowed.is_empty() || allowed.iter().any(|one| one.as_str() == account) {
        return Ok(());
    }
    Err(not_allowed(run, allowed, account, subject).into())
}

#[cold]
fn not_allowed(run: &Run, allowed: &[AccountId], account: &str, subject: &str) -> Diagnostic {
    let list: Vec<&str> = allowed.iter().map(AccountId::as_str).collect();
    let option = run.option(Meaning::AllowedAccounts);
    let headline = format!("{subject} an account that `{option}` does not list");
    Diagnostic::new(Code::AccountNotAllowed, headline)
        .fact("account", account)
        .fact("allowed", list.join(", "))
        .fix(format!("correct the role's ARN, or add the account to `{option}`; nothing was handed over"))
}

async fn by_token(
    run: &Run,
    ci: &dyn Ci,
    settings: &Settings,
    role: &ToAssume<'_>,
    source: &TokenSource,
    given: &Cell<Option<UnverifiedToken>>,
) -> Result<Exchanged, Failure> {
    with_retries(run, settings, async || {
        let token = match given.take() {
            Some(token) => token,
            None => token(run, ci, settings, source).await?,
        };
        let session = assume_role(run, ci, settings, role, &token).await?;
        Ok(Exchanged { token: Some(token), identity: session.into(), duration: role.session.duration.seconds() })
    })
    .await
}

/// A token that is not exchanged here.
///
/// # Errors
/// As for [`token`], after the last attempt.
pub async fn token_alone(
    run: &Run,
    ci: &dyn Ci,
    settings: &Settings,
    source: &TokenSource,
) -> Result<UnverifiedToken, Failure> {
    with_retries(run, settings, async || token(run, ci, settings, source).await).await
}

/// A token that STS will not refuse for its form.
///
/// # Errors
/// When there is none, or it cannot work.
pub async fn token(
    run: &Run,
    ci: &dyn Ci,
    settings: &Settings,
    token_source: &TokenSource,
) -> Result<UnverifiedToken, Trouble> {
    let (text, expected_audience, fresh) = match token_source {
        TokenSource::Ci(request) => (ci.token(run, settings, request).await?, request.audience.as_ref(), ci.mints(run)),
        TokenSource::File { path, symlinks } => (apart(source::from_file(run, path, *symlinks)).await?, None, false),
        #[cfg(feature = "cli")]
        TokenSource::Command { line, audience } => {
            (apart(source::from_command(run, line)).await?, audience.as_ref(), false)
        }
        #[cfg(feature = "cli")]
        TokenSource::Url { url, headers, audience } => {
            let token = apart(source::from_url(run, settings, url, headers, audience.as_ref())).await?;
            (token, audience.as_ref(), true)
        }
        TokenSource::Given { token, audience } => (token.clone(), audience.as_ref(), false),
    };
    run.mask(&text);
    let refuse = |fault: TokenFault| Trouble::new(Retry::Never, fault.diagnostic());
    let token = UnverifiedToken::parse(text.expose()).map_err(refuse)?;
    for secret in token.secrets() {
        run.mask(&secret);
    }
    let expected = Expected { audience: expected_audience.map(Audience::as_str), now: run.channel.now(), fresh };
    for notice in preflight::check(&token, &expected).map_err(refuse)? {
        run.notice(&notice.to_string());
    }
    Ok(token)
}

async fn assume_role(
    run: &Run,
    ci: &dyn Ci,
    settings: &Settings,
    role: &ToAssume<'_>,
    token: &UnverifiedToken,
) -> Result<Session, Trouble> {
    let policy_arns: Vec<&str> = role.session.policy_arns.iter().map(crate::values::PolicyArn::as_str).collect();
    let request = Request {
        role_arn: role.role_arn.as_str(),
        session_name: role.session.name.as_str(),
        token: token.compact(),
        duration_seconds: Some(role.session.duration.seconds()),
        policy: role.session.policy.as_ref().map(crate::values::SessionPolicy::as_str),
        policy_arns: &policy_arns,
    };
    let mut headers = form::headers(form::XML);
    headers.push(("user-agent".into(), run.user_agent()));
    let call = Call { method: "POST", url: role.endpoint.url.clone(), headers, body: Some(request.body()) };
    let answer = run
        .fetch(STS, call, &settings.proxy)
        .await
        .map_err(|trouble| explain::unreachable(run, &role.endpoint, role.region.as_ref(), trouble))?;
    let session = match sts::assume_role_with_web_identity::read(&answer) {
        Ok(session) => session,
        Err(fault) => {
            let trouble = explain::refusal(run, ci, role, token, &fault);
            return Err(apart(consult::by_policy(run, ci, settings, role, token, trouble)).await);
        }
    };
    let credentials = &session.credentials;
    for secret in [&credentials.access_key_id, &credentials.secret_access_key, &credentials.session_token] {
        run.mask(secret);
    }
    Ok(session)
}

/// What special-characters-workaround promises: letters and digits only. The session token, which
/// always has punctuation, is not looked at, as with the tool that this option comes from.
fn is_plain(credentials: &Credentials) -> bool {
    let plain = |secret: &Secret| secret.expose().bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain(&credentials.access_key_id) && plain(&credentials.secret_access_key)
}
