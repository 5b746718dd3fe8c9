//! Condition keys that look right and are never there.

use super::repair::{kept_out, quoted, shown, siblings, without};
use super::{Edit, Finding, Findings, Issuer, Key, Rule, Scope, Severity, Test, View};
use crate::keys;
use crate::policy::document::Effect;
use crate::policy::issuer::Kind;
use crate::policy::operator::{self, Set};
use crate::text::listed;

pub static TP045: Rule = Rule {
    id: "TP045",
    name: "token-field-as-key",
    severity: Severity::High,
    title: "a field of the token is tested that AWS checks itself and shows to no policy",
};

pub static TP047: Rule = Rule {
    id: "TP047",
    name: "mixed-issuers",
    severity: Severity::High,
    title: "one statement names several issuers and tests a key that only one of them has",
};

pub static TP048: Rule = Rule {
    id: "TP048",
    name: "google-audience",
    severity: Severity::Medium,
    title: "the audience of Google's tokens is the key oaud, and aud is the client",
};

pub static TP049: Rule = Rule {
    id: "TP049",
    name: "gitlab-com-key",
    severity: Severity::High,
    title: "the key exists for gitlab.com only, and the issuer is another GitLab",
};

pub static TP060: Rule = Rule {
    id: "TP060",
    name: "no-colon-in-key",
    severity: Severity::High,
    title: "issuer and claim are joined by something else than a colon",
};

pub static TP074: Rule = Rule {
    id: "TP074",
    name: "key-never-sent",
    severity: Severity::High,
    title: "the key is never part of a call that presents a token",
};

pub static TP075: Rule = Rule {
    id: "TP075",
    name: "operator-type",
    severity: Severity::High,
    title: "the operator compares something that this key never has",
};

/// Registered claims that no key is made of, besides those of the rule on unmapped claims.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html>
pub(super) const FIELDS: [&str; 7] = ["iss", "exp", "nbf", "iat", "jti", "azp", "nonce"];

/// Keys of other calls, with what they are for.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
const OF_OTHER_CALLS: [(&str, &str); 9] = [
    ("sts:ExternalId", "of sts:AssumeRole"),
    ("aws:MultiFactorAuthPresent", "of people who have signed in"),
    ("aws:MultiFactorAuthAge", "of people who have signed in"),
    ("aws:username", "of IAM users"),
    ("aws:PrincipalArn", "of callers that have AWS credentials"),
    ("aws:PrincipalOrgID", "of callers that have AWS credentials"),
    ("aws:SourceArn", "of calls that an AWS service makes"),
    ("aws:SourceAccount", "of calls that an AWS service makes"),
    ("aws:SourceOrgID", "of calls that an AWS service makes"),
];

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    for scope in view.scopes.iter().filter(|scope| !scope.issuers.is_empty()) {
        let mut found: Vec<Finding> = Vec::new();
        for test in &scope.tests {
            let one = joined(view, scope, test, findings)
                .or_else(|| field(view, scope, test, findings))
                .or_else(|| gitlab(scope, test, findings))
                .or_else(|| of_other_calls(view, scope, test, findings))
                .or_else(|| google(view, scope, test, findings))
                .or_else(|| wrong_type(view, scope, test, findings));
            found.extend(one);
        }
        found.extend(mixed(scope, findings));
        found.into_iter().for_each(|finding| findings.add(finding));
    }
}

/// What a condition on a key that is never there comes to.
fn outcome(scope: &Scope<'_>, test: &Test<'_>) -> &'static str {
    let operator = test.condition.operator;
    let wants_none = test.condition.values.iter().any(|value| value.text.eq_ignore_ascii_case("true"));
    let holds = match operator.test {
        operator::Test::Null => wants_none,
        _ => operator.if_exists || operator.set == Some(Set::All) || (operator.negated && operator.set.is_none()),
    };
    match (holds, scope.statement.effect) {
        (false, Effect::Allow) => "so the statement lets nobody in",
        (true, Effect::Allow) => "so the condition always holds and keeps nobody out",
        (false, Effect::Deny) => "so the statement keeps nobody out",
        (true, Effect::Deny) => "so the condition always holds",
    }
}

/// The condition taken away, where it is never more than true: who is let in stays the same.
fn removal(view: &View<'_>, scope: &Scope<'_>, test: &Test<'_>) -> Option<Edit> {
    let operator = test.condition.operator;
    let always = operator.test != operator::Test::Null
        && (operator.if_exists || (operator.negated && operator.set.is_none()))
        && scope.statement.effect == Effect::Allow;
    let edit = without(&view.found.node, test.condition.key.span).filter(|_| always)?;
    // Not the whole block of conditions: nobody should come upon a statement without any.
    (scope.statement.conditions.len() > 1).then_some(edit)
}

