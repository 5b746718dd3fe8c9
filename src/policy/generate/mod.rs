//! From the jobs that are to be let in to the trust policy that does so, and everything around it.
//!
//! [`Wanted`] is what was asked for, in options or by a token. [`generate`] makes the policy, proves it, and
//! writes it in each language. What cannot be proved is not handed out.

mod asked;
mod buildkite;
mod cdk;
mod circleci;
mod cloudformation;
mod doc;
mod github;
mod gitlab;
mod json;
mod pipeline;
mod plan;
mod proof;
mod pulumi;
mod script;
mod smaller;
mod summary;
mod terraform;
#[cfg(test)]
mod tests;
mod values;

use serde_json::{Map, Value};

pub use self::asked::Level;
use self::asked::{Asked, text_of};
use self::doc::Doc;
pub use self::json::json;
use self::plan::Plan;
pub use self::proof::{Mutation, Unsound};
pub use self::summary::summary;
use super::caller::Role;
use super::issuer::Kind;
use super::lint::Finding;
use crate::cli::generate::OPTIONS;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::keys;
use crate::settings::Options;
use crate::sts::partition::Partition;
use crate::values::{AccountId, RoleArn, ValueFault};

/// Characters of a trust policy without white space, unless AWS has raised it.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const QUOTA: usize = 2048;
const RAISED_QUOTA: usize = 4096;

/// A role, and the jobs that may assume it.
#[derive(Debug)]
pub struct Wanted {
    role: RoleArn,
    plan: Plan,
}

/// A policy that was proved, and what it is written in.
#[derive(Debug)]
pub struct Generated {
    pub role: RoleArn,
    pub provider_arn: String,
    /// The provider's URL.
    pub issuer: String,
    /// Its client id.
    pub audience: String,
    /// As IAM counts it.
    pub length: usize,
    pub artefacts: Vec<Artefact>,
    /// The claims of jobs that are wanted, and that get in.
    pub admitted: Vec<Map<String, Value>>,
    /// What differs in one thing from a wanted job, and is kept out.
    pub proof: Vec<Mutation>,
    /// What the linter has to say of the level that was asked for.
    pub findings: Vec<Finding>,
    /// What a policy cannot see to, in sentences without a full stop.
    pub notes: Vec<String>,
}

/// One file.
#[derive(Clone, Debug)]
pub struct Artefact {
    pub format: Format,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    Policy,
    Script,
    Terraform,
    CloudFormation,
    CdkTypeScript,
    CdkPython,
    PulumiTypeScript,
    PulumiYaml,
    Pipeline,
}

impl Format {
    pub const ALL: [Self; 9] = [
        Self::Policy,
        Self::Script,
        Self::Terraform,
        Self::CloudFormation,
        Self::CdkTypeScript,
        Self::CdkPython,
        Self::PulumiTypeScript,
        Self::PulumiYaml,
        Self::Pipeline,
    ];

    /// As an option has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy => "json",
            Self::Script => "aws-cli",
            Self::Terraform => "terraform",
            Self::CloudFormation => "cloudformation",
            Self::CdkTypeScript => "cdk-typescript",
            Self::CdkPython => "cdk-python",
            Self::PulumiTypeScript => "pulumi-typescript",
            Self::PulumiYaml => "pulumi-yaml",
            Self::Pipeline => "pipeline",
        }
    }

    /// The name of the file.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Policy => "policy.json",
            Self::Script => "setup.sh",
            Self::Terraform => "role.tf",
            Self::CloudFormation => "template.yaml",
            Self::CdkTypeScript => "stack.ts",
            Self::CdkPython => "stack.py",
            Self::PulumiTypeScript => "pulumi.ts",
            Self::PulumiYaml => "Pulumi.yaml",
            Self::Pipeline => "pipeline.yml",
        }
    }
}

