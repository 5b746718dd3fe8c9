//! From flags and variables to settings, for every CI alike.

use super::table::SPECS;
use crate::ci::Ci;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::effect::{FaultKind, Symlinks};
use crate::environment::Environment;
use crate::login;
use crate::login::client::Choice;
use crate::login::options::Names;
use crate::login::step::Step;
use crate::login::wanted::Registries;
use crate::names::Meaning;
use crate::pairs::Pairs;
use crate::run::Run;
use crate::secret::Secret;
use crate::settings::common::{self, SessionOptions, hand_over};
use crate::settings::origin::{self, Origin};
use crate::settings::{
    Checks, Options, RetryPolicy, RoleSettings, Settings, Source, Target, TokenRequest, TokenSource, chain, endpoint,
    roles,
};
use crate::values::{Audience, Region, SessionName, ValueFault};

/// What the options of a login are called here.
const LOGIN: Names =
    Names { registries: "--registry", kind: "--registry-type", client: "--client", endpoint: Some("--ecr-endpoint") };

const POLICY_BYTES: u32 = 64 * 1024;
pub(super) const TOKEN_SOURCES: [&str; 4] = ["--token-file", "--token-env", "--token-command", "--token-url"];
/// What each entry of `--roles` can have of its own.
const OF_ROLE: &[&str] = &[
    "--role-arn",
    "--region",
    "--session-name",
    "--duration",
    "--policy",
    "--policy-arn",
    "--chain",
    "--source",
    "--source-profile",
    "--external-id",
    "--source-identity",
    "--tags",
    "--transitive-tag-key",
    "--allowed-account-id",
    "--trust-policy-file",
    "--explain-with",
    "--verify-identity",
    "--hand-over",
    "--export-region",
    "--profile",
    "--prefix",
    "--audience",
];

/// Reads and checks all options of an exchange.
///
/// # Errors
/// With every problem.
pub fn read(run: &Run, ci: &dyn Ci) -> Result<Settings, Failure> {
    let mut options = options(&run.env, &Pairs::default());
    let (retry, proxy) = (common::retry(&mut options, run), common::proxy(&mut options, &run.env));
    if options.has("--policy") && options.has("--policy-file") {
        options.problem(both("--policy", "--policy-file"));
    }
    let entries = roles::entries(&mut options, run.option(Meaning::Roles), OF_ROLE, std::iter::empty());
    let mut problems = options.into_problems();
    let roles = roles::each(&entries, &mut problems, |entry| {
        let mut options = self::options(&run.env, entry);
        let role = role(run, ci, &mut options);
        (role, options.into_problems())
    });
    let (roles, proxy) = roles::settle(run, roles, proxy, problems)?;
    Ok(Settings::new(roles, retry, proxy))
}

fn role(run: &Run, ci: &dyn Ci, options: &mut Options) -> Option<RoleSettings> {
    let env = &run.env;
    let origin = origin::read(options, run);
    let by_token = matches!(origin, Some(Origin::Token));
    let target = origin::target(options, run, by_token);
    let signed = origin::request(options, run, by_token);
    let region = region(options, env);
    let session = SessionOptions::read(options, run).or(|| SessionName::of(&ci.session_name(env)));
    let checks = Checks::read(options, run);
    let chain = chain::read(options, run, &session.name);
    let hand_over = hand_over(options, run, "--prefix", ci.way());
    let export_region = options.switch("--export-region").unwrap_or(true);
    let endpoint = endpoint::choose(options, env, "--sts-endpoint", region.as_ref().map(Region::as_str));
    if let (Some(role), Some(region)) = (target.as_ref().and_then(Target::arn), &region)
        && !options.has("--sts-endpoint")
    {
        endpoint::check_partition(options, ["--role-arn", "--region"], role, region);
    }
    let token = source(options, env);
    if let Some(Origin::Credentials(source)) = &origin {
        origin::check_hand_over(options, run, source, &hand_over);
        if let Some(name) = TOKEN_SOURCES.into_iter().find(|name| options.has(name)) {
            options.problem(both("--source", name));
        }
    }
    let region = region?;
    Some(RoleSettings {
        source: Source::of(origin?, target?, token?, signed)?,
        region: export_region.then(|| region.clone()),
        session,
        chain,
        checks,
        endpoint: endpoint?,
        signing_region: region,
        hand_over,
    })
}

