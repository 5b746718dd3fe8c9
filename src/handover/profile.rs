//! An AWS profile in the shared files.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use futures_util::future::join;

use super::record::{Record, ReplacedSection, SharedFileKind};
use crate::aws::credentials::Credentials;
use crate::change::{self, Change};
use crate::ci::ProfilePlace;
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::{FaultKind, Symlinks};
use crate::ini::{Ini, IniFault, SectionName};
use crate::names::Meaning;
use crate::pairs::Pairs;
use crate::run::Run;
use crate::secret::Secret;
use crate::settings::{Profile, RoleSettings};

pub(super) const LARGEST_FILE: u32 = 1024 * 1024;

/// What the profile consists of.
pub(super) enum Body<'a> {
    Static(&'a Credentials),
    /// The value of `credential_process`.
    Process(String),
}

/// The two shared files, while profiles are added to them.
pub(super) struct Profiles {
    credentials: SharedFile,
    config: SharedFile,
    place: ProfilePlace,
}

impl Profiles {
    /// `prefix` starts the paths of files of our own.
    pub(super) async fn read(run: &Run, place: ProfilePlace, prefix: &str) -> Result<Self, Diagnostic> {
        let (credentials, config) = paths(run)?;
        let (credentials, config) = join(
            SharedFile::read(run, credentials, SharedFileKind::Credentials),
            SharedFile::read(run, config, SharedFileKind::Config),
        )
        .await;
        let (mut credentials, mut config) = (credentials?, config?);
        if place == ProfilePlace::OfTheJob {
            credentials.move_to(format!("{prefix}-credentials"));
            config.move_to(format!("{prefix}-config"));
        }
        Ok(Self { credentials, config, place })
    }

    pub(super) fn add(
        &mut self,
        run: &Run,
        role: &RoleSettings,
        profile: &Profile,
        body: &Body<'_>,
    ) -> Result<(), Diagnostic> {
        let name = profile.name.as_str();
        if !profile.overwrite {
            for file in [&self.credentials, &self.config] {
                if file.ini.has_section(&file.section(name)?) {
                    return Err(exists(run, name, &file.read_from));
                }
            }
        }
        let region = role.region.as_ref().map(|region| ("region", region.as_str()));
        match body {
            Body::Static(credentials) => {
                let names = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];
                let keys: Vec<(&str, &str)> =
                    names.into_iter().zip(credentials.secrets().map(Secret::expose)).collect();
                self.credentials.set(name, &keys)?;
                self.config.set(name, region.as_slice())
            }
            Body::Process(command) => {
                // Keys in the credentials file would be used before the command.
                self.credentials.remove(name)?;
                let command = ("credential_process", command.as_str());
                self.config.set(name, &region.into_iter().chain([command]).collect::<Vec<_>>())
            }
        }
    }

    /// The changed files, and on the record what they were before.
    pub(super) fn into_changes(self, record: &mut Record, variables: &mut Pairs) -> Vec<Change> {
        let files = [self.credentials, self.config];
        match self.place {
            ProfilePlace::Shared => files
                .into_iter()
                .filter_map(|mut file| {
                    record.sections.append(&mut file.replaced);
                    file.into_change()
                })
                .collect(),
            ProfilePlace::OfTheJob => files
                .into_iter()
                .map(|file| {
                    variables.set(file.kind.variable(), &file.path);
                    record.files.push(file.path.clone());
                    Change::Write { path: file.path, text: file.ini.into_string(), before: None }
                })
                .collect(),
        }
    }
}

/// One of the two files, while its sections are edited.
pub(crate) struct SharedFile {
    path: String,
    /// Where its text comes from.
    read_from: String,
    kind: SharedFileKind,
    ini: Ini,
    before: Option<String>,
    replaced: Vec<ReplacedSection>,
}

impl SharedFile {
    async fn read(run: &Run, path: String, kind: SharedFileKind) -> Result<Self, Diagnostic> {
        let before = match run.channel.read_file(&path, LARGEST_FILE, Symlinks::Refuse).await {
            Ok(text) => Some(text),
            Err(fault) if fault.kind == FaultKind::NotFound => None,
            Err(fault) => return Err(change::unusable(&path, &fault)),
        };
        let ini = Ini::parse(before.as_deref().unwrap_or_default()).map_err(|fault| unusable(&path, &fault))?;
        Ok(Self { read_from: path.clone(), path, kind, ini, before, replaced: Vec::new() })
    }

