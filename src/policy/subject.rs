//! The subjects that each CI writes, taken apart: which part is the organisation, which the branch.
//!
//! A [`Form`] is what a subject can look like. With it a subject or a policy's value is cut into
//! named parts, and a pattern is asked whether it can match any subject at all, with one that it
//! does match as the proof.

use super::pattern::like;

/// One form of a subject: fixed text and named parts, in turn.
pub type Form = &'static [Piece];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    Fixed(&'static str),
    Part(Part),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// In the words of the CI: `owner`, `branch`.
    pub name: &'static str,
    pub chars: Chars,
    pub may_be_empty: bool,
    /// For examples.
    pub sample: &'static str,
}

/// The characters that a part is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chars {
    /// Letters, digits, `-`, `_`, `.`
    Name,
    /// The same, and `/`.
    Path,
    Digits,
    /// Hexadecimal digits and `-`.
    Uuid,
    /// Everything but `:`.
    NoColon,
    Any,
}

impl Chars {
    #[must_use]
    pub fn admits(self, c: char) -> bool {
        match self {
            Self::Name => c.is_ascii_alphanumeric() || "-_.".contains(c),
            Self::Path => c.is_ascii_alphanumeric() || "-_./".contains(c),
            Self::Digits => c.is_ascii_digit(),
            Self::Uuid => c.is_ascii_hexdigit() || c == '-',
            Self::NoColon => c != ':',
            Self::Any => true,
        }
    }
}

const fn part(name: &'static str, chars: Chars, sample: &'static str) -> Piece {
    Piece::Part(Part { name, chars, may_be_empty: false, sample })
}

const fn fixed(text: &'static str) -> Piece {
    Piece::Fixed(text)
}

const OWNER: Piece = part("owner", Chars::Name, "octo-org");
const OWNER_ID: Piece = part("owner id", Chars::Digits, "9919");
const REPOSITORY: Piece = part("repository", Chars::Name, "octo-repo");
const REPOSITORY_ID: Piece = part("repository id", Chars::Digits, "74");
const ENVIRONMENT: Piece = part("environment", Chars::NoColon, "production");
const REF: Piece = part("ref", Chars::NoColon, "refs/heads/main");

/// What `repository` says in a token of GitHub.
pub const REPOSITORY_NAME: Form = &[OWNER, fixed("/"), REPOSITORY];

/// <https://docs.github.com/en/actions/reference/security/oidc#example-subject-claims>
pub const GITHUB: &[Form] = &[
    &[fixed("repo:"), OWNER, fixed("/"), REPOSITORY, fixed(":environment:"), ENVIRONMENT],
    &[fixed("repo:"), OWNER, fixed("/"), REPOSITORY, fixed(":pull_request")],
    &[fixed("repo:"), OWNER, fixed("/"), REPOSITORY, fixed(":ref:"), REF],
    &[
        fixed("repo:"),
        OWNER,
        fixed("@"),
        OWNER_ID,
        fixed("/"),
        REPOSITORY,
        fixed("@"),
        REPOSITORY_ID,
        fixed(":environment:"),
        ENVIRONMENT,
    ],
    &[
        fixed("repo:"),
        OWNER,
        fixed("@"),
        OWNER_ID,
        fixed("/"),
        REPOSITORY,
        fixed("@"),
        REPOSITORY_ID,
        fixed(":pull_request"),
    ],
    &[
        fixed("repo:"),
        OWNER,
        fixed("@"),
        OWNER_ID,
        fixed("/"),
        REPOSITORY,
        fixed("@"),
        REPOSITORY_ID,
        fixed(":ref:"),
        REF,
    ],
];

/// <https://docs.gitlab.com/ci/secrets/id_token_authentication/>
pub const GITLAB: &[Form] = &[
    &[
        fixed("project_path:"),
        part("project", Chars::Path, "acme/api"),
        fixed(":ref_type:branch:ref:"),
        part("branch", Chars::Any, "main"),
    ],
    &[
        fixed("project_path:"),
        part("project", Chars::Path, "acme/api"),
        fixed(":ref_type:tag:ref:"),
        part("tag", Chars::Any, "v1.0.0"),
    ],
];

