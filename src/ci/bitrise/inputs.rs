//! From the inputs of the Bitrise step to settings.

use super::table::{self, IDENTITY_TOKEN, INPUTS};
use super::{token, verbose};
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::environment::Environment;
use crate::login;
use crate::login::client::{Choice, Client};
use crate::login::options::Names;
use crate::login::wanted::Wanted;
use crate::names;
use crate::pairs::Pairs;
use crate::product;
use crate::run::Run;
use crate::secret::Secret;
use crate::settings::common::{self, SessionOptions, Way};
use crate::settings::origin::{self, KEY_ALONE, Origin};
use crate::settings::{
    Checks, CredentialSource, HandOver, Options, ProfileKind, RoleSettings, Settings, Source, Target, TokenExport,
    TokenRequest, TokenSource, chain, endpoint, roles,
};
use crate::sts::endpoint::Endpoint;
use crate::values::{Audience, Region, SessionName, ValueFault};

const REGION: &str = "us-east-1";

/// Reads and checks all inputs.
pub(super) fn settings(run: &Run) -> Result<Settings, Failure> {
    let env = &run.env;
    let mut options = options(env, &Pairs::default());
    for spec in INPUTS.iter().filter(|spec| spec.secret) {
        if let Some(value) = options.text(spec.name) {
            run.mask(&Secret::new(value));
        }
    }
    if options.switch("verbose") == Some(true) {
        show(run, &options);
    }

    let export_token = options.switch("export_identity_token").unwrap_or(false);
    let (retry, proxy) = (common::retry(&mut options, run), common::proxy(&mut options, env));
    let token_alone = export_token && !["role_arn", "roles", "access_key_id"].into_iter().any(|name| options.has(name));
    let login = docker_login(&mut options, env, token_alone);
    let entries = roles::entries(&mut options, "roles", table::OF_ROLE, names::renamed(names::bitrise));
    let mut notices = Vec::new();
    let mut token = None;
    if token_alone {
        token = source(&mut options, run);
    }
    let mut problems = options.into_problems();
    let mut roles = Vec::new();
    if !token_alone {
        roles = roles::each(&entries, &mut problems, |entry| {
            let mut options = self::options(env, entry);
            let role = role(run, &mut options, &mut notices);
            (role, options.into_problems())
        });
    }
    let (roles, proxy) = roles::settle(run, roles, proxy, problems)?;
    let token_export = export_token.then_some(TokenExport { variable: IDENTITY_TOKEN, source: token });
    Ok(Settings { token_export, notices, login, ..Settings::new(roles, retry, proxy) })
}

/// `entry` is that of `roles`, which counts first.
fn options(env: &Environment, entry: &Pairs) -> Options {
    let own = |name: &str| entry.get(name).or_else(|| env.get(name)).map(str::to_owned);
    Options::read(INPUTS, own, |alias| env.get(alias).map(str::to_owned))
}

fn role(run: &Run, options: &mut Options, notices: &mut Vec<String>) -> Option<RoleSettings> {
    let env = &run.env;
    let origin = origin(options, run);
    let by_token = matches!(origin, Some(Origin::Token));
    let target = match &origin {
        // Without a role, the key itself is handed over.
        Some(Origin::Credentials(CredentialSource::Known { .. })) if !options.has("role_arn") => {
            origin::check_alone(options, run, "the stored key is handed over as it is", KEY_ALONE);
            Some(Target::Source)
        }
        Some(_) => origin::target(options, run, by_token),
        None => None,
    };
    let signed = origin::request(options, run, by_token);
    // Where there is another source, this stands for nothing, and is asked for nothing.
    let token = if by_token { source(options, run) } else { Some(TokenSource::Ci(TokenRequest::default())) };
    options.fall_back("region", "AWS_DEFAULT_REGION", env.get("AWS_DEFAULT_REGION"));
    let region =
        if options.has("region") { options.parse("region", Region::parse) } else { Region::parse(REGION).ok() };
    let endpoint = endpoint::choose(options, env, "sts_endpoint", region.as_ref().map(Region::as_str));
    let session = SessionOptions::read(options, run).or(|| default_session_name(env));
    let checks = Checks::read(options, run);
    let chain = chain::read(options, run, &session.name);
    let hand_over = hand_over(options, run, token.as_ref().filter(|_| by_token));
    let export_region = options.switch("export_region").unwrap_or(false);
    if let Some(Origin::Credentials(source)) = &origin {
        origin::check_hand_over(options, run, source, &hand_over);
    }
    if let (Some(role), Some(region)) = (target.as_ref().and_then(Target::arn), &region)
        && !options.has("sts_endpoint")
    {
        endpoint::check_partition(options, ["role_arn", "region"], role, region);
    }
    let region = region?;
    if hand_over.environment && !export_region && !knows_region(env) {
        let notice =
            format!("later steps are told of no region; `export_region: true` would hand {} over", region.as_str());
        if !notices.contains(&notice) {
            notices.push(notice);
        }
    }
    Some(RoleSettings {
        source: Source::of(origin?, target?, token?, signed)?,
        region: export_region.then(|| region.clone()),
        signing_region: region,
        session,
        chain,
        checks,
        endpoint: endpoint?,
        hand_over,
    })
}

