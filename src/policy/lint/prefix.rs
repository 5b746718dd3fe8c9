//! Keys that stand behind something else than the provider of their statement.

use super::guard::{self, Guard};
use super::wildcard::names_project;
use super::{Finding, Findings, Issuer, Key, Rule, Scope, Severity, Test, View, host, same};
use crate::keys;
use crate::policy::document::Effect;
use crate::policy::issuer::Kind;

pub static TP015: Rule = Rule {
    id: "TP015",
    name: "foreign-key",
    severity: Severity::High,
    title: "the key does not start with the provider of its statement",
};

pub static TP016: Rule =
    Rule { id: "TP016", name: "key-case", severity: Severity::Low, title: "the key is not written as AWS writes it" };

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in &view.scopes {
        for test in &scope.tests {
            match test.key {
                Key::OfIssuer { prefix, name } => spelling(scope, test, prefix, name, findings),
                // Without a prefix it is no key of an issuer at all.
                Key::Foreign { prefix: "", .. } | Key::Global => {}
                Key::Foreign { prefix, name } => {
                    if let Some(issuer) = provider_for(scope, prefix) {
                        findings.add(foreign(scope, issuer, test, prefix, name, findings));
                    }
                }
            }
        }
    }
}

fn spelling(scope: &Scope<'_>, test: &Test<'_>, prefix: &str, name: &str, findings: &mut Findings<'_>) {
    let Some(issuer) = scope.issuers.iter().find(|issuer| test.is_of(issuer)) else { return };
    let Some(right) = keys::claim_of_key(issuer.host, name) else { return };
    if prefix == issuer.host && name == right {
        return;
    }
    let right = format!("{}:{right}", issuer.host);
    let key = &test.condition.key;
    let message = format!("{} works, since AWS reads keys without regard to case, but it is written {right}", key.text);
    let finding = Finding::new(&TP016, key.span, message, format!("write {right}"));
    findings.add(finding.edit(key.span, right));
}

/// The provider that the key should have been of. None where the provider is the mistake, and not the key.
fn provider_for<'s, 'a>(scope: &'s Scope<'a>, prefix: &str) -> Option<&'s Issuer<'a>> {
    let bare = bare(prefix);
    let same_host = |issuer: &&Issuer<'_>| issuer.host.split('/').next() == bare.split('/').next();
    let issuer = scope.issuers.iter().find(same_host).or_else(|| scope.issuers.first())?;
    let right_elsewhere = host::is_wrong(issuer.host) && Kind::of(prefix) != Kind::Other;
    (!right_elsewhere && !issuer.host.contains("://")).then_some(issuer)
}

/// The prefix without what people put before the host.
fn bare(prefix: &str) -> &str {
    let prefix = prefix.rsplit_once(":oidc-provider/").map_or(prefix, |(_, host)| host);
    keys::without_scheme(prefix)
}

fn foreign(
    scope: &Scope<'_>,
    issuer: &Issuer<'_>,
    test: &Test<'_>,
    prefix: &str,
    name: &str,
    findings: &Findings<'_>,
) -> Finding {
    let condition = test.condition;
    let right = format!("{}:{name}", issuer.host);
    let vacuous = !test.is_required();
    let effect = match (scope.statement.effect, vacuous) {
        (Effect::Allow, false) => "nobody comes in",
        (Effect::Allow, true) => "the condition keeps nobody out",
        (Effect::Deny, false) => "the Deny applies to nobody",
        (Effect::Deny, true) => "the Deny applies to everybody",
    };
    let plain = bare(prefix).trim_end_matches('/').eq_ignore_ascii_case(issuer.host.trim_end_matches('/'));
    let message = if prefix.starts_with("arn:") {
        format!("the key starts with the provider's ARN, where AWS has its host and path, so {effect}")
    } else if plain && prefix.contains("://") {
        format!("the key starts with https://, which AWS leaves out, so {effect}")
    } else if plain {
        format!("the key starts with {prefix}, and the provider with {}: the slash counts, so {effect}", issuer.host)
    } else {
        format!("the key starts with {prefix}, and the provider of the statement is {}, so {effect}", issuer.host)
    };
    let mut finding = Finding::new(&TP015, condition.key.span, message, format!("write {right}"));
    if !scope.grants {
        return finding;
    }
    if vacuous {
        if guard::of(scope, issuer) == Guard::Nothing {
            finding.severity = Severity::Critical; // it was meant to keep strangers out
            finding = finding.shown_by(findings.admits_stranger(
                "a job that the condition was meant to keep out",
                scope,
                issuer,
            ));
        }
        return finding;
    }
    let example = findings.wrongly_refuses("the job that is meant", scope, issuer, |statement| {
        for other in &scope.tests {
            if let (Key::Foreign { name, .. }, Some(condition)) = (other.key, same(statement, other.condition)) {
                condition.key.text = format!("{}:{name}", issuer.host);
            }
        }
    });
    // With its keys mended the statement lets somebody in, so it has to say whom.
    let names = |test: &Test<'_>| {
        test.name() == "sub"
            && test.is_required()
            && test.condition.values.iter().all(|value| {
                names_project(issuer.kind, &value.text)
                    || crate::policy::subject::parse(issuer.kind.subjects(), &value.text).is_some()
            })
    };
    if plain && scope.tests.iter().any(names) {
        finding = finding.edit(condition.key.span, right);
    }
    finding.shown_by(example)
}
