//! Where STS is: AWS's own address for a region, or one that the user gave.
//!
//! Regional always. The global host would work from everywhere, but its session tokens do not work
//! in opt-in regions, and calls from outside AWS all land in one region
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_region-endpoints.html>).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::partition::Partition;

/// What decides about the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointQuery<'a> {
    pub region: &'a str,
    /// Use cryptography that is validated for the US government.
    pub fips: bool,
    /// Use a host with IPv6 addresses as well.
    pub dual_stack: bool,
}

/// An address of STS that a token may be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// What to post to. A path is kept as it was given.
    pub url: String,
    /// The host alone, in lower case, without port, and without brackets around IPv6.
    pub host: String,
}

impl Endpoint {
    /// The address of STS in a region, by the rules of the AWS SDKs (botocore's
    /// `endpoint-rule-set-1.json` for STS, without its legacy global endpoint).
    ///
    /// # Errors
    /// When the region cannot be part of a host name.
    pub fn resolve(query: &EndpointQuery<'_>) -> Result<Self, EndpointFault> {
        let region = query.region;
        if !is_region_name(region) {
            return Err(EndpointFault::Region);
        }
        let partition = Partition::of_region(region);
        let suffix = if query.dual_stack { partition.dual_stack_dns_suffix } else { partition.dns_suffix };
        let host = match (query.fips, query.dual_stack) {
            (false, false) if region == "aws-global" => "sts.amazonaws.com".to_owned(),
            // GovCloud's ordinary endpoints are FIPS endpoints.
            (true, false) if partition.id == "aws-us-gov" => format!("sts.{region}.{suffix}"),
            (true, _) => format!("sts-fips.{region}.{suffix}"),
            (false, _) => format!("sts.{region}.{suffix}"),
        };
        Ok(Self { url: format!("https://{host}"), host })
    }

    /// An address that the user chose. Only `https`, except for the machine itself; and nothing in
    /// it that a reader could take for another host.
    ///
    /// # Errors
    /// When a token must not be sent there, or when it is no URL.
    pub fn custom(url: &str) -> Result<Self, EndpointFault> {
        let (scheme, rest) = url.split_once("://").ok_or(EndpointFault::Scheme)?;
        let https = scheme.eq_ignore_ascii_case("https");
        if !https && !scheme.eq_ignore_ascii_case("http") {
            return Err(EndpointFault::Scheme);
        }
        if rest.contains('?') {
            return Err(EndpointFault::Query);
        }
        if rest.contains('#') {
            return Err(EndpointFault::Fragment);
        }
        // Some URL readers take a backslash for a slash, so it must not get this far.
        if !rest.bytes().all(is_url_byte) {
            return Err(EndpointFault::Character);
        }
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.contains('@') {
            return Err(EndpointFault::UserInfo);
        }
        let host = host_of(authority)?;
        if !https && !is_loopback(&host) {
            return Err(EndpointFault::HttpBeyondLoopback);
        }
        Ok(Self { url: format!("{}://{rest}", scheme.to_ascii_lowercase()), host })
    }
}

/// Whether a host can only be AWS's own STS: a regional or global endpoint, or a VPC endpoint of it.
///
/// A suffix alone would not do: everybody can have a host under `amazonaws.com`, be it a bucket, a
/// load balancer or an API, and collect tokens there.
#[must_use]
pub fn is_sts_host(host: &str) -> bool {
    host.eq_ignore_ascii_case("sts.amazonaws.com") || is_regional_host(host, &[&["sts"], &["sts-fips"]])
}

/// Whether a host is a regional endpoint of one of AWS's services, or a VPC endpoint of it. A service is
/// what stands before the region, label by label.
pub(crate) fn is_regional_host(host: &str, services: &[&[&str]]) -> bool {
    let host = host.to_ascii_lowercase();
    Partition::ALL.iter().any(|partition| {
        [partition.dns_suffix, partition.dual_stack_dns_suffix].iter().any(|suffix| {
            let Some(name) = host.strip_suffix(suffix).and_then(|name| name.strip_suffix('.')) else {
                return false;
            };
            let labels: Vec<&str> = name.split('.').collect();
            let (service, region) = match labels.as_slice() {
                // https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html
                [endpoint, service @ .., region, "vpce"] if endpoint.starts_with("vpce-") => (service, region),
                [service @ .., region] => (service, region),
                [] => return false,
            };
            services.contains(&service) && is_region_of(partition, region)
        })
    })
}

