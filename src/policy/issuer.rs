//! What is known of the issuers of tokens: whose they are, whether strangers share them, and what
//! their subjects look like. Dated like [`crate::keys`].
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html>

use super::subject::Form;

/// A kind of issuer. Those without a name of their own are [`Kind::Other`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    GitHub,
    GitLab,
    /// An instance that its owner runs, or GitLab Dedicated.
    GitLabOwn,
    Buildkite,
    CircleCi,
    /// The issuer without an organisation, which all of CircleCI's customers share.
    CircleCiRoot,
    Bitbucket,
    Bitrise,
    AzureDevOps,
    Google,
    TerraformCloud,
    Codefresh,
    Other,
}

impl Kind {
    pub const ALL: [Self; 13] = [
        Self::GitHub,
        Self::GitLab,
        Self::GitLabOwn,
        Self::Buildkite,
        Self::CircleCi,
        Self::CircleCiRoot,
        Self::Bitbucket,
        Self::Bitrise,
        Self::AzureDevOps,
        Self::Google,
        Self::TerraformCloud,
        Self::Codefresh,
        Self::Other,
    ];

    /// By the issuer without its scheme.
    #[must_use]
    pub fn of(issuer: &str) -> Self {
        let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
        let host = issuer.split('/').next().unwrap_or_default();
        match issuer {
            "gitlab.com" => Self::GitLab,
            "oidc.circleci.com" => Self::CircleCiRoot,
            "token.builds.bitrise.io" => Self::Bitrise,
            "accounts.google.com" => Self::Google,
            "app.terraform.io" => Self::TerraformCloud,
            "oidc.codefresh.io" => Self::Codefresh,
            _ if host == "token.actions.githubusercontent.com"
                || (host.starts_with("token.actions.") && host.ends_with(".ghe.com"))
                || issuer.starts_with("github.com/enterprises/")
                || issuer.ends_with("/_services/token") =>
            {
                Self::GitHub
            }
            _ if host == "agent.buildkite.com"
                || (host.starts_with("agent.")
                    && (host.ends_with(".buildkite.dev") || host.ends_with(".buildkite.site"))) =>
            {
                Self::Buildkite
            }
            _ if issuer.starts_with("oidc.circleci.com/org/") => Self::CircleCi,
            _ if issuer.starts_with("api.bitbucket.org/2.0/workspaces/") => Self::Bitbucket,
            _ if host == "vstoken.dev.azure.com" => Self::AzureDevOps,
            _ if host.starts_with("gitlab.") => Self::GitLabOwn,
            _ => Self::Other,
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub Actions",
            Self::GitLab => "GitLab.com",
            Self::GitLabOwn => "GitLab",
            Self::Buildkite => "Buildkite",
            Self::CircleCi | Self::CircleCiRoot => "CircleCI",
            Self::Bitbucket => "Bitbucket Pipelines",
            Self::Bitrise => "Bitrise",
            Self::AzureDevOps => "Azure DevOps",
            Self::Google => "Google",
            Self::TerraformCloud => "Terraform Cloud",
            Self::Codefresh => "Codefresh",
            Self::Other => "this issuer",
        }
    }

    /// Whether all customers of it get their tokens from one issuer, so that a policy has to say
    /// which of them is meant.
    #[must_use]
    pub fn is_shared(self) -> bool {
        matches!(
            self,
            Self::GitHub
                | Self::GitLab
                | Self::Buildkite
                | Self::CircleCiRoot
                | Self::Bitrise
                | Self::Google
                | Self::TerraformCloud
                | Self::Codefresh
        )
    }

