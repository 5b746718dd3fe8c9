//! A `*` before fixed text, and a branch whose name holds that text.

use super::repair::shown;
use super::{Finding, Findings, Rule, Scope, Severity, Test, View};
use crate::policy::operator;
use crate::policy::pattern;
use crate::policy::sample;
use crate::policy::subject::{self, Chars, Form, Piece, Segment};

pub static TP033: Rule = Rule {
    id: "TP033",
    name: "delimiter-in-branch",
    severity: Severity::High,
    title: "a wildcard before fixed text lets a branch name take the place of that text",
};

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in view.grants() {
        let found: Vec<Finding> = scope
            .on("sub")
            .filter(|test| test.is_required() && test.condition.operator.test == operator::Test::StringLike)
            .filter_map(|test| injected(view, scope, test, findings))
            .collect();
        found.into_iter().for_each(|finding| findings.add(finding));
    }
}

/// Only where the evaluator lets the made-up branch in.
fn injected(view: &View<'_>, scope: &Scope<'_>, test: &Test<'_>, findings: &Findings<'_>) -> Option<Finding> {
    let issuer = scope.issuers.first()?;
    let forms = issuer.kind.subjects();
    test.condition.values.iter().find_map(|value| {
        let (subject, branch) = forms.iter().rev().find_map(|form| forged(forms, form, &value.text))?;
        let mut claims = sample::admitted(view.policy, scope.statement, issuer.host)?;
        claims.insert("sub".to_owned(), subject.into());
        let example = findings.proven("a branch with a name made for it", Some(claims), true)?;
        let message = format!("the branch {} passes {} as well", shown(&branch), shown(&value.text));
        let right = bounded(&value.text);
        let fix = right.as_deref().map_or_else(
            || "write no * before the part that is tested".to_owned(),
            |_| format!("write {ANY_ID} in place of the *: an id has no slash"),
        );
        let finding = Finding::new(&TP033, value.span, message, fix).shown_by(Some(example));
        Some(match right {
            Some(right) => finding.edit(value.span, right),
            None => finding,
        })
    })
}

/// Any id, and nothing that is longer or has a slash.
const ANY_ID: &str = "????????-????-????-????-????????????";

/// CircleCI's pattern with an id in place of what may be anything.
fn bounded(wanted: &str) -> Option<String> {
    let (before, rest) = wanted.split_once("/user/*/")?;
    (!before.contains('*')).then(|| format!("{before}/user/{ANY_ID}/{rest}"))
}

/// A subject that the pattern matches, of another branch than the one that it names: the rest of the
/// pattern stands in the name of the branch.
fn forged(forms: &[Form], form: &Form, wanted: &str) -> Option<(String, String)> {
    let (before, rest) = wanted.split_once('*')?;
    let Some(Piece::Part(last)) = form.last() else { return None };
    let tail = rest.replace(['*', '?'], "x");
    if last.chars != Chars::Any || !matches!(last.name, "ref" | "branch" | "tag") || tail.is_empty() || !is_ref(&tail) {
        return None;
    }
    // Everything else as in a subject that begins like the pattern.
    let start = subject::witness(&[*form], &format!("{before}*"), false)?;
    let (_, segments) = subject::parse(&[*form], &start)?;
    let own = segments.last()?.value;
    let branch = format!("{}{tail}", if own.starts_with("refs/") { "refs/heads/x" } else { "x" });
    let forged = format!("{}{branch}", start.strip_suffix(own)?);
    if !is_ref(&branch) || !pattern::like(wanted, &forged) {
        return None;
    }
    let has = parts(forms, &forged)?;
    let differs = pinned(form, rest)
        .into_iter()
        .any(|(name, meant)| has.iter().any(|segment| segment.name == name && !pattern::like(meant, segment.value)));
    differs.then(|| (forged.clone(), branch.strip_prefix("refs/heads/").unwrap_or(&branch).to_owned()))
}

fn parts<'a>(forms: &[Form], subject: &'a str) -> Option<Vec<Segment<'a>>> {
    // The longest form: the shorter ones of CircleCI are its beginning.
    forms.iter().rev().find_map(|form| subject::parse(&[*form], subject)).map(|(_, segments)| segments)
}

/// What the pattern wants of the parts that it names behind its first wildcard.
fn pinned<'p>(form: &Form, rest: &'p str) -> Vec<(&'static str, &'p str)> {
    let each = form.iter().enumerate().filter_map(|(index, piece)| {
        let (Piece::Fixed(before), Some(Piece::Part(part))) = (piece, form.get(index + 1)) else { return None };
        let (_, value) = rest.split_once(before)?;
        let value = match form.get(index + 2) {
            Some(Piece::Fixed(after)) => value.split(after).next()?,
            _ => value,
        };
        Some((part.name, value))
    });
    each.collect()
}

/// <https://git-scm.com/docs/git-check-ref-format>
fn is_ref(name: &str) -> bool {
    !name.contains("..")
        && !name.contains("//")
        && !name.contains("@{")
        && !name.ends_with(['/', '.'])
        && !name.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_a_branch_can_have_is_a_forgery() {
        for (forms, wanted, possible) in [
            (
                subject::CIRCLECI,
                "org/b38d9c1a/project/7d5e5c1e/user/*/vcs-origin/github.com/acme/api/vcs-ref/refs/heads/main",
                true,
            ),
            (subject::CIRCLECI, "org/b38d9c1a/project/7d5e5c1e/user/*", false),
            (
                subject::CIRCLECI,
                "org/b38d9c1a/project/7d5e5c1e/user/2d9c0e3b/vcs-origin/github.com/acme/api/vcs-ref/refs/heads/*",
                false,
            ),
            (subject::GITHUB, "repo:octo/*:ref:refs/heads/main", false),
            (subject::GITLAB, "project_path:acme/*:ref_type:branch:ref:main", false),
            (subject::BUILDKITE, "organization:acme:pipeline:deploy:ref:refs/heads/main:commit:*:step:*", false),
        ] {
            let found = forms.iter().rev().find_map(|form| forged(forms, form, wanted));
            assert_eq!(found.is_some(), possible, "{wanted}: {found:?}");
        }
    }
}
