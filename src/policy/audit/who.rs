//! Who is let in by a statement, in words. Everything said here follows from the policy and from the
//! forms of subjects; what does not is said to be unknown.

use serde::Serialize;

use super::cut::{Cut, Part, Rest, cut, is_anything};
use crate::keys;
use crate::policy::caller::{ASSUME, Role};
use crate::policy::document::{Condition, Effect, Principal, PrincipalKind, Statement, TrustPolicy};
use crate::policy::evaluate;
use crate::policy::issuer::Kind;
use crate::policy::operator::{Set, Test};
use crate::policy::{pattern, placeholder, sample};
use crate::text::listed;

/// How many can come in, from the fewest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Breadth {
    Nobody,
    /// One branch, environment or the like of one project.
    Narrow,
    /// One project.
    Project,
    /// Several projects of one customer of the CI.
    Organization,
    Unknown,
    /// Whoever has an account at the CI.
    Anyone,
}

/// What a statement says of the tokens of one issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Admitted {
    pub issuer: String,
    pub who: String,
    pub breadth: Breadth,
    /// The customers of the CI whom the statement names.
    pub tenants: Vec<String>,
}

/// The OIDC providers that a statement lets in, each with whom it means.
pub(super) fn admitted(policy: &TrustPolicy, statement: &Statement, role: Option<&Role>) -> Vec<Admitted> {
    if statement.effect == Effect::Deny || !evaluate::has_action(&statement.actions, ASSUME) {
        return Vec::new();
    }
    let each = statement.principals.items.iter().filter_map(|principal| {
        let issuer = issuer_of(principal)?;
        let provider = Role::of_arn(&principal.value.text).filter(|provider| !placeholder::is_in(&provider.account));
        Some(match (role, provider) {
            (Some(role), Some(provider)) if role.account != provider.account => Admitted {
                issuer: issuer.to_owned(),
                who: "nobody: AWS looks for the provider in the role's own account".to_owned(),
                breadth: Breadth::Nobody,
                tenants: Vec::new(),
            },
            _ => of_issuer(policy, statement, issuer),
        })
    });
    each.collect()
}

/// The issuer that a principal stands for, or all that it says where that is none.
fn issuer_of(principal: &Principal) -> Option<&str> {
    let value = principal.value.text.as_str();
    match principal.kind {
        PrincipalKind::Anyone => Some("*"),
        PrincipalKind::Federated => match value.split_once(":oidc-provider/") {
            Some((_, host)) => Some(host),
            None => (!value.contains(":saml-provider/")).then_some(value),
        },
        PrincipalKind::Aws | PrincipalKind::Service | PrincipalKind::CanonicalUser => None,
    }
}

fn of_issuer(policy: &TrustPolicy, statement: &Statement, issuer: &str) -> Admitted {
    let said = |who: String, breadth| Admitted { issuer: issuer.to_owned(), who, breadth, tenants: Vec::new() };
    let unknown = |why: &str| said(format!("unknown: {why}"), Breadth::Unknown);
    if !policy.refusals.is_empty() {
        return unknown("AWS does not save this policy");
    }
    if issuer == "*" {
        return unknown("AWS does not say whom \"*\" lets in with a token");
    }
    if placeholder::is_in(issuer) {
        return unknown("the provider is known when the template is deployed");
    }
    let mut story = Story {
        kind: Kind::of(issuer),
        issuer,
        subjects: Vec::new(),
        more: Vec::new(),
        names_tenant: None,
        tenants: Tenants::default(),
    };
    for condition in &statement.conditions {
        match story.hear(policy, condition) {
            Heard::Well => {}
            Heard::Nobody(why) => return said(format!("nobody: {why}"), Breadth::Nobody),
            Heard::Unknown(why) => return unknown(&why),
        }
    }
    let tenants = std::mem::take(&mut story.tenants).known(story.kind, issuer);
    let (mut who, breadth) = story.told();
    if breadth > Breadth::Nobody && !is_plain(policy, statement) && !sample::may_admit(policy, statement, issuer) {
        return unknown("no token was found that comes in by this statement");
    }
    if breadth > Breadth::Nobody && policy.statements.iter().any(|statement| statement.effect == Effect::Deny) {
        who.push_str(", less what a Deny statement takes away");
    }
    Admitted { tenants, ..said(who, breadth) }
}

