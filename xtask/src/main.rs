//! `cargo xtask`: builds, checks and measures this repository.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

mod bundle;
mod fuzz;
mod host;
mod pkg;
mod setup;
mod size;
mod test;

const USAGE: &str = "\
cargo xtask <command>

  setup             install what the tests need, into this checkout only; does nothing where all is in place
  build [--check]   make pkg/ from src/; with --check, compare a fresh one with pkg/ and change nothing
  build scripts     make only the scripts of pkg/ anew, from js/ and the glue that is there
  test [GROUP]...   run every check (after `setup`), or those groups only; an unknown group lists them
  fuzz [SECONDS]    run every fuzz target for so long each (60)
  bench [ARG]...    measure against the bare floor
  bench policy [ARG]...
                    measure what trust policies take
  bench page        measure what the page takes, in Chromium
  size              compare the bytes that ship and the bytes that a run reads with their budgets";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all went well; an error is a command that could not do its work.
fn dispatch(args: &[&str]) -> Result<bool> {
    match args {
        ["setup"] => setup::run()?,
        ["build"] => pkg::build()?,
        ["build", "scripts"] => pkg::build_scripts()?,
        ["build", "--check"] => pkg::check()?,
        ["test", groups @ ..] => return test::run(groups),
        ["group", name] => return test::group(name), // how `test` runs each
        ["fuzz"] => fuzz::run(60)?,
        ["fuzz", seconds] => fuzz::run(seconds.parse().context("SECONDS is a whole number")?)?,
        ["bench", "page", rest @ ..] => host::run(Command::new("node").arg("bench/page.js").args(rest))?,
        ["bench", "policy", rest @ ..] => host::run(Command::new("node").arg("bench/policy.js").args(rest))?,
        ["bench", rest @ ..] => host::run(Command::new("node").arg("bench/run.js").args(rest))?,
        ["size"] => size::run()?,
        [] | ["help" | "--help" | "-h"] => println!("{USAGE}"),
        _ => bail!("no such command: {}\n\n{USAGE}", args.join(" ")),
    }
    Ok(true)
}
