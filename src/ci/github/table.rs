//! The inputs and outputs of the GitHub Action: all of configure-aws-credentials v6.2.4, and ours.
//! The one source of `action.yml`, of the tables in `docs/github.md`, and of what is parsed.

use crate::settings::{OptionSpec, prose};

const fn input(
    name: &'static str,
    alias: Option<&'static str>,
    default: &'static str,
    description: &'static str,
) -> OptionSpec {
    OptionSpec { name, description: prose(description), default: prose(default), alias, secret: false }
}

const fn secret(name: &'static str, description: &'static str) -> OptionSpec {
    OptionSpec { name, description: prose(description), default: "none", alias: None, secret: true }
}

/// In the order in which people read them. `action.yml` and `docs/github.md` are made from this.
#[rustfmt::skip]
pub const INPUTS: &[OptionSpec] = &[
    input("role-to-assume", Some("ROLE_TO_ASSUME"), "none", "ARN of the IAM role to assume, such as arn:aws:iam::123456789012:role/deploy. With a stored key or by chaining, also the name of a role in the same account."),
    input("aws-region", Some("AWS_REGION"), "AWS_DEFAULT_REGION", "AWS region of the STS endpoint, exported for later steps. Without it, AWS_REGION or AWS_DEFAULT_REGION of the job's environment counts."),
    input("audience", Some("AUDIENCE"), "sts.amazonaws.com", "Audience of the token that GitHub is asked for. The identity provider in AWS must list it."),
    input("role-session-name", Some("ROLE_SESSION_NAME"), "GitHubActions", "Name of the session, 2 to 64 characters of letters, digits and _+=,.@-. It appears in CloudTrail."),
    input("role-duration-seconds", Some("ROLE_DURATION_SECONDS"), "3600", "Length of the session: seconds from 900 to 43200, or a duration such as 1h or 90m. The role's own maximum may be lower."),
    input("allowed-account-ids", None, "any account", "Account ids, separated by commas, one of which the credentials must belong to. Checked before anything is handed over."),
    input("trust-policy-file", None, "none", "Path of a file with the role's trust policy, as JSON or as `aws iam get-role` prints it. When AWS denies the role, the message then names the condition that failed. Relative paths start at the workspace."),
    input("explain-with", None, "none", "Credentials that may read the role's trust policy from IAM when AWS denies the role and no `trust-policy-file` is given: `environment`, `profile` (AWS_PROFILE, or with `source: token` the `source-profile`), `container`, `instance` or `machine` (the first of them that the machine has). They need iam:GetRole on the role, and are used for nothing else."),
    input("permalink", None, "false", "When AWS denies the role, put a link into the job summary that shows the denial as a drawing. Behind its # stand the role's ARN, the claims that a policy can test, and the trust policy where `trust-policy-file` or `explain-with` has it. No server is sent that; whoever reads the summary can read it."),
    input("verify-identity", None, "false", "Use the new credentials once, for GetCallerIdentity, before they are handed over, and fail unless they are what STS said when it issued them."),
    input("hand-over", None, "env", "How later steps get the credentials: `env` (variables), `outputs` (outputs of this step only), `profile` (an AWS profile), or `process` (a profile that fetches fresh credentials for as long as the job runs)."),
    input("output-credentials", Some("OUTPUT_CREDENTIALS"), "false", "Also set the credentials as outputs of this step."),
    input("output-env-credentials", None, "true, or false with aws-profile", "Export the credentials and the region as environment variables."),
    input("aws-profile", None, "none", "Name of an AWS profile to write. No white space, brackets, slashes or quotes. The post step removes it or puts back what was there."),
    input("overwrite-aws-profile", Some("OVERWRITE_AWS_PROFILE"), "false", "Replace the profile if there is one of that name already, until the post step puts it back."),
    input("inline-session-policy", Some("INLINE_SESSION_POLICY"), "none", "A policy as JSON, up to 2048 characters, that narrows what the session may do."),
    input("managed-session-policies", Some("MANAGED_SESSION_POLICIES"), "none", "Up to 10 ARNs of managed policies, one a line, that narrow what the session may do."),
    input("mask-aws-account-id", Some("MASK_AWS_ACCOUNT_ID"), "false", "Hide the account id and the role's ARN in the log, before the first request. The runner's own list of inputs comes earlier."),
    input("unset-current-credentials", Some("UNSET_CURRENT_CREDENTIALS"), "false", "Blank the credential variables that the job had before, even if AWS issues no new ones."),
    input("use-existing-credentials", Some("USE_EXISTING_CREDENTIALS"), "false", "Keep credentials that the job has already, if they work; then nothing is changed."),
    input("web-identity-token-file", Some("WEB_IDENTITY_TOKEN_FILE"), "none", "Path of a file with the token, instead of GitHub's. Relative paths start at the workspace."),
    input("role-chaining", Some("ROLE_CHAINING"), "false", "Assume the role with the credentials that the job has already."),
    input("source", None, "token", "What the role is assumed with: `token` (the job's own), `environment` (the credentials that the job has already), `profile` (an AWS profile), `container`, `instance`, or `machine` (the first of these that the machine has)."),
    input("source-profile", None, "AWS_PROFILE, or default", "Name of the AWS profile for `source: profile`; asks for it."),
    input("source-identity", None, "none", "Who is behind the session, through all further roles. Not with a token."),
    input("chain", None, "none", "Further roles, each assumed with the credentials of the one before, whose session is handed over in the end: ARNs, one a line, or a JSON list with the session of each."),
    input("roles", None, "none", "Several roles at once: a JSON list of mappings, each with inputs of its own. What an entry does not set is taken from this step's inputs. All are assumed, or none."),
    input("prefix", None, "none", "Put before the names of the three credential variables: with `PROD_`, PROD_AWS_ACCESS_KEY_ID and so on."),
    input("output-prefix", None, "none", "Put before the names of the outputs: with `prod-`, prod-aws-account-id and so on."),
    secret("aws-access-key-id", "Access key id of a stored key to assume the role with. Without a role, the key itself is handed over."),
    secret("aws-secret-access-key", "Secret of the stored key."),
    secret("aws-session-token", "Session token that goes with the stored key."),
    input("force-skip-oidc", None, "false", "Never ask GitHub for a token. The role is assumed with what the machine has: variables, a profile, its container, its instance."),
    input("role-external-id", Some("ROLE_EXTERNAL_ID"), "none", "External id for a role that is assumed with a key or by chaining. A token exchange has no such parameter."),
    input("custom-tags", None, "none", "Session tags as a JSON object, for a role that is assumed with a key or by chaining, beside those of the job."),
    input("transitive-tag-keys", Some("TRANSITIVE_TAG_KEYS"), "none", "Keys of session tags that later role chaining inherits, one a line."),
    input("role-skip-session-tagging", Some("ROLE_SKIP_SESSION_TAGGING"), "false", "Send no session tags when the role is assumed with a key or by chaining."),
    input("http-proxy", Some("HTTP_PROXY"), "the proxy variables", "Proxy for all requests of this step, http:// or https://. Without it, https_proxy, HTTPS_PROXY, HTTP_PROXY and ALL_PROXY count."),
    input("no-proxy", Some("NO_PROXY"), "no_proxy", "Hosts to reach directly, separated by commas: host, host:port, .suffix, *.suffix or *."),
    input("sts-endpoint", None, "AWS's endpoint of the region", "Address of an STS-compatible service, https:// or loopback."),
    input("action-timeout-s", None, "none", "Time limit for this step in seconds. Every request has deadlines of its own."),
    input("disable-retry", Some("DISABLE_RETRY"), "false", "Try once only."),
    input("retry-max-attempts", Some("RETRY_MAX_ATTEMPTS"), "5", "How often to try in all when an error may pass by itself. A refusal is never tried again; all attempts together end within 30 seconds."),
    input("special-characters-workaround", Some("SPECIAL_CHARACTERS_WORKAROUND"), "false", "Ask for credentials until key id and secret have letters and digits only, 20 times at most."),
];

