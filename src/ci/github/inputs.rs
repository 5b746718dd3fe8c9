//! From the inputs of the GitHub Action to settings.

use super::GitHub;
use super::table::{INPUTS, variable_of};
use crate::ci::Ci as _;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::effect::Symlinks;
use crate::environment::Environment;
use crate::names;
use crate::proxy::ProxySettings;
use crate::run::Run;
use crate::settings::common::SessionOptions;
use crate::settings::{
    Audience, HandOver, Options, Profile, ProfileKind, ProfileName, Region, RetryPolicy, RoleArn, RoleSettings,
    SessionDuration, SessionName, Settings, TokenRequest, TokenSource, ValueFault, custom_tags, endpoint, seconds,
    whole_number,
};

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
    let source = source(&mut options, env);
    let role_arn = options.parse("role-to-assume", RoleArn::parse);
    let region = region(&mut options, env);
    let endpoint = endpoint::choose(&mut options, env, "sts-endpoint", region.as_ref().map(Region::as_str));
    let session = SessionOptions::read(&mut options, run);
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
    check_existing(&mut options, env);
    tags_have_no_place(&mut options, &mut notices);
    if let (Some(role), Some(region)) = (&role_arn, &region)
        && !options.has("sts-endpoint")
    {
        endpoint::check_partition(&mut options, ["role-to-assume", "aws-region"], role, region);
    }

    let problems = options.into_problems();
    if let Some(failure) = Failure::of(problems) {
        return Err(failure);
    }
    let (Some(source), Some(role_arn), Some(region), Some(endpoint), Some(proxy)) =
        (source, role_arn, region, endpoint, proxy)
    else {
        // Each of these is on record as a problem when it is missing.
        return Err(Diagnostic::new(Code::OptionMissing, "`role-to-assume` is not set")
            .fix("add `role-to-assume: arn:aws:iam::123456789012:role/deploy`")
            .into());
    };
    let role = RoleSettings {
        role_arn,
        region: Some(region),
        source,
        session_name: session.name.unwrap_or_else(|| SessionName::of(&GitHub.session_name(env))),
        duration: session.duration.unwrap_or(SessionDuration::HOUR),
        policy: session.policy,
        policy_arns: session.policy_arns,
        allowed_accounts: session.allowed_accounts,
        trust_policy_file: session.trust_policy_file.map(|path| absolute(&path, env)),
        endpoint,
        hand_over,
    };
    Ok(Settings {
        roles: vec![role],
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

/// Where the first token comes from. Other credentials are a source only when an input says so.
fn source(options: &mut Options, env: &Environment) -> Option<TokenSource> {
    let chaining = options.switch("role-chaining").unwrap_or(false);
    let skip_oidc = options.switch("force-skip-oidc").unwrap_or(false);
    let has_role = options.has("role-to-assume");
    let audience = options.parse("audience", Audience::parse).unwrap_or_default();

    if options.has("aws-access-key-id") != options.has("aws-secret-access-key") {
        let (given, missing) = if options.has("aws-access-key-id") {
            ("aws-access-key-id", "aws-secret-access-key")
        } else {
            ("aws-secret-access-key", "aws-access-key-id")
        };
        options
            .problem(Diagnostic::new(Code::OptionMissing, format!("`{given}` is set, but `{missing}` is not")).fix(
                format!("add `{missing}: ${{{{ secrets.… }}}}`, or remove `{given}` to use the job's OIDC token"),
            ));
        return None;
    }
    if options.has("aws-access-key-id") {
        if chaining || options.has("web-identity-token-file") {
            let other = if chaining { "role-chaining" } else { "web-identity-token-file" };
            options.problem(
                Diagnostic::new(
                    Code::OptionConflict,
                    format!("`aws-access-key-id` and `{other}` name two sources of credentials"),
                )
                .fix("keep one of them"),
            );
        }
        options.problem(capability_missing("a stored access key (`aws-access-key-id`) as the source of credentials"));
        return None;
    }
    if chaining {
        options.problem(capability_missing("role chaining (`role-chaining`)"));
        return None;
    }
    if !has_role {
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
        return Some(TokenSource::File { path, symlinks });
    }
    if skip_oidc {
        options.problem(capability_missing(
            "credentials from the machine (`force-skip-oidc` without `web-identity-token-file`)",
        ));
        return None;
    }
    if env.get("ACTIONS_ID_TOKEN_REQUEST_URL").is_none() || env.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN").is_none() {
        options.problem(super::token::permission_missing(env));
        return None;
    }
    Some(TokenSource::Ci(TokenRequest { audience: Some(audience), ..TokenRequest::default() }))
}

fn capability_missing(what: &str) -> Diagnostic {
    Diagnostic::new(Code::CapabilityMissing, format!("this version cannot use {what} yet"))
        .cause("that needs requests signed with existing credentials, which this version does not make")
        .fix("use the job's OIDC token: `role-to-assume` with `permissions: id-token: write`, and no other source")
        .fix("or stay with aws-actions/configure-aws-credentials for this step until a later version")
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

/// Whether existing credentials work can only be told by a signed request. Where there are none,
/// there is nothing to tell.
fn check_existing(options: &mut Options, env: &Environment) {
    if options.switch("use-existing-credentials") == Some(true) && env.get("AWS_ACCESS_KEY_ID").is_some() {
        options.problem(capability_missing(
            "`use-existing-credentials` where the job has credentials: it cannot check them",
        ));
    }
}

fn tags_have_no_place(options: &mut Options, notices: &mut Vec<String>) {
    options.parse("custom-tags", custom_tags);
    options.switch("role-skip-session-tagging");
    for name in ["custom-tags", "transitive-tag-keys"] {
        if options.has(name) {
            notices.push(format!("`{name}` has no effect: with a token, only the token's issuer can set session tags"));
        }
    }
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
