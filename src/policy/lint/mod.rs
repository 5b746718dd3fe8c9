//! What is wrong with a trust policy, whoever asks. One file for each rule or small family.
//!
//! A rule has an id that never changes, a place, a reason, a fix and, where a token can show it, a
//! counter-example: claims that the policy wrongly admits or wrongly refuses. The evaluator replays
//! every counter-example before it is reported, so that a finding is a proof and not an opinion.

mod actions;
mod audience;
pub mod config;
mod consequence;
mod context;
mod delimiter;
pub mod file;
pub mod fix;
mod github;
mod grammar;
mod guard;
mod host;
mod ids;
mod keys;
mod open;
mod prefix;
mod principals;
mod reach;
mod redundant;
mod refused;
mod repair;
mod role;
mod slips;
mod subjects;
mod tags;
mod template;
mod unmapped;
mod view;
mod whole;
mod wildcard;

use serde_json::{Map, Value};

pub use self::file::{FileFinding, check_file};
pub use self::view::{Issuer, Key, Scope, Test, View};
use super::caller::{Caller, Role};
use super::document::{Condition, Statement, TrustPolicy};
use super::evaluate::{Verdict, decide};
use super::issuer::Kind;
use super::sample;
use super::source::Found;
use super::tree::Span;

/// One kind of mistake. Its page is `docs/rules/ID.md`.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    pub id: &'static str,
    pub name: &'static str,
    pub severity: Severity,
    /// One sentence without a full stop.
    pub title: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Style, or worth knowing.
    Low,
    /// Wider or weaker than it should be.
    Medium,
    /// Wider than intended, or never works.
    High,
    /// Strangers can assume the role.
    Critical,
}

impl Severity {
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == name)
    }
}

/// One mistake at one place.
#[derive(Clone, Debug)]
pub struct Finding {
    pub rule: &'static Rule,
    /// Mostly the rule's.
    pub severity: Severity,
    pub span: Span,
    /// What is wrong here, in one sentence without a full stop.
    pub message: String,
    /// What to do, in one sentence without a full stop.
    pub fix: String,
    /// Changes to the text that do it, where that is safe: none of them lets anybody in who was kept out before.
    pub edits: Vec<Edit>,
    pub counter_example: Option<CounterExample>,
}

/// The name or value at `span` says `replacement` instead. That is its text, without quotes: who applies
/// it writes it as the file at hand writes texts. An empty span is a place to insert at, and then, as where
/// the span is more than one name or value, the replacement is policy JSON as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub span: Span,
    pub replacement: String,
}

/// A token that shows the mistake.
#[derive(Clone, Debug, PartialEq)]
pub struct CounterExample {
    /// Whose it is: `a job of somebody else's repository`.
    pub whose: String,
    pub claims: Map<String, Value>,
    /// What the policy does with it, and should not.
    pub admitted: bool,
}

/// What looks for mistakes: a rule or family.
type Check = fn(&View<'_>, &mut Findings<'_>);

/// Those that tell what is only worth knowing come last: [`Findings::is_sound`].
const CHECKS: &[Check] = &[
    open::check,
    reach::check,
    subjects::check,
    guard::check,
    wildcard::check,
    unmapped::check,
    prefix::check,
    audience::check,
    host::check,
    grammar::check,
    ids::check,
    github::check,
    tags::check,
    delimiter::check,
    principals::check,
    actions::check,
    whole::check,
    refused::check,
    keys::check,
    context::check,
    redundant::check,
    role::check,
    slips::check,
    subjects::worth_knowing,
];