/// What logging in to registries takes: a role, or else the credentials that there are.
///
/// # Errors
/// With every problem.
pub fn read_login(run: &Run, ci: &dyn Ci) -> Result<Step, Failure> {
    let mut options = options(&run.env, &Pairs::default());
    let region = region(&mut options, &run.env);
    let wanted = login::options::read(&mut options, &run.env, &LOGIN, region.as_ref());
    let sts = endpoint::choose(&mut options, &run.env, "--sts-endpoint", region.as_ref().map(Region::as_str));
    let by_role = ["--role-arn", "--chain", "--roles"].into_iter().any(|name| options.has(name))
        || options.text("--source") == Some("token");
    let (settings, source) = if by_role {
        let settings = read(run, ci).map_err(|failure| {
            failure.into_diagnostics().into_iter().for_each(|problem| options.problem(problem));
        });
        if settings.as_ref().is_ok_and(|settings| settings.roles.len() > 1) {
            options.problem(
                Diagnostic::new(
                    Code::OptionConflict,
                    "a login takes the credentials of one role, and `--roles` has several",
                )
                .fix("log in once for each role, by `--role-arn`"),
            );
        }
        (settings.ok(), None)
    } else {
        let (retry, proxy) = (common::retry(&mut options, run), common::proxy(&mut options, &run.env));
        let (roles, source) = login::options::without_role(&mut options, run, ci, region.as_ref(), sts.as_ref());
        (proxy.map(|proxy| Settings::new(roles, retry, proxy)), source)
    };
    login::options::step(options, settings, source, sts, wanted)
}

/// What logging out of registries by their names takes: none are named, without problems.
///
/// # Errors
/// With every problem.
pub fn read_logout(run: &Run) -> Result<Option<(Registries, Choice, Option<Region>)>, Failure> {
    let env = &run.env;
    let mut options = options(env, &Pairs::default());
    let named = options.has("--registry") || options.has("--registry-type");
    let registries = login::options::registries(&mut options, &LOGIN);
    let client = options.parse("--client", Choice::parse).unwrap_or(Choice::Auto);
    let is_private = matches!(&registries, Some(Registries::Private(_)));
    if named && matches!(&registries, Some(Registries::Private(accounts)) if accounts.is_empty()) {
        options.problem(
            Diagnostic::new(Code::OptionMissing, "`--registry` is not set")
                .fix("add `--registry 123456789012`, or leave `--registry-type` out to log out of what is on record"),
        );
    }
    let region = if named && is_private { region(&mut options, env) } else { None };
    match (Failure::of(options.into_problems()), registries) {
        (Some(failure), _) => Err(failure),
        (None, Some(registries)) if named => Ok(Some((registries, client, region))),
        (None, _) => Ok(None),
    }
}

/// As much as it takes to get a token.
///
/// # Errors
/// With every problem.
pub fn read_source(run: &Run) -> Result<(Settings, TokenSource), Failure> {
    let mut options = options(&run.env, &Pairs::default());
    let source = source(&mut options, &run.env);
    let proxy = common::proxy(&mut options, &run.env);
    match (Failure::of(options.into_problems()), source, proxy) {
        (None, Some(source), Some(proxy)) => Ok((Settings::new(Vec::new(), RetryPolicy::default(), proxy), source)),
        (Some(failure), ..) => Err(failure),
        _ => Err(Diagnostic::new(Code::OptionMissing, "there is no token to look at").into()),
    }
}

/// Puts the text of `--policy-file` in the place of `--policy`.
///
/// # Errors
/// When the file cannot be read.
pub async fn read_policy_file(run: &mut Run) -> Result<(), Diagnostic> {
    let options = options(&run.env, &Pairs::default());
    let Some(path) = options.text("--policy-file").map(str::to_owned) else { return Ok(()) };
    match run.channel.read_file(&path, POLICY_BYTES, Symlinks::Follow).await {
        Ok(text) => {
            run.env.set("--policy", &text);
            run.env.remove(&["--policy-file", "CI_ASSUME_ROLE_POLICY_FILE"]);
            Ok(())
        }
        Err(fault) => {
            let problem = if fault.kind == FaultKind::NotFound { "is not there" } else { "cannot be read" };
            Err(Diagnostic::new(Code::OptionInvalid, format!("the file of `--policy-file` {problem}"))
                .fact("file", &path)
                .fact_if("system says", Some(fault.detail).filter(|detail| !detail.is_empty())))
        }
    }
}

