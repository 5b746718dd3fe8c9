//! The inputs and outputs of the Bitrise step: all of "Authenticate with AWS" and of "Get OIDC
//! identity token", and ours. The one source of `step.yml`, of the tables in the documentation, and
//! of what is parsed.

use crate::settings::origin::SOURCES;
use crate::settings::{OptionSpec, prose};

/// How an input looks in `step.yml` and in the Workflow Editor. No run reads it.
#[derive(Debug)]
pub struct Form {
    pub title: &'static str,
    /// Empty for those that come first.
    pub category: &'static str,
    pub values: &'static [&'static str],
    /// The editor does not let it be empty.
    pub required: bool,
    /// The editor hides it among what is better left alone.
    pub fixed: bool,
    /// `$NAME` in it is not replaced by the CLI.
    pub literal: bool,
}

const SESSION: &str = "Session";
const TOKEN: &str = "Identity token";
const HAND_OVER: &str = "Hand-over";
const KEY: &str = "Access key";
const SOURCE: &str = "Source";
const ROLES: &str = "Further roles";
const DOCKER: &str = "Docker";
const CHECKS: &str = "Checks";
const DEBUG: &str = "Debug";
const SWITCH: &[&str] = &["true", "false"];

const fn input(name: &'static str, default: &'static str, description: &'static str) -> OptionSpec {
    OptionSpec { name, description: prose(description), default: prose(default), alias: None, secret: false }
}

const fn secret(name: &'static str, default: &'static str, description: &'static str) -> OptionSpec {
    OptionSpec { name, description: prose(description), default: prose(default), alias: None, secret: true }
}

impl OptionSpec {
    const fn or(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }
}

const fn form(category: &'static str, title: &'static str) -> Form {
    Form { title, category, values: &[], required: false, fixed: false, literal: false }
}

