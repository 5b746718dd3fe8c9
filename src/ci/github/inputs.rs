//! From the inputs of the GitHub Action to settings.

use super::GitHub;
#[cfg(feature = "signed")]
use super::credentials;
use super::table::{INPUTS, variable_of};
use crate::ci::Ci as _;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::effect::Symlinks;
use crate::environment::Environment;
use crate::names;
use crate::pairs::Pairs;
use crate::proxy::ProxySettings;
use crate::run::Run;
use crate::settings::common::{self, SessionOptions};
use crate::settings::{
    Checks, HandOver, Options, Profile, ProfileKind, RetryPolicy, RoleSettings, Settings, Source, TokenRequest,
    TokenSource, endpoint, roles,
};
#[cfg(feature = "signed")]
use crate::settings::{
    chain,
    origin::{self, Origin},
};
use crate::values::{Audience, ProfileName, Region, RoleArn, SessionName, ValueFault, seconds, whole_number};

/// Reads and checks all inputs.
pub(super) fn settings(run: &Run) -> Result<Settings, Failure> {
    let env = &run.env;
    let mut options = options(env, &Pairs::default());
    for spec in INPUTS.iter().filter(|spec| spec.secret) {
        if let Some(value) = options.text(spec.name) {
            run.mask(&crate::secret::Secret::new(value));
        }
    }
    options.check_names(env.names().filter_map(|name| name.strip_prefix("INPUT_")).map(str::to_ascii_lowercase));

    let mut notices = strangers(&options);
    let retry = retry(&mut options);
    let time_limit_ms = time_limit_ms(&mut options);
    let proxy = proxy(&mut options, env);
    let hide_account = options.switch("mask-aws-account-id").unwrap_or(false);
    let clear_first = options.switch("unset-current-credentials").unwrap_or(false);
    let plain_secrets = options.switch("special-characters-workaround").unwrap_or(false);
    options.switch("use-existing-credentials");
    #[cfg(feature = "signed")]
    let existing = credentials::existing(&mut options, run);
    #[cfg(not(feature = "signed"))]
    let existing = None; // there are none, or this run has gone elsewhere
    #[cfg(feature = "signed")]
    let entries = credentials::entries(&mut options, env);
    #[cfg(not(feature = "signed"))]
    let entries = [Pairs::default()];

    let mut problems = options.into_problems();
    let roles = roles::each(&entries, &mut problems, |entry| {
        let mut options = self::options(env, entry);
        let role = role(run, &mut options, &mut notices);
        (role, options.into_problems())
    });
    let (roles, proxy) = roles::settle(run, roles, proxy, problems)?;
    Ok(Settings {
        existing,
        time_limit_ms,
        hide_account,
        plain_secrets,
        clear_first,
        notices,
        ..Settings::new(roles, retry, proxy)
    })
}

/// Inputs that nobody knows, for the log.
pub(super) fn strangers(options: &Options) -> Vec<String> {
    let unknown = options.strangers().iter();
    unknown.map(|name| format!("`{name}` is no input of this action and has no effect")).collect()
}

pub(super) fn proxy(options: &mut Options, env: &Environment) -> Option<ProxySettings> {
    let proxy = ProxySettings::new(options.own_text("http-proxy"), options.own_text("no-proxy"), |name| {
        env.get(name).map(str::to_owned)
    });
    proxy.map_err(|fault| options.problem(fault.diagnostic())).ok()
}

/// `entry` is that of `roles`, which counts first.
fn options(env: &Environment, entry: &Pairs) -> Options {
    let own = |name: &str| entry.get(name).or_else(|| env.get(&variable_of(name))).map(str::to_owned);
    let mut options = Options::read(INPUTS, own, |alias| env.get(alias).map(str::to_owned));
    for (own, common) in names::renamed(names::github) {
        if entry.get(own).is_none() {
            options.also(own, common, env.get(&variable_of(common)).map(str::to_owned));
        }
    }
    options
}

fn role(run: &Run, options: &mut Options, notices: &mut Vec<String>) -> Option<RoleSettings> {
    let env = &run.env;
    options.switch("role-chaining");
    options.switch("force-skip-oidc");
    options.switch("role-skip-session-tagging");
    let hand_over = hand_over(options);
    let source = source(run, options, &hand_over, notices);
    let region = region(options, env);
    let endpoint = endpoint::choose(options, env, "sts-endpoint", region.as_ref().map(Region::as_str));
    let session = SessionOptions::read(options, run).or(|| SessionName::of(&GitHub.session_name(env)));
    let mut checks = Checks::read(options, run);
    checks.trust_policy_file = checks.trust_policy_file.map(|path| absolute(&path, env));
    checks.permalink = options.switch("permalink").unwrap_or(false);
    #[cfg(feature = "signed")]
    let chain = chain::read(options, run, &session.name);
    if let (Some(role), Some(region)) = (source.as_ref().and_then(Source::role_arn), &region)
        && !options.has("sts-endpoint")
    {
        endpoint::check_partition(options, ["role-to-assume", "aws-region"], role, region);
    }
    Some(RoleSettings {
        source: source?,
        #[cfg(feature = "signed")]
        signing_region: region.clone()?,
        region: Some(region?),
        session,
        #[cfg(feature = "signed")]
        chain,
        checks,
        endpoint: endpoint?,
        hand_over,
    })
}

/// Inputs for which only requests that are signed have a place: with one of them, a run needs all there is.
const SIGNED: [&str; 11] = [
    "aws-access-key-id",
    "aws-secret-access-key",
    "chain",
    "custom-tags",
    "explain-with",
    "role-external-id",
    "roles",
    "source",
    "source-identity",
    "source-profile",
    "transitive-tag-keys",
];

