//! What a step that logs in was configured with.

use super::wanted::Wanted;
use crate::settings::{CredentialSource, Settings};
use crate::sts::endpoint::Endpoint;

pub struct Step {
    pub settings: Settings,
    /// Credentials that log in as they are. `None`: those of the settings' role.
    pub source: Option<CredentialSource>,
    /// Where a machine's credentials may have to be exchanged.
    pub sts: Endpoint,
    pub wanted: Wanted,
    /// The end of the job logs out.
    pub logs_out: bool,
}
