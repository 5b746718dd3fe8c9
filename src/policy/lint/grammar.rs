//! Values that no subject of the CI can have, by the forms in which it writes them.

use super::ids::{self, Wrong, is_uuid, replace};
use super::{Finding, Findings, Issuer, Rule, Scope, Severity, Test, View, same, template};
use crate::policy::document::Text;
use crate::policy::issuer::Kind;
use crate::policy::operator;
use crate::policy::pattern::{has_braces, has_wildcard};
use crate::policy::subject::{self, Aligned, Piece};

pub static TP017: Rule = Rule {
    id: "TP017",
    name: "value-case",
    severity: Severity::High,
    title: "the value differs in letter case from what the CI writes",
};

pub static TP023: Rule = Rule {
    id: "TP023",
    name: "impossible-value",
    severity: Severity::High,
    title: "the value has a form that no token of the CI has",
};

pub static TP024: Rule = Rule {
    id: "TP024",
    name: "per-run-value",
    severity: Severity::High,
    title: "the value holds a part that is another in every run",
};

/// What is wrong with a value.
enum Fault<'p> {
    Case {
        right: String,
    },
    /// The owner's name as another value of the policy has it.
    Owner {
        first: &'p str,
        right: String,
    },
    Id(Wrong<'p>),
    PerRun {
        part: &'static str,
        text: &'p str,
    },
    Impossible {
        because: Option<String>,
        right: Option<String>,
    },
}

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    let mut owner = None;
    for scope in &view.scopes {
        for issuer in &scope.issuers {
            for test in scope.tests.iter().filter(|test| test.is_of(issuer) && is_of_text(test)) {
                let literal = !test.condition.operator.has_wildcards();
                for value in &test.condition.values {
                    // A wildcard that means itself is a mistake of its own.
                    if literal && has_wildcard(&value.text) {
                        continue;
                    }
                    let fault = if test.is_on("sub") {
                        in_subject(issuer, &value.text, literal, &mut owner)
                    } else {
                        in_key(issuer.kind, test, &value.text)
                    };
                    if let Some(fault) = fault {
                        findings.add(finding(scope, issuer, test, value, fault, findings));
                    }
                }
            }
        }
    }
}

fn is_of_text(test: &Test<'_>) -> bool {
    matches!(test.condition.operator.test, operator::Test::StringEquals | operator::Test::StringLike)
}

fn in_subject<'p>(
    issuer: &Issuer<'_>,
    value: &'p str,
    literal: bool,
    owner: &mut Option<&'p str>,
) -> Option<Fault<'p>> {
    let forms = issuer.kind.subjects();
    if forms.is_empty() || (!literal && value.starts_with('*')) || has_braces(value) {
        return None;
    }
    let aligned = subject::align(forms, value, literal);
    if let Some(wrong) = ids::in_subject(issuer, value, aligned.as_ref(), literal) {
        let lower = wrong.text.to_ascii_lowercase();
        return Some(if is_uuid(&lower) {
            Fault::Case { right: value.replace(wrong.text, &lower) }
        } else {
            Fault::Id(wrong)
        });
    }
    let Some(aligned) = aligned else {
        let possible = template::is_one(issuer.kind, value)
            || if literal {
                subject::parse(forms, value).is_some()
            } else {
                subject::witness(forms, value, false).is_some()
            };
        return (!possible).then(|| impossible(issuer.kind, value));
    };
    in_parts(issuer, value, &aligned, literal).or_else(|| in_owner(issuer, value, &aligned, owner))
}

