//! A pattern for subjects beside the forms that subjects have: which part of it says what.

use crate::policy::pattern;
use crate::policy::placeholder;
use crate::policy::subject::{Form, Piece};

/// What a pattern says of each part of a subject, as far as it says anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub parts: Vec<Part>,
    /// What is left to the caller behind the last of the parts.
    pub rest: Rest,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub name: &'static str,
    /// As written, wildcards included.
    pub text: String,
    pub is_exact: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    Nothing,
    /// A `*` at the end stands for it; these are the names of the parts in it, in all of the forms.
    Open(Vec<&'static str>),
}

/// The ways to read the pattern, one for each form that it fits. `literal`: `*` and `?` mean themselves.
pub(super) fn cut(forms: &[Form], text: &str, literal: bool) -> Vec<Cut> {
    let (text, names) = marked(text);
    let mut cuts: Vec<Cut> = Vec::new();
    for form in forms {
        let mut taken = Vec::new();
        let Some(rest) = take(form, &text, literal, &mut taken) else { continue };
        let wild = |text: &str| !literal && text.contains(['*', '?']);
        let part = |(name, text)| Part { name, text: restored(text, &names), is_exact: !wild(text) };
        let parts: Vec<Part> = taken.into_iter().map(part).collect();
        let open = cuts.iter_mut().find(|cut| cut.parts == parts && cut.rest != Rest::Nothing);
        match (open, rest) {
            (Some(Cut { rest: Rest::Open(known), .. }), Rest::Open(more)) => {
                known.extend(more.into_iter().filter(|name| !known.contains(name)).collect::<Vec<_>>());
            }
            (_, rest) => cuts.push(Cut { parts, rest }),
        }
    }
    // A `*` for the last part of one form is the one for the rest of another.
    let open: Vec<Vec<Part>> =
        cuts.iter().filter(|cut| cut.rest != Rest::Nothing).map(|cut| cut.parts.clone()).collect();
    cuts.retain(|cut| match cut.parts.split_last() {
        Some((last, parts)) => {
            !(cut.rest == Rest::Nothing && last.text == "*" && open.iter().any(|open| open == parts))
        }
        None => true,
    });
    cuts
}

/// The names of the parts, each with its text.
fn take<'t>(
    form: &'static [Piece],
    text: &'t str,
    literal: bool,
    parts: &mut Vec<(&'static str, &'t str)>,
) -> Option<Rest> {
    let Some((piece, later)) = form.split_first() else { return text.is_empty().then_some(Rest::Nothing) };
    let open = || Rest::Open(form.iter().filter_map(name).collect());
    if text == "*" && !literal && (matches!(piece, Piece::Fixed(_)) || !later.is_empty()) {
        return Some(open());
    }
    match piece {
        Piece::Fixed(fixed) => match text.strip_prefix(fixed) {
            Some(text) => take(later, text, literal, parts),
            None if literal => None,
            None => text.strip_suffix('*').is_some_and(|start| fixed.starts_with(start)).then(open),
        },
        Piece::Part(part) => {
            let wild = |c: char| !literal && (c == '*' || c == '?');
            let ends = text.char_indices().map(|(at, c)| (at, Some(c))).chain([(text.len(), None)]);
            for (end, c) in ends {
                if (end > 0 || part.may_be_empty)
                    && let Some((value, after)) = text.split_at_checked(end)
                {
                    // A `*` behind a part that has begun takes more of it, and everything behind.
                    if after == "*" && !literal && end > 0 && !value.ends_with('*') {
                        parts.push((part.name, text));
                        let names: Vec<&str> = later.iter().filter_map(name).collect();
                        return Some(if later.is_empty() { Rest::Nothing } else { Rest::Open(names) });
                    }
                    parts.push((part.name, value));
                    if let Some(rest) = take(later, after, literal, parts) {
                        return Some(rest);
                    }
                    parts.pop();
                }
                if c.is_none_or(|c| !part.chars.admits(c) && !wild(c) && !is_mark(c)) {
                    return None;
                }
            }
            None
        }
    }
}