impl Form {
    const fn one_of(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self.required = true;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn fixed(mut self) -> Self {
        self.fixed = true;
        self.required = true;
        self
    }

    const fn literal(mut self) -> Self {
        self.literal = true;
        self
    }
}

macro_rules! inputs {
    ($($spec:expr => $form:expr,)*) => {
        /// In the order in which people read them.
        pub const INPUTS: &[OptionSpec] = &[$($spec),*];
        /// One for each of [`INPUTS`].
        pub const FORMS: &[Form] = &[$($form),*];
    };
}

#[rustfmt::skip]
inputs! {
    input("role_arn", "", "ARN of the IAM role to assume, such as arn:aws:iam::123456789012:role/deploy. It may be empty where `export_identity_token` asks for the token alone.")
        => form("", "IAM role ARN"),
    input("region", "us-east-1", "AWS region whose STS is asked. Later steps are told of it only with `export_region`.").or("AWS_REGION")
        => form("", "AWS region"),
    input("session_name", "bitrise-$BITRISE_BUILD_NUMBER", "Name of the session, 2 to 64 characters of letters, digits and _+=,.@-. It appears in CloudTrail.")
        => form(SESSION, "Session name"),
    input("duration", "3600", "Length of the session: seconds from 900 to 43200, or a duration such as 1h or 90m. The role's own maximum may be lower.")
        => form(SESSION, "Session duration"),
    input("policy", "", "A policy as JSON, up to 2048 characters, that narrows what the session may do. The CLI replaces no `$NAME` in it, since policies have variables of the same form.")
        => form(SESSION, "Session policy").literal(),
    input("policy_arn", "", "Up to 10 ARNs of managed policies, one a line, that narrow what the session may do.")
        => form(SESSION, "Session policy ARNs"),
    input("allowed_account_id", "", "Account ids, one a line, one of which the credentials must belong to. Checked before anything is handed over. Empty: any account.")
        => form(SESSION, "Allowed account ids"),
    input("audience", "sts.amazonaws.com", "Audience of the token that Bitrise is asked for. The identity provider in AWS must list it.")
        => form(TOKEN, "Audience"),
    secret("identity_token", "", "A token to use instead of asking Bitrise for one. Where Bitrise cannot be asked, `BITRISE_IDENTITY_TOKEN` of an earlier step counts as well.")
        => form(TOKEN, "Identity token"),
    input("export_identity_token", "false", "Also hand the token itself over, as `BITRISE_IDENTITY_TOKEN`.")
        => form(TOKEN, "Export the identity token").one_of(SWITCH),
    input("hand_over", "env", "How later steps get the credentials: `env` (variables), `profile` (an AWS profile in files of this build), or `process` (a profile that fetches fresh credentials for as long as the build runs).")
        => form(HAND_OVER, "Hand-over").one_of(&["env", "profile", "process"]),
    input("profile", "", "Name of the AWS profile, for `hand_over: profile` and `process`. Empty: ci-assume-role.")
        => form(HAND_OVER, "Profile name"),
    input("prefix", "", "Put before the names of the three credential variables: `PROD_` makes PROD_AWS_ACCESS_KEY_ID and so on.")
        => form(HAND_OVER, "Output prefix"),
    input("export_region", "false", "Also hand the region over, as `AWS_REGION` and `AWS_DEFAULT_REGION`.")
        => form(HAND_OVER, "Export the region").one_of(SWITCH),
    input("source", "token", "What the role is assumed with: `token` (the build's own), `environment` (the credentials that the build has already), `profile` (an AWS profile), `container`, `instance`, or `machine` (the first of these that the machine has).")
        => form(SOURCE, "Source").one_of(SOURCES),
    input("source_profile", "", "Name of the AWS profile for `source: profile`. Empty: AWS_PROFILE, or default.")
        => form(SOURCE, "Source profile"),
    input("external_id", "", "External id that the role asks for. A request with a token has no place for it.")
        => form(SOURCE, "External id"),
    input("source_identity", "", "Who is behind the session, through all further roles. Not with a token.")
        => form(SOURCE, "Source identity"),
    input("tags", "", "Session tags as a JSON object. Not with a token, whose issuer alone can set them.")
        => form(SOURCE, "Session tags").literal(),
    input("transitive_tag_key", "", "Keys of session tags that stay through all further roles, one a line.")
        => form(SOURCE, "Transitive tags"),
    input("chain", "", "Further roles, each assumed with the credentials of the one before, whose session is handed over in the end: ARNs, one a line, or a JSON list with the session of each.")
        => form(ROLES, "Chain").literal(),
    input("roles", "", "Several roles at once: a JSON list of mappings, each with inputs of its own. What an entry does not set is taken from this step's inputs. All are assumed, or none.")
        => form(ROLES, "Roles").literal(),
    secret("access_key_id", "", "Access key id of a stored key to assume the role with. Without a role, the key itself is handed over.")
        => form(KEY, "AWS access key id"),
    secret("secret_access_key", "", "Secret of the stored key.")
        => form(KEY, "AWS secret access key"),
    secret("session_token", "", "Session token that goes with the stored key.")
        => form(KEY, "AWS session token"),
    input("docker_login", "false", "Log Docker in to the registry (ECR) that the account has in the region. Docker has to be on the stack; a login that fails hands no credentials over either.")
        => form(DOCKER, "Docker login").one_of(SWITCH),
    input("trust_policy_file", "", "Path of a file with the role's trust policy, as JSON or as `aws iam get-role` prints it. When AWS denies the role, the message then names the condition that failed.")
        => form(CHECKS, "Trust policy"),
    input("explain_with", "", "Credentials that may read the role's trust policy from IAM when AWS denies the role and no `trust_policy_file` is given: `environment`, `profile` (AWS_PROFILE, or the `source_profile`), `container`, `instance` or `machine` (the first of them that the machine has). They need iam:GetRole on the role, and are used for nothing else.")
        => form(CHECKS, "Read the trust policy with"),
    input("verify_identity", "false", "Use the new credentials once, for GetCallerIdentity, before they are handed over, and fail unless they are what STS said when it issued them.")
        => form(CHECKS, "Verify the identity").one_of(SWITCH),
    input("build_url", "$BITRISE_BUILD_URL", "Where Bitrise is asked for the token.").or("BITRISE_BUILD_URL")
        => form(DEBUG, "Build URL").fixed(),
    secret("build_api_token", "$BITRISE_BUILD_API_TOKEN", "What the build shows Bitrise to be given the token.").or("BITRISE_BUILD_API_TOKEN")
        => form(DEBUG, "Build API token").fixed(),
    input("sts_endpoint", "", "Address of an STS-compatible service, https:// or loopback. Empty: AWS's endpoint of the region.")
        => form(DEBUG, "STS endpoint"),
    input("max_attempts", "5", "How often to try in all when an error may pass by itself. A refusal is never tried again; all attempts together end within 30 seconds.")
        => form(DEBUG, "Attempts").required(),
    input("verbose", "false", "Say more in the log: every input, what Bitrise answered, and all claims of the token. Never a secret.")
        => form(DEBUG, "Verbose log").one_of(SWITCH),
}

/// What each entry of `roles` can have of its own.
pub const OF_ROLE: &[&str] = &[
    "role_arn",
    "region",
    "session_name",
    "duration",
    "policy",
    "policy_arn",
    "allowed_account_id",
    "trust_policy_file",
    "explain_with",
    "verify_identity",
    "audience",
    "source",
    "source_profile",
    "external_id",
    "source_identity",
    "tags",
    "transitive_tag_key",
    "chain",
    "hand_over",
    "profile",
    "prefix",
    "export_region",
];

/// The variable that the token is handed over as, and taken from.
pub const IDENTITY_TOKEN: &str = "BITRISE_IDENTITY_TOKEN";

/// A variable that later steps get.
#[derive(Debug)]
pub struct Output {
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    pub secret: bool,
}

const fn output(name: &'static str, title: &'static str, secret: bool, description: &'static str) -> Output {
    Output { name, title: prose(title), description: prose(description), secret }
}

/// With `prefix`, the first three have other names.
#[rustfmt::skip]
pub const OUTPUTS: &[Output] = &[
    output("AWS_ACCESS_KEY_ID", "AWS access key id", true, "Access key id of the session, with `hand_over: env`."),
    output("AWS_SECRET_ACCESS_KEY", "AWS secret access key", true, "Secret access key of the session, with `hand_over: env`."),
    output("AWS_SESSION_TOKEN", "AWS session token", true, "Session token, with `hand_over: env`."),
    output(IDENTITY_TOKEN, "Bitrise identity token", true, "The token itself, with `export_identity_token`."),
    output("AWS_REGION", "AWS region", false, "The region, with `export_region`."),
    output("AWS_DEFAULT_REGION", "AWS default region", false, "The region again, for tools that read this name, with `export_region`."),
    output("AWS_PROFILE", "AWS profile", false, "Name of the profile, with `hand_over: profile` or `process`."),
    output("AWS_CONFIG_FILE", "AWS config file", false, "The file that the profile is in, with `hand_over: profile` or `process`."),
    output("AWS_SHARED_CREDENTIALS_FILE", "AWS credentials file", false, "The file with the profile's credentials, with `hand_over: profile` or `process`."),
];

/// Whether later logs may show a variable. All others are hidden there.
pub(super) fn is_plain(variable: &str) -> bool {
    OUTPUTS.iter().any(|output| output.name == variable && !output.secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_of_both_peers_is_known() {
        let ours: Vec<&str> = INPUTS.iter().map(|spec| spec.name).collect();
        for name in [
            "region",
            "access_key_id",
            "secret_access_key",
            "audience",
            "role_arn",
            "session_name",
            "docker_login",
            "build_url",
            "build_api_token",
            "verbose",
        ] {
            assert!(ours.contains(&name), "{name}");
        }
        assert_eq!(INPUTS.len(), FORMS.len());
    }

    /// What the Workflow Editor and `stepman audit` ask for.
    #[test]
    fn the_forms_keep_to_the_conventions_of_steps() {
        for (spec, form) in INPUTS.iter().zip(FORMS) {
            assert!(spec.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", spec.name);
            assert!(!spec.secret || !form.literal, "{} is sensitive, so it has to be expanded", spec.name);
            assert!(form.values.is_empty() || form.values.contains(&spec.default), "{}", spec.name);
            assert!(FORMS.iter().filter(|other| other.category == form.category).count() <= 6, "{}", form.category);
        }
        let first_grouped = FORMS.iter().position(|form| !form.category.is_empty()).unwrap();
        assert!(FORMS.iter().skip(first_grouped).all(|form| !form.category.is_empty()), "ungrouped inputs come first");
    }

    #[test]
    fn only_what_is_known_to_be_harmless_is_shown() {
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_CONFIG_FILE"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["AWS_ACCESS_KEY_ID", "PROD_AWS_SESSION_TOKEN", "BITRISE_IDENTITY_TOKEN", "AWS_SECURITY_TOKEN"] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
