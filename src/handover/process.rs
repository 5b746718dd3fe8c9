//! Files for a profile whose credentials come from a command, so that a job can outlast a session.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>

use serde::Serialize;
use serde_json::Value;

use crate::aws::credentials::Identity;
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::{Effect, Stream, Symlinks};
use crate::pairs::Pairs;
use crate::run::Run;
use crate::settings::RoleSettings;
use crate::time::Timestamp;

/// From so many seconds before the end on, SDKs ask for fresh credentials, again and again until
/// they get them: botocore's advisory refresh.
const ADVISORY_SECONDS: i64 = 15 * 60;
/// More than a request or credentials have.
pub const LARGEST_FILE: u32 = 256 * 1024;

/// Everything that the command needs and that its environment will not have: the step's own inputs.
/// The right to ask for a token stays in the job's environment and is never written down.
#[derive(Serialize)]
pub struct Kept {
    /// The variables that carry the step's options.
    pub options: Pairs,
    /// The CI, where the options are those of the command line, which serves every CI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci: Option<String>,
    /// Which of their roles it is about.
    pub role: usize,
    /// The file that holds the latest credentials.
    pub cache: String,
    pub session_seconds: i64,
}

impl Kept {
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let kept: Value = serde_json::from_str(text).ok()?;
        let options = Pairs::read(&kept["options"])?;
        let cache = kept["cache"].as_str()?.to_owned();
        let role = usize::try_from(kept["role"].as_u64()?).ok()?;
        let ci = kept["ci"].as_str().map(str::to_owned);
        Some(Self { options, ci, role, cache, session_seconds: kept["session_seconds"].as_i64()? })
    }
}

/// The answer that AWS SDKs read from the command, and that the cache holds.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessCredentials {
    pub version: u8,
    pub access_key_id: String,
    pub secret_access_key: String,
    /// Keys of a user have neither this nor an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration: Option<String>,
    pub account_id: String,
}

impl ProcessCredentials {
    #[must_use]
    pub fn of(identity: &Identity) -> Self {
        let credentials = &identity.credentials;
        Self {
            version: 1,
            access_key_id: credentials.access_key_id.expose().to_owned(),
            secret_access_key: credentials.secret_access_key.expose().to_owned(),
            session_token: credentials.session_token.as_ref().map(|token| token.expose().to_owned()),
            expiration: credentials.expiration.map(|end| end.to_string()),
            account_id: identity.account.clone(),
        }
    }

    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let read: Value = serde_json::from_str(text).ok()?;
        let text = |name: &str| read[name].as_str().map(str::to_owned);
        Some(Self {
            version: 1,
            access_key_id: text("AccessKeyId")?,
            secret_access_key: text("SecretAccessKey")?,
            session_token: text("SessionToken"),
            expiration: text("Expiration"),
            account_id: text("AccountId")?,
        })
    }

    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings and a number always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A file that holds the latest credentials.
pub struct Cache<'a> {
    pub path: &'a str,
    pub session_seconds: i64,
}

impl Cache<'_> {
    /// What is in it, if it is whole and an SDK would be content with it.
    pub async fn read(&self, run: &Run) -> Option<ProcessCredentials> {
        let text = run.channel.read_file(self.path, LARGEST_FILE, Symlinks::Refuse).await.ok()?;
        let cached = ProcessCredentials::read(&text)?;
        cached.session_token.as_ref()?; // one without is not whole
        let left = Timestamp::parse(cached.expiration.as_deref()?)?.seconds_since(run.channel.now());
        // A short session would be stale from its start.
        (left >= ADVISORY_SECONDS.min(self.session_seconds / 2)).then_some(cached)
    }
}

pub fn print(run: &Run, credentials: &ProcessCredentials) {
    run.channel.tell(Effect::Log { stream: Stream::Stdout, text: credentials.to_json() });
}

type PathAndText = (String, String);

/// The files, their paths starting with `prefix`, and the command for the profile.
pub(super) fn changes(
    run: &Run,
    role: &RoleSettings,
    identity: &Identity,
    number: usize,
    prefix: &str,
) -> Result<(Vec<PathAndText>, String), Diagnostic> {
    let cache = format!("{prefix}-{number}-credentials.json");
    let request = format!("{prefix}-{number}-request.json");
    let mut options = run.env.variables().clone();
    options.retain(|name| run.is_option(name) && !run.dialect.is_secret_option(name));
    let session_seconds = i64::from(role.session_seconds());
    // No module but that of the command line reads its options.
    let (name, ci) = match run.dialect.name() {
        name if run.has_flags() => ("any", Some(name.to_owned())),
        name => (name, None),
    };
    let kept = Kept { options, ci, role: number, cache: cache.clone(), session_seconds };
    let (runtime, script) = (&run.runtime, format!("{}/js/cli.js", run.runtime.root));
    let mut words = vec![runtime.executable.as_str()];
    if runtime.name == "deno" {
        words.extend(["run", "--allow-all", "--quiet"]); // it allows nothing by itself
    }
    words.extend([script.as_str(), "credential-process", name, request.as_str()]);
    let command: Vec<String> = words.into_iter().map(quoted).collect::<Result<_, _>>()?;
    // Maps of strings always serialise.
    let kept = serde_json::to_string(&kept).unwrap_or_default();
    Ok((vec![(cache, ProcessCredentials::of(identity).to_json()), (request, kept)], command.join(" ")))
}

/// SDKs split the command like a shell with double quotes, and give no way to escape one.
fn quoted(word: &str) -> Result<String, Diagnostic> {
    if word.contains(['"', '\n', '\r']) {
        return Err(Diagnostic::new(
            Code::HandOverFailed,
            "a path has a character that `credential_process` cannot carry",
        )
        .fact("path", word)
        .fix("use another folder, or hand the credentials over in another way"));
    }
    Ok(format!("\"{word}\""))
}