/// `token.actions.githubusercontent.com.sub`
fn joined(view: &View<'_>, scope: &Scope<'_>, test: &Test<'_>, findings: &Findings<'_>) -> Option<Finding> {
    let key = test.condition.key.text.as_str();
    if !matches!(test.key, Key::Foreign { .. }) {
        return None;
    }
    let Issuer { host, .. } = scope
        .issuers
        .iter()
        .find(|issuer| key.get(..issuer.host.len()).is_some_and(|start| start.eq_ignore_ascii_case(issuer.host)))?;
    let rest = key.get(host.len()..)?;
    let name = rest.trim_start_matches(['.', '/', ':', '-', '_', ' ', '|', '#']);
    let joint = rest.strip_suffix(name)?;
    let claim = keys::claim_of_key(host, name).or_else(|| name.eq_ignore_ascii_case("oaud").then_some("oaud"))?;
    // With a colon of its own it is the issuer that is misspelt, which another rule knows.
    if joint.is_empty() || joint == ":" || (joint.contains(':') && !joint.bytes().all(|byte| byte == b':')) {
        return None;
    }
    let right = format!("{host}:{claim}");
    let span = test.condition.key.span;
    let message = format!(
        "{} joins issuer and claim by {}, and no request has such a key, {}",
        shown(key),
        shown(joint),
        outcome(scope, test)
    );
    let example = kept_out(view, scope, findings, |statement| {
        for condition in statement.conditions.iter_mut().filter(|condition| condition.key.span == span) {
            condition.key.text.clone_from(&right);
        }
    });
    Some(Finding::new(&TP060, span, message, format!("write {right}")).edit(span, right.clone()).shown_by(example))
}

fn field(view: &View<'_>, scope: &Scope<'_>, test: &Test<'_>, findings: &Findings<'_>) -> Option<Finding> {
    let Key::OfIssuer { prefix, name } = test.key else { return None };
    let field = FIELDS.into_iter().find(|field| field.eq_ignore_ascii_case(name))?;
    let message = format!("AWS makes no condition key of the field {field}, {}", outcome(scope, test));
    let fix = match field {
        "iss" => "remove it: the provider under Principal says which issuer is meant".to_owned(),
        "azp" => format!("test {prefix}:aud, which has the token's azp where it has one"),
        "exp" | "nbf" | "iat" => "remove it: AWS refuses tokens that are too old or too young".to_owned(),
        _ => format!("remove it, and test {prefix}:sub"),
    };
    let mut finding = Finding::new(&TP045, test.condition.key.span, message, fix);
    finding.edits.extend(removal(view, scope, test));
    Some(finding.shown_by(shut_out(scope, test, findings)))
}

fn gitlab(scope: &Scope<'_>, test: &Test<'_>, findings: &Findings<'_>) -> Option<Finding> {
    let Key::OfIssuer { prefix, name } = test.key else { return None };
    let key = keys::of_issuer("gitlab.com").iter().find(|key| key.eq_ignore_ascii_case(name))?;
    let of_key = |issuer: &&Issuer<'_>| issuer.host.eq_ignore_ascii_case(prefix);
    scope.issuers.iter().find(of_key).filter(|issuer| issuer.kind == Kind::GitLabOwn)?;
    let message = format!(
        "AWS makes the key {key} of tokens of gitlab.com, and not of those of {prefix}, {}",
        outcome(scope, test)
    );
    let fix = format!("say the same by {prefix}:sub, which has the path of the project, and the branch or tag");
    let example = shut_out(scope, test, findings);
    Some(Finding::new(&TP049, test.condition.key.span, message, fix).shown_by(example))
}

/// A job that nothing but this condition keeps out.
fn shut_out(scope: &Scope<'_>, test: &Test<'_>, findings: &Findings<'_>) -> Option<super::CounterExample> {
    if !scope.grants || !test.is_required() {
        return None;
    }
    findings.wrongly_refuses("the job that is meant", scope, scope.issuers.first()?, |statement| {
        statement.conditions.retain(|condition| condition.span != test.condition.span);
    })
}

fn of_other_calls(view: &View<'_>, scope: &Scope<'_>, test: &Test<'_>, findings: &Findings<'_>) -> Option<Finding> {
    let key = test.condition.key.text.as_str();
    let (known, whose) = OF_OTHER_CALLS.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(key))?;
    if !scope.grants {
        return None;
    }
    let message = format!("{known} is a key {whose}, {}", outcome(scope, test));
    let host = scope.issuers.first()?.host;
    let fix = format!("remove it, and say who is meant by {host}:sub");
    let mut finding = Finding::new(&TP074, test.condition.key.span, message, fix);
    finding.edits.extend(removal(view, scope, test));
    Some(finding.shown_by(shut_out(scope, test, findings)))
}

