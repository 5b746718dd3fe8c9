//! From the inputs of the GitHub Action to settings.

use super::table::{INPUTS, variable_of};
use super::{GitHub, tags};
use crate::aws::credentials::Credentials;
use crate::aws::environment;
use crate::ci::Ci as _;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::effect::Symlinks;
use crate::environment::Environment;
use crate::names;
use crate::proxy::ProxySettings;
use crate::run::Run;
use crate::settings::common::SessionOptions;
use crate::settings::{
    Audience, CredentialSource, Existing, ExternalId, HandOver, Options, Profile, ProfileKind, ProfileName, Region,
    RetryPolicy, RoleArn, RoleName, RoleSettings, SessionDuration, SessionName, SessionTags, Settings, SignedSource,
    Source, Target, TokenRequest, TokenSource, ValueFault, endpoint, seconds, whole_number,
};
use crate::signed;

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
    let existing = existing(&mut options, env);
    let tags = match start {
        Some(Start::Credentials(_)) => tags::read(&mut options, env, &mut notices),
        _ => {
            tags::have_no_place(&mut options, &mut notices);
            SessionTags::default()
        }
    };
    let external_id = options.parse("role-external-id", ExternalId::parse);
    if let Some(Start::Credentials(_)) = start {
        check_signed(&mut options, &hand_over, wanted.is_none());
    }
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
        (Some(Start::Credentials(credentials)), target) => Some(Source::Credentials(Box::new(SignedSource {
            target: target.unwrap_or(Target::Source),
            credentials,
            region: region.clone(),
            external_id,
            tags,
        }))),
        _ if existing.is_some() => None,
        _ => return Err(missing()),
    };
    let role = source.map(|source| RoleSettings {
        source,
        region: Some(region),
        session_name: session.name.unwrap_or_else(|| SessionName::of(&GitHub.session_name(env))),
        duration: session.duration.unwrap_or(SessionDuration::HOUR),
        policy: session.policy,
        policy_arns: session.policy_arns,
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
    Credentials(CredentialSource),
}

/// A token, unless an input says otherwise: other credentials are never a source by themselves.
fn start(options: &mut Options, env: &Environment) -> Option<Start> {
    let chaining = options.switch("role-chaining").unwrap_or(false);
    let skip_oidc = options.switch("force-skip-oidc").unwrap_or(false);
    let audience = options.parse("audience", Audience::parse).unwrap_or_default();

    if options.has("aws-access-key-id") || options.has("aws-secret-access-key") {
        return stored_key(options, chaining).map(Start::Credentials);
    }
    if !options.has("role-to-assume") {
        // Credentials that are there already can do without.
        if !has_existing(options, env) {
            options.require("role-to-assume", "arn:aws:iam::123456789012:role/deploy", RoleArn::parse);
        }
        return None;
    }
    if skip_oidc && !options.has("web-identity-token-file") {
        return Some(Start::Credentials(CredentialSource::Machine));
    }
    if chaining {
        return of_the_job(options, env).map(Start::Credentials);
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

fn stored_key(options: &mut Options, chaining: bool) -> Option<CredentialSource> {
    const KEYS: [&str; 3] = ["aws-access-key-id", "aws-secret-access-key", "aws-session-token"];
    let [id, secret, token] = KEYS.map(|name| options.text(name).map(str::to_owned));
    let (id, secret) = match (id, secret) {
        (Some(id), Some(secret)) => (id, secret),
        (id, _) => {
            let (given, missing) = if id.is_some() { (KEYS[0], KEYS[1]) } else { (KEYS[1], KEYS[0]) };
            options.problem(
                Diagnostic::new(Code::OptionMissing, format!("`{given}` is set, but `{missing}` is not")).fix(format!(
                    "add `{missing}: ${{{{ secrets.… }}}}`, or remove `{given}` to use the job's OIDC token"
                )),
            );
            return None;
        }
    };
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
    match Credentials::parse(&id, &secret, token.as_deref()) {
        Ok(credentials) => Some(CredentialSource::Known { credentials, from: "the stored key".to_owned() }),
        Err(fault) => {
            options.problem(
                Diagnostic::new(Code::OptionInvalid, format!("the stored key cannot be used: {fault}"))
                    .fix("store the secrets anew, without quotes or line breaks around them"),
            );
            None
        }
    }
}

/// Those that an earlier step has exported.
fn of_the_job(options: &mut Options, env: &Environment) -> Option<CredentialSource> {
    match environment::read(|name| env.get(name).map(str::to_owned)) {
        Some(Ok(credentials)) => {
            Some(CredentialSource::Known { credentials, from: "the credentials of the job's environment".to_owned() })
        }
        Some(Err(fault)) => {
            options.problem(signed::unusable_variables(fault));
            None
        }
        None => {
            options.problem(
                Diagnostic::new(Code::CredentialsMissing, "`role-chaining` is on, and the job has no credentials yet")
                    .fact("not set", "AWS_ACCESS_KEY_ID")
                    .cause("no earlier step of this job exported any, or it wrote a profile or outputs instead")
                    .fix("let a step before this one hand its credentials over as variables")
                    .fix("for the role of the machine itself, use `force-skip-oidc: true` in place of `role-chaining`"),
            );
            None
        }
    }
}

/// The role. Only credentials tell an account for a bare name.
fn wanted(options: &mut Options, start: Option<&Start>) -> Option<Target> {
    let signed = matches!(start, Some(Start::Credentials(_)));
    options.parse("role-to-assume", |text| match RoleName::parse(text).filter(|_| signed) {
        Some(name) => Ok(Target::RoleNamed(name)),
        None => RoleArn::parse(text).map(Target::Role),
    })
}

/// What credentials as the source do not go together with.
fn check_signed(options: &mut Options, hand_over: &HandOver, no_role: bool) {
    if hand_over.profile.as_ref().is_some_and(|profile| profile.kind == ProfileKind::Process) {
        options.problem(
            Diagnostic::new(Code::OptionConflict, "`hand-over: process` could not fetch fresh credentials")
                .cause("it would need the credentials that this role is assumed with, and those are not kept")
                .fix("use `hand-over: profile` or `env`, or let the job use its own token"),
        );
    }
    if !no_role {
        return;
    }
    // A policy that is dropped would leave more allowed than was meant.
    for name in ["inline-session-policy", "managed-session-policies", "role-external-id"] {
        if options.has(name) {
            options.problem(
                Diagnostic::new(Code::OptionConflict, format!("`{name}` has no effect without `role-to-assume`"))
                    .cause("without a role, the stored key is handed over as it is")
                    .fix(format!("add `role-to-assume`, or remove `{name}`")),
            );
        }
    }
}

fn has_existing(options: &mut Options, env: &Environment) -> bool {
    options.text("use-existing-credentials").is_some_and(|text| text.eq_ignore_ascii_case("true"))
        && env.get("AWS_ACCESS_KEY_ID").is_some()
}

/// Where the job has none, or what it has is not whole, there is nothing to keep.
fn existing(options: &mut Options, env: &Environment) -> Option<Credentials> {
    if options.switch("use-existing-credentials") != Some(true) {
        return None;
    }
    match environment::read(|name| env.get(name).map(str::to_owned))? {
        Ok(credentials) => Some(credentials),
        Err(fault) => {
            if !options.has("role-to-assume") && !options.has("aws-access-key-id") {
                options.problem(signed::unusable_variables(fault));
            }
            None
        }
    }
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
