//! What to log in to, as it is configured.

use super::client::Choice;
use crate::sts::endpoint::Endpoint;
use crate::values::{AccountId, Region};

/// What to log in to, and whom.
pub struct Wanted {
    pub registries: Registries,
    pub client: Choice,
    pub region: Region,
    /// Where ECR is.
    pub endpoint: Endpoint,
    /// The option that says so, where there is one.
    pub endpoint_option: Option<&'static str>,
    /// The names by which private registries are to be known. `None`: those that ECR tells.
    pub form: Option<HostForm>,
    /// The log is told to hide the passwords. Our own never shows them.
    pub mask: bool,
}

pub enum Registries {
    /// Those of these accounts; without any, the caller's own.
    Private(Vec<AccountId>),
    /// `public.ecr.aws`, which all share.
    Public,
}

/// Other names that the same registry has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostForm {
    pub fips: bool,
    pub dual_stack: bool,
}
