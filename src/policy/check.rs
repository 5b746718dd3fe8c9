//! Unit tests for trust policies: who has to be admitted, and who refused.
//!
//! Who is meant is a token's claims, or no more than a subject. Of a token of which only the subject
//! is known, the rest is unknown and not absent: where a condition asks for it, the answer is unknown.

mod report;

use serde_json::{Map, Value};

pub use self::report::{RULES, part, sentence, suite, verdict};
use super::caller::{Absence, Caller, Extent, Had, Role, Unsure};
use super::document::{Effect, TrustPolicy};
use super::evaluate::{Decision, StatementDecision, Verdict, decide};
use super::fields::{self, Fault, FaultKind, Faults};
use super::issuer::Kind;
use super::tree::{self, Node, Span};
use super::truth::Truth;
use crate::text::nearest;

/// What a file expects of a policy.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    /// The file of the policy, where this one names it.
    pub policy: Option<String>,
    /// The role of which the policy is, in a file that has several.
    pub role: Option<String>,
    pub role_arn: Option<String>,
    pub list: Vec<Expectation>,
}

#[derive(Clone, Debug)]
pub struct Expectation {
    pub admitted: bool,
    pub claims: Map<String, Value>,
    /// Whether these are all the claims of the token.
    pub whole: bool,
    pub note: Option<String>,
    pub span: Span,
    /// The JSON Pointer of its place in the file.
    pub pointer: String,
}

/// What came of one expectation.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub state: State,
    pub verdict: Verdict,
    /// What decided, if one condition or more did: of the statement that comes nearest.
    pub statement: Option<usize>,
    pub leaves: Vec<Leaf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Passed,
    Failed,
    /// It depends on what the expectation does not say.
    Unknown,
}

/// A part of a statement that did not hold, or of which nobody can tell; of a Deny, one that held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    pub span: Span,
    pub part: Part,
    pub truth: Truth,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Principal,
    Action(&'static str),
    Condition { key: String, operator: String, wanted: Vec<String>, had: String },
}

/// Holds a policy against what is expected of it, one outcome for each expectation.
#[must_use]
pub fn check(policy: &TrustPolicy, expectations: &Expectations) -> Vec<Outcome> {
    let role = expectations.role_arn.as_deref().and_then(Role::of_arn);
    let each = expectations.list.iter().map(|expectation| {
        let mut caller = Caller::of_claims(expectation.claims.clone()).with_role(role.clone());
        caller.extent = if expectation.whole { Extent::Whole } else { Extent::Named };
        outcome(&decide(policy, &caller), expectation.admitted)
    });
    each.collect()
}

fn outcome(decision: &Decision<'_>, admitted: bool) -> Outcome {
    let state = match (decision.verdict, admitted) {
        (Verdict::Allowed, true) | (Verdict::Denied, false) => State::Passed,
        (Verdict::Allowed, false) | (Verdict::Denied, true) => State::Failed,
        (Verdict::Unknown, _) => State::Unknown,
        // What AWS does not save admits nobody, and protects nothing either.
        (Verdict::Refused, _) => State::Failed,
    };
    let mut outcome = Outcome { state, verdict: decision.verdict, statement: None, leaves: Vec::new() };
    // The action that has the worst of it.
    let Some(action) = decision.actions.iter().find(|action| action.of_call() == decision.verdict) else {
        return outcome;
    };
    let statements = &action.statements;
    let deny = statements.iter().find(|of| {
        of.statement.effect == Effect::Deny
            && (of.truth == Truth::Yes || (of.truth == Truth::Unknown && decision.verdict == Verdict::Unknown))
    });
    let allow = || {
        let allows = statements.iter().filter(|of| of.statement.effect == Effect::Allow);
        allows.min_by_key(|of| (of.truth == Truth::No, missed(of)))
    };
    let Some(nearest) = deny.or_else(allow) else { return outcome };
    outcome.statement = Some(nearest.statement.index);
    if decision.verdict == Verdict::Allowed {
        return outcome;
    }
    let counts = |truth: Truth| if nearest.statement.effect == Effect::Deny { true } else { truth != Truth::Yes };
    if nearest.statement.effect == Effect::Allow && nearest.principal != Truth::Yes {
        let span = nearest.statement.principals.span;
        outcome.leaves.push(Leaf { span, part: Part::Principal, truth: nearest.principal });
    }
    if nearest.statement.effect == Effect::Allow && nearest.action != Truth::Yes {
        let part = Part::Action(action.action);
        outcome.leaves.push(Leaf { span: nearest.statement.actions.span, part, truth: nearest.action });
    }
    outcome.leaves.extend(nearest.conditions.iter().filter(|of| counts(of.truth)).map(|of| {
        let condition = of.condition;
        let wanted = condition.values.iter().map(|value| value.text.clone()).collect();
        let (key, operator) = (condition.key.text.clone(), condition.operator_name.text.clone());
        let part = Part::Condition { key, operator, wanted, had: had(&of.had) };
        Leaf { span: condition.span, part, truth: of.truth }
    }));
    outcome
}

