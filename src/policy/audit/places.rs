//! What is wrong with the roles that tokens from outside open, for formats that show places.

use std::collections::BTreeSet;

use super::{admitted, why};
use crate::policy::lint::{Finding, RULES, Severity};
use crate::policy::report::{Page, Place, Problem, Report, Rule, Suite};
use crate::policy::source::{self, Found, Unread};
use crate::policy::tree::Lines;
use crate::text::listed;

const NOT_READ: Rule = Rule {
    id: "role-not-read",
    name: None,
    title: "The role's trust policy could not be read, so that nobody knows here whom it lets in",
    severity: Severity::Medium,
    page: Page::Other("policy.md#policy-audit"),
};

/// A suite for each file, and in it a case for each of those roles.
#[derive(Default)]
pub(super) struct Places(Vec<Suite>);

impl Places {
    /// What follows is of this file.
    pub(super) fn open(&mut self, file: &str) {
        self.0.push(Suite { name: file.to_owned(), cases: Vec::new(), problems: Vec::new() });
    }

    pub(super) fn role(&mut self, lines: &Lines<'_>, found: &Found, findings: Vec<Finding>) {
        let who: BTreeSet<String> = admitted(found).map(|(_, admitted)| admitted.who).collect();
        let Some(suite) = self.0.last_mut().filter(|_| !who.is_empty()) else { return };
        let name = name(found.role.as_ref(), &suite.name);
        let who: Vec<&str> = who.iter().map(String::as_str).collect();
        let shown = format!("The role lets in {}", listed(&who));
        suite.problems.extend(findings.into_iter().map(|finding| Problem {
            case: suite.cases.len(),
            rule: finding.rule.into(),
            severity: finding.severity,
            open: false,
            place: Place::new(&suite.name, lines, finding.span, found.pointer_of(finding.span)),
            message: format!("{name}: {}", finding.message),
            shown: Some(shown.clone()),
            fix: Some(finding.fix),
            about: None,
        }));
        suite.cases.push(name);
    }

    pub(super) fn unread(&mut self, lines: &Lines<'_>, unread: &Unread) {
        let Some(suite) = self.0.last_mut() else { return };
        let name = name(unread.role.as_ref(), &suite.name);
        suite.problems.push(Problem {
            case: suite.cases.len(),
            rule: NOT_READ,
            severity: NOT_READ.severity,
            open: true,
            place: Place::new(&suite.name, lines, unread.span, unread.pointer.clone()),
            message: format!("{name}: its trust policy could not be read: {}", why(unread)),
            shown: None,
            fix: None,
            about: None,
        });
        suite.cases.push(name);
    }

    pub(super) fn report(self) -> Report {
        let rules = RULES.iter().map(|rule| (*rule).into()).chain([NOT_READ]).collect();
        Report { rules, suites: self.0.into_iter().filter(|suite| !suite.cases.is_empty()).collect() }
    }
}

fn name(role: Option<&source::Role>, file: &str) -> String {
    role.map(|role| role.name.as_str()).filter(|name| !name.is_empty()).unwrap_or(file).to_owned()
}
