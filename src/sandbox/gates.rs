//! What STS looks at before it issues credentials, in its order. The first gate that is shut gives
//! the answer, whatever else may be wrong.

use serde_json::Value;

use super::Signature;
use super::config::{Config, Provider, Role};
use super::identity::{Identity, Token};
use super::refusal::Refusal;
use super::request::Request;
use crate::keys;
use crate::policy::caller::{self, Caller};
use crate::text::listed;
use crate::time::Timestamp;

const DEFAULT_DURATION: u32 = 3600;

/// The size of an assembled session token, in bytes. AWS says that it may change.
const SESSION_BYTES: usize = 4096;
/// What an ordinary session takes of it.
const BARE_SESSION_BYTES: usize = 980;

/// A request that passed every gate.
pub(super) struct Admitted {
    pub(super) request: Request,
    pub(super) identity: Identity,
    pub(super) provider_arn: String,
    /// Seconds.
    pub(super) duration: u32,
    /// How much of a session's room is taken.
    pub(super) packed_percent: usize,
}

/// `now` is in seconds since 1970.
pub(super) fn pass(config: &Config<'_>, body: &str, signature: Signature, now: i64) -> Result<Admitted, Refusal> {
    let request = Request::read(body)?;
    let token = Token::read(&request.token)?;
    let provider = find_provider(config, &request, token.issuer()?)?;
    check_signature(&token, signature)?;
    let identity = Identity::read(&token.claims, now)?;
    check_client_id(provider, &identity)?;
    check_roles_claim(&request, &identity)?;

    let provider_arn = provider.arn(request.role.partition());
    let caller = caller(&request, &token, now);
    let role = check_trust(config, &request, &caller)?;

    let duration = check_duration(role, &request)?;
    check_session_policy(&request)?;
    let packed_percent = check_size(&request, &identity)?;
    Ok(Admitted { request, identity, provider_arn, duration, packed_percent })
}

/// The provider has to be in the role's account; its URL counts to the letter.
fn find_provider<'a>(config: &'a Config<'a>, request: &Request, issuer: &str) -> Result<&'a Provider<'a>, Refusal> {
    let mut of_issuer =
        config.providers.iter().filter(|provider| provider.host() == keys::without_scheme(issuer)).peekable();
    let elsewhere = of_issuer.peek().map(|provider| provider.account.as_str());
    let account = request.role.account();
    of_issuer.find(|provider| provider.account == *account).ok_or_else(|| {
        let account = account.as_str();
        Refusal::no_provider(issuer).because(match elsewhere {
            Some(other) => format!("account {account} has no such provider, account {other} has one"),
            None => format!("account {account} has no such provider, nor has any other in the sandbox"),
        })
    })
}

fn check_signature(token: &Token, signature: Signature) -> Result<(), Refusal> {
    match signature {
        Signature::UnknownKey => Err(Refusal::no_key().because("the token names a key that the sandbox does not have")),
        Signature::Invalid => {
            token.check_header()?;
            Err(Refusal::not_validated("the signature is not one of the sandbox's key"))
        }
        Signature::Valid => token.check_header(),
    }
}

fn check_client_id(provider: &Provider<'_>, identity: &Identity) -> Result<(), Refusal> {
    if provider.client_ids.contains(&identity.audience.as_str()) {
        return Ok(());
    }
    let why = format!(
        "the audience is {}, the provider's client ids are {}",
        identity.audience,
        listed(&provider.client_ids)
    );
    Err(Refusal::not_validated(why))
}

fn check_roles_claim(request: &Request, identity: &Identity) -> Result<(), Refusal> {
    match &identity.roles {
        Some(roles) if !roles.iter().any(|role| role == request.role.as_str()) => {
            Err(Refusal::token("The target role ARN is not present in the roles claim of the identity token"))
        }
        _ => Ok(()),
    }
}

/// Who asks, with all that the sandbox knows of the call. Where it comes from it does not know.
fn caller(request: &Request, token: &Token, now: i64) -> Caller {
    let role = caller::Role::of_arn(request.role.as_str());
    let mut caller = Caller::of_claims(token.claims.clone()).with_role(role);
    caller.request = [
        ("sts:RoleSessionName", request.session_name.clone()),
        ("aws:CurrentTime", Timestamp::from_seconds(now).to_string()),
        ("aws:EpochTime", now.to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), vec![value]))
    .to_vec();
    caller
}

fn check_trust<'a>(config: &'a Config<'a>, request: &Request, caller: &Caller) -> Result<&'a Role, Refusal> {
    let Some(role) = config.roles.iter().find(|role| role.arn == request.role) else {
        let known: Vec<&str> = config.roles.iter().map(|role| role.arn.as_str()).collect();
        let why = format!("there is no role {}; the sandbox has {}", request.role.as_str(), listed(&known));
        return Err(Refusal::denied("sts:AssumeRoleWithWebIdentity", why));
    };
    role.trust.admits(caller).map_err(|denied| Refusal::denied(denied.action, denied.why))?;
    Ok(role)
}

fn check_duration(role: &Role, request: &Request) -> Result<u32, Refusal> {
    let duration = request.duration.unwrap_or(DEFAULT_DURATION);
    if duration > role.max_session_duration {
        let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        let why = format!("the role's is {}", role.max_session_duration);
        return Err(Refusal::validation(message).because(why));
    }
    Ok(duration)
}

fn check_session_policy(request: &Request) -> Result<(), Refusal> {
    match &request.policy {
        Some(policy) if !serde_json::from_str(policy).is_ok_and(|policy: Value| policy.is_object()) => {
            Err(Refusal::malformed_policy().because("the session policy is not a JSON object"))
        }
        _ => Ok(()),
    }
}

fn check_size(request: &Request, identity: &Identity) -> Result<usize, Refusal> {
    let policies = request.policy.iter().chain(&request.policy_arns).map(String::len);
    let tags = identity.tags.iter().map(|(key, value)| key.len() + value.len());
    let percent = (BARE_SESSION_BYTES + policies.chain(tags).sum::<usize>()) * 100 / SESSION_BYTES;
    if percent > 100 { Err(Refusal::too_large(percent)) } else { Ok(percent) }
}
