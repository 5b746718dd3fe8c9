//! An address that signs a person in to AWS's console with what a job would have, to look at it.

use super::settings;
use crate::attempts::with_retries;
use crate::ci::Ci;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::effect::{Effect, Stream};
use crate::exchange::Exchanged;
use crate::job;
use crate::names::Meaning;
use crate::pairs::Pairs;
use crate::run::{Call, Run, Service, Trouble};
use crate::secret::Secret;
use crate::settings::common::{self, SessionOptions};
use crate::settings::origin::{self, ALONE, Origin};
use crate::settings::{
    Checks, CredentialSource, HandOver, Options, RoleSettings, Settings, SignedRequest, SignedSource, Source, Target,
    chain, endpoint,
};
use crate::signin::{self, MINUTES, SigninFault, Site};
use crate::sts::endpoint::Endpoint;
use crate::sts::error::Retry;
use crate::sts::form;
use crate::sts::partition::Partition;
use crate::time::span;
use crate::values::{Region, RoleArn, SessionName, ValueFault};

const SIGNIN: Service =
    Service { name: "AWS's sign-in", advice: "check that this machine may reach the host (firewall, DNS, proxy)" };
/// Variables of CIs that set no `CI`, and that are none of those that have a name here.
const CI_VARIABLES: [&str; 4] = ["CI", "JENKINS_URL", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID"];
/// Prints the address.
///
/// # Errors
/// In a CI, unless it is asked for; when there are no credentials, or none of a session; when AWS does not sign
/// them in.
pub async fn sign_in(run: &Run, ci: &dyn Ci) -> Result<(), Failure> {
    check_readers(run, ci)?;
    let Asked { settings, endpoint, destination } = asked(run, ci)?;
    job::announce(run, &settings);
    let obtained = job::obtain(run, ci, &settings).await?;
    let Some(Exchanged { identity, .. }) = obtained.exchanged.first() else {
        return Err(Diagnostic::new(Code::OptionMissing, "`--role-arn` is not set").into());
    };
    let Some(body) = signin::body(&identity.credentials) else {
        return Err(of_a_user(&identity.arn).into());
    };
    let token =
        with_retries(run, &settings, async || ask(run, &settings, &endpoint, &body, &identity.arn).await).await?;
    let address = signin::address(&endpoint.url, &destination, &token);
    run.say(&format!("Whoever opens this address in the next {MINUTES} minutes is signed in as {}", identity.arn));
    if let Some(end) = identity.credentials.expiration {
        let left = span(end.seconds_since(run.channel.now()).max(0));
        run.say(&format!("The session in the console ends with the credentials, at {end} ({left} from now)"));
    }
    run.channel.tell(Effect::Log { stream: Stream::Stdout, text: address.expose().to_owned() });
    Ok(())
}

/// A log has readers, and keeps what it is told for longer than the address works.
fn check_readers(run: &Run, ci: &dyn Ci) -> Result<(), Failure> {
    let variable = CI_VARIABLES.into_iter().find(|name| run.env.get(name).is_some());
    let known = Some(ci.name()).filter(|name| *name != "any");
    let Some(sign) = known.or(variable).filter(|_| run.env.get("--print").is_none()) else { return Ok(()) };
    Err(Diagnostic::new(Code::OptionMissing, "in a CI, `console` prints the address only with `--print`")
        .fact("known by", sign)
        .cause(format!("whoever reads the log within {MINUTES} minutes is signed in with the credentials"))
        .fix("run it on a machine of your own")
        .fix("or add `--print`, where nobody reads the log who may not have the credentials")
        .into())
}

/// What the options say.
struct Asked {
    settings: Settings,
    endpoint: Endpoint,
    destination: String,
}

/// All problems of all options at once.
fn asked(run: &Run, ci: &dyn Ci) -> Result<Asked, Failure> {
    let mut options = settings::options(&run.env, &Pairs::default());
    let has_role = [Meaning::RoleArn, Meaning::Roles].into_iter().any(|meaning| options.has(run.option(meaning)));
    let read = if has_role { settings::read(run, ci) } else { without_role(run, ci) };
    if read.as_ref().is_ok_and(|settings| settings.roles.len() > 1) {
        options.problem(
            Diagnostic::new(Code::OptionConflict, "`--roles` has several roles, and a browser is signed in as one")
                .fix("name one by `--role-arn`, and unset CI_ASSUME_ROLE_ROLES"),
        );
    }
    let region = settings::region(&mut options, &run.env);
    let mut problems = match &read {
        Ok(_) => Vec::new(),
        Err(failure) => failure.diagnostics().to_vec(),
    };
    let place = region.as_ref().and_then(|region| place(&mut options, region));
    for problem in options.into_problems() {
        if !problems.iter().any(|known| known.headline == problem.headline) {
            problems.push(problem);
        }
    }
    if let Some(failure) = Failure::of(problems) {
        return Err(failure);
    }
    match (read, place) {
        (Ok(settings), Some((endpoint, destination))) => Ok(Asked { settings, endpoint, destination }),
        (Err(failure), _) => Err(failure),
        // It is on record as a problem when it is missing.
        (_, None) => Err(Diagnostic::new(Code::OptionMissing, "`--region` is not set").into()),
    }
}

/// What signs in, and the page that it leads to.
fn place(options: &mut Options, region: &Region) -> Option<(Endpoint, String)> {
    let partition = Partition::of_region(region.as_str()).id;
    let Some(site) = Site::of_partition(partition) else {
        options.problem(
            Diagnostic::new(
                Code::OptionConflict,
                format!("`--region` is in partition {partition}, and AWS documents no sign-in of this kind there"),
            )
            .fact("region", region.as_str())
            .fix("use it in the partitions aws, aws-cn and aws-us-gov"),
        );
        return None;
    };
    let destination = if options.has("--destination") {
        options.parse("--destination", |text| site.page(text))
    } else {
        Some(site.start(region.of_signature()))
    };
    let endpoint = if options.has("--signin-endpoint") {
        options.parse("--signin-endpoint", |url| {
            Endpoint::custom(url).map_err(|fault| ValueFault::new(fault.to_string(), site.endpoint))
        })
    } else {
        Endpoint::custom(site.endpoint).ok()
    };
    Some((endpoint?, destination?))
}

/// Without a role: the credentials that there are, by the path of all the others.
fn without_role(run: &Run, ci: &dyn Ci) -> Result<Settings, Failure> {
    let env = &run.env;
    let mut options = settings::options(env, &Pairs::default());
    let credentials = source(&mut options, run);
    let region = settings::region(&mut options, env);
    let session = SessionOptions::read(&mut options, run).or(|| SessionName::of(&ci.session_name(env)));
    let checks = Checks::read(&mut options, run);
    let chain = chain::read(&mut options, run, &session.name);
    let endpoint = endpoint::choose(&mut options, env, "--sts-endpoint", region.as_ref().map(Region::as_str));
    let (retry, proxy) = (common::retry(&mut options, run), common::proxy(&mut options, env));
    let instead = "the credentials of the source sign in as they are";
    origin::check_alone(&mut options, run, instead, ALONE);
    for name in settings::TOKEN_SOURCES {
        origin::no_effect_alone(&mut options, run, instead, name);
    }
    if let Some(failure) = Failure::of(options.into_problems()) {
        return Err(failure);
    }
    let (Some(credentials), Some(region), Some(endpoint), Some(proxy)) = (credentials, region, endpoint, proxy) else {
        // Each of these is on record as a problem when it is missing.
        return Err(Diagnostic::new(Code::OptionMissing, "`--region` is not set").into());
    };
    let signed = SignedSource { target: Target::Source, credentials, request: SignedRequest::default() };
    let role = RoleSettings {
        source: Source::Credentials(Box::new(signed)),
        region: None,
        session,
        chain,
        // There is no exchange that could be denied.
        checks: Checks { trust_policy_file: None, explain_with: None, ..checks },
        endpoint,
        signing_region: region,
        hand_over: HandOver::default(),
    };
    Ok(Settings::new(vec![role], retry, proxy))
}

/// What the machine has, unless an option says otherwise. A token signs nobody in without a role.
fn source(options: &mut Options, run: &Run) -> Option<CredentialSource> {
    if ![Meaning::Source, Meaning::SourceProfile].into_iter().any(|meaning| options.has(run.option(meaning))) {
        return Some(CredentialSource::Machine);
    }
    match origin::read(options, run)? {
        Origin::Credentials(credentials) => Some(credentials),
        Origin::Token => {
            options.require("--role-arn", "arn:aws:iam::123456789012:role/deploy", RoleArn::parse);
            None
        }
    }
}

fn of_a_user(arn: &str) -> Diagnostic {
    Diagnostic::new(Code::CredentialsMissing, "these credentials cannot sign in to the console: they have no session")
        .fact("they are of", arn)
        .cause("they are the long-term keys of a user, and AWS signs in the credentials of a session alone")
        .fix("give `--role-arn`, to assume a role first")
        .fix("or put the credentials of a session into the profile or the variables that the machine has")
}

async fn ask(run: &Run, settings: &Settings, endpoint: &Endpoint, body: &str, arn: &str) -> Result<Secret, Trouble> {
    let mut headers = form::headers("application/json");
    headers.push(("user-agent".into(), run.user_agent()));
    let call = Call { method: "POST", url: endpoint.url.clone(), headers, body: Some(body.to_owned()) };
    let answer = run.fetch(SIGNIN, call, &settings.proxy).await?;
    signin::read(&answer).map_err(|fault| {
        let (retry, diagnostic) = match fault {
            SigninFault::Refused => (
                Retry::Never,
                Diagnostic::new(
                    Code::CredentialsRefused,
                    format!("AWS's sign-in does not accept the credentials of {arn}"),
                )
                .cause("they have ended, or their sessions were revoked")
                .cause("they are of another partition of AWS (China, GovCloud) than `--region`")
                .fix("get fresh credentials, and see that `--region` is of their partition"),
            ),
            SigninFault::Unavailable => (
                Retry::Yes,
                Diagnostic::new(Code::StsUnavailable, "AWS's sign-in had an error of its own")
                    .fix("try again later; see https://health.aws.amazon.com"),
            ),
            SigninFault::Strange => (
                Retry::Never,
                Diagnostic::new(
                    Code::StsAnswerInvalid,
                    format!("{} answered, but not as AWS's sign-in does", endpoint.host),
                )
                .cause("a proxy, firewall or captive portal answered in its place")
                .cause("`--signin-endpoint` names a host that signs nobody in")
                .fix("let this machine reach the host itself, or name it in NO_PROXY"),
            ),
        };
        Trouble::new(retry, diagnostic.fact("host", &endpoint.host).fact("status", answer.status.to_string()))
    })
}