fn name(piece: &Piece) -> Option<&'static str> {
    match piece {
        Piece::Fixed(_) => None,
        Piece::Part(part) => Some(part.name),
    }
}

/// What a template leaves open is one character here, which every part takes.
fn marked(text: &str) -> (String, Vec<String>) {
    let mut names = Vec::new();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some((name, behind)) =
            after.split_once('}').filter(|(name, _)| placeholder::is_in(&format!("${{{name}}}")))
        else {
            out.push_str("${");
            rest = after;
            continue;
        };
        out.extend(mark(names.len()));
        names.push(format!("${{{name}}}"));
        rest = behind;
    }
    out.push_str(rest);
    (out, names)
}

fn restored(text: &str, names: &[String]) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match names.iter().enumerate().find(|(index, _)| mark(*index) == Some(c)) {
            Some((_, name)) => out.push_str(name),
            None => out.push(c),
        }
    }
    out
}

const FIRST_MARK: u32 = 0x10_f000;
const MARKS: u32 = 0xf00;

/// Of Unicode's private use.
fn mark(index: usize) -> Option<char> {
    let index = u32::try_from(index).ok().filter(|index| *index < MARKS)?;
    char::from_u32(FIRST_MARK + index)
}

fn is_mark(c: char) -> bool {
    (FIRST_MARK..FIRST_MARK + MARKS).contains(&u32::from(c))
}

/// Whether the pattern says nothing at all.
pub(super) fn is_anything(text: &str, literal: bool) -> bool {
    !literal && pattern::has_wildcard(text) && text.chars().all(|c| c == '*' || c == '?')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::subject::{BITBUCKET, BUILDKITE, CIRCLECI, GITHUB, GITLAB};

    #[test]
    fn patterns_are_taken_apart() {
        let shown = |forms, text: &str, literal| {
            let each = cut(forms, text, literal).into_iter().map(|cut| {
                let parts: Vec<String> = cut.parts.iter().map(|part| format!("{}={}", part.name, part.text)).collect();
                let rest = match cut.rest {
                    Rest::Nothing => String::new(),
                    Rest::Open(names) => format!(" +{}", names.join("+")),
                };
                format!("{}{rest}", parts.join(" "))
            });
            each.collect::<Vec<_>>().join(" | ")
        };
        for (forms, text, literal, expected) in [
            (GITHUB, "repo:o/r:environment:prod", true, "owner=o repository=r environment=prod"),
            (GITHUB, "repo:o/r:*", false, "owner=o repository=r +environment+ref"),
            (GITHUB, "repo:o/r:ref:refs/heads/*", false, "owner=o repository=r ref=refs/heads/*"),
            (GITHUB, "repo:o/*", false, "owner=o +repository+environment+ref"),
            (GITHUB, "repo:o/app*", false, "owner=o repository=app* +environment+ref"),
            (GITHUB, "repo:*", false, " +owner+repository+environment+ref+owner id+repository id"),
            (GITHUB, "repo:o/${Repository}:pull_request", false, "owner=o repository=${Repository}"),
            (GITHUB, "repo:o/r:*", true, ""),
            (GITHUB, "o/r:*", false, ""),
            (GITLAB, "project_path:acme/*:ref_type:branch:ref:main", false, "project=acme/* branch=main"),
            (GITLAB, "project_path:acme/api:*", false, "project=acme/api +branch+tag"),
            (BUILDKITE, "organization:a:pipeline:*", false, "organization=a +pipeline+ref+commit+step"),
            (CIRCLECI, "org/a/project/b/user/*", false, "organization id=a project id=b +user id+repository+ref"),
            (BITBUCKET, "{a}:*", false, "repository=a +step+environment"),
        ] {
            assert_eq!(shown(forms, text, literal), expected, "{text}");
        }
    }
}
