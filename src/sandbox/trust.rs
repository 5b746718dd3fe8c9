//! Trust policies, as far as the sandbox understands them: enough for policies that tie a role to a
//! job of GitHub Actions, Buildkite or Bitrise. Everything else is refused when the configuration is
//! read, since a part that was silently skipped would make the sandbox admit what AWS denies.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>

use serde_json::{Map, Value};

use super::reader::{Node, Problems, quoted};
use crate::keys;
use crate::text::listed;

/// Keys that the sandbox fills, behind the issuer's host and a colon. There are two of every OIDC
/// provider, and the claims of some that AWS hands to policies as of November 2026.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html>
const GITHUB_KEYS: &[&str] = &[
    "aud",
    "sub",
    "actor",
    "actor_id",
    "enterprise_id",
    "environment",
    "job_workflow_ref",
    "ref",
    "repository",
    "repository_id",
    "repository_owner_id",
    "workflow",
];

const BUILDKITE: &str = "agent.buildkite.com";
const BUILDKITE_KEYS: &[&str] = &[
    "aud",
    "sub",
    "build_branch",
    "cluster_id",
    "cluster_name",
    "organization_id",
    "organization_slug",
    "pipeline_id",
    "pipeline_slug",
];

/// AWS fills nothing but `aud` and `sub` for it.
const BITRISE: &str = "token.builds.bitrise.io";

/// Not of GitLab's other instances: AWS fills nothing but `aud` and `sub` for those.
const GITLAB: &str = "gitlab.com";

/// Behind it stands the name of a session tag.
const REQUEST_TAG: &str = "aws:RequestTag/";

const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", …}]}"#;
const STATEMENT: &str = r#"{"Effect": "Allow", "Principal": {"Federated": "…"}, "Action": "…", "Condition": {…}}"#;
const FEDERATED: &str = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
const ACTION: &str = "\"sts:AssumeRoleWithWebIdentity\"";
const CONDITION: &str = r#"{"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}"#;

/// Who asks, as far as AWS lets a policy see it.
pub(super) struct Caller<'a> {
    pub(super) provider_arn: &'a str,
    /// The issuer without its scheme.
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    pub(super) subject: &'a str,
    pub(super) claims: &'a Map<String, Value>,
    pub(super) tags: &'a [(String, String)],
}

pub(super) struct TrustPolicy<'a>(Vec<Statement<'a>>);

struct Statement<'a> {
    deny: bool,
    providers: Vec<&'a str>,
    actions: Vec<&'a str>,
    conditions: Vec<Condition<'a>>,
}

struct Condition<'a> {
    operator: Operator<'a>,
    key: &'a str,
    values: Vec<&'a str>,
}

#[derive(Clone, Copy)]
struct Operator<'a> {
    name: &'a str,
    like: bool,
    negated: bool,
    if_exists: bool,
}

impl<'a> TrustPolicy<'a> {
    /// Reads a policy document; what the sandbox does not understand is a problem.
    pub(super) fn read(node: &Node<'a>, problems: &mut Problems) -> Option<Self> {
        node.object(&["Version", "Id", "Statement"], POLICY, problems)?;
        node.no_nulls(POLICY, problems);
        if let Some(version) = node.get("Version")
            && !matches!(version.value().as_str(), Some("2012-10-17" | "2008-10-17"))
        {
            problems.add(&version.at, "is not a version of the policy language", "\"2012-10-17\"");
        }
        let statements = node.need("Statement", &format!("[{STATEMENT}]"), problems)?.items();
        Some(Self(statements.iter().filter_map(|node| Statement::read(node, problems)).collect()))
    }

    /// Whether the policy lets `caller` perform `action`, one of `sts:`.
    ///
    /// # Errors
    /// Says, for the reader of the sandbox's log, what kept the caller out.
    pub(super) fn decide(&self, action: &str, caller: &Caller<'_>) -> Result<(), String> {
        let concerns = |statement: &&Statement| {
            let named = statement.providers.contains(&caller.provider_arn);
            named
                && statement
                    .actions
                    .iter()
                    .any(|pattern| like(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase()))
        };
        let (denies, allows): (Vec<_>, Vec<_>) = self.0.iter().filter(concerns).partition(|statement| statement.deny);
        if denies.iter().any(|statement| statement.unmet(caller).is_none()) {
            return Err(format!("a statement denies {action} to it"));
        }
        let mut reason = None;
        for statement in allows {
            match statement.unmet(caller) {
                None => return Ok(()),
                Some(condition) => reason = reason.or(Some(condition.explain(caller))),
            }
        }
        Err(reason.unwrap_or_else(|| format!("no statement allows {action} to {}", caller.provider_arn)))
    }
}

