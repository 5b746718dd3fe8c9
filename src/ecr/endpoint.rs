//! Where ECR is: its API, and the registries themselves.
//!
//! <https://docs.aws.amazon.com/general/latest/gr/ecr.html>

use crate::sts::endpoint::{Endpoint, EndpointFault, EndpointQuery, is_region_name, is_regional_host};
use crate::sts::partition::Partition;

/// Where every public registry is asked for, whatever region a job works in.
pub const PUBLIC_REGION: &str = "us-east-1";

/// The public registry, which all share.
pub const PUBLIC_REGISTRY: &str = "public.ecr.aws";

/// The API of the private registries in a region, by the rules of the AWS SDKs (botocore's
/// `endpoint-rule-set-1.json` for ECR).
///
/// # Errors
/// When the region cannot be part of a host name.
pub fn private(query: &EndpointQuery<'_>) -> Result<Endpoint, EndpointFault> {
    let partition = partition(query)?;
    let service = if query.fips { "ecr-fips" } else { "ecr" };
    Ok(at(if query.dual_stack {
        format!("{service}.{}.{}", query.region, partition.dual_stack_dns_suffix)
    } else {
        format!("api.{service}.{}.{}", query.region, partition.dns_suffix)
    }))
}

/// The API of the public registry, by the rules of the AWS SDKs (botocore's `endpoint-rule-set-1.json`
/// for ECR Public). AWS has it in [`PUBLIC_REGION`], and without FIPS.
///
/// # Errors
/// When the region cannot be part of a host name.
pub fn public(query: &EndpointQuery<'_>) -> Result<Endpoint, EndpointFault> {
    let partition = partition(query)?;
    let region = query.region;
    Ok(at(match (query.fips, query.dual_stack) {
        (false, true) if partition.id == "aws" => format!("ecr-public.{region}.{}", partition.dual_stack_dns_suffix),
        (true, true) => format!("api.ecr-public-fips.{region}.{}", partition.dual_stack_dns_suffix),
        (true, false) => format!("api.ecr-public-fips.{region}.{}", partition.dns_suffix),
        (false, true) => format!("api.ecr-public.{region}.{}", partition.dual_stack_dns_suffix),
        (false, false) => format!("api.ecr-public.{region}.{}", partition.dns_suffix),
    }))
}

/// The host of an account's private registry, which stands before the names of its images. `account`
/// has 12 digits.
///
/// `None`: what AWS documents no name for, which is dual-stack outside of `aws` and `aws-us-gov`.
///
/// # Errors
/// When the region cannot be part of a host name.
pub fn registry(account: &str, query: &EndpointQuery<'_>) -> Result<Option<String>, EndpointFault> {
    let partition = partition(query)?;
    let region = query.region;
    Ok(match (query.fips, query.dual_stack) {
        (false, false) => Some(format!("{account}.dkr.ecr.{region}.{}", partition.dns_suffix)),
        (true, false) => Some(format!("{account}.dkr.ecr-fips.{region}.{}", partition.dns_suffix)),
        _ if !matches!(partition.id, "aws" | "aws-us-gov") => None,
        (false, true) => Some(format!("{account}.dkr-ecr.{region}.on.aws")),
        (true, true) => Some(format!("{account}.dkr-ecr-fips.{region}.on.aws")),
    })
}

/// Whether a host can only be AWS's own API of the private registries.
#[must_use]
pub fn is_private_host(host: &str) -> bool {
    is_regional_host(host, &[&["api", "ecr"], &["api", "ecr-fips"], &["ecr"], &["ecr-fips"]])
}

/// The same for the public registry.
#[must_use]
pub fn is_public_host(host: &str) -> bool {
    is_regional_host(host, &[&["api", "ecr-public"], &["ecr-public"]])
}

fn partition(query: &EndpointQuery<'_>) -> Result<&'static Partition, EndpointFault> {
    if is_region_name(query.region) { Ok(Partition::of_region(query.region)) } else { Err(EndpointFault::Region) }
}

fn at(host: String) -> Endpoint {
    Endpoint { url: format!("https://{host}"), host }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_have_names_of_their_own() {
        for (region, fips, dual_stack, host) in [
            ("us-east-1", false, false, Some("123456789012.dkr.ecr.us-east-1.amazonaws.com")),
            ("us-east-1", true, false, Some("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com")),
            ("us-east-1", false, true, Some("123456789012.dkr-ecr.us-east-1.on.aws")),
            ("us-gov-west-1", true, true, Some("123456789012.dkr-ecr-fips.us-gov-west-1.on.aws")),
            ("cn-north-1", false, false, Some("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn")),
            ("cn-north-1", false, true, None),
        ] {
            let query = EndpointQuery { region, fips, dual_stack };
            assert_eq!(registry("123456789012", &query), Ok(host.map(str::to_owned)), "{query:?}");
        }
    }

    #[test]
    fn only_ecr_itself_is_known_as_such() {
        for (host, is_private, is_public) in [
            ("api.ecr.us-east-1.amazonaws.com", true, false),
            ("API.ECR.us-east-1.amazonaws.com", true, false),
            ("api.ecr-fips.us-gov-west-1.amazonaws.com", true, false),
            ("ecr.eu-west-1.api.aws", true, false),
            ("api.ecr.cn-north-1.amazonaws.com.cn", true, false),
            ("vpce-0a1b-2c3d.api.ecr.us-east-1.vpce.amazonaws.com", true, false),
            ("api.ecr-public.us-east-1.amazonaws.com", false, true),
            ("ecr-public.us-east-1.api.aws", false, true),
            ("api.ecr.cn-north-1.amazonaws.com", false, false),
            ("api.ecr.amazonaws.com", false, false),
            ("bucket.s3.us-east-1.amazonaws.com", false, false),
            ("sts.us-east-1.amazonaws.com", false, false),
            ("x.api.ecr.us-east-1.amazonaws.com", false, false),
            ("api.ecr.us-east-1.amazonaws.com.evil.example", false, false),
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com", false, false),
            ("us-east-1.amazonaws.com", false, false),
            ("amazonaws.com", false, false),
        ] {
            assert_eq!((is_private_host(host), is_public_host(host)), (is_private, is_public), "{host}");
        }
    }

    #[test]
    fn regions_that_would_name_another_host_are_refused() {
        for region in ["", "us-east-1.evil.example", "evil.example/", "US-EAST-1"] {
            let query = EndpointQuery { region, fips: false, dual_stack: false };
            assert_eq!(private(&query), Err(EndpointFault::Region));
            assert_eq!(public(&query), Err(EndpointFault::Region));
            assert_eq!(registry("123456789012", &query), Err(EndpointFault::Region));
        }
    }
}
