//! What the two services on the machine have in common: those for containers and for instances.

use serde_json::{Map, Value};

use super::credentials::{Credentials, MemberFault};
use crate::effect::Answer;
use crate::text::Inert;

/// Why a service of the machine gave no credentials, although it answered.
#[derive(Debug, PartialEq, Eq)]
pub enum MetadataFault {
    /// An answer with status 200 that is no object of JSON.
    NotJson,
    Member(MemberFault),
    /// The service says why not, or its status does.
    Refused {
        status: u16,
        code: Option<Inert>,
        message: Option<Inert>,
    },
}

impl MetadataFault {
    /// Whether it may be different in a moment: such services are limited in what they answer at once.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == 429 || *status >= 500)
    }
}

/// At most so many characters of what a service says are kept.
const EXCERPT: usize = 300;

/// Reads an object of credentials. Both services may say no with status 200, in members of their own.
pub(super) fn read(answer: &Answer) -> Result<Credentials, MetadataFault> {
    let members = match serde_json::from_str(&answer.body) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    };
    if answer.status != 200 {
        return Err(refused(answer, members.as_ref()));
    }
    let members = members.ok_or(MetadataFault::NotJson)?;
    let said = members.get("Code").or_else(|| members.get("code")).and_then(Value::as_str);
    if said.is_some_and(|code| code != "Success") {
        return Err(refused(answer, Some(&members)));
    }
    Credentials::read(&members, "Token", false).map_err(MetadataFault::Member)
}

pub(super) fn refused(answer: &Answer, members: Option<&Map<String, Value>>) -> MetadataFault {
    let text = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| members?.get(*name)?.as_str());
        found.filter(|text| !text.is_empty()).map(|text| Inert::excerpt(text, EXCERPT))
    };
    MetadataFault::Refused {
        status: answer.status,
        code: text(["Code", "code"]),
        message: text(["Message", "message"]),
    }
}