/// Whether no two things that the policy says can contradict each other, so that there is nothing to try.
fn is_plain(policy: &TrustPolicy, statement: &Statement) -> bool {
    let keys = || statement.conditions.iter().map(|condition| condition.key.text.as_str());
    policy.statements.iter().all(|statement| statement.effect == Effect::Allow)
        && keys().enumerate().all(|(index, key)| keys().take(index).all(|other| !other.eq_ignore_ascii_case(key)))
}

struct Story<'a> {
    kind: Kind,
    issuer: &'a str,
    /// For each condition on the subject: one of these.
    subjects: Vec<Vec<(String, Breadth)>>,
    /// What else has to be so.
    more: Vec<String>,
    /// A key other than the subject that names a customer or a project, and what it leaves.
    names_tenant: Option<Breadth>,
    tenants: Tenants,
}

/// Organizations, owners, workspaces and groups, as far as they are named.
#[derive(Default)]
struct Tenants {
    names: Vec<String>,
    ids: Vec<String>,
}

impl Tenants {
    /// What a condition that a token has to meet says of them.
    fn hear(&mut self, claim: &str, condition: &Condition) {
        let texts = condition.values.iter().map(|value| value.text.as_str());
        match claim {
            "organization_slug" => add(&mut self.names, texts),
            "repository" => add(&mut self.names, texts.filter_map(|text| Some(text.split_once('/')?.0))),
            "repository_owner_id"
            | "enterprise_id"
            | "organization_id"
            | "namespace_id"
            | "google/organization_number" => add(&mut self.ids, texts),
            _ => {}
        }
    }

    /// By name; by id where there is no name; else whose issuer it is.
    fn known(self, kind: Kind, issuer: &str) -> Vec<String> {
        let Self { mut names, ids } = self;
        if names.is_empty() {
            names = ids;
        }
        if names.is_empty() {
            add(&mut names, owner_of(kind, issuer).into_iter());
        }
        names
    }
}

fn add<'t>(list: &mut Vec<String>, texts: impl Iterator<Item = &'t str>) {
    for text in texts.filter(|text| !text.is_empty() && !pattern::has_wildcard(text)) {
        if !list.iter().any(|known| known == text) {
            list.push(text.to_owned());
        }
    }
}

enum Heard {
    Well,
    Nobody(String),
    Unknown(String),
}

