//! The end of the job: everything that was handed over is taken away, and what it replaced comes
//! back. What somebody else has changed since is left alone.

use crate::change::{self, Change};
use crate::ci::Ci;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::effect::{FaultKind, Symlinks};
use crate::handover::record::Record;
use crate::handover::{self, profile};
use crate::pairs::Pairs;
use crate::run::Run;
use crate::secret::Secret;
use crate::variables::is_credential;

const LARGEST_RECORD: u32 = 4 * 1024 * 1024;

/// Cleans up as far as possible; one thing that fails does not keep the others from being done.
///
/// # Errors
/// With everything that could not be cleaned up.
pub async fn clean_up(run: &Run, ci: &dyn Ci) -> Result<(), Failure> {
    let mut paths = ci.remembered(&run.env);
    if paths.is_empty() {
        run.say("Nothing was handed over, so there is nothing to clean up");
        return Ok(());
    }
    let mut problems = Vec::new();
    // What was written last is on top of what was written before.
    paths.reverse();
    for path in paths {
        if let Err(failure) = take_back(run, ci, &path).await {
            problems.extend(failure.into_diagnostics());
        }
    }
    Failure::of(problems).map_or(Ok(()), Err)
}

async fn take_back(run: &Run, ci: &dyn Ci, path: &str) -> Result<(), Failure> {
    let record = match read_record(run, path).await {
        Ok(Some(record)) => record,
        unreadable => {
            run.notice("what there was to clean up is not on record any more; blanking the credential variables");
            handover::blank_credentials(run, ci).await?;
            return unreadable.map(|_| ());
        }
    };

    let mut problems = Vec::new();
    let mut restored = Pairs::default();
    for variable in &record.variables {
        let now = run.env.get(&variable.name).unwrap_or_default();
        if now == variable.ours {
            if is_credential(&variable.name) {
                run.mask(&Secret::new(&variable.before));
            }
            restored.set(&variable.name, &variable.before);
        }
    }
    match ci.exports(run, &restored).await {
        Ok(changes) => problems.extend(change::perform(run, changes).await.err()),
        Err(problem) => problems.push(problem),
    }
    for section in record.sections.iter().rev() {
        match profile::restoration(run, section).await {
            Ok(change) => problems.extend(change::perform(run, change.into_iter().collect()).await.err()),
            Err(problem) => problems.push(problem),
        }
    }
    for file in record.files.iter().map(String::as_str).chain([path]) {
        problems.extend(change::perform(run, vec![Change::Remove { path: file.to_owned() }]).await.err());
    }
    run.say(&format!("Took back {}", taken_back(&record, restored.iter().count())));
    Failure::of(problems).map_or(Ok(()), Err)
}

async fn read_record(run: &Run, path: &str) -> Result<Option<Record>, Failure> {
    let text = match run.channel.read_file(path, LARGEST_RECORD, Symlinks::Refuse).await {
        Ok(text) => text,
        Err(fault) if fault.kind == FaultKind::NotFound => return Ok(None),
        Err(fault) => return Err(change::unusable(path, &fault).into()),
    };
    match Record::read(&text) {
        Some(record) => Ok(Some(record)),
        None => Err(Diagnostic::new(Code::HandOverFailed, format!("{path} is not the record that was written"))
            .cause("another step of the job has changed it")
            .fix("look for AWS credentials in ~/.aws on this machine, if it is not a fresh one for every job")
            .into()),
    }
}

fn taken_back(record: &Record, variables: usize) -> String {
    let count = |number: usize, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    let mut parts = Vec::new();
    if !record.variables.is_empty() {
        parts.push(count(variables, "variable"));
    }
    if !record.sections.is_empty() {
        parts.push(count(record.sections.len(), "profile section"));
    }
    if !record.files.is_empty() {
        parts.push(count(record.files.len(), "file"));
    }
    crate::text::listed(&parts.iter().map(String::as_str).collect::<Vec<_>>())
}