fn missed(statement: &StatementDecision<'_>) -> usize {
    // Another issuer is further off than any condition.
    let of = |truth: Truth, weight: usize| if truth == Truth::No { weight } else { 0 };
    let conditions: usize = statement.conditions.iter().map(|condition| of(condition.truth, 1)).sum();
    of(statement.principal, 100) + of(statement.action, 10) + conditions
}

/// For a message.
fn had(had: &Had<'_>) -> String {
    match had {
        Had::One(text) => format!("\"{text}\""),
        Had::Many(texts) => {
            let each: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
            format!("[{}]", each.join(", "))
        }
        Had::Absent(absence) => match absence {
            Absence::NotInToken => "not in the token",
            Absence::NotMapped => "a claim that AWS shows to no policy",
            Absence::OtherIssuer => "a key of another issuer",
            Absence::NoTag => "no such session tag",
            Absence::NeverSent => "a key that such calls never have",
        }
        .to_owned(),
        Had::Unknown(unsure) => match unsure {
            Unsure::NotGiven => "not known: it is part of the call",
            Unsure::OnlyEvent => "not known: name it under claims",
            Unsure::Undocumented => "not documented by AWS",
        }
        .to_owned(),
    }
}

const ENTRIES: &[&str] = &["policy", "role", "role-arn", "issuer", "audience", "claims", "admit", "refuse"];
const OF_CALLER: &[&str] = &["issuer", "subject", "audience", "claims", "note"];

/// What is said once for all expectations.
#[derive(Default)]
struct Defaults<'n> {
    issuer: Option<String>,
    audience: Option<&'n str>,
    claims: Option<Map<String, Value>>,
}

impl Expectations {
    /// Reads a file of expectations, as JSON or YAML.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(name: &str, text: &str) -> Result<Self, Vec<Fault>> {
        let node = fields::parse(name, text)?;
        let mut faults = Faults::default();
        let mut read = Self::default();
        let mut defaults = Defaults::default();
        let members = faults.object(&node, "the file", ENTRIES);
        for member in members {
            let value = &member.value;
            let owned = |faults: &mut Faults| faults.text(value, &member.name).map(str::to_owned);
            match member.name.as_str() {
                "policy" => read.policy = owned(&mut faults),
                "role" => read.role = owned(&mut faults),
                "role-arn" => {
                    read.role_arn = owned(&mut faults);
                    if let Some(arn) = read.role_arn.as_deref().filter(|arn| Role::of_arn(arn).is_none()) {
                        let wanted = "an ARN such as arn:aws:iam::123456789012:role/deploy".to_owned();
                        let kind = FaultKind::Bad { name: "role-arn", value: arn.to_owned(), wanted };
                        faults.add(value.span, kind);
                    }
                }
                "issuer" => defaults.issuer = issuer(value, &mut faults),
                "audience" => defaults.audience = faults.text(value, "audience"),
                "claims" => defaults.claims = claims(value, &mut faults),
                _ => {}
            }
        }
        for (name, admitted) in [("admit", true), ("refuse", false)] {
            let Some(member) = members.iter().find(|member| member.name == name) else { continue };
            for item in faults.list(&member.value, name) {
                let pointer = node.pointer(item.span);
                read.list.extend(expectation(item, admitted, pointer, &defaults, &mut faults));
            }
        }
        if node.members().is_some() && !members.iter().any(|member| matches!(member.name.as_str(), "admit" | "refuse"))
        {
            let why = "one of the two lists has to say what is expected";
            faults.add(node.span, FaultKind::Missing { name: "admit or refuse", why });
        }
        if faults.0.is_empty() { Ok(read) } else { Err(faults.0) }
    }
}

