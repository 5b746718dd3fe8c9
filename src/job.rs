//! The one path: settings, token, preflight, exchange, account check, hand-over; or an explanation.

use crate::aws::credentials::Credentials;
use crate::ci::Ci;
use crate::diagnostic::Failure;
use crate::exchange::{self, Exchanged};
use crate::handover;
#[cfg(feature = "signed")]
use crate::login;
use crate::pairs::Pairs;
use crate::run::{Run, all, apart};
use crate::secret::Secret;
#[cfg(feature = "signed")]
use crate::settings::TokenSource;
use crate::settings::{RoleSettings, Settings, TokenExport};
#[cfg(feature = "signed")]
use crate::signed;
use crate::time::span;
use crate::token::UnverifiedToken;

/// Assumes the roles and hands the credentials over. Nothing is handed over unless all succeeded.
///
/// # Errors
/// With everything that kept it from being done.
pub async fn assume(run: &Run, ci: &dyn Ci) -> Result<(), Failure> {
    let settings = ci.settings(run)?;
    announce(run, &settings);
    match exchange_and_hand_over(run, ci, &settings).await {
        Ok(()) => Ok(()),
        Err(failure) => {
            if settings.clear_first {
                apart(handover::blank_credentials(run, ci)).await?;
            }
            Err(failure)
        }
    }
}

async fn exchange_and_hand_over(run: &Run, ci: &dyn Ci, settings: &Settings) -> Result<(), Failure> {
    #[cfg(feature = "signed")]
    if let Some(existing) = &settings.existing
        && apart(signed::still_work(run, settings, existing)).await?
    {
        return Ok(());
    }
    let Obtained { exchanged, more } = obtain(run, ci, settings).await?;
    #[cfg(feature = "signed")]
    let logins = apart(login::with_job(run, ci, settings, &exchanged)).await?;
    let handed_over = handover::hand_over(run, ci, settings, &exchanged, more).await;
    #[cfg(feature = "signed")]
    if handed_over.is_err() {
        apart(login::forget(run, &logins)).await;
    }
    handed_over?;
    tell_end(run, settings, &exchanged);
    Ok(())
}

/// What there is to hand over, and that the log hides.
pub struct Obtained {
    /// A session for each role.
    pub exchanged: Vec<Exchanged>,
    /// Variables besides those of the sessions.
    pub more: Pairs,
}

/// Assumes the roles, checks what came of it, and has the log hide it.
///
/// # Errors
/// When a role could not be assumed, or is in an account that is not allowed.
pub async fn obtain(run: &Run, ci: &dyn Ci, settings: &Settings) -> Result<Obtained, Failure> {
    let exchanged = exchange_all(run, ci, settings).await?;
    for (role, Exchanged { identity, .. }) in settings.roles.iter().zip(&exchanged) {
        exchange::check_account(run, role, identity)?;
    }
    let mut more = Pairs::default();
    if cfg!(feature = "bitrise")
        && let Some(export) = &settings.token_export
    {
        more.set(export.variable, apart(token_to_export(run, ci, settings, export, &exchanged)).await?.expose());
    }
    ci.conceal(run).await?;
    Ok(Obtained { exchanged, more })
}

/// The last words of a run that went well.
pub fn tell_end(run: &Run, settings: &Settings, exchanged: &[Exchanged]) {
    if cfg!(feature = "bitrise")
        && let Some(export) = &settings.token_export
    {
        run.say(&format!("Handed the token over as {}", export.variable));
    }
    for (role, Exchanged { identity, .. }) in settings.roles.iter().zip(exchanged) {
        let done = if role.role().is_empty() { "Handed over the credentials of" } else { "Assumed" };
        run.say(&format!("{done} {}{}", identity.arn, run.until(identity.credentials.expiration)));
    }
}

async fn token_to_export(
    run: &Run,
    ci: &dyn Ci,
    settings: &Settings,
    export: &TokenExport,
    exchanged: &[Exchanged],
) -> Result<Secret, Failure> {
    match (exchanged, &export.source) {
        ([Exchanged { token: Some(token), .. }, ..], _) => Ok(token.compact().clone()),
        (_, Some(source)) => {
            run.command(ci.group("Fetch the token"));
            let token = exchange::token_alone(run, ci, settings, source).await?;
            tell_token(run, ci, &token);
            run.command(ci.end_group());
            Ok(token.compact().clone())
        }
        (_, None) => Ok(Secret::new("")), // no settings are like that
    }
}

