//! How far a condition reaches: how many subjects, and whose, its values let in.

use super::{CounterExample, Finding, Findings, Issuer, Rule, Scope, Severity, Test, View, same};
use crate::policy::document::Text;
use crate::policy::issuer::Kind;
use crate::policy::pattern::has_wildcard;
use crate::policy::subject::{self, Aligned};

pub static TP003: Rule = Rule {
    id: "TP003",
    name: "any-subject",
    severity: Severity::Critical,
    title: "the subject may be anything: its value is made of wildcards",
};

pub static TP004: Rule = Rule {
    id: "TP004",
    name: "open-owner",
    severity: Severity::Critical,
    title: "a wildcard stands for the owner, or for a part of its name",
};

pub static TP005: Rule = Rule {
    id: "TP005",
    name: "open-repository-name",
    severity: Severity::High,
    title: "a wildcard stands for a part of the repository's name",
};

pub static TP006: Rule = Rule {
    id: "TP006",
    name: "any-ref",
    severity: Severity::Medium,
    title: "every branch, tag, environment and pull request of a repository is accepted",
};

pub static TP007: Rule = Rule {
    id: "TP007",
    name: "whole-organization",
    severity: Severity::Medium,
    title: "every project of an organization is accepted",
};

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in view.grants() {
        for issuer in &scope.issuers {
            for test in scope.identity(issuer).filter(|test| test.is_required()) {
                for value in &test.condition.values {
                    let width = width_of(test, issuer.kind, &value.text);
                    if width > Width::Narrow {
                        look_at(Place { scope, issuer, test, value }, width, findings);
                    }
                }
            }
        }
    }
}

/// Whom one value lets in, from the narrowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Width {
    Narrow,
    WholeProject,
    PartOfName,
    WholeTenant,
    AnyTenant,
    Everything,
}

#[derive(Clone, Copy)]
struct Place<'s, 'a> {
    scope: &'s Scope<'a>,
    issuer: &'s Issuer<'a>,
    test: &'s Test<'a>,
    value: &'a Text,
}

fn look_at(place: Place<'_, '_>, width: Width, findings: &mut Findings<'_>) {
    let Place { scope, issuer, test, value } = place;
    // An id or a name that is tested without wildcards says how much is meant.
    if !has_wildcard(&value.text) || !test.condition.operator.has_wildcards() {
        return;
    }
    let others = || {
        let others = scope.identity(issuer).filter(|other| other.is_required());
        others.filter(|other| other.condition.span != test.condition.span)
    };
    let narrowest = others().map(|other| width_of_all(other, issuer.kind)).min();
    let earlier = others().any(|other| {
        other.condition.span < test.condition.span
            && other.condition.values.iter().any(|value| has_wildcard(&value.text))
            && width_of_all(other, issuer.kind) == width
    });
    let idle = narrowest.is_some_and(|narrowest| narrowest < width);
    if (idle && width < Width::Everything) || earlier {
        return;
    }
    let only = |value: &str| {
        let value = Text { text: value.to_owned(), span: place.value.span };
        move |statement: &mut crate::policy::document::Statement| {
            if let Some(condition) = same(statement, test.condition) {
                condition.values = vec![value];
            }
        }
    };
    let shown = |whose: &str, value: &str| findings.wrongly_admits(whose, scope, issuer, only(value));
    if width == Width::WholeProject && (!test.is_on("sub") || is_narrowed(scope, issuer)) {
        return;
    }
    if !findings.may_admit_if(scope, issuer, only(&value.text)) {
        return;
    }
    let mut finding = match width {
        Width::Narrow => return,
        Width::Everything => any_subject(place, idle, findings),
        Width::AnyTenant => open_owner(place, shown, findings),
        Width::PartOfName => open_name(place, shown),
        Width::WholeTenant => whole_tenant(place, shown),
        Width::WholeProject => match any_ref(place, shown) {
            Some(finding) => finding,
            None => return,
        },
    };
    if idle || narrowest == Some(width) {
        finding.severity = Severity::Low;
    }
    findings.add(finding);
}

