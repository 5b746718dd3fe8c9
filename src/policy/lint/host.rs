//! Providers of a CI that does not have such an issuer.

use super::ids::is_uuid;
use super::{Finding, Findings, Issuer, Rule, Severity, View, same};
use crate::policy::issuer::Kind;

pub static TP022: Rule = Rule {
    id: "TP022",
    name: "wrong-issuer",
    severity: Severity::High,
    title: "the provider is not an issuer that the CI has",
};

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in view.grants() {
        for Issuer { host, kind, principal } in &scope.issuers {
            if !is_wrong(host) {
                continue;
            }
            let right = match Kind::meant_by(host) {
                Some((_, right)) => right,
                None => host.trim_end_matches('/'),
            };
            let message = format!("{host} is no issuer of {}", kind.name());
            let finding = Finding::new(&TP022, principal.value.span, message, format!("name the provider {right}"));
            findings.add(finding.shown_by(meant(scope, host, right, findings)));
        }
    }
}

/// A token of the issuer that is meant, which no condition on the wrong one lets in.
fn meant(scope: &super::Scope<'_>, host: &str, right: &str, findings: &Findings<'_>) -> Option<super::CounterExample> {
    if right.contains("ORGANIZATION") || right.contains("WORKSPACE") {
        return None; // what would have to stand there is not known
    }
    let issuer = scope.issuers.iter().find(|issuer| issuer.host == host)?;
    let repaired = Issuer { host: right, kind: issuer.kind, principal: issuer.principal };
    findings.wrongly_refuses("the job that is meant", scope, &repaired, |statement| {
        for principal in &mut statement.principals.items {
            principal.value.text = principal.value.text.replace(host, right);
        }
        for test in &scope.tests {
            if let Some(condition) = same(statement, test.condition) {
                condition.key.text = condition.key.text.replace(host, right);
            }
        }
    })
}

/// Whether the host is a CI's, and the whole is none of its issuers.
pub(super) fn is_wrong(host: &str) -> bool {
    if host.contains("://") {
        return false;
    }
    let kind = Kind::of(host);
    let (first, path) = host.split_once('/').unwrap_or((host, ""));
    match kind {
        // Not known, but perhaps almost.
        Kind::Other => Kind::meant_by(host).is_some() && Kind::tenancy_key_of(host).is_none(),
        // `/ENTERPRISE`, and instances that their owners run.
        Kind::GitHub if first == "token.actions.githubusercontent.com" => host.ends_with('/') || path.contains('/'),
        Kind::GitHub | Kind::GitLabOwn => host.ends_with('/'),
        Kind::CircleCi => !path.strip_prefix("org/").is_some_and(is_uuid),
        Kind::Bitbucket => {
            let workspace = path.strip_prefix("2.0/workspaces/");
            let workspace = workspace.and_then(|rest| rest.strip_suffix("/pipelines-config/identity/oidc"));
            !workspace.is_some_and(|workspace| !workspace.is_empty() && !workspace.contains('/'))
        }
        Kind::AzureDevOps => !is_uuid(path),
        Kind::GitLab
        | Kind::Buildkite
        | Kind::CircleCiRoot
        | Kind::Bitrise
        | Kind::Google
        | Kind::TerraformCloud
        | Kind::Codefresh => host.contains('/'),
    }
}