/// Every rule, in the order of their ids.
pub const RULES: &[&Rule] = &[
    &open::TP001,
    &open::TP002,
    &reach::TP003,
    &reach::TP004,
    &reach::TP005,
    &reach::TP006,
    &reach::TP007,
    &subjects::TP008,
    &subjects::TP009,
    &wildcard::TP010,
    &guard::TP011,
    &guard::TP012,
    &guard::TP013,
    &unmapped::TP014,
    &prefix::TP015,
    &prefix::TP016,
    &grammar::TP017,
    &audience::TP018,
    &open::TP019,
    &audience::TP020,
    &wildcard::TP021,
    &host::TP022,
    &grammar::TP023,
    &grammar::TP024,
    &ids::TP025,
    &github::TP026,
    &github::TP027,
    &subjects::TP028,
    &subjects::TP029,
    &tags::TP030,
    &tags::TP031,
    &tags::TP032,
    &delimiter::TP033,
    &principals::TP034,
    &principals::TP035,
    &principals::TP036,
    &principals::TP037,
    &actions::TP038,
    &actions::TP039,
    &whole::TP040,
    &file::TP041,
    &refused::TP042,
    &refused::TP043,
    &refused::TP044,
    &keys::TP045,
    &context::TP046,
    &keys::TP047,
    &keys::TP048,
    &keys::TP049,
    &whole::TP050,
    &redundant::TP051,
    &whole::TP052,
    &context::TP053,
    &role::TP054,
    &file::TP055,
    &role::TP056,
    &keys::TP060,
    &principals::TP061,
    &principals::TP062,
    &slips::TP063,
    &slips::TP064,
    &slips::TP065,
    &slips::TP066,
    &slips::TP067,
    &actions::TP068,
    &principals::TP069,
    &whole::TP070,
    &refused::TP071,
    &context::TP072,
    &redundant::TP073,
    &keys::TP074,
    &keys::TP075,
    &redundant::TP076,
];

#[must_use]
pub fn rule(id_or_name: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.id.eq_ignore_ascii_case(id_or_name) || rule.name == id_or_name)
}

/// All that is wrong with one policy, in the order of the text.
#[must_use]
pub fn check(found: &Found) -> Vec<Finding> {
    checked(found, true)
}

/// The same without counter-examples, which cost more than all the rest.
#[must_use]
pub fn check_only(found: &Found) -> Vec<Finding> {
    checked(found, false)
}

fn checked(found: &Found, shows: bool) -> Vec<Finding> {
    let view = View::new(found);
    let mut findings = Findings { found, shows, list: Vec::new() };
    for check in CHECKS {
        check(&view, &mut findings);
    }
    in_order(consequence::without(&found.policy, findings.list))
}

fn in_order(mut list: Vec<Finding>) -> Vec<Finding> {
    list.sort_by(|a, b| (a.span, a.rule.id).cmp(&(b.span, b.rule.id)));
    list
}

/// Collects, and replays what is claimed.
pub struct Findings<'a> {
    found: &'a Found,
    shows: bool,
    list: Vec<Finding>,
}

