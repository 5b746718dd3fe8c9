//! Giving the credentials to later steps: all of it, or nothing.

pub mod ini;
mod plan;
pub mod process;
pub mod profile;
pub mod record;

use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::effect::{Fault, FaultKind};
use crate::run::Run;
use crate::settings::Settings;
use crate::sts::assume_role_with_web_identity::Session;

/// Only the user that runs the job may read what we write.
const PRIVATE: u32 = 0o600;

/// One change to the machine, ready to be made.
pub enum Step {
    /// Adds to a file that is there already.
    Append {
        path: String,
        text: String,
    },
    /// Puts a file in place; `before` is what it held, if it was there.
    Write {
        path: String,
        text: String,
        before: Option<String>,
    },
    Remove {
        path: String,
    },
}

/// Works out every change first, then makes them; one that fails undoes those before it.
///
/// # Errors
/// When something cannot be written. Nothing has been handed over then.
pub async fn hand_over(run: &Run, settings: &Settings, session: &Session) -> Result<(), Failure> {
    let steps = plan::steps(run, settings, session).await?;
    perform(run, steps).await?;
    Ok(())
}

/// Makes the credentials that the job had before unusable for its later steps.
///
/// # Errors
/// When the variables cannot be exported.
pub async fn blank_credentials(run: &Run) -> Result<(), Failure> {
    let blank: Vec<(String, String)> =
        plan::CREDENTIAL_VARIABLES.iter().map(|name| ((*name).to_owned(), String::new())).collect();
    let steps = run.ci.exports(run, &blank)?;
    perform(run, steps).await?;
    Ok(())
}

/// Whether a variable's value is to be hidden.
#[must_use]
pub fn is_credential(variable: &str) -> bool {
    plan::CREDENTIAL_VARIABLES.contains(&variable)
}

/// Makes what changes it can, in order, and says nothing of the others: for what is only a help.
pub async fn best_effort(run: &Run, steps: Vec<Step>) {
    for step in steps {
        let _ = make(run, &step).await;
    }
}

/// Makes the changes in order.
///
/// # Errors
/// With the change that failed; those before it are undone.
pub async fn perform(run: &Run, steps: Vec<Step>) -> Result<(), Diagnostic> {
    let mut undo: Vec<Undo> = Vec::new();
    for step in steps {
        match make(run, &step).await {
            Ok(made) => undo.push(made),
            Err(fault) => {
                let mut diagnostic = cannot_write(step.path(), &fault);
                for made in undo.into_iter().rev() {
                    let path = made.path().to_owned();
                    if let Err(fault) = made.perform(run).await {
                        diagnostic = diagnostic.fact("left behind", format!("{path} ({})", fault.detail));
                    }
                }
                return Err(diagnostic);
            }
        }
    }
    Ok(())
}

impl Step {
    fn path(&self) -> &str {
        match self {
            Self::Append { path, .. } | Self::Write { path, .. } | Self::Remove { path } => path,
        }
    }
}

/// How to take one change back.
enum Undo {
    Shorten { path: String, length: f64 },
    PutBack { path: String, text: String },
    Remove { path: String },
    Nothing,
}

impl Undo {
    fn path(&self) -> &str {
        match self {
            Self::Shorten { path, .. } | Self::PutBack { path, .. } | Self::Remove { path } => path,
            Self::Nothing => "",
        }
    }

    async fn perform(self, run: &Run) -> Result<(), Fault> {
        match self {
            Self::Shorten { path, length } => run.channel.truncate_file(&path, length).await,
            Self::PutBack { path, text } => run.channel.write_file(&path, text, PRIVATE).await,
            Self::Remove { path } => run.channel.remove_file(&path).await,
            Self::Nothing => Ok(()),
        }
    }
}

async fn make(run: &Run, step: &Step) -> Result<Undo, Fault> {
    match step {
        Step::Append { path, text } => {
            let length = run.channel.append_file(path, text.clone()).await?;
            Ok(Undo::Shorten { path: path.clone(), length })
        }
        Step::Write { path, text, before } => {
            run.channel.write_file(path, text.clone(), PRIVATE).await?;
            Ok(match before {
                Some(text) => Undo::PutBack { path: path.clone(), text: text.clone() },
                None => Undo::Remove { path: path.clone() },
            })
        }
        Step::Remove { path } => run.channel.remove_file(path).await.map(|()| Undo::Nothing),
    }
}

/// A file's trouble in words.
#[must_use]
pub fn cannot_write(path: &str, fault: &Fault) -> Diagnostic {
    let (problem, fix) = match fault.kind {
        FaultKind::DiskFull => ("the disk is full", "free some space on the runner"),
        FaultKind::Permission => ("this user may not write there", "let the user that runs the job write to it"),
        FaultKind::Symlink => (
            "it, or the folder it is in, is a symbolic link",
            "put the file itself there: credentials are never written through a link",
        ),
        FaultKind::NotFound => ("it is not there", "run this in a step of a job, where the runner makes the file"),
        FaultKind::NotAFile => ("it is not a regular file", "remove what is there"),
        FaultKind::TooLarge => ("it is too large", "make it smaller than 1 MiB"),
        FaultKind::NotUtf8 => ("it does not hold text", "remove it, or save it as UTF-8"),
        _ => ("the system reported an error", "see what the system says above"),
    };
    Diagnostic::new(Code::HandOverFailed, format!("{path} cannot be used: {problem}"))
        .fact_if("system says", Some(&fault.detail).filter(|detail| !detail.is_empty()))
        .fix(fix)
        .fix("nothing was handed over; later steps have no credentials from this step")
}
