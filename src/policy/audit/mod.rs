//! Who from outside can assume what: all roles of an account, plan or template, by the provider of the
//! tokens, the worst first.
//!
//! It judges OIDC providers. Roles that trust other accounts, services of AWS or SAML are counted.

mod cut;
mod places;
mod text;
mod who;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use self::places::Places;
pub use self::who::Breadth;
use super::caller;
use super::document::{Effect, PrincipalKind, Statement, Text};
use super::issuer::Kind;
use super::lint::{self, Finding};
use super::report;
use super::source::{self, Found, Item, Outcome, Provider, Unread, Why};
use super::tree::Lines;
use crate::keys;

/// What came of it, in the order of a report.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub roles: usize,
    pub providers: Vec<ProviderReport>,
    pub others: Others,
    /// Roles whose trust policy could not be read.
    pub unread: Vec<UnreadReport>,
}

/// A provider, and the roles that its tokens open.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderReport {
    /// Without its scheme.
    pub issuer: String,
    pub kind: &'static str,
    /// Whether strangers get tokens of the same issuer.
    pub shared: bool,
    /// Whether what was read describes the provider itself, and not only roles that trust it.
    pub described: bool,
    pub client_ids: Vec<String>,
    pub roles: Vec<RoleReport>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleReport {
    pub file: String,
    pub line: usize,
    pub pointer: String,
    pub name: String,
    pub arn: Option<String>,
    /// Of the worst finding.
    pub severity: Option<&'static str>,
    /// The ids of the rules that found something.
    pub rules: Vec<&'static str>,
    pub breadth: Breadth,
    pub admitted: Vec<AdmittedReport>,
    /// Attached policies that allow much.
    pub attached: Vec<String>,
    pub max_session_duration: Option<u32>,
    #[serde(skip)]
    worst: Option<lint::Severity>,
}

/// One statement that lets in tokens of the provider.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdmittedReport {
    /// From 0, in the order of the policy.
    pub statement: usize,
    pub sid: Option<String>,
    pub who: String,
    pub breadth: Breadth,
    /// The customers of the CI that it names: organizations, owners, workspaces, groups, by id where not by name.
    pub tenants: Vec<String>,
}

/// Roles that trust something else than OIDC providers; one can be in several.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Others {
    pub own_account: usize,
    pub other_accounts: usize,
    /// The role's own account is not known, so that these can be either.
    pub some_account: usize,
    pub services: usize,
    pub saml: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnreadReport {
    pub file: String,
    pub line: usize,
    pub pointer: String,
    pub name: String,
    pub why: String,
}

impl Report {
    /// Of all that was found.
    #[must_use]
    pub fn worst(&self) -> Option<lint::Severity> {
        self.providers.iter().flat_map(|provider| &provider.roles).filter_map(|role| role.worst).max()
    }
}

/// Collects role by role.
#[derive(Default)]
pub struct Audit {
    report: Report,
    providers: BTreeMap<String, ProviderReport>,
    /// Where the findings are, if somebody wants to know.
    places: Option<Places>,
}

impl Audit {
    /// One that keeps every finding with its place, which an account has many of.
    #[must_use]
    pub fn with_places() -> Self {
        Self { places: Some(Places::default()), ..Self::default() }
    }

    /// Reads a file, looks for mistakes in each of its policies, and keeps what a report needs.
    pub fn file(&mut self, name: &str, text: &str) -> Outcome {
        let lines = self.open(name, text);
        source::visit(name, text, &mut |item| self.item(name, &lines, item))
    }

