//! The trust policy of a role, read and decided as [`crate::policy`] does it for real ones.

use super::reader::{Node, Problems};
use crate::policy::caller::Caller;
use crate::policy::document::TrustPolicy;
use crate::policy::evaluate::{Verdict, decide};
use crate::policy::explain::{self, Known, explain};
use crate::policy::json;

const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", …}]}"#;
const STATEMENT: &str = r#"{"Effect": "Allow", "Principal": {"Federated": "…"}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}}"#;

pub(super) struct Trust(TrustPolicy);

/// Why a caller does not get in.
pub(super) struct Denied {
    pub(super) action: &'static str,
    /// For the reader of the sandbox's log.
    pub(super) why: String,
}

impl Trust {
    /// Reads a policy document; what AWS would not save is a problem.
    pub(super) fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        // Places in this text are what the pointers below are made from.
        let text = node.value().to_string();
        let Some(document) = json::read(&text).node else {
            problems.add(&node.at, "is not a policy", POLICY);
            return None;
        };
        let policy = TrustPolicy::read(&document);
        for refusal in &policy.refusals {
            let at = format!("{}{}", node.at, path(&document.pointer(refusal.span)));
            problems.add(&at, &format!("is not what AWS saves: {}", explain::problem(&refusal.kind)), STATEMENT);
        }
        Some(Self(policy))
    }

    /// Whether the policy lets `caller` perform every action that it needs. What nobody can decide here is
    /// refused: the sandbox admits nobody whom AWS might not.
    ///
    /// # Errors
    /// With the first action that is not allowed.
    pub(super) fn admits(&self, caller: &Caller) -> Result<(), Denied> {
        let decision = decide(&self.0, caller);
        let Some(refused) = decision.actions.iter().find(|action| action.of_call() != Verdict::Allowed) else {
            return Ok(());
        };
        let known = Known { reached_policy: true, ..Known::default() };
        let why = explain::line(&explain(&self.0, caller, None, &known));
        let why = if refused.of_call() == Verdict::Unknown { format!("the sandbox cannot tell; {why}") } else { why };
        Err(Denied { action: refused.action, why })
    }
}

/// `/Statement/0/Action` as the sandbox writes places: `.Statement[0].Action`.
fn path(pointer: &str) -> String {
    let steps = pointer.split('/').skip(1).map(|step| {
        if !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()) {
            format!("[{step}]")
        } else {
            format!(".{}", step.replace("~1", "/").replace("~0", "~"))
        }
    });
    steps.collect()
}

#[cfg(test)]
#[path = "tests/trust.rs"]
mod tests;
