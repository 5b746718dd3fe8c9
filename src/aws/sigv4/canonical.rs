//! The parts of a request in the one spelling that both sides can arrive at.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode};

use crate::effect::Header;

/// All but RFC 3986's unreserved characters.
pub(super) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const RESERVED_IN_PATHS: &AsciiSet = &RESERVED.remove(b'/');
/// What is encoded already stays as it is.
const NEVER_IN_PATHS: &AsciiSet = &RESERVED_IN_PATHS.remove(b'%');

/// Headers that proxies and clients add, drop or change on the way: those of one connection (RFC 9110
/// section 7.6.1), and those that trace a request. botocore leaves out the same, and `Authorization`
/// is where the signature goes.
const UNSIGNED: &[&str] = &[
    "authorization",
    "baggage",
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amzn-trace-id",
];

/// Whether a header is part of a signature that was made before.
pub(super) fn is_of_signature(name: &str) -> bool {
    ["authorization", "x-amz-date", "x-amz-security-token"].iter().any(|own| own.eq_ignore_ascii_case(name.trim()))
}

/// A URL taken apart.
pub(super) struct Target<'a> {
    without_fragment: &'a str,
    /// In lower case, without the scheme's own port.
    host: String,
    path: &'a str,
    query: &'a str,
}

impl<'a> Target<'a> {
    /// Reads `http:` and `https:`, as much as is needed to sign. Nothing but a host and a port may
    /// stand before the path.
    pub(super) fn parse(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let own_port = match scheme.to_ascii_lowercase().as_str() {
            "http" => ":80",
            "https" => ":443",
            _ => return None,
        };
        let rest = rest.split('#').next()?;
        let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
        // `find` returns a character boundary.
        let (authority, path) = before_query.split_at(before_query.find('/').unwrap_or(before_query.len()));
        let odd = |c: char| !c.is_ascii_graphic() || matches!(c, '@' | '\\');
        if authority.is_empty() || authority.contains(odd) {
            return None;
        }
        let host = authority.to_ascii_lowercase();
        let host = host.strip_suffix(own_port).unwrap_or(&host).to_owned();
        Some(Self { without_fragment: url.split('#').next()?, host, path, query })
    }

    pub(super) fn without_fragment(&self) -> &'a str {
        self.without_fragment
    }

    /// As S3 has it, where `a//b` and `a/../b` are names of objects.
    pub(super) fn path_as_it_is(&self) -> String {
        if self.path.is_empty() { "/".to_owned() } else { utf8_percent_encode(self.path, NEVER_IN_PATHS).to_string() }
    }

    /// As all other services have it: without empty and dotted segments, and what was encoded for the
    /// wire encoded once more.
    pub(super) fn path_encoded_twice(&self) -> String {
        let mut segments: Vec<&str> = Vec::new();
        for segment in self.path.split('/') {
            match segment {
                "" | "." => {}
                ".." => {
                    segments.pop();
                }
                _ => segments.push(segment),
            }
        }
        let mut path = String::from("/");
        path.extend(utf8_percent_encode(&segments.join("/"), RESERVED_IN_PATHS));
        if self.path.ends_with('/') && !segments.is_empty() {
            path.push('/');
        }
        path
    }

    /// Sorted by name, then by value, each encoded in the same way whatever way it came.
    pub(super) fn query(&self) -> String {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        let mut pairs: Vec<(String, String)> = pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (encoded_anew(name), encoded_anew(value))
            })
            .collect();
        pairs.sort();
        let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }
}

/// A `+` is itself, and no space: only forms have it as one.
fn encoded_anew(text: &str) -> String {
    let decoded: Vec<u8> = percent_decode_str(text).collect();
    percent_encode(&decoded, RESERVED).to_string()
}

/// The headers that are signed: names in lower case and sorted, values without needless space.
pub(super) struct Headers(Vec<(String, String)>);

