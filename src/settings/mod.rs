//! What a run is to do, validated as a whole before anything else happens.

pub mod common;
pub mod endpoint;
pub mod options;
mod role;
mod session;
mod values;

pub use options::{OptionSpec, Options, ValueFault, prose};
pub use role::{AccountId, PolicyArn, RoleArn};
pub use session::{SessionDuration, SessionName, SessionPolicy};
pub use values::{Audience, ProfileName, Region, account_ids, custom_tags, policy_arns, seconds, whole_number};

use crate::effect::Symlinks;
use crate::proxy::ProxySettings;
use crate::secret::Secret;
use crate::sts::endpoint::Endpoint;

/// Everything that the one path needs to know, in AWS's terms and no CI's.
pub struct Settings {
    /// At least one, unless the token alone is wanted.
    pub roles: Vec<RoleSettings>,
    pub proxy: ProxySettings,
    pub retry: RetryPolicy,
    pub time_limit_ms: Option<u64>,
    pub hide_account: bool,
    /// Ask again until neither key id nor secret holds punctuation.
    pub plain_secrets: bool,
    /// Blank credentials that the job had before, also when this run fails.
    pub clear_first: bool,
    /// Worth saying, and no reason to stop.
    pub notices: Vec<String>,
    /// Hands the token itself over, too.
    pub token_export: Option<TokenExport>,
}

/// A token for later steps.
pub struct TokenExport {
    pub variable: &'static str,
    /// `None`: the one that the first role was assumed with.
    pub source: Option<TokenSource>,
}

/// One role to assume.
pub struct RoleSettings {
    pub role_arn: RoleArn,
    /// What later steps are told. Which STS is asked is said by `endpoint`.
    pub region: Option<Region>,
    pub source: TokenSource,
    pub session_name: SessionName,
    pub duration: SessionDuration,
    pub policy: Option<SessionPolicy>,
    pub policy_arns: Vec<PolicyArn>,
    /// Empty: any account will do.
    pub allowed_accounts: Vec<AccountId>,
    pub endpoint: Endpoint,
    /// The role's trust policy, to explain a denial with.
    pub trust_policy_file: Option<String>,
    pub hand_over: HandOver,
}

/// Where the token comes from.
pub enum TokenSource {
    /// The CI mints one whenever it is asked.
    Ci(TokenRequest),
    /// A file that something else keeps fresh, as the kubelet does.
    File { path: String, symlinks: Symlinks },
    /// What a shell's command prints, again at each attempt.
    #[cfg(feature = "cli")]
    Command { line: String, audience: Option<Audience> },
    /// What a service answers, in one of the forms that such services have.
    #[cfg(feature = "cli")]
    Url { url: String, headers: Vec<(String, Secret)>, audience: Option<Audience> },
    /// One that was given to the step, and that stays the same.
    Given { token: Secret, audience: Option<Audience> },
}

/// What to ask the CI for. No CI knows all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenRequest {
    /// `None`: the CI's own.
    pub audience: Option<Audience>,
    /// Seconds. `None`: what the CI thinks fit.
    pub lifetime: Option<u32>,
    /// Claims beyond the usual ones.
    pub claims: Vec<String>,
    /// Claims that become tags of the session.
    pub session_tags: Vec<String>,
    /// The claim to have as the subject.
    pub subject_claim: Option<String>,
}

/// How the credentials reach later steps. Several may be on at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandOver {
    pub environment: bool,
    /// Put before the names of the credential variables.
    pub prefix: String,
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
