//! What GitHub puts into its subjects.
//! <https://docs.github.com/en/actions/reference/security/oidc>

use super::Reason;
use super::value::text_test;
use crate::policy::document::Condition;
use crate::policy::explain::case::{Case, Leaf};
use crate::policy::issuer::Kind;
use crate::policy::pattern;

pub(super) fn ids(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let (tested, had) = text_test(leaf)?;
    if case.kind != Kind::GitHub || !tested.is_sub() {
        return None;
    }
    let value = tested.value_after(without_ids)?;
    let why = if had.contains('@') {
        format!(
            "the token's subject has ids behind the names, as those of repositories since 15 July 2026 do; the policy has \"{value}\""
        )
    } else {
        "the policy has ids behind the names, and the subjects of this repository have none".to_owned()
    };
    let mut other = tested.adding(case);
    if let Some(crate::policy::explain::fix::Edit::Condition { becomes: Some(wanted), .. }) = &mut other
        && tested.is_wild()
        && let Some(last) = wanted.values.last_mut()
    {
        // The policy's own pattern goes on after the repository.
        if let (Some((head, _)), Some((_, tail))) = (split(had), split(value)) {
            *last = format!("{head}{tail}");
        }
    }
    Some(Reason::new(why).policy(format!("accept both forms: \"{value}\" and that of \"{had}\""), other))
}

pub(super) fn context(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let (tested, had) = text_test(leaf)?;
    if case.kind != Kind::GitHub || !tested.is_sub() {
        return None;
    }
    let plain = without_ids(had);
    let (repository, context) = split(&plain).map(|(head, rest)| (head, rest.trim_start_matches(':')))?;
    let same = |value: &&str| {
        let value = without_ids(value);
        let of_same = split(&value).filter(|(head, _)| pattern::like(head, repository));
        of_same.is_some_and(|(_, wanted)| kind_of(wanted) != kind_of(context))
    };
    let value = tested.values().find(same)?;
    let (why, pipeline) = match kind_of(context) {
        Context::Environment => {
            let name = context.strip_prefix("environment:").unwrap_or_default();
            (
                format!(
                    "a job with `environment: {name}` gets a subject that ends in environment:{name} and names no branch"
                ),
                Some(format!("drop `environment: {name}` from the job")),
            )
        }
        Context::PullRequest => (
            "a job that runs for a pull request gets a subject that ends in pull_request, whatever the branch"
                .to_owned(),
            Some("run the job for a push; a role that writes is better kept from pull requests".to_owned()),
        ),
        Context::MergeQueue => (
            "a merge queue runs on a branch of its own, gh-readonly-queue/…".to_owned(),
            Some("run the job for the push that follows the merge".to_owned()),
        ),
        Context::Tag => {
            ("the job runs for a tag, so its subject ends in refs/tags/… and names no branch".to_owned(), None)
        }
        Context::Branch => {
            let needs = match kind_of(split(&without_ids(value))?.1) {
                Context::Environment => "the policy wants a job with an `environment:`, and this one has none",
                Context::PullRequest => "the policy is for pull requests, and this job runs for a branch",
                Context::Tag => "the policy is for tags, and this job runs for a branch",
                _ => "the policy is for another kind of event than a push to a branch",
            };
            let wanted = split(value)?.1.strip_prefix(":environment:").filter(|name| !pattern::has_wildcard(name));
            (needs.to_owned(), wanted.map(|name| format!("give the job `environment: {name}`")))
        }
        Context::Other => return None,
    };
    let reason = Reason::new(why).policy(format!("accept \"{had}\" as well"), tested.adding(case));
    Some(match pipeline {
        Some(words) => reason.pipeline(words),
        None => reason,
    })
}

pub(super) fn renamed(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<Reason> {
    let (tested, _) = text_test(leaf)?;
    if case.kind != Kind::GitHub || !["sub", "repository"].contains(&tested.name().as_str()) {
        return None;
    }
    let id = case.claim("repository_id")?;
    let names_id = |condition: &Condition| {
        condition.key.text.eq_ignore_ascii_case(&case.key("repository_id"))
            && condition.values.iter().any(|value| value.text == id)
    };
    let name = case.claim("repository")?;
    let (value, _) = tested.nearest.as_ref()?;
    let old = without_ids(value);
    let old = if tested.is_sub() { split(&old)?.0.trim_start_matches("repo:").to_owned() } else { old };
    if !case.statement?.conditions.iter().any(names_id) || pattern::like(&old, &name) {
        return None;
    }
    Some(
        Reason::new(format!("the repository with the id {id} is called {name} now, and the policy has {old}: it was renamed or transferred"))
            .policy(format!("write {name} in the place of {old}"), tested.adding(case)),
    )
}

/// `repo:octo@1/api@2:…` as it was before ids.
fn without_ids(subject: &str) -> String {
    let Some((head, tail)) = split(subject) else { return subject.to_owned() };
    let part = |part: &str| match part.split_once('@') {
        Some((name, id)) if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'*') => {
            name.to_owned()
        }
        _ => part.to_owned(),
    };
    let parts: Vec<String> = head.split('/').map(part).collect();
    format!("{}{tail}", parts.join("/"))
}

/// The repository, with `repo:` before it, and the rest, with its colon.
fn split(subject: &str) -> Option<(&str, &str)> {
    let rest = subject.strip_prefix("repo:")?;
    let at = rest.find(':')? + "repo:".len();
    Some((subject.get(..at)?, subject.get(at..)?))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Environment,
    PullRequest,
    MergeQueue,
    Tag,
    Branch,
    Other,
}

fn kind_of(context: &str) -> Context {
    let context = context.strip_prefix(':').unwrap_or(context);
    match context {
        _ if context.starts_with("environment:") => Context::Environment,
        "pull_request" => Context::PullRequest,
        _ if context.starts_with("ref:refs/heads/gh-readonly-queue/") => Context::MergeQueue,
        _ if context.starts_with("ref:refs/tags/") => Context::Tag,
        _ if context.starts_with("ref:") => Context::Branch,
        _ => Context::Other,
    }
}
