//! What a statement allows: the one call that takes a token, and the two that go with it.

use super::refused::ACTIONS;
use super::repair::{kept_out, quoted, shown};
use super::{Finding, Findings, Rule, Scope, Severity, View};
use crate::policy::caller::ASSUME;
use crate::policy::document::{Actions, Effect};
use crate::policy::pattern;
use crate::text::nearest;

pub static TP038: Rule = Rule {
    id: "TP038",
    name: "wrong-action",
    severity: Severity::High,
    title: "an OIDC provider is allowed an action that takes no token of it",
};

pub static TP039: Rule = Rule {
    id: "TP039",
    name: "wide-action",
    severity: Severity::Medium,
    title: "the action is a pattern or an exception, and allows more than the one call",
};

pub static TP068: Rule = Rule {
    id: "TP068",
    name: "misspelt-action",
    severity: Severity::High,
    title: "the action does not exist, and one that does is spelt almost like it",
};

/// Further actions of the service that a trust policy can name.
const RARE: [&str; 3] = ["sts:SetContext", "sts:AssumeRoot", "sts:GetWebIdentityToken"];

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in &view.scopes {
        let statement = scope.statement;
        if statement.effect != Effect::Allow || scope.issuers.is_empty() || statement.actions.patterns.is_empty() {
            continue;
        }
        let mut found = useless(view, scope, findings);
        if scope.grants {
            found.extend(wide(scope, &statement.actions));
        }
        found.into_iter().for_each(|finding| findings.add(finding));
    }
}

fn wide(scope: &Scope<'_>, actions: &Actions) -> Option<Finding> {
    // Which of the actions a token needs stands in the token, where the issuer can send tags.
    let plain = scope.issuers.iter().all(|issuer| issuer.kind.never_sends_tags());
    let fix = format!("write {ASSUME}");
    if actions.negated {
        let but: Vec<String> = actions.patterns.iter().map(|pattern| shown(&pattern.text)).collect();
        let message = format!("NotAction allows every action but {}", but.join(", "));
        let finding = Finding::new(&TP039, actions.span, message, format!("write \"Action\": {}", quoted(ASSUME)));
        let replacement = format!("\"Action\": {}", quoted(ASSUME));
        return Some(if plain { finding.edit(actions.span, replacement) } else { finding });
    }
    let pattern = actions.patterns.iter().find(|pattern| pattern.text.contains(['*', '?']))?;
    let message = format!("{} allows more than the call that takes a token", shown(&pattern.text));
    let finding = Finding::new(&TP039, pattern.span, message, fix);
    Some(if plain { finding.edit(pattern.span, ASSUME) } else { finding })
}

/// Actions that do nothing for an OIDC provider. Beside the right one they do no harm, except where
/// they are misspelt.
fn useless(view: &View<'_>, scope: &Scope<'_>, findings: &Findings<'_>) -> Vec<Finding> {
    let actions = &scope.statement.actions;
    if actions.negated {
        return Vec::new();
    }
    let only_providers = scope.issuers.len() == scope.statement.principals.items.len();
    let each = actions.patterns.iter().filter(|action| action.text != ASSUME).filter_map(|action| {
        let text = action.text.as_str();
        let (rule, message, right) = if let Some(known) = known(text) {
            if scope.grants || !known.starts_with("sts:AssumeRole") || !only_providers {
                return None;
            }
            let why = if known == "sts:AssumeRole" { "callers that have AWS credentials" } else { "SAML providers" };
            (&TP038, format!("{known} is for {why}, and {} is an OIDC provider", scope.issuers.first()?.host), ASSUME)
        } else if RARE.iter().any(|rare| rare.eq_ignore_ascii_case(text)) {
            return None;
        } else {
            let right = nearest(text, ACTIONS)?;
            (&TP068, format!("there is no action {}", shown(text)), right)
        };
        let example = kept_out(view, scope, findings, |statement| {
            for pattern in statement.actions.patterns.iter_mut().filter(|pattern| pattern.span == action.span) {
                right.clone_into(&mut pattern.text);
            }
        });
        let finding = Finding::new(rule, action.span, message, format!("write {right}"));
        Some(finding.edit(action.span, right).shown_by(example))
    });
    each.collect()
}

/// The action that a pattern names, as AWS writes it.
fn known(text: &str) -> Option<&'static str> {
    ACTIONS.into_iter().find(|known| pattern::matches(text, known, true))
}