/// What each entry of `roles` can have of its own.
pub const OF_ROLE: &[&str] = &[
    "role-to-assume",
    "aws-region",
    "audience",
    "role-session-name",
    "role-duration-seconds",
    "allowed-account-ids",
    "trust-policy-file",
    "explain-with",
    "permalink",
    "verify-identity",
    "hand-over",
    "output-credentials",
    "output-env-credentials",
    "aws-profile",
    "overwrite-aws-profile",
    "inline-session-policy",
    "managed-session-policies",
    "source",
    "source-profile",
    "source-identity",
    "chain",
    "prefix",
    "output-prefix",
    "role-external-id",
    "custom-tags",
    "transitive-tag-keys",
    "role-skip-session-tagging",
];

/// Name and description of every output.
#[rustfmt::skip]
pub const OUTPUTS: &[(&str, &str)] = &[
    ("aws-account-id", "Id of the account that the credentials belong to."),
    ("authenticated-arn", "ARN of the assumed role's session."),
    ("aws-access-key-id", "Access key id, with output-credentials or hand-over: outputs."),
    ("aws-secret-access-key", "Secret access key, with output-credentials or hand-over: outputs."),
    ("aws-session-token", "Session token, with output-credentials or hand-over: outputs."),
    ("aws-expiration", "When the credentials end, as 2026-11-21T12:00:00Z."),
    ("diagnostic", "After a failure: what is wrong, as JSON (a list of code, headline, facts, causes, fixes, docs)."),
];

/// The variable in which the runner hands over an input: dashes stay.
#[must_use]
pub fn variable_of(name: &str) -> String {
    format!("INPUT_{}", name.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_those_of_configure_aws_credentials() {
        let aliases: Vec<&str> = INPUTS.iter().filter_map(|spec| spec.alias).collect();
        assert_eq!(aliases.len(), 22, "{aliases:?}");
        for spec in INPUTS {
            if let Some(alias) = spec.alias {
                assert_eq!(alias, spec.name.to_ascii_uppercase().replace('-', "_"));
            }
        }
    }
}
