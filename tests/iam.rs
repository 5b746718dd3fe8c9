//! IAM's addresses, requests and answers against botocore's. `tests/oracle/endpoints.py` and
//! `tests/oracle/signed_calls.py` write what is read here.

use ci_assume_role::effect::Answer;
use ci_assume_role::iam::endpoint::{is_iam_host, resolve};
use ci_assume_role::iam::get_role;
use ci_assume_role::pairs::Pairs;
use ci_assume_role::sts::partition::Partition;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Endpoints {
    #[serde(rename = "iam: region, FIPS, dual-stack, URL, signing region")]
    cases: Vec<(String, bool, bool, String, String)>,
}

#[test]
fn every_region_leads_to_the_iam_of_botocore() {
    let Endpoints { cases } = serde_json::from_str(include_str!("oracle/endpoints.json")).unwrap();
    assert!(cases.len() > 250);
    for (region, fips, dual_stack, url, signing_region) in cases {
        let partition = Partition::of_region(&region);
        let endpoint = resolve(partition, fips, dual_stack);
        assert_eq!(endpoint.url, url, "{region} {fips} {dual_stack}");
        assert_eq!(format!("https://{}", endpoint.host), url);
        assert_eq!(partition.home_region, signing_region, "{region}");
        assert!(is_iam_host(&endpoint.host), "{url}");
    }
}

#[derive(Deserialize)]
struct Calls {
    get_role: Vec<Call>,
}

#[derive(Deserialize)]
struct Call {
    name: String,
    form: Vec<(String, String)>,
    body: String,
    parsed: Value,
}

#[test]
fn roles_are_asked_for_and_read_as_by_botocore() {
    let Calls { get_role: calls } = serde_json::from_str(include_str!("oracle/signed_calls.json")).unwrap();
    assert!(calls.len() >= 30);
    for Call { name, form, body, parsed } in calls {
        let decode = |text| percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let ours: Vec<(String, String)> = get_role::body(&name)
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (decode(name), decode(value)))
            .collect();
        assert_eq!(ours, form);
        let role = get_role::read(&Answer { status: 200, headers: Pairs::default(), body }).unwrap();
        let policy: Value = serde_json::from_str(&role.trust_policy).unwrap();
        assert_eq!(json!({"Arn": role.arn, "AssumeRolePolicyDocument": policy}), parsed);
    }
}