/// A subject, or an object that says more.
fn expectation(
    node: &Node,
    admitted: bool,
    pointer: String,
    defaults: &Defaults<'_>,
    faults: &mut Faults,
) -> Option<Expectation> {
    let (mut own_issuer, mut audience, mut own_claims, mut subject, mut note) = (None, None, None, None, None);
    if node.members().is_some() {
        for member in faults.object(node, "an expectation", OF_CALLER) {
            let value = &member.value;
            match member.name.as_str() {
                "issuer" => own_issuer = issuer(value, faults),
                "subject" => subject = faults.text(value, "subject"),
                "audience" => audience = faults.text(value, "audience"),
                "claims" => own_claims = claims(value, faults),
                "note" => note = faults.text(value, "note").map(str::to_owned),
                _ => {}
            }
        }
    } else {
        subject = Some(faults.text(node, "a subject")?);
    }
    let whole = own_claims.is_some() || defaults.claims.is_some();
    let mut all = defaults.claims.clone().unwrap_or_default();
    let own = own_claims.unwrap_or_default();
    let mut put = |name: &str, value: Option<&str>, common: Option<&str>| {
        if let Some(value) = value.or_else(|| common.filter(|_| !own.contains_key(name))) {
            all.insert(name.to_owned(), Value::from(value));
        }
    };
    put("iss", own_issuer.as_deref(), defaults.issuer.as_deref());
    put("aud", audience, defaults.audience);
    put("sub", subject, None);
    all.extend(own);
    let Some(iss) = all.get("iss").and_then(Value::as_str).map(str::to_owned) else {
        let why = "name it here or for the whole file: github, or an address";
        faults.add(node.span, FaultKind::Missing { name: "issuer", why });
        return None;
    };
    if !all.contains_key("aud")
        && let Some(usual) = Kind::of(crate::keys::without_scheme(&iss)).usual_audience()
    {
        all.insert("aud".to_owned(), Value::from(usual));
    }
    if !all.contains_key("sub") {
        let why = "every token has one";
        faults.add(node.span, FaultKind::Missing { name: "subject", why });
        return None;
    }
    Some(Expectation { admitted, claims: all, whole, note, span: node.span, pointer })
}

/// Names for the issuers that have one address.
const ISSUERS: [(&str, &str); 5] = [
    ("github", "https://token.actions.githubusercontent.com"),
    ("gitlab", "https://gitlab.com"),
    ("buildkite", "https://agent.buildkite.com"),
    ("bitrise", "https://token.builds.bitrise.io"),
    ("terraform-cloud", "https://app.terraform.io"),
];

fn issuer(node: &Node, faults: &mut Faults) -> Option<String> {
    let text = faults.text(node, "issuer")?;
    if let Some((_, address)) = ISSUERS.iter().find(|(name, _)| *name == text) {
        return Some((*address).to_owned());
    }
    if text.contains('.') {
        return Some(format!("https://{}", crate::keys::without_scheme(text)));
    }
    let near = nearest(text, ISSUERS.iter().map(|(name, _)| *name)).unwrap_or("github");
    let wanted = format!("a name such as {near}, or the address that tokens have as iss");
    faults.add(node.span, FaultKind::Bad { name: "issuer", value: text.to_owned(), wanted });
    None
}

