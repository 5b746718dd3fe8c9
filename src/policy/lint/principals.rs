//! Whom a statement names, and in which way.

use super::repair::{kept_out, provider_host, shown, siblings};
use super::{Finding, Findings, Rule, Scope, Severity, View};
use crate::policy::caller::{ASSUME, Role};
use crate::policy::document::{Effect, Principal, PrincipalKind, RefusalKind};
use crate::policy::evaluate::BY_NAME;
use crate::policy::issuer::Kind;
use crate::policy::pattern;
use crate::policy::tree;

pub static TP034: Rule = Rule {
    id: "TP034",
    name: "anyone",
    severity: Severity::Critical,
    title: "the principal is everybody, and not one OIDC provider",
};

pub static TP035: Rule = Rule {
    id: "TP035",
    name: "wrong-principal-type",
    severity: Severity::High,
    title: "the principal is of a type that tokens of an OIDC provider never have",
};

pub static TP036: Rule = Rule {
    id: "TP036",
    name: "other-account",
    severity: Severity::High,
    title: "the provider is of another account than the role",
};

pub static TP037: Rule = Rule {
    id: "TP037",
    name: "other-partition",
    severity: Severity::High,
    title: "the provider is of another partition than the role",
};

pub static TP061: Rule = Rule {
    id: "TP061",
    name: "scheme-in-provider",
    severity: Severity::High,
    title: "the provider's ARN has https:// in it, which no provider's ARN has",
};

pub static TP062: Rule = Rule {
    id: "TP062",
    name: "provider-case",
    severity: Severity::High,
    title: "the host in the provider's ARN has capital letters, which the issuer does not have",
};

pub static TP069: Rule = Rule {
    id: "TP069",
    name: "not-a-provider-arn",
    severity: Severity::High,
    title: "the value of Federated is not the ARN of a provider",
};

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for refusal in view.policy.refusals.iter().filter(|refusal| refusal.kind == RefusalKind::NotPrincipal) {
        findings.add(Finding::new(
            &TP035,
            refusal.span,
            "a role's trust policy cannot have NotPrincipal",
            "name whom you mean under Principal, and keep the others out by conditions",
        ));
    }
    for scope in &view.scopes {
        let statement = scope.statement;
        if statement.principals.negated {
            continue;
        }
        let named = statement.actions.patterns.iter().any(|of| pattern::matches(&of.text, ASSUME, true));
        let web_identity = named != statement.actions.negated;
        for principal in &statement.principals.items {
            let value = principal.value.text.as_str();
            let finding = match principal.kind {
                _ if value == "*" => (statement.effect == Effect::Allow && web_identity).then(|| anyone(principal)),
                PrincipalKind::Federated if value.contains(":oidc-provider/") => {
                    provider(view, scope, findings, principal)
                }
                PrincipalKind::Federated if value.contains(":saml-provider/") => web_identity.then(|| {
                    Finding::new(
                        &TP035,
                        principal.value.span,
                        format!("{} is a SAML provider, and {ASSUME} is for OIDC providers", shown(value)),
                        "name the OIDC provider, or allow sts:AssumeRoleWithSAML",
                    )
                }),
                PrincipalKind::Federated if BY_NAME.contains(&value) => None,
                PrincipalKind::Federated => Some(no_arn(view, scope, findings, principal)),
                _ => wrong_type(view, scope, findings, principal),
            };
            if let Some(finding) = finding {
                findings.add(finding);
            }
        }
    }
    accounts(view, findings);
}

fn anyone(principal: &Principal) -> Finding {
    let (written, outcome) = match principal.kind {
        PrincipalKind::Anyone => ("\"Principal\": \"*\"", "AWS does not document whose tokens that admits"),
        PrincipalKind::Federated => ("\"Federated\": \"*\"", "AWS does not document whose tokens that admits"),
        PrincipalKind::Aws => ("\"AWS\": \"*\"", "that is for callers with AWS credentials, and admits no token"),
        PrincipalKind::Service => ("\"Service\": \"*\"", "that is for services of AWS, and admits no token"),
        PrincipalKind::CanonicalUser => ("\"CanonicalUser\": \"*\"", "that admits no token"),
    };
    let message = format!("{written} with {ASSUME}: {outcome}");
    let fix = "name the one provider: {\"Federated\": \"arn:aws:iam::ACCOUNT:oidc-provider/HOST\"}";
    let mut finding = Finding::new(&TP034, principal.value.span, message, fix);
    if !matches!(principal.kind, PrincipalKind::Anyone | PrincipalKind::Federated) {
        finding.severity = Severity::High;
    }
    finding
}