impl Wanted {
    /// From options alone; `lookup` finds them by their names in [`OPTIONS`].
    ///
    /// # Errors
    /// With every problem.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let mut options = Options::read(&OPTIONS, &lookup, |_| None);
        refuse_empty(&mut options, &lookup);
        let role = read_role(&mut options);
        let plan = read_plan(&mut options);
        finish(options, role, plan)
    }

    /// From a token's claims, with the role and perhaps a level from options. An option that was given wins.
    ///
    /// # Errors
    /// With every problem.
    pub fn of_claims(claims: &Map<String, Value>, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let given = options_of(claims, lookup("--level").as_deref().and_then(|text| Level::parse(text.trim()).ok()));
        let of_token = |name: &str| given.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let mut options = Options::read(&OPTIONS, |name| lookup(name).or_else(|| of_token(name)), |_| None);
        refuse_empty(&mut options, &lookup);
        let role = read_role(&mut options);
        let plan = read_plan(&mut options).map(|mut plan| {
            plan.add_token(claims);
            plan
        });
        if let Some(plan) = plan.as_ref().filter(|plan| !plan.admits(claims)) {
            options.problem(no_such_job(claims, plan, lookup("--level")));
        }
        finish(options, role, plan)
    }
}

/// Makes the policy, proves it, and writes everything.
///
/// # Errors
/// When the proof fails: then nothing is handed out.
pub fn generate(wanted: &Wanted) -> Result<Generated, Unsound> {
    let Wanted { role, plan } = wanted;
    let owner = Role { partition: role.partition().to_owned(), account: role.account().as_str().to_owned() };
    let provider_arn = owner.provider_arn(&plan.issuer);
    let policy = plan.policy(Doc::text(&provider_arn)).literal(doc::JSON, 0) + "\n";
    let proof = proof::prove(plan, &policy, &owner)?;
    let mut notes = plan.notes.clone();
    notes.extend(too_long(plan, proof.length));
    let artefacts = Format::ALL.map(|format| Artefact {
        format,
        text: match format {
            Format::Policy => policy.clone(),
            Format::Script => script::write(role, plan, &provider_arn, &policy),
            Format::Terraform => terraform::write(role, plan),
            Format::CloudFormation => cloudformation::write(role, plan, &provider_arn),
            Format::CdkTypeScript => cdk::typescript(role, plan, &provider_arn),
            Format::CdkPython => cdk::python(role, plan, &provider_arn),
            Format::PulumiTypeScript => pulumi::typescript(role, plan, &provider_arn),
            Format::PulumiYaml => pulumi::yaml(role, plan),
            Format::Pipeline => pipeline::write(role, plan),
        },
    });
    Ok(Generated {
        role: role.clone(),
        provider_arn,
        issuer: format!("https://{}", plan.issuer),
        audience: plan.audience.clone(),
        length: proof.length,
        artefacts: artefacts.to_vec(),
        admitted: plan.samples.clone(),
        proof: proof.mutations,
        findings: proof.findings,
        notes,
    })
}

/// The role's path, where it has one.
fn path(role: &RoleArn) -> Option<&str> {
    let (_, rest) = role.as_str().split_once(":role")?;
    let path = rest.strip_suffix(role.name())?;
    (path != "/").then_some(path)
}

fn too_long(plan: &Plan, length: usize) -> Option<String> {
    if length <= QUOTA {
        return None;
    }
    let what = if length > RAISED_QUOTA {
        format!("no account can have that many: {RAISED_QUOTA} is the most")
    } else {
        format!("an account has {QUOTA} unless its quota was raised, up to {RAISED_QUOTA}")
    };
    Some(format!(
        "the policy has {length} characters, and {what}; {} subjects make it long: let several be one pattern, or make a role \
         for some of them",
        plan.subjects.len()
    ))
}

