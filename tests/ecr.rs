//! ECR's addresses, requests and answers against botocore's. `tests/oracle/endpoints.py` and
//! `tests/oracle/signed_calls.py` write what is read here.

use std::collections::BTreeMap;

use ci_assume_role::aws::json::{AnswerFault, CONTENT_TYPE};
use ci_assume_role::ecr::authorization::Authorization;
use ci_assume_role::ecr::{endpoint, private, public};
use ci_assume_role::effect::{Answer, Header};
use ci_assume_role::pairs::Pairs;
use ci_assume_role::sts::endpoint::{Endpoint, EndpointFault, EndpointQuery};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Endpoints {
    #[serde(rename = "ecr: region, FIPS, dual-stack, URL")]
    private: Vec<Row>,
    #[serde(rename = "ecr-public: region, FIPS, dual-stack, URL")]
    public: Vec<Row>,
}

#[derive(Deserialize)]
struct Row(String, bool, bool, String);

#[test]
fn every_region_resolves_as_in_botocore() {
    let cases: Endpoints = serde_json::from_str(include_str!("oracle/endpoints.json")).unwrap();
    assert_resolved(&cases.private, endpoint::private);
    assert_resolved(&cases.public, endpoint::public);
}

fn assert_resolved(cases: &[Row], resolve: impl Fn(&EndpointQuery<'_>) -> Result<Endpoint, EndpointFault>) {
    assert!(cases.len() > 250);
    for Row(region, fips, dual_stack, url) in cases {
        let query = EndpointQuery { region, fips: *fips, dual_stack: *dual_stack };
        let endpoint = resolve(&query).unwrap();
        assert_eq!(endpoint.url, *url, "{query:?}");
        assert_eq!(format!("https://{}", endpoint.host), *url);
    }
}

#[derive(Deserialize)]
struct Calls {
    ecr: Vec<Call>,
}

#[derive(Deserialize)]
struct Call {
    service: String,
    signing_name: String,
    accounts: Vec<String>,
    headers: BTreeMap<String, String>,
    sent: Value,
    status: u16,
    answer_headers: BTreeMap<String, String>,
    body: String,
    parsed: Value,
}

#[test]
fn calls_are_those_of_botocore() {
    let calls: Calls = serde_json::from_str(include_str!("oracle/signed_calls.json")).unwrap();
    assert!(calls.ecr.len() >= 50);
    for call in calls.ecr {
        let mut headers = Pairs::default();
        call.answer_headers.iter().for_each(|(name, value)| headers.set(name, value));
        let answer = Answer { status: call.status, headers, body: call.body };
        let accounts: Vec<&str> = call.accounts.iter().map(String::as_str).collect();
        let (service, headers, body, read) = if call.service == "ecr" {
            (private::SERVICE, private::headers(), private::body(&accounts), private::read(&answer))
        } else {
            (public::SERVICE, public::headers(), public::BODY.to_owned(), public::read(&answer).map(|one| vec![one]))
        };
        assert_eq!(service, call.signing_name);
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), call.sent);
        let headers: BTreeMap<String, String> =
            headers.into_iter().map(|(name, value): Header| (name.into(), value)).collect();
        assert_eq!(headers, call.headers);
        assert_eq!(headers.get("Content-Type").map(String::as_str), Some(CONTENT_TYPE));

        let parsed = match read {
            Ok(authorizations) => {
                let mut all: Vec<Value> = authorizations.iter().map(shown).collect();
                json!({"authorizationData": if call.service == "ecr" { json!(all) } else { all.remove(0) }})
            }
            Err(AnswerFault::Refused(refusal)) => {
                json!({"Error": {"Code": refusal.code, "Message": refusal.message}})
            }
            Err(fault) => panic!("{fault:?} for {}", call.parsed),
        };
        assert_eq!(parsed, without_copies(call.parsed));
    }
}

fn shown(authorization: &Authorization) -> Value {
    let expires = authorization.expiration.map(|time| time.seconds());
    let mut shown = json!({"authorizationToken": authorization.token.expose(), "expiresAt": expires});
    if let Some(registry) = &authorization.registry {
        shown["proxyEndpoint"] = json!(format!("https://{registry}"));
    }
    shown
}

/// botocore adds an error's members a second time beside `Error`.
fn without_copies(parsed: Value) -> Value {
    match parsed.get("Error") {
        Some(error) => json!({"Error": {"Code": error["Code"], "Message": error["Message"]}}),
        None => parsed,
    }
}