/// What a part can hold, beyond the characters that it is made of.
fn in_parts<'p>(issuer: &Issuer<'_>, value: &'p str, aligned: &Aligned<'p>, literal: bool) -> Option<Fault<'p>> {
    let plain = |text: &str| literal || !has_wildcard(text);
    let starts = |text: &str, start: &str| {
        let fixed = if literal { text } else { text.split(['*', '?']).next().unwrap_or_default() };
        fixed.starts_with(start) || (fixed.len() < text.len() && start.starts_with(fixed))
    };
    let instead = |part: &str, text: &str| {
        let place = aligned.place(part)?;
        Some(format!("{}{text}{}", value.get(..place.start)?, value.get(place.end..)?))
    };
    match issuer.kind {
        Kind::GitHub | Kind::Buildkite => {
            if let Some(git_ref) = aligned.get("ref").filter(|git_ref| !starts(git_ref, "refs/")) {
                let short = git_ref.strip_prefix("heads/").unwrap_or(git_ref);
                let right = instead("ref", &format!("refs/heads/{short}"));
                return Some(Fault::Impossible { because: Some("a ref starts with refs/".to_owned()), right });
            }
            if issuer.kind == Kind::GitHub {
                return None;
            }
            let slugs = ["organization", "pipeline"].into_iter().filter_map(|part| aligned.place(part));
            let mut right = value.to_owned();
            for slug in slugs {
                if let Some(slug) = right.get_mut(slug) {
                    slug.make_ascii_lowercase();
                }
            }
            if right != value {
                return Some(Fault::Case { right });
            }
            let commit = aligned.get("commit").filter(|commit| plain(commit))?;
            Some(Fault::PerRun { part: "commit", text: commit })
        }
        Kind::GitLab | Kind::GitLabOwn => {
            let (part, text) = ["branch", "tag"].into_iter().find_map(|part| Some((part, aligned.get(part)?)))?;
            let short = text.strip_prefix("refs/heads/").or_else(|| text.strip_prefix("refs/tags/"))?;
            let because = Some(format!("a {part} stands there by its short name"));
            Some(Fault::Impossible { because, right: instead(part, short) })
        }
        Kind::CircleCi | Kind::CircleCiRoot => {
            let own = issuer.host.strip_prefix("oidc.circleci.com/org/");
            let named = aligned.get("organization id").filter(|named| plain(named));
            if let (Some(own), Some(named)) = (own, named)
                && is_uuid(own)
                && own != named
            {
                let because = Some(format!("the issuer is that of organization {own}"));
                return Some(Fault::Impossible { because, right: instead("organization id", own) });
            }
            let user = aligned.get("user id").filter(|user| plain(user))?;
            Some(Fault::PerRun { part: "user id", text: user })
        }
        Kind::Bitbucket => {
            let step = aligned.get("step").filter(|step| plain(step))?;
            Some(Fault::PerRun { part: "step", text: step })
        }
        _ => None,
    }
}

/// GitHub keeps the letter case of an owner's name, so two spellings in one policy cannot both be right.
fn in_owner<'p>(
    issuer: &Issuer<'_>,
    value: &str,
    aligned: &Aligned<'p>,
    known: &mut Option<&'p str>,
) -> Option<Fault<'p>> {
    if issuer.kind != Kind::GitHub {
        return None;
    }
    let owner = aligned.get("owner")?;
    let first = *known.get_or_insert(owner);
    let place = aligned.place("owner").filter(|_| first != owner && first.eq_ignore_ascii_case(owner))?;
    let right = format!("{}{first}{}", value.get(..place.start)?, value.get(place.end..)?);
    Some(Fault::Owner { first, right })
}

/// Keys whose values have a form.
fn in_key<'p>(kind: Kind, test: &Test<'_>, value: &'p str) -> Option<Fault<'p>> {
    let because =
        |because: &str, right: Option<String>| Some(Fault::Impossible { because: Some(because.to_owned()), right });
    match kind {
        Kind::GitHub if test.is_on("ref") && !value.starts_with("refs/") && !value.starts_with(['*', '?']) => {
            because("a ref starts with refs/", Some(format!("refs/heads/{value}")))
        }
        Kind::GitHub if test.is_on("repository") && !value.contains(['/', '*']) => {
            because("it is OWNER/REPOSITORY", None)
        }
        Kind::Buildkite if test.is_on("build_branch") => {
            let short = value.strip_prefix("refs/heads/")?;
            because("a branch stands there by its short name", Some(short.to_owned()))
        }
        Kind::GitLab if test.is_on("ref_protected") && !matches!(value, "true" | "false") => {
            let lower = value.to_ascii_lowercase();
            if matches!(lower.as_str(), "true" | "false") {
                return Some(Fault::Case { right: lower });
            }
            because("it is true or false", None)
        }
        _ => None,
    }
}

