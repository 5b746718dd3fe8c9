//! From the inputs of the GitHub Action to settings.

#[cfg(feature = "signed")]
use super::credentials::{self, Named};
use super::table::{INPUTS, variable_of};
use super::{GitHub, tags};
#[cfg(not(feature = "signed"))]
use crate::aws::credentials::Credentials;
use crate::ci::Ci as _;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::effect::Symlinks;
use crate::environment::Environment;
use crate::names;
use crate::proxy::ProxySettings;
use crate::run::Run;
use crate::settings::common::SessionOptions;
use crate::settings::{
    Audience, Existing, HandOver, Options, Profile, ProfileKind, ProfileName, Region, RetryPolicy, RoleArn,
    RoleSettings, SessionName, Settings, Source, Target, TokenRequest, TokenSource, ValueFault, endpoint, seconds,
    whole_number,
};
#[cfg(feature = "signed")]
use crate::settings::{CredentialSource, RoleName, SignedSource};

/// Reads and checks all inputs.
pub(super) fn settings(run: &Run) -> Result<Settings, Failure> {
    let env = &run.env;
    let mut options = Options::read(
        INPUTS,
        |name| env.get(&variable_of(name)).map(str::to_owned),
        |alias| env.get(alias).map(str::to_owned),
    );
    for (own, common) in names::renamed(names::github) {
        options.also(own, common, env.get(&variable_of(common)).map(str::to_owned));
    }
    for spec in INPUTS.iter().filter(|spec| spec.secret) {
        if let Some(value) = options.text(spec.name) {
            run.mask(&crate::secret::Secret::new(value));
        }
    }
    options.check_names(env.names().filter_map(|name| name.strip_prefix("INPUT_")).map(str::to_ascii_lowercase));

    let mut notices: Vec<String> = options
        .strangers()
        .iter()
        .map(|name| format!("`{name}` is no input of this action and has no effect"))
        .collect();
    let start = start(&mut options, env);
    let wanted = wanted(&mut options, start.as_ref());
    let region = region(&mut options, env);
    let endpoint = endpoint::choose(&mut options, env, "sts-endpoint", region.as_ref().map(Region::as_str));
    let mut session = SessionOptions::read(&mut options, run);
    let hand_over = hand_over(&mut options);
    let retry = retry(&mut options);
    let time_limit_ms = time_limit_ms(&mut options);
    let proxy = match ProxySettings::new(options.own_text("http-proxy"), options.own_text("no-proxy"), |name| {
        env.get(name).map(str::to_owned)
    }) {
        Ok(proxy) => Some(proxy),
        Err(fault) => {
            options.problem(fault.diagnostic());
            None
        }
    };
    let hide_account = options.switch("mask-aws-account-id").unwrap_or(false);
    let clear_first = options.switch("unset-current-credentials").unwrap_or(false);
    let plain_secrets = options.switch("special-characters-workaround").unwrap_or(false);
    options.switch("use-existing-credentials");
    #[cfg(feature = "signed")]
    let existing = credentials::existing(&mut options, env);
    #[cfg(not(feature = "signed"))]
    let existing: Option<Credentials> = None; // there are none, or this run has gone elsewhere
    let by_token = start.as_ref().is_none_or(|start| matches!(start, Start::Token(_)));
    if by_token {
        tags::have_no_place(&mut options, &mut notices);
    }
    #[cfg(feature = "signed")]
    let request = if by_token {
        None
    } else {
        Some(credentials::request(&mut options, env, &hand_over, wanted.is_none(), &mut notices))
    };
    if let (Some(Target::Role(role)), Some(region)) = (&wanted, &region)
        && !options.has("sts-endpoint")
    {
        endpoint::check_partition(&mut options, ["role-to-assume", "aws-region"], role, region);
    }

    let problems = options.into_problems();
    if let Some(failure) = Failure::of(problems) {
        return Err(failure);
    }
    let missing = || -> Failure {
        // Each of these is on record as a problem when it is missing.
        Diagnostic::new(Code::OptionMissing, "`role-to-assume` is not set")
            .fix("add `role-to-assume: arn:aws:iam::123456789012:role/deploy`")
            .into()
    };
    let (Some(region), Some(endpoint), Some(proxy)) = (region, endpoint, proxy) else { return Err(missing()) };
    let existing = existing.map(|credentials| {
        let (region, endpoint) = (region.clone(), endpoint.clone());
        Box::new(Existing { credentials, region, endpoint, allowed_accounts: session.allowed_accounts.clone() })
    });
    let source = match (start, wanted) {
        (Some(Start::Token(token)), Some(Target::Role(role_arn))) => Some(Source::Token { role_arn, token }),
        #[cfg(feature = "signed")]
        (Some(Start::Credentials(credentials)), target) => {
            let (target, request) = (target.unwrap_or(Target::Source), request.unwrap_or_default());
            Some(Source::Credentials(Box::new(SignedSource { target, credentials, request })))
        }
        _ if existing.is_some() => None,
        _ => return Err(missing()),
    };
    let role = source.map(|source| RoleSettings {
        source,
        #[cfg(feature = "signed")]
        signing_region: region.clone(),
        region: Some(region),
        session: session.session(|| SessionName::of(&GitHub.session_name(env))),
        #[cfg(feature = "signed")]
        chain: Vec::new(),
        allowed_accounts: session.allowed_accounts,
        trust_policy_file: session.trust_policy_file.map(|path| absolute(&path, env)),
        endpoint,
        hand_over,
    });
    Ok(Settings {
        roles: role.into_iter().collect(),
        existing,
        proxy,
        retry,
        time_limit_ms,
        hide_account,
        plain_secrets,
        clear_first,
        notices,
        token_export: None,
    })
}

