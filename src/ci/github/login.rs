//! The action in `login-ecr/`: all inputs and outputs of amazon-ecr-login 2.1.7, and ours. The one source
//! of its manifest, of the tables in `docs/`, and of what is parsed.

use super::table::variable_of;
use super::{GitHub, inputs};
use crate::diagnostic::Failure;
use crate::login;
use crate::login::options::Names;
use crate::login::step::Step;
use crate::names;
use crate::pairs::Pairs;
use crate::run::Run;
use crate::settings::{OptionSpec, Options, RoleSettings, Settings, common, endpoint, prose};
use crate::values::Region;

const fn input(name: &'static str, default: &'static str, description: &'static str) -> OptionSpec {
    OptionSpec { name, description: prose(description), default: prose(default), alias: None, secret: false }
}

impl OptionSpec {
    const fn or_variable(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }
}

/// In the order in which people read them.
#[rustfmt::skip]
pub const INPUTS: &[OptionSpec] = &[
    input("registries", "the account of the credentials", "Accounts whose registries to log in to, separated by commas. Ignored for the public registry."),
    input("registry-type", "private", "`private`, or `public` for public.ecr.aws."),
    input("client", "auto", "Whom to log in: docker, podman, buildah, helm, crane, or auth-file, which writes the file that all of them read and needs none of them. `auto` takes the first that is installed, else the file."),
    input("aws-region", "AWS_DEFAULT_REGION", "Region of the registries. Without it, AWS_REGION or AWS_DEFAULT_REGION of the job's environment counts.").or_variable("AWS_REGION"),
    input("role-to-assume", "none", "ARN of an IAM role to assume with the job's own OIDC token, for the login alone: its credentials are handed to nobody. Without it, the credentials count that the job or its machine has."),
    input("source", "machine, or token with role-to-assume", "Which credentials log in, or assume the role: `token` (the job's own), `environment`, `profile`, `container`, `instance`, or `machine`, the first of these that is there."),
    input("source-profile", "AWS_PROFILE, or default", "The profile for `source: profile`; asks for it."),
    input("audience", "sts.amazonaws.com", "Audience of the token for `role-to-assume`."),
    input("role-session-name", "GitHubActions", "Name of the session of `role-to-assume`."),
    input("role-duration-seconds", "3600", "Length of the session of `role-to-assume`. The password of the registry lasts on by itself."),
    input("allowed-account-ids", "any account", "Account ids, separated by commas, one of which the credentials must belong to. Checked before anything is logged in."),
    input("trust-policy-file", "none", "Path of a file with the trust policy of `role-to-assume`, to name the condition that failed when AWS denies the role."),
    input("mask-aws-account-id", "false", "Hide the account id and the role's ARN in the log. The names of registries have the account's id in them, and are hidden as well."),
    input("mask-password", "true", "Hide the passwords in the log. GitHub drops an output of a job that has something hidden in it, so that `false` is for those who hand a password to another job."),
    input("skip-logout", "false", "Stay logged in when the job ends."),
    input("http-proxy", "the proxy variables", "Proxy for all requests of this step, http:// or https://. A password in it is hidden. The client has settings of its own for that."),
    input("no-proxy", "no_proxy", "Hosts to reach directly, separated by commas."),
    input("retry-max-attempts", "5", "How often to try in all when an error may pass by itself."),
    input("sts-endpoint", "AWS's endpoint of the region", "Address of an STS-compatible service, https:// or loopback."),
    input("ecr-endpoint", "AWS's endpoint of the region", "Address of an ECR-compatible service, https:// or loopback."),
];

/// Name and description of every output.
#[rustfmt::skip]
pub const OUTPUTS: &[(&str, &str)] = &[
    ("registry", prose("The registry that was logged in to, if it was one: ACCOUNT.dkr.ecr.REGION.amazonaws.com or public.ecr.aws.")),
    ("diagnostic", prose("After a failure: what is wrong, as JSON (a list of code, headline, facts, causes, fixes, docs).")),
];

/// Outputs that a manifest cannot list, since their names end with the registry's, in which each run of
/// other characters than letters, digits and `_` is one `_`.
pub const OUTPUTS_BY_REGISTRY: &[(&str, &str)] = &[
    ("docker_username_REGISTRY", prose("The user name, which is AWS.")),
    ("docker_password_REGISTRY", prose("The password.")),
];

