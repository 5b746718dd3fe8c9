//! The options of a login, under the names that an entry has for them.

use super::client::Choice;
use super::step::Step;
use super::wanted::{HostForm, Registries, Wanted};
use crate::ci::Ci;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::ecr::endpoint::{self, PUBLIC_REGION};
use crate::environment::Environment;
use crate::run::{Run, shown_host};
use crate::settings::common::SessionOptions;
use crate::settings::endpoint::{given, of_variable};
use crate::settings::origin::{self, ALONE, Origin};
use crate::settings::{
    Checks, CredentialSource, HandOver, Options, RoleSettings, Settings, SignedRequest, SignedSource, Source, Target,
};
use crate::sts::endpoint::{Endpoint, EndpointQuery, is_loopback};
use crate::values::{Region, SessionName, ValueFault, account_ids};

/// What an entry calls its options.
pub struct Names {
    pub registries: &'static str,
    pub kind: &'static str,
    pub client: &'static str,
    /// `None`: it has none for that.
    pub endpoint: Option<&'static str>,
}

impl Names {
    /// Of an entry that has none of them.
    pub const NONE: Self = Self { registries: "", kind: "", client: "", endpoint: None };
}

/// Credentials that are used as they are: those that the option for it names, or what the machine has.
/// Where whose they are has to be known first, it is a role's settings without a role that ask.
pub fn without_role(
    options: &mut Options,
    run: &Run,
    ci: &dyn Ci,
    region: Option<&Region>,
    sts: Option<&Endpoint>,
) -> (Vec<RoleSettings>, Option<CredentialSource>) {
    origin::check_alone(options, run, "the credentials log in as they are", ALONE);
    let credentials = match origin::read(options, run) {
        Some(Origin::Credentials(source)) => source,
        Some(Origin::Token) => CredentialSource::Machine,
        None => return (Vec::new(), None),
    };
    let session = SessionOptions::read(options, run).or(|| SessionName::of(&ci.session_name(&run.env)));
    let allowed_accounts = Checks::read(options, run).allowed_accounts;
    let (Some(region), Some(sts), false) = (region, sts, allowed_accounts.is_empty()) else {
        return (Vec::new(), Some(credentials));
    };
    let signed = SignedSource { target: Target::Source, credentials, request: SignedRequest::default() };
    let asking = RoleSettings {
        source: Source::Credentials(Box::new(signed)),
        region: None,
        session,
        chain: Vec::new(),
        endpoint: sts.clone(),
        signing_region: region.clone(),
        checks: Checks { allowed_accounts, ..Checks::default() },
        hand_over: HandOver::default(),
    };
    (vec![asking], None)
}

/// All of it, or everything that is wrong with it. What two readers have found is reported once.
///
/// # Errors
/// With every problem.
pub fn step(
    options: Options,
    settings: Option<Settings>,
    source: Option<CredentialSource>,
    sts: Option<Endpoint>,
    wanted: Option<Wanted>,
) -> Result<Step, Failure> {
    let mut problems = Vec::new();
    for problem in options.into_problems() {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    match (Failure::of(problems), settings, sts, wanted) {
        (None, Some(settings), Some(sts), Some(wanted)) => Ok(Step { settings, source, sts, wanted, logs_out: true }),
        (Some(failure), ..) => Err(failure),
        // Each of these is on record as a problem when it is missing.
        _ => Err(Diagnostic::new(Code::OptionMissing, "there is no region to log in to").into()),
    }
}

/// Reads them. `region` is that of the job.
pub fn read(options: &mut Options, env: &Environment, names: &Names, region: Option<&Region>) -> Option<Wanted> {
    let registries = registries(options, names);
    let client = options.parse(names.client, Choice::parse);
    let client = if options.has(names.client) { client } else { Some(Choice::Auto) };
    let (fips, dual_stack) = (env.is_on("AWS_USE_FIPS_ENDPOINT"), env.is_on("AWS_USE_DUALSTACK_ENDPOINT"));
    let registries = registries?;
    let endpoint = choose(options, env, names.endpoint, &registries, region, (fips, dual_stack));
    let form = (fips || dual_stack).then_some(HostForm { fips, dual_stack });
    Some(Wanted {
        registries,
        client: client?,
        region: region?.clone(),
        endpoint: endpoint?,
        endpoint_option: names.endpoint,
        form,
        mask: true,
    })
}

/// Which registries.
pub fn registries(options: &mut Options, names: &Names) -> Option<Registries> {
    let public = options.parse(names.kind, |text| match text.to_ascii_lowercase().as_str() {
        "private" => Ok(false),
        "public" => Ok(true),
        _ => Err(ValueFault::new("is neither `private` nor `public`", "private")),
    });
    let accounts = options.parse(names.registries, account_ids);
    let is_public = if options.has(names.kind) { public? } else { false };
    let accounts = if options.has(names.registries) { accounts? } else { Vec::new() };
    if is_public {
        return Some(Registries::Public);
    }
    let mut distinct = Vec::new();
    for account in accounts {
        if !distinct.contains(&account) {
            distinct.push(account);
        }
    }
    Some(Registries::Private(distinct))
}

/// As [`crate::settings::endpoint::choose`] does for STS: an address that is neither AWS's nor this
/// machine is taken from our own input alone, since what answers there gets to say what is pulled.
fn choose(
    options: &mut Options,
    env: &Environment,
    option: Option<&'static str>,
    registries: &Registries,
    region: Option<&Region>,
    (fips, dual_stack): (bool, bool),
) -> Option<Endpoint> {
    let is_public = matches!(registries, Registries::Public);
    if let Some(option) = option.filter(|option| options.has(option)) {
        return given(options, option, fips || dual_stack, "https://ecr.example.com");
    }
    let variable = if is_public { "AWS_ENDPOINT_URL_ECR_PUBLIC" } else { "AWS_ENDPOINT_URL_ECR" };
    let is_aws = if is_public { endpoint::is_public_host } else { endpoint::is_private_host };
    match of_variable(env, &[variable], |host| is_aws(host) || is_loopback(host)) {
        None => {}
        Some(Ok(endpoint)) => return Some(endpoint),
        Some(Err((_, url))) => {
            options.problem(not_allowed(variable, url, option));
            return None;
        }
    }
    if is_public && fips {
        options.problem(
            Diagnostic::new(Code::OptionConflict, "the public registry has no FIPS endpoint")
                .fact("set", "AWS_USE_FIPS_ENDPOINT, or an option for it")
                .fix("log in to it in a step without FIPS"),
        );
        return None;
    }
    let resolved = if is_public {
        endpoint::public(&EndpointQuery { region: PUBLIC_REGION, fips, dual_stack })
    } else {
        endpoint::private(&EndpointQuery { region: region?.of_signature(), fips, dual_stack })
    };
    resolved.map_err(|fault| options.problem(Diagnostic::new(Code::OptionConflict, format!("the region {fault}")))).ok()
}

fn not_allowed(variable: &str, url: &str, option: Option<&str>) -> Diagnostic {
    let headline = format!("{variable} points ECR at a host that is not AWS's");
    let diagnostic = Diagnostic::new(Code::EndpointNotAllowed, headline)
        .fact("host", shown_host(url))
        .cause("whoever can set a variable of the job could name the registry that its images come from");
    let diagnostic = match option {
        Some(option) => diagnostic.fix(format!("if you mean it, give the address by the option `{option}`: {url}")),
        None => diagnostic,
    };
    diagnostic.fix(format!("if it is for other tools, set AWS_IGNORE_CONFIGURED_ENDPOINT_URLS or remove {variable}"))
}