/// <https://buildkite.com/docs/pipelines/security/oidc>
pub const BUILDKITE: &[Form] = &[
    &[
        fixed("organization:"),
        part("organization", Chars::Name, "acme"),
        fixed(":pipeline:"),
        part("pipeline", Chars::Name, "deploy"),
        fixed(":ref:"),
        part("ref", Chars::Any, "refs/heads/main"),
        fixed(":commit:"),
        part("commit", Chars::NoColon, "9f3182061f1e2cca4702c368cbc039b7dc9d4485"),
        fixed(":step:"),
        Piece::Part(Part { name: "step", chars: Chars::NoColon, may_be_empty: true, sample: "deploy" }),
    ],
    // `--subject-claim pipeline_id` and its kin
    &[part("id", Chars::Uuid, "0184990a-477b-4fa8-9968-496074483cee")],
];

/// <https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/>
pub const CIRCLECI: &[Form] = &[
    &[
        fixed("org/"),
        part("organization id", Chars::Uuid, "b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11"),
        fixed("/project/"),
        part("project id", Chars::Uuid, "7d5e5c1e-7a54-4b7e-9ad5-0c2cf1b6a1a2"),
        fixed("/user/"),
        part("user id", Chars::Uuid, "2d9c0e3b-8b7a-4f0e-8b44-3e6f3c6f2f55"),
    ],
    &[
        fixed("org/"),
        part("organization id", Chars::Uuid, "b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11"),
        fixed("/project/"),
        part("project id", Chars::Uuid, "7d5e5c1e-7a54-4b7e-9ad5-0c2cf1b6a1a2"),
        fixed("/user/"),
        part("user id", Chars::Uuid, "2d9c0e3b-8b7a-4f0e-8b44-3e6f3c6f2f55"),
        fixed("/vcs-origin/"),
        part("repository", Chars::Path, "github.com/acme/api"),
        fixed("/vcs-ref/"),
        part("ref", Chars::Any, "refs/heads/main"),
    ],
];

/// <https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/>
pub const BITBUCKET: &[Form] = &[
    &[
        fixed("{"),
        part("repository", Chars::Uuid, "5d4f1c9e-2f6b-4f0c-9a0f-1f6a2b3c4d5e"),
        fixed("}:{"),
        part("step", Chars::Uuid, "0b7a9d1c-3e5f-4a6b-8c7d-9e0f1a2b3c4d"),
        fixed("}"),
    ],
    &[
        fixed("{"),
        part("repository", Chars::Uuid, "5d4f1c9e-2f6b-4f0c-9a0f-1f6a2b3c4d5e"),
        fixed("}:{"),
        part("environment", Chars::Uuid, "7c8d9e0f-1a2b-4c3d-8e4f-5a6b7c8d9e0f"),
        fixed("}:{"),
        part("step", Chars::Uuid, "0b7a9d1c-3e5f-4a6b-8c7d-9e0f1a2b3c4d"),
        fixed("}"),
    ],
];

/// <https://docs.bitrise.io/en/bitrise-ci/configure-builds/oidc-for-aws.html>
pub const BITRISE: &[Form] = &[&[
    fixed("app:"),
    part("app", Chars::Name, "c6d2a5b8e1f34a7b"),
    fixed(":workflow:"),
    part("workflow", Chars::Any, "deploy"),
]];

/// <https://learn.microsoft.com/azure/devops/pipelines/library/connect-to-azure>
pub const AZURE_DEVOPS: &[Form] = &[
    &[
        fixed("sc://"),
        part("organization", Chars::Name, "acme"),
        fixed("/"),
        part("project", Chars::NoColon, "shop"),
        fixed("/"),
        part("service connection", Chars::NoColon, "aws-deploy"),
    ],
    &[
        fixed("p://"),
        part("organization", Chars::Name, "acme"),
        fixed("/"),
        part("project", Chars::NoColon, "shop"),
        fixed("/"),
        part("pipeline", Chars::NoColon, "deploy"),
    ],
];

/// <https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/workload-identity-tokens>
pub const TERRAFORM_CLOUD: &[Form] = &[&[
    fixed("organization:"),
    part("organization", Chars::Name, "acme"),
    fixed(":project:"),
    part("project", Chars::NoColon, "shop"),
    fixed(":workspace:"),
    part("workspace", Chars::NoColon, "prod"),
    fixed(":run_phase:"),
    part("phase", Chars::Name, "apply"),
]];

/// No trust policy is longer, and no subject: what is, is none of these forms.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const LONGEST: usize = 4096;

/// A named part of one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    pub name: &'static str,
    pub value: &'a str,
}