impl<'a> Statement<'a> {
    fn read(node: &Node<'a>, problems: &mut Problems) -> Option<Self> {
        node.object(&["Sid", "Effect", "Principal", "Action", "Condition"], STATEMENT, problems)?;
        node.no_nulls(STATEMENT, problems);
        let deny = node.need("Effect", "\"Allow\"", problems).and_then(|node| match node.value().as_str() {
            Some("Allow") => Some(false),
            Some("Deny") => Some(true),
            _ => {
                problems.add(&node.at, "is neither `Allow` nor `Deny`", "\"Allow\"");
                None
            }
        });
        let providers = node.need("Principal", &format!(r#"{{"Federated": "{FEDERATED}"}}"#), problems);
        let providers = providers.and_then(|node| read_providers(&node, problems));
        let actions = node.need("Action", ACTION, problems).map(|node| read_actions(&node, problems));
        let conditions = node.get("Condition").map(|node| read_conditions(&node, problems)).unwrap_or_default();
        Some(Self { deny: deny?, providers: providers?, actions: actions?, conditions })
    }

    /// The first condition that does not hold.
    fn unmet(&self, caller: &Caller<'_>) -> Option<&Condition<'a>> {
        self.conditions.iter().find(|condition| !condition.holds(caller))
    }
}

impl Condition<'_> {
    /// A positive operator wants the key and one matching value, a negated one no matching value.
    fn holds(&self, caller: &Caller<'_>) -> bool {
        let Some(actual) = caller.value(self.key) else {
            return self.operator.negated || self.operator.if_exists;
        };
        let matches = |value: &&str| if self.operator.like { like(value, actual) } else { *value == actual };
        self.values.iter().any(matches) != self.operator.negated
    }

    fn explain(&self, caller: &Caller<'_>) -> String {
        let wanted: Vec<String> = self.values.iter().map(|value| quoted(value)).collect();
        let actual = caller.value(self.key).map_or_else(|| "no such key".to_owned(), quoted);
        format!("the policy wants {} {} {}; there is {actual}", self.key, self.operator.name, wanted.join(" or "))
    }
}

impl<'a> Operator<'a> {
    fn read(name: &'a str) -> Option<Self> {
        let (base, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |base| (base, true));
        let (like, negated) = match base {
            "StringEquals" => (false, false),
            "StringNotEquals" => (false, true),
            "StringLike" => (true, false),
            "StringNotLike" => (true, true),
            _ => return None,
        };
        Some(Self { name, like, negated, if_exists })
    }
}

impl Caller<'_> {
    /// The value of a condition key. Names compare without regard to case; a key that is not
    /// behind the issuer of the token is not there.
    fn value(&self, key: &str) -> Option<&str> {
        if let Some(name) = requested_tag(key) {
            let tag = self.tags.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            return tag.map(|(_, value)| value.as_str());
        }
        let (issuer, name) = key.rsplit_once(':')?;
        if !issuer.eq_ignore_ascii_case(self.issuer) {
            return None;
        }
        match name.to_ascii_lowercase().as_str() {
            "aud" => Some(self.audience),
            "sub" => Some(self.subject),
            name if is_github(self.issuer) && GITHUB_KEYS.contains(&name) => self.claims.get(name)?.as_str(),
            name if self.issuer == BUILDKITE && BUILDKITE_KEYS.contains(&name) => self.claims.get(name)?.as_str(),
            name if self.issuer == GITLAB && keys::of_issuer(GITLAB).contains(&name) => self.claims.get(name)?.as_str(),
            _ => None,
        }
    }
}

fn read_providers<'a>(node: &Node<'a>, problems: &mut Problems) -> Option<Vec<&'a str>> {
    let example = format!(r#"{{"Federated": "{FEDERATED}"}}"#);
    if !node.value().is_object() {
        problems.add(&node.at, "is not understood; the sandbox understands `Federated` so far", &example);
        return None;
    }
    let others: Vec<_> = node.members().filter(|(name, _)| *name != "Federated").collect();
    for (name, member) in &others {
        let problem = format!("is not understood; the sandbox understands `Federated` so far, not `{name}`");
        problems.add(&member.at, &problem, &example);
    }
    let node = match node.get("Federated") {
        None if !others.is_empty() => return None,
        _ => node.need("Federated", &quoted(FEDERATED), problems)?,
    };
    let providers = node.texts(&quoted(FEDERATED), problems);
    for provider in &providers {
        let fields: Vec<&str> = provider.splitn(6, ':').collect();
        let is_provider =
            matches!(fields.as_slice(), ["arn", _, "iam", "", _, resource] if resource.starts_with("oidc-provider/"));
        if !is_provider {
            let problem = format!("has `{provider}`, which is not the ARN of an OIDC provider");
            problems.add(&node.at, &problem, &quoted(FEDERATED));
        }
    }
    Some(providers)
}

