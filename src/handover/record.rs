//! What a run has changed and how it was before, for the end of the job. It holds earlier
//! credentials, so it is a private file and not part of the CI's state.

use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    pub variables: Vec<Replaced>,
    pub sections: Vec<ReplacedSection>,
    /// Files of ours.
    pub files: Vec<String>,
}

/// A variable that was exported.
#[derive(Serialize, Deserialize)]
pub struct Replaced {
    pub name: String,
    pub ours: String,
    pub before: String,
}

/// A section of an AWS config file that was written.
#[derive(Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SharedFileKind {
    Config,
    Credentials,
}

impl Record {
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
