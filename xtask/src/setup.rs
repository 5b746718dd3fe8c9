//! What the tests need beside Rust, Node and Python: pinned by a lockfile each, installed into this checkout.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};

use crate::host;

const CARGO_FUZZ: &str = "0.13.2";

/// Real CI runners, browsers, and shells that the output is tried in: they come from nowhere that a lockfile
/// reaches, so tests find them on PATH.
const RUNNERS: [(&str, &str); 11] = [
    ("act", "brew install act, or go install github.com/nektos/act@latest"),
    ("buildkite-agent", "Buildkite's packages, or go install github.com/buildkite/agent/v3@latest"),
    ("chromium", BROWSER),
    ("firefox-esr", BROWSER),
    ("hclfmt", "go install github.com/hashicorp/hcl/v2/cmd/hclfmt@latest; terraform or tofu do as well"),
    ("rsync", "your system's packages: gitlab-ci-local copies with it"),
    ("dash", SHELL),
    ("fish", SHELL),
    ("ksh", SHELL),
    ("mksh", SHELL),
    ("zsh", SHELL),
];

const BROWSER: &str = "your system's packages: the page is tried in it";
const SHELL: &str = "your system's packages: what is made for shells is tried in it";

/// Each of its own lockfile.
const NODE_FOLDERS: [&str; 7] =
    ["site", "tests/runtimes", "tests/gitlab", "tests/azure", "tests/iac", "tests/policy-oracle", "tests/schemas"];

pub fn run() -> Result<()> {
    rust()?;
    // All at once: each waits for another server, or for one of its many files, most of the time.
    thread::scope(|scope| {
        let folders = [""].into_iter().chain(NODE_FOLDERS).map(|folder| scope.spawn(move || node_modules(folder)));
        let started: Vec<_> = folders.chain([scope.spawn(python)]).collect();
        started.into_iter().try_for_each(|one| one.join().expect("an installation does not panic"))
    })?;
    for (program, how) in RUNNERS.iter().filter(|(program, _)| !host::is_on_path(program)) {
        println!("note: no {program} on PATH or in CI_ASSUME_ROLE_RUNNERS, its tests need it: {how}");
    }
    Ok(())
}

/// The part that `build` needs.
pub fn build_tools() -> Result<()> {
    rust()?;
    node_modules("")
}

/// The part that cargo needs.
pub fn rust() -> Result<()> {
    let target = "wasm32-unknown-unknown";
    let libraries = host::read(Command::new("rustc").args(["--print", "target-libdir", "--target", target]))?;
    if !Path::new(&libraries).is_dir() {
        host::run(Command::new("rustup").args(["target", "add", target]))?;
    }
    if !host::sysroot()?.join("lib/rustlib/src/rust/library").is_dir() {
        host::run(Command::new("rustup").args(["component", "add", "rust-src"]))?;
    }
    for (component, command) in [("clippy", "clippy"), ("rustfmt", "fmt")] {
        if host::read(&mut host::cargo([command, "--version"])).is_err() {
            host::run(Command::new("rustup").args(["component", "add", component]))?;
        }
    }
    Ok(())
}

fn node_modules(folder: &str) -> Result<()> {
    let folder = host::root().join(folder);
    let lockfile = fs::read_to_string(folder.join("package-lock.json"))?;
    once(&folder.join("node_modules"), &lockfile, || {
        host::run(Command::new("npm").args(["ci", "--silent"]).current_dir(&folder))
    })
}

fn python() -> Result<()> {
    let requirements = host::root().join("tests/requirements.txt");
    once(&host::venv(), &fs::read_to_string(&requirements)?, || {
        host::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(host::venv()))?;
        // Most of it is never imported: what is, Python compiles then.
        let pip =
            ["-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-compile", "--require-hashes"];
        host::run(Command::new(host::venv().join("bin/python")).args(pip).arg("--requirement").arg(&requirements))
    })
}

/// The part that `fuzz` needs.
pub fn cargo_fuzz() -> Result<()> {
    once(&host::tools(), CARGO_FUZZ, || {
        let install = ["install", "--quiet", "--locked", "cargo-fuzz", "--version", CARGO_FUZZ, "--root"];
        host::run(host::cargo(install).arg(host::tools()))
    })
}

/// Installs into `folder` unless the last install there was from the same pins.
fn once(folder: &Path, pins: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let stamp = folder.join(".installed-from");
    let wanted = host::sha256(pins);
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    println!("setup: {}", folder.strip_prefix(host::root()).unwrap_or(folder).display());
    install()?;
    fs::write(&stamp, wanted).with_context(|| stamp.display().to_string())
}
