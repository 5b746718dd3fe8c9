//! Changes to the machine: worked out first, then made in order, and taken back when one fails.

#[cfg(feature = "bitrise")]
mod program;

use crate::diagnostic::{Code, Diagnostic};
use crate::effect::{Effect, Ended, Fault, FaultKind, Stream};
use crate::run::Run;
#[cfg(feature = "bitrise")]
use crate::run::apart;

/// Only the user that runs the job may read what we write.
const PRIVATE: u32 = 0o600;

/// One change to the machine, ready to be made.
pub enum Change {
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
    /// Replaces a file by what another one holds by then; `before` is what it held.
    #[cfg(feature = "bitrise")]
    Copy {
        from: String,
        to: String,
        before: String,
    },
    /// Runs a program that changes something; `what` says what in words.
    #[cfg(feature = "bitrise")]
    Run {
        what: &'static str,
        /// Never a secret among them.
        argv: Vec<String>,
    },
    /// Gives text to whoever reads standard output. It cannot be taken back, so it comes last.
    Print {
        text: String,
    },
}

/// Makes what changes it can, in order, and says nothing of the others: for what is only a help.
pub async fn best_effort(run: &Run, changes: Vec<Change>) {
    for change in changes {
        let _ = make(run, &change).await;
    }
}

/// Makes the changes in order.
///
/// # Errors
/// With the change that failed; those before it are undone.
pub async fn perform(run: &Run, changes: Vec<Change>) -> Result<(), Diagnostic> {
    let mut undo: Vec<Undo> = Vec::new();
    for change in changes {
        match make(run, &change).await {
            Ok(made) => undo.push(made),
            Err(mut diagnostic) => {
                for made in undo.into_iter().rev() {
                    let path = made.path().to_owned();
                    if let Err(fault) = made.perform(run).await {
                        diagnostic = diagnostic.fact("left behind", format!("{path} ({})", fault.detail));
                    }
                }
                return Err(diagnostic.fix("nothing was handed over; later steps have no credentials from this step"));
            }
        }
    }
    Ok(())
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

async fn make(run: &Run, change: &Change) -> Result<Undo, Diagnostic> {
    match change {
        Change::Append { path, text } => {
            let length = run.channel.append_file(path, text.clone()).await.map_err(|fault| unusable(path, &fault))?;
            Ok(Undo::Shorten { path: path.clone(), length })
        }
        Change::Write { path, text, before } => write(run, path, text.clone(), before.as_ref()).await,
        Change::Remove { path } => match run.channel.remove_file(path).await {
            Ok(()) => Ok(Undo::Nothing),
            Err(fault) => Err(unusable(path, &fault)),
        },
        #[cfg(feature = "bitrise")]
        Change::Copy { from, to, before } => apart(program::copy(run, from, to, before)).await,
        #[cfg(feature = "bitrise")]
        Change::Run { what, argv } => apart(program::run(run, what, argv)).await,
        Change::Print { text } => {
            run.channel.tell(Effect::Log { stream: Stream::Stdout, text: text.clone() });
            Ok(Undo::Nothing)
        }
    }
}

async fn write(run: &Run, path: &str, text: String, before: Option<&String>) -> Result<Undo, Diagnostic> {
    run.channel.write_file(path, text, PRIVATE).await.map_err(|fault| unusable(path, &fault))?;
    Ok(match before {
        Some(text) => Undo::PutBack { path: path.to_owned(), text: text.clone() },
        None => Undo::Remove { path: path.to_owned() },
    })
}

/// The end of what a program said of its failure, for it is there that programs give the reason.
#[must_use]
pub fn said(ended: &Ended) -> Option<String> {
    const LONGEST: usize = 600;
    let text = [&ended.stderr, &ended.stdout].into_iter().map(|text| text.trim()).find(|text| !text.is_empty())?;
    let text = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    let skipped = text.chars().count().saturating_sub(LONGEST);
    Some(text.chars().skip(skipped).collect())
}

/// A file's trouble in words.
#[must_use]
pub fn unusable(path: &str, fault: &Fault) -> Diagnostic {
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
}
