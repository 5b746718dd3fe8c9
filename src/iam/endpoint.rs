//! Where IAM is: once in each partition, whatever region a job works in.
//!
//! <https://docs.aws.amazon.com/general/latest/gr/iam-service.html>

use crate::sts::endpoint::Endpoint;
use crate::sts::partition::Partition;

/// The address of IAM by the rules of the AWS SDKs (botocore's `endpoint-rule-set-1.json` for IAM). Requests
/// are signed for the partition's [`Partition::home_region`].
#[must_use]
pub fn resolve(partition: &Partition, fips: bool, dual_stack: bool) -> Endpoint {
    let Partition { id, dns_suffix: plain, dual_stack_dns_suffix: dual, home_region: home, .. } = *partition;
    let host = match (id, fips, dual_stack) {
        // GovCloud's ordinary endpoints are FIPS endpoints.
        ("aws-us-gov", _, false) => format!("iam.us-gov.{plain}"),
        ("aws-us-gov", _, true) => format!("iam.us-gov.{dual}"),
        ("aws", false, false) => format!("iam.{plain}"),
        (_, false, false) => format!("iam.{home}.{plain}"),
        ("aws" | "aws-cn" | "aws-eusc", false, true) => format!("iam.global.{dual}"),
        (_, false, true) => format!("iam.{dual}"),
        ("aws-iso" | "aws-iso-b", true, false) => format!("iam-fips.{home}.{plain}"),
        (_, true, false) => format!("iam-fips.{plain}"),
        ("aws", true, true) => format!("iam-fips.global.{dual}"),
        (_, true, true) => format!("iam-fips.{dual}"),
    };
    Endpoint { url: format!("https://{host}"), host }
}

/// Whether a host is AWS's own IAM.
#[must_use]
pub fn is_iam_host(host: &str) -> bool {
    Partition::ALL.iter().any(|partition| {
        [(false, false), (false, true), (true, false), (true, true)]
            .iter()
            .any(|(fips, dual_stack)| resolve(partition, *fips, *dual_stack).host.eq_ignore_ascii_case(host))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_iam_itself_is_trusted_without_being_asked() {
        for host in ["iam.amazonaws.com", "IAM.us-gov.amazonaws.com", "iam.global.api.aws", "iam-fips.amazonaws.com"] {
            assert!(is_iam_host(host), "{host}");
        }
        for host in ["iam.evil.amazonaws.com", "iam.amazonaws.com.evil.example", "sts.amazonaws.com", "localhost", ""] {
            assert!(!is_iam_host(host), "{host}");
        }
    }
}
