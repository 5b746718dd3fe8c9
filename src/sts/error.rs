//! Answers without credentials: refusals of STS, and what something else said in its place.

pub use super::kind::{DurationLimit, ErrorKind, Retry};
use super::xml::{Document, XmlFault};
use crate::diagnostic::Code;
use crate::effect::Answer;
use crate::text::Inert;

/// Why there are no credentials, although something answered.
#[derive(Debug)]
pub enum AnswerFault {
    /// STS issued credentials that lack this element, or hold something else than belongs there.
    Incomplete { element: &'static str },
    /// What answered was not STS: a proxy, a load balancer, a captive portal.
    NotSts(Stranger),
    /// STS refused.
    Sts(StsError),
}

impl AnswerFault {
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Incomplete { .. } => Retry::Never,
            Self::NotSts(stranger) => stranger.kind().map_or(Retry::Never, |kind| kind.retry()),
            Self::Sts(error) => error.kind.retry(),
        }
    }

    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Incomplete { .. } => Code::StsAnswerInvalid,
            Self::NotSts(stranger) => stranger.kind().map_or(Code::StsAnswerInvalid, |kind| kind.code()),
            Self::Sts(error) => error.kind.code(),
        }
    }
}

/// An answer that STS did not give.
#[derive(Debug)]
pub struct Stranger {
    pub status: u16,
    pub content_type: Option<Inert>,
    pub fault: StrangerFault,
    /// The title of a page, or the start of a plain text. Never the start of what may have been
    /// credentials, and without long words, since it may echo the request with its token.
    pub gist: Option<Inert>,
}

/// How it shows that an answer is not of STS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrangerFault {
    /// Well-formed XML of another kind, or with a status that does not fit.
    OtherXml,
    Xml(XmlFault),
}

impl Stranger {
    /// What the status alone says. Gateways write pages of their own for an STS that is down.
    fn kind(&self) -> Option<ErrorKind> {
        match self.status {
            429 => Some(ErrorKind::Throttled),
            500.. => Some(ErrorKind::Unavailable),
            _ => None,
        }
    }
}

/// An error in STS's own form. The message is whole, and not trusted to be printable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsError {
    pub status: u16,
    pub code: String,
    pub message: String,
    /// What AWS's support asks for.
    pub request_id: Option<String>,
    pub kind: ErrorKind,
}

/// Reads an answer whose outermost element is to be `root`, with status 200.
pub(crate) fn open(answer: &Answer, root: &str) -> Result<Document, AnswerFault> {
    let fault = match Document::read(&answer.body) {
        Ok(document) if document.root() == root && answer.status == 200 => return Ok(document),
        Ok(document) => match StsError::read(answer, &document) {
            Some(error) => return Err(AnswerFault::Sts(error)),
            None => StrangerFault::OtherXml,
        },
        Err(fault) => StrangerFault::Xml(fault),
    };
    Err(AnswerFault::NotSts(Stranger {
        status: answer.status,
        content_type: answer.header("content-type").map(|kind| Inert::excerpt(kind, 80)),
        fault,
        gist: gist(answer),
    }))
}

impl StsError {
    fn read(answer: &Answer, document: &Document) -> Option<Self> {
        if document.root() != "ErrorResponse" {
            return None;
        }
        let code = document.text("Error/Code").filter(|code| !code.is_empty())?;
        let message = document.text("Error/Message").unwrap_or_default();
        let request_id = document
            .text("RequestId")
            .or_else(|| document.text("ResponseMetadata/RequestId"))
            .or_else(|| answer.header("x-amzn-requestid"));
        Some(Self {
            status: answer.status,
            code: code.to_owned(),
            message: message.to_owned(),
            request_id: request_id.filter(|id| !id.is_empty()).map(str::to_owned),
            kind: ErrorKind::of(answer.status, code, message),
        })
    }
}

/// At most so many characters of a strange answer are shown.
const GIST_CHARS: usize = 160;
/// Longer words may be a token, or part of one.
const LONGEST_WORD: usize = 40;

fn gist(answer: &Answer) -> Option<Inert> {
    let body = answer.body.trim_start();
    let text = match title(body) {
        Some(title) => title,
        // What may have been credentials stays unseen, and so does markup, which says little.
        None if (200..300).contains(&answer.status) || body.starts_with('<') => return None,
        None => body,
    };
    let mut shown = String::new();
    for word in text.split_whitespace() {
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(if word.chars().nth(LONGEST_WORD).is_some() { "…" } else { word });
        if shown.len() > 4 * GIST_CHARS {
            break;
        }
    }
    (!shown.is_empty()).then(|| Inert::excerpt(&shown, GIST_CHARS))
}

