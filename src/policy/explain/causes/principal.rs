//! Whom a statement names, and for what.

use super::Reason;
use crate::policy::caller::{ASSUME, Role, SET_SOURCE_IDENTITY, TAG};
use crate::policy::document::{PrincipalKind, Principals};
use crate::policy::explain::case::{Case, Leaf};
use crate::policy::explain::fix::Edit;

/// The providers that are named: ARN, and the issuer that it ends in.
fn providers(principals: &Principals) -> impl Iterator<Item = (&str, &str)> {
    principals.items.iter().filter(|principal| principal.kind == PrincipalKind::Federated).map(|principal| {
        let arn = principal.value.text.as_str();
        (arn, arn.split_once(":oidc-provider/").map_or(arn, |(_, host)| host))
    })
}

pub(super) fn account_differs(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Principal(principals) = leaf else { return None };
    let role = case.caller.role.as_ref()?;
    let (arn, _) = providers(principals).find(|(_, host)| *host == case.caller.issuer)?;
    let named = Role::of_arn(arn)?;
    let right = role.provider_arn(&case.caller.issuer);
    let what = if named.account == role.account {
        format!("partition {}, and the role in {}", named.partition, role.partition)
    } else {
        format!("account {}, and the role in {}", named.account, role.account)
    };
    Some(
        Reason::new(format!("the provider that the policy names is in {what}; AWS looks for it where the role is"))
            .policy(format!("name {right}"), [Edit::Principal { from: arn.to_owned(), to: right }])
            .pipeline("check the account id in the role's ARN that the job asks for"),
    )
}

pub(super) fn issuer_differs(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Principal(principals) = leaf else { return None };
    let issuer = case.caller.issuer.as_str();
    if principals.negated || providers(principals).any(|(_, host)| host == issuer) {
        return None;
    }
    let plain = |host: &str| host.trim_end_matches('/').trim_start_matches("https://").to_ascii_lowercase();
    let (short, ours) = (|host: &str| host.split('/').next().unwrap_or_default().to_owned(), plain(issuer));
    let near = providers(principals).find(|(_, host)| short(&plain(host)) == short(&ours));
    let (arn, host) = near.or_else(|| providers(principals).next())?;
    let why = if near.is_some() {
        format!(
            "the token's issuer is {issuer} and the policy names {host}: letter case, path and a slash at the end count"
        )
    } else {
        format!("the token's issuer is {issuer}, and the policy names {host}")
    };
    let right = case.provider_arn()?;
    // A policy for another CI is not mended by another name in it.
    let edit = near.map(|_| Edit::Principal { from: arn.to_owned(), to: right.clone() });
    Some(Reason::new(why).policy(format!("name {right}, and write the condition keys behind {issuer}"), edit))
}

pub(super) fn type_wrong(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Principal(principals) = leaf else { return None };
    let other = principals.items.iter().find(|principal| principal.kind != PrincipalKind::Federated)?;
    let kind = match other.kind {
        PrincipalKind::Service => "Service",
        PrincipalKind::CanonicalUser => "CanonicalUser",
        PrincipalKind::Anyone => "*",
        PrincipalKind::Federated | PrincipalKind::Aws => "AWS",
    };
    let mut reason = Reason::new(format!(
        "the statement is for a principal of the type \"{kind}\"; a job with a token is one of the type \"Federated\""
    ));
    if let Some(right) = case.provider_arn() {
        let edit = Edit::Principal { from: other.value.text.clone(), to: right.clone() };
        reason = reason.policy(format!("name {{\"Federated\": \"{right}\"}}"), [edit]);
    }
    Some(reason)
}

pub(super) fn tag_session(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let pipeline = "have the CI send no session tags";
    extra(case, leaf, TAG, "the token carries session tags", pipeline)
}

pub(super) fn source_identity(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let pipeline = "have the CI send no source identity";
    extra(case, leaf, SET_SOURCE_IDENTITY, "the token carries a source identity", pipeline)
}

fn extra(case: &Case<'_>, leaf: &Leaf<'_>, action: &'static str, carries: &str, pipeline: &str) -> Option<Reason> {
    let Leaf::Action(_) = leaf else { return None };
    (case.action == action).then(|| {
        Reason::new(format!("{carries}, for which AWS asks the policy about {action} by itself"))
            .policy(
                format!("add \"{action}\" to the Action of the statement"),
                [Edit::Action { from: None, to: action }],
            )
            .pipeline(pipeline)
    })
}

pub(super) fn action_wrong(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Action(actions) = leaf else { return None };
    let patterns: Vec<&str> = actions.patterns.iter().map(|pattern| pattern.text.as_str()).collect();
    let listed = crate::text::listed(&patterns);
    let action = case.action;
    if actions.negated {
        return Some(
            Reason::new(format!("the statement is for everything but {listed}"))
                .policy(format!("write \"Action\": \"{action}\""), []),
        );
    }
    // What people copy from the policy of an instance or of a SAML provider.
    let copied = patterns
        .iter()
        .find(|name| ["sts:assumerole", "sts:assumerolewithsaml"].contains(&name.to_ascii_lowercase().as_str()));
    let from = copied.filter(|_| action == ASSUME).map(|name| (*name).to_owned());
    Some(
        Reason::new(format!("the statement allows {listed}; a job with a token calls {action}"))
            .policy(format!("write \"Action\": \"{action}\""), [Edit::Action { from, to: action }]),
    )
}