fn any_subject(place: Place<'_, '_>, idle: bool, findings: &Findings<'_>) -> Finding {
    let Place { scope, issuer, test, value } = place;
    let (text, key) = (&value.text, &test.condition.key.text);
    if idle {
        let message =
            format!("the value {text} of {key} matches every subject; only the other conditions tell jobs apart");
        return Finding::new(&TP003, value.span, message, "write out the subject that may come in");
    }
    let message = format!("the value {text} of {key} matches every subject");
    let fix = match issuer.kind.subject_to_fill_in() {
        Some(form) => format!("say whose job may come in, such as {form}"),
        None => "write out the subject that may come in".to_owned(),
    };
    let shared = Kind::tenancy_key_of(issuer.host).is_some();
    let whose = if shared { "somebody else's job" } else { "any job of the issuer" };
    let mut finding = Finding::new(&TP003, value.span, message, fix);
    if !shared {
        finding.severity = Severity::High;
    }
    finding.shown_by(findings.admits_stranger(whose, scope, issuer))
}

fn open_owner(
    place: Place<'_, '_>,
    shown: impl Fn(&str, &str) -> Option<CounterExample>,
    findings: &Findings<'_>,
) -> Finding {
    let Place { scope, issuer, value, test } = place;
    let kind = issuer.kind;
    let word = kind.tenant_word();
    let text = value.text.as_str();
    let cut = cut(test, kind, text);
    let owner = cut.as_ref().and_then(|aligned| tenant(kind, aligned));
    let other = owner.map_or_else(|| stranger(kind).to_owned(), |owner| someone(kind, owner));
    let whose = format!("a job of {other}");
    let example = match (&cut, owner) {
        (Some(aligned), Some(owner)) => {
            let start = kind.tenant_part().and_then(|name| aligned.place(name)).map_or(0, |place| place.start);
            let end = start + owner.len();
            let rest = text.get(end..).unwrap_or_default();
            let open = match kind {
                Kind::GitLab | Kind::GitLabOwn if !rest.starts_with('/') => "/project*",
                _ if rest.is_empty() || rest.starts_with(':') => "*",
                _ => "",
            };
            shown(&whose, &format!("{}{other}{open}{rest}", text.get(..start).unwrap_or_default()))
        }
        _ => text.strip_prefix('*').and_then(|rest| {
            let repository = if rest.starts_with(':') { "/their-repo" } else { "" };
            shown(&whose, &format!("repo:{other}{repository}{rest}"))
        }),
    };
    let example = example.or_else(|| findings.admits_stranger(&format!("a job of another {word}"), scope, issuer));
    let message = match owner {
        Some(owner) if !owner.trim_matches(['*', '?']).is_empty() => {
            format!("{text} matches every {word} whose name fits {owner}, and anybody may register {other}")
        }
        _ => format!("{text} leaves the {word} open, so that anybody's job matches"),
    };
    let fix = match kind.subject_to_fill_in() {
        Some(form) if test.is_on("sub") => format!("write the {word} out, as in {form}"),
        _ => format!("write the {word} out"),
    };
    Finding::new(&TP004, value.span, message, fix).shown_by(example)
}

fn open_name(place: Place<'_, '_>, shown: impl Fn(&str, &str) -> Option<CounterExample>) -> Finding {
    let Place { issuer, value, test, .. } = place;
    let kind = issuer.kind;
    let (text, word) = (value.text.as_str(), kind.project_word());
    let part = cut(test, kind, text).and_then(|aligned| {
        let name = kind.project_parts().iter().find(|name| aligned.get(name).is_some_and(is_partial))?;
        aligned.place(name)
    });
    let std::ops::Range { start, end } = part.unwrap_or(0..text.len());
    // A project of GitLab stands behind its groups.
    let start = text.get(start..end).and_then(|path| path.rfind('/')).map_or(start, |slash| start + slash + 1);
    let name = text.get(start..end).unwrap_or_default();
    let other = evil(name);
    let (before, rest) = (text.get(..start).unwrap_or_default(), text.get(end..).unwrap_or_default());
    let open = if rest.is_empty() && test.is_on("sub") { "*" } else { "" };
    let example = shown(&format!("a job of {other}"), &format!("{before}{other}{open}{rest}"));
    let message = format!("{text} matches every {word} whose name fits {name}, such as {other}");
    let plain = name.trim_end_matches('*');
    let fix = if rest.is_empty() && !plain.contains(['*', '?']) && test.is_on("sub") && kind == Kind::GitHub {
        format!("end the name with its delimiter, {before}{plain}:*, or list the repositories that are meant")
    } else {
        format!("write the name of the {word} out, one value for each")
    };
    let mut finding = Finding::new(&TP005, value.span, message, fix).shown_by(example);
    // `service-*` looks like a family of names that somebody wanted.
    let family = plain.ends_with(['-', '_', '.', '/']) && !plain.contains(['*', '?']);
    if family || !matches!(kind, Kind::GitHub | Kind::GitLab | Kind::GitLabOwn | Kind::Buildkite) {
        finding.severity = Severity::Medium;
    }
    finding
}

