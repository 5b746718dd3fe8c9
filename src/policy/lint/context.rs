//! Keys of the call, and not of the token: whoever calls has a say in what they hold.

use super::repair::shown;
use super::{Finding, Findings, Rule, Scope, Severity, Test, View};
use crate::policy::issuer::Kind;
use crate::policy::operator;

pub static TP046: Rule = Rule {
    id: "TP046",
    name: "address-of-runner",
    severity: Severity::Medium,
    title: "jobs are told by their address, and hosted runners have a new one every time",
};

pub static TP053: Rule = Rule {
    id: "TP053",
    name: "session-name-guard",
    severity: Severity::Critical,
    title: "the session name guards the role, and whoever calls chooses it",
};

pub static TP072: Rule = Rule {
    id: "TP072",
    name: "impossible-address",
    severity: Severity::High,
    title: "aws:SourceIp is never an address of this kind",
};

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in view.grants() {
        let mut found: Vec<Finding> = Vec::new();
        for test in &scope.tests {
            let key = test.condition.key.text.as_str();
            if key.eq_ignore_ascii_case("aws:SourceIp") {
                found.extend(impossible(test).or_else(|| address(scope, test)));
            } else if key.eq_ignore_ascii_case("sts:RoleSessionName") {
                found.extend(session_name(scope, test));
            }
        }
        found.into_iter().for_each(|finding| findings.add(finding));
    }
}

/// Right for runners of one's own behind an address that stays; nobody can tell from the policy.
fn address(scope: &Scope<'_>, test: &Test<'_>) -> Option<Finding> {
    let hosted = scope.issuers.iter().find(|issuer| {
        matches!(
            issuer.kind,
            Kind::GitHub
                | Kind::GitLab
                | Kind::CircleCi
                | Kind::CircleCiRoot
                | Kind::Bitbucket
                | Kind::Bitrise
                | Kind::AzureDevOps
        )
    })?;
    if !test.is_required() || test.condition.operator.test != operator::Test::Ip {
        return None;
    }
    let sure = scope
        .on("runner_environment")
        .any(|test| test.is_required() && test.condition.values.iter().all(|value| value.text == "gitlab-hosted"));
    let name = hosted.kind.name();
    let message = if sure {
        format!("the policy wants hosted runners of {name} and a certain address, and theirs change")
    } else {
        format!("the address of hosted runners of {name} changes, so this is for runners of your own only")
    };
    let fix = format!(
        "say who is meant by {}:sub, and drop aws:SourceIp unless your runners keep their address",
        hosted.host
    );
    let mut finding = Finding::new(&TP046, test.condition.span, message, fix);
    if !sure {
        finding.severity = Severity::Low;
    }
    Some(finding)
}

/// STS sees public addresses; over an endpoint of a VPC the key is not there.
fn impossible(test: &Test<'_>) -> Option<Finding> {
    if test.condition.operator.test != operator::Test::Ip || test.condition.operator.negated {
        return None;
    }
    let value = test.condition.values.iter().find(|value| is_private(&value.text))?;
    let fix = "name the public address that the runners have towards AWS";
    let message = format!("{} is a private network, and aws:SourceIp is a public address", shown(&value.text));
    Some(Finding::new(&TP072, value.span, message, fix))
}

/// RFC 1918, loopback, link-local and RFC 4193.
fn is_private(network: &str) -> bool {
    let start = network.split('/').next().unwrap_or_default();
    match start.parse() {
        Ok(std::net::IpAddr::V4(v4)) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        Ok(std::net::IpAddr::V6(v6)) => v6.is_unique_local() || v6.is_loopback() || v6.is_unicast_link_local(),
        Err(_) => false,
    }
}

fn session_name(scope: &Scope<'_>, test: &Test<'_>) -> Option<Finding> {
    let guarded = |kind: Kind| scope.requires("sub") || kind.tenancy_keys().iter().any(|key| scope.requires(key));
    let issuer = scope.issuers.iter().find(|issuer| !guarded(issuer.kind))?;
    let values: Vec<String> = test.condition.values.iter().take(3).map(|value| shown(&value.text)).collect();
    let message = format!(
        "nothing but the session name {} tells jobs of {} apart, and whoever calls AWS chooses it",
        values.join(", "),
        issuer.host
    );
    let fix = format!("require {}:sub", issuer.host);
    // No token shows it: the name is part of the call, and whoever knows the policy sends the right one.
    Some(Finding::new(&TP053, test.condition.span, message, fix))
}
