//! What a run is to do, validated as a whole before anything else happens.

#[cfg(feature = "signed")]
pub mod chain;
pub mod common;
pub mod endpoint;
#[cfg(feature = "signed")]
pub mod entries;
pub mod options;
#[cfg(feature = "signed")]
pub mod origin;
pub mod roles;

pub use options::{OptionSpec, Options, prose};

use crate::aws::credentials::Credentials;
use crate::effect::Symlinks;
use crate::proxy::ProxySettings;
use crate::run::Run;
use crate::secret::Secret;
use crate::sts::endpoint::Endpoint;
use crate::sts::tags::Tags;
use crate::values::{
    AccountId, Audience, ExternalId, PolicyArn, ProfileName, Region, RoleArn, RoleName, SessionDuration, SessionName,
    SessionPolicy, SourceIdentity,
};

/// Everything that the one path needs to know, in AWS's terms and no CI's.
pub struct Settings {
    /// At least one, unless the token alone is wanted, or what the job has already is to do.
    pub roles: Vec<RoleSettings>,
    /// Credentials that the job has already, and that are kept if they work.
    pub existing: Option<Box<Existing>>,
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
    /// Logs a client of registries in with what is handed over.
    #[cfg(feature = "signed")]
    pub login: Option<Box<crate::login::wanted::Wanted>>,
}

impl Settings {
    /// With nothing but what every run has.
    #[must_use]
    pub fn new(roles: Vec<RoleSettings>, retry: RetryPolicy, proxy: ProxySettings) -> Self {
        Self {
            roles,
            existing: None,
            proxy,
            retry,
            time_limit_ms: None,
            hide_account: false,
            plain_secrets: false,
            clear_first: false,
            notices: Vec::new(),
            token_export: None,
            #[cfg(feature = "signed")]
            login: None,
        }
    }

    /// Keeps a role and its account out of the log, where that is asked for.
    pub fn hide_role(&self, run: &Run, role_arn: &RoleArn) {
        if self.hide_account {
            run.hide(role_arn.account().as_str());
            run.hide(role_arn.as_str());
        }
    }

    /// All credentials that are known before anything is asked.
    pub fn credentials(&self) -> impl Iterator<Item = &Credentials> {
        let existing = self.existing.iter().map(|existing| &existing.credentials);
        existing.chain(self.roles.iter().filter_map(|role| match &role.source {
            #[cfg(feature = "signed")]
            Source::Credentials(signed) => match &signed.credentials {
                CredentialSource::Known { credentials, .. } => Some(credentials),
                _ => None,
            },
            Source::Token { .. } => None,
        }))
    }
}

/// A token for later steps.
pub struct TokenExport {
    pub variable: &'static str,
    /// `None`: the one that the first role was assumed with.
    pub source: Option<TokenSource>,
}

/// One role to assume.
pub struct RoleSettings {
    pub source: Source,
    /// What later steps are told. Which STS is asked is said by `endpoint`.
    pub region: Option<Region>,
    pub session: SessionSettings,
    /// Further roles, each assumed with the credentials of the one before.
    #[cfg(feature = "signed")]
    pub chain: Vec<Hop>,
    pub checks: Checks,
    pub endpoint: Endpoint,
    /// The region that requests to that endpoint are signed for.
    #[cfg(feature = "signed")]
    pub signing_region: Region,
    pub hand_over: HandOver,
}

/// What is looked at after the exchange, whether it went well or not.
#[derive(Default)]
pub struct Checks {
    /// Empty: any account will do.
    pub allowed_accounts: Vec<AccountId>,
    /// The role's trust policy, to explain a denial with.
    pub trust_policy_file: Option<String>,
    /// Whose credentials may read that policy from IAM, where no file has it.
    #[cfg(feature = "signed")]
    pub explain_with: Option<CredentialSource>,
    /// A denial's summary has a link that shows it on the page.
    pub permalink: bool,
    /// The session is used once, to see that it is what it is said to be.
    #[cfg(feature = "signed")]
    pub verify_identity: bool,
}

impl RoleSettings {
    /// The role's ARN, where it is known before anything is asked.
    #[must_use]
    pub fn role_arn(&self) -> Option<&RoleArn> {
        self.source.role_arn()
    }

    /// The session that is handed over.
    #[must_use]
    pub fn last_session(&self) -> &SessionSettings {
        #[cfg(feature = "signed")]
        if let Some(last) = self.chain.last() {
            return &last.session;
        }
        &self.session
    }

    /// How many seconds the session that is handed over was asked for.
    #[must_use]
    pub fn session_seconds(&self) -> u32 {
        #[cfg(feature = "signed")]
        if let Some(last) = self.chain.last() {
            return last.session.duration.seconds().min(crate::sts::assume_role::LONGEST_CHAINED);
        }
        self.session.duration.seconds()
    }

    /// Where the token comes from, where it takes one.
    #[must_use]
    pub fn token(&self) -> Option<&TokenSource> {
        match &self.source {
            Source::Token { token, .. } => Some(token),
            #[cfg(feature = "signed")]
            Source::Credentials(_) => None,
        }
    }

