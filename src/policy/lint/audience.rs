//! Audiences: not tested, or not one that the CI puts into its tokens.

use super::guard::{self, Guard};
use super::ids::is_uuid;
use super::{Finding, Findings, Issuer, Rule, Scope, Severity, Test, View, same};
use crate::policy::caller::Role;
use crate::policy::document::Text;
use crate::policy::issuer::Kind;
use crate::policy::operator;
use crate::policy::pattern::has_wildcard;
use crate::text::nearest;

pub static TP018: Rule =
    Rule { id: "TP018", name: "no-audience", severity: Severity::Medium, title: "no condition tests the audience" };

pub static TP020: Rule = Rule {
    id: "TP020",
    name: "unusual-audience",
    severity: Severity::High,
    title: "the audience is not one that the CI's tokens have",
};

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in view.grants() {
        for issuer in &scope.issuers {
            let mut tested = false;
            for test in &scope.tests {
                if !test.is_of(issuer) || !(test.is_on("aud") || test.is_on("oaud")) {
                    continue;
                }
                tested = true;
                let by_text =
                    matches!(test.condition.operator.test, operator::Test::StringEquals | operator::Test::StringLike);
                for value in test.condition.values.iter().filter(|value| by_text && !has_wildcard(&value.text)) {
                    if let Some((right, severity)) = wrong(issuer, &value.text) {
                        findings.add(unusual(scope, issuer, test, value, &right, severity, findings));
                    }
                }
            }
            // Who tests nothing else either has a worse problem, and keys of others may be meant for it.
            if !tested && guard::of(scope, issuer) == Guard::Required && findings.may_admit(scope, issuer) {
                findings.add(untested(scope, issuer, findings));
            }
        }
    }
}

/// What the audience should be, and how sure that is.
fn wrong(issuer: &Issuer<'_>, value: &str) -> Option<(String, Severity)> {
    let china = Role::of_arn(&issuer.principal.value.text).is_some_and(|role| role.partition == "aws-cn");
    let sts = if china { "sts.amazonaws.com.cn" } else { "sts.amazonaws.com" };
    let near_sts = || {
        if matches!(value, "sts.amazonaws.com" | "sts.amazonaws.com.cn") {
            // A job in China may ask for either; elsewhere the other is a slip.
            return (!china && value.ends_with(".cn")).then(|| (sts.to_owned(), Severity::High));
        }
        let bare = value.trim_start_matches("https://").trim_end_matches('/');
        let regional = bare.starts_with("sts.") && bare.ends_with(".amazonaws.com");
        let near = bare == sts || regional || nearest(bare, [sts]).is_some();
        near.then(|| (sts.to_owned(), Severity::High))
    };
    match issuer.kind {
        Kind::AzureDevOps => {
            let fixed = "api://AzureADTokenExchange";
            (value != fixed).then(|| (fixed.to_owned(), Severity::High))
        }
        Kind::CircleCi => {
            let own = issuer.host.strip_prefix("oidc.circleci.com/org/").unwrap_or("ORGANIZATION_ID");
            match value {
                _ if value == own => None,
                // Somebody else's id, or this one in other letters.
                _ if is_uuid(own) && is_uuid(&value.to_ascii_lowercase()) => Some((own.to_owned(), Severity::High)),
                // Jobs can ask for this one, and have to.
                "sts.amazonaws.com" if is_uuid(own) => Some((own.to_owned(), Severity::Low)),
                "sts.amazonaws.com" => Some(("ORGANIZATION_ID".to_owned(), Severity::High)),
                _ => near_sts(),
            }
        }
        Kind::Bitbucket => {
            let Some(workspace) = value.strip_prefix("ari:cloud:bitbucket::workspace/") else { return near_sts() };
            let bare = workspace.trim_matches(['{', '}']).to_ascii_lowercase();
            let right = if is_uuid(&bare) { bare } else { "WORKSPACE_UUID".to_owned() };
            (workspace != right).then(|| (format!("ari:cloud:bitbucket::workspace/{right}"), Severity::High))
        }
        Kind::TerraformCloud => {
            let usual = "aws.workload.identity";
            (value != usual && nearest(value, [usual]).is_some()).then(|| (usual.to_owned(), Severity::High))
        }
        Kind::Google | Kind::Codefresh | Kind::Other => None,
        _ => near_sts(),
    }
}

fn unusual(
    scope: &Scope<'_>,
    issuer: &Issuer<'_>,
    test: &Test<'_>,
    value: &Text,
    right: &str,
    severity: Severity,
    findings: &Findings<'_>,
) -> Finding {
    let name = issuer.kind.name();
    let message = if severity == Severity::Low {
        format!(
            "a token of {name} has the audience {} only where the job asks for it; by itself it has {right}",
            value.text
        )
    } else {
        format!("tokens of {name} do not have the audience {}", value.text)
    };
    let fix = if severity == Severity::Low {
        format!("see that the job asks for {}, or write {right}", value.text)
    } else {
        format!("write {right}, and register it as a client id of the provider")
    };
    let mut finding = Finding::new(&TP020, value.span, message, fix);
    finding.severity = severity;
    if right.contains("_ID") || right.contains("_UUID") {
        return finding; // what would have to stand there is not known
    }
    let example = findings.wrongly_refuses("the job that is meant", scope, issuer, |statement| {
        if let Some(condition) = same(statement, test.condition) {
            condition.values = vec![Text { text: right.to_owned(), span: value.span }];
        }
    });
    finding.shown_by(example)
}

fn untested(scope: &Scope<'_>, issuer: &Issuer<'_>, findings: &Findings<'_>) -> Finding {
    let host = issuer.host;
    let own = host.strip_prefix("oidc.circleci.com/org/");
    let message = format!("a token of {} that was made for another service is accepted as well", issuer.kind.name());
    let fix = format!("require {host}:aud, such as {}", own.unwrap_or(issuer.kind.audience_to_fill_in()));
    let mut finding = Finding::new(&TP018, scope.statement.principals.span, message, fix);
    // There the job asks for the audience that it wants, and the guides of GitLab and CircleCI leave it out.
    if matches!(issuer.kind, Kind::GitHub | Kind::GitLab | Kind::GitLabOwn | Kind::CircleCi | Kind::CircleCiRoot) {
        finding.severity = Severity::Low;
    }
    let example =
        findings.wrongly_admits("the job, with a token that it got for another service", scope, issuer, |_| ());
    let example = example.and_then(|mut example| {
        example.claims.insert("aud".to_owned(), "https://another-service.example.com".into());
        findings.proven(&example.whose, Some(example.claims), true)
    });
    finding.shown_by(example)
}
