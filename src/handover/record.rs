//! What a run has changed and how it was before, for the end of the job. It holds earlier
//! credentials, so it is a private file and not part of the CI's state.

use serde::Serialize;
use serde_json::Value;

#[derive(Default, Serialize)]
pub struct Record {
    pub variables: Vec<Replaced>,
    pub sections: Vec<ReplacedSection>,
    /// Files of ours.
    pub files: Vec<String>,
}

/// A variable that was exported.
#[derive(Serialize)]
pub struct Replaced {
    pub name: String,
    pub ours: String,
    pub before: String,
}

/// A section of an AWS config file that was written.
#[derive(Serialize)]
pub struct ReplacedSection {
    pub path: String,
    pub file: SharedFileKind,
    pub profile: String,
    /// The section as we left it. `None`: we removed it.
    pub ours: Option<String>,
    /// The section's text before, as it stood in the file.
    pub before: Option<String>,
    /// The file was not there before.
    pub created: bool,
}

/// The two shared files head their sections differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SharedFileKind {
    Config,
    Credentials,
}

impl SharedFileKind {
    /// The variable that says where the file is.
    pub(super) fn variable(self) -> &'static str {
        match self {
            Self::Config => "AWS_CONFIG_FILE",
            Self::Credentials => "AWS_SHARED_CREDENTIALS_FILE",
        }
    }
}

impl Record {
    /// `None` when it is not what [`Record::to_json`] wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let record: Value = serde_json::from_str(text).ok()?;
        let list = |name: &str| record[name].as_array();
        Some(Self {
            variables: list("variables")?.iter().map(Replaced::read).collect::<Option<_>>()?,
            sections: list("sections")?.iter().map(ReplacedSection::read).collect::<Option<_>>()?,
            files: list("files")?.iter().map(|file| file.as_str().map(str::to_owned)).collect::<Option<_>>()?,
        })
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.sections.is_empty() && self.files.is_empty()
    }

    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, lists and booleans always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Replaced {
    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        Some(Self { name: text("name")?, ours: text("ours")?, before: text("before")? })
    }
}

impl ReplacedSection {
    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        Some(Self {
            path: text("path")?,
            file: match value["file"].as_str()? {
                "config" => SharedFileKind::Config,
                "credentials" => SharedFileKind::Credentials,
                _ => return None,
            },
            profile: text("profile")?,
            ours: text("ours"),
            before: text("before"),
            created: value["created"].as_bool()?,
        })
    }
}