impl Story<'_> {
    fn hear(&mut self, policy: &TrustPolicy, condition: &Condition) -> Heard {
        let key = condition.key.text.as_str();
        let operator = condition.operator;
        if placeholder::is_in(key) {
            return Heard::Unknown("a condition is known when the template is deployed".to_owned());
        }
        let may_be_absent = operator.negated || operator.if_exists || operator.set == Some(Set::All);
        let of_call = key
            .split_once(':')
            .is_some_and(|(service, _)| service.eq_ignore_ascii_case("aws") || service.eq_ignore_ascii_case("sts"));
        if of_call {
            self.more.push(in_words(key, condition));
            return Heard::Well;
        }
        let name = match key.rsplit_once(':') {
            Some((prefix, name)) if prefix.eq_ignore_ascii_case(self.issuer) => name,
            _ => "",
        };
        let claim =
            if name.eq_ignore_ascii_case("oaud") { Some("oaud") } else { keys::claim_of_key(self.issuer, name) };
        let Some(claim) = claim else {
            let wants_absence =
                operator.test == Test::Null && condition.values.iter().all(|value| value.text == "true");
            if may_be_absent || wants_absence {
                return Heard::Well; // of a key that is never there
            }
            return Heard::Nobody(format!("AWS never sends {key} for this issuer"));
        };
        if claim == "sub" {
            return self.hear_subject(policy, condition);
        }
        let is_tenancy_key = self.kind.tenancy_keys().contains(&claim)
            || (Kind::tenancy_key_of(self.issuer) == Some("aud") && claim == "aud");
        let is_audience = matches!(claim, "aud" | "oaud");
        if !may_be_absent
            && matches!(operator.test, Test::StringEquals | Test::StringEqualsIgnoreCase | Test::StringLike)
        {
            self.tenants.hear(claim, condition);
        }
        if operator.test != Test::Null && !may_be_absent && is_tenancy_key && !condition.values.iter().any(is_wild) {
            let breadth = if PROJECT_KEYS.contains(&claim) { Breadth::Project } else { Breadth::Organization };
            self.names_tenant = Some(self.names_tenant.map_or(breadth, |known| known.min(breadth)));
            self.more.push(in_words(claim, condition));
        } else if !is_audience {
            // The audience says what a token is for, not whose it is.
            self.more.push(in_words(claim, condition));
        }
        Heard::Well
    }

    fn hear_subject(&mut self, policy: &TrustPolicy, condition: &Condition) -> Heard {
        let operator = condition.operator;
        let literal = match operator.test {
            Test::StringEquals | Test::StringEqualsIgnoreCase => true,
            Test::StringLike => false,
            // Every token has a subject.
            Test::Null if condition.values.iter().all(|value| value.text == "false") => return Heard::Well,
            Test::Null => return Heard::Nobody("every token has a subject".to_owned()),
            _ => return Heard::Unknown(format!("{} on the subject", condition.operator_name.text)),
        };
        if policy.has_variables() && condition.values.iter().any(|value| has_variable(&value.text)) {
            return Heard::Unknown("the subject is compared with a variable".to_owned());
        }
        if operator.negated {
            self.more.push(in_words("sub", condition));
            return Heard::Well;
        }
        let tenants = &mut self.tenants;
        let each = condition.values.iter().map(|value| subject(self.kind, self.issuer, &value.text, literal, tenants));
        let mut each: Vec<(String, Breadth)> = each.collect();
        if each.iter().any(|(_, breadth)| *breadth != Breadth::Nobody) {
            each.retain(|(_, breadth)| *breadth != Breadth::Nobody);
        }
        if each.iter().all(|(_, breadth)| *breadth == Breadth::Nobody) {
            return Heard::Nobody("no subject of this issuer is like that".to_owned());
        }
        self.subjects.push(each);
        Heard::Well
    }

    fn told(self) -> (String, Breadth) {
        let mut breadth = match self.names_tenant {
            Some(breadth) => breadth,
            None if Kind::tenancy_key_of(self.issuer).is_some() => Breadth::Anyone,
            None => Breadth::Organization,
        };
        let mut who: Vec<String> = Vec::new();
        for subjects in &self.subjects {
            let widest = subjects.iter().map(|(_, breadth)| *breadth).max().unwrap_or(Breadth::Unknown);
            breadth = breadth.min(widest);
            let mut words: Vec<&str> = subjects.iter().map(|(words, _)| words.as_str()).collect();
            words.dedup();
            who.push(either(&words));
        }
        let mut who = match who.as_slice() {
            [] if self.names_tenant.is_some() => format!("jobs of {}", place(self.kind, self.issuer)),
            [] => everyone(self.kind, self.issuer),
            several => several.join(", who is at the same time "),
        };
        if !self.more.is_empty() {
            let more: Vec<&str> = self.more.iter().map(String::as_str).collect();
            who.push_str(", with ");
            who.push_str(&listed(&more));
        }
        (who, breadth)
    }
}

/// Keys that name one project.
const PROJECT_KEYS: &[&str] =
    &["repository_id", "repository", "project_id", "pipeline_id", "pipeline_slug", "oidc.circleci.com/project-id"];

/// Parts that are another in every run.
const OF_A_RUN: &[&str] = &["commit", "step", "user id"];

/// The part that names a project.
const PROJECT_PARTS: &[&str] =
    &["repository", "project", "pipeline", "project id", "app", "service connection", "workspace", "id"];

