//! The files of a command: those that are named, those in folders that are named, standard input.

use super::Desk;
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::{Fault, FaultKind, Symlinks};
use crate::policy::json::MAX_BYTES;

#[allow(clippy::cast_possible_truncation)] // 64 MiB
const LIMIT: u32 = MAX_BYTES as u32;
const MAX_FILES: u32 = 10_000;
/// What is looked at in a folder.
const ENDINGS: &[&str] = &[".json", ".yml", ".yaml", ".template"];

pub(super) const STANDARD_INPUT: &str = "standard input";

/// A file's name and text.
pub(super) struct Input {
    pub(super) name: String,
    pub(super) text: String,
    /// It was named, and not found in a folder that was: something is expected of it.
    pub(super) named: bool,
}

/// All files that `operands` stand for. What cannot be read is told of at once, and is in the second part.
pub(super) async fn files(desk: &Desk, operands: &[String]) -> (Vec<Input>, usize) {
    let mut inputs = Vec::new();
    let mut unread = 0;
    for operand in operands {
        match one(desk, operand).await {
            Ok(text) => inputs.push(Input { name: shown(operand), text, named: true }),
            Err(fault) if fault.kind == FaultKind::NotAFile => match folder(desk, operand).await {
                Ok((found, failed)) => {
                    inputs.extend(found);
                    unread += failed;
                }
                Err(fault) => {
                    desk.complain(&unreadable(operand, &fault));
                    unread += 1;
                }
            },
            Err(fault) => {
                desk.complain(&unreadable(operand, &fault));
                unread += 1;
            }
        }
    }
    (inputs, unread)
}

/// One file that has to be there.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn file(desk: &Desk, path: &str) -> Result<Input, Diagnostic> {
    match one(desk, path).await {
        Ok(text) => Ok(Input { name: shown(path), text, named: true }),
        Err(fault) => Err(unreadable(path, &fault)),
    }
}

async fn one(desk: &Desk, path: &str) -> Result<String, Fault> {
    if path == "-" {
        desk.channel.read_input(LIMIT).await
    } else {
        desk.channel.read_file(path, LIMIT, Symlinks::Follow).await
    }
}

async fn folder(desk: &Desk, path: &str) -> Result<(Vec<Input>, usize), Fault> {
    let mut inputs = Vec::new();
    let mut unread = 0;
    for name in desk.channel.list_files(path, ENDINGS, MAX_FILES).await? {
        match desk.channel.read_file(&name, LIMIT, Symlinks::Follow).await {
            Ok(text) => inputs.push(Input { name, text, named: false }),
            Err(fault) => {
                desk.complain(&unreadable(&name, &fault));
                unread += 1;
            }
        }
    }
    Ok((inputs, unread))
}

fn shown(path: &str) -> String {
    if path == "-" { STANDARD_INPUT.to_owned() } else { path.to_owned() }
}

pub(super) fn unreadable(path: &str, fault: &Fault) -> Diagnostic {
    let problem = match fault.kind {
        FaultKind::NotFound => "does not exist",
        FaultKind::Permission => "may not be read by this user",
        FaultKind::NotUtf8 => "is not text in UTF-8",
        FaultKind::TooLarge => "is too large",
        FaultKind::NotAFile => "is neither a file nor a folder",
        _ => "cannot be read",
    };
    Diagnostic::new(Code::OptionInvalid, format!("{} {problem}", shown(path)))
        .fact("system says", &fault.detail)
        .fix("name files, folders, or - for standard input")
}
