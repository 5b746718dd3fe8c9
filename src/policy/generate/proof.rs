//! The proof of a policy: it lets in the jobs that are wanted, and nobody whose token differs from theirs in
//! one thing. It is made whenever a policy is, so that a slip in here cannot become a role.

use std::fmt;

use serde_json::{Map, Value};

use super::asked::text_of;
use super::plan::Plan;
use crate::policy::caller::{Caller, Role};
use crate::policy::evaluate::{Verdict, decide};
use crate::policy::lint::{self, Finding, Severity};
use crate::policy::pattern::like;
use crate::policy::source::{self, Found};
use crate::policy::subject::{self, Chars, Form, Part, Piece, Segment};
use crate::text::Inert;

/// A token that differs from a wanted one in one thing, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mutation {
    /// The claim, or `account` for a role of another account.
    pub claim: String,
    /// Of a subject: what was changed in it, in the CI's words.
    pub part: Option<&'static str>,
    /// What it was changed to; `None`: the token does not have the claim at all.
    pub value: Option<String>,
    /// What the wanted token has. `None`: nothing.
    pub from: Option<String>,
    pub refused: bool,
}

/// The policy does not do what it was made for. This is a fault of the generator, never of its user.
#[derive(Clone, Debug)]
pub enum Unsound {
    /// The text is no policy that AWS would save.
    Unreadable,
    /// A wanted job is kept out.
    Refuses { token: Map<String, Value> },
    /// Somebody else is let in, or it cannot be told.
    Admits(Mutation),
    /// The linter finds something that is not the point of the level.
    Lint { rule: &'static str, message: String },
}

impl fmt::Display for Unsound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("the policy that was made is none that AWS would save"),
            Self::Refuses { token } => {
                let subject = token.get("sub").and_then(Value::as_str).unwrap_or_default();
                write!(f, "the policy that was made refuses a wanted job, {}", Inert::new(subject))
            }
            Self::Admits(Mutation { claim, value, .. }) => {
                let value = value.as_deref().map_or_else(|| "nothing".to_owned(), |value| Inert::new(value).into());
                write!(f, "the policy that was made admits a job whose {claim} is {value}")
            }
            Self::Lint { rule, message } => {
                write!(f, "the policy that was made has the fault {rule}: {}", Inert::new(message))
            }
        }
    }
}

pub struct Proof {
    pub mutations: Vec<Mutation>,
    /// What the linter says of the level that was asked for.
    pub findings: Vec<Finding>,
    /// As IAM counts it.
    pub length: usize,
}

/// # Errors
/// When the policy does not do what the plan says.
pub fn prove(plan: &Plan, policy: &str, role: &Role) -> Result<Proof, Unsound> {
    let mut file = source::read("policy.json", policy);
    let Some(found) = file.policies.pop().filter(|_| file.fault.is_none()) else { return Err(Unsound::Unreadable) };
    if !found.policy.refusals.is_empty() {
        return Err(Unsound::Unreadable);
    }
    let mut mutations = Vec::new();
    for sample in &plan.samples {
        if verdict(&found, sample, role) != Verdict::Allowed {
            return Err(Unsound::Refuses { token: sample.clone() });
        }
        for (mutation, token, wanted) in mutated(plan, sample) {
            let verdict = verdict(&found, &token, role);
            match (wanted, verdict) {
                (true, Verdict::Allowed) => {}
                (true, _) => return Err(Unsound::Refuses { token }),
                (false, Verdict::Denied) => mutations.push(Mutation { refused: true, ..mutation }),
                (false, _) => return Err(Unsound::Admits(mutation)),
            }
        }
        let elsewhere = Role { account: other_account(&role.account), ..role.clone() };
        let mutation = Mutation {
            claim: "account".to_owned(),
            part: None,
            value: Some(elsewhere.account.clone()),
            from: Some(role.account.clone()),
            refused: true,
        };
        if verdict(&found, sample, &elsewhere) != Verdict::Denied {
            return Err(Unsound::Admits(Mutation { refused: false, ..mutation }));
        }
        mutations.push(mutation);
    }
    mutations.sort();
    // Of two wanted tokens the same can be tried.
    mutations.dedup_by(|a, b| (&a.claim, a.part, &a.value) == (&b.claim, b.part, &b.value));
    let findings = lint::check(&found);
    // How long it is comes as a note, with a word on what makes it long.
    let said = |id: &str| id == "TP052" || plan.meant.contains(&id);
    let unmeant = |finding: &&Finding| finding.severity >= Severity::Medium && !said(finding.rule.id);
    if let Some(finding) = findings.iter().find(unmeant) {
        return Err(Unsound::Lint { rule: finding.rule.id, message: finding.message.clone() });
    }
    Ok(Proof { mutations, findings, length: found.length })
}

