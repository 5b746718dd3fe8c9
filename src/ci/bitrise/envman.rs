//! Variables for later steps, by `envman`, the CLI's own tool.
//!
//! `envman add` takes one variable at a time, and the CLI collects what a failed step has added as
//! well. So the variables are added to a copy of the store, which then takes the store's place in
//! one move: later steps see all of them, or none.

use super::table;
use crate::change::{self, Change};
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::Symlinks;
use crate::environment::Environment;
use crate::pairs::Pairs;
use crate::product;
use crate::run::Run;

const STORE: &str = "ENVMAN_ENVSTORE_PATH";
/// envman itself takes 256 KiB for all variables together.
const LARGEST_STORE: u32 = 1024 * 1024;

/// The changes that add the variables. Values go by files that only this user can read: arguments
/// can be seen by others, and envman reads standard input only from a pipe, which Node's are not.
pub(super) async fn changes(run: &Run, variables: &Pairs) -> Result<Vec<Change>, Diagnostic> {
    let mut variables: Vec<(&str, &str)> = variables.iter().collect();
    if variables.is_empty() {
        return Ok(Vec::new());
    }
    // What names an identity comes last, so that nothing could use a part of one.
    variables.sort_by_key(|(name, _)| name.ends_with("AWS_ACCESS_KEY_ID"));

    let Some(store) = run.env.get(STORE) else { return Err(no_store()) };
    let before = run
        .channel
        .read_file(store, LARGEST_STORE, Symlinks::Refuse)
        .await
        .map_err(|fault| change::unusable(store, &fault))?;
    let folder = folder(&run.env).unwrap_or(".");
    let prefix = format!("{folder}/{}-{}", product::NAME, run.channel.random_name());
    let staged = format!("{prefix}.yml");
    let mut changes = vec![Change::Write { path: staged.clone(), text: before.clone(), before: None }];
    for (number, (name, value)) in variables.into_iter().enumerate() {
        let file = format!("{prefix}-{number}");
        changes.push(Change::Write { path: file.clone(), text: value.to_owned(), before: None });
        changes.push(Change::Run {
            what: "add a variable for later steps by envman, which comes with the Bitrise CLI",
            argv: add(&staged, name, &file),
        });
        changes.push(Change::Remove { path: file });
    }
    changes.push(Change::Copy { from: staged.clone(), to: store.to_owned(), before });
    changes.push(Change::Remove { path: staged });
    Ok(changes)
}

/// The folder of the store.
pub(super) fn folder(env: &Environment) -> Option<&str> {
    env.get(STORE)?.rsplit_once('/').map(|(folder, _)| folder)
}

/// With a level of its own: in a build with debug logs, envman would print every value.
fn add(store: &str, name: &str, file: &str) -> Vec<String> {
    let mut argv = vec!["envman", "--loglevel", "fatal", "--path", store, "add", "--key", name, "--valuefile", file];
    argv.push("--no-expand");
    if !table::is_plain(name) {
        argv.push("--sensitive");
    }
    argv.into_iter().map(str::to_owned).collect()
}

fn no_store() -> Diagnostic {
    Diagnostic::new(Code::HandOverFailed, format!("the Bitrise CLI did not set {STORE}"))
        .cause("this is not a step of a Bitrise build")
        .fix("run it as a step of a workflow, or in a Script step, by `bitrise run`")
}
