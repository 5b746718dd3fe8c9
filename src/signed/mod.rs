//! From credentials that there are to those of a role, by signed requests to STS.
//!
//! The second way into the one path: where [`crate::exchange`] has a token, this has keys.

pub mod call;
mod machine;
pub(crate) mod refusal;
pub mod role_policy;
mod sts;

pub use self::machine::find;
use self::sts::Sts;
use crate::aws::credentials::Credentials;
use crate::aws::credentials::Identity;
use crate::ci::Ci;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::exchange::{Exchanged, check_allowed};
use crate::run::{Run, apart};
use crate::settings::{CredentialSource, Existing, RoleSettings, Settings, SignedSource, Target, ToAssume};
use crate::sts::endpoint::Endpoint;
use crate::sts::get_caller_identity::CallerIdentity;
use crate::values::{Region, RoleArn, RoleName};

/// Assumes the role with the source's credentials, or tells whose those are.
///
/// # Errors
/// When there are no credentials, or AWS does not take them, or they may not assume the role.
pub async fn exchange(
    run: &Run,
    ci: &dyn Ci,
    settings: &Settings,
    role: &RoleSettings,
    source: &SignedSource,
) -> Result<Exchanged, Failure> {
    let place = Place { endpoint: &role.endpoint, region: &role.signing_region };
    let found = match &source.credentials {
        CredentialSource::Known { credentials, from } => (credentials.clone(), from.clone()),
        elsewhere => apart(machine::find(run, ci, settings, place, elsewhere)).await?,
    };
    run.say(&format!("  with {}", found.1));
    let sts = Sts::new(run, settings, place, found);
    let (identity, duration) = match &source.target {
        Target::Role(role_arn) => {
            let wanted = ToAssume { role_arn, session: &role.session, settings: role };
            sts.session(&wanted, &source.request).await?
        }
        Target::RoleNamed(name) => {
            let role_arn = role_of(name, &sts.identity().await?)?;
            if settings.hide_account {
                run.hide(role_arn.as_str());
            }
            let wanted = ToAssume { role_arn: &role_arn, session: &role.session, settings: role };
            sts.session(&wanted, &source.request).await?
        }
        Target::Source => {
            let CallerIdentity { account, arn, .. } = sts.identity().await?;
            (Identity { credentials: sts.into_credentials(), account, arn }, 0)
        }
    };
    Ok(Exchanged { token: None, identity, duration })
}

/// Goes on from a role's session to those of further roles: one call for each.
///
/// # Errors
/// When one of them may not be assumed.
pub async fn chain(
    run: &Run,
    settings: &Settings,
    role: &RoleSettings,
    mut exchanged: Exchanged,
) -> Result<Exchanged, Failure> {
    let place = Place { endpoint: &role.endpoint, region: &role.signing_region };
    for hop in &role.chain {
        settings.hide_role(run, &hop.role_arn);
        let Identity { credentials, arn, .. } = exchanged.identity;
        run.say(&format!("  by way of {arn}"));
        let sts = Sts::new(run, settings, place, (credentials, format!("the session {arn}"))).of_a_role();
        let wanted = ToAssume { role_arn: &hop.role_arn, session: &hop.session, settings: role };
        let (identity, duration) = sts.session(&wanted, &hop.request).await?;
        exchanged = Exchanged { token: exchanged.token, identity, duration };
    }
    Ok(exchanged)
}

/// Uses a new session once, where that is asked for: AWS has to know it as what it was issued as.
///
/// # Errors
/// When AWS does not take it, or takes it for somebody else's.
pub async fn verify(run: &Run, settings: &Settings, role: &RoleSettings, exchanged: &Exchanged) -> Result<(), Failure> {
    let Identity { credentials, account, arn } = &exchanged.identity;
    // Without a role, this very call has said whose they are.
    if !role.checks.verify_identity || role.role().is_empty() && role.chain.is_empty() {
        return Ok(());
    }
    let place = Place { endpoint: &role.endpoint, region: &role.signing_region };
    let from = format!("the new credentials of {arn}");
    match Sts::new(run, settings, place, (credentials.clone(), from)).identity().await {
        Ok(caller) if caller.account == *account && caller.arn == *arn => {
            run.say(&format!("  verified: AWS knows the credentials as {arn}"));
            Ok(())
        }
        Ok(caller) => Err(Diagnostic::new(
            Code::StsAnswerInvalid,
            "STS issued credentials for one role, and takes them for somebody else's",
        )
        .fact("issued for", arn)
        .fact("taken for", &caller.arn)
        .fact("endpoint", &role.endpoint.url)
        .cause("what listens at that address is not AWS's STS, or something on the way changes its answers")
        .fix("nothing was handed over; let the runner reach AWS's own endpoint")
        .into()),
        Err(failure) => Err(unverified(&role.endpoint, failure)),
    }
}

/// They are seconds old, so that the usual causes are none.
fn unverified(endpoint: &Endpoint, failure: Failure) -> Failure {
    let problems = failure.into_diagnostics().into_iter().map(|problem| match problem.code {
        Code::CredentialsRefused => problem
            .without_guesses()
            .fact("endpoint", &endpoint.url)
            .cause("what issued them is not AWS's STS, or something on the way changes its answers")
            .cause("the sessions of the role have just been revoked")
            .fix("nothing was handed over; let the runner reach AWS's own endpoint"),
        _ => problem,
    });
    let problems: Vec<Diagnostic> = problems.collect();
    Failure::of(problems).unwrap_or_else(|| missing("the new credentials were not verified").into())
}

/// Credentials, and what they are for people: it goes on from "with".
pub type Found = (Credentials, String);

/// Which STS is asked, and the region that requests to it are signed for.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub endpoint: &'a Endpoint,
    pub region: &'a Region,
}

/// Whether the credentials that the job has are to stay: whether AWS takes them.
///
/// # Errors
/// When they are of an account that is not allowed, or do not work and there is nothing else to try.
pub async fn still_work(run: &Run, settings: &Settings, existing: &Existing) -> Result<bool, Failure> {
    let Existing { credentials, region, endpoint, allowed_accounts } = existing;
    let from = "the credentials that the job has".to_owned();
    let sts = Sts::new(run, settings, Place { endpoint, region }, (credentials.clone(), from));
    match sts.identity().await {
        Ok(identity) => {
            check_allowed(run, allowed_accounts, &identity.account, "the credentials that the job has are of")?;
            run.notice(&format!("kept the credentials that the job has, which are of {}", identity.arn));
            Ok(true)
        }
        Err(failure) if settings.roles.is_empty() => Err(failure),
        Err(failure) => {
            for problem in failure.diagnostics() {
                run.say(&format!("The credentials that the job has are not kept: {}", problem.headline));
            }
            Ok(false)
        }
    }
}

fn missing(headline: impl AsRef<str>) -> Diagnostic {
    Diagnostic::new(Code::CredentialsMissing, headline)
}

/// A role's name in the account of whoever calls.
fn role_of(name: &RoleName, caller: &CallerIdentity) -> Result<RoleArn, Failure> {
    name.in_account_of(&caller.arn).map_err(|fault| {
        Diagnostic::new(Code::OptionInvalid, format!("the role {} {}", name.as_str(), fault.problem))
            .fact("caller", &caller.arn)
            .fix("give the role by its full ARN")
            .into()
    })
}