fn read_actions<'a>(node: &Node<'a>, problems: &mut Problems) -> Vec<&'a str> {
    let actions = node.texts(ACTION, problems);
    for action in &actions {
        if *action != "*" && !action.to_ascii_lowercase().starts_with("sts:") {
            problems.add(&node.at, &format!("has `{action}`, which is not an action of sts"), ACTION);
        }
    }
    actions
}

fn read_conditions<'a>(node: &Node<'a>, problems: &mut Problems) -> Vec<Condition<'a>> {
    let mut conditions = Vec::new();
    if node.any_object(CONDITION, problems).is_none() {
        return conditions;
    }
    for (name, node) in node.members() {
        let operator = Operator::read(name);
        if operator.is_none() {
            let understood = "StringEquals, StringNotEquals, StringLike, StringNotLike and their IfExists forms";
            let problem = format!("is not understood; the sandbox understands {understood} so far");
            problems.add(&node.at, &problem, CONDITION);
        }
        if node.any_object(CONDITION, problems).is_none() {
            continue;
        }
        for (key, node) in node.members() {
            check_key(key, &node, problems);
            let values = node.texts("\"sts.amazonaws.com\"", problems);
            if values.iter().any(|value| value.contains("${")) {
                let problem = "has a policy variable; the sandbox understands plain values and wildcards so far";
                problems.add(&node.at, problem, "\"sts.amazonaws.com\"");
            }
            if let Some(operator) = operator {
                conditions.push(Condition { operator, key, values });
            }
        }
    }
    conditions
}

fn check_key(key: &str, node: &Node<'_>, problems: &mut Problems) {
    if requested_tag(key).is_some_and(|name| !name.is_empty()) {
        return;
    }
    let (issuer, name) = key.rsplit_once(':').filter(|(issuer, _)| issuer.contains('.')).unwrap_or_default();
    if issuer.eq_ignore_ascii_case(BITRISE) {
        // Policies that ask for more than AWS fills are common there. They can be read, and admit nobody.
        return;
    }
    if issuer.eq_ignore_ascii_case(GITLAB) && keys::of_issuer(GITLAB).contains(&name.to_ascii_lowercase().as_str()) {
        return;
    }
    let known = if issuer.eq_ignore_ascii_case(BUILDKITE) { BUILDKITE_KEYS } else { GITHUB_KEYS };
    if !known.contains(&name.to_ascii_lowercase().as_str()) {
        let known = listed(known);
        let problem = format!("is not understood; behind an issuer and a colon the sandbox understands {known} so far");
        problems.add(&node.at, &problem, "\"token.actions.githubusercontent.com:sub\"");
    }
}

/// The name in `aws:RequestTag/NAME`.
fn requested_tag(key: &str) -> Option<&str> {
    let (start, name) = key.split_at_checked(REQUEST_TAG.len())?;
    start.eq_ignore_ascii_case(REQUEST_TAG).then_some(name)
}

/// The issuers for which AWS maps GitHub's claims: github.com, enterprises and GHE.com.
fn is_github(issuer: &str) -> bool {
    let (host, _) = issuer.split_once('/').unwrap_or((issuer, ""));
    let residency = host.strip_prefix("token.actions.").and_then(|rest| rest.strip_suffix(".ghe.com"));
    host == "token.actions.githubusercontent.com"
        || residency.is_some_and(|name| !name.is_empty())
        || issuer.starts_with("github.com/enterprises/")
}

/// `*` stands for any text, `?` for one character, in linear space and without recursion.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on when the latest `*` has to take one character more.
    let mut retry = None;
    while let Some(c) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == c => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after_star, taken)) = retry else {
                    return false;
                };
                retry = Some((after_star, taken + 1));
                (p, t) = (after_star, taken + 1);
            }
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
#[path = "tests/trust.rs"]
mod tests;