fn impossible(kind: Kind, value: &str) -> Fault<'static> {
    let forms = kind.subjects();
    let recased = recased(forms, value);
    let fits = |value: &str| subject::align(forms, value, false).is_some();
    if recased != value && fits(&recased) {
        return Fault::Case { right: recased };
    }
    let right = guesses(kind, value).into_iter().find(|guess| fits(guess));
    Fault::Impossible { because: None, right }
}

/// The value with the fixed words of the forms in their own letter case.
fn recased(forms: &[subject::Form], value: &str) -> String {
    let mut text = value.to_owned();
    let words = forms.iter().flat_map(|form| form.iter()).filter_map(|piece| match piece {
        Piece::Fixed(word) => Some(*word),
        Piece::Part(_) => None,
    });
    for word in words.chain(["refs/heads/", "refs/tags/"]) {
        // Both have the same length, since letters of ASCII keep theirs.
        if let Some(at) = text.to_ascii_lowercase().find(&word.to_ascii_lowercase()) {
            text.replace_range(at..at + word.len(), word);
        }
    }
    text
}

/// What somebody may have meant, the likeliest first.
fn guesses(kind: Kind, value: &str) -> Vec<String> {
    let trimmed = value.trim();
    let mut list = vec![trimmed.to_owned()];
    let mut put = |from: &str, to: &str| list.push(trimmed.replacen(from, to, 1));
    match kind {
        Kind::GitHub => {
            for (from, to) in [
                (":branch:", ":ref:refs/heads/"),
                (":tag:", ":ref:refs/tags/"),
                (":refs/", ":ref:refs/"),
                (":env:", ":environment:"),
                (":pull_request:*", ":pull_request"),
                (":pull-request", ":pull_request"),
                ("repository:", "repo:"),
                ("repo/", "repo:"),
                ("repo:https://github.com/", "repo:"),
                ("repo:github.com/", "repo:"),
            ] {
                put(from, to);
            }
            list.push(format!("repo:{trimmed}"));
            list.push(format!("{trimmed}:*"));
            list.push(format!("repo:{trimmed}:*"));
        }
        Kind::GitLab | Kind::GitLabOwn => {
            for (from, to) in [
                ("project:", "project_path:"),
                (":branch:", ":ref_type:branch:ref:"),
                (":tag:", ":ref_type:tag:ref:"),
                (":ref:", ":ref_type:branch:ref:"),
            ] {
                put(from, to);
            }
            list.push(format!("project_path:{trimmed}"));
            list.push(format!("{trimmed}:*"));
        }
        Kind::Buildkite => {
            put("org:", "organization:");
            put(":branch:", ":ref:refs/heads/");
            list.push(format!("{trimmed}:*"));
        }
        Kind::AzureDevOps => {
            put("sc:///", "sc://");
            put("p:///", "p://");
            list.push(format!("sc://{trimmed}"));
        }
        Kind::Bitrise => list.push(format!("{trimmed}:workflow:*")),
        Kind::CircleCi | Kind::CircleCiRoot => {
            list.push(format!("{trimmed}/user/*"));
            list.push(format!("{trimmed}user/*"));
        }
        Kind::Bitbucket => list.push(format!("{trimmed}:*")),
        _ => {}
    }
    list.retain(|guess| guess != value);
    list
}

