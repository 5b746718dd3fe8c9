//! Changes that another program makes, in a file that is put in place afterwards.

use super::{Undo, said, unusable, write};
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::{Command, FaultKind, Symlinks};
use crate::run::{Run, interrupted};

const COPIED_BYTES: u32 = 1024 * 1024;
const PROGRAM_MS: u32 = 10_000;
const PROGRAM_BYTES: u32 = 64 * 1024;

pub(super) async fn copy(run: &Run, from: &str, to: &str, before: &String) -> Result<Undo, Diagnostic> {
    let text =
        run.channel.read_file(from, COPIED_BYTES, Symlinks::Refuse).await.map_err(|fault| unusable(from, &fault))?;
    write(run, to, text, Some(before)).await
}

pub(super) async fn run(run: &Run, what: &'static str, argv: &[String]) -> Result<Undo, Diagnostic> {
    let program = argv.first().map(String::as_str).unwrap_or_default();
    let command = Command {
        argv: argv.to_vec(),
        env: Vec::new(),
        input: String::new(),
        timeout_ms: PROGRAM_MS,
        max_bytes: PROGRAM_BYTES,
    };
    let failed = |headline: String| Diagnostic::new(Code::HandOverFailed, headline).fact("meant to", what);
    match run.program(command).await {
        Ok(ended) if ended.exit_code == Some(0) => Ok(Undo::Nothing),
        Ok(ended) => Err(failed(format!("{program} failed"))
            .fact("exit code", ended.shown_exit())
            .fact_if("it says", said(&ended))),
        Err(fault) if fault.kind == FaultKind::Interrupted => Err(interrupted().diagnostic),
        Err(fault) => Err(failed(match fault.kind {
            FaultKind::NotFound => format!("there is no program {program} on PATH"),
            FaultKind::Timeout => format!("{program} did not end in time"),
            _ => format!("{program} could not be run"),
        })
        .fact_if("system says", Some(&fault.detail).filter(|detail| !detail.is_empty()))),
    }
}
