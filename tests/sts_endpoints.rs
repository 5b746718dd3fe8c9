//! The addresses of STS against botocore's. `tests/oracle/endpoints.py` writes what is read here.

use std::collections::BTreeSet;

use ci_assume_role::sts::endpoint::{Endpoint, EndpointQuery, is_sts_host};
use ci_assume_role::sts::partition::Partition;
use serde::Deserialize;

#[derive(Deserialize)]
struct Oracle {
    /// Id, DNS suffix, dual-stack DNS suffix, regions.
    partitions: Vec<(String, String, String, Vec<String>)>,
    #[serde(rename = "sts: region, FIPS, dual-stack, URL")]
    cases: Vec<(String, bool, bool, String)>,
}

fn oracle() -> Oracle {
    serde_json::from_str(include_str!("oracle/endpoints.json")).unwrap()
}

#[test]
fn every_region_resolves_as_in_botocore() {
    let cases = oracle().cases;
    assert!(cases.len() > 250);
    for (region, fips, dual_stack, url) in &cases {
        let query = EndpointQuery { region, fips: *fips, dual_stack: *dual_stack };
        let endpoint = Endpoint::resolve(&query).unwrap();
        assert_eq!(endpoint.url, *url, "{query:?}");
        assert_eq!(format!("https://{}", endpoint.host), *url);
        // A region that no partition claims gets an address, but only by guessing.
        assert_eq!(is_sts_host(&endpoint.host), Partition::claiming(region).is_some(), "{query:?}");
    }
}

#[test]
fn partitions_are_those_of_botocore() {
    let theirs = oracle().partitions;
    let ours: Vec<_> = Partition::ALL
        .iter()
        .map(|partition| {
            let regions: BTreeSet<String> = partition.regions.iter().map(|region| (*region).to_owned()).collect();
            let [id, dns_suffix, dual_stack] =
                [partition.id, partition.dns_suffix, partition.dual_stack_dns_suffix].map(str::to_owned);
            (id, dns_suffix, dual_stack, regions.into_iter().collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(ours, theirs);
}