    /// From here on it is another file of the same text.
    fn move_to(&mut self, path: String) {
        self.path = path;
    }

    fn section(&self, profile: &str) -> Result<SectionName, Diagnostic> {
        match self.kind {
            SharedFileKind::Config => SectionName::config(profile),
            SharedFileKind::Credentials => SectionName::credentials(profile),
        }
        .map_err(|fault| unusable(&self.path, &fault))
    }

    fn set(&mut self, profile: &str, pairs: &[(&str, &str)]) -> Result<(), Diagnostic> {
        let section = self.section(profile)?;
        let before = self.ini.section_text(&section);
        self.ini.set_section(&section, pairs).map_err(|fault| unusable(&self.path, &fault))?;
        self.remember(profile, &section, before);
        Ok(())
    }

    fn remove(&mut self, profile: &str) -> Result<(), Diagnostic> {
        let section = self.section(profile)?;
        let before = self.ini.section_text(&section);
        if before.is_some() {
            self.ini.remove_section(&section).map_err(|fault| unusable(&self.path, &fault))?;
            self.remember(profile, &section, before);
        }
        Ok(())
    }

    fn remember(&mut self, profile: &str, section: &SectionName, before: Option<String>) {
        self.replaced.push(ReplacedSection {
            path: self.path.clone(),
            file: self.kind,
            profile: profile.to_owned(),
            ours: self.ini.section_text(section),
            before,
            created: self.before.is_none(),
        });
    }

    /// The file as it is to become, unless nothing has changed.
    fn into_change(self) -> Option<Change> {
        let text = self.ini.into_string();
        (self.before.as_deref().unwrap_or_default() != text).then_some(Change::Write {
            path: self.path,
            text,
            before: self.before,
        })
    }
}

/// The change that puts a section back as it was. `None` when it is no longer as we left it.
pub(crate) async fn restoration(run: &Run, replaced: &ReplacedSection) -> Result<Option<Change>, Diagnostic> {
    let mut file = SharedFile::read(run, replaced.path.clone(), replaced.file).await?;
    let section = file.section(&replaced.profile)?;
    if file.before.is_none() || file.ini.section_text(&section) != replaced.ours {
        return Ok(None);
    }
    file.ini.restore_section(&section, replaced.before.as_deref()).map_err(|fault| unusable(&file.path, &fault))?;
    if replaced.created && file.ini.as_str().trim().is_empty() {
        return Ok(Some(Change::Remove { path: file.path }));
    }
    Ok(file.into_change())
}

fn unusable(path: &str, fault: &IniFault) -> Diagnostic {
    Diagnostic::new(Code::HandOverFailed, format!("{path} cannot take the profile"))
        .fact("reason", fault.to_string())
        .fix("mend or remove the file, or let AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name others")
}

fn exists(run: &Run, name: &str, path: &str) -> Diagnostic {
    Diagnostic::new(Code::ProfileExists, format!("there is a profile `{name}` already"))
        .fact("file", path)
        .cause("an earlier step, or an earlier job on this machine, wrote it")
        .fix(format!("choose another `{}`", run.option(Meaning::Profile)))
        .fix(format!("or set `{}: true`", run.option(Meaning::Overwrite)))
}

/// Of the credentials and of the configuration.
pub(crate) fn paths(run: &Run) -> Result<(String, String), Diagnostic> {
    let home = || match run.runtime.home.as_str() {
        "" => Err(Diagnostic::new(Code::HandOverFailed, "there is no home folder to write an AWS profile to")
            .fix("let AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name two files")),
        home => Ok(home),
    };
    let path = |kind: SharedFileKind, file: &str| match run.env.get(kind.variable()) {
        Some(path) => Ok(path.to_owned()),
        None => home().map(|home| format!("{home}/.aws/{file}")),
    };
    Ok((path(SharedFileKind::Credentials, "credentials")?, path(SharedFileKind::Config, "config")?))
}