impl Findings<'_> {
    /// Whether counter-examples are wanted.
    #[must_use]
    pub fn shows(&self) -> bool {
        self.shows
    }

    pub fn add(&mut self, finding: Finding) {
        self.list.push(finding);
    }

    /// Whether nothing grave was found in the statement so far. What is only worth knowing waits until then.
    #[must_use]
    pub fn is_sound(&self, scope: &Scope<'_>) -> bool {
        let within = |finding: &&Finding| scope.statement.span.contains(finding.span);
        !self.list.iter().filter(within).any(|finding| finding.severity >= Severity::High)
    }

    /// Whether somebody may come in by this statement, or its conditions keep everybody out.
    #[must_use]
    pub fn may_admit(&self, scope: &Scope<'_>, issuer: &Issuer<'_>) -> bool {
        self.is_of_a_length() && sample::may_admit(&self.found.policy, scope.statement, issuer.host)
    }

    /// The same, if the statement said what `change` makes of it.
    #[must_use]
    pub fn may_admit_if(&self, scope: &Scope<'_>, issuer: &Issuer<'_>, change: impl FnOnce(&mut Statement)) -> bool {
        self.changed(scope, change).is_some_and(|(policy, at)| {
            policy.statements.get(at).is_some_and(|statement| sample::may_admit(&policy, statement, issuer.host))
        })
    }

    /// A token that comes in, and should not: one that the statement would admit if it said what `narrow`
    /// makes of it.
    #[must_use]
    pub fn wrongly_admits(
        &self,
        whose: &str,
        scope: &Scope<'_>,
        issuer: &Issuer<'_>,
        narrow: impl FnOnce(&mut Statement),
    ) -> Option<CounterExample> {
        if !self.shows {
            return None;
        }
        let (policy, at) = self.changed(scope, narrow)?;
        let claims = sample::admitted(&policy, policy.statements.get(at)?, issuer.host);
        self.proven(whose, claims, true)
    }

    /// A token of a stranger that comes in.
    #[must_use]
    pub fn admits_stranger(&self, whose: &str, scope: &Scope<'_>, issuer: &Issuer<'_>) -> Option<CounterExample> {
        self.admits_without(whose, scope, issuer, "")
    }

    /// A token of a stranger that comes in because it lacks a claim.
    #[must_use]
    pub fn admits_without(
        &self,
        whose: &str,
        scope: &Scope<'_>,
        issuer: &Issuer<'_>,
        claim: &str,
    ) -> Option<CounterExample> {
        if !self.shows || !self.is_of_a_length() {
            return None;
        }
        let mut start = sample::strangers(issuer.host);
        start.retain(|name, _| !name.eq_ignore_ascii_case(claim));
        let claims = sample::admitted_from(&self.found.policy, scope.statement, issuer.host, start);
        self.proven(whose, claims, true)
    }

    /// A token that is kept out, and should not be: one that the statement would admit if it said what
    /// `repair` makes of it. Where further mistakes keep it out as well, it comes as near as can be.
    #[must_use]
    pub fn wrongly_refuses(
        &self,
        whose: &str,
        scope: &Scope<'_>,
        issuer: &Issuer<'_>,
        repair: impl FnOnce(&mut Statement),
    ) -> Option<CounterExample> {
        if !self.shows || Kind::of(issuer.host) != issuer.kind {
            return None; // nobody knows a token of an issuer that there is not
        }
        let (policy, at) = self.changed(scope, repair)?;
        let statement = policy.statements.get(at)?;
        let claims = sample::admitted(&policy, statement, issuer.host)
            .unwrap_or_else(|| sample::nearest(&policy, statement, issuer.host));
        self.proven(whose, Some(claims), false)
    }

    /// What is far too long to be saved is not worth the time that each answer about it takes.
    fn is_of_a_length(&self) -> bool {
        const LONGEST: usize = 4 * 4096;
        self.found.length <= LONGEST
    }

    fn changed(&self, scope: &Scope<'_>, change: impl FnOnce(&mut Statement)) -> Option<(TrustPolicy, usize)> {
        if !self.is_of_a_length() {
            return None;
        }
        let mut policy = self.found.policy.clone();
        let at = policy.statements.iter().position(|statement| statement.index == scope.statement.index)?;
        change(policy.statements.get_mut(at)?);
        Some((policy, at))
    }

    /// A counter-example if the evaluator comes to the same end. A policy that AWS would not save has none.
    #[must_use]
    pub fn proven(&self, whose: &str, claims: Option<Map<String, Value>>, admitted: bool) -> Option<CounterExample> {
        let example = CounterExample { whose: whose.to_owned(), claims: claims?, admitted };
        example.holds(self.found).then_some(example)
    }
}

impl Finding {
    #[must_use]
    pub fn new(rule: &'static Rule, span: Span, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity,
            span,
            message: message.into(),
            fix: fix.into(),
            edits: Vec::new(),
            counter_example: None,
        }
    }

    #[must_use]
    pub fn shown_by(mut self, example: Option<CounterExample>) -> Self {
        self.counter_example = example;
        self
    }

    #[must_use]
    pub fn edit(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.edits.push(Edit { span, replacement: replacement.into() });
        self
    }
}

/// The same condition in a copy of its statement.
#[must_use]
pub fn same<'s>(statement: &'s mut Statement, condition: &Condition) -> Option<&'s mut Condition> {
    statement.conditions.iter_mut().find(|other| other.span == condition.span && other.operator == condition.operator)
}

impl CounterExample {
    /// Whether the policy does with this token what is said of it.
    #[must_use]
    pub fn holds(&self, found: &Found) -> bool {
        let caller = Caller::of_claims(self.claims.clone());
        let role = found.role.as_ref().and_then(|role| role.arn.as_deref()).and_then(Role::of_arn);
        let verdict = decide(&found.policy, &caller.with_role(role)).verdict;
        verdict == if self.admitted { Verdict::Allowed } else { Verdict::Denied }
    }
}
