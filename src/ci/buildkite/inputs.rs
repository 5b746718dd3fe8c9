//! From the options of the plugin to settings.

use super::Buildkite;
use super::config::Config;
use super::table::SPECS;
use crate::ci::Ci as _;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::environment::Environment;
use crate::pairs::Pairs;
use crate::run::Run;
use crate::settings::common::{self, SessionOptions, Way, hand_over};
use crate::settings::origin::{self, Origin};
use crate::settings::{
    Checks, Options, ProfileKind, RoleSettings, Settings, Source, Target, TokenRequest, TokenSource, chain, endpoint,
    roles,
};
use crate::sts::partition::Partition;
use crate::values::{Audience, Region, RoleArn, SessionName, ValueFault, seconds};

/// Reads and checks all options.
pub(super) fn settings(run: &Run) -> Result<Settings, Failure> {
    let env = &run.env;
    let config = Config::read(env)?;
    let mut problems = config.problems;
    let variable = |name: &str| env.get(name).map(|value| value.replace(',', "\n"));

    let mut options = Options::read(&SPECS, |name| config.options.get(name).map(str::to_owned), variable);
    let retry = common::retry(&mut options, run);
    options.switch("annotate"); // it counts once there is something to show
    let hide_account = options.switch("mask-aws-account-id").unwrap_or(false);
    let in_docker = options.text("runtime") == Some("docker");
    let proxy = common::proxy(&mut options, env);
    problems.extend(options.into_problems());

    // Without `roles`, the plugin's own options are those of the only role.
    let entries = if config.roles.is_empty() { vec![Pairs::default()] } else { config.roles };
    let roles = roles::each(&entries, &mut problems, |entry| {
        let lookup = |name: &str| entry.get(name).or_else(|| config.options.get(name)).map(str::to_owned);
        let mut options = Options::read(&SPECS, lookup, variable);
        for (own, common) in &config.common {
            options.by_common_name(own, common);
        }
        let role = role(run, &mut options, in_docker);
        // The only option that is required.
        let is_misshapen = config.misshapen.contains(&"role-arn");
        let problems = options.into_problems().into_iter();
        (role, problems.filter(|problem| problem.code != Code::OptionMissing || !is_misshapen).collect())
    });
    let (roles, proxy) = roles::settle(run, roles, proxy, problems)?;
    let notices = notices(env, &roles);
    Ok(Settings { notices, hide_account, ..Settings::new(roles, retry, proxy) })
}

/// Whether a failure is to be shown on the build's page as well.
pub(super) fn wants_annotation(env: &Environment) -> bool {
    Config::read(env).is_ok_and(|config| config.options.get("annotate") == Some("true"))
}

fn role(run: &Run, options: &mut Options, in_docker: bool) -> Option<RoleSettings> {
    let env = &run.env;
    let origin = origin::read(options, run);
    let by_token = matches!(origin, Some(Origin::Token));
    let target = origin::target(options, run, by_token);
    let signed = origin::request(options, run, by_token);
    let region = options.parse("region", Region::parse);
    let session = SessionOptions::read(options, run).or(|| SessionName::of(&Buildkite.session_name(env)));
    let checks = Checks::read(options, run);
    let chain = chain::read(options, run, &session.name);
    let hand_over = hand_over(options, run, "credential-name-prefix", Way::Env);
    let request = TokenRequest {
        audience: Some(options.parse("audience", Audience::parse).unwrap_or_default()),
        lifetime: options.parse("oidc-token-lifetime", lifetime),
        claims: options.parse("claims", claim_names).unwrap_or_default(),
        session_tags: options.parse("session-tags", claim_names).unwrap_or_default(),
        subject_claim: options.parse("subject-claim", claim_names).and_then(|names| names.into_iter().next()),
    };
    let sts_region = Region::parse(sts_region(env, target.as_ref().and_then(Target::arn))).ok();
    let endpoint = endpoint::choose(options, env, "sts-endpoint", sts_region.as_ref().map(Region::as_str));
    if in_docker && hand_over.profile.is_some() {
        options.problem(
            Diagnostic::new(Code::OptionConflict, "a profile cannot be handed over from `runtime: docker`")
                .cause("its files would be in the container, which is gone by then")
                .fix("use `hand-over: env`, or a runtime on the machine itself"),
        );
    }
    if hand_over.profile.as_ref().is_some_and(|profile| profile.kind == ProfileKind::Process)
        && env.get("BUILDKITE_JOB_ID").is_none()
    {
        options.problem(super::token::not_a_job());
    }
    if let Some(Origin::Credentials(source)) = &origin {
        origin::check_hand_over(options, run, source, &hand_over);
    }
    Some(RoleSettings {
        source: Source::of(origin?, target?, TokenSource::Ci(request), signed)?,
        region,
        session,
        chain,
        checks,
        endpoint: endpoint?,
        signing_region: sts_region?,
        hand_over,
    })
}

/// As with the plugin that we replace, the option `region` is for the job and does not count here.
/// Regional always, for reasons that [`crate::sts::endpoint`] has.
fn sts_region<'a>(env: &'a Environment, role: Option<&RoleArn>) -> &'a str {
    let of_agent = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(|name| env.get(name));
    let fits = |region: &&str| role.is_none_or(|role| Partition::of_region(region).id == role.partition());
    match of_agent.filter(fits) {
        Some(region) => region,
        None => {
            let partition = role.and_then(|role| Partition::by_id(role.partition()));
            partition.map_or("us-east-1", |partition| partition.home_region)
        }
    }
}

/// Buildkite decides what is too long, by organization; STS does not look at the lifetime at all.
fn lifetime(text: &str) -> Result<u32, ValueFault> {
    match seconds(text).map(u32::try_from)? {
        Ok(seconds @ 1..) => Ok(seconds),
        _ => Err(ValueFault::new("is no lifetime", "300")),
    }
}

/// One a line. `agent_tag:NAME` is a claim, too.
fn claim_names(text: &str) -> Result<Vec<String>, ValueFault> {
    let names: Vec<String> = text.lines().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    match names.iter().find(|name| name.contains([',', ' ']) || name.chars().any(char::is_control)) {
        Some(odd) => Err(ValueFault::new(format!("has `{odd}`, which is no name of a claim"), "organization_id")),
        None => Ok(names),
    }
}

fn notices(env: &Environment, roles: &[RoleSettings]) -> Vec<String> {
    let mut notices = Vec::new();
    for name in SPECS.iter().filter_map(|spec| spec.alias).filter(|name| env.get(name).is_some()) {
        notices.push(format!("{name} is set in the job's environment, and counts where the plugin says nothing else"));
    }
    if roles.iter().any(|role| role.hand_over.environment && role.hand_over.prefix.is_empty()) {
        for name in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].into_iter().filter(|name| env.get(name).is_some()) {
            notices.push(format!(
                "{name} is set as well, and some tools prefer it to the credentials of this role; a hook cannot unset it"
            ));
        }
    }
    if env.get("BUILDKITE_BOOTSTRAP_PHASES").is_some_and(|phases| !phases.split(',').any(|phase| phase == "command")) {
        notices.push(
            "this container does not run the command, which will not see these credentials; `hook: pre-command` spares \
             this exchange"
                .to_owned(),
        );
    }
    notices
}