/// A session for each role, all at once, or everything that went wrong.
async fn exchange_all(run: &Run, ci: &dyn Ci, settings: &Settings) -> Result<Vec<Exchanged>, Failure> {
    let title = match settings.roles.as_slice() {
        [] => return Ok(Vec::new()),
        [role] if role.role().is_empty() => "Look at the credentials".to_owned(),
        [role] => format!("Assume {}{}", role.role(), further(role)),
        roles => format!("Assume {} roles", roles.len()),
    };
    run.command(ci.group(&title));
    #[cfg(feature = "signed")]
    let given = apart(shared_tokens(run, ci, settings)).await?;
    #[cfg(not(feature = "signed"))]
    let given = [None]; // there is one role
    let exchanges = settings.roles.iter().zip(given);
    let exchanges = exchanges.map(|(role, given)| apart(exchange::exchange(run, ci, settings, role, given))).collect();
    let mut sessions: Vec<Exchanged> = Vec::new();
    let mut problems = Vec::new();
    for (role, outcome) in settings.roles.iter().zip(all(exchanges).await) {
        match outcome {
            Ok(exchanged) => {
                let first = sessions.first().and_then(|first| first.token.as_ref());
                if let Some(token) = &exchanged.token
                    && !first.is_some_and(|first| same_claims(ci, first, token))
                {
                    tell_token(run, ci, token);
                }
                if settings.roles.len() > 1 {
                    run.say(&format!("  role {}{}", role.role(), further(role)));
                }
                tell_session(run, role, &exchanged);
                sessions.push(exchanged);
            }
            Err(failure) => problems.extend(failure.into_diagnostics()),
        }
    }
    run.command(ci.end_group());
    Failure::of(problems).map_or(Ok(sessions), Err)
}

/// For each role the token that it shares with others, so that the CI is asked for it once.
#[cfg(feature = "signed")]
async fn shared_tokens(run: &Run, ci: &dyn Ci, settings: &Settings) -> Result<Vec<Option<UnverifiedToken>>, Failure> {
    let sources: Vec<&TokenSource> = settings.roles.iter().filter_map(RoleSettings::token).collect();
    let mut shared: Vec<&TokenSource> = Vec::new();
    for source in &sources {
        let is_same = |other: &&&TokenSource| other.is_same(source);
        if sources.iter().filter(is_same).count() > 1 && !shared.iter().any(|known| known.is_same(source)) {
            shared.push(source);
        }
    }
    let asked = shared.iter().map(|source| apart(exchange::token_alone(run, ci, settings, source))).collect();
    let mut tokens = Vec::new();
    let mut problems = Vec::new();
    for outcome in all(asked).await {
        match outcome {
            Ok(token) => tokens.push(token),
            Err(failure) => problems.extend(failure.into_diagnostics()),
        }
    }
    let of_role = |role: &RoleSettings| {
        let source = role.token()?;
        let mut pairs = shared.iter().zip(&tokens);
        pairs.find(|(known, _)| known.is_same(source)).map(|(_, token)| token.clone())
    };
    Failure::of(problems).map_or_else(|| Ok(settings.roles.iter().map(of_role).collect()), Err)
}

/// The roles after the first, for people.
#[cfg(feature = "signed")]
fn further(role: &RoleSettings) -> String {
    role.chain.iter().map(|hop| format!(", then {}", hop.role_arn.as_str())).collect()
}

#[cfg(not(feature = "signed"))]
fn further(_: &RoleSettings) -> &'static str {
    ""
}

/// Hides what is to be hidden and says what is worth saying, before the first request.
pub fn announce(run: &Run, settings: &Settings) {
    for secret in settings.proxy.secrets() {
        run.mask(secret);
    }
    for role_arn in settings.roles.iter().filter_map(RoleSettings::role_arn) {
        settings.hide_role(run, role_arn);
    }
    for secret in settings.credentials().flat_map(Credentials::secrets) {
        run.mask(secret);
    }
    run.limit_time(settings.time_limit_ms);
    for notice in &settings.notices {
        run.notice(notice);
    }
}

fn same_claims(ci: &dyn Ci, one: &UnverifiedToken, other: &UnverifiedToken) -> bool {
    ci.deciding_claims().iter().all(|name| one.claims().get(name) == other.claims().get(name))
}

fn tell_session(run: &Run, role: &RoleSettings, exchanged: &Exchanged) {
    if role.role().is_empty() {
        return run.say(&format!("  they are of {}, by {}", exchanged.identity.arn, role.endpoint.url));
    }
    run.say(&format!(
        "  session {} of {}, by {}",
        role.last_session().name.as_str(),
        span(i64::from(exchanged.duration)),
        role.endpoint.url,
    ));
}

fn tell_token(run: &Run, ci: &dyn Ci, token: &UnverifiedToken) {
    for name in ci.deciding_claims() {
        if let Some(value) = token.claims().text(name).filter(|value| !value.is_empty()) {
            run.say(&format!("  token {name}: {value}"));
        }
    }
}
