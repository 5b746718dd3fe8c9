//! What a run is to do, validated as a whole before anything else happens.

pub mod options;
mod role;
mod session;
mod values;

pub use options::{OptionSpec, Options, ValueFault};
pub use role::{AccountId, PolicyArn, RoleArn};
pub use session::{SessionDuration, SessionName, SessionPolicy};
pub use values::{Audience, ProfileName, Region, account_ids, custom_tags, policy_arns, seconds, whole_number};

use crate::proxy::ProxySettings;
use crate::sts::endpoint::Endpoint;

/// Everything that the one path needs to know, in AWS's terms and no CI's.
pub struct Settings {
    pub role_arn: RoleArn,
    pub region: Region,
    pub source: TokenSource,
    pub session_name: SessionName,
    pub duration: SessionDuration,
    pub policy: Option<SessionPolicy>,
    pub policy_arns: Vec<PolicyArn>,
    /// Empty: any account will do.
    pub allowed_accounts: Vec<AccountId>,
    pub endpoint: Endpoint,
    pub proxy: ProxySettings,
    pub retry: RetryPolicy,
    pub time_limit_ms: Option<u64>,
    pub hand_over: HandOver,
    pub hide_account: bool,
    /// Ask again until neither key id nor secret holds punctuation.
    pub plain_secrets: bool,
    /// Blank credentials that the job had before, also when this run fails.
    pub clear_first: bool,
    /// Worth saying, and no reason to stop.
    pub notices: Vec<String>,
}

/// Where the first token comes from.
pub enum TokenSource {
    /// The CI mints one whenever it is asked.
    Ci { audience: Audience },
    /// A file that something else keeps fresh, as the kubelet does.
    File { path: String, symlinks: crate::effect::Symlinks },
}

/// How the credentials reach later steps. Several may be on at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandOver {
    pub environment: bool,
    pub outputs: bool,
    pub profile: Option<Profile>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub name: ProfileName,
    pub kind: ProfileKind,
    pub overwrite: bool,
    /// Later steps find it without being told its name.
    pub select: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileKind {
    /// The credentials themselves.
    Static,
    /// A command that fetches credentials whenever an SDK needs fresh ones.
    Process,
}

/// When to try again. Only what can pass by itself is tried again at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    pub max_attempts: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_attempts: 5 }
    }
}