fn verdict(found: &Found, token: &Map<String, Value>, role: &Role) -> Verdict {
    let caller = Caller::of_claims(token.clone()).with_role(Some(role.clone()));
    decide(&found.policy, &caller).verdict
}

fn other_account(account: &str) -> String {
    account.chars().map(|digit| if digit == '9' { '0' } else { '9' }).collect()
}

/// Every token that differs in one claim, and whether the plan wants it all the same.
fn mutated(plan: &Plan, sample: &Map<String, Value>) -> Vec<(Mutation, Map<String, Value>, bool)> {
    let mut all = Vec::new();
    let mut add = |claim: &str, part, value: Option<String>, wanted: bool| {
        let mut token = sample.clone();
        match &value {
            Some(text) => token.insert(claim.to_owned(), text.as_str().into()),
            None => token.remove(claim),
        };
        let from = text_of(sample, claim);
        all.push((Mutation { claim: claim.to_owned(), part, value, from, refused: false }, token, wanted));
    };
    for issuer in ["https://oidc.example.com".to_owned(), format!("https://{}/x", plan.issuer)] {
        add("iss", None, Some(issuer), false);
    }
    for audience in near(&plan.audience, Chars::Any) {
        add("aud", None, Some(audience), false);
    }
    for (claim, values) in &plan.pins {
        for value in
            values.iter().flat_map(|value| near(value, chars_of(value))).filter(|value| !values.contains(value))
        {
            add(claim, None, Some(value), false);
        }
        add(claim, None, None, false);
    }
    add("sub", None, None, false);
    for (part, subject, wanted) in subjects(plan, sample) {
        add("sub", part, Some(subject), wanted);
    }
    all
}

fn subjects(plan: &Plan, sample: &Map<String, Value>) -> Vec<(Option<&'static str>, String, bool)> {
    let own = sample.get("sub").and_then(Value::as_str).unwrap_or_default();
    let taken: Vec<&str> = plan.samples.iter().filter_map(|token| token.get("sub")).filter_map(Value::as_str).collect();
    let parsed = if plan.opaque { None } else { subject::parse(plan.kind.subjects(), own) };
    let Some((form, segments)) = parsed else {
        let open_end = plan.subjects.iter().any(|subject| subject.text.ends_with('*'));
        let others = near(own, Chars::Any).into_iter().filter(|other| !(open_end && other.starts_with(own)));
        return others.filter(|other| !taken.contains(&other.as_str())).map(|other| (None, other, false)).collect();
    };
    let loose = |name: &str, value: &str| {
        let patterns = plan.loose.iter().filter(|(part, _)| *part == name).flat_map(|(_, patterns)| patterns);
        patterns.into_iter().any(|pattern| like(pattern, value))
    };
    let mut all = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let Some(part) = part_of(form, index) else { continue };
        let mut others = near(segment.value, part.chars);
        others.extend(smuggled(form, &segments, index, |name| loose(name, "")));
        for other in others.into_iter().filter(|other| other.chars().all(|c| part.chars.admits(c))) {
            let subject = written(form, |at| if at == index { other.clone() } else { value_of(&segments, at) });
            all.push((Some(segment.name), subject, loose(segment.name, &other)));
        }
    }
    if !plan.any_form {
        for other in plan.kind.subjects().iter().filter(|other| **other != form) {
            for subject in in_form(other, &segments) {
                all.push((Some("form"), subject, false));
            }
        }
    }
    all.retain(|(_, subject, _)| !taken.contains(&subject.as_str()));
    // A tag may have a name that a wanted pattern of tags admits.
    all.retain(|(part, subject, wanted)| {
        *wanted
            || *part != Some("form")
            || !subject::parse(plan.kind.subjects(), subject)
                .is_some_and(|(_, segments)| segments.iter().any(|segment| loose(segment.name, segment.value)))
    });
    all
}