fn subject(kind: Kind, issuer: &str, text: &str, literal: bool, tenants: &mut Tenants) -> (String, Breadth) {
    if is_anything(text, literal) {
        let shared = Kind::tenancy_key_of(issuer).is_some();
        return (everyone(kind, issuer), if shared { Breadth::Anyone } else { Breadth::Organization });
    }
    let cuts = cut(kind.subjects(), text, literal);
    if cuts.is_empty() {
        return match (literal, pattern::has_wildcard(text)) {
            (true, true) => {
                (format!("the subject {text}, in which a wildcard is an ordinary character"), Breadth::Nobody)
            }
            (false, true) => (format!("subjects like {text}"), Breadth::Unknown),
            (_, false) => (format!("the subject {text}"), Breadth::Narrow),
        };
    }
    for part in cuts.iter().filter_map(|cut| cut.parts.first()) {
        match part.name {
            "organization id" => add(&mut tenants.ids, std::iter::once(part.text.as_str())),
            "owner" | "organization" => add(&mut tenants.names, std::iter::once(part.text.as_str())),
            "project" => add(&mut tenants.names, part.text.split('/').take(1)),
            _ => {}
        }
    }
    let mut words: Vec<(String, Breadth)> = cuts.iter().map(|cut| one(kind, issuer, cut)).collect();
    words.dedup();
    let breadth = words.iter().map(|(_, breadth)| *breadth).max().unwrap_or(Breadth::Unknown);
    let words: Vec<&str> = words.iter().map(|(words, _)| words.as_str()).collect();
    (either(&words), breadth)
}

fn one(kind: Kind, issuer: &str, cut: &Cut) -> (String, Breadth) {
    let is_shared = Kind::tenancy_key_of(issuer).is_some();
    let widest = if is_shared { Breadth::Anyone } else { Breadth::Organization };
    let parts: Vec<&Part> =
        cut.parts.iter().filter(|part| !(OF_A_RUN.contains(&part.name) && part.text == "*")).collect();
    let Some(first) = parts.first() else { return (everyone(kind, issuer), widest) };
    let words = if kind == Kind::GitHub { github(issuer, &parts, cut) } else { in_general(&parts, cut) };
    let project = parts.iter().find(|part| PROJECT_PARTS.contains(&part.name));
    let rest_is_fixed = match &cut.rest {
        Rest::Nothing => true,
        Rest::Open(names) => names.iter().all(|name| OF_A_RUN.contains(name)),
    };
    // The first part names the customer; a path names it up to its first slash.
    let names_customer = first.is_exact || (first.name == "project" && begins_with_a_name(&first.text));
    let breadth = if !names_customer {
        widest
    } else if !project.is_some_and(|part| part.is_exact) {
        Breadth::Organization
    } else if rest_is_fixed && parts.iter().all(|part| part.is_exact) && parts.len() > 1 {
        Breadth::Narrow
    } else {
        Breadth::Project
    };
    (words, breadth)
}

/// `acme/*`, and not `acme*`.
fn begins_with_a_name(path: &str) -> bool {
    path.split_once('/').is_some_and(|(name, _)| !name.is_empty() && !name.contains(['*', '?']))
}

fn github(issuer: &str, parts: &[&Part], cut: &Cut) -> String {
    let part = |name: &str| parts.iter().find(|part| part.name == name);
    let with_id = |text: &str, id: &str| match part(id) {
        Some(id) => format!("{text}@{}", id.text),
        None => text.to_owned(),
    };
    let owner = part("owner").filter(|owner| owner.text != "*");
    let repository = part("repository").filter(|repository| repository.text != "*");
    let whose = match (owner, repository) {
        (None, None) => everyone(Kind::GitHub, issuer),
        (None, Some(repository)) => format!("a repository {} of {}", repository.text, everyone(Kind::GitHub, issuer)),
        (Some(owner), repository) => {
            let owner_name = with_id(&owner.text, "owner id");
            let owner_name = if owner.is_exact { owner_name } else { format!("every owner like {owner_name}") };
            match repository {
                None => format!("any repository of {owner_name}"),
                Some(name) if name.is_exact && owner.is_exact => {
                    format!("{owner_name}/{}", with_id(&name.text, "repository id"))
                }
                Some(name) if name.is_exact => format!("the repository {} of {owner_name}", name.text),
                Some(name) => format!("repositories like {} of {owner_name}", name.text),
            }
        }
    };
    let what = match (part("environment"), part("ref"), &cut.rest) {
        (Some(environment), ..) if environment.text == "*" => "any environment".to_owned(),
        (Some(environment), ..) => format!("environment {}", environment.text),
        (None, Some(git_ref), _) => git_ref_in_words(&git_ref.text),
        (None, None, Rest::Nothing) => "pull requests".to_owned(),
        (None, None, Rest::Open(_)) => "any branch, tag, pull request and environment".to_owned(),
    };
    format!("{whose}, {what}")
}