    /// Has the places of a file, whose things are to follow.
    pub fn open<'t>(&mut self, name: &str, text: &'t str) -> Lines<'t> {
        if let Some(places) = &mut self.places {
            places.open(name);
        }
        Lines::new(text)
    }

    /// One thing of the file that was opened last.
    pub fn item(&mut self, name: &str, lines: &Lines<'_>, item: Item) {
        match item {
            Item::Policy(found) => {
                let findings = lint::check_only(&found);
                let line = lines.number(found.role.as_ref().map_or(found.node.span, |role| role.span).start);
                self.policy(name, line, &found, &findings);
                if let Some(places) = &mut self.places {
                    places.role(lines, &found, findings);
                }
            }
            Item::Provider(provider) => self.provider(&provider),
            Item::Unread(unread) => {
                self.unread(name, lines.number(unread.span.start), &unread);
                if let Some(places) = &mut self.places {
                    places.unread(lines, &unread);
                }
            }
        }
    }

    /// How many roles were judged so far.
    #[must_use]
    pub fn roles(&self) -> usize {
        self.report.roles
    }

    /// A role, the line that it is on, and what is wrong with its policy.
    pub fn policy(&mut self, file: &str, line: usize, found: &Found, findings: &[Finding]) {
        self.report.roles += 1;
        self.count_others(found);
        let mut by_issuer: BTreeMap<String, Vec<AdmittedReport>> = BTreeMap::new();
        for (statement, admitted) in admitted(found) {
            by_issuer.entry(admitted.issuer).or_default().push(AdmittedReport {
                statement: statement.index,
                sid: statement.sid.as_ref().map(|sid| sid.text.clone()),
                who: admitted.who,
                breadth: admitted.breadth,
                tenants: admitted.tenants,
            });
        }
        let worst = findings.iter().map(|finding| finding.severity).max();
        let rules: BTreeSet<&'static str> = findings.iter().map(|finding| finding.rule.id).collect();
        for (issuer, mut admitted) in by_issuer {
            admitted.sort_by(|a, b| (b.breadth, a.statement).cmp(&(a.breadth, b.statement)));
            let role = found.role.as_ref();
            let name = role.map(|role| role.name.as_str()).filter(|name| !name.is_empty());
            let attached = role.map(|role| role.attached.as_slice()).unwrap_or_default();
            self.of_issuer(&issuer).roles.push(RoleReport {
                file: file.to_owned(),
                line,
                pointer: found.pointer.clone(),
                name: name.unwrap_or(file).to_owned(),
                arn: role.and_then(|role| role.arn.clone()),
                severity: worst.map(lint::Severity::name),
                rules: rules.iter().copied().collect(),
                breadth: admitted.first().map_or(Breadth::Unknown, |admitted| admitted.breadth),
                admitted,
                attached: attached.iter().filter_map(of_note).collect(),
                max_session_duration: role.and_then(|role| role.max_session_duration),
                worst,
            });
        }
    }

    pub fn provider(&mut self, provider: &Provider) {
        let entry = self.of_issuer(keys::without_scheme(&provider.url.text));
        entry.described = true;
        for client_id in &provider.client_ids {
            if !entry.client_ids.contains(&client_id.text) {
                entry.client_ids.push(client_id.text.clone());
            }
        }
    }

    pub fn unread(&mut self, file: &str, line: usize, unread: &Unread) {
        self.report.roles += 1;
        self.report.unread.push(UnreadReport {
            file: file.to_owned(),
            line,
            pointer: unread.pointer.clone(),
            name: unread.role.as_ref().map_or_else(String::new, |role| role.name.clone()),
            why: why(unread),
        });
    }

    /// The findings in roles that tokens from outside open, with their places. Empties what was kept of them.
    #[must_use]
    pub fn places(&mut self) -> report::Report {
        self.places.take().unwrap_or_default().report()
    }

    /// All that was read, the worst first.
    #[must_use]
    pub fn finish(self) -> Report {
        let Self { mut report, providers, .. } = self;
        report.providers = providers.into_values().collect();
        for provider in &mut report.providers {
            provider
                .roles
                .sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| (&a.name, a.line).cmp(&(&b.name, b.line))));
        }
        report.providers.sort_by(|a, b| {
            let worst = |provider: &ProviderReport| provider.roles.first().map(rank);
            worst(b).cmp(&worst(a)).then_with(|| a.issuer.cmp(&b.issuer))
        });
        report
    }

    fn of_issuer(&mut self, issuer: &str) -> &mut ProviderReport {
        self.providers.entry(issuer.to_owned()).or_insert_with(|| ProviderReport {
            issuer: issuer.to_owned(),
            kind: Kind::of(issuer).name(),
            shared: Kind::tenancy_key_of(issuer).is_some(),
            described: false,
            client_ids: Vec::new(),
            roles: Vec::new(),
        })
    }

    fn count_others(&mut self, found: &Found) {
        let arn = found.role.as_ref().and_then(|role| role.arn.as_deref());
        let own = arn.and_then(caller::Role::of_arn).map(|role| role.account);
        let mut others = Others::default();
        let allowing = found.policy.statements.iter().filter(|statement| statement.effect == Effect::Allow);
        for principal in allowing.flat_map(|statement| &statement.principals.items) {
            let value = principal.value.text.as_str();
            match principal.kind {
                PrincipalKind::Service => others.services = 1,
                PrincipalKind::Federated if value.contains(":saml-provider/") => others.saml = 1,
                PrincipalKind::Aws => match (account(value), own.as_deref()) {
                    (Some(account), Some(own)) if account == own => others.own_account = 1,
                    (Some(_) | None, Some(_)) => others.other_accounts = 1,
                    (_, None) => others.some_account = 1,
                },
                PrincipalKind::Federated | PrincipalKind::CanonicalUser | PrincipalKind::Anyone => {}
            }
        }
        let sum = &mut self.report.others;
        sum.own_account += others.own_account;
        sum.other_accounts += others.other_accounts;
        sum.some_account += others.some_account;
        sum.services += others.services;
        sum.saml += others.saml;
    }
}

/// Who comes in, by which statement.
fn admitted(found: &Found) -> impl Iterator<Item = (&Statement, who::Admitted)> {
    let arn = found.role.as_ref().and_then(|role| role.arn.as_deref());
    let own = arn.and_then(caller::Role::of_arn);
    let each = found.policy.statements.iter();
    each.flat_map(move |statement| {
        who::admitted(&found.policy, statement, own.as_ref()).into_iter().map(move |admitted| (statement, admitted))
    })
}

fn why(unread: &Unread) -> String {
    match &unread.why {
        Why::Fault(fault) => fault.slip.to_string(),
        Why::NotYetKnown => "it is known once this is applied".to_owned(),
    }
}

/// Severity first, then how many come in, then what they can do.
fn rank(role: &RoleReport) -> (Option<lint::Severity>, Breadth, usize) {
    (role.worst, role.breadth, role.attached.len())
}

/// The account of a principal, which can stand by itself.
fn account(principal: &str) -> Option<String> {
    if principal.len() == 12 && principal.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(principal.to_owned());
    }
    // `sts` has the sessions of roles.
    principal.split(':').nth(4).filter(|account| !account.is_empty()).map(str::to_owned)
}

/// The name of a policy of AWS that allows everything, or everything of a service.
fn of_note(attached: &Text) -> Option<String> {
    let name = attached.text.rsplit('/').next()?;
    let is_wide = matches!(name, "AdministratorAccess" | "PowerUserAccess") || name.ends_with("FullAccess");
    is_wide.then(|| name.to_owned())
}

#[cfg(test)]
mod tests;
