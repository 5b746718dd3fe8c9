//! What the policy wants of a value and what the token has, whatever the CI.

use super::Reason;
use crate::policy::caller::{Absence, Had};
use crate::policy::explain::case::{Case, Leaf, Tested};
use crate::policy::explain::fix::{Edit, Wanted, subject_guard};
use crate::policy::issuer::Kind;
use crate::policy::operator::Test;
use crate::policy::pattern;
use crate::policy::subject::{self, Form, Piece};

/// A condition that wants one of its texts, and a token that has another.
pub(super) fn text_test<'l, 'c>(leaf: &'l Leaf<'c>) -> Option<(&'l Tested<'c>, &'l str)> {
    match leaf {
        Leaf::Condition(tested) if tested.wants_text() => Some((tested, tested.one()?)),
        _ => None,
    }
}

pub(super) fn wildcard(_case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let (tested, _) = text_test(leaf)?;
    if tested.is_wild() {
        return None;
    }
    let operator = &tested.condition.operator_name.text;
    let wild = tested.value_like().or_else(|| {
        let (nearest, _) = tested.nearest.as_ref()?;
        pattern::has_wildcard(nearest).then_some(*nearest)
    });
    let value = wild.filter(|value| pattern::has_wildcard(value))?;
    let as_pattern = if tested.value_like().is_some() { "" } else { ", and would not match as a pattern either" };
    let wanted = Wanted {
        operator: "StringLike".to_owned(),
        key: tested.condition.key.text.clone(),
        values: tested.values().map(str::to_owned).collect(),
    };
    Some(
        Reason::new(format!(
            "under {operator} a `*` is an ordinary character, so \"{value}\" matches itself alone{as_pattern}"
        ))
        .policy("test it with StringLike", [tested.becomes(Some(wanted))]),
    )
}

pub(super) fn letter_case(_case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let (tested, had) = text_test(leaf)?;
    let value = tested.value_after(str::to_ascii_lowercase)?;
    let right = in_case_of(value, had);
    Some(
        Reason::new(format!("only letter case differs, and {} counts it", tested.condition.operator_name.text))
            .policy(format!("write it as the token does: \"{right}\""), [tested.as_written(value, &right)]),
    )
}

/// The policy's value with the token's letters, where it has no wildcards that could stand for them.
fn in_case_of(value: &str, had: &str) -> String {
    if value.eq_ignore_ascii_case(had) {
        return had.to_owned();
    }
    // Word by word: a pattern keeps its wildcards.
    let words: Vec<&str> = had.split([':', '/', '@']).collect();
    let mut right = String::new();
    for part in value.split_inclusive([':', '/', '@']) {
        let word = part.trim_end_matches([':', '/', '@']);
        let same = words.iter().find(|known| known.eq_ignore_ascii_case(word)).unwrap_or(&word);
        right.push_str(same);
        right.push_str(part.get(word.len()..).unwrap_or_default());
    }
    right
}

type Change = fn(&str) -> String;

/// Slips that a person does not see, each with the words for it.
const SLIPS: [(&str, Change); 8] = [
    ("white space at its ends", |text| text.trim().to_owned()),
    ("quotes", |text| text.replace(['"', '\'', '`'], "")),
    ("curly braces", |text| text.replace(['{', '}'], "")),
    ("the prefix `refs/heads/`", |text| text.replace("refs/heads/", "")),
    ("the prefix `refs/tags/`", |text| text.replace("refs/tags/", "")),
    ("`https://`", |text| text.replace("https://", "")),
    ("a slash at its end", |text| text.trim_end_matches('/').to_owned()),
    ("a slash more or less", |text| text.replace(":///", "://")),
];

pub(super) fn stray(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let (tested, had) = text_test(leaf)?;
    let single = SLIPS.iter().find_map(|(words, change)| Some(((*words).to_owned(), tested.value_after(change)?)));
    let all = |text: &str| SLIPS.iter().fold(text.to_owned(), |text, (_, change)| change(&text));
    let (words, value) =
        single.or_else(|| Some(("white space, quotes, braces or a prefix".to_owned(), tested.value_after(all)?)))?;
    let right = if pattern::has_wildcard(value) && tested.is_wild() { None } else { Some(had) };
    let reason = Reason::new(format!("the only difference is {words}"));
    Some(match right {
        Some(right) => {
            reason.policy(format!("write it as the token does: \"{right}\""), [tested.replacing(value, right)])
        }
        None => {
            let mended = mended(case, value, had);
            reason.policy(format!("write \"{mended}\""), [tested.replacing_pattern(value, &mended)])
        }
    })
}