fn git_ref_in_words(text: &str) -> String {
    match (text.strip_prefix("refs/heads/"), text.strip_prefix("refs/tags/")) {
        (Some("*"), _) => "any branch".to_owned(),
        (_, Some("*")) => "any tag".to_owned(),
        (Some(branch), _) => format!("branch {branch}"),
        (_, Some(tag)) => format!("tag {tag}"),
        (None, None) if text == "*" => "any branch and tag".to_owned(),
        (None, None) => format!("ref {text}"),
    }
}

fn in_general(parts: &[&Part], cut: &Cut) -> String {
    let mut words: Vec<String> = parts
        .iter()
        .map(|part| match (part.name, part.text.as_str()) {
            ("ref", text) => git_ref_in_words(text),
            (name, "*") => format!("any {name}"),
            (name, text) if part.is_exact => format!("{name} {text}"),
            (name, text) => format!("any {name} like {text}"),
        })
        .collect();
    if let Rest::Open(names) = &cut.rest {
        let names: Vec<&str> = names.iter().copied().filter(|name| !OF_A_RUN.contains(name)).collect();
        if !names.is_empty() {
            words.push(format!("any {}", listed(&names)));
        }
    }
    words.join(", ")
}

/// Whoever gets a token of the issuer at all.
fn everyone(kind: Kind, issuer: &str) -> String {
    let owner = owner_of(kind, issuer).unwrap_or_default();
    match kind {
        Kind::GitHub if issuer == "token.actions.githubusercontent.com" => "anyone with a GitHub account".to_owned(),
        Kind::GitLab => "anyone with an account at GitLab.com".to_owned(),
        Kind::CircleCi => format!("any project of organization {owner}"),
        Kind::AzureDevOps => format!("any pipeline of organization {owner}"),
        Kind::Bitbucket => format!("any repository of workspace {owner}"),
        _ if kind.is_shared() => format!("any customer of {}", kind.name()),
        _ => format!("whoever has a token of {issuer}"),
    }
}

/// The customer who has the issuer alone.
fn owner_of(kind: Kind, issuer: &str) -> Option<&str> {
    match kind {
        Kind::CircleCi | Kind::AzureDevOps => issuer.rsplit('/').next(),
        Kind::Bitbucket => issuer.split('/').nth(3),
        _ => None,
    }
}

fn place(kind: Kind, issuer: &str) -> String {
    if kind == Kind::Other { issuer.to_owned() } else { kind.name().to_owned() }
}

fn in_words(key: &str, condition: &Condition) -> String {
    let operator = condition.operator;
    let values: Vec<&str> = condition.values.iter().map(|value| value.text.as_str()).collect();
    let phrase = match (operator.test, operator.negated) {
        (Test::StringEquals | Test::StringEqualsIgnoreCase, false) => format!("{key} {}", either(&values)),
        (Test::StringEquals | Test::StringEqualsIgnoreCase, true) => format!("{key} other than {}", either(&values)),
        (Test::StringLike, false) => format!("{key} like {}", either(&values)),
        (Test::StringLike, true) => format!("{key} not like {}", either(&values)),
        _ => format!("{key} {} {}", condition.operator_name.text, either(&values)),
    };
    let absent = operator.if_exists || operator.set == Some(Set::All) || (operator.negated && key != "sub");
    if absent { format!("{phrase} or no {key} at all") } else { phrase }
}

fn is_wild(value: &crate::policy::document::Text) -> bool {
    pattern::has_wildcard(&value.text)
}

fn has_variable(text: &str) -> bool {
    let rest = text.replace("${*}", "").replace("${?}", "").replace("${$}", "");
    rest.contains("${") && !placeholder::is_in(&rest)
}

/// `a`, `a or b`, `a, b or c`; long lists are cut short.
fn either(words: &[&str]) -> String {
    const SHOWN: usize = 4;
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] if words.len() <= SHOWN => format!("{} or {last}", first.join("; ")),
        _ => {
            let shown: Vec<&str> = words.iter().take(SHOWN - 1).copied().collect();
            format!("{} or {} more", shown.join("; "), words.len() - shown.len())
        }
    }
}
