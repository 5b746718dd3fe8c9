//! What stands beside the trust policy: how long the role's sessions last, and what it may do.

use super::repair::shown;
use super::{Finding, Findings, Rule, Severity, View};
use crate::policy::document::{Effect, PrincipalKind};
use crate::policy::pattern;
use crate::policy::source::Role;

pub static TP054: Rule = Rule {
    id: "TP054",
    name: "chained-session",
    severity: Severity::Low,
    title: "sessions of more than an hour are allowed to callers who never get one",
};

pub static TP056: Rule = Rule {
    id: "TP056",
    name: "wide-permissions",
    severity: Severity::Medium,
    title: "a role that CI jobs assume may do nearly everything",
};

/// What a session that another role's session asks for lasts at most, in seconds.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html>
const CHAINED: u32 = 3600;

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    let Some(role) = &view.found.role else { return };
    let found = chained(view, role).into_iter().chain(permissions(view, role));
    found.collect::<Vec<_>>().into_iter().for_each(|finding| findings.add(finding));
}

fn chained(view: &View<'_>, role: &Role) -> Option<Finding> {
    let longest = role.max_session_duration.filter(|longest| *longest > CHAINED)?;
    let caller = view.policy.statements.iter().find_map(|statement| {
        let actions = &statement.actions;
        let named = actions.patterns.iter().any(|action| pattern::matches(&action.text, "sts:AssumeRole", true));
        if statement.effect != Effect::Allow || named == actions.negated {
            return None;
        }
        let roles = |value: &str| value.starts_with("arn:") && value.contains(":role/");
        statement.principals.items.iter().find(|item| item.kind == PrincipalKind::Aws && roles(&item.value.text))
    })?;
    let message = format!(
        "the role allows sessions of {longest} seconds, and {} gets {CHAINED} at most: AWS caps sessions that a role asks for",
        shown(&caller.value.text)
    );
    let fix = "have the job assume this role by its own token, or plan for sessions of an hour";
    Some(Finding::new(&TP054, role.span, message, fix))
}

fn permissions(view: &View<'_>, role: &Role) -> Vec<Finding> {
    let Some(issuer) = view.grants().find_map(|scope| scope.issuers.first()) else { return Vec::new() };
    let wide = |name: &str| matches!(name, "AdministratorAccess" | "PowerUserAccess") || name.ends_with("FullAccess");
    let named = role.attached.iter().map(|policy| (policy, policy.text.rsplit('/').next().unwrap_or_default()));
    let each = named.filter(|(_, name)| wide(name)).map(|(policy, name)| {
        let message = format!("whoever gets in from {} has {name}", issuer.host);
        Finding::new(&TP056, policy.span, message, "attach a policy that names the actions and resources of the job")
    });
    each.collect()
}
