//! AWS partitions: which regions belong together, and under which domain their services answer.
//!
//! The data is that of the AWS SDKs (botocore's `partitions.json`); `tests/sts_endpoints.rs` holds
//! the two together. Every partition in it supports FIPS and dual-stack, so neither is a field here.

/// A group of regions with accounts, identities and domains of its own.
#[derive(Debug, PartialEq, Eq)]
pub struct Partition {
    /// The second field of every ARN in it: `aws`, `aws-cn`.
    pub id: &'static str,
    /// `amazonaws.com`: under which the IPv4 endpoints are.
    pub dns_suffix: &'static str,
    /// `api.aws`: under which the endpoints for IPv4 and IPv6 are.
    pub dual_stack_dns_suffix: &'static str,
    /// Where the services are that the partition has one of, such as IAM.
    pub home_region: &'static str,
    /// Known regions, with the pseudo region that stands for services without one.
    pub regions: &'static [&'static str],
    /// How the names of its regions start, known or not: `us` for `us-WORD-NUMBER`.
    prefixes: &'static [&'static str],
}

impl Partition {
    /// Every partition. The first takes the regions that nothing is known about.
    pub const ALL: &[Self] = &[
        Self {
            id: "aws",
            dns_suffix: "amazonaws.com",
            dual_stack_dns_suffix: "api.aws",
            home_region: "us-east-1",
            regions: &[
                "af-south-1",
                "ap-east-1",
                "ap-east-2",
                "ap-northeast-1",
                "ap-northeast-2",
                "ap-northeast-3",
                "ap-south-1",
                "ap-south-2",
                "ap-southeast-1",
                "ap-southeast-2",
                "ap-southeast-3",
                "ap-southeast-4",
                "ap-southeast-5",
                "ap-southeast-6",
                "ap-southeast-7",
                "aws-global",
                "ca-central-1",
                "ca-west-1",
                "eu-central-1",
                "eu-central-2",
                "eu-north-1",
                "eu-south-1",
                "eu-south-2",
                "eu-west-1",
                "eu-west-2",
                "eu-west-3",
                "il-central-1",
                "me-central-1",
                "me-south-1",
                "me-west-1",
                "mx-central-1",
                "sa-east-1",
                "sa-west-1",
                "us-east-1",
                "us-east-2",
                "us-west-1",
                "us-west-2",
            ],
            prefixes: &["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"],
        },
        Self {
            id: "aws-cn",
            dns_suffix: "amazonaws.com.cn",
            dual_stack_dns_suffix: "api.amazonwebservices.com.cn",
            home_region: "cn-north-1",
            regions: &["aws-cn-global", "cn-north-1", "cn-northwest-1"],
            prefixes: &["cn"],
        },
        Self {
            id: "aws-eusc",
            dns_suffix: "amazonaws.eu",
            dual_stack_dns_suffix: "api.amazonwebservices.eu",
            home_region: "eusc-de-east-1",
            regions: &["eusc-de-east-1"],
            prefixes: &["eusc-de"],
        },
        Self {
            id: "aws-iso",
            dns_suffix: "c2s.ic.gov",
            dual_stack_dns_suffix: "api.aws.ic.gov",
            home_region: "us-iso-east-1",
            regions: &["aws-iso-global", "us-iso-east-1", "us-iso-west-1"],
            prefixes: &["us-iso"],
        },
        Self {
            id: "aws-iso-b",
            dns_suffix: "sc2s.sgov.gov",
            dual_stack_dns_suffix: "api.aws.scloud",
            home_region: "us-isob-east-1",
            regions: &["aws-iso-b-global", "us-isob-east-1", "us-isob-west-1"],
            prefixes: &["us-isob"],
        },
        Self {
            id: "aws-iso-e",
            dns_suffix: "cloud.adc-e.uk",
            dual_stack_dns_suffix: "api.cloud-aws.adc-e.uk",
            home_region: "eu-isoe-west-1",
            regions: &["aws-iso-e-global", "eu-isoe-west-1"],
            prefixes: &["eu-isoe"],
        },
        Self {
            id: "aws-iso-f",
            dns_suffix: "csp.hci.ic.gov",
            dual_stack_dns_suffix: "api.aws.hci.ic.gov",
            home_region: "us-isof-south-1",
            regions: &["aws-iso-f-global", "us-isof-east-1", "us-isof-south-1"],
            prefixes: &["us-isof"],
        },
        Self {
            id: "aws-us-gov",
            dns_suffix: "amazonaws.com",
            dual_stack_dns_suffix: "api.aws",
            home_region: "us-gov-west-1",
            regions: &["aws-us-gov-global", "us-gov-east-1", "us-gov-west-1"],
            prefixes: &["us-gov"],
        },
    ];

    /// The partition with this id, as in the second field of an ARN.
    #[must_use]
    pub fn by_id(id: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|partition| partition.id == id)
    }

    /// The partition of a region. A region that fits none counts as commercial, as in the SDKs:
    /// tomorrow's region must work today.
    #[must_use]
    pub fn of_region(region: &str) -> &'static Self {
        // ALL is a constant with entries in it.
        Self::claiming(region).unwrap_or(&Self::ALL[0])
    }

    /// The partition that knows the region or that its name's form belongs to.
    #[must_use]
    pub fn claiming(region: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|partition| partition.claims(region))
    }

    fn claims(&self, region: &str) -> bool {
        self.regions.contains(&region)
            || self.prefixes.iter().any(|prefix| {
                region
                    .strip_prefix(prefix)
                    .and_then(|rest| rest.strip_prefix('-'))
                    .and_then(|rest| rest.split_once('-'))
                    .is_some_and(|(word, number)| is_word(word) && is_number(number))
            })
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_find_their_partition() {
        for (region, id) in [
            ("us-east-1", Some("aws")),
            ("us-newyork-12", Some("aws")),
            ("us-gov-west-1", Some("aws-us-gov")),
            ("us-gov-north-9", Some("aws-us-gov")),
            ("us-iso-east-1", Some("aws-iso")),
            ("us-isob-east-1", Some("aws-iso-b")),
            ("eu-isoe-east-7", Some("aws-iso-e")),
            ("us-isof-north-1", Some("aws-iso-f")),
            ("eusc-de-west-3", Some("aws-eusc")),
            ("cn-south-1", Some("aws-cn")),
            ("aws-cn-global", Some("aws-cn")),
            ("eusc-fr-west-1", None),
            ("us-east", None),
            ("us-east-", None),
            ("us--1", None),
            ("us-east-1a", None),
            ("", None),
        ] {
            assert_eq!(Partition::claiming(region).map(|partition| partition.id), id, "{region}");
            assert_eq!(Partition::of_region(region).id, id.unwrap_or("aws"), "{region}");
        }
    }

    #[test]
    fn ids_are_found() {
        assert_eq!(Partition::by_id("aws-us-gov").map(|partition| partition.dns_suffix), Some("amazonaws.com"));
        assert_eq!(Partition::by_id("aws-mars"), None);
    }
}
