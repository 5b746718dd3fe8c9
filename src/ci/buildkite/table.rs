//! The options of the Buildkite plugin: all of aws-assume-role-with-web-identity v1.6.0, and ours.
//! The one source of `plugin.yml`, of the table in `docs/buildkite.md`, and of what is parsed.

use crate::settings::origin::{CREDENTIALS, SOURCES};
use crate::settings::{OptionSpec, prose};

/// One option, and what it looks like in a pipeline.
#[derive(Clone, Copy, Debug)]
pub struct PluginOption {
    pub spec: OptionSpec,
    pub shape: Shape,
    /// Whether each entry of `roles` can have its own.
    pub of_role: bool,
}

/// What a value has to look like in YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Text,
    /// A number of seconds, or a text such as `1h`.
    Duration,
    Number,
    Switch,
    Choice(&'static [&'static str]),
    /// Texts.
    List,
    /// A policy as a mapping, or as JSON in a text.
    Policy,
    /// Tags as a mapping, or as JSON in a text.
    Tags,
    /// A list of ARNs, and of mappings that `settings::chain` knows.
    Chain,
    /// A list of mappings with options of their own.
    Roles,
}

const fn of_role(name: &'static str, shape: Shape, default: &'static str, description: &'static str) -> PluginOption {
    let spec =
        OptionSpec { name, description: prose(description), default: prose(default), alias: None, secret: false };
    PluginOption { spec, shape, of_role: true }
}

const fn of_all(name: &'static str, shape: Shape, default: &'static str, description: &'static str) -> PluginOption {
    let spec =
        OptionSpec { name, description: prose(description), default: prose(default), alias: None, secret: false };
    PluginOption { spec, shape, of_role: false }
}

/// The agent's own variable for the same thing.
const fn or_variable(mut option: PluginOption, variable: &'static str) -> PluginOption {
    option.spec.alias = Some(variable);
    option
}

pub const HOOKS: &[&str] = &["environment", "pre-command"];

