//! The options of the command line. The one source of what is parsed, of `--help`, of the shell
//! completions, and of the tables in `docs/`.

use super::generate;
use crate::settings::OptionSpec;

/// One flag, and the commands that have it.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    pub spec: OptionSpec,
    pub takes: Takes,
    pub of: &'static [Name],
}

/// What follows a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    /// A value, called so in the help text.
    One(&'static str),
    /// The same, and the flag may be given several times.
    Several(&'static str),
    Choice(&'static [&'static str]),
}

/// The commands that the core knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    Assume,
    Exec,
    CredentialProcess,
    Claims,
    Doctor,
    Console,
    LoginEcr,
    LogoutEcr,
    PolicyLint,
    PolicyExplain,
    PolicyCheck,
    PolicyGenerate,
    PolicyAudit,
    Completion,
}

impl Name {
    pub const ALL: [Self; 14] = [
        Self::Assume,
        Self::Exec,
        Self::CredentialProcess,
        Self::Claims,
        Self::Doctor,
        Self::Console,
        Self::LoginEcr,
        Self::LogoutEcr,
        Self::PolicyLint,
        Self::PolicyExplain,
        Self::PolicyCheck,
        Self::PolicyGenerate,
        Self::PolicyAudit,
        Self::Completion,
    ];

    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Assume => "assume",
            Self::Exec => "exec",
            Self::CredentialProcess => "credential-process",
            Self::Claims => "claims",
            Self::Doctor => "doctor",
            Self::Console => "console",
            Self::LoginEcr => "login ecr",
            Self::LogoutEcr => "logout ecr",
            Self::PolicyLint => "policy lint",
            Self::PolicyExplain => "policy explain",
            Self::PolicyCheck => "policy check",
            Self::PolicyGenerate => "policy generate",
            Self::PolicyAudit => "policy audit",
            Self::Completion => "completion",
        }
    }

    #[must_use]
    pub fn is_about_policies(self) -> bool {
        POLICY.contains(&self)
    }

    /// The words that it is called by: of a group, and its own.
    #[must_use]
    pub fn words(self) -> (Option<&'static str>, &'static str) {
        let text = self.text();
        text.split_once(' ').map_or((None, text), |(group, own)| (Some(group), own))
    }

    /// How it is called, after the program's name.
    #[must_use]
    pub fn usage(self) -> &'static str {
        match self {
            Self::Assume => "assume [OPTIONS]",
            Self::Exec => "exec [OPTIONS] -- COMMAND [ARGUMENTS]",
            Self::CredentialProcess => "credential-process [OPTIONS]",
            Self::Claims => "claims [OPTIONS]",
            Self::Doctor => "doctor [OPTIONS]",
            Self::Console => "console [OPTIONS]",
            Self::LoginEcr => "login ecr [OPTIONS]",
            Self::LogoutEcr => "logout ecr [OPTIONS]",
            Self::PolicyLint => "policy lint [OPTIONS] FILE …",
            Self::PolicyExplain => "policy explain --policy FILE --claims FILE [OPTIONS]",
            Self::PolicyCheck => "policy check --policy FILE [OPTIONS] FILE …",
            Self::PolicyGenerate => "policy generate [OPTIONS]",
            Self::PolicyAudit => "policy audit [OPTIONS] FILE …",
            Self::Completion => "completion bash|zsh|fish|powershell",
        }
    }

    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Assume => {
                "Assumes a role and hands the credentials over to what runs next, in the manner of the CI that this \
                 is, or prints them in the form that --format names."
            }
            Self::Exec => {
                "Assumes a role and runs a command that has the credentials in its environment. Nobody else gets them; \
                 signals and the exit code pass through."
            }
            Self::CredentialProcess => {
                "Prints credentials in the form that AWS tools expect of a credential_process, from a cache while \
                 they last. For a profile of your own: credential_process = ci-assume-role credential-process \
                 --role-arn ARN"
            }
            Self::Claims => {
                "Shows what the job's token says, and which of it a trust policy can test. Never shows the token."
            }
            Self::Doctor => "Checks everything that an exchange needs, one line each, and says how to mend what fails.",
            Self::Console => {
                "Prints an address that signs whoever opens it in to AWS's console, for 15 minutes: as the role of \
                 --role-arn, or, without one, with the credentials that the machine has. To see what a job sees."
            }
            Self::LoginEcr => {
                "Logs docker, podman, buildah, helm or crane in to registries of Amazon ECR, or writes the file that they \
                 read. With --role-arn the role is assumed for that alone; without it, the credentials count that the \
                 machine has. The password goes by standard input."
            }
            Self::LogoutEcr => {
                "Logs out of what `login ecr` has logged in to, or of the registries that --registry and --registry-type \
                 name, and puts the logins back that were there before."
            }
            Self::PolicyLint => {
                "Looks for mistakes in trust policies: documents, answers of the AWS CLI, Terraform plans, CloudFormation \
                 templates, whole folders of them, or - for standard input. Every finding has a fix, and where a token can \
                 show it, the token that proves it."
            }
            Self::PolicyExplain => {
                "Says what a trust policy does with a token, and why: which gate, which condition, which part of the \
                 subject. The claims are a token's payload as JSON, a whole token, whose signature is dropped, or an event \
                 of CloudTrail."
            }
            Self::PolicyCheck => {
                "Tests a trust policy: each FILE lists tokens that have to be admitted and tokens that have to be refused."
            }
            Self::PolicyGenerate => {
                "Writes the identity provider and the role for a job, and the pipeline's side of it, and proves that the \
                 policy admits that job and no other."
            }
            Self::PolicyAudit => {
                "Reads a whole account (aws iam get-account-authorization-details) and says who outside can assume what, \
                 the worst first."
            }
            Self::Completion => "Prints the completions of the command line for a shell.",
        }
    }
}

