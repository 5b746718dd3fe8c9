//! Laws that hold of every decision, whatever the policy and the token.

use std::collections::BTreeMap;

use ci_assume_role::policy::caller::{Caller, Extent, Had};
use ci_assume_role::policy::document::{Effect, TrustPolicy};
use ci_assume_role::policy::evaluate::{Verdict, decide};
use ci_assume_role::policy::json;
use ci_assume_role::policy::operator::{NAMES, Operator, Test};
use ci_assume_role::policy::pattern;
use ci_assume_role::policy::truth::Truth;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

const HOST: &str = "token.actions.githubusercontent.com";
const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";

/// By operator, then by key.
type Conditions = BTreeMap<String, BTreeMap<String, Vec<String>>>;

#[derive(Clone, Debug)]
struct Statement {
    allows: bool,
    principal: Value,
    action: Value,
    conditions: Conditions,
}

fn text() -> impl Strategy<Value = String> {
    let usual = [
        "",
        "a",
        "A",
        "ab",
        "a*",
        "*",
        "?b",
        "10",
        "-1.5",
        "true",
        "false",
        "2026-01-01",
        "2026-01-01T00:00:00Z",
        "1767225600",
        "192.0.2.0/24",
        "192.0.2.7",
        "2001:db8::1",
        "arn:aws:iam::1:role/a",
        "arn:aws:iam::*:role/*",
        "É",
        "${aws:SourceIp}",
        "${token.actions.githubusercontent.com:ref}",
        "${*}",
        "${a:b, 'a'}",
        "${",
    ];
    prop_oneof![9 => select(usual.to_vec()).prop_map(str::to_owned), 1 => "[ab*?$\\{\\}\u{f0000}:]{0,6}"]
}

fn key() -> impl Strategy<Value = String> {
    let names = ["sub", "aud", "ref", "Repository_ID", "environment", "amr", "oaud", "event_name"];
    let of_issuer = select(names.to_vec()).prop_map(|name| format!("{HOST}:{name}"));
    let others = [
        "aws:SourceIp",
        "aws:CurrentTime",
        "aws:RequestTag/team",
        "aws:TagKeys",
        "sts:RoleSessionName",
        "gitlab.com:sub",
        "sub",
    ];
    prop_oneof![3 => of_issuer, 1 => select(others.to_vec()).prop_map(str::to_owned)]
}

fn operator() -> impl Strategy<Value = String> {
    let base = select(NAMES.map(|(name, ..)| name).to_vec());
    (base, any::<bool>(), select(vec!["", "", "ForAllValues:", "ForAnyValue:"])).prop_map(|(name, if_exists, set)| {
        match name {
            "Null" => name.to_owned(),
            _ => format!("{set}{name}{}", if if_exists { "IfExists" } else { "" }),
        }
    })
}

fn statement() -> impl Strategy<Value = Statement> {
    let principals = [
        json!({"Federated": PROVIDER}),
        json!({"Federated": [PROVIDER, "accounts.google.com"]}),
        json!({"Federated": PROVIDER}),
        json!({"Federated": "*"}),
        json!("*"),
        json!({"AWS": "*"}),
        json!({"Service": "x"}),
    ];
    let actions = [
        json!("sts:AssumeRoleWithWebIdentity"),
        json!("sts:*"),
        json!(["sts:TagSession", "sts:assumerole*"]),
        json!("sts:AssumeRole"),
    ];
    let conditions = btree_map(operator(), btree_map(key(), vec(text(), 1..4), 1..3), 0..3);
    let parts = (any::<bool>(), select(principals.to_vec()), select(actions.to_vec()), conditions);
    parts.prop_map(|(allows, principal, action, conditions)| Statement { allows, principal, action, conditions })
}

fn statements() -> impl Strategy<Value = Vec<Statement>> {
    vec(statement(), 1..4)
}

fn claims() -> impl Strategy<Value = Map<String, Value>> {
    let one = || proptest::option::of(text().prop_map(Value::from));
    let several = || proptest::option::of(vec(text(), 0..3).prop_map(Value::from));
    (one(), one(), one(), one(), one(), several()).prop_map(|(sub, aud, reference, id, environment, amr)| {
        let named = [
            ("sub", sub),
            ("aud", aud),
            ("ref", reference),
            ("repository_id", id),
            ("environment", environment),
            ("amr", amr),
        ];
        let given = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        given.chain([("iss".to_owned(), Value::from(format!("https://{HOST}")))]).collect()
    })
}

fn policy(statements: &[Statement]) -> TrustPolicy {
    read_text(&written(statements))
}

fn written(statements: &[Statement]) -> String {
    let statements: Vec<Value> = statements.iter().map(Statement::json).collect();
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn read(policy: &Value) -> TrustPolicy {
    read_text(&policy.to_string())
}

fn read_text(text: &str) -> TrustPolicy {
    TrustPolicy::read(&json::read(text).node.expect("it is JSON"))
}

fn verdict(statements: &[Statement], claims: &Map<String, Value>) -> Verdict {
    decide(&policy(statements), &Caller::of_claims(claims.clone())).verdict
}

/// How much a verdict or truth gives.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Refused | Verdict::Denied => 0,
        Verdict::Unknown => 1,
        Verdict::Allowed => 2,
    }
}

