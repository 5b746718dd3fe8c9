//! What is said of a policy as a whole: its language version, its length, whether it allows anything.

use super::repair::shown;
use super::{Finding, Findings, Rule, Severity, View};
use crate::policy::document::Effect;
use crate::policy::issuer::Kind;
use crate::policy::tree::Span;

pub static TP040: Rule = Rule {
    id: "TP040",
    name: "old-version",
    severity: Severity::Medium,
    title: "the policy does not say version 2012-10-17, without which ${…} is plain text",
};

pub static TP050: Rule = Rule {
    id: "TP050",
    name: "retiring-issuer",
    severity: Severity::Medium,
    title: "the issuer is being retired, or is one that its vendor advises against",
};

pub static TP052: Rule = Rule {
    id: "TP052",
    name: "too-long",
    severity: Severity::Medium,
    title: "the policy is longer than AWS takes, or nearly so",
};

pub static TP070: Rule = Rule {
    id: "TP070",
    name: "nothing-allowed",
    severity: Severity::Medium,
    title: "no statement allows anything, so nobody can assume the role",
};

/// Characters that IAM takes, and those it takes from accounts that have asked for more.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const QUOTA: usize = 2048;
const RAISED_QUOTA: usize = 4096;

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    let found = [version(view), length(view), nothing(view)];
    found.into_iter().flatten().for_each(|finding| findings.add(finding));
    let mut hosts: Vec<&str> = Vec::new();
    for scope in view.grants() {
        for issuer in &scope.issuers {
            if hosts.contains(&issuer.host) {
                continue;
            }
            hosts.push(issuer.host);
            if let Some((severity, message, fix)) = retiring(issuer.host, issuer.kind) {
                let mut finding = Finding::new(&TP050, issuer.principal.value.span, message, fix);
                finding.severity = severity;
                findings.add(finding);
            }
        }
    }
}

fn version(view: &View<'_>) -> Option<Finding> {
    let written = view.policy.version.as_ref();
    if view.policy.has_variables() || written.is_some_and(|version| version.text != "2008-10-17") {
        return None;
    }
    let conditions = view.policy.statements.iter().flat_map(|statement| &statement.conditions);
    let variable = conditions.filter(|condition| condition.operator.has_variables()).find_map(|condition| {
        condition.values.iter().find(|value| {
            value.text.split("${").skip(1).any(|rest| {
                let name = rest.split('}').next().unwrap_or_default();
                name.contains(':') || matches!(name, "*" | "?" | "$")
            })
        })
    });
    let (span, is) = match written {
        Some(version) => (version.span, "is 2008-10-17".to_owned()),
        None => (Span::new(view.policy.span.start, view.policy.span.start + 1), "is missing".to_owned()),
    };
    let message = match variable {
        Some(value) => format!("Version {is}, so {} is compared as it is written", shown(&value.text)),
        None => format!("Version {is}, which AWS takes for 2008-10-17"),
    };
    let mut finding = Finding::new(&TP040, span, message, "write \"Version\": \"2012-10-17\"");
    if variable.is_some() {
        return Some(finding); // with the version other callers are let in, so that is for a person to decide
    }
    finding.severity = Severity::Low;
    Some(match written {
        Some(version) => finding.edit(version.span, "2012-10-17"),
        None => {
            let first = view.found.node.members().and_then(<[_]>::first)?.name_span.start;
            finding.edit(Span::new(first, first), "\"Version\": \"2012-10-17\", ")
        }
    })
}

fn length(view: &View<'_>) -> Option<Finding> {
    let length = view.found.length;
    let (severity, message) = if length > RAISED_QUOTA {
        (
            Severity::High,
            format!("the policy has {length} characters, and no account can have more than {RAISED_QUOTA}"),
        )
    } else if length > QUOTA {
        let message = format!("the policy has {length} characters, and AWS takes {QUOTA} unless the quota was raised");
        (Severity::Medium, message)
    } else if length > QUOTA * 9 / 10 {
        (Severity::Low, format!("the policy has {length} of the {QUOTA} characters that AWS takes"))
    } else {
        return None;
    };
    let fix = "join statements that differ in one value, test ids in place of long lists of subjects, or ask AWS for \
               a quota of up to 4096 characters";
    let mut finding = Finding::new(&TP052, Span::new(view.policy.span.start, view.policy.span.start + 1), message, fix);
    finding.severity = severity;
    Some(finding)
}

fn nothing(view: &View<'_>) -> Option<Finding> {
    let statements = &view.policy.statements;
    let first = statements.first()?;
    let denies = statements.iter().all(|statement| statement.effect == Effect::Deny);
    (denies && view.policy.refusals.is_empty()).then(|| {
        let fix = "add a statement that allows sts:AssumeRoleWithWebIdentity to the provider";
        Finding::new(&TP070, first.span, "every statement denies, and what is not allowed is denied anyway", fix)
    })
}

fn retiring(host: &str, kind: Kind) -> Option<(Severity, String, &'static str)> {
    match kind {
        // There is no other for connections to AWS yet, so nobody can act on it today.
        Kind::AzureDevOps => Some((
            Severity::Low,
            format!("Azure DevOps retires the issuer {host} on 2027-07-01 in favour of Microsoft Entra's"),
            "plan for a second provider and statement once tokens for AWS come from the new issuer",
        )),
        Kind::CircleCiRoot => Some((
            Severity::Low,
            format!("all of CircleCI's customers share the issuer {host}, and each organization has one of its own"),
            "use the issuer oidc.circleci.com/org/ORGANIZATION-ID, and drop --root-issuer",
        )),
        _ if host == "vstoken.actions.githubusercontent.com" => Some((
            Severity::Medium,
            format!("GitHub no longer issues tokens as {host}"),
            "use token.actions.githubusercontent.com",
        )),
        _ => None,
    }
}