/// Why no token is sent to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointFault {
    Character,
    Fragment,
    Host,
    HttpBeyondLoopback,
    Port,
    Query,
    Region,
    Scheme,
    UserInfo,
}

impl fmt::Display for EndpointFault {
    /// Goes on from "the address …" or "the region …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "has a character that may not stand in a URL",
            Self::Fragment => "has a fragment (`#`)",
            Self::Host => "has no host name or IP address that can be understood",
            Self::HttpBeyondLoopback => "starts with `http://`, which is allowed for this machine alone",
            Self::Port => "has a port that is not a number from 1 to 65535",
            Self::Query => "has a query (`?`)",
            Self::Region => "is not made of lower-case letters, digits and hyphens",
            Self::Scheme => "does not start with `https://`",
            Self::UserInfo => "has a user name or password in it (`@`)",
        })
    }
}

/// A DNS label in lower case that is not a bare number, since it becomes part of a host name
/// (RFC 1123 section 2.1). At most 63 characters.
pub(crate) fn is_region_name(text: &str) -> bool {
    is_label(text)
        && text.bytes().all(|byte| !byte.is_ascii_uppercase() && byte != b'_')
        && !text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_region_of(partition: &Partition, region: &str) -> bool {
    is_region_name(region) && Partition::claiming(region).is_some_and(|claiming| claiming.id == partition.id)
}

/// RFC 3986 without the delimiters that end a path, and without what it does not allow at all.
fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@/[]".contains(&byte)
}