impl Statement {
    fn json(&self) -> Value {
        let effect = if self.allows { "Allow" } else { "Deny" };
        json!({"Effect": effect, "Principal": self.principal, "Action": self.action, "Condition": self.conditions})
    }

    /// Another value for each condition whose operator is negated, or is not.
    fn with_value(mut self, value: &str, negated: bool) -> Self {
        for (name, keys) in &mut self.conditions {
            if Operator::named(name).is_some_and(|operator| operator.negated == negated && operator.test != Test::Null)
            {
                keys.values_mut().for_each(|values| values.push(value.to_owned()));
            }
        }
        self
    }
}

/// Each operator that has an opposite, and that.
fn opposites() -> Vec<(&'static str, &'static str)> {
    let negated = NAMES.iter().filter(|(.., negated)| *negated);
    let plain = |test: Test| NAMES.iter().find(move |(_, other, negated)| *other == test && !negated);
    negated.filter_map(|(name, test, _)| Some((plain(*test)?.0, *name))).collect()
}

/// What becomes of one condition.
fn truth(operator: &str, key: &str, values: &[String], caller: &Caller) -> Truth {
    let policy = read(&json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": "sts:*", "Condition": {operator: {key: values}},
    }}));
    assert!(policy.refusals.is_empty(), "{:?}", policy.refusals);
    decide(&policy, caller).actions[0].statements[0].conditions[0].truth
}