/// A pattern with what the token has in the place of what the slip has taken from it.
fn mended(case: &Case<'_>, value: &str, had: &str) -> String {
    let candidates = [
        value.trim().to_owned(),
        value.replace(['"', '\'', '`'], ""),
        value.replace(":ref:", ":ref:refs/heads/"),
        value.replace(":ref:", ":ref:refs/tags/"),
        value.replace("refs/heads/", "").replace("refs/tags/", ""),
        value.replace("https://", ""),
        value.replace(":///", "://"),
        braced(value),
    ];
    let fits = candidates.into_iter().find(|candidate| pattern::like(candidate, had));
    fits.or_else(|| subject_guard(case)?.values.into_iter().next()).unwrap_or_else(|| had.to_owned())
}

/// `uuid:*` as Bitbucket writes it: `{uuid}:*`.
fn braced(value: &str) -> String {
    let plain = value.replace(['{', '}'], "");
    let parts = plain.split(':').map(|part| if part.contains('*') { part.to_owned() } else { format!("{{{part}}}") });
    parts.collect::<Vec<_>>().join(":")
}

pub(super) fn customised(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let (tested, had) = text_test(leaf)?;
    let forms = case.kind.subjects();
    if !tested.is_sub() || forms.is_empty() || subject::parse(forms, had).is_some() {
        return None;
    }
    let where_to_look = match case.kind {
        Kind::GitHub => {
            "the organisation or repository has changed what its subjects hold (`gh api repos/OWNER/REPO/actions/oidc/customization/sub` shows it)"
        }
        Kind::GitLab | Kind::GitLabOwn => {
            "the instance or project has changed what its subjects hold (`ci_id_token_sub_claim_components`)"
        }
        Kind::Buildkite => "`subject-claim` has changed what the subject holds",
        _ => "the subject was configured, or the token is of another kind",
    };
    let reason = Reason::new(format!(
        "the subject is not of a form that {} writes by default: {where_to_look}",
        case.kind.name()
    ));
    Some(reason.policy("if this job is meant to have the role, take its subject as it is", tested.adding(case)))
}

pub(super) fn audience(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Condition(tested) = leaf else { return None };
    if !["aud", "oaud"].contains(&tested.name().as_str()) || !tested.wants_text() {
        return None;
    }
    let had = tested.one()?;
    let (wanted, _) = tested.nearest.as_ref()?;
    let party = case.claim("azp").filter(|party| tested.name() == "aud" && party == had);
    let reason = match party {
        Some(_) if case.claim("aud").is_some_and(|aud| aud != had) => Reason::new(
            "the token has a claim `azp`, which AWS puts in the place of `aud`; the claim `aud` itself is the key `:oaud`",
        ),
        _ => Reason::new(format!("the token was made for \"{had}\", and the policy wants \"{wanted}\"")),
    };
    let reason = reason.policy(
        format!("accept \"{had}\" as well; the provider's client ids have to list it too"),
        tested.adding(case),
    );
    Some(match option_for(case.kind, wanted).filter(|_| party.is_none()) {
        Some(words) => reason.pipeline(words),
        None => reason,
    })
}