/// The host of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn host_of(authority: &str) -> Result<String, EndpointFault> {
    let (host, after) = if let Some(rest) = authority.strip_prefix('[') {
        let (address, after) = rest.split_once(']').ok_or(EndpointFault::Host)?;
        address.parse::<Ipv6Addr>().map_err(|_| EndpointFault::Host)?;
        (address, after)
    } else {
        // `find` returns a character boundary.
        let (name, after) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
        if name.len() > 253 || !name.split('.').all(is_label) {
            return Err(EndpointFault::Host);
        }
        (name, after)
    };
    match after.strip_prefix(':') {
        Some(port) if !is_port(port) => Err(EndpointFault::Port),
        None if !after.is_empty() => Err(EndpointFault::Host),
        _ => Ok(host.to_ascii_lowercase()),
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Whether a host, with an IPv6 address bare, can only be this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let ipv6 = host.parse::<Ipv6Addr>().ok();
    let ipv4 = host.parse::<Ipv4Addr>().ok().or_else(|| ipv6?.to_ipv4_mapped());
    host == "localhost" || ipv6 == Some(Ipv6Addr::LOCALHOST) || ipv4.is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn regions_that_would_name_another_host_are_refused() {
        for region in
            ["", "us-east-1.evil.example", "evil.example/", "us east", "US-EAST-1", "-us", "us-", "1", "a@b", "é"]
        {
            let query = EndpointQuery { region, fips: false, dual_stack: false };
            assert_eq!(Endpoint::resolve(&query), Err(EndpointFault::Region), "{region}");
        }
    }

    #[test]
    fn custom_addresses_are_kept_or_refused() {
        for (url, host) in [
            ("https://sts.us-east-1.amazonaws.com", Ok("sts.us-east-1.amazonaws.com")),
            ("https://sts.example.com:8443/path/to%20sts/", Ok("sts.example.com")),
            ("HTTPS://STS.Example.com/", Ok("sts.example.com")),
            ("http://localhost:4566", Ok("localhost")),
            ("http://127.0.0.1:5000/", Ok("127.0.0.1")),
            ("http://127.9.9.9", Ok("127.9.9.9")),
            ("http://[::1]:5000/sts", Ok("::1")),
            ("http://[::ffff:127.0.0.1]", Ok("::ffff:127.0.0.1")),
            ("https://[2001:db8::1]", Ok("2001:db8::1")),
            ("http://sts.example.com", Err(EndpointFault::HttpBeyondLoopback)),
            ("http://localhost.example.com", Err(EndpointFault::HttpBeyondLoopback)),
            ("http://127.0.0.1.example.com", Err(EndpointFault::HttpBeyondLoopback)),
            ("http://127.1", Err(EndpointFault::HttpBeyondLoopback)),
            ("http://2130706433", Err(EndpointFault::HttpBeyondLoopback)),
            ("http://0.0.0.0", Err(EndpointFault::HttpBeyondLoopback)),
            ("ftp://sts.example.com", Err(EndpointFault::Scheme)),
            ("sts.example.com", Err(EndpointFault::Scheme)),
            ("", Err(EndpointFault::Scheme)),
            ("https://", Err(EndpointFault::Host)),
            ("https:///path", Err(EndpointFault::Host)),
            ("https://a..b", Err(EndpointFault::Host)),
            ("https://[::1", Err(EndpointFault::Host)),
            ("https://[::1]x", Err(EndpointFault::Host)),
            ("https://[::1%25eth0]", Err(EndpointFault::Host)),
            ("https://user:secret@sts.example.com", Err(EndpointFault::UserInfo)),
            ("https://sts.amazonaws.com@evil.example", Err(EndpointFault::UserInfo)),
            ("https://evil.example\\@sts.amazonaws.com", Err(EndpointFault::Character)),
            ("https://sts.example.com/a b", Err(EndpointFault::Character)),
            ("https://sts.example.com/\n", Err(EndpointFault::Character)),
            ("https://sts.éxample.com", Err(EndpointFault::Character)),
            ("https://sts.example.com/?x=1", Err(EndpointFault::Query)),
            ("https://sts.example.com#x", Err(EndpointFault::Fragment)),
            ("https://sts.example.com:", Err(EndpointFault::Port)),
            ("https://sts.example.com:0", Err(EndpointFault::Port)),
            ("https://sts.example.com:65536", Err(EndpointFault::Port)),
            ("https://sts.example.com:+443", Err(EndpointFault::Port)),
        ] {
            let endpoint = Endpoint::custom(url);
            assert_eq!(endpoint.as_ref().map(|endpoint| endpoint.host.as_str()).map_err(|fault| *fault), host, "{url}");
        }
    }

    #[test]
    fn a_custom_path_is_kept() {
        let endpoint = Endpoint::custom("https://sts.example.com:8443/path/").unwrap();
        assert_eq!(endpoint.url, "https://sts.example.com:8443/path/");
    }

    #[test]
    fn only_sts_itself_is_trusted_without_being_asked() {
        for host in [
            "sts.amazonaws.com",
            "sts.us-east-1.amazonaws.com",
            "STS.eu-west-1.amazonaws.com",
            "sts-fips.us-east-1.amazonaws.com",
            "sts.us-east-1.api.aws",
            "sts.cn-north-1.amazonaws.com.cn",
            "sts.us-gov-west-1.amazonaws.com",
            "sts.us-iso-east-1.c2s.ic.gov",
            "sts.us-future-9.amazonaws.com",
            "vpce-0123-abcd.sts.us-east-1.vpce.amazonaws.com",
            "vpce-0123-abcd-us-east-1a.sts.us-east-1.vpce.amazonaws.com",
        ] {
            assert!(is_sts_host(host), "{host}");
        }
        for host in [
            "sts.s3.amazonaws.com",
            "bucket.s3.us-east-1.amazonaws.com",
            "abc.execute-api.us-east-1.amazonaws.com",
            "sts.us-east-1.elb.amazonaws.com",
            "vpce-1.vpce-svc-2.us-east-1.vpce.amazonaws.com",
            "x.sts.us-east-1.amazonaws.com",
            "sts.us-east-1.amazonaws.com.evil.example",
            "sts.us-east-1.evilamazonaws.com",
            "sts.cn-north-1.amazonaws.com",
            "sts.us-east-1.amazonaws.com.",
            "amazonaws.com",
            "localhost",
            "",
        ] {
            assert!(!is_sts_host(host), "{host}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(url in any::<String>(), rest in "[a-z@:/?#\\[\\]%.0-9\\\\]{0,40}") {
            let _ = Endpoint::custom(&url);
            let _ = Endpoint::custom(&format!("http://{rest}"));
            let _ = is_sts_host(&url);
        }

        /// Whatever region resolves, the host is one that counts as AWS's or a commercial guess.
        #[test]
        fn a_region_stays_one_label(region in "[a-z0-9.@/-]{1,20}", fips in any::<bool>(), dual_stack in any::<bool>()) {
            if let Ok(endpoint) = Endpoint::resolve(&EndpointQuery { region: &region, fips, dual_stack }) {
                prop_assert_eq!(endpoint.url, format!("https://{}", endpoint.host));
                prop_assert!(!region.contains(['.', '@', '/']));
            }
        }
    }
}
