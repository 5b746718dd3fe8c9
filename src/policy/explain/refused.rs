//! What keeps AWS from saving a policy, in words.

use crate::policy::document::RefusalKind;
use crate::text::{listed, nearest};

/// A sentence without a full stop, to be made inert before it is shown.
#[must_use]
pub fn problem(kind: &RefusalKind) -> String {
    match kind {
        RefusalKind::UnknownElement { name, known } => match nearest(name, known.iter().copied()) {
            Some(meant) => format!("there is no element `{name}`; did you mean `{meant}`?"),
            None => format!("there is no element `{name}`; the elements here are {}", listed(known)),
        },
        RefusalKind::MissingElement { name } => format!("the element `{name}` is missing"),
        RefusalKind::Twice { name } => format!("`{name}` is there twice, and one of the two would be lost"),
        RefusalKind::Both { names: [one, other] } => format!("both `{one}` and `{other}` are there"),
        RefusalKind::WrongKind { name, wanted, found } => format!("`{name}` is {found}, and has to be {wanted}"),
        RefusalKind::Empty { name } => format!("`{name}` is an empty list"),
        RefusalKind::BadVersion { found } => format!("\"{found}\" is no version of the policy language"),
        RefusalKind::BadEffect { found } => format!("\"{found}\" is neither \"Allow\" nor \"Deny\""),
        RefusalKind::UnknownPrincipal { name } => format!("there is no type of principal `{name}`"),
        RefusalKind::UnknownOperator { name } => format!("there is no operator `{name}`"),
        RefusalKind::NotPrincipal => "a role's trust policy takes no `NotPrincipal`".to_owned(),
        RefusalKind::Resource { name } => format!("a trust policy speaks of its own role and takes no `{name}`"),
        RefusalKind::DuplicateSid { sid } => format!("two statements have the Sid \"{sid}\""),
        RefusalKind::BadSid { sid } => format!("the Sid \"{sid}\" has other characters than letters and digits"),
        RefusalKind::ForeignAction { action } => format!("`{action}` is no action of sts"),
    }
}