const EXCHANGE: &[Name] =
    &[Name::Assume, Name::Exec, Name::CredentialProcess, Name::Doctor, Name::Console, Name::LoginEcr];
const TOKEN: &[Name] =
    &[Name::Assume, Name::Exec, Name::CredentialProcess, Name::Claims, Name::Doctor, Name::Console, Name::LoginEcr];
const REGION: &[Name] =
    &[Name::Assume, Name::Exec, Name::CredentialProcess, Name::Doctor, Name::Console, Name::LoginEcr, Name::LogoutEcr];
const REGISTRY: &[Name] = &[Name::LoginEcr, Name::LogoutEcr];
const POLICY: &[Name] =
    &[Name::PolicyLint, Name::PolicyExplain, Name::PolicyCheck, Name::PolicyGenerate, Name::PolicyAudit];
const HAND_OVER: &[Name] = &[Name::Assume, Name::Exec];
pub const CLIENTS: &[&str] = &["auto", "docker", "podman", "buildah", "helm", "crane", "auth-file"];
pub const REGISTRY_TYPES: &[&str] = &["private", "public"];
pub const FORMATS: &[&str] = &["env", "json", "dotenv", "powershell", "github", "profile", "process"];
pub const CI_NAMES: &[&str] =
    &["auto", "github", "buildkite", "bitrise", "circleci", "bitbucket", "azure-devops", "gitlab", "any"];

const fn flag(
    name: &'static str,
    variable: &'static str,
    takes: Takes,
    of: &'static [Name],
    default: &'static str,
    description: &'static str,
) -> Flag {
    let alias = if variable.is_empty() { None } else { Some(variable) };
    let spec = OptionSpec { name, description, default, alias, secret: false };
    Flag { spec, takes, of }
}