impl Headers {
    pub(super) fn of(headers: &[Header], target: &Target<'_>) -> Self {
        let mut all = Self(Vec::new());
        for (name, value) in headers {
            let name = name.trim().to_ascii_lowercase();
            if is_of_signature(&name) || UNSIGNED.contains(&name.as_str()) {
                continue;
            }
            let words: Vec<&str> = value.split_ascii_whitespace().collect();
            let value = words.join(" ");
            match all.0.iter_mut().find(|(other, _)| *other == name) {
                // RFC 9110 section 5.3: one header in several lines.
                Some((_, values)) => {
                    values.push(',');
                    values.push_str(&value);
                }
                None => all.0.push((name, value)),
            }
        }
        if all.value("host").is_none() {
            all.set("host", &target.host);
        }
        all.0.sort();
        all
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(other, _)| other != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self.0.sort();
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// One line each, the last with its end.
    pub(super) fn lines(&self) -> String {
        let mut lines = String::new();
        for (name, value) in &self.0 {
            lines.extend([name.as_str(), ":", value.as_str(), "\n"]);
        }
        lines
    }

    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.join(";")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target<'_> {
        Target::parse(url).unwrap()
    }

    #[test]
    fn hosts_are_those_of_the_header() {
        for (url, host) in [
            ("https://STS.Example.com", "sts.example.com"),
            ("https://sts.example.com:443/", "sts.example.com"),
            ("http://sts.example.com:443?x", "sts.example.com:443"),
            ("http://127.0.0.1:80#x", "127.0.0.1"),
            ("HTTPS://[::1]:8443/", "[::1]:8443"),
            ("https://[fd00:ec2::443]/", "[fd00:ec2::443]"),
        ] {
            assert_eq!(target(url).host, host, "{url}");
        }
    }

    #[test]
    fn paths_are_normalised_and_encoded_again() {
        for (path, twice, as_it_is) in [
            ("", "/", "/"),
            ("/", "/", "/"),
            ("//", "/", "//"),
            ("/a//b/", "/a/b/", "/a//b/"),
            ("/a/./b/../c", "/a/c", "/a/./b/../c"),
            ("/../..", "/", "/../.."),
            ("/a/..", "/", "/a/.."),
            ("/a%20b", "/a%2520b", "/a%20b"),
            ("/a b/é", "/a%20b/%C3%A9", "/a%20b/%C3%A9"),
            ("/a:b@c", "/a%3Ab%40c", "/a%3Ab%40c"),
            ("/-._~", "/-._~", "/-._~"),
        ] {
            let url = format!("https://host{path}?q");
            assert_eq!(target(&url).path_encoded_twice(), twice, "{path}");
            assert_eq!(target(&url).path_as_it_is(), as_it_is, "{path}");
        }
    }

    #[test]
    fn queries_are_sorted_and_encoded_once() {
        for (query, canonical) in [
            ("", ""),
            ("&&", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=1&a", "a=&a=1&a=2"),
            ("a=x=y&A=", "A=&a=x%3Dy"),
            ("a%7e=%2f%2F/&a=+", "a=%2B&a~=%2F%2F%2F"),
            ("a=%zz&b=%", "a=%25zz&b=%25"),
            ("%ff=é", "%FF=%C3%A9"),
            ("a-b=1&a=2", "a=2&a-b=1"),
        ] {
            assert_eq!(target(&format!("https://host/?{query}#a=b")).query(), canonical, "{query}");
        }
    }

    #[test]
    fn headers_are_folded_and_sorted() {
        let headers = [
            ("X-B", " two\t words \r\n  more "),
            ("x-a", "1"),
            ("X-A ", "2"),
            ("User-Agent", "us"),
            ("X-Amz-Date", "before"),
            ("authorization", "before"),
            ("Empty", ""),
        ];
        let headers = headers.map(|(name, value)| (name.into(), value.to_owned()));
        let canonical = Headers::of(&headers, &target("https://host"));
        assert_eq!(canonical.lines(), "empty:\nhost:host\nx-a:1,2\nx-b:two words more\n");
        assert_eq!(canonical.names(), "empty;host;x-a;x-b");
    }
}