/// How a job of this CI asks for a token with another audience.
fn option_for(kind: Kind, wanted: &str) -> Option<String> {
    Some(match kind {
        Kind::GitHub => format!("set `audience: {wanted}` on the step that asks for the token"),
        Kind::GitLab | Kind::GitLabOwn => format!("set `aud: {wanted}` under `id_tokens` of the job"),
        Kind::Buildkite => {
            format!("ask with `audience: {wanted}`, or `buildkite-agent oidc request-token --audience {wanted}`")
        }
        Kind::CircleCi | Kind::CircleCiRoot => format!(
            "ask with `circleci run oidc get --claims '{{\"aud\": \"{wanted}\"}}'`; CIRCLE_OIDC_TOKEN is for the \
             organisation's id"
        ),
        Kind::Bitbucket => format!("set `oidc: {{audiences: [\"{wanted}\"]}}` on the step"),
        Kind::Bitrise => format!("set the step's input `audience` to {wanted}"),
        Kind::AzureDevOps => return None, // the audience of its tokens is always the same
        _ => format!("have the CI ask for a token with the audience {wanted}"),
    })
}

pub(super) fn impossible(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let (tested, _) = text_test(leaf)?;
    let forms = case.kind.subjects();
    let (nearest, _) = tested.nearest.as_ref()?;
    if !tested.is_sub() || forms.is_empty() || subject::witness(forms, nearest, !tested.is_wild()).is_some() {
        return None;
    }
    let usual = forms.first().map(|form| sample(form)).unwrap_or_default();
    Some(
        Reason::new(format!("no subject of {} looks like \"{nearest}\"; one looks like {usual}", case.kind.name()))
            .policy("test the subject that the token has", tested.adding(case)),
    )
}

/// A subject as this CI writes them.
fn sample(form: Form) -> String {
    form.iter()
        .map(|piece| match piece {
            Piece::Fixed(text) => text,
            Piece::Part(part) => part.sample,
        })
        .collect()
}

pub(super) fn absent(_case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Condition(tested) = leaf else { return None };
    let Had::Absent(Absence::NotInToken | Absence::NoTag) = tested.had else { return None };
    let name = tested.name();
    let reason = Reason::new(format!(
        "the token has no claim `{name}`, and {} fails without it",
        tested.condition.operator_name.text
    ));
    let reason = reason
        .policy("remove the condition, if jobs without the claim are meant to have the role", [tested.becomes(None)]);
    Some(if name == "environment" { reason.pipeline("give the job an `environment:`") } else { reason })
}

pub(super) fn excluded(_case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Condition(tested) = leaf else { return None };
    let operator = tested.condition.operator;
    if operator.test == Test::Null {
        let here = matches!(tested.had, Had::One(_) | Had::Many(_));
        let words = if here { "there, and the policy wants it absent" } else { "not there, and the policy wants it" };
        return Some(Reason::new(format!("the key is {words}")).policy("remove the condition", [tested.becomes(None)]));
    }
    if !operator.negated {
        return None;
    }
    let had = tested.one()?.to_owned();
    let matches = |value: &&str| if tested.is_wild() { pattern::like(value, &had) } else { *value == had };
    let kept: Vec<String> = tested.values().filter(|value| !matches(value)).map(str::to_owned).collect();
    let edit = if kept.is_empty() { tested.becomes(None) } else { tested.with_values(kept) };
    Some(
        Reason::new(format!(
            "{} lets every value in but those that match, and this one does",
            tested.condition.operator_name.text
        ))
        .policy("if this job is meant to have the role, take the value out of the condition", [edit]),
    )
}

pub(super) fn differs(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let Leaf::Condition(tested) = leaf else { return None };
    let parts = tested.nearest.as_ref().and_then(|(_, difference)| difference.as_ref());
    let parts = parts.map(|difference| difference.segments.as_slice()).unwrap_or_default();
    let why = match parts {
        [] => format!("the policy wants another value of {}", tested.condition.key.text),
        parts => format!("the policy is about another {}", crate::text::listed(parts)),
    };
    Some(
        Reason::new(why).policy("if this job is meant to have the role, accept its value as well", tested.adding(case)),
    )
}

impl Tested<'_> {
    /// With a value that was a pattern, and stays one.
    fn as_written(&self, from: &str, to: &str) -> Edit {
        if pattern::has_wildcard(from) { self.replacing_pattern(from, to) } else { self.replacing(from, to) }
    }

    /// Like `replacing`, with a value that is a pattern.
    fn replacing_pattern(&self, from: &str, to: &str) -> Edit {
        let values = self.values().map(|value| if value == from { to } else { value }.to_owned());
        self.with_values(values.collect())
    }
}