/// A provider under `AWS` or `Service`.
fn wrong_type(view: &View<'_>, scope: &Scope<'_>, findings: &Findings<'_>, principal: &Principal) -> Option<Finding> {
    let value = principal.value.text.as_str();
    let host = provider_host(value);
    if host.is_none() && Kind::of(value) == Kind::Other {
        return None;
    }
    let kind = match principal.kind {
        PrincipalKind::Aws => "AWS",
        PrincipalKind::Service => "Service",
        _ => "CanonicalUser",
    };
    let message = format!("{} stands under {kind}, and an OIDC provider is a Federated principal", shown(value));
    let fix = match host {
        Some(_) => "write Federated".to_owned(),
        None => format!("write \"Federated\": \"arn:aws:iam::ACCOUNT:oidc-provider/{value}\""),
    };
    let span = principal.value.span;
    let finding = Finding::new(&TP035, span, message, fix).shown_by(kept_out(view, scope, findings, |statement| {
        for item in &mut statement.principals.items {
            if item.value.span == span {
                item.kind = PrincipalKind::Federated;
            }
        }
    }));
    let Some(member) = kind_member(view, scope, principal) else { return Some(finding) };
    let all_providers = member.value.items().iter().all(|item| item.text().and_then(provider_host).is_some());
    let alone = siblings(&view.found.node, member.name_span).is_some_and(|(members, _)| members.len() == 1);
    Some(if all_providers && alone { finding.edit(member.name_span, "Federated") } else { finding })
}

/// `"AWS": …` around a principal.
fn kind_member<'v>(view: &'v View<'_>, scope: &Scope<'_>, principal: &Principal) -> Option<&'v tree::Member> {
    fn find(node: &tree::Node, span: tree::Span) -> Option<&tree::Member> {
        node.items().iter().find_map(|item| {
            let member = item.members()?.iter().find(|member| member.value.span.contains(span))?;
            find(&member.value, span).or(Some(member))
        })
    }
    find(&view.found.node, principal.value.span).filter(|member| scope.statement.span.contains(member.name_span))
}

/// An ARN of an OIDC provider, letter by letter.
fn provider(view: &View<'_>, scope: &Scope<'_>, findings: &Findings<'_>, principal: &Principal) -> Option<Finding> {
    let value = principal.value.text.as_str();
    let (arn, url) = value.split_once(":oidc-provider/")?;
    let span = principal.value.span;
    let finding = |rule, message, fix, right: String| {
        let example = kept_out(view, scope, findings, |statement| {
            for item in &mut statement.principals.items {
                if item.value.span == span {
                    item.value.text.clone_from(&right);
                }
            }
        });
        Some(Finding::new(rule, span, message, fix).shown_by(example).edit(span, right.clone()))
    };
    if let Some((scheme, host)) = url.split_once("://") {
        let message = format!("the ARN names {}: a provider's ARN has the issuer without {scheme}://", shown(url));
        let fix = format!("write {arn}:oidc-provider/{host}");
        return finding(&TP061, message, fix, format!("{arn}:oidc-provider/{host}"));
    }
    let (host, path) = url.split_once('/').map_or((url, None), |(host, path)| (host, Some(path)));
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        let lower = host.to_ascii_lowercase();
        let right = path.map_or_else(|| lower.clone(), |path| format!("{lower}/{path}"));
        let message = format!("the ARN ends in {}, and the issuer calls itself {right}", shown(url));
        let right = format!("{arn}:oidc-provider/{right}");
        return finding(&TP062, message, format!("write {right}"), right);
    }
    let account = Role::of_arn(value)
        .filter(|provider| provider.account.len() == 12 && provider.account.bytes().all(|byte| byte.is_ascii_digit()));
    if account.is_none() && !value.contains(['<', '$', '{']) && !super::slips::is_placeholder(value) {
        let message = format!("{} is not of the form arn:PARTITION:iam::ACCOUNT:oidc-provider/HOST", shown(value));
        let fix = "write the ARN of the provider with the twelve digits of the account";
        return Some(Finding::new(&TP069, span, message, fix));
    }
    None
}

