//! Why a trust policy lets a caller in or not: which gate, which statement, which condition, which
//! part of a value; what usually brings that about, and the statement that would admit the caller.
//!
//! The order in which to read: [`Gate`], what AWS looks at; [`explain`]; `case.rs`, what is looked
//! at; [`CAUSES`]; `fix.rs`; then the renderings, [`text`] and [`json()`].

mod align;
mod case;
mod causes;
mod change;
mod fix;
mod gate;
mod json;
mod look;
mod refused;
mod render;
mod report;
mod statements;

pub use align::Difference;
pub use causes::{CAUSES, Cause};
pub use gate::{Gate, Seen};
pub use json::json;
pub use refused::problem;
pub use render::{answer, line, text};
pub use report::report;
pub use statements::{Leaf, Weighed};

use super::caller::{Caller, Role};
use super::document::TrustPolicy;
use super::tree::Span;
use crate::time::Timestamp;

/// What is known of the call besides policy and token.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'k> {
    /// When the call is made, or was.
    pub now: Option<Timestamp>,
    /// The client ids of the token's identity provider.
    pub client_ids: Option<&'k [String]>,
    /// AWS has answered `AccessDenied`, so every gate before the trust policy was passed.
    pub reached_policy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allow,
    Deny,
    Unknown,
}

impl Decision {
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Unknown => "unknown",
        }
    }
}

/// Text in it comes from the policy and the token as it is, and is made inert by the renderings.
#[derive(Clone, Debug)]
pub struct Explanation {
    pub decision: Decision,
    /// The policy lets the call pass, so that something else denies it if anything does. The decision can be open all
    /// the same, where AWS may ask about more than the call.
    pub passes: bool,
    /// Where the call ends. `None`: at none that can be seen from here.
    pub gate: Option<Gate>,
    pub cause: &'static Cause,
    /// The statement that decides or comes nearest.
    pub statement: Option<StatementRef>,
    /// What keeps the caller out, that of the cause first.
    pub failed: Vec<Failed>,
    /// The action of STS that it is about.
    pub action: &'static str,
    /// Of the cause first; one sentence each, without a full stop.
    pub why: Vec<String>,
    /// What would have to hold for the call to be allowed, where that is not known.
    pub provided: Vec<String>,
    pub fix: Fix,
    /// The gates in AWS's order, as far as they were looked at.
    pub gates: Vec<(Gate, Seen)>,
    /// All of the policy, beside `action`, even where a gate before the policy is shut.
    pub statements: Vec<Weighed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementRef {
    /// From 0.
    pub index: usize,
    pub sid: Option<String>,
    pub span: Span,
    pub denies: bool,
}

/// One leaf of the decision.
#[derive(Clone, Debug)]
pub struct Failed {
    /// A condition key, `Principal` or `Action`.
    pub key: String,
    pub operator: String,
    pub wanted: Vec<String>,
    pub had: Value,
    pub cause: Option<&'static str>,
    /// Where in the policy.
    pub span: Span,
    /// Of the wanted values the nearest, and where it and the token's part ways.
    pub nearest: Option<(String, Difference)>,
}

/// What a key has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    None,
    One(String),
    Many(Vec<String>),
    /// It cannot be told from here.
    Unknown,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fix {
    /// In words, one for each leaf.
    pub policy: Vec<String>,
    /// The statement as it would admit this caller, as JSON. The evaluator has seen to it that it does.
    pub statement: Option<String>,
    /// What to change in the pipeline instead.
    pub pipeline: Vec<String>,
}

/// Looks at every gate that can be seen from here, in AWS's order, up to the first that is shut.
///
/// `role_arn` is the role that is asked for: its account is where AWS looks for the provider.
#[must_use]
pub fn explain(policy: &TrustPolicy, caller: &Caller, role_arn: Option<&str>, known: &Known<'_>) -> Explanation {
    let role = role_arn.and_then(Role::of_arn).or_else(|| caller.role.clone());
    let caller = caller.clone().with_role(role);
    look::look(policy, &caller, role_arn, known)
}
