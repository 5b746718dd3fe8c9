//! AWS Identity and Access Management, as far as a denial is to be explained: where it is, and what it
//! says of a role.
//!
//! It speaks the protocol of STS, so that [`crate::sts`] writes its forms and reads its answers.

pub mod endpoint;
pub mod get_role;