/// In the order in which people read them. `plugin.yml` and `docs/buildkite.md` are made from this.
#[rustfmt::skip]
pub const OPTIONS: [PluginOption; 33] = [
    of_role("role-arn", Shape::Text, "none", "ARN of the IAM role to assume, such as arn:aws:iam::123456789012:role/deploy. Needed unless `roles` has one for each of its entries."),
    of_role("role-session-name", Shape::Text, "buildkite-job-JOB_ID", "Name of the session, 2 to 64 characters of letters, digits and _+=,.@-. It appears in CloudTrail."),
    of_role("role-session-duration", Shape::Duration, "3600", "Length of the session: seconds from 900 to 43200, or a duration such as 1h or 90m. The role's own maximum may be lower."),
    of_role("region", Shape::Text, "none", "AWS region for the commands of the job, exported as AWS_REGION and AWS_DEFAULT_REGION. It does not decide which STS is asked."),
    of_role("credential-name-prefix", Shape::Text, "none", "Put before the names of the three credential variables: with `PROD_`, PROD_AWS_ACCESS_KEY_ID and so on are set, and AWS_ACCESS_KEY_ID is not."),
    of_all("hook", Shape::Choice(HOOKS), "environment", "The hook that acts: `environment`, before the checkout, or `pre-command`, after it. In Kubernetes, where the checkout has a container of its own, use `pre-command`."),
    of_role("audience", Shape::Text, "sts.amazonaws.com", "Audience of the token. The identity provider in AWS must list it."),
    of_role("oidc-token-lifetime", Shape::Duration, "Buildkite's, 5 minutes", "Lifetime of the token that the role is assumed with, in seconds or as a duration. Buildkite grants up to 7200."),
    or_variable(of_role("session-tags", Shape::List, "none", "Claims of the token that become tags of the session, such as organization_id. The role's trust policy must allow sts:TagSession. Agent 3.83.0 or newer."), "BUILDKITE_OIDC_TOKEN_AWS_SESSION_TAGS"),
    or_variable(of_role("claims", Shape::List, "none", "Claims beyond the usual ones to have in the token, such as cluster_id. Agent 3.44.0 or newer."), "BUILDKITE_OIDC_TOKEN_CLAIMS"),
    or_variable(of_role("subject-claim", Shape::Text, "none", "Claim to have as the token's subject, such as pipeline_id, instead of names that can change. Agent 3.121.0 or newer."), "BUILDKITE_OIDC_TOKEN_SUBJECT_CLAIM"),
    of_role("allowed-account-ids", Shape::List, "any account", "Account ids, one of which the credentials must belong to. Checked before anything is handed over."),
    of_role("trust-policy-file", Shape::Text, "none", "Path of a file with the role's trust policy, as JSON or as `aws iam get-role` prints it. When AWS denies the role, the message then names the condition that failed. A file of the checkout needs `hook: pre-command`."),
    of_role("explain-with", Shape::Choice(CREDENTIALS), "none", "Credentials that may read the role's trust policy from IAM when AWS denies the role and no `trust-policy-file` is given. `profile` is that of AWS_PROFILE, or with `source: token` of `source-profile`; `machine` is the first of the others that the machine has. They need iam:GetRole on the role, and are used for nothing else."),
    of_role("verify-identity", Shape::Switch, "false", "Use the new credentials once, for GetCallerIdentity, before they are handed over, and fail unless they are what STS said when it issued them."),
    of_role("inline-session-policy", Shape::Policy, "none", "A policy, up to 2048 characters as JSON, that narrows what the session may do."),
    of_role("managed-session-policies", Shape::List, "none", "Up to 10 ARNs of managed policies that narrow what the session may do."),
    of_role("hand-over", Shape::Choice(&["env", "profile", "process"]), "env", "How the commands get the credentials: `env` (variables), `profile` (an AWS profile), or `process` (a profile that fetches fresh credentials for as long as the job runs)."),
    of_role("profile", Shape::Text, "ci-assume-role", "Name of the AWS profile, in files that only this job is told of and that `pre-exit` removes. AWS_PROFILE names it, unless there are several `roles`."),
    of_all("roles", Shape::Roles, "none", "Several roles, each a mapping of options; what an entry does not set is taken from the plugin's own options. All are assumed, or none."),
    of_role("source", Shape::Choice(SOURCES), "token", "What the role is assumed with: `token` (the job's own), `environment` (the credentials that the job has already), `profile` (an AWS profile of the agent's machine), `container`, `instance`, or `machine` (the first of these that the machine has)."),
    of_role("source-profile", Shape::Text, "AWS_PROFILE, or default", "Name of the AWS profile for `source: profile`; asks for it."),
    of_role("external-id", Shape::Text, "none", "External id that the role asks for. A request with a token has no place for it."),
    of_role("source-identity", Shape::Text, "none", "Who is behind the session, through all further roles. Not with a token."),
    of_role("tags", Shape::Tags, "none", "Session tags, for a role that is not assumed with a token; those of a token come from `session-tags`."),
    of_role("transitive-tag-keys", Shape::List, "none", "Keys of `tags` that stay through all further roles."),
    of_role("chain", Shape::Chain, "none", "Further roles, each assumed with the credentials of the one before, whose session is handed over in the end: ARNs, or mappings with the session of each."),
    of_all("sts-endpoint", Shape::Text, "AWS's endpoint of the region", "Address of an STS-compatible service, https:// or loopback."),
    of_all("max-attempts", Shape::Number, "5", "How often to try in all when an error may pass by itself. A refusal is never tried again; all attempts together end within 30 seconds."),
    of_all("annotate", Shape::Switch, "false", "Show the explanation of a failure as an annotation of the build as well."),
    of_all("mask-aws-account-id", Shape::Switch, "false", "Hide the account ids and ARNs of the roles in the log."),
    of_all("runtime", Shape::Choice(&["auto", "node", "bun", "deno", "docker"]), "auto", "What runs the plugin: the first of Node (18 or newer), Bun and Deno that is on PATH, one of them by name, or `docker`, where none is installed."),
    of_all("docker-image", Shape::Text, "the official image of Node", "The image for `runtime: docker`; it has Node."),
];

/// The same, as far as it is about reading options.
pub const SPECS: [OptionSpec; OPTIONS.len()] = {
    let mut specs = [OPTIONS[0].spec; OPTIONS.len()];
    let mut index = 0;
    while index < OPTIONS.len() {
        specs[index] = OPTIONS[index].spec;
        index += 1;
    }
    specs
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_options_of_the_peer_are_there() {
        for name in [
            "role-arn",
            "role-session-name",
            "role-session-duration",
            "oidc-token-lifetime",
            "session-tags",
            "region",
            "credential-name-prefix",
            "hook",
        ] {
            assert!(SPECS.iter().any(|spec| spec.name == name), "{name}");
        }
    }
}