/// Whether another condition says which branch or environment is meant.
fn is_narrowed(scope: &Scope<'_>, issuer: &Issuer<'_>) -> bool {
    let names = ["ref", "environment", "job_workflow_ref", "build_branch", "ref_protected"];
    names.iter().any(|name| scope.of(issuer, name).any(Test::is_required))
}

fn any_ref(place: Place<'_, '_>, shown: impl Fn(&str, &str) -> Option<CounterExample>) -> Option<Finding> {
    let Place { issuer, value, .. } = place;
    let start = value.text.trim_end_matches('*').trim_end_matches(':').trim_end_matches(":ref_type");
    let (what, whose, other, better) = match issuer.kind {
        Kind::GitHub => (
            "every branch, tag, environment and pull request",
            "a pull request",
            format!("{start}:pull_request"),
            format!("{start}:ref:refs/heads/main or {start}:environment:production"),
        ),
        Kind::GitLab | Kind::GitLabOwn => (
            "every branch and tag",
            "a job of any branch",
            format!("{start}:ref_type:branch:ref:try-something"),
            format!("{start}:ref_type:branch:ref:main"),
        ),
        Kind::Buildkite => (
            "every branch and tag",
            "a build of any branch",
            format!("{start}:ref:refs/heads/try-something:*"),
            format!("{start}:ref:refs/heads/main:commit:*"),
        ),
        _ => return None,
    };
    let message = format!("{} matches {what} of the {}", value.text, issuer.kind.project_word());
    let fix = format!("name what may come in, such as {better}");
    let mut finding = Finding::new(&TP006, value.span, message, fix).shown_by(shown(whose, &other));
    if issuer.kind == Kind::Buildkite {
        finding.severity = Severity::Low; // a pipeline says itself which branches it builds
    }
    Some(finding)
}

fn whole_tenant(place: Place<'_, '_>, shown: impl Fn(&str, &str) -> Option<CounterExample>) -> Finding {
    let Place { issuer, value, test, .. } = place;
    let kind = issuer.kind;
    let (text, word) = (value.text.as_str(), kind.project_word());
    let cut = cut(test, kind, text);
    let owner = cut.as_ref().and_then(|aligned| match kind {
        Kind::GitLab | Kind::GitLabOwn => aligned.get("project").and_then(|path| path.strip_suffix("/*")),
        _ => aligned.get("owner").or_else(|| aligned.get("organization")),
    });
    let of = owner.map_or_else(|| format!("the {}", kind.tenant_word()), str::to_owned);
    let message = format!("{text} matches every {word} of {of}, and whatever is added to it");
    let fix = format!("name the {word}, or list those that are meant");
    Finding::new(&TP007, value.span, message, fix).shown_by(shown(&format!("a job of any {word} of {of}"), text))
}

/// How far the widest value of a condition reaches.
fn width_of_all(test: &Test<'_>, kind: Kind) -> Width {
    test.condition.values.iter().map(|value| width_of(test, kind, &value.text)).max().unwrap_or(Width::Narrow)
}

pub(super) fn width_of(test: &Test<'_>, kind: Kind, value: &str) -> Width {
    let wild = test.condition.operator.has_wildcards() && has_wildcard(value);
    if test.is_on("sub") {
        return if wild { width(kind, value) } else { Width::Narrow };
    }
    let of_key =
        if kind.project_keys().iter().any(|name| test.is_on(name)) { Width::WholeProject } else { Width::WholeTenant };
    if !wild {
        return of_key;
    }
    match cut(test, kind, value) {
        Some(aligned) => judged(kind, &aligned),
        None if value.bytes().all(|byte| matches!(byte, b'*' | b'?')) => Width::Everything,
        None => Width::AnyTenant,
    }
}