/// The same in a text in which every list and every object runs backwards.
fn backwards(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().rev().map(backwards).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), backwards(value)))
                .collect();
            format!("{{{}}}", members.into_iter().rev().collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// The definition of `*` and `?`, read aloud.
fn like(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => like(rest, text) || text.split_first().is_some_and(|(_, text)| like(pattern, text)),
        (Some((wanted, pattern)), Some((c, text))) => (*wanted == '?' || wanted == c) && like(pattern, text),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_further_value_of_an_allow_takes_no_access_away(before in statements(), claims in claims(), value in text()) {
        let with = |statement: Statement| if statement.allows { statement.with_value(&value, false) } else { statement };
        let after: Vec<_> = before.iter().cloned().map(with).collect();
        prop_assert!(rank(verdict(&after, &claims)) >= rank(verdict(&before, &claims)));
    }

    #[test]
    fn a_further_value_that_must_not_match_gives_no_access(before in statements(), claims in claims(), value in text()) {
        let with = |statement: Statement| if statement.allows { statement.with_value(&value, true) } else { statement };
        let after: Vec<_> = before.iter().cloned().map(with).collect();
        prop_assert!(rank(verdict(&after, &claims)) <= rank(verdict(&before, &claims)));
    }

    #[test]
    fn a_deny_gives_no_access_and_an_allow_takes_none(before in statements(), more in statement(), claims in claims()) {
        let allows = more.allows;
        let after: Vec<_> = before.iter().cloned().chain([more]).collect();
        let (before, after) = (rank(verdict(&before, &claims)), rank(verdict(&after, &claims)));
        let (less, more) = if allows { (before, after) } else { (after, before) };
        prop_assert!(less <= more);
    }

    #[test]
    fn a_further_condition_of_an_allow_gives_no_access(before in statement(), more in statement(), claims in claims()) {
        let before = Statement { allows: true, ..before };
        let mut after = before.clone();
        for (operator, keys) in more.conditions {
            let known = after.conditions.entry(operator).or_default();
            for (key, values) in keys {
                known.entry(key).or_insert(values); // one that is there has its values already
            }
        }
        prop_assert!(rank(verdict(&[after], &claims)) <= rank(verdict(&[before], &claims)));
    }

    #[test]
    fn order_does_not_matter(statements in statements(), claims in claims()) {
        let written = json!({
            "Version": "2012-10-17", "Statement": statements.iter().map(Statement::json).collect::<Vec<_>>(),
        });
        let node = json::read(&backwards(&written)).node.expect("it is JSON");
        let reversed = TrustPolicy::read(&node);
        prop_assert_eq!(decide(&reversed, &Caller::of_claims(claims.clone())).verdict, verdict(&statements, &claims));
    }

    /// What cannot be compared is neither equal nor, as far as AWS says, different.
    #[test]
    fn negation_flips(pair in select(opposites()), key in key(), values in vec(text(), 1..4), claims in claims()) {
        let (plain, negated) = pair;
        let caller = Caller::of_claims(claims);
        let of = |operator: &str| truth(operator, &key, &values, &caller);
        let flips = |yes: Truth, no: Truth| no == yes.not() || (yes == Truth::No && no == Truth::Unknown);
        prop_assert!(flips(of(plain), of(negated)), "{plain}: {:?} {:?}", of(plain), of(negated));
        if matches!(caller.had(&key), Had::One(_) | Had::Many(_)) {
            // Not all are like it: some are not.
            let (all, any) = (of(&format!("ForAllValues:{plain}")), of(&format!("ForAnyValue:{negated}")));
            prop_assert!(flips(all, any), "{plain}: {all:?} {any:?}");
        }
    }

    #[test]
    fn if_exists_says_yes_without_the_key_and_nothing_else_with_it(
        operator in operator(), key in key(), values in vec(text(), 1..4), claims in claims(),
    ) {
        let caller = Caller::of_claims(claims);
        let plain = operator.strip_suffix("IfExists").unwrap_or(&operator);
        prop_assume!(plain != "Null");
        let with = truth(&format!("{plain}IfExists"), &key, &values, &caller);
        match caller.had(&key) {
            Had::Absent(_) if plain.starts_with("ForAnyValue") => prop_assert_eq!(with, Truth::Unknown),
            Had::Absent(_) => prop_assert_eq!(with, Truth::Yes),
            _ => prop_assert_eq!(with, truth(plain, &key, &values, &caller)),
        }
    }

    /// An answer that was given without a key stays when the key gets a value.
    #[test]
    fn knowing_more_overturns_no_answer(
        statements in statements(), claims in claims(), more in claims(), call in vec(text(), 3), carries in any::<[bool; 2]>(),
    ) {
        // Tokens of GitHub carry no tags, whatever an event leaves out.
        let host = if carries.contains(&true) { "agent.buildkite.com" } else { HOST };
        let policy = read_text(&written(&statements).replace(HOST, host));
        let of_host = |mut claims: Map<String, Value>| {
            claims.insert("iss".to_owned(), format!("https://{host}").into());
            claims
        };
        let (claims, more) = (of_host(claims), of_host(more));
        let holds = |less: &Caller, all: &Caller| {
            let (before, after) = (decide(&policy, less), decide(&policy, all));
            let conditions = before.actions[0].statements.iter().zip(&after.actions[0].statements);
            let mut pairs = conditions.flat_map(|(a, b)| a.conditions.iter().zip(&b.conditions));
            pairs.all(|(a, b)| a.truth == Truth::Unknown || a.truth == b.truth)
                && (before.verdict == Verdict::Unknown || before.verdict == after.verdict)
        };
        let less = Caller::of_claims(claims.clone());
        let mut all = less.clone();
        let names = ["aws:SourceIp", "aws:CurrentTime", "sts:RoleSessionName"];
        all.request = names.iter().zip(call).map(|(name, value)| ((*name).to_owned(), vec![value])).collect();
        prop_assert!(holds(&less, &all));

        let event = ["iss", "aud", "sub"].into_iter().filter_map(|name| Some((name.to_owned(), claims.get(name)?.clone())));
        let mut less = Caller::of_claims(event.collect());
        less.extent = Extent::Event;
        let mut all = more;
        all.extend(less.claims.clone());
        let aws = [("tags/principal_tags/x", carries[0]), ("source_identity", carries[1])];
        for (name, _) in aws.iter().filter(|(_, carried)| *carried) {
            all.insert(format!("https://aws.amazon.com/{name}"), "y".into());
        }
        prop_assert!(holds(&less, &Caller::of_claims(all)));
    }

    #[test]
    fn a_refused_policy_never_allows(statements in statements(), claims in claims(), at in any::<prop::sample::Index>()) {
        let mut written: Vec<Value> = statements.iter().map(Statement::json).collect();
        let at = at.index(written.len());
        let statement = &mut written[at];
        statement["Resource"] = json!("*");
        let policy = read(&json!({"Version": "2012-10-17", "Statement": written}));
        prop_assert_eq!(decide(&policy, &Caller::of_claims(claims)).verdict, Verdict::Refused);
    }

    /// The tree of a decision is what its verdict says.
    #[test]
    fn an_allowed_action_has_an_allow_that_applies_and_no_deny_that_might(statements in statements(), claims in claims()) {
        let policy = policy(&statements);
        let decision_of = Caller::of_claims(claims);
        for action in decide(&policy, &decision_of).actions {
            let any = |effect, truth| {
                action.statements.iter().any(|decision| decision.statement.effect == effect && decision.truth == truth)
            };
            let allowed = any(Effect::Allow, Truth::Yes) && !any(Effect::Deny, Truth::Yes) && !any(Effect::Deny, Truth::Unknown);
            prop_assert_eq!(action.verdict == Verdict::Allowed, allowed);
        }
    }

    #[test]
    fn patterns_are_what_they_say(pattern in "[ab*?é\u{f0000}]{0,8}", text in "[ab*?é\u{f0000}]{0,8}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(pattern::like(&pattern, &text), like(&chars(&pattern), &chars(&text)));
    }
}