fn finding(
    scope: &Scope<'_>,
    issuer: &Issuer<'_>,
    test: &Test<'_>,
    value: &Text,
    fault: Fault<'_>,
    findings: &Findings<'_>,
) -> Finding {
    let kind = issuer.kind;
    let (name, text) = (kind.name(), value.text.as_str());
    let on_subject = test.is_on("sub");
    let form = kind.subject_to_fill_in().filter(|_| on_subject);
    let like = |right: &str| {
        let like = has_wildcard(right) && !test.condition.operator.has_wildcards();
        format!("write {right}{}", if like { ", under StringLike" } else { "" })
    };
    let mut other_run = None;
    let (mut finding, right, plain) = match fault {
        Fault::Case { right } => {
            let message =
                format!("{text} is written {right}, and case counts under {}", test.condition.operator_name.text);
            (Finding::new(&TP017, value.span, message, like(&right)), Some(right), true)
        }
        Fault::Owner { first, right } => {
            let message = format!(
                "the policy has the owner as {first} and in {text}, and case counts, so that one of them is wrong"
            );
            (Finding::new(&TP017, value.span, message, like(&right)), Some(right), false)
        }
        Fault::Id(Wrong { name: "braces", repaired: Some(right), .. }) => {
            let message = format!("{name} writes each UUID of a subject in braces, and {text} lacks some");
            (Finding::new(&ids::TP025, value.span, message, like(&right)), Some(right), true)
        }
        Fault::Id(Wrong { name: part, text: id, .. }) => {
            let part = part.trim_end_matches(" id");
            let message = format!("{id} in {text} is not the UUID of a {part}, which has 8, 4, 4, 4 and 12 digits");
            let braces = if id.starts_with('{') { ", in its braces" } else { "" };
            let fix = format!("put the UUID of the {part} in place of {id}{braces}");
            (Finding::new(&ids::TP025, value.span, message, fix), None, false)
        }
        Fault::PerRun { part, text: held } => {
            let right = text.rfind(held).map(|at| per_run_open(kind, text.get(..at).unwrap_or_default()));
            let message = match part {
                "user id" => format!("{held} is the user who started the pipeline, so that nobody else's run matches"),
                "commit" => format!("{held} is one commit, so that no build of a later one matches"),
                part => format!("{held} is a {part} of one run, and every run has its own, so that none matches"),
            };
            let mut fix = right.as_deref().map_or_else(|| "put a * in its place".to_owned(), like);
            if part == "step" && text.matches(':').count() == 1 {
                fix = format!("{fix}; or {text}:* if that is an environment");
            }
            let mut finding = Finding::new(&TP024, value.span, message, fix);
            let next = if part == "commit" { NEXT_COMMIT } else { NEXT_UUID };
            other_run = Some(text.replace(held, next));
            if part == "user id" {
                finding.severity = Severity::Medium; // somebody may have meant that user
            }
            (finding, right, false)
        }
        Fault::Impossible { because, right } => {
            let cut_short = on_subject && kind == Kind::GitHub && right.as_deref() == Some(&format!("{text}:*"));
            let because = match because {
                Some(because) => format!(": {because}"),
                None if text.trim() != text => ": it has white space around it".to_owned(),
                None if cut_short => ", unless the repository was told to write no more than its name".to_owned(),
                None => String::new(),
            };
            let what = if on_subject { "subject" } else { test.name() };
            let message = format!("no job of {name} has the {what} {text}{because}");
            let fix = match (&right, form) {
                (Some(right), _) => like(right),
                (None, Some(form)) => format!("write {form}"),
                (None, None) => "write it as the token has it".to_owned(),
            };
            let mut finding = Finding::new(&TP023, value.span, message, fix);
            if cut_short {
                finding.severity = Severity::Medium;
            }
            let slashes = kind == Kind::AzureDevOps || text.trim() != text;
            (finding, right, slashes)
        }
    };
    if !scope.grants || test.condition.operator.negated {
        return finding;
    }
    let sample = other_run.as_deref().or(right.as_deref()).unwrap_or("*");
    let example = findings.wrongly_refuses("the job that is meant", scope, issuer, |statement| {
        let condition = same(statement, test.condition);
        replace(condition, value, sample);
        if let Some(condition) = same_by_span(statement, test) {
            condition.operator.test = operator::Test::StringLike;
            condition.values.retain(|other| other.span == value.span);
        }
    });
    finding = finding.shown_by(example);
    match right {
        // Nothing of it worked, and there is one thing that it can mean.
        Some(right) if plain && test.condition.values.len() == 1 && test.is_required() => {
            finding.edit(value.span, right)
        }
        _ => finding,
    }
}

const NEXT_COMMIT: &str = "4f1d0a7c2b9e8d3f6a5b4c3d2e1f0a9b8c7d6e5f";
const NEXT_UUID: &str = "44444444-5555-4666-8777-888888888888";

fn same_by_span<'s>(
    statement: &'s mut crate::policy::document::Statement,
    test: &Test<'_>,
) -> Option<&'s mut crate::policy::document::Condition> {
    statement.conditions.iter_mut().find(|condition| condition.span == test.condition.span)
}

/// The value up to the part that changes, and a wildcard for the rest.
fn per_run_open(kind: Kind, before: &str) -> String {
    let before = if kind == Kind::Bitbucket { before.trim_end_matches('{') } else { before };
    format!("{before}*")
}