/// How far a pattern for the subject reaches. One that follows no form that is known counts as narrow.
pub(super) fn width(kind: Kind, pattern: &str) -> Width {
    if pattern.bytes().all(|byte| matches!(byte, b'*' | b'?')) {
        return Width::Everything;
    }
    subject::align(kind.subjects(), pattern, false).map_or(Width::Narrow, |aligned| judged(kind, &aligned))
}

fn judged(kind: Kind, aligned: &Aligned<'_>) -> Width {
    if kind.tenant_part().is_some() && tenant(kind, aligned).is_none_or(|owner| owner.contains(['*', '?'])) {
        return Width::AnyTenant;
    }
    let parts = kind.project_parts();
    if kind == Kind::Bitrise || parts.is_empty() {
        return Width::Narrow;
    }
    let of_tenant = |value: &str| match kind {
        Kind::GitLab | Kind::GitLabOwn => value.ends_with("/*"),
        _ => value.trim_matches('*').is_empty(),
    };
    let mut values = parts.iter().filter_map(|name| aligned.get(name));
    if values.clone().all(of_tenant) {
        return Width::WholeTenant;
    }
    if values.any(is_partial) {
        return Width::PartOfName;
    }
    let last = aligned.segments().last().map(|segment| segment.name);
    let ends = ["repository", "repository id", "project", "pipeline"];
    let has_refs = matches!(kind, Kind::GitHub | Kind::GitLab | Kind::GitLabOwn | Kind::Buildkite);
    if has_refs && aligned.tail == Some("*") && last.is_some_and(|last| ends.contains(&last)) {
        Width::WholeProject
    } else {
        Width::Narrow
    }
}

/// The value in parts.
fn cut<'p>(test: &Test<'_>, kind: Kind, value: &'p str) -> Option<Aligned<'p>> {
    let forms: &[subject::Form] = if test.is_on("sub") {
        kind.subjects()
    } else if test.is_on("repository") {
        &[subject::REPOSITORY_NAME]
    } else {
        return None;
    };
    subject::align(forms, value, false)
}

/// The customer's name as a pattern has it.
fn tenant<'p>(kind: Kind, aligned: &Aligned<'p>) -> Option<&'p str> {
    let value = aligned.get(kind.tenant_part()?)?;
    match kind {
        Kind::GitLab | Kind::GitLabOwn => Some(value.split('/').next().unwrap_or(value)),
        _ => Some(value),
    }
}

/// A wildcard and something else.
fn is_partial(value: &str) -> bool {
    value.contains(['*', '?']) && !value.trim_matches('*').is_empty() && !value.ends_with("/*")
}

/// A customer that a pattern matches and that its author would not have thought of.
fn someone(kind: Kind, pattern: &str) -> String {
    if pattern.trim_matches(['*', '?']).is_empty() {
        return stranger(kind).to_owned();
    }
    match kind {
        Kind::Bitrise | Kind::CircleCiRoot => pattern.replace(['*', '?'], "f"),
        _ => evil(pattern),
    }
}

fn stranger(kind: Kind) -> &'static str {
    match kind {
        Kind::Bitrise => "ffffffffffffffff",
        Kind::CircleCiRoot => "11111111-1111-4111-8111-111111111111",
        _ => "someone-else",
    }
}

/// A name that a pattern matches and that its author would not have thought of.
fn evil(pattern: &str) -> String {
    let fixed = pattern.trim_matches('*');
    let delimited = |c: char| "-_.".contains(c);
    let fixed_one = fixed.replace('?', "x").replace('*', "-evil-");
    let after = if fixed.ends_with(delimited) { "evil" } else { "-evil" };
    let before = if fixed.starts_with(delimited) { "evil" } else { "evil-" };
    match (pattern.starts_with('*'), pattern.ends_with('*')) {
        (true, _) => format!("{before}{fixed_one}"),
        (false, true) => format!("{fixed_one}{after}"),
        (false, false) => fixed_one,
    }
}