fn no_arn(view: &View<'_>, scope: &Scope<'_>, findings: &Findings<'_>, principal: &Principal) -> Finding {
    let value = principal.value.text.as_str();
    let span = principal.value.span;
    let host = value.strip_prefix("https://").unwrap_or(value);
    let message = format!("{} is not the ARN of a provider", shown(value));
    let role = view.found.role.as_ref().and_then(|role| role.arn.as_deref()).and_then(Role::of_arn);
    if Kind::of(host) == Kind::Other {
        let fix = "write the ARN of the OIDC provider: arn:aws:iam::ACCOUNT:oidc-provider/HOST";
        return Finding::new(&TP069, span, message, fix);
    }
    let of = |role: &Role| role.provider_arn(host);
    let right = role.as_ref().map_or_else(|| format!("arn:aws:iam::ACCOUNT:oidc-provider/{host}"), of);
    let sample = Role { partition: "aws".to_owned(), account: "123456789012".to_owned() };
    let whole = role.as_ref().unwrap_or(&sample).provider_arn(host);
    let example = kept_out(view, scope, findings, |statement| {
        for item in &mut statement.principals.items {
            if item.value.span == span {
                item.value.text.clone_from(&whole);
            }
        }
    });
    let finding = Finding::new(&TP069, span, message, format!("write {right}")).shown_by(example);
    if role.is_some() { finding.edit(span, whole) } else { finding }
}

/// AWS looks for the provider in the role's account. Where nobody says which that is, the policy
/// still cannot mean two.
fn accounts(view: &View<'_>, findings: &mut Findings<'_>) {
    let role = view.found.role.as_ref().and_then(|role| role.arn.as_deref()).and_then(Role::of_arn);
    let mut first: Option<Role> = None;
    for scope in &view.scopes {
        if scope.statement.principals.negated {
            continue;
        }
        for issuer in &scope.issuers {
            let (value, span) = (issuer.principal.value.text.as_str(), issuer.principal.value.span);
            // What a template leaves open is the account that it is deployed to.
            let Some(provider) = Role::of_arn(value).filter(|_| !value.contains("${")) else { continue };
            let (wanted, whose) = match (&role, &first) {
                (Some(role), _) => (role, "the role is"),
                (None, Some(first)) => (first, "the policy's first provider is"),
                (None, None) => {
                    first = Some(provider);
                    continue;
                }
            };
            let right = wanted.provider_arn(issuer.host);
            let example =
                || findings.proven("the job that is meant", refused(view, scope, issuer.host, value, wanted), false);
            let finding = if provider.partition != wanted.partition {
                let message = format!(
                    "the provider is in the partition {}, and {whose} in {}",
                    shown(&provider.partition),
                    shown(&wanted.partition)
                );
                let mut finding = Finding::new(&TP037, span, message, format!("write {right}"));
                if role.is_some() && provider.account == wanted.account {
                    finding = finding.edit(span, right.clone());
                }
                finding.shown_by(example())
            } else if provider.account != wanted.account {
                let message = format!(
                    "the provider is in the account {}, and {whose} in {}: AWS looks for it in the role's account",
                    shown(&provider.account),
                    shown(&wanted.account)
                );
                let fix = format!("create the provider in the role's account, and write {right}");
                Finding::new(&TP036, span, message, fix).shown_by(example())
            } else {
                continue;
            };
            findings.add(finding);
        }
    }
}

fn refused(
    view: &View<'_>,
    scope: &Scope<'_>,
    host: &str,
    value: &str,
    wanted: &Role,
) -> Option<serde_json::Map<String, serde_json::Value>> {
    let mut policy = view.policy.clone();
    let statement = policy.statements.iter_mut().find(|statement| statement.span == scope.statement.span)?;
    for item in statement.principals.items.iter_mut().filter(|item| item.value.text == value) {
        item.value.text = wanted.provider_arn(host);
    }
    let statement = statement.clone();
    crate::policy::sample::admitted(&policy, &statement, host)
}