/// In the order in which people read them.
#[rustfmt::skip]
pub const FLAGS: &[Flag] = &[
    flag("--role-arn", "CI_ASSUME_ROLE_ROLE_ARN", Takes::One("ARN"), EXCHANGE, "none", "The role to assume, such as arn:aws:iam::123456789012:role/deploy"),
    flag("--region", "CI_ASSUME_ROLE_REGION", Takes::One("REGION"), REGION, "AWS_REGION, AWS_DEFAULT_REGION", "Region of STS, of registries, and of the commands that follow"),
    flag("--session-name", "CI_ASSUME_ROLE_SESSION_NAME", Takes::One("NAME"), EXCHANGE, "made from the job", "Name of the session, 2 to 64 characters of letters, digits and _+=,.@-"),
    flag("--duration", "CI_ASSUME_ROLE_DURATION", Takes::One("TIME"), EXCHANGE, "1h", "Length of the session: seconds, or such as 1h or 90m"),
    flag("--policy", "CI_ASSUME_ROLE_POLICY", Takes::One("JSON"), EXCHANGE, "none", "A policy that narrows what the session may do"),
    flag("--policy-file", "CI_ASSUME_ROLE_POLICY_FILE", Takes::One("FILE"), EXCHANGE, "none", "The same, from a file"),
    flag("--policy-arn", "CI_ASSUME_ROLE_POLICY_ARN", Takes::Several("ARN"), EXCHANGE, "none", "A managed policy that narrows what the session may do, up to 10"),
    flag("--allowed-account-id", "CI_ASSUME_ROLE_ALLOWED_ACCOUNT_ID", Takes::Several("ID"), EXCHANGE, "any account", "An account that the credentials may belong to"),
    flag("--sts-endpoint", "CI_ASSUME_ROLE_STS_ENDPOINT", Takes::One("URL"), EXCHANGE, "AWS's endpoint of the region", "Address of an STS-compatible service, https:// or this machine"),
    flag("--trust-policy-file", "CI_ASSUME_ROLE_TRUST_POLICY_FILE", Takes::One("FILE"), EXCHANGE, "none", "The role's trust policy, to name the condition that failed when AWS denies the role"),
    flag("--explain-with", "CI_ASSUME_ROLE_EXPLAIN_WITH", Takes::Choice(crate::settings::origin::CREDENTIALS), EXCHANGE, "none", "Credentials that may read the role's trust policy from IAM (iam:GetRole) when AWS denies the role; profile is that of AWS_PROFILE, or with --source token of --source-profile"),
    flag("--verify-identity", "CI_ASSUME_ROLE_VERIFY_IDENTITY", Takes::Choice(&["true", "false"]), EXCHANGE, "false", "Whether the new credentials are used once, to see that they are what STS said"),
    flag("--max-attempts", "CI_ASSUME_ROLE_MAX_ATTEMPTS", Takes::One("N"), EXCHANGE, "5", "How often to try in all what may pass by itself"),
    flag("--source", "CI_ASSUME_ROLE_SOURCE", Takes::Choice(crate::settings::origin::SOURCES), EXCHANGE, "token", "What the role is assumed with: the job's token, the credentials of its environment, an AWS profile, the container's, the instance's, or the first of these that the machine has"),
    flag("--source-profile", "CI_ASSUME_ROLE_SOURCE_PROFILE", Takes::One("NAME"), EXCHANGE, "AWS_PROFILE, or default", "The profile for --source profile; asks for it"),
    flag("--external-id", "CI_ASSUME_ROLE_EXTERNAL_ID", Takes::One("ID"), EXCHANGE, "none", "External id that the role asks for; not with a token"),
    flag("--source-identity", "CI_ASSUME_ROLE_SOURCE_IDENTITY", Takes::One("NAME"), EXCHANGE, "none", "Who is behind the session, through all further roles; not with a token"),
    flag("--tags", "CI_ASSUME_ROLE_TAGS", Takes::One("JSON"), EXCHANGE, "none", "Session tags as a JSON object; not with a token"),
    flag("--transitive-tag-key", "CI_ASSUME_ROLE_TRANSITIVE_TAG_KEY", Takes::Several("KEY"), EXCHANGE, "none", "A tag that stays through all further roles"),
    flag("--chain", "CI_ASSUME_ROLE_CHAIN", Takes::Several("ARN"), EXCHANGE, "none", "A further role, assumed with the credentials of the one before; or a JSON list, with the session of each"),
    flag("--roles", "CI_ASSUME_ROLE_ROLES", Takes::One("JSON"), HAND_OVER, "none", "Several roles at once: a JSON list of mappings with options of their own"),
    flag("--hand-over", "CI_ASSUME_ROLE_HAND_OVER", Takes::Choice(&["env", "profile", "process"]), HAND_OVER, "env, or profile where a log cannot hide secrets", "Variables, a profile with the credentials, or one that fetches fresh ones"),
    flag("--export-region", "CI_ASSUME_ROLE_EXPORT_REGION", Takes::Choice(&["true", "false"]), HAND_OVER, "true", "Whether the commands that follow are told of the region, by variables and by the profile"),
    flag("--profile", "CI_ASSUME_ROLE_PROFILE", Takes::One("NAME"), HAND_OVER, "ci-assume-role", "Name of the profile; asks for one"),
    flag("--prefix", "CI_ASSUME_ROLE_PREFIX", Takes::One("TEXT"), HAND_OVER, "none", "Put before the names of the credential variables"),
    flag("--format", "CI_ASSUME_ROLE_FORMAT", Takes::Choice(FORMATS), &[Name::Assume], "the manner of the CI", "Print the credentials to standard output in this form instead"),
    flag("--output", "CI_ASSUME_ROLE_OUTPUT", Takes::One("FILE"), &[Name::Assume], "standard output", "Write what --format makes into a file that only this user can read"),
    flag("--registry", "CI_ASSUME_ROLE_REGISTRY", Takes::Several("ID"), REGISTRY, "the credentials' own account", "An account whose registry it is about"),
    flag("--registry-type", "CI_ASSUME_ROLE_REGISTRY_TYPE", Takes::Choice(REGISTRY_TYPES), REGISTRY, "private", "Private registries, or public.ecr.aws"),
    flag("--client", "CI_ASSUME_ROLE_CLIENT", Takes::Choice(CLIENTS), REGISTRY, "auto: the first that is installed, else auth-file", "Whom to log in; auth-file writes the file that all of them read"),
    flag("--ecr-endpoint", "CI_ASSUME_ROLE_ECR_ENDPOINT", Takes::One("URL"), &[Name::LoginEcr], "AWS's endpoint of the region", "Address of an ECR-compatible service, https:// or this machine"),
    flag("--fips", "CI_ASSUME_ROLE_FIPS", Takes::Nothing, REGISTRY, "AWS_USE_FIPS_ENDPOINT", "Use endpoints and registries with FIPS"),
    flag("--dual-stack", "CI_ASSUME_ROLE_DUAL_STACK", Takes::Nothing, REGISTRY, "AWS_USE_DUALSTACK_ENDPOINT", "Use endpoints and registries that have IPv6 as well"),
    flag("--audience", "CI_ASSUME_ROLE_AUDIENCE", Takes::One("TEXT"), TOKEN, "that of the CI", "Audience of the token"),
    flag("--token-file", "CI_ASSUME_ROLE_TOKEN_FILE", Takes::One("FILE"), TOKEN, "none", "Take the token from a file"),
    flag("--token-env", "CI_ASSUME_ROLE_TOKEN_ENV", Takes::One("NAME"), TOKEN, "none", "Take the token from an environment variable"),
    flag("--token-command", "CI_ASSUME_ROLE_TOKEN_COMMAND", Takes::One("COMMAND"), TOKEN, "none", "Take what a shell command prints for the token"),
    flag("--token-url", "CI_ASSUME_ROLE_TOKEN_URL", Takes::One("URL"), TOKEN, "none", "Ask a service for the token; {audience} in the address stands for the audience"),
    flag("--token-header", "CI_ASSUME_ROLE_TOKEN_HEADER", Takes::Several("NAME: VALUE"), TOKEN, "none", "A header for --token-url; $NAME in the value is an environment variable"),
    flag("--json", "", Takes::Nothing, &[Name::Claims], "a table", "Print JSON"),
    flag("--exchange", "", Takes::Nothing, &[Name::Doctor], "not", "Try the exchange as well; nothing is handed over"),
    flag("--destination", "", Takes::One("URL"), &[Name::Console], "the start page of the region", "The page of the console to open"),
    flag("--print", "", Takes::Nothing, &[Name::Console], "not in a CI", "Print the address in a CI as well, where whoever reads the log is signed in by it"),
    flag("--signin-endpoint", "", Takes::One("URL"), &[Name::Console], "AWS's of the partition", "Address of the service that signs in, https:// or this machine"),
    flag("--ci", "CI_ASSUME_ROLE_CI", Takes::Choice(CI_NAMES), TOKEN, "auto", "The CI that this is"),
    flag("--service-connection", "CI_ASSUME_ROLE_SERVICE_CONNECTION", Takes::One("ID"), TOKEN, "none", "Azure DevOps: the service connection that the token is to be for"),
    flag("--format", "", Takes::Choice(&["text", "json", "sarif", "github", "junit"]), &[Name::PolicyLint, Name::PolicyExplain, Name::PolicyCheck, Name::PolicyAudit], "text", "How to print what was found"),
    flag("--threshold", "", Takes::Choice(&["low", "medium", "high", "critical"]), &[Name::PolicyLint, Name::PolicyAudit], "medium", "The least severity that makes the command end with 1"),
    flag("--sarif", "", Takes::One("FILE"), &[Name::PolicyLint], "none", "Write the findings as SARIF into a file as well"),
    flag("--policy", "", Takes::One("FILE"), &[Name::PolicyExplain, Name::PolicyCheck], "none", "Where the trust policy is: a document, or a file that has one or more"),
    flag("--claims", "", Takes::One("FILE"), &[Name::PolicyExplain, Name::PolicyGenerate], "none", "A token's claims as JSON, a token, or an event of CloudTrail; - for standard input"),
    flag("--role-arn", "", Takes::One("ARN"), &[Name::PolicyExplain, Name::PolicyCheck], "none", "The role that the policy belongs to"),
    flag("--format", "", Takes::Choice(&["json", "aws-cli", "terraform", "cloudformation", "cdk-typescript", "cdk-python", "pulumi-typescript", "pulumi-yaml", "pipeline"]), &[Name::PolicyGenerate], "json, or all of them with --output", "What to print"),
    flag("--output", "", Takes::One("FOLDER"), &[Name::PolicyGenerate], "standard output", "Write files into this folder instead"),
    flag("--proof", "", Takes::One("FILE"), &[Name::PolicyGenerate], "none", "Write what was tried of the policy as JSON into a file as well"),
    flag("--config", "", Takes::One("FILE"), &[Name::PolicyLint], ".ci-assume-role-lint.yml, if there is one", "Findings that are accepted, each with a reason"),
    flag("--fix", "", Takes::Nothing, &[Name::PolicyLint], "not", "Make the changes that are safe, in documents and templates"),
    flag("--request", "", Takes::Several("KEY=VALUE"), &[Name::PolicyExplain], "unknown", "What the token does not say of the call, such as aws:SourceIp=203.0.113.9"),
    flag("--client-id", "", Takes::Several("ID"), &[Name::PolicyExplain], "those of the provider, where the file of the policy has it", "A client id of the token's identity provider"),
    flag("--at", "", Takes::One("TIME"), &[Name::PolicyExplain], "not looked at", "When the call was made, such as 2026-11-21T12:00:00Z: whether the token was good then"),
    flag("--denied", "", Takes::Nothing, &[Name::PolicyExplain], "not, but for an event of CloudTrail that says so", "AWS has answered Not authorized, so that everything before the trust policy was passed"),
    flag("--help", "", Takes::Nothing, &Name::ALL, "not", "Show this text"),
];

/// The same, as far as it is about reading options.
pub const SPECS: [OptionSpec; FLAGS.len()] = specs(FLAGS);

pub(super) const fn specs<const N: usize>(flags: &[Flag]) -> [OptionSpec; N] {
    let mut specs = [flags[0].spec; N];
    let mut index = 0;
    while index < N {
        specs[index] = flags[index].spec;
        index += 1;
    }
    specs
}

/// All flags of all commands.
pub fn all() -> impl Iterator<Item = &'static Flag> {
    generate::FLAGS.iter().chain(FLAGS)
}

/// The flags that a command has.
pub fn of(name: Name) -> impl Iterator<Item = &'static Flag> {
    all().filter(move |flag| flag.of.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_called_as_its_flag() {
        for Flag { spec, .. } in FLAGS {
            if let Some(variable) = spec.alias {
                let flag = spec.name.trim_start_matches('-').replace('-', "_").to_ascii_uppercase();
                assert_eq!(variable, format!("CI_ASSUME_ROLE_{flag}"));
            }
        }
    }

    #[test]
    fn every_ci_can_be_named() {
        for ci in crate::ci::all::ALL {
            assert!(CI_NAMES.contains(&ci.name()), "{}", ci.name());
        }
    }
}
