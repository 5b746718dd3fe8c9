//! The elements of an answer's result, by their path in it.

use super::error::AnswerFault;
use super::xml::Document;
use crate::secret::Secret;

/// What an answer says below its result element. An empty element counts as absent.
pub(crate) struct Elements<'a> {
    document: &'a Document,
    result: &'static str,
}

impl<'a> Elements<'a> {
    pub(crate) fn of(document: &'a Document, result: &'static str) -> Self {
        Self { document, result }
    }

    pub(crate) fn needed(&self, path: &'static str) -> Result<&'a str, AnswerFault> {
        self.find(path).ok_or(AnswerFault::Incomplete { element: path })
    }

    /// A value that will stand in environment variables and files, where a line break or a space
    /// in it would change what they mean.
    pub(crate) fn secret(&self, path: &'static str) -> Result<Secret, AnswerFault> {
        let text = self.needed(path)?;
        if text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Secret::new(text))
        } else {
            Err(AnswerFault::Incomplete { element: path })
        }
    }

    pub(crate) fn optional(&self, path: &str) -> Option<String> {
        self.find(path).map(str::to_owned)
    }

    fn find(&self, path: &str) -> Option<&'a str> {
        self.document.text(&format!("{}/{path}", self.result)).filter(|text| !text.is_empty())
    }
}
