//! Whatever comes, an answer or a report comes back.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

#[test]
fn a_clock_far_off_is_reckoned_with() {
    for now in [i64::MIN, -1, 0, i64::MAX] {
        assert!(claims(&json!({"config": default_config(), "now": now}).to_string()).is_ok());
        for expiry in [i64::MIN, 0, i64::MAX] {
            let mut call = Call::of(default_config());
            call.claims.insert("exp".to_owned(), expiry.into());
            let request =
                json!({"config": call.config, "body": call.body(), "signature": "valid", "seed": "", "now": now});
            assert!(answer(&request.to_string()).is_ok());
        }
    }
}

pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = prop_oneof![
            any::<String>(),
            Just("Statement".to_owned()),
            Just("Condition".to_owned()),
            Just("Principal".to_owned()),
            Just("StringLike".to_owned()),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_can_make_it_panic(body in any::<String>(), seed in any::<String>(), now in any::<i64>()) {
        let request = json!({"config": default_config(), "body": body, "signature": "valid", "seed": seed, "now": now});
        let answer = answer(&request.to_string()).ok().unwrap();
        prop_assert!(Document::read(&answer.body).is_ok());
    }

    #[test]
    fn no_parameter_can_make_it_panic(name in select(PARAMETERS), value in any::<String>()) {
        let mut call = Call::of(default_config());
        call.form.insert(name.to_owned(), value.into());
        prop_assert!(Document::read(&call.answer().body).is_ok());
    }

    #[test]
    fn no_claim_can_make_it_panic(name in select(CLAIMS), value in prop_oneof![any_json(), any::<i64>().prop_map(Value::from)]) {
        let mut call = Call::of(default_config());
        call.claims.insert(name.to_owned(), value);
        prop_assert!(Document::read(&call.answer().body).is_ok());
    }

    #[test]
    fn no_configuration_can_make_it_panic(place in select(PLACES), value in any_json(), now in any::<i64>()) {
        let mut config = default_config();
        *config.pointer_mut(place).unwrap() = value;
        let minted = claims(&json!({"config": config, "now": now}).to_string());
        let request = json!({"config": config, "body": "", "signature": "valid", "seed": "", "now": now});
        prop_assert_eq!(minted.is_ok(), answer(&request.to_string()).is_ok());
    }
}

const PARAMETERS: &[&str] =
    &["RoleArn", "RoleSessionName", "DurationSeconds", "Policy", "PolicyArns.member.1.arn", "PolicyArns.member.x", ""];

const CLAIMS: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "azp",
    "iat",
    "exp",
    "nbf",
    "https://aws.amazon.com/tags",
    "https://aws.amazon.com/tags/transitive_tag_keys",
    "https://aws.amazon.com/roles",
    "https://aws.amazon.com/source_identity",
];

const PLACES: &[&str] = &[
    "",
    "/providers",
    "/providers/0",
    "/providers/0/url",
    "/providers/0/clientIds",
    "/roles",
    "/roles/0",
    "/roles/0/arn",
    "/roles/0/trustPolicy",
    "/roles/0/trustPolicy/Statement",
    "/roles/0/trustPolicy/Statement/0",
    "/roles/0/trustPolicy/Statement/0/Principal",
    "/roles/0/trustPolicy/Statement/0/Condition",
    "/roles/0/trustPolicy/Statement/0/Condition/StringEquals",
    "/job",
    "/job/repository",
    "/job/ref",
    "/job/buildkite",
    "/job/buildkite/build_tag",
    "/job/bitrise",
    "/job/bitrise/app_slug",
];