/// Those that `role-to-assume` takes as the action that hands credentials over does.
const OF_ROLE: [&str; 14] = [
    "aws-region",
    "role-to-assume",
    "source",
    "source-profile",
    "audience",
    "role-session-name",
    "role-duration-seconds",
    "allowed-account-ids",
    "trust-policy-file",
    "mask-aws-account-id",
    "http-proxy",
    "no-proxy",
    "retry-max-attempts",
    "sts-endpoint",
];

const NAMES: Names =
    Names { registries: "registries", kind: "registry-type", client: "client", endpoint: Some("ecr-endpoint") };

/// The names that options have at all entries, where they have another one here.
pub fn renamed() -> impl Iterator<Item = (&'static str, &'static str)> {
    names::renamed(names::github).filter(|(own, _)| OF_ROLE.contains(own))
}

/// Reads and checks all inputs.
pub(super) fn read(run: &Run) -> Result<Step, Failure> {
    let env = &run.env;
    let mut options = Options::read(
        INPUTS,
        |name| env.get(&variable_of(name)).map(str::to_owned),
        |alias| env.get(alias).map(str::to_owned),
    );
    for (own, common) in renamed() {
        options.also(own, common, env.get(&variable_of(common)).map(str::to_owned));
    }
    options.check_names(env.names().filter_map(|name| name.strip_prefix("INPUT_")).map(str::to_ascii_lowercase));
    let notices = inputs::strangers(&options);
    let logs_out = !options.switch("skip-logout").unwrap_or(false);
    let mask = options.switch("mask-password").unwrap_or(true);
    options.fall_back("aws-region", "AWS_DEFAULT_REGION", env.get("AWS_DEFAULT_REGION"));
    let region = options.require("aws-region", "us-east-1", Region::parse);
    let wanted = login::options::read(&mut options, env, &NAMES, region.as_ref());
    let sts = endpoint::choose(&mut options, env, "sts-endpoint", region.as_ref().map(Region::as_str));
    let (settings, source) = if options.has("role-to-assume") || options.text("source") == Some("token") {
        let settings = inputs::settings(&run.with_options(&of_role(run))).map_err(|failure| {
            failure.into_diagnostics().into_iter().for_each(|problem| options.problem(problem));
        });
        (settings.ok(), None)
    } else {
        let (roles, source) = login::options::without_role(&mut options, run, &GitHub, region.as_ref(), sts.as_ref());
        (without_role(&mut options, run, roles), source)
    };
    let mut step = login::options::step(options, settings, source, sts, wanted)?;
    step.settings.notices.extend(notices);
    step.logs_out = logs_out;
    step.wanted.mask = mask;
    if !mask {
        let notice = "`mask-password` is `false`: the log does not hide the password of a registry";
        step.settings.notices.push(notice.to_owned());
    }
    Ok(step)
}

fn without_role(options: &mut Options, run: &Run, roles: Vec<RoleSettings>) -> Option<Settings> {
    let proxy = inputs::proxy(options, &run.env);
    let hide_account = options.switch("mask-aws-account-id").unwrap_or(false);
    let retry = common::retry(options, run);
    Some(Settings { hide_account, ..Settings::new(roles, retry, proxy?) })
}

/// The variables that the role's own settings are read from.
fn of_role(run: &Run) -> Pairs {
    let is_of_role = |name: &str| {
        let Some(input) = name.strip_prefix("INPUT_").map(str::to_ascii_lowercase) else { return true };
        OF_ROLE.contains(&input.as_str()) || renamed().any(|(_, common)| common == input)
    };
    let mut pairs = Pairs::default();
    for (name, value) in run.env.variables().iter().filter(|(name, _)| run.is_option(name) && is_of_role(name)) {
        pairs.set(name, value);
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_of_amazon_ecr_login_is_known() {
        for name in ["http-proxy", "mask-password", "registries", "registry-type", "skip-logout"] {
            assert!(INPUTS.iter().any(|spec| spec.name == name), "{name}");
        }
        for name in OF_ROLE {
            assert!(INPUTS.iter().any(|spec| spec.name == name), "{name}");
            assert!(super::super::table::INPUTS.iter().any(|spec| spec.name == name), "{name}");
        }
    }
}
