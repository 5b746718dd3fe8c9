//! The AWS Security Token Service: where it is, what it is asked, what it answers.
//!
//! One file per action; each builds its request and reads its answer, and knows nothing of the
//! network in between. The wire format is the AWS query protocol
//! (<https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>).

pub mod assume_role;
pub mod assume_role_with_web_identity;
pub mod endpoint;
pub mod error;
pub mod form;
pub mod get_caller_identity;
mod kind;
pub mod partition;
pub(crate) mod result;
pub mod session;
pub mod tags;
pub mod xml;