fn claims(node: &Node, faults: &mut Faults) -> Option<Map<String, Value>> {
    let Some(members) = node.members() else {
        faults.wrong_kind(node, "claims", "an object");
        return None;
    };
    Some(members.iter().map(|member| (member.name.clone(), value(&member.value))).collect())
}

fn value(node: &Node) -> Value {
    match &node.kind {
        tree::Kind::Null => Value::Null,
        tree::Kind::Bool(truth) => Value::Bool(*truth),
        // As it is written: ids are texts in tokens, and people do not quote them.
        tree::Kind::Number(text) | tree::Kind::Text(text) => Value::from(text.as_str()),
        tree::Kind::List(items) => items.iter().map(value).collect(),
        tree::Kind::Object(members) => {
            members.iter().map(|member| (member.name.clone(), value(&member.value))).collect::<Map<_, _>>().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::json;
    use super::*;

    const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow",
         "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
         "Action": "sts:AssumeRoleWithWebIdentity",
         "Condition": {
            "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:repository_id": "74"},
            "StringLike": {"token.actions.githubusercontent.com:sub": "repo:octo-org/octo-repo:ref:refs/heads/*"}}},
        {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRoleWithWebIdentity",
         "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "*/heads/renovate/*"}}}]}"#;

    fn policy(text: &str) -> TrustPolicy {
        TrustPolicy::read(&json::read(text).node.unwrap())
    }

    fn run(expected: &str) -> Vec<Outcome> {
        check(&policy(POLICY), &Expectations::read("check.json", expected).unwrap())
    }

    #[test]
    fn expectations_are_met_or_not_or_nobody_knows() {
        let expected = r#"{
            "issuer": "github", "role-arn": "arn:aws:iam::123456789012:role/deploy",
            "admit": [
                "repo:octo-org/octo-repo:ref:refs/heads/main",
                {"subject": "repo:octo-org/octo-repo:ref:refs/heads/main", "claims": {"repository_id": 74}},
                {"subject": "repo:octo-org/octo-repo:ref:refs/heads/main", "claims": {}},
                {"subject": "repo:octo-org/octo-repo:pull_request"}
            ],
            "refuse": [
                "repo:octo-org/octo-repo:pull_request",
                {"subject": "repo:octo-org/octo-repo:ref:refs/heads/renovate/x", "note": "bots"},
                {"subject": "repo:octo-org/octo-repo:ref:refs/heads/x", "audience": "other"},
                {"issuer": "gitlab", "subject": "repo:octo-org/octo-repo:ref:refs/heads/x"},
                {"claims": {"sub": "repo:octo-org/octo-repo:ref:refs/heads/main", "repository_id": "74"}}
            ]}"#;
        let outcomes = run(expected);
        let states: Vec<State> = outcomes.iter().map(|outcome| outcome.state).collect();
        use State::{Failed, Passed, Unknown};
        assert_eq!(states, [Unknown, Passed, Failed, Failed, Passed, Passed, Passed, Passed, Failed]);
        let said = |index: usize| -> Vec<String> {
            let leaves = outcomes[index].leaves.iter();
            leaves
                .map(|leaf| match &leaf.part {
                    Part::Principal => "principal".to_owned(),
                    Part::Action(action) => (*action).to_owned(),
                    Part::Condition { key, had, .. } => format!("{} had {had}", key.rsplit(':').next().unwrap()),
                })
                .collect()
        };
        assert_eq!(said(0), ["repository_id had not known: name it under claims"]);
        assert!(said(1).is_empty());
        assert_eq!(said(2), ["repository_id had not in the token"]);
        assert_eq!(
            said(3),
            ["repository_id had not known: name it under claims", "sub had \"repo:octo-org/octo-repo:pull_request\""]
        );
        assert_eq!((outcomes[5].statement, outcomes[5].verdict), (Some(1), Verdict::Denied), "the Deny decides");
        assert_eq!(said(5), ["sub had \"repo:octo-org/octo-repo:ref:refs/heads/renovate/x\""]);
        assert!(said(7).contains(&"principal".to_owned()));
    }

    #[test]
    fn a_policy_that_aws_would_refuse_meets_nothing() {
        let policy = policy(&POLICY.replace("StringLike", "StringLikes"));
        let expected = r#"{"issuer": "github", "admit": ["a"], "refuse": ["b"]}"#;
        let outcomes = check(&policy, &Expectations::read("x", expected).unwrap());
        assert!(outcomes.iter().all(|outcome| outcome.state == State::Failed && outcome.verdict == Verdict::Refused));
    }

    #[test]
    fn every_fault_of_a_file_is_named() {
        for (text, expected) in [
            ("[]", vec!["the file is a list, and has to be an object"]),
            ("{}", vec!["admit or refuse is missing: one of the two lists has to say what is expected"]),
            (
                r#"{"admitt": [], "role-arn": "deploy", "issuer": "gitub", "admit": "x"}"#,
                vec![
                    "there is no entry \"admitt\"; admit is one",
                    "role-arn is \"deploy\", and has to be an ARN such as arn:aws:iam::123456789012:role/deploy",
                    "issuer is \"gitub\", and has to be a name such as github, or the address that tokens have as iss",
                    "admit is text, and has to be a list",
                ],
            ),
            (
                r#"{"issuer": "github", "refuse": [{"note": "x"}, {"subject": ["a"], "claims": 1}, ""]}"#,
                vec![
                    "subject is missing: every token has one",
                    "subject is a list, and has to be text",
                    "claims is a number, and has to be an object",
                    "subject is missing: every token has one",
                    "a subject is empty, and has to be text",
                ],
            ),
            (
                r#"{"admit": ["x"]}"#,
                vec!["issuer is missing: name it here or for the whole file: github, or an address"],
            ),
        ] {
            let faults = Expectations::read("check.json", text).unwrap_err();
            let said: Vec<String> = faults.iter().map(|fault| fault.kind.to_string()).collect();
            assert_eq!(said, expected, "{text}");
        }
    }

    #[test]
    fn it_can_be_written_as_yaml() {
        let text = "issuer: github\nclaims:\n  repository_id: 74\nadmit:\n  - repo:octo-org/octo-repo:ref:refs/heads/main\n\
                    refuse:\n  - subject: repo:octo-org/octo-repo:pull_request\n    note: anybody opens one\n";
        let expectations = Expectations::read("check.yml", text).unwrap();
        let outcomes = check(&policy(POLICY), &expectations);
        assert!(outcomes.iter().all(|outcome| outcome.state == State::Passed), "{outcomes:?}");
        assert_eq!(expectations.list[1].note.as_deref(), Some("anybody opens one"));
    }

    #[test]
    fn what_is_said_once_is_said_for_all_and_can_be_overridden() {
        let text = r#"{"issuer": "github", "audience": "a", "claims": {"repository_id": 74}, "policy": "trust.json",
            "admit": ["s", {"subject": "t", "audience": "b", "claims": {"repository_id": "75", "azp": "c"}}]}"#;
        let read = Expectations::read("check.json", text).unwrap();
        assert_eq!(read.policy.as_deref(), Some("trust.json"));
        let claims: Vec<String> =
            read.list.iter().map(|expectation| Value::Object(expectation.claims.clone()).to_string()).collect();
        assert_eq!(
            claims,
            [
                r#"{"aud":"a","iss":"https://token.actions.githubusercontent.com","repository_id":"74","sub":"s"}"#,
                r#"{"aud":"b","azp":"c","iss":"https://token.actions.githubusercontent.com","repository_id":"75","sub":"t"}"#
            ]
        );
        assert!(read.list.iter().all(|expectation| expectation.whole));
    }
}