/// What the job starts from.
enum Start {
    Token(TokenSource),
    #[cfg(feature = "signed")]
    Credentials(CredentialSource),
}

/// Whether an input asks for other credentials than a token, as far as can be told at a glance.
pub(super) fn needs_signatures(env: &Environment) -> bool {
    let given = |name: &str| {
        let alias = INPUTS.iter().find(|spec| spec.name == name)?.alias;
        let own = env.get(&variable_of(name)).map(str::trim).filter(|text| !text.is_empty());
        own.or_else(|| env.get(alias?).map(str::trim))
    };
    let is_on = |name: &str| given(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
    given("aws-access-key-id").is_some()
        || given("aws-secret-access-key").is_some()
        || is_on("role-chaining")
        || is_on("force-skip-oidc")
        || is_on("use-existing-credentials") && env.get("AWS_ACCESS_KEY_ID").is_some()
}

/// A token, unless an input says otherwise: other credentials are never a source by themselves.
fn start(options: &mut Options, env: &Environment) -> Option<Start> {
    options.switch("role-chaining");
    options.switch("force-skip-oidc");
    let audience = options.parse("audience", Audience::parse).unwrap_or_default();

    #[cfg(feature = "signed")]
    match credentials::named(options, env) {
        Named::Nothing => {}
        Named::Source(source) => return Some(Start::Credentials(source)),
        Named::Problem => return None,
    }
    if !options.has("role-to-assume") {
        options.require("role-to-assume", "arn:aws:iam::123456789012:role/deploy", RoleArn::parse);
        return None;
    }
    if options.has("role-external-id") {
        options.problem(
            Diagnostic::new(Code::OptionConflict, "`role-external-id` cannot be sent with a token")
                .cause("AssumeRoleWithWebIdentity has no such parameter, so a trust policy that asks for it refuses every job")
                .fix("remove `role-external-id`, and pin `sub` and `aud` in the role's trust policy instead"),
        );
    }
    if let Some(file) = options.text("web-identity-token-file") {
        let path = absolute(file, env);
        let symlinks = if is_kubelet_token(&path) { Symlinks::Follow } else { Symlinks::Refuse };
        return Some(Start::Token(TokenSource::File { path, symlinks }));
    }
    if env.get("ACTIONS_ID_TOKEN_REQUEST_URL").is_none() || env.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN").is_none() {
        options.problem(super::token::permission_missing(env));
        return None;
    }
    Some(Start::Token(TokenSource::Ci(TokenRequest { audience: Some(audience), ..TokenRequest::default() })))
}

/// The role. Only credentials tell an account for a bare name.
fn wanted(options: &mut Options, start: Option<&Start>) -> Option<Target> {
    #[cfg(feature = "signed")]
    if matches!(start, Some(Start::Credentials(_)))
        && let Some(name) = options.text("role-to-assume").and_then(RoleName::parse)
    {
        return Some(Target::RoleNamed(name));
    }
    let _ = start;
    options.parse("role-to-assume", |text| RoleArn::parse(text).map(Target::Role))
}

fn region(options: &mut Options, env: &Environment) -> Option<Region> {
    options.fall_back("aws-region", "AWS_DEFAULT_REGION", env.get("AWS_DEFAULT_REGION"));
    options.require("aws-region", "us-east-1", Region::parse)
}

