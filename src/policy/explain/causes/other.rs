//! Gates, single CIs, and what is left when nothing else is wrong.

use super::Reason;
use super::value::text_test;
use crate::policy::caller::{Absence, Had, Unsure};
use crate::policy::explain::case::{Case, Leaf};
use crate::policy::explain::gate::{self, Gate};
use crate::policy::explain::refused;
use crate::policy::issuer::Kind;
use crate::policy::subject;
use crate::text::listed;
use crate::time::Timestamp;

pub(super) fn token_incomplete(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Gate(Gate::Token) = leaf else { return None };
    let claim = gate::missing_claim(case.caller)?;
    Some(Reason::new(format!("the token has no claim `{claim}`; STS refuses it before it looks at a policy")))
}

pub(super) fn token_out_of_time(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Gate(Gate::Times) = leaf else { return None };
    let now = case.known.now?;
    let ends = gate::time(case.caller, "exp").map(Timestamp::from_seconds);
    Some(match ends {
        Some(ends) if ends < now => Reason::new(format!("the token ended at {ends}, and it is {now}"))
            .pipeline("fetch the token in the step that uses it"),
        _ => Reason::new(format!("by the token's own times it does not count yet, and it is {now}"))
            .pipeline("correct the clock of the machine that issues the token"),
    })
}

pub(super) fn audience_not_registered(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Gate(Gate::Audience) = leaf else { return None };
    let ids: Vec<&str> = case.known.client_ids?.iter().map(String::as_str).collect();
    let audience = gate::audience_of(case.caller)?;
    Some(
        Reason::new(format!("the token is for \"{audience}\", and the provider's client ids are {}", listed(&ids)))
            .policy(format!("add \"{audience}\" to the client ids of the identity provider"), [])
            .pipeline("have the CI ask for a token with an audience that the provider lists"),
    )
}

pub(super) fn role_not_in_token(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Gate(Gate::RolesClaim) = leaf else { return None };
    let roles = gate::roles_of(case.caller)?;
    Some(
        Reason::new(format!("the token says that it is for {} alone", listed(&roles)))
            .pipeline("have the issuer list this role, or leave the claim out"),
    )
}

pub(super) fn policy_refused(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Refused = leaf else { return None };
    let problems: Vec<String> = case.policy.refusals.iter().map(|refusal| refused::problem(&refusal.kind)).collect();
    let first = problems.first()?;
    let more = match problems.len() {
        1 => String::new(),
        many => format!(", and {} more", many - 1),
    };
    Some(
        Reason::new(format!("AWS does not save this policy: {first}{more}"))
            .policy("correct the policy; what the role has is an earlier one, or none", []),
    )
}

pub(super) fn deny_statement(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Deny(decision) = leaf else { return None };
    let absent = decision
        .conditions
        .iter()
        .find(|condition| condition.condition.operator.negated && matches!(condition.had, Had::Absent(_)));
    let why = match absent {
        Some(condition) => {
            let nobody =
                matches!(condition.had, Had::Absent(Absence::NotMapped | Absence::OtherIssuer | Absence::NeverSent));
            let always = if nobody { "never there for this issuer" } else { "not in the token" };
            format!(
                "the key \"{}\" is {always}, and {} holds for a key that is not there",
                condition.condition.key.text, condition.condition.operator_name.text
            )
        }
        None => format!("the statement denies {} to this token, whatever other statements allow", case.action),
    };
    Some(Reason::new(why).policy("narrow the Deny statement, or remove it", []))
}

pub(super) fn circleci_version(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let (tested, had) = text_test(leaf)?;
    let (value, _) = tested.nearest.as_ref()?;
    if !matches!(case.kind, Kind::CircleCi | Kind::CircleCiRoot) || !tested.is_sub() {
        return None;
    }
    let long = |subject: &str| subject.contains("/vcs-origin/");
    if long(had) == long(value) {
        return None;
    }
    let reason = if long(had) {
        Reason::new("CIRCLE_OIDC_TOKEN_V2 has the repository and the branch in its subject, and the policy expects a subject without")
            .pipeline("exchange CIRCLE_OIDC_TOKEN instead of CIRCLE_OIDC_TOKEN_V2")
    } else {
        Reason::new("the policy tests the repository or the branch, which only CIRCLE_OIDC_TOKEN_V2 has in its subject")
            .pipeline("exchange CIRCLE_OIDC_TOKEN_V2 instead of CIRCLE_OIDC_TOKEN")
    };
    Some(reason.policy("accept the subject that the job has", tested.adding(case)))
}

