//! Keys that no token of this issuer can ever have.

use super::Reason;
use crate::keys;
use crate::policy::caller::{Absence, Had};
use crate::policy::explain::case::{Case, Leaf, Tested};
use crate::policy::explain::fix::{Draft, Edit, Wanted, names_tenant, subject_guard};

pub(super) fn prefix_wrong(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Condition(tested) = leaf else { return None };
    let key = tested.condition.key.text.as_str();
    let issuer = case.caller.issuer.as_str();
    // A statement that is for another issuer as a whole has its keys right.
    let prefix = key.rsplit_once(':').map_or("", |(prefix, _)| prefix);
    let named = case.statement.into_iter().flat_map(|statement| &statement.principals.items);
    let named: Vec<&str> =
        named.filter_map(|principal| Some(principal.value.text.split_once(":oidc-provider/")?.1)).collect();
    let slip = match tested.had {
        Had::Absent(Absence::OtherIssuer) if named.contains(&prefix) && !named.contains(&issuer) => return None,
        Had::Absent(Absence::OtherIssuer) => match key {
            _ if named.contains(&prefix) => {
                format!("the statement is for several issuers, and the key is {prefix}'s alone")
            }
            _ if key.contains("oidc-provider/") => "the key starts with the provider's ARN".to_owned(),
            _ if key.to_ascii_lowercase().starts_with("https://") => "the key starts with `https://`".to_owned(),
            _ => format!("the key starts with another issuer than the token's, which is {issuer}"),
        },
        // Nothing of AWS's own looks like this: a dot for the colon, or no issuer at all.
        Had::Absent(Absence::NeverSent) if !is_of_aws(key) => match key.strip_prefix(issuer) {
            Some(_) => "there is no colon between the issuer and the claim's name".to_owned(),
            None => "the key does not start with the issuer".to_owned(),
        },
        _ => return None,
    };
    let name = key.rsplit([':', '.', '/']).next().unwrap_or(key);
    let name = if tested.had == Had::Absent(Absence::OtherIssuer) { tested.name() } else { name.to_owned() };
    let right = case.key(&name);
    let reason = Reason::new(format!("{slip}, so that AWS never finds it in a call with this token"));
    Some(if case.is_mapped(&name.to_ascii_lowercase()) {
        let wanted = Wanted {
            operator: tested.condition.operator_name.text.clone(),
            key: right.clone(),
            values: tested.values().map(str::to_owned).collect(),
        };
        reason.policy(format!("write the key as \"{right}\""), [tested.becomes(Some(wanted))])
    } else {
        reason.policy(format!("remove the condition: AWS fills no \"{right}\" either"), dropped(case, tested))
    })
}

pub(super) fn not_mapped(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Condition(tested) = leaf else { return None };
    let key = &tested.condition.key.text;
    match tested.had {
        Had::Absent(Absence::NotMapped) => {}
        Had::Absent(Absence::NeverSent) => {
            return Some(
                Reason::new(format!("no call of AssumeRoleWithWebIdentity has the key \"{key}\""))
                    .policy("remove the condition", dropped(case, tested)),
            );
        }
        _ => return None,
    }
    let of = case.kind.name();
    let known: Vec<&str> = ["aud", "sub"].iter().chain(keys::of_issuer(&case.caller.issuer)).copied().collect();
    let reason = Reason::new(format!(
        "AWS fills no such key from tokens of {of}, whatever they hold; as of {} it fills {}",
        keys::AS_OF,
        crate::text::listed(&known)
    ));
    // An owner is named by a key of its own, and by its id.
    let instead = match tested.name().as_str() {
        "repository_owner" => Some("repository_owner_id"),
        "project_path" => Some("project_id"),
        "namespace_path" => Some("namespace_id"),
        "workflow_ref" => Some("job_workflow_ref"),
        _ => None,
    };
    let instead = instead.filter(|name| case.is_mapped(name)).and_then(|name| Some((name, case.claim(name)?)));
    Some(match instead {
        Some((name, value)) => {
            let wanted = Wanted { operator: "StringEquals".to_owned(), key: case.key(name), values: vec![value] };
            let words = format!("test \"{}\" in its place", wanted.key);
            reason.policy(words, [tested.becomes(Some(wanted))])
        }
        None => reason.policy("remove the condition, and say with `sub` what it was to say", dropped(case, tested)),
    })
}

/// Without the condition; and with one on the subject where the issuer's other customers would be
/// let in otherwise.
fn dropped(case: &Case<'_>, tested: &Tested<'_>) -> Vec<Edit> {
    let gone = tested.becomes(None);
    let Some(mut draft) = case.statement.and_then(Draft::of) else { return vec![gone] };
    draft.apply(&gone);
    let guard = if names_tenant(&draft, case) { None } else { subject_guard(case).map(Edit::Add) };
    std::iter::once(gone).chain(guard).collect()
}

fn is_of_aws(key: &str) -> bool {
    key.split_once(':').is_some_and(|(prefix, _)| ["aws", "sts"].iter().any(|known| prefix.eq_ignore_ascii_case(known)))
}
