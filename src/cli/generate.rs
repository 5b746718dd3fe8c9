//! The options of `policy generate`: which jobs are to be let in. As one source they stand beside
//! [`super::table`], since they are a vocabulary of their own: a CI's words for its jobs.

use super::table::{Flag, Name, Takes, specs};
use crate::settings::OptionSpec;

const fn option(name: &'static str, takes: Takes, default: &'static str, description: &'static str) -> Flag {
    let spec = OptionSpec { name, description, default, alias: None, secret: false };
    Flag { spec, takes, of: &[Name::PolicyGenerate] }
}

/// In the order in which people read them.
#[rustfmt::skip]
pub const FLAGS: &[Flag] = &[
    option("--ci", Takes::One("CI"), "that of the token or issuer", "The CI: github, gitlab, buildkite, circleci, bitbucket, bitrise, azure-devops or other"),
    option("--issuer", Takes::One("URL"), "that of the CI", "The issuer of its tokens, for a server of your own or another CI"),
    option("--role-arn", Takes::One("ARN"), "made from the next three", "The role to make, such as arn:aws:iam::123456789012:role/deploy"),
    option("--role-name", Takes::One("NAME"), "none", "Its name"),
    option("--account-id", Takes::One("ID"), "none", "Its account"),
    option("--partition", Takes::One("NAME"), "aws", "The partition of its account: aws, aws-cn, aws-us-gov, …"),
    option("--audience", Takes::One("TEXT"), "that of the CI", "The audience of the tokens"),
    option("--level", Takes::One("LEVEL"), "the narrowest that the other options describe", "Whom to let in: organization, repository (or project, pipeline, app), branch, tag, environment, pull-request, service-connection, workflow or subject"),
    option("--organization", Takes::One("NAME"), "none", "The organization, owner, group or workspace, by name"),
    option("--organization-id", Takes::One("ID"), "none", "Its id"),
    option("--repository", Takes::Several("NAME"), "none", "The repository: GitHub's OWNER/NAME, or CircleCI's github.com/OWNER/NAME"),
    option("--repository-id", Takes::Several("ID"), "none", "Its id, one for each repository"),
    option("--project", Takes::Several("NAME"), "none", "The project: GitLab's path, or Azure DevOps' name"),
    option("--project-id", Takes::Several("ID"), "none", "Its id, one for each project"),
    option("--namespace-id", Takes::One("ID"), "none", "The id of the GitLab group or user that the project is in"),
    option("--pipeline", Takes::Several("NAME"), "none", "The pipeline: Buildkite's slug, or Azure DevOps' name"),
    option("--pipeline-id", Takes::Several("ID"), "none", "Its id, one for each pipeline"),
    option("--app", Takes::Several("NAME"), "none", "The slug of the Bitrise app"),
    option("--branch", Takes::Several("NAME"), "none", "A branch; a * in it stands for any text"),
    option("--tag", Takes::Several("NAME"), "none", "A tag; a * in it stands for any text"),
    option("--environment", Takes::Several("NAME"), "none", "The deployment environment of GitHub"),
    option("--environment-id", Takes::Several("ID"), "none", "The id of the deployment environment of Bitbucket"),
    option("--workspace-id", Takes::One("ID"), "none", "The id of the workspace of Bitbucket"),
    option("--workflow", Takes::Several("NAME"), "none", "The workflow: Bitrise's name, or GitHub's reusable OWNER/NAME/.github/workflows/FILE@REF"),
    option("--service-connection", Takes::Several("NAME"), "none", "The service connection of Azure DevOps, by name"),
    option("--any-branch-state", Takes::Nothing, "not", "Let branches and tags of gitlab.com in that are not protected"),
    option("--subject", Takes::Several("NAME"), "none", "The subject of the tokens as it stands, for issuers that are not known or subjects that were customised"),
];

/// The same, as far as it is about reading options.
pub static OPTIONS: [OptionSpec; FLAGS.len()] = specs(FLAGS);