    /// Further issuers that strangers share, and the key that tells them apart.
    #[must_use]
    pub fn tenancy_key_of(issuer: &str) -> Option<&'static str> {
        match issuer.strip_suffix('/').unwrap_or(issuer) {
            "oidc-configuration.audit-log.githubusercontent.com"
            | "vstoken.actions.githubusercontent.com"
            | "scalr.io"
            | "tokens.cloud.shisho.dev"
            | "proidc.upbound.io"
            | "studio.datachain.ai/api" => Some("sub"),
            "api.pulumi.com/oidc" | "sandboxes.cloud" | "oidc.vercel.com" => Some("aud"),
            issuer if Self::of(issuer).is_shared() => Some("sub"),
            _ => None,
        }
    }

    /// Keys besides `sub` that name one customer or one of their projects, so that a condition on
    /// them keeps strangers out. Ids come before names.
    #[must_use]
    pub fn tenancy_keys(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["repository_id", "repository_owner_id", "enterprise_id", "repository"],
            Self::GitLab => &["project_id", "namespace_id"],
            Self::Buildkite => &["pipeline_id", "organization_id", "cluster_id", "organization_slug"],
            Self::CircleCi => &["oidc.circleci.com/project-id"],
            Self::Google => &["google/organization_number"],
            _ => &[],
        }
    }

    /// Those of them that name one project, so that nobody else of the same customer comes in either.
    #[must_use]
    pub fn project_keys(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["repository_id", "repository"],
            Self::GitLab => &["project_id"],
            Self::Buildkite => &["pipeline_id"],
            Self::CircleCi => &["oidc.circleci.com/project-id"],
            _ => &[],
        }
    }

    /// The part of a subject that names the customer. `None`: the issuer does, or nothing.
    #[must_use]
    pub fn tenant_part(self) -> Option<&'static str> {
        match self {
            Self::GitHub => Some("owner"),
            Self::GitLab | Self::GitLabOwn => Some("project"), // as far as its first slash
            Self::Buildkite | Self::TerraformCloud => Some("organization"),
            Self::CircleCiRoot => Some("organization id"),
            Self::Bitrise => Some("app"),
            _ => None,
        }
    }

    /// The parts of a subject of which one has to be named, or every project of the customer comes in.
    #[must_use]
    pub fn project_parts(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["repository"],
            Self::GitLab | Self::GitLabOwn => &["project"],
            Self::Buildkite => &["pipeline"],
            Self::CircleCi | Self::CircleCiRoot => &["project id"],
            Self::Bitbucket => &["repository", "environment"],
            Self::AzureDevOps => &["project", "service connection", "pipeline"],
            Self::TerraformCloud => &["project", "workspace"],
            Self::Bitrise => &["app"],
            Self::Google | Self::Codefresh | Self::Other => &[],
        }
    }

    /// What its customers call a project: `repository`, `pipeline`.
    #[must_use]
    pub fn project_word(self) -> &'static str {
        match self {
            Self::GitHub | Self::Bitbucket => "repository",
            Self::Buildkite => "pipeline",
            Self::Bitrise => "app",
            Self::TerraformCloud => "workspace",
            _ => "project",
        }
    }

    /// What its customers call themselves.
    #[must_use]
    pub fn tenant_word(self) -> &'static str {
        match self {
            Self::GitHub => "owner",
            Self::GitLab | Self::GitLabOwn => "group",
            Self::Bitbucket => "workspace",
            Self::Bitrise => "app",
            _ => "organization",
        }
    }

    /// A subject as a policy should have it, to be filled in.
    #[must_use]
    pub fn subject_to_fill_in(self) -> Option<&'static str> {
        match self {
            Self::GitHub => Some("repo:OWNER/REPOSITORY:ref:refs/heads/main"),
            Self::GitLab | Self::GitLabOwn => Some("project_path:GROUP/PROJECT:ref_type:branch:ref:main"),
            Self::Buildkite => Some("organization:ORGANIZATION:pipeline:PIPELINE:ref:refs/heads/main:commit:*"),
            Self::CircleCi | Self::CircleCiRoot => Some("org/ORGANIZATION_ID/project/PROJECT_ID/user/*"),
            Self::Bitbucket => Some("{REPOSITORY_UUID}:{ENVIRONMENT_UUID}:*"),
            Self::Bitrise => Some("app:APP_SLUG:workflow:WORKFLOW"),
            Self::AzureDevOps => Some("sc://ORGANIZATION/PROJECT/SERVICE_CONNECTION"),
            Self::TerraformCloud => {
                Some("organization:ORGANIZATION:project:PROJECT:workspace:WORKSPACE:run_phase:apply")
            }
            Self::Google | Self::Codefresh | Self::Other => None,
        }
    }

    /// The CI that somebody had in mind who wrote a provider that it does not have, and the right form.
    #[must_use]
    pub fn meant_by(issuer: &str) -> Option<(Self, &'static str)> {
        let host = issuer.split('/').next().unwrap_or_default();
        let is_of =
            |domain: &str| host.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'));
        let known: [(&[&str], Self, &'static str); 7] = [
            (
                &["githubusercontent.com", "github.com", "actions.github.com"],
                Self::GitHub,
                "token.actions.githubusercontent.com",
            ),
            (&["buildkite.com"], Self::Buildkite, "agent.buildkite.com"),
            (&["circleci.com"], Self::CircleCi, "oidc.circleci.com/org/ORGANIZATION_ID"),
            (
                &["bitbucket.org"],
                Self::Bitbucket,
                "api.bitbucket.org/2.0/workspaces/WORKSPACE/pipelines-config/identity/oidc",
            ),
            (&["bitrise.io"], Self::Bitrise, "token.builds.bitrise.io"),
            (&["dev.azure.com", "visualstudio.com"], Self::AzureDevOps, "vstoken.dev.azure.com/ORGANIZATION_GUID"),
            (&["terraform.io"], Self::TerraformCloud, "app.terraform.io"),
        ];
        let (_, kind, right) = known.into_iter().find(|(domains, ..)| domains.iter().any(|domain| is_of(domain)))?;
        Some((kind, right))
    }

    /// The CIs whose tokens have no claim `https://aws.amazon.com/tags`. Buildkite's have one on request.
    #[must_use]
    pub fn never_sends_tags(self) -> bool {
        !matches!(self, Self::Buildkite | Self::Codefresh | Self::Other)
    }

    /// What `aud` says unless the pipeline asks for something else. `None`: there is no default.
    #[must_use]
    pub fn usual_audience(self) -> Option<&'static str> {
        match self {
            Self::GitHub
            | Self::GitLab
            | Self::GitLabOwn
            | Self::Buildkite
            | Self::CircleCi
            | Self::CircleCiRoot
            | Self::Bitrise => Some("sts.amazonaws.com"),
            Self::AzureDevOps => Some("api://AzureADTokenExchange"),
            Self::TerraformCloud => Some("aws.workload.identity"),
            Self::Bitbucket | Self::Google | Self::Codefresh | Self::Other => None,
        }
    }

    /// An audience as a policy should have it, to be filled in.
    #[must_use]
    pub fn audience_to_fill_in(self) -> &'static str {
        match self {
            Self::CircleCi | Self::CircleCiRoot => "ORGANIZATION_ID",
            Self::Bitbucket => "ari:cloud:bitbucket::workspace/WORKSPACE_UUID",
            kind => kind.usual_audience().unwrap_or("sts.amazonaws.com"),
        }
    }

    /// The forms that its subjects take; none where they are not known.
    #[must_use]
    pub fn subjects(self) -> &'static [Form] {
        use super::subject as forms;
        match self {
            Self::GitHub => forms::GITHUB,
            Self::GitLab | Self::GitLabOwn => forms::GITLAB,
            Self::Buildkite => forms::BUILDKITE,
            Self::CircleCi | Self::CircleCiRoot => forms::CIRCLECI,
            Self::Bitbucket => forms::BITBUCKET,
            Self::Bitrise => forms::BITRISE,
            Self::AzureDevOps => forms::AZURE_DEVOPS,
            Self::TerraformCloud => forms::TERRAFORM_CLOUD,
            Self::Google | Self::Codefresh | Self::Other => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_told_apart() {
        for (issuer, kind) in [
            ("token.actions.githubusercontent.com", Kind::GitHub),
            ("token.actions.githubusercontent.com/acme", Kind::GitHub),
            ("token.actions.acme.ghe.com", Kind::GitHub),
            ("gitlab.com", Kind::GitLab),
            ("gitlab.example.com", Kind::GitLabOwn),
            ("agent.buildkite.com", Kind::Buildkite),
            ("oidc.circleci.com/org/0f", Kind::CircleCi),
            ("oidc.circleci.com", Kind::CircleCiRoot),
            ("api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc", Kind::Bitbucket),
            ("token.builds.bitrise.io", Kind::Bitrise),
            ("vstoken.dev.azure.com/0f", Kind::AzureDevOps),
            ("accounts.google.com", Kind::Google),
            ("example.com", Kind::Other),
        ] {
            assert_eq!(Kind::of(issuer), kind, "{issuer}");
        }
    }
}