fn hand_over(options: &mut Options) -> HandOver {
    #[derive(Clone, Copy, PartialEq)]
    enum Way {
        Env,
        Outputs,
        Profile,
        Process,
    }
    let way = options.parse("hand-over", |text| match text {
        "env" => Ok(Way::Env),
        "outputs" => Ok(Way::Outputs),
        "profile" => Ok(Way::Profile),
        "process" => Ok(Way::Process),
        _ => Err(ValueFault::new("is none of `env`, `outputs`, `profile` and `process`", "env")),
    });
    let outputs = options.switch("output-credentials").unwrap_or(false);
    let environment = options.switch("output-env-credentials");
    let name = options.parse("aws-profile", ProfileName::parse);
    let overwrite = options.switch("overwrite-aws-profile").unwrap_or(false);

    if matches!(way, Some(Way::Process | Way::Outputs)) && environment == Some(true) {
        options.problem(
            Diagnostic::new(Code::OptionConflict, "`output-env-credentials: true` contradicts `hand-over`")
                .cause("exported credentials would be used before the others, and would not be refreshed")
                .fix("remove `output-env-credentials`, or use `hand-over: env`"),
        );
    }
    if way == Some(Way::Outputs) && options.has("aws-profile") {
        options.problem(
            Diagnostic::new(Code::OptionConflict, "`aws-profile` contradicts `hand-over: outputs`")
                .fix("remove `aws-profile`, or use `hand-over: profile` with `output-credentials: true`"),
        );
    }
    if way == Some(Way::Env) && environment == Some(false) {
        options.problem(
            Diagnostic::new(Code::OptionConflict, "`output-env-credentials: false` contradicts `hand-over: env`")
                .fix("remove one of the two"),
        );
    }

    let named = |name: Option<ProfileName>| name.or_else(|| ProfileName::parse(crate::product::NAME).ok());
    match way {
        // As with configure-aws-credentials, whose inputs these are.
        None => {
            let environment = environment.unwrap_or(name.is_none());
            let profile = name.map(|name| Profile { name, kind: ProfileKind::Static, overwrite, select: environment });
            HandOver { environment, outputs, profile, ..HandOver::default() }
        }
        Some(Way::Env) => {
            let profile = name.map(|name| Profile { name, kind: ProfileKind::Static, overwrite, select: true });
            HandOver { environment: true, outputs, profile, ..HandOver::default() }
        }
        Some(Way::Outputs) => HandOver { outputs: true, ..HandOver::default() },
        Some(way @ (Way::Profile | Way::Process)) => {
            let kind = if way == Way::Process { ProfileKind::Process } else { ProfileKind::Static };
            let profile = named(name).map(|name| Profile { name, kind, overwrite, select: true });
            HandOver { environment: environment == Some(true), outputs, profile, ..HandOver::default() }
        }
    }
}

fn retry(options: &mut Options) -> RetryPolicy {
    let once = options.switch("disable-retry").unwrap_or(false);
    let attempts = options.parse("retry-max-attempts", whole_number);
    match (once, attempts) {
        (true, _) => RetryPolicy { max_attempts: 1 },
        (false, Some(attempts)) => RetryPolicy { max_attempts: attempts.max(1) },
        (false, None) => RetryPolicy::default(),
    }
}

fn time_limit_ms(options: &mut Options) -> Option<u64> {
    let limit = options.parse("action-timeout-s", seconds)?;
    (limit > 0).then(|| limit.saturating_mul(1000))
}

fn absolute(path: &str, env: &Environment) -> String {
    let bytes = path.as_bytes();
    let drive = bytes.get(1) == Some(&b':') && bytes.first().is_some_and(u8::is_ascii_alphabetic);
    if path.starts_with(['/', '\\']) || drive {
        return path.to_owned();
    }
    match env.get("GITHUB_WORKSPACE") {
        Some(workspace) => format!("{}/{path}", workspace.trim_end_matches('/')),
        None => path.to_owned(),
    }
}

/// The kubelet swaps tokens by symbolic links, in folders that only root can write:
/// `/var/run/secrets/NAME/serviceaccount/token`.
fn is_kubelet_token(path: &str) -> bool {
    let segments: Vec<&str> = path.split('/').collect();
    matches!(segments.as_slice(), ["", "var", "run", "secrets", name, "serviceaccount", "token"]
        if !name.is_empty() && *name != "." && *name != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_credentials_are_told_at_a_glance() {
        for (variables, needed) in [
            (&[][..], false),
            (&[("INPUT_ROLE-CHAINING", "false"), ("INPUT_AWS-ACCESS-KEY-ID", " ")], false),
            (&[("INPUT_ROLE-CHAINING", " True ")], true),
            (&[("ROLE_CHAINING", "true")], true),
            (&[("INPUT_ROLE-CHAINING", "false"), ("ROLE_CHAINING", "true")], false),
            (&[("INPUT_FORCE-SKIP-OIDC", "TRUE")], true),
            (&[("INPUT_AWS-SECRET-ACCESS-KEY", "x")], true),
            (&[("INPUT_AWS-ACCESS-KEY-ID", "x")], true),
            (&[("AWS_ACCESS_KEY_ID", "x")], false),
            (&[("INPUT_USE-EXISTING-CREDENTIALS", "true")], false),
            (&[("USE_EXISTING_CREDENTIALS", "true"), ("AWS_ACCESS_KEY_ID", "x")], true),
        ] {
            let mut env = Environment::default();
            for (name, value) in variables {
                env.set(name, value);
            }
            assert_eq!(needs_signatures(&env), needed, "{variables:?}");
        }
    }

    #[test]
    fn only_the_kubelets_layout_may_have_links() {
        assert!(is_kubelet_token("/var/run/secrets/eks.amazonaws.com/serviceaccount/token"));
        for path in [
            "/var/run/secrets/../serviceaccount/token",
            "/var/run/secrets/a/b/serviceaccount/token",
            "/tmp/var/run/secrets/a/serviceaccount/token",
            "var/run/secrets/a/serviceaccount/token",
        ] {
            assert!(!is_kubelet_token(path), "{path}");
        }
    }
}