/// Texts that are almost `text`: what squatters and slips are made of.
fn near(text: &str, chars: Chars) -> Vec<String> {
    let flipped = |c: char| if c == '0' { '1' } else { '0' };
    let mut all = match chars {
        Chars::Digits | Chars::Uuid => {
            let mut other: Vec<char> = text.chars().collect();
            if let Some(last) = other.last_mut() {
                *last = flipped(*last);
            }
            vec![other.into_iter().collect()]
        }
        Chars::Name | Chars::Path | Chars::NoColon | Chars::Any => vec![
            format!("{text}x"),
            format!("x{text}"),
            "other".to_owned(),
            text.to_ascii_uppercase(),
            text.to_ascii_lowercase(),
        ],
    };
    if chars == Chars::Digits {
        all.extend([format!("{text}0"), format!("1{text}")]);
    }
    all.retain(|other| other != text);
    all
}

/// Ids stay ids, so that what is shown to be refused is what another repository would have.
fn chars_of(value: &str) -> Chars {
    let all = |chars: Chars| value.chars().all(|c| chars.admits(c));
    if all(Chars::Digits) {
        Chars::Digits
    } else if value.len() == 36 && all(Chars::Uuid) {
        Chars::Uuid
    } else {
        Chars::Any
    }
}

/// A value that pretends to be all that lies between a part that may have any text and this one: a branch
/// called `x/vcs-origin/…/main`.
fn smuggled(form: Form, segments: &[Segment<'_>], index: usize, is_free: impl Fn(&str) -> bool) -> Option<String> {
    let free = segments.iter().take(index).position(|segment| is_free(segment.name))?;
    let mut text = "x".to_owned();
    let mut at = 0;
    for piece in form {
        match piece {
            Piece::Fixed(fixed) if at > free && at <= index => text.push_str(fixed),
            Piece::Fixed(_) => {}
            Piece::Part(_) => {
                if at > free && at <= index {
                    text.push_str(&value_of(segments, at));
                }
                at += 1;
            }
        }
    }
    Some(text)
}

/// The same job as another form would have it: with the parts of these names, and odd ones for the rest.
fn in_form(form: Form, segments: &[Segment<'_>]) -> Vec<String> {
    let last = segments.last().map_or("other", |segment| segment.value);
    let with = |rest: &str| {
        written(form, |at| {
            let Some(part) = part_of(form, at) else { return String::new() };
            let same = segments.iter().find(|segment| segment.name == part.name);
            match same {
                Some(segment) => segment.value.to_owned(),
                None if rest.chars().all(|c| part.chars.admits(c)) => rest.to_owned(),
                None => part.sample.to_owned(),
            }
        })
    };
    vec![with(last), with("zz-other")]
}

fn part_of(form: Form, index: usize) -> Option<Part> {
    let parts = form.iter().filter_map(|piece| if let Piece::Part(part) = piece { Some(*part) } else { None });
    parts.into_iter().nth(index)
}

fn value_of(segments: &[Segment<'_>], index: usize) -> String {
    segments.get(index).map_or_else(String::new, |segment| segment.value.to_owned())
}

fn written(form: Form, value: impl Fn(usize) -> String) -> String {
    let mut at = 0;
    let mut text = String::new();
    for piece in form {
        match piece {
            Piece::Fixed(fixed) => text.push_str(fixed),
            Piece::Part(_) => {
                text.push_str(&value(at));
                at += 1;
            }
        }
    }
    text
}