fn finish(options: Options, role: Option<RoleArn>, plan: Option<Plan>) -> Result<Wanted, Failure> {
    if let Some(failure) = Failure::of(options.into_problems()) {
        return Err(failure);
    }
    let (Some(role), Some(mut plan)) = (role, plan) else {
        // Each of them is on record as a problem when it is missing.
        return Err(Diagnostic::new(Code::OptionMissing, "it is not said which jobs to let in").into());
    };
    plan.keep_known_pins(role.partition());
    Ok(Wanted { role, plan })
}

/// The options describe other jobs than the token's: a job with an environment has no branch in its subject.
fn no_such_job(claims: &Map<String, Value>, plan: &Plan, level: Option<String>) -> Diagnostic {
    let level = level.map_or_else(|| "of these options".to_owned(), |level| level.trim().to_owned());
    let mut problem =
        Diagnostic::new(Code::OptionInvalid, format!("a policy at the level {level} would not admit this token"))
            .claim("sub", text_of(claims, "sub").unwrap_or_default());
    for wanted in plan.subjects.iter().take(4) {
        problem = problem.fact("it admits", &wanted.text);
    }
    for (claim, values) in &plan.pins {
        problem = problem.fact("it demands", format!("{claim} = {}", values.join(", ")));
    }
    problem.fix("leave out `--level` and what the token says by itself, or take the token of a job of that kind")
}

/// A variable that was never set would make the policy wider than it was meant to be.
fn refuse_empty(options: &mut Options, lookup: impl Fn(&str) -> Option<String>) {
    for spec in &OPTIONS {
        if lookup(spec.name).is_some_and(|value| value.trim().is_empty()) {
            options.problem(
                Diagnostic::new(Code::OptionInvalid, format!("`{}` is empty", spec.name))
                    .fix(format!("give it a value, or leave out `{}`", spec.name)),
            );
        }
    }
}

fn read_role(options: &mut Options) -> Option<RoleArn> {
    if options.has("--role-arn") {
        for name in ["--role-name", "--account-id", "--partition"]
            .into_iter()
            .filter(|name| options.has(name))
            .collect::<Vec<_>>()
        {
            options.problem(
                Diagnostic::new(Code::OptionInvalid, format!("`{name}` is said by `--role-arn` already"))
                    .fix(format!("leave out `{name}`")),
            );
        }
        return options.parse("--role-arn", RoleArn::parse);
    }
    let account = options.require("--account-id", "123456789012", AccountId::parse);
    let partition = match options.parse("--partition", partition) {
        None if options.has("--partition") => None,
        found => Some(found.unwrap_or("aws")),
    };
    options.require("--role-name", "deploy", |name| {
        let arn = |account| format!("arn:{}:iam::{account}:role/{name}", partition.unwrap_or("aws"));
        RoleArn::parse(&arn(account.as_ref().map_or("123456789012", AccountId::as_str))).map_err(|fault| ValueFault {
            example: "deploy".to_owned(),
            hint: None,
            ..fault
        })
    })
}

fn partition(text: &str) -> Result<&'static str, ValueFault> {
    Partition::by_id(text)
        .map(|partition| partition.id)
        .ok_or_else(|| ValueFault::new("is not a partition of AWS", "aws-us-gov"))
}