/// The parts of a subject in the first form that it has. `None`: it has none of them, so that the
/// CI was told to write subjects in another way.
#[must_use]
pub fn parse<'a>(forms: &[Form], subject: &'a str) -> Option<(Form, Vec<Segment<'a>>)> {
    if subject.len() > LONGEST {
        return None;
    }
    forms.iter().find_map(|form| {
        let mut segments = Vec::new();
        take(form, subject, &mut segments).then_some((*form, segments))
    })
}

/// As short as it can be, part by part; a part that holds its own delimiter takes as much as it has to.
fn take<'a>(form: &'static [Piece], text: &'a str, segments: &mut Vec<Segment<'a>>) -> bool {
    let Some((piece, rest)) = form.split_first() else { return text.is_empty() };
    match piece {
        Piece::Fixed(fixed) => text.strip_prefix(fixed).is_some_and(|text| take(rest, text, segments)),
        Piece::Part(part) => {
            // Only where what follows can start; so a long text costs little.
            let can_start = |after: &str| match rest.first() {
                Some(Piece::Fixed(next)) => after.starts_with(next),
                Some(Piece::Part(_)) => true,
                None => after.is_empty(),
            };
            let ends = text.char_indices().map(|(at, c)| (at, Some(c))).chain([(text.len(), None)]);
            for (end, c) in ends {
                if (end > 0 || part.may_be_empty)
                    && let Some((value, after)) = text.split_at_checked(end)
                    && can_start(after)
                {
                    segments.push(Segment { name: part.name, value });
                    if take(rest, after, segments) {
                        return true;
                    }
                    segments.pop();
                }
                if c.is_none_or(|c| !part.chars.admits(c)) {
                    return false;
                }
            }
            false
        }
    }
}

/// A policy's value beside the form that it is written after.
#[derive(Clone, Copy, Debug)]
pub struct Aligned<'p> {
    pub form: Form,
    segments: [Segment<'p>; MAX_PARTS],
    starts: [usize; MAX_PARTS],
    count: usize,
    /// What is left of the pattern from the wildcard on that takes all further parts; nothing where
    /// the pattern goes through the whole form.
    pub tail: Option<&'p str>,
}

const MAX_PARTS: usize = 8;

impl<'p> Aligned<'p> {
    #[must_use]
    pub fn segments(&self) -> &[Segment<'p>] {
        self.segments.get(..self.count).unwrap_or_default()
    }

    /// The text that the pattern has for a part, its wildcards included.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'p str> {
        self.segments().iter().find(|segment| segment.name == name).map(|segment| segment.value)
    }

    /// Where the text of a part stands in the pattern.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<std::ops::Range<usize>> {
        let index = self.segments().iter().position(|segment| segment.name == name)?;
        let start = *self.starts.get(index)?;
        Some(start..start + self.segments.get(index)?.value.len())
    }
}

/// A pattern cut into the parts of the form that it follows the furthest. Unlike [`witness`] it
/// reads the pattern as its author did: a wildcard belongs to the part in which it stands.
#[must_use]
pub fn align<'p>(forms: &[Form], pattern: &'p str, literal: bool) -> Option<Aligned<'p>> {
    if pattern.len() > LONGEST {
        return None;
    }
    let mut best: Option<(usize, Aligned<'p>)> = None;
    for form in forms {
        if let Some((length, aligned)) = align_to(form, pattern, literal)
            && best.as_ref().is_none_or(|(longest, _)| length > *longest)
        {
            best = Some((length, aligned));
            if length == pattern.len() {
                break; // no form goes further
            }
        }
    }
    best.map(|(_, aligned)| aligned)
}

