//! An AWS profile in the shared files.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use futures_util::future::join;

use super::ini::{Ini, IniFault, SectionName};
use super::record::{Record, ReplacedSection, SharedFileKind};
use super::{Step, cannot_write};
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::effect::{FaultKind, Symlinks};
use crate::run::Run;
use crate::settings::{Profile, Settings};
use crate::sts::assume_role_with_web_identity::Session;

pub(super) const LARGEST_FILE: u32 = 1024 * 1024;

/// What the profile consists of.
pub(super) enum Body<'a> {
    Static(&'a Session),
    /// The value of `credential_process`.
    Process(String),
}

/// The changed files, and what they were before on the record.
pub(super) async fn steps(
    run: &Run,
    settings: &Settings,
    profile: &Profile,
    body: &Body<'_>,
    record: &mut Record,
) -> Result<Vec<Step>, Failure> {
    let name = profile.name.as_str();
    let (credentials_path, config_path) = paths(run)?;
    let (credentials, config) = join(
        SharedFile::read(run, credentials_path, SharedFileKind::Credentials, name),
        SharedFile::read(run, config_path, SharedFileKind::Config, name),
    )
    .await;
    let (mut credentials, mut config) = (credentials?, config?);
    if !profile.overwrite
        && let Some(file) = [&credentials, &config].into_iter().find(|file| file.ini.has_section(&file.section))
    {
        return Err(exists(name, &file.path).into());
    }

    let region = ("region", settings.region.as_str());
    match body {
        Body::Static(session) => {
            let keys = [
                ("aws_access_key_id", session.credentials.access_key_id.expose()),
                ("aws_secret_access_key", session.credentials.secret_access_key.expose()),
                ("aws_session_token", session.credentials.session_token.expose()),
            ];
            credentials.set(&keys, record)?;
            config.set(&[region], record)?;
        }
        Body::Process(command) => {
            // Keys in the credentials file would be used before the command.
            credentials.remove(record)?;
            config.set(&[region, ("credential_process", command)], record)?;
        }
    }
    Ok([credentials, config].into_iter().filter_map(SharedFile::into_step).collect())
}

/// One of the two files, while one of its sections is edited.
pub(crate) struct SharedFile {
    path: String,
    kind: SharedFileKind,
    profile: String,
    section: SectionName,
    ini: Ini,
    before: Option<String>,
}

impl SharedFile {
    async fn read(run: &Run, path: String, kind: SharedFileKind, profile: &str) -> Result<Self, Diagnostic> {
        let before = match run.channel.read_file(&path, LARGEST_FILE, Symlinks::Refuse).await {
            Ok(text) => Some(text),
            Err(fault) if fault.kind == FaultKind::NotFound => None,
            Err(fault) => return Err(cannot_write(&path, &fault)),
        };
        let section = match kind {
            SharedFileKind::Config => SectionName::config(profile),
            SharedFileKind::Credentials => SectionName::credentials(profile),
        }
        .map_err(|fault| unusable(&path, &fault))?;
        let ini = Ini::parse(before.as_deref().unwrap_or_default()).map_err(|fault| unusable(&path, &fault))?;
        Ok(Self { path, kind, profile: profile.to_owned(), section, ini, before })
    }

    fn set(&mut self, pairs: &[(&str, &str)], record: &mut Record) -> Result<(), Diagnostic> {
        let before = self.ini.section_text(&self.section);
        self.ini.set_section(&self.section, pairs).map_err(|fault| unusable(&self.path, &fault))?;
        self.remember(before, record);
        Ok(())
    }

    fn remove(&mut self, record: &mut Record) -> Result<(), Diagnostic> {
        let before = self.ini.section_text(&self.section);
        if before.is_some() {
            self.ini.remove_section(&self.section).map_err(|fault| unusable(&self.path, &fault))?;
            self.remember(before, record);
        }
        Ok(())
    }

    fn remember(&self, before: Option<String>, record: &mut Record) {
        record.sections.push(ReplacedSection {
            path: self.path.clone(),
            file: self.kind,
            profile: self.profile.clone(),
            ours: self.ini.section_text(&self.section),
            before,
            created: self.before.is_none(),
        });
    }

    /// The file as it is to become, unless nothing has changed.
    fn into_step(self) -> Option<Step> {
        let text = self.ini.into_string();
        (self.before.as_deref().unwrap_or_default() != text).then_some(Step::Write {
            path: self.path,
            text,
            before: self.before,
        })
    }
}

/// The change that puts a section back as it was. `None` when it is no longer as we left it.
pub(crate) async fn restoration(run: &Run, replaced: &ReplacedSection) -> Result<Option<Step>, Diagnostic> {
    let mut file = SharedFile::read(run, replaced.path.clone(), replaced.file, &replaced.profile).await?;
    if file.before.is_none() || file.ini.section_text(&file.section) != replaced.ours {
        return Ok(None);
    }
    file.ini
        .restore_section(&file.section, replaced.before.as_deref())
        .map_err(|fault| unusable(&file.path, &fault))?;
    if replaced.created && file.ini.as_str().trim().is_empty() {
        return Ok(Some(Step::Remove { path: file.path }));
    }
    Ok(file.into_step())
}

fn unusable(path: &str, fault: &IniFault) -> Diagnostic {
    Diagnostic::new(Code::HandOverFailed, format!("{path} cannot take the profile"))
        .fact("reason", fault.to_string())
        .fix("mend or remove the file, or let AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name others")
}

fn exists(name: &str, path: &str) -> Diagnostic {
    Diagnostic::new(Code::ProfileExists, format!("there is a profile `{name}` already"))
        .fact("file", path)
        .cause("an earlier step, or an earlier job on this machine, wrote it")
        .fix("choose another `aws-profile`")
        .fix("or set `overwrite-aws-profile: true`; the post step puts the old one back")
}

fn paths(run: &Run) -> Result<(String, String), Diagnostic> {
    let home = || match run.runtime.home.as_str() {
        "" => Err(Diagnostic::new(Code::HandOverFailed, "there is no home folder to write an AWS profile to")
            .fix("let AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name two files")),
        home => Ok(home),
    };
    let path = |variable: &str, file: &str| match run.env.get(variable) {
        Some(path) => Ok(path.to_owned()),
        None => home().map(|home| format!("{home}/.aws/{file}")),
    };
    Ok((path("AWS_SHARED_CREDENTIALS_FILE", "credentials")?, path("AWS_CONFIG_FILE", "config")?))
}
