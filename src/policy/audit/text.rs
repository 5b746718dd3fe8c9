//! The report for people.

use std::fmt::Write as _;

use super::{ProviderReport, Report, RoleReport};
use crate::text::{Inert, listed};

impl Report {
    /// Lines of text. Everything from the files is inert in it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for provider in &self.providers {
            heading(&mut out, provider);
            for role in &provider.roles {
                role_lines(&mut out, role);
            }
            out.push('\n');
        }
        if !self.unread.is_empty() {
            out.push_str("not read\n");
            for role in &self.unread {
                let _ =
                    writeln!(out, "  {} ({}:{}): {}", name(&role.name), name(&role.file), role.line, name(&role.why));
            }
            out.push('\n');
        }
        let open: usize = self.providers.iter().map(|provider| provider.roles.len()).sum();
        let _ = writeln!(out, "{} of {} roles can be assumed with tokens from outside", open, self.roles);
        let others = &self.others;
        let counts: Vec<String> = [
            (others.other_accounts, "other accounts"),
            (others.some_account, "principals of some account"),
            (others.own_account, "their own account"),
            (others.services, "services of AWS"),
            (others.saml, "SAML providers"),
        ]
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} trust {what}"))
        .collect();
        if !counts.is_empty() {
            let counts: Vec<&str> = counts.iter().map(String::as_str).collect();
            let _ = writeln!(out, "not judged here: {}", listed(&counts));
        }
        out
    }
}

fn heading(out: &mut String, provider: &ProviderReport) {
    let _ = write!(out, "{}", name(&provider.issuer));
    let mut notes = Vec::new();
    if provider.shared {
        notes.push(format!("all customers of {} share this issuer", provider.kind));
    }
    if provider.roles.is_empty() {
        notes.push("no role trusts it".to_owned());
    }
    if !provider.client_ids.is_empty() {
        let ids: Vec<String> = provider.client_ids.iter().map(|id| name(id).to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        notes.push(format!("audience {}", listed(&ids)));
    }
    if !notes.is_empty() {
        let _ = write!(out, " ({})", notes.join("; "));
    }
    out.push('\n');
}

fn role_lines(out: &mut String, role: &RoleReport) {
    let _ = write!(out, "  {:<8} {}", role.severity.unwrap_or("-"), name(&role.name));
    if !role.attached.is_empty() {
        let attached: Vec<String> = role.attached.iter().map(|policy| name(policy).to_string()).collect();
        let attached: Vec<&str> = attached.iter().map(String::as_str).collect();
        let _ = write!(out, " with {}", listed(&attached));
    }
    if !role.rules.is_empty() {
        let _ = write!(out, " ({})", role.rules.join(", "));
    }
    out.push('\n');
    for admitted in &role.admitted {
        let _ = write!(out, "           {}", Inert::excerpt(&admitted.who, 400));
        let by = match &admitted.sid {
            Some(sid) => format!("statement {}", name(sid)),
            None => format!("statement {}", admitted.statement + 1),
        };
        let _ = writeln!(out, " [{by}]");
    }
    let _ = writeln!(out, "           {}:{}", name(&role.file), role.line);
}

fn name(text: &str) -> Inert {
    Inert::excerpt(text, 200)
}