pub(super) fn gitlab_ref_type(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let (tested, had) = text_test(leaf)?;
    let (value, _) = tested.nearest.as_ref()?;
    if !matches!(case.kind, Kind::GitLab | Kind::GitLabOwn) || !tested.is_sub() {
        return None;
    }
    let kind = |subject: &str| {
        let (_, rest) = subject.split_once(":ref_type:")?;
        rest.split(':').next().map(str::to_owned)
    };
    let (wanted, found) = (kind(value)?, kind(had)?);
    if wanted == found || wanted.contains('*') {
        return None;
    }
    Some(
        Reason::new(format!("the policy is for a {wanted}, and the job runs for a {found}"))
            .policy("accept the subject that the job has", tested.adding(case))
            .pipeline(format!("run the job for a {wanted}")),
    )
}

pub(super) fn buildkite_subject(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let (tested, had) = text_test(leaf)?;
    let (value, difference) = tested.nearest.as_ref()?;
    if case.kind != Kind::Buildkite || !tested.is_sub() {
        return None;
    }
    let (_, segments) = subject::parse(case.kind.subjects(), had)?;
    let key = value.rsplit_once(":step:").map_or("", |(_, key)| key);
    let has = |name: &str| segments.iter().find(|segment| segment.name == name).map(|segment| segment.value);
    let is_id = |text: &str| subject::parse(case.kind.subjects(), text).is_some_and(|(form, _)| form.len() == 1);
    let parts = difference.as_ref().map(|difference| difference.segments.as_slice()).unwrap_or_default();
    let why = if has("id").is_some() {
        "`subject-claim` makes the subject a single id, and the policy expects the usual subject"
    } else if is_id(value) {
        "the policy expects an id as the subject, which a job only has with `subject-claim`"
    } else if has("step") == Some("") && parts == ["step"] && !key.is_empty() {
        "the step has no `key:`, so the subject ends in `step:` and nothing after it"
    } else if !parts.is_empty() && parts.iter().all(|part| ["commit", "step"].contains(part)) {
        "the subject ends in commit and step, which are others in the next build; the policy names one of them"
    } else {
        return None;
    };
    Some(Reason::new(why).policy("test the subject up to the commit, with StringLike", tested.adding(case)))
}

pub(super) fn request_tag_missing(_case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Condition(tested) = leaf else { return None };
    let Had::Absent(Absence::NoTag) = tested.had else { return None };
    let key = &tested.condition.key.text;
    let name = key.split_once('/').map_or("", |(_, name)| name);
    let pipeline = if name.is_empty() {
        "have the CI send session tags".to_owned()
    } else {
        format!("have the CI send the session tag `{name}` (Buildkite: `session-tags: [{name}]`)")
    };
    Some(
        Reason::new("the policy demands a session tag, and the token carries no such tag")
            .policy("remove the condition, and test the token's own claims", [tested.becomes(None)])
            .pipeline(pipeline),
    )
}

pub(super) fn depends_on_the_call(_case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    if let Leaf::Unseen { denied, open } = leaf {
        let said = [("does not allow", denied), ("may not allow", open)].into_iter().filter(|(_, of)| !of.is_empty());
        let said: Vec<String> = said.map(|(verb, actions)| format!("{verb} {} to it", listed(actions))).collect();
        return Some(Reason::new(format!(
            "the policy that was looked at admits this token, if it has neither session tags nor a source identity, of \
             which the event does not tell: the policy {}",
            said.join(", and ")
        )));
    }
    let Leaf::Open(tested) = leaf else { return None };
    let Some(tested) = tested else {
        return Some(Reason::new("AWS does not document whether a principal `*` takes in callers with a token"));
    };
    let key = &tested.condition.key.text;
    let why = match tested.had {
        Had::Unknown(Unsure::OnlyEvent) => {
            format!(
                "an event of CloudTrail holds issuer, audience and subject, and not what \"{key}\" is made from: look with the token's own claims"
            )
        }
        Had::Unknown(Unsure::NotGiven) if key.eq_ignore_ascii_case("aws:SourceIp") => {
            "the address that the call comes from is not known here; on hosted runners it is another in each job"
                .to_owned()
        }
        Had::Unknown(Unsure::NotGiven) => format!("what \"{key}\" has depends on the call, and not on the token"),
        _ => format!("AWS does not document what {} does here", tested.condition.operator_name.text),
    };
    Some(Reason::new(why))
}

pub(super) fn nothing_allowed(_case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::NoAllow = leaf else { return None };
    Some(Reason::new("the policy has no Allow statement, and what is not allowed is denied"))
}

pub(super) fn policy_allows(_case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::All = leaf else { return None };
    Some(Reason::new("the policy that was looked at admits this token"))
}