fn align_to<'p>(form: Form, pattern: &'p str, literal: bool) -> Option<(usize, Aligned<'p>)> {
    let is_wild = |c: char| !literal && matches!(c, '*' | '?');
    let empty = Segment { name: "", value: "" };
    let mut aligned = Aligned { form, segments: [empty; MAX_PARTS], starts: [0; MAX_PARTS], count: 0, tail: None };
    let mut at = 0;
    for (index, piece) in form.iter().enumerate() {
        let rest = pattern.get(at..)?;
        match piece {
            Piece::Fixed(text) => match common(text, rest, literal) {
                Common::All => at += text.len(),
                Common::Wild(length) => {
                    aligned.tail = pattern.get(at + length..);
                    return Some((at + length, aligned));
                }
                // The wildcard before it takes this text as well.
                Common::Ends | Common::Differs
                    if aligned.segments().last().is_some_and(|last| !literal && last.value.ends_with('*')) =>
                {
                    aligned.tail = Some(rest);
                    return Some((at, aligned));
                }
                Common::Ends | Common::Differs => return None,
            },
            Piece::Part(part) => {
                let next = match form.get(index + 1) {
                    Some(Piece::Fixed(next)) => Some(*next),
                    _ => None,
                };
                let first = next.and_then(|next| next.chars().next());
                let ends = |place: usize| {
                    let after = next.zip(rest.get(place..)).map(|(next, rest)| common(next, rest, literal));
                    match after {
                        Some(Common::All) => true,
                        Some(Common::Wild(length)) => length > 0,
                        _ => false,
                    }
                };
                let is_over = |(place, c): &(usize, char)| {
                    (first == Some(*c) && ends(*place)) || !(part.chars.admits(*c) || is_wild(*c))
                };
                let length = rest.char_indices().find(is_over).map_or(rest.len(), |(place, _)| place);
                let value = rest.get(..length)?;
                if value.is_empty() && !part.may_be_empty {
                    return None;
                }
                *aligned.starts.get_mut(aligned.count)? = at;
                *aligned.segments.get_mut(aligned.count)? = Segment { name: part.name, value };
                aligned.count += 1;
                at += length;
            }
        }
    }
    let left = pattern.get(at..)?;
    let over = !literal && left.bytes().all(|byte| byte == b'*');
    (left.is_empty() || over).then_some((at, aligned))
}

/// How far a pattern goes along with fixed text.
enum Common {
    All,
    /// Up to a wildcard, after so many bytes.
    Wild(usize),
    /// The pattern ends before the text does.
    Ends,
    Differs,
}

fn common(fixed: &str, pattern: &str, literal: bool) -> Common {
    for (at, wanted) in fixed.bytes().enumerate() {
        match pattern.as_bytes().get(at) {
            None => return Common::Ends,
            Some(byte) if *byte == wanted => {}
            Some(b'*' | b'?') if !literal => return Common::Wild(at),
            Some(_) => return Common::Differs,
        }
    }
    Common::All
}

/// A subject of this form.
#[must_use]
pub fn sample(form: Form) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Fixed(text) => *text,
        Piece::Part(part) => part.sample,
    };
    form.iter().map(text).collect()
}

/// A subject of one of these forms that `pattern` matches. `None`: it can match none.
///
/// The pattern is one of `StringLike`, or, with `literal`, text in which `*` and `?` mean themselves.
#[must_use]
pub fn witness(forms: &[Form], pattern: &str, literal: bool) -> Option<String> {
    filled(forms, pattern, literal).or_else(|| forms.iter().find_map(|form| witness_of(form, pattern, literal)))
}

/// The pattern as its author read it, with samples for what is open.
fn filled(forms: &[Form], pattern: &str, literal: bool) -> Option<String> {
    let aligned = align(forms, pattern, literal)?;
    let mut text = String::with_capacity(pattern.len());
    let mut segments = aligned.segments().iter();
    for piece in aligned.form {
        match piece {
            Piece::Fixed(fixed) => text.push_str(fixed),
            Piece::Part(part) => match segments.next() {
                None => text.push_str(part.sample),
                Some(segment) if literal || !segment.value.contains(['*', '?']) => text.push_str(segment.value),
                Some(segment) if like(segment.value, part.sample) => text.push_str(part.sample),
                Some(segment) => {
                    // What the wildcard at the end takes is the rest of the form.
                    let last = aligned.tail.is_some() && segments.len() == 0;
                    let value = if last { segment.value.trim_end_matches('*') } else { segment.value };
                    text.push_str(&value.replace(['*', '?'], "1"));
                }
            },
        }
    }
    let fits = if literal { pattern == text } else { like(pattern, &text) };
    (fits && parse(forms, &text).is_some()).then_some(text)
}