    /// The role as people know it; without one, nothing.
    #[must_use]
    pub fn role(&self) -> &str {
        match &self.source {
            Source::Token { role_arn, .. } => role_arn.as_str(),
            #[cfg(feature = "signed")]
            Source::Credentials(signed) => match &signed.target {
                Target::Role(role_arn) => role_arn.as_str(),
                Target::RoleNamed(name) => name.as_str(),
                Target::Source => "",
            },
        }
    }
}

/// What a session is to be, apart from its role.
#[derive(Clone)]
pub struct SessionSettings {
    pub name: SessionName,
    pub duration: SessionDuration,
    pub policy: Option<SessionPolicy>,
    pub policy_arns: Vec<PolicyArn>,
}

/// A role that is assumed with another one's credentials.
#[cfg(feature = "signed")]
pub struct Hop {
    pub role_arn: RoleArn,
    pub session: SessionSettings,
    pub request: SignedRequest,
}

/// What a signed request for a role can say, and one with a token cannot.
#[derive(Default)]
pub struct SignedRequest {
    /// What the role's trust policy asks of third parties.
    pub external_id: Option<ExternalId>,
    /// Who is behind the session. It stays through all further roles.
    pub source_identity: Option<SourceIdentity>,
    pub tags: SessionTags,
}

/// A role whose ARN is known, as it is to be assumed.
#[derive(Clone, Copy)]
pub struct ToAssume<'a> {
    pub role_arn: &'a RoleArn,
    pub session: &'a SessionSettings,
    pub settings: &'a RoleSettings,
}

impl std::ops::Deref for ToAssume<'_> {
    type Target = RoleSettings;

    fn deref(&self) -> &RoleSettings {
        self.settings
    }
}

/// How to come by credentials.
pub enum Source {
    /// Those of a role, in exchange for a token.
    Token { role_arn: RoleArn, token: TokenSource },
    /// By requests that are signed with credentials that there are.
    #[cfg(feature = "signed")]
    Credentials(Box<SignedSource>),
}

impl Source {
    /// The role's ARN, where it is known before anything is asked.
    #[must_use]
    pub fn role_arn(&self) -> Option<&RoleArn> {
        match self {
            Self::Token { role_arn, .. } => Some(role_arn),
            #[cfg(feature = "signed")]
            Self::Credentials(signed) => signed.target.arn(),
        }
    }

    /// `None`: a token is for a role that is given by its ARN, and this is none.
    #[cfg(feature = "signed")]
    #[must_use]
    pub fn of(origin: origin::Origin, target: Target, token: TokenSource, request: SignedRequest) -> Option<Self> {
        match (origin, target) {
            (origin::Origin::Token, Target::Role(role_arn)) => Some(Self::Token { role_arn, token }),
            (origin::Origin::Token, _) => None,
            (origin::Origin::Credentials(credentials), target) => {
                Some(Self::Credentials(Box::new(SignedSource { target, credentials, request })))
            }
        }
    }
}

/// Credentials that there are, and what to do with them. It has no `Debug`, since it holds secrets.
pub struct SignedSource {
    pub target: Target,
    pub credentials: CredentialSource,
    pub request: SignedRequest,
}

/// Whose credentials are handed over.
pub enum Target {
    Role(RoleArn),
    /// A role in the account that the source's credentials belong to.
    RoleNamed(RoleName),
    /// The source's own.
    Source,
}

impl Target {
    /// Where it is known before anything is asked.
    #[must_use]
    pub fn arn(&self) -> Option<&RoleArn> {
        match self {
            Self::Role(role_arn) => Some(role_arn),
            Self::RoleNamed(_) | Self::Source => None,
        }
    }
}

/// Where the credentials come from that sign.
pub enum CredentialSource {
    /// Known from the start. `from` goes on from "with".
    Known { credentials: Credentials, from: String },
    /// The variables that AWS's tools read.
    Environment,
    /// A profile of AWS's files, and all that it leads to.
    Profile(String),
    /// The service that a container is told of: ECS, EKS.
    Container,
    /// The role of an instance of EC2.
    Instance,
    /// What the machine has: variables, profiles, a token's file, its container, its instance.
    Machine,
}

/// Tags of a session.
#[derive(Default)]
pub struct SessionTags {
    pub tags: Tags,
    /// Keys of tags that stay through all further roles.
    pub transitive: Vec<String>,
    /// Keys of tags that are left out where all of them do not fit into a session.
    pub droppable: &'static [&'static str],
}

/// Credentials that the job has already.
pub struct Existing {
    pub credentials: Credentials,
    pub region: Region,
    pub endpoint: Endpoint,
    /// Empty: any account will do.
    pub allowed_accounts: Vec<AccountId>,
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

impl TokenSource {
    /// Whether a token of the one will do for the other.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ci(one), Self::Ci(other)) => one == other,
            (Self::File { path: one, .. }, Self::File { path: other, .. }) => one == other,
            #[cfg(feature = "cli")]
            (Self::Command { line: one, audience: a }, Self::Command { line: other, audience: b }) => {
                one == other && a == b
            }
            _ => false,
        }
    }
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
    /// Put before the names of the outputs.
    pub output_prefix: String,
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