/// `entry` is that of `--roles`, which counts first.
pub(super) fn options(env: &Environment, entry: &Pairs) -> Options {
    let own = |name: &str| entry.get(name).or_else(|| env.get(name)).map(str::to_owned);
    Options::read(&SPECS, own, |alias| env.get(alias).map(str::to_owned))
}

pub(super) fn region(options: &mut Options, env: &Environment) -> Option<Region> {
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        options.fall_back("--region", name, env.get(name));
    }
    options.require("--region", "us-east-1", Region::parse)
}

/// Where the token comes from: from the CI, unless exactly one option says otherwise.
fn source(options: &mut Options, env: &Environment) -> Option<TokenSource> {
    let audience = options.parse("--audience", Audience::parse);
    let given: Vec<&str> = TOKEN_SOURCES.into_iter().filter(|name| options.has(name)).collect();
    if let [one, other, ..] = given.as_slice() {
        options.problem(both(one, other));
        return None;
    }
    if options.has("--token-header") && !options.has("--token-url") {
        options.problem(
            Diagnostic::new(Code::OptionConflict, "`--token-header` has no effect without `--token-url`")
                .fix("add `--token-url`, or remove `--token-header`"),
        );
    }
    let text = |name: &str| options.text(name).map(str::to_owned);
    if let Some(path) = text("--token-file") {
        return Some(TokenSource::File { path, symlinks: Symlinks::Follow });
    }
    if let Some(name) = text("--token-env") {
        return match env.get(&name) {
            Some(token) => Some(TokenSource::Given { token: Secret::new(token), audience }),
            None => {
                options.problem(
                    Diagnostic::new(Code::TokenPermissionMissing, format!("the variable {name} holds no token"))
                        .cause("`--token-env` names it, and it is not set in this step")
                        .fix("check its name, and that the CI sets it for this job"),
                );
                None
            }
        };
    }
    if let Some(line) = text("--token-command") {
        return Some(TokenSource::Command { line, audience });
    }
    if let Some(url) = text("--token-url") {
        let headers = options.parse("--token-header", |text| headers(text, env)).unwrap_or_default();
        return Some(TokenSource::Url { url, headers, audience });
    }
    Some(TokenSource::Ci(TokenRequest { audience, ..TokenRequest::default() }))
}

/// `NAME: VALUE`, one a line. A value goes by the name of a variable, so that no secret has to stand
/// in a command line.
fn headers(text: &str, env: &Environment) -> Result<Vec<(String, Secret)>, ValueFault> {
    let example = "Authorization: Bearer $REQUEST_TOKEN";
    let mut headers = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let token = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let Some((name, value)) = line.split_once(':').filter(|(name, _)| !name.is_empty() && name.chars().all(token))
        else {
            return Err(ValueFault::new("is not a header, as `NAME: VALUE`", example));
        };
        let value = expanded(value.trim(), env)
            .map_err(|variable| ValueFault::new(format!("names the variable {variable}, which is not set"), example))?;
        headers.push((name.to_owned(), Secret::new(value)));
    }
    Ok(headers)
}

/// With variables for `$NAME`; `$$` is a dollar.
fn expanded(text: &str, env: &Environment) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once('$') {
        out.push_str(head);
        if let Some(tail) = tail.strip_prefix('$') {
            out.push('$');
            rest = tail;
            continue;
        }
        let end = tail.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(tail.len());
        let (name, tail) = tail.split_at(end);
        if name.is_empty() {
            out.push('$');
        } else {
            out.push_str(env.get(name).ok_or_else(|| name.to_owned())?);
        }
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

fn both(one: &str, other: &str) -> Diagnostic {
    Diagnostic::new(Code::OptionConflict, format!("`{one}` and `{other}` contradict each other"))
        .fix("keep one of them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_into_headers() {
        let mut variables = Pairs::default();
        variables.set("TOKEN", "s3cr3t");
        let env = Environment::new(variables, "linux");
        let read = headers("Authorization: Bearer $TOKEN\nX-Cost: 5$$\n", &env).unwrap();
        let read: Vec<(&str, &str)> = read.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(read, [("Authorization", "Bearer s3cr3t"), ("X-Cost", "5$")]);
        for text in ["Authorization", ": x", "A B: x", "A: $NONE"] {
            assert!(headers(text, &env).is_err(), "{text}");
        }
    }
}