/// Walks pattern and form side by side, the whole sample of each part first, so that what comes of it
/// reads like a subject. A state is a place in each; every state is entered once.
fn witness_of(form: Form, pattern: &str, literal: bool) -> Option<String> {
    if pattern.len() > LONGEST {
        return None;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let form = steps(form);
    let width = form.len() + 1;
    let states = (pattern.len() + 1) * width;
    // How each state was reached: from which, and by which character.
    let mut from: Vec<Option<(usize, Option<char>)>> = vec![None; states];
    let mut seen = vec![false; states];
    let mut stack = vec![(0, 0, None)];
    while let Some((state, before, c)) = stack.pop() {
        match seen.get_mut(state) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        if let Some(slot) = from.get_mut(state).filter(|_| state > 0) {
            *slot = Some((before, c));
        }
        let (p, f) = (state / width, state % width);
        if p == pattern.len() && f == form.len() {
            let mut text: Vec<char> = Vec::new();
            let mut at = state;
            while let Some(Some((before, c))) = from.get(at) {
                text.extend(c);
                at = *before;
            }
            return Some(text.iter().rev().collect());
        }
        let mut go = |p: usize, f: usize, c: Option<char>| stack.push((p * width + f, state, c));
        let wild = pattern.get(p).copied().filter(|_| !literal);
        // The last that is pushed is tried first.
        if wild == Some('*') {
            go(p + 1, f, None);
        }
        let Some(step) = form.get(f) else { continue };
        if step.skippable {
            go(p, f + 1, None);
        }
        // The character that both take, if they can take the same one.
        let c = match (pattern.get(p), wild) {
            (_, Some('*' | '?')) => step.sample,
            (Some(c), _) if step.admits(*c) => *c,
            _ => continue,
        };
        let next = if wild == Some('*') { p } else { p + 1 };
        if step.repeats {
            go(next, f, Some(c));
        }
        go(next, f + 1, Some(c));
    }
    None
}

/// One character of a form.
struct Step {
    fixed: Option<char>,
    chars: Chars,
    sample: char,
    /// More of its kind may follow.
    repeats: bool,
    skippable: bool,
}

impl Step {
    fn admits(&self, c: char) -> bool {
        self.fixed.map_or_else(|| self.chars.admits(c), |fixed| fixed == c)
    }
}

/// The form character by character. The sample of a part stands for characters that a wildcard takes.
fn steps(form: Form) -> Vec<Step> {
    let mut steps = Vec::new();
    for piece in form {
        match piece {
            Piece::Fixed(text) => steps.extend(text.chars().map(|c| Step {
                fixed: Some(c),
                chars: Chars::Any,
                sample: c,
                repeats: false,
                skippable: false,
            })),
            Piece::Part(part) => {
                let last = part.sample.chars().count().saturating_sub(1);
                steps.extend(part.sample.chars().enumerate().map(|(index, c)| Step {
                    fixed: None,
                    chars: part.chars,
                    sample: c,
                    repeats: true,
                    // The first is needed, and all the others can be left out.
                    skippable: index < last || part.may_be_empty,
                }));
            }
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::super::issuer::Kind;
    use super::*;

    #[test]
    fn subjects_are_taken_apart() {
        let parts = |forms, subject: &str| {
            parse(forms, subject).map(|(_, segments)| {
                segments
                    .iter()
                    .map(|segment| format!("{}={}", segment.name, segment.value))
                    .collect::<Vec<_>>()
                    .join(" ")
            })
        };
        for (forms, subject, expected) in [
            (GITHUB, "repo:o/r:environment:prod", Some("owner=o repository=r environment=prod")),
            (GITHUB, "repo:o/r:ref:refs/heads/a/b", Some("owner=o repository=r ref=refs/heads/a/b")),
            (GITHUB, "repo:o@1/r@2:pull_request", Some("owner=o owner id=1 repository=r repository id=2")),
            (GITHUB, "repo:o/r", None),
            (GITHUB, "repository_id:74", None),
            (GITLAB, "project_path:g/s/p:ref_type:tag:ref:v1", Some("project=g/s/p tag=v1")),
            (
                BUILDKITE,
                "organization:a:pipeline:p:ref:refs/heads/x:commit:c:step:",
                Some("organization=a pipeline=p ref=refs/heads/x commit=c step="),
            ),
            (BUILDKITE, "0184990a-477b-4fa8-9968-496074483cee", Some("id=0184990a-477b-4fa8-9968-496074483cee")),
            (BITBUCKET, "{a}:{b}:{c}", Some("repository=a environment=b step=c")),
            (
                CIRCLECI,
                "org/a/project/b/user/c/vcs-origin/github.com/o/r/vcs-ref/refs/heads/m",
                Some("organization id=a project id=b user id=c repository=github.com/o/r ref=refs/heads/m"),
            ),
        ] {
            assert_eq!(parts(forms, subject).as_deref(), expected, "{subject}");
        }
    }

    #[test]
    fn a_pattern_that_can_match_has_a_witness() {
        for (forms, pattern, possible) in [
            (GITHUB, "*", true),
            (GITHUB, "repo:octo/*", true),
            (GITHUB, "repo:octo/app:ref:refs/heads/*", true),
            (GITHUB, "repo:octo/app:environment:prod", true),
            (GITHUB, "repo:octo*", true),
            (GITHUB, "repo:octo/app:branch:main", false),
            (GITHUB, "octo/app:*", false),
            (GITHUB, "repo:octo:*", false),
            (AZURE_DEVOPS, "sc:///acme/shop/deploy", false),
            (AZURE_DEVOPS, "sc://acme/shop/deploy", true),
            (CIRCLECI, "repo/octo/app", false),
            (CIRCLECI, "org/*/project/*/user/*", true),
            (BITBUCKET, "{5d4f1c9e-2f6b-4f0c-9a0f-1f6a2b3c4d5e}:*", true),
            (BITBUCKET, "5d4f1c9e-2f6b-4f0c-9a0f-1f6a2b3c4d5e:*", false),
            (BUILDKITE, "organization:acme:pipeline:x:*", true),
        ] {
            let found = witness(forms, pattern, false);
            assert_eq!(found.is_some(), possible, "{pattern}: {found:?}");
            if let Some(subject) = found {
                assert!(like(pattern, &subject), "{pattern} {subject}");
                assert!(parse(forms, &subject).is_some(), "{subject}");
            }
        }
        assert_eq!(witness(GITHUB, "repo:o/r:*", true), None, "a `*` is an ordinary character there");
    }

    #[test]
    fn patterns_are_cut_as_their_authors_read_them() {
        for (forms, pattern, expected) in [
            (GITHUB, "repo:octo/app:*", Some("owner=octo repository=app tail=*")),
            (GITHUB, "repo:octo/app*", Some("owner=octo repository=app* tail=")),
            (GITHUB, "repo:octo*", Some("owner=octo* tail=")),
            (GITHUB, "repo:octo*/app:ref:refs/heads/main", Some("owner=octo* repository=app ref=refs/heads/main")),
            (GITHUB, "repo:octo/*:ref:refs/heads/*", Some("owner=octo repository=* ref=refs/heads/*")),
            (
                GITHUB,
                "repo:octo@9919/app@74:*",
                Some("owner=octo owner id=9919 repository=app repository id=74 tail=*"),
            ),
            (GITHUB, "repo:octo*:ref:refs/heads/main", Some("owner=octo* tail=:ref:refs/heads/main")),
            (GITHUB, "*:ref:refs/heads/main", Some("tail=*:ref:refs/heads/main")),
            (GITHUB, "repo:octo/app", None),
            (GITHUB, "octo/app:*", None),
            (
                BUILDKITE,
                "organization:a:pipeline:p:ref:refs/heads/main:*",
                Some("organization=a pipeline=p ref=refs/heads/main tail=*"),
            ),
            (
                BUILDKITE,
                "organization:a:pipeline:p:ref:refs/heads/main:commit:*",
                Some("organization=a pipeline=p ref=refs/heads/main commit=* tail="),
            ),
            (BITBUCKET, "{a}:{b}:*", Some("repository=a environment=b tail=*")),
            (GITLAB, "project_path:g/p:ref_type:branch:ref:*", Some("project=g/p branch=*")),
        ] {
            let cut = align(forms, pattern, false).map(|aligned| {
                let parts = aligned.segments().iter().map(|segment| format!("{}={}", segment.name, segment.value));
                parts.chain(aligned.tail.map(|tail| format!("tail={tail}"))).collect::<Vec<_>>().join(" ")
            });
            assert_eq!(cut.as_deref(), expected, "{pattern}");
        }
    }

    #[test]
    fn the_samples_are_subjects() {
        for kind in Kind::ALL {
            for form in kind.subjects() {
                let sample = sample(form);
                assert_eq!(witness(&[*form], "*", false).as_ref(), Some(&sample));
                assert!(parse(&[*form], &sample).is_some(), "{kind:?}: {sample}");
            }
        }
    }
}
