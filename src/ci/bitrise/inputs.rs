//! From the inputs of the Bitrise step to settings.

use super::table::{IDENTITY_TOKEN, INPUTS};
use super::{token, verbose};
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::environment::Environment;
use crate::product;
use crate::run::Run;
use crate::secret::Secret;
use crate::settings::common::{self, SessionOptions, Way};
use crate::settings::{
    Audience, HandOver, Options, ProfileKind, Region, RoleArn, RoleSettings, SessionName, Settings, Source,
    TokenExport, TokenRequest, TokenSource, ValueFault, endpoint,
};
use crate::sts::endpoint::Endpoint;
use crate::text::listed;

const REGION: &str = "us-east-1";

/// Reads and checks all inputs.
pub(super) fn settings(run: &Run) -> Result<Settings, Failure> {
    let env = &run.env;
    let mut options =
        Options::read(INPUTS, |name| env.get(name).map(str::to_owned), |alias| env.get(alias).map(str::to_owned));
    for spec in INPUTS.iter().filter(|spec| spec.secret) {
        if let Some(value) = options.text(spec.name) {
            run.mask(&Secret::new(value));
        }
    }
    if options.switch("verbose") == Some(true) {
        show(run, &options);
    }

    let export_token = options.switch("export_identity_token").unwrap_or(false);
    let stored_key = stored_key(&mut options);
    let role_arn = if options.has("role_arn") || !export_token && !stored_key {
        options.require("role_arn", "arn:aws:iam::123456789012:role/deploy", RoleArn::parse)
    } else {
        None
    };
    not_yet(&mut options, stored_key);
    let source = if stored_key { None } else { source(&mut options, run) };
    options.fall_back("region", "AWS_DEFAULT_REGION", env.get("AWS_DEFAULT_REGION"));
    let region =
        if options.has("region") { options.parse("region", Region::parse) } else { Region::parse(REGION).ok() };
    let endpoint = endpoint::choose(&mut options, env, "sts_endpoint", region.as_ref().map(Region::as_str));
    let mut session = SessionOptions::read(&mut options, run);
    let hand_over = hand_over(&mut options, run, source.as_ref());
    let export_region = options.switch("export_region").unwrap_or(false);
    let (retry, proxy) = (common::retry(&mut options, run), common::proxy(&mut options, env));
    if let (Some(role), Some(region)) = (&role_arn, &region)
        && !options.has("sts_endpoint")
    {
        endpoint::check_partition(&mut options, ["role_arn", "region"], role, region);
    }

    if let Some(failure) = Failure::of(options.into_problems()) {
        return Err(failure);
    }
    let (Some(source), Some(region), Some(endpoint), Some(proxy)) = (source, region, endpoint, proxy) else {
        // Each of these is on record as a problem when it is missing.
        return Err(token::cannot_ask(env).into());
    };
    let mut settings = Settings {
        roles: Vec::new(),
        existing: None,
        proxy,
        retry,
        time_limit_ms: None,
        hide_account: false,
        plain_secrets: false,
        clear_first: false,
        notices: Vec::new(),
        token_export: export_token.then_some(TokenExport { variable: IDENTITY_TOKEN, source: None }),
    };
    match role_arn {
        Some(role_arn) => {
            if hand_over.environment && !export_region && !knows_region(env) {
                settings.notices.push(format!(
                    "later steps are told of no region; `export_region: true` would hand {} over",
                    region.as_str()
                ));
            }
            settings.roles.push(RoleSettings {
                source: Source::Token { role_arn, token: source },
                region: export_region.then(|| region.clone()),
                signing_region: region,
                session: session.session(|| default_session_name(env)),
                chain: Vec::new(),
                allowed_accounts: session.allowed_accounts,
                trust_policy_file: session.trust_policy_file,
                endpoint,
                hand_over,
            });
        }
        None => settings.token_export = Some(TokenExport { variable: IDENTITY_TOKEN, source: Some(source) }),
    }
    Ok(settings)
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

/// Whether a stored key is to be used. Half of one is a slip, and so is one beside a role.
fn stored_key(options: &mut Options) -> bool {
    let [id, secret] = ["access_key_id", "secret_access_key"];
    let (given, missing) = match (options.has(id), options.has(secret)) {
        (false, false) => return false,
        (true, true) => {
            options.parse(id, |text| {
                let fits = (16..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
                if fits { Ok(()) } else { Err(ValueFault::new("is not an access key id", "AKIAIOSFODNN7EXAMPLE")) }
            });
            options.parse(secret, |text| {
                let fits = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains('$');
                if fits { Ok(()) } else { Err(ValueFault::new("is not a secret access key", "$AWS_SECRET_ACCESS_KEY")) }
            });
            if options.has("role_arn") {
                options.problem(
                    Diagnostic::new(
                        Code::OptionConflict,
                        format!("`{id}` and `role_arn` name two sources of credentials"),
                    )
                    .fix(format!("remove `{id}` and `{secret}`: the build's own token is enough for the role")),
                );
            }
            return true;
        }
        (true, false) => (id, secret),
        (false, true) => (secret, id),
    };
    options.problem(
        Diagnostic::new(Code::OptionMissing, format!("`{given}` is set, but `{missing}` is not"))
            .cause("a secret of the workspace is not exposed to builds of pull requests, or is spelt otherwise")
            .fix(format!("add `{missing}`, or remove `{given}` to use the build's own token")),
    );
    true
}

/// What the peer does by signed requests.
fn not_yet(options: &mut Options, stored_key: bool) {
    let docker = options.switch("docker_login") == Some(true);
    let whole_key = stored_key && options.has("access_key_id") && options.has("secret_access_key");
    let mut wanted = Vec::new();
    if whole_key && !options.has("role_arn") {
        wanted.push("a stored access key (`access_key_id`)");
    }
    if docker {
        wanted.push("`docker_login: true`");
    }
    if wanted.is_empty() {
        return;
    }
    let mut problem =
        Diagnostic::new(Code::CapabilityMissing, format!("this version cannot do {} yet", listed(&wanted)))
            .cause("that needs requests signed with existing credentials, which this version does not make");
    if docker {
        problem = problem.fix(
            "set `docker_login: false`, and log in after this step: aws ecr get-login-password --region REGION | \
             docker login --username AWS --password-stdin ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com",
        );
    }
    if whole_key {
        problem = problem.fix("give `role_arn` in place of the key, and let the role trust the build's own token");
    }
    options.problem(problem.fix("or stay with the step Authenticate with AWS for this until a later version"));
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
