//! The form that is posted to STS, and to services that are asked as STS is
//! (<https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::effect::Header;

/// The content type of every such request.
const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// What a request has beside that for an answer in `accept`.
#[must_use]
pub fn headers(accept: &str) -> Vec<Header> {
    vec![("content-type".into(), CONTENT_TYPE.to_owned()), ("accept".into(), accept.to_owned())]
}

/// The form of the answers of STS and of services like it.
pub const XML: &str = "text/xml";

/// Pairs of a form, everything but RFC 3986's unreserved characters percent-encoded: a bare `+`
/// would be a space to the reader.
pub(crate) struct Form(String);

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Form {
    /// An action of STS.
    pub(crate) fn of(action: &str) -> Self {
        Self::of_version(action, "2011-06-15")
    }

    /// An action of a service by the version of its API.
    pub(crate) fn of_version(action: &str, version: &str) -> Self {
        Self(format!("{}&Version={version}", Self::without_version(action).0))
    }

    /// An action of a service that has no versions.
    pub(crate) fn without_version(action: &str) -> Self {
        Self(format!("Action={action}"))
    }

    /// Names are ours and need no encoding.
    pub(crate) fn push(&mut self, name: &str, value: &str) {
        self.0.push('&');
        self.0.push_str(name);
        self.0.push('=');
        self.0.extend(utf8_percent_encode(value, RESERVED));
    }

    pub(crate) fn push_some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }

    /// A list, which counts from 1.
    pub(crate) fn push_list(&mut self, name: &str, member: &str, values: &[&str]) {
        for (number, value) in (1..).zip(values) {
            self.push(&format!("{name}.member.{number}{member}"), value);
        }
    }

    pub(crate) fn into_body(self) -> String {
        self.0
    }
}