/// Whether an input asks for more than a token can give, as far as can be told at a glance.
pub(super) fn needs_signatures(env: &Environment) -> bool {
    let given = |name: &str| {
        let alias = INPUTS.iter().find(|spec| spec.name == name)?.alias;
        let common = names::renamed(names::github).find(|(own, _)| *own == name).map(|(_, common)| common);
        let variables = [Some(variable_of(name)), common.map(variable_of), alias.map(str::to_owned)];
        let mut values = variables.into_iter().flatten().filter_map(|variable| env.get(&variable).map(str::trim));
        values.find(|text| !text.is_empty())
    };
    let is_on = |name: &str| given(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
    SIGNED.into_iter().any(|name| given(name).is_some())
        || given("verify-identity").is_some_and(|text| !text.eq_ignore_ascii_case("false"))
        || is_on("role-chaining")
        || is_on("force-skip-oidc")
        || is_on("use-existing-credentials") && env.get("AWS_ACCESS_KEY_ID").is_some()
}

#[cfg(not(feature = "signed"))]
fn source(run: &Run, options: &mut Options, _: &HandOver, _: &mut Vec<String>) -> Option<Source> {
    let (role_arn, token) = by_token(run, options);
    Some(Source::Token { role_arn: role_arn?, token: token? })
}

#[cfg(feature = "signed")]
fn source(run: &Run, options: &mut Options, hand_over: &HandOver, notices: &mut Vec<String>) -> Option<Source> {
    match credentials::origin(options, run)? {
        Origin::Token => {
            let (role_arn, token) = by_token(run, options);
            super::tags::have_no_place(options, notices);
            origin::without_tags(options, run, true);
            Some(Source::Token { role_arn: role_arn?, token: token? })
        }
        Origin::Credentials(source) => {
            options.parse("audience", Audience::parse); // it has no effect, and is looked at all the same
            credentials::signed(options, run, source, hand_over, notices)
        }
    }
}

/// The role, and where its token comes from.
fn by_token(run: &Run, options: &mut Options) -> (Option<RoleArn>, Option<TokenSource>) {
    let env = &run.env;
    let audience = options.parse("audience", Audience::parse).unwrap_or_default();
    let role_arn = options.require("role-to-assume", "arn:aws:iam::123456789012:role/deploy", RoleArn::parse);
    if !options.has("role-to-assume") {
        return (None, None);
    }
    if let Some(file) = options.text("web-identity-token-file") {
        let path = absolute(file, env);
        let symlinks = if is_kubelet_token(&path) { Symlinks::Follow } else { Symlinks::Refuse };
        return (role_arn, Some(TokenSource::File { path, symlinks }));
    }
    if env.get("ACTIONS_ID_TOKEN_REQUEST_URL").is_none() || env.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN").is_none() {
        options.problem(super::token::permission_missing(env));
        return (role_arn, None);
    }
    let request = TokenRequest { audience: Some(audience), ..TokenRequest::default() };
    (role_arn, Some(TokenSource::Ci(request)))
}

pub(super) fn region(options: &mut Options, env: &Environment) -> Option<Region> {
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
    let prefix = options.parse("prefix", common::variable_prefix).unwrap_or_default();
    let output_prefix = options.parse("output-prefix", output_prefix).unwrap_or_default();

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
    let hand_over = match way {
        // As with configure-aws-credentials, whose inputs these are.
        None => {
            let environment = environment.unwrap_or(name.is_none());
            let profile = name.map(|name| Profile { name, kind: ProfileKind::Static, overwrite, select: environment });
            HandOver { environment, outputs, profile, prefix, output_prefix }
        }
        Some(Way::Env) => {
            let profile = name.map(|name| Profile { name, kind: ProfileKind::Static, overwrite, select: true });
            HandOver { environment: true, outputs, profile, prefix, output_prefix }
        }
        Some(Way::Outputs) => HandOver { environment: false, outputs: true, profile: None, prefix, output_prefix },
        Some(way @ (Way::Profile | Way::Process)) => {
            let kind = if way == Way::Process { ProfileKind::Process } else { ProfileKind::Static };
            let profile = named(name).map(|name| Profile { name, kind, overwrite, select: true });
            HandOver { environment: environment == Some(true), outputs, profile, prefix, output_prefix }
        }
    };
    if !hand_over.environment && !hand_over.prefix.is_empty() {
        options.problem(
            Diagnostic::new(Code::OptionConflict, "`prefix` has no effect where no variables are exported")
                .fix("remove `prefix`; outputs have `output-prefix`, and a profile has a name of its own"),
        );
    }
    hand_over
}

fn output_prefix(text: &str) -> Result<String, ValueFault> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if text.chars().all(fits) && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        Ok(text.to_owned())
    } else {
        Err(ValueFault::new(
            "cannot begin the name of an output: letters, digits, `-` and `_`, a letter first",
            "prod-",
        ))
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
            (&[("INPUT_EXPLAIN-WITH", " "), ("INPUT_VERIFY-IDENTITY", "False")], false),
            (&[("INPUT_EXPLAIN-WITH", "environment")], true),
            (&[("INPUT_VERIFY-IDENTITY", "true")], true),
            (&[("INPUT_VERIFY-IDENTITY", "yes")], true),
            (&[("INPUT_AWS-SECRET-ACCESS-KEY", "x")], true),
            (&[("INPUT_AWS-ACCESS-KEY-ID", "x")], true),
            (&[("AWS_ACCESS_KEY_ID", "x")], false),
            (&[("INPUT_CHAIN", "x")], true),
            (&[("INPUT_EXTERNAL-ID", "x")], true),
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