fn read_plan(options: &mut Options) -> Option<Plan> {
    let issuer = options.text("--issuer").map(|issuer| Kind::of(keys::without_scheme(issuer)));
    let kind = match options.parse("--ci", ci) {
        None if options.has("--ci") => return None,
        Some(kind) => kind,
        None if issuer.is_some() => issuer?,
        None => {
            options.problem(
                Diagnostic::new(Code::OptionMissing, "`--ci` is not set")
                    .fix("add `--ci github`, or the CI that it is")
                    .fix("or `--issuer`, the address of its issuer"),
            );
            return None;
        }
    };
    let custom = options.has("--audience");
    let schemes = match kind {
        _ if options.has("--subject") => smaller::OTHER,
        Kind::GitHub => github::SCHEMES,
        Kind::GitLab | Kind::GitLabOwn => gitlab::SCHEMES,
        Kind::Buildkite => buildkite::SCHEMES,
        Kind::CircleCi | Kind::CircleCiRoot => circleci::SCHEMES,
        Kind::Bitbucket => smaller::BITBUCKET,
        Kind::Bitrise => smaller::BITRISE,
        Kind::AzureDevOps => smaller::AZURE_DEVOPS,
        Kind::Google | Kind::TerraformCloud | Kind::Codefresh | Kind::Other => smaller::OTHER,
    };
    let opaque = options.has("--subject");
    let mut asked = Asked::new(options, kind, schemes)?;
    let mut plan = match kind {
        _ if opaque => smaller::other(&mut asked, kind),
        Kind::GitHub => github::read(&mut asked),
        Kind::GitLab | Kind::GitLabOwn => gitlab::read(&mut asked),
        Kind::Buildkite => buildkite::read(&mut asked),
        Kind::CircleCi | Kind::CircleCiRoot => circleci::read(&mut asked),
        Kind::Bitbucket => smaller::bitbucket(&mut asked),
        Kind::Bitrise => smaller::bitrise(&mut asked),
        Kind::AzureDevOps => smaller::azure_devops(&mut asked),
        Kind::Google | Kind::TerraformCloud | Kind::Codefresh | Kind::Other => smaller::other(&mut asked, kind),
    }?;
    plan.meant.extend(custom.then_some("TP020"));
    Some(plan)
}

fn ci(text: &str) -> Result<Kind, ValueFault> {
    match text {
        "github" => Ok(Kind::GitHub),
        "gitlab" => Ok(Kind::GitLab),
        "buildkite" => Ok(Kind::Buildkite),
        "circleci" => Ok(Kind::CircleCi),
        "bitbucket" => Ok(Kind::Bitbucket),
        "bitrise" => Ok(Kind::Bitrise),
        "azure-devops" => Ok(Kind::AzureDevOps),
        "other" => Ok(Kind::Other),
        _ => Err(ValueFault::new("is no CI that is known here; `other` is any of them", "github")),
    }
}

/// The options that describe a token's job.
fn options_of(claims: &Map<String, Value>, level: Option<Level>) -> Vec<(&'static str, String)> {
    let issuer = text_of(claims, "iss").unwrap_or_default();
    let kind = Kind::of(keys::without_scheme(&issuer));
    let mut options = match kind {
        _ if level == Some(Level::Subject) => Vec::new(),
        Kind::GitHub => github::options_of(claims, level),
        Kind::GitLab | Kind::GitLabOwn => gitlab::options_of(claims, level),
        Kind::Buildkite => buildkite::options_of(claims, level),
        Kind::CircleCi | Kind::CircleCiRoot => circleci::options_of(claims, level),
        kind => smaller::options_of(kind, claims, level),
    };
    if options.is_empty() {
        let branch = text_of(claims, "build_branch").filter(|_| kind == Kind::Buildkite);
        let ids = [
            ("--organization-id", if kind == Kind::Buildkite { "organization_id" } else { "repository_owner_id" }),
            ("--repository-id", "repository_id"),
            ("--project-id", "project_id"),
            ("--namespace-id", "namespace_id"),
            ("--pipeline-id", "pipeline_id"),
        ];
        let of_token = ids.iter().filter(|(_, claim)| keys::of_claim(&issuer, claim).is_some());
        options.extend(of_token.filter_map(|(name, claim)| Some((*name, text_of(claims, claim)?))));
        options.extend(branch.map(|branch| ("--branch", branch)));
        options.extend(text_of(claims, "sub").map(|subject| ("--subject", subject)));
    }
    let audience = text_of(claims, "azp").or_else(|| match claims.get("aud")? {
        Value::Array(several) => several.first()?.as_str().map(str::to_owned),
        _ => text_of(claims, "aud"),
    });
    options.extend(audience.map(|audience| ("--audience", audience)));
    options.push(("--issuer", issuer));
    options
}
