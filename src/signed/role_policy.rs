//! The trust policy of a role that has denied a job, as IAM has it: one call, by credentials that were named
//! for it.
//!
//! Whatever becomes of it is part of an explanation, and never a failure of its own.

use super::call::{Caller, Signing};
use super::sts::Sts;
use super::{Found, Place, machine};
use crate::ci::Ci;
use crate::iam::{endpoint, get_role};
use crate::run::{Run, Service, apart};
use crate::settings::endpoint::of_variable;
use crate::settings::{CredentialSource, Settings, ToAssume};
use crate::sts::endpoint::{Endpoint, is_loopback, is_sts_host};
use crate::sts::error::{AnswerFault, ErrorKind, StsError};
use crate::sts::partition::Partition;
use crate::values::RoleArn;

const IAM: Service = Service { name: "IAM", advice: "check that this machine may reach the host" };

/// What came of it.
pub enum RolePolicy {
    /// The document, and with what it was read.
    Document { text: String, from: String },
    /// The account has no role of the name.
    NoSuchRole,
    /// The account has a role of the name, with this ARN.
    OtherArn(String),
    /// It was not read. Goes on from "not read:".
    Unread(String),
}

/// Asks IAM for the role, and says so before.
pub async fn read(
    run: &Run,
    ci: &dyn Ci,
    settings: &Settings,
    role: &ToAssume<'_>,
    source: &CredentialSource,
) -> RolePolicy {
    match ask(run, ci, settings, role, source).await {
        Ok(found) => found,
        Err(reason) => RolePolicy::Unread(reason),
    }
}

async fn ask(
    run: &Run,
    ci: &dyn Ci,
    settings: &Settings,
    role: &ToAssume<'_>,
    source: &CredentialSource,
) -> Result<RolePolicy, String> {
    let wanted = role.role_arn;
    let Some(partition) = Partition::by_id(wanted.partition()) else { return Err("AWS has no such partition".into()) };
    let endpoint = endpoint_of(run, partition, &role.endpoint)?;
    let place = Place { endpoint: &role.endpoint, region: &role.signing_region };
    let found = apart(machine::find(run, ci, settings, place, source)).await;
    let (credentials, from) = found.map_err(|failure| match failure.diagnostics() {
        [first, ..] => first.headline.as_str().to_owned(),
        [] => "there are no credentials".to_owned(),
    })?;
    let signing = Signing {
        service: IAM,
        name: get_role::SERVICE,
        region: partition.home_region,
        endpoint: &endpoint,
        option: ENDPOINT,
    };
    let caller = Caller::new(run, &settings.proxy, signing, credentials.clone(), from.clone());
    run.say(&format!(
        "  reads the trust policy of {} with {from}, to explain the denial (iam:GetRole)",
        wanted.as_str()
    ));
    let answered = caller.ask_query(&get_role::body(wanted.name()), get_role::read).await;
    match answered.map_err(|trouble| trouble.diagnostic.headline.as_str().to_owned())? {
        Ok(found) => told(settings, run, wanted, found, from),
        Err(AnswerFault::Sts(error)) if error.code == "NoSuchEntity" => {
            absent(run, settings, wanted, place, (credentials, from)).await
        }
        Err(AnswerFault::Sts(error)) => Err(refused(settings, &from, &error)),
        Err(_) => Err(format!("what answered at {} did not answer as IAM does", endpoint.host)),
    }
}

/// The role that IAM knows by the name, if it is the one that was meant.
fn told(
    settings: &Settings,
    run: &Run,
    wanted: &RoleArn,
    found: get_role::Role,
    from: String,
) -> Result<RolePolicy, String> {
    if found.arn == wanted.as_str() {
        return Ok(RolePolicy::Document { text: found.trust_policy, from });
    }
    let Ok(other) = RoleArn::parse(&found.arn) else { return Err("IAM told of something that is no role".into()) };
    settings.hide_role(run, &other);
    if other.account() == wanted.account() && other.partition() == wanted.partition() {
        return Ok(RolePolicy::OtherArn(found.arn));
    }
    Err(of_another_account(&from, other.account().as_str(), wanted))
}

/// IAM looks in the account of whoever calls, so that it counts only where that is the role's.
async fn absent(
    run: &Run,
    settings: &Settings,
    wanted: &RoleArn,
    place: Place<'_>,
    found: Found,
) -> Result<RolePolicy, String> {
    let from = found.1.clone();
    match Sts::new(run, settings, place, found).identity().await {
        Ok(caller) if caller.account == wanted.account().as_str() => Ok(RolePolicy::NoSuchRole),
        Ok(caller) => Err(of_another_account(&from, &caller.account, wanted)),
        Err(_) => Err(format!("there is no role `{}` in the account of {from}, whichever that is", wanted.name())),
    }
}

fn of_another_account(from: &str, account: &str, wanted: &RoleArn) -> String {
    format!("{from} are of account {account}, and the role is in {}", wanted.account().as_str())
}

fn refused(settings: &Settings, from: &str, error: &StsError) -> String {
    // What IAM says names the caller, with the account.
    let says = if settings.hide_account || error.message.is_empty() {
        error.code.clone()
    } else {
        format!("{}: {}", error.code, error.message)
    };
    if matches!(error.kind, ErrorKind::NotAuthorized) {
        format!("{from} may not call iam:GetRole on the role. AWS says {says}")
    } else {
        format!("IAM says {says}")
    }
}

/// The variable of AWS's tools for another address.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_IAM";

/// A variable may name AWS's own hosts and this machine: whoever can set one must not be told what a job's
/// credentials sign. An STS that is not AWS's is not explained by AWS's IAM.
fn endpoint_of(run: &Run, partition: &Partition, sts: &Endpoint) -> Result<Endpoint, String> {
    let env = &run.env;
    let is_trusted = |host: &str| endpoint::is_iam_host(host) || is_loopback(host);
    if let Some(named) = of_variable(env, &[ENDPOINT, "AWS_ENDPOINT_URL"], is_trusted) {
        return named.map_err(|(name, _)| format!("{name} points IAM at a host that is not AWS's"));
    }
    if !is_sts_host(&sts.host) {
        return Err(format!("the STS at {} is not AWS's, and {ENDPOINT} names no IAM beside it", sts.host));
    }
    Ok(endpoint::resolve(partition, env.is_on("AWS_USE_FIPS_ENDPOINT"), env.is_on("AWS_USE_DUALSTACK_ENDPOINT")))
}
