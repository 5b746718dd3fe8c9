//! Answers in STS's XML, laid out as STS lays it out.

use super::refusal::Refusal;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
/// Of the framework below STS, which answers requests that STS has no operation for.
const FAULT_NAMESPACE: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";

/// What the answer to a good request holds.
pub(super) struct Issued<'a> {
    pub(super) audience: &'a str,
    pub(super) role_id: &'a str,
    /// `arn:PARTITION:sts::ACCOUNT:assumed-role/NAME/SESSION`
    pub(super) session_arn: &'a str,
    pub(super) session_name: &'a str,
    pub(super) packed_percent: usize,
    pub(super) provider_arn: &'a str,
    pub(super) key_id: &'a str,
    pub(super) secret: &'a str,
    pub(super) session_token: &'a str,
    pub(super) expiration: &'a str,
    pub(super) source_identity: Option<&'a str>,
    pub(super) subject: &'a str,
}

/// The elements come in the order of recorded answers; clients go by name.
pub(super) fn issued(issued: &Issued<'_>, request_id: &str) -> String {
    let mut xml = Writer::default();
    xml.open_in("AssumeRoleWithWebIdentityResponse", NAMESPACE);
    xml.open("AssumeRoleWithWebIdentityResult");
    xml.leaf("Audience", issued.audience);
    xml.open("AssumedRoleUser");
    xml.leaf("AssumedRoleId", &format!("{}:{}", issued.role_id, issued.session_name));
    xml.leaf("Arn", issued.session_arn);
    xml.close();
    xml.leaf("PackedPolicySize", &issued.packed_percent.to_string());
    xml.leaf("Provider", issued.provider_arn);
    xml.open("Credentials");
    xml.leaf("AccessKeyId", issued.key_id);
    xml.leaf("SecretAccessKey", issued.secret);
    xml.leaf("SessionToken", issued.session_token);
    xml.leaf("Expiration", issued.expiration);
    xml.close();
    if let Some(source_identity) = issued.source_identity {
        xml.leaf("SourceIdentity", source_identity);
    }
    xml.leaf("SubjectFromWebIdentityToken", issued.subject);
    xml.close();
    xml.open("ResponseMetadata");
    xml.leaf("RequestId", request_id);
    xml.close();
    xml.close();
    xml.text
}

pub(super) fn refused(refusal: &Refusal, request_id: &str) -> String {
    let mut xml = Writer::default();
    let namespace = if refusal.code == Refusal::INVALID_ACTION { FAULT_NAMESPACE } else { NAMESPACE };
    xml.open_in("ErrorResponse", namespace);
    xml.open("Error");
    xml.leaf("Type", if refusal.status < 500 { "Sender" } else { "Receiver" });
    xml.leaf("Code", refusal.code);
    if let Some(message) = &refusal.message {
        xml.leaf("Message", message);
    }
    xml.close();
    xml.leaf("RequestId", request_id);
    xml.close();
    xml.text
}

#[derive(Default)]
struct Writer {
    text: String,
    open: Vec<&'static str>,
}

impl Writer {
    fn open_in(&mut self, name: &'static str, namespace: &str) {
        self.line(&["<", name, " xmlns=\"", namespace, "\">"]);
        self.open.push(name);
    }

    fn open(&mut self, name: &'static str) {
        self.line(&["<", name, ">"]);
        self.open.push(name);
    }

    fn leaf(&mut self, name: &'static str, text: &str) {
        self.line(&["<", name, ">", &escaped(text), "</", name, ">"]);
    }

    fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.line(&["</", name, ">"]);
        }
    }

    fn line(&mut self, parts: &[&str]) {
        self.text.extend(self.open.iter().map(|_| "  "));
        self.text.extend(parts.iter().copied());
        self.text.push('\n');
    }
}

/// Text as it may stand in an element. What XML 1.0 cannot say at all becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            // A reader would take it for a line feed.
            '\r' => safe.push_str("&#xD;"),
            '\t' | '\n' => safe.push(c),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_laid_out_as_sts_does() {
        assert_eq!(
            refused(&Refusal::denied("sts:AssumeRoleWithWebIdentity", ""), "id"),
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>Sender</Type>\n    \
             <Code>AccessDenied</Code>\n    \
             <Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message>\n  </Error>\n  \
             <RequestId>id</RequestId>\n</ErrorResponse>\n"
        );
        let unknown = refused(&Refusal::invalid_action("X", None), "id");
        assert!(unknown.starts_with("<ErrorResponse xmlns=\"http://webservices.amazon.com/AWSFault/2005-15-09\">"));
        assert!(!refused(&Refusal::malformed_number("x"), "id").contains("<Message>"));
        assert!(refused(&Refusal::internal("x"), "id").contains("<Type>Receiver</Type>"));
    }

    #[test]
    fn no_text_can_leave_its_element() {
        assert_eq!(escaped("<a b=\"c\">&'\u{0}\r\n]]>"), "&lt;a b=&quot;c&quot;&gt;&amp;&apos;\u{fffd}&#xD;\n]]&gt;");
    }
}