fn title(page: &str) -> Option<&str> {
    let folded = page.to_ascii_lowercase();
    let start = folded.find("<title>")? + "<title>".len();
    let length = folded.get(start..)?.find("</title>")?;
    page.get(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let headers = [("content-type", "text/html"), ("x-amzn-requestid", "from-the-header")];
        let mut all = crate::pairs::Pairs::default();
        headers.iter().for_each(|(name, value)| all.set(name, value));
        let headers = all;
        Answer { status, headers, body: body.to_owned() }
    }

    fn fault(status: u16, body: &str) -> AnswerFault {
        match open(&answer(status, body), "Fine") {
            Ok(_) => panic!("{body} is no fault"),
            Err(fault) => fault,
        }
    }

    #[test]
    fn the_whole_message_survives() {
        let long = "n".repeat(5000);
        let body = format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>Sender</Type>\n    \
             <Code>AccessDenied</Code>\n    <Message>Not &lt;b&gt;\n{long}</Message>\n  </Error>\n  \
             <RequestId>00000000-1111-2222-3333-444444444444</RequestId>\n</ErrorResponse>\n"
        );
        let AnswerFault::Sts(error) = fault(403, &body) else { panic!("not an error of STS") };
        assert_eq!(error.message, format!("Not <b>\n{long}"));
        assert_eq!((error.status, error.code.as_str()), (403, "AccessDenied"));
        assert_eq!(error.request_id.as_deref(), Some("00000000-1111-2222-3333-444444444444"));
        assert_eq!(error.kind, ErrorKind::NotAuthorized);
    }

    #[test]
    fn a_request_id_may_stand_in_the_header_alone() {
        let fault = fault(400, "<ErrorResponse><Error><Code>X</Code></Error></ErrorResponse>");
        let AnswerFault::Sts(error) = fault else { panic!("not an error of STS") };
        assert_eq!(error.request_id.as_deref(), Some("from-the-header"));
    }

    #[test]
    fn what_is_not_sts_is_told_from_it() {
        for (status, body, code, retry, gist) in [
            (
                200,
                "<!DOCTYPE html><html><head><title> Sign\nin </title>",
                Code::StsAnswerInvalid,
                Retry::Never,
                Some("Sign in"),
            ),
            (200, "<Fine><Cred", Code::StsAnswerInvalid, Retry::Never, None),
            (200, "SECRET", Code::StsAnswerInvalid, Retry::Never, None),
            (201, "<Fine/>", Code::StsAnswerInvalid, Retry::Never, None),
            (302, "", Code::StsAnswerInvalid, Retry::Never, None),
            (403, "Blocked by policy 7", Code::StsAnswerInvalid, Retry::Never, Some("Blocked by policy 7")),
            (429, "slow down", Code::StsThrottled, Retry::Yes, Some("slow down")),
            (502, "<html><title>502 Bad Gateway</title>", Code::StsUnavailable, Retry::Yes, Some("502 Bad Gateway")),
            (503, "", Code::StsUnavailable, Retry::Yes, None),
            (
                503,
                "<ErrorResponse><Error><Message>no code</Message></Error></ErrorResponse>",
                Code::StsUnavailable,
                Retry::Yes,
                None,
            ),
        ] {
            let fault = fault(status, body);
            assert_eq!((fault.code(), fault.retry()), (code, retry), "{body}");
            let AnswerFault::NotSts(stranger) = fault else { panic!("{body} is not of STS") };
            assert_eq!(stranger.gist.as_ref().map(Inert::as_str), gist, "{body}");
            assert_eq!(stranger.status, status);
        }
    }

    #[test]
    fn an_echoed_token_is_not_shown() {
        let token = format!("eyJ{}.{}.{}", "a".repeat(50), "b".repeat(200), "c".repeat(300));
        let fault = fault(403, &format!("No WebIdentityToken={token} for you"));
        let AnswerFault::NotSts(stranger) = fault else { panic!("not of STS") };
        assert_eq!(stranger.gist.as_ref().map(Inert::as_str), Some("No … for you"));
    }
}