/// A stored key, or what the option `source` says.
fn origin(options: &mut Options, run: &Run) -> Option<Origin> {
    if !["access_key_id", "secret_access_key"].into_iter().any(|name| options.has(name)) {
        return origin::read(options, run);
    }
    if options.text("source").is_some_and(|source| source != "token") || options.has("source_profile") {
        options.problem(
            Diagnostic::new(Code::OptionConflict, "`access_key_id` and `source` name two sources of credentials")
                .fix("keep one of them"),
        );
        return None;
    }
    let key =
        origin::stored_key(options, ["access_key_id", "secret_access_key", "session_token"], |half, given, missing| {
            half.cause("a secret of the workspace is not exposed to builds of pull requests, or is spelt otherwise")
                .fix(format!("add `{missing}`, or remove `{given}` to use the build's own token"))
        });
    key.map(Origin::Credentials)
}

/// What the step was given, without its secrets.
fn show(run: &Run, options: &Options) {
    verbose(run, || {
        let runtime = &run.runtime;
        format!("{} {} on {} {}, {}", product::NAME, product::VERSION, runtime.name, runtime.version, runtime.platform)
    });
    for spec in INPUTS {
        verbose(run, || match options.text(spec.name) {
            Some(_) if spec.secret => format!("{} is set, and not shown", spec.name),
            Some(value) => format!("{}: {value}", spec.name),
            None => format!("{} is not set", spec.name),
        });
    }
}

/// Docker, and the registry of the first role's own account.
fn docker_login(options: &mut Options, env: &Environment, token_alone: bool) -> Option<Box<Wanted>> {
    if options.switch("docker_login") != Some(true) {
        return None;
    }
    if token_alone {
        options.problem(
            Diagnostic::new(Code::OptionConflict, "`docker_login` has no effect without credentials")
                .cause("`export_identity_token` alone asks for a token, and the registry takes no token")
                .fix("add `role_arn`, or set `docker_login: false`"),
        );
        return None;
    }
    options.fall_back("region", "AWS_DEFAULT_REGION", env.get("AWS_DEFAULT_REGION"));
    // What is wrong with it is told with the role that it is for.
    let region = Region::parse(options.text("region").unwrap_or(REGION)).ok();
    let wanted = login::options::read(options, env, &Names::NONE, region.as_ref())?;
    Some(Box::new(Wanted { client: Choice::Only(Client::Docker), ..wanted }))
}

/// A token that was given counts before one that Bitrise mints, and one that an earlier step left
/// counts where Bitrise cannot be asked.
fn source(options: &mut Options, run: &Run) -> Option<TokenSource> {
    let audience = options.parse("audience", Audience::parse).unwrap_or_default();
    let as_given = |text: &str| {
        let token = Secret::new(text);
        run.mask(&token);
        token::show_claims(run, &token);
        // Which audience it was made for is between its maker and the provider in AWS.
        Some(TokenSource::Given { token, audience: None })
    };
    if let Some(text) = options.text("identity_token") {
        return as_given(text);
    }
    if options.has("build_url") && options.has("build_api_token") {
        options.parse("build_url", |url| {
            Endpoint::custom(url).map_err(|fault| ValueFault::new(fault.to_string(), "$BITRISE_BUILD_URL"))
        })?;
        return Some(TokenSource::Ci(TokenRequest { audience: Some(audience), ..TokenRequest::default() }));
    }
    if let Some(text) = run.env.get(IDENTITY_TOKEN) {
        return as_given(text);
    }
    options.problem(token::cannot_ask(&run.env));
    None
}

fn hand_over(options: &mut Options, run: &Run, source: Option<&TokenSource>) -> HandOver {
    let hand_over = common::hand_over(options, run, "prefix", Way::Env);
    if hand_over.profile.as_ref().is_some_and(|profile| profile.kind == ProfileKind::Process) {
        let problem = |reason: &str| {
            Diagnostic::new(Code::OptionConflict, "`hand_over: process` could not fetch fresh credentials")
                .cause(reason)
                .fix("use `hand_over: profile`, or let Bitrise mint the token: leave `identity_token`, `build_url` and `build_api_token` as they are by default")
        };
        if matches!(source, Some(TokenSource::Given { .. })) {
            options.problem(problem("a token that was given ends, and cannot be had again"));
        } else if source.is_some() && run.env.get("BITRISE_BUILD_API_TOKEN").is_none() {
            // The input's value is never written down.
            options.problem(problem("later steps have no BITRISE_BUILD_API_TOKEN to ask with"));
        }
    }
    hand_over
}

fn knows_region(env: &Environment) -> bool {
    ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().any(|name| env.get(name).is_some())
}

/// What the peer's documentation promises.
fn default_session_name(env: &Environment) -> SessionName {
    let number = env.get("BITRISE_BUILD_NUMBER").unwrap_or_default();
    let tail: String = number.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    let name = if tail.is_empty() { "bitrise".to_owned() } else { format!("bitrise-{tail}") };
    // Letters, digits and a dash, 7 to 48 of them.
    SessionName::parse(&name).unwrap_or_else(|_| unreachable!("it fits by its form"))
}