/// A client of Google's is a number or ends in its domain; an audience that a job asks for is neither.
fn google(view: &View<'_>, scope: &Scope<'_>, test: &Test<'_>, findings: &Findings<'_>) -> Option<Finding> {
    let Key::OfIssuer { prefix, .. } = test.key else { return None };
    if Kind::of(prefix) != Kind::Google || !test.is_on("aud") || !scope.grants || !test.is_required() {
        return None;
    }
    let is_client =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) || text.ends_with(".apps.googleusercontent.com");
    let values = &test.condition.values;
    let value = values.iter().find(|value| !is_client(&value.text) && !value.text.contains(['*', '$']))?;
    let message = format!("{prefix}:aud is the client (azp), and {} is no client of Google", shown(&value.text));
    let fix = format!("write \"ForAnyValue:StringEquals\": {{\"{prefix}:oaud\": {}}}", quoted(&value.text));
    let mut policy = view.policy.clone();
    let statement = policy.statements.iter_mut().find(|statement| statement.index == scope.statement.index)?;
    statement.conditions.retain(|condition| condition.span != test.condition.span);
    let statement = statement.clone();
    let mut claims = crate::policy::sample::nearest(&policy, &statement, prefix);
    claims.insert("aud".to_owned(), value.text.clone().into());
    claims.insert("azp".to_owned(), "113141592653589793238".into());
    let example = findings.proven("the service account that is meant", Some(claims), false);
    Some(Finding::new(&TP048, test.condition.span, message, fix).shown_by(example))
}

/// Operators of ARNs, addresses and dates on claims, and of numbers beside text.
fn wrong_type(view: &View<'_>, scope: &Scope<'_>, test: &Test<'_>, findings: &Findings<'_>) -> Option<Finding> {
    let Key::OfIssuer { name, .. } = test.key else { return None };
    let issuer = scope.issuers.first().filter(|issuer| issuer.kind != Kind::Other)?;
    let condition = test.condition;
    let values = &condition.values;
    let compares = match condition.operator.test {
        operator::Test::Arn => "ARNs",
        operator::Test::Ip => "addresses",
        operator::Test::Date(_) => "dates",
        operator::Test::Numeric(_) if values.iter().all(|value| !is_number(&value.text)) => "numbers",
        operator::Test::Bool if values.iter().all(|value| !is_truth(&value.text)) => "truth values",
        _ => return None,
    };
    let wild = values.iter().any(|value| value.text.contains(['*', '?']));
    let right = match (wild, condition.operator.negated) {
        (true, false) => "StringLike",
        (true, true) => "StringNotLike",
        (false, false) => "StringEquals",
        (false, true) => "StringNotEquals",
    };
    let message =
        format!("{} compares {compares}, and {name} of {} is none", condition.operator_name.text, issuer.kind.name());
    let span = condition.operator_name.span;
    let mut finding = Finding::new(&TP075, span, message, format!("write {right}"));
    let alone = siblings(&view.found.node, condition.key.span).is_some_and(|(members, _)| members.len() == 1);
    // As it stands nobody passes it; negated, everybody does, and the change keeps some of them out.
    if alone && scope.lacks_operator(right) && condition.operator.set.is_none() && !condition.operator.if_exists {
        finding = finding.edit(span, right);
    }
    if !scope.grants || !test.is_required() {
        return Some(finding);
    }
    let example = findings.wrongly_refuses("the job that is meant", scope, issuer, |statement| {
        if let (Some(same), Some(operator)) = (super::same(statement, condition), operator::Operator::named(right)) {
            same.operator = operator;
        }
    });
    Some(finding.shown_by(example))
}

fn is_truth(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

/// Several providers under one Principal: a token is of one of them, and has its keys only.
fn mixed(scope: &Scope<'_>, findings: &Findings<'_>) -> Option<Finding> {
    let mut hosts: Vec<&str> = scope.issuers.iter().map(|issuer| issuer.host).collect();
    hosts.sort_unstable();
    hosts.dedup();
    if hosts.len() < 2 || !scope.grants {
        return None;
    }
    let required = |host: &str| {
        scope.tests.iter().find(|test| {
            test.is_required() && matches!(test.key, Key::OfIssuer { prefix, .. } if prefix.eq_ignore_ascii_case(host))
        })
    };
    let tested: Vec<&str> = hosts.iter().copied().filter(|host| required(host).is_some()).collect();
    let (span, never) = match tested.as_slice() {
        [] => return None,
        [one] => {
            let others: Vec<&str> = hosts.iter().copied().filter(|host| host != one).collect();
            (required(one)?.condition.span, format!("no token of {} has it", listed(&others)))
        }
        several => (required(several.first()?)?.condition.span, "no token has the keys of two issuers".to_owned()),
    };
    let kept_out = hosts.iter().find(|host| tested.len() > 1 || !tested.contains(host))?;
    let message = format!("the statement names {} and requires a key of {}: {never}", listed(&hosts), listed(&tested));
    let fix = "write one statement for each provider, with its own keys";
    let issuer = scope.issuers.iter().find(|issuer| issuer.host == *kept_out)?;
    let example = findings.wrongly_refuses("a job of the other issuer", scope, issuer, |statement| {
        statement.conditions.retain(|condition| {
            condition.key.text.rsplit_once(':').is_none_or(|(prefix, _)| prefix.eq_ignore_ascii_case(kept_out))
        });
    });
    Some(Finding::new(&TP047, span, message, fix).shown_by(example))
}

fn is_number(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte))
}
