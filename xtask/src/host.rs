//! Where things are on this machine, and how programs are run there.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Asked at run time: one target folder may serve several checkouts.
pub fn root() -> PathBuf {
    let own = env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs xtask, and sets this");
    Path::new(&own).parent().expect("xtask lies in the root of the repository").to_owned()
}

pub fn target_dir() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// An empty folder in the target folder.
pub fn fresh_folder(name: &str) -> Result<PathBuf> {
    let folder = target_dir().join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Programs that `setup` builds.
pub fn tools() -> PathBuf {
    target_dir().join("tools")
}

pub fn venv() -> PathBuf {
    root().join(".venv")
}

pub fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

/// The pinned cargo, in the root of the repository.
pub fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    command
}

/// Where the pinned compiler is installed.
pub fn sysroot() -> Result<PathBuf> {
    Ok(PathBuf::from(read(Command::new("rustc").args(["--print", "sysroot"]))?))
}

/// A tool of the root `package.json`.
pub fn npm_tool<'a>(name: &str, args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(root().join("node_modules/.bin").join(name));
    command.args(args);
    command
}

/// A tool of the root `package.json` that is a script; not by its #! line, which Windows does not know.
pub fn node_script<'a>(path: &str, args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new("node");
    command.arg(root().join(path)).args(args);
    command
}

pub fn run(command: &mut Command) -> Result<()> {
    let status = prepare(command).status().with_context(|| shown(command))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// What the command writes to stdout, trimmed.
pub fn read(command: &mut Command) -> Result<String> {
    let output = prepare(command).output().with_context(|| shown(command))?;
    if !output.status.success() {
        bail!("{} ended with {}: {}", shown(command), output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The root of the repository as folder, if none was chosen, and a PATH that puts what `setup` installed first and the
/// CI runners that were pointed out last.
pub fn prepare(command: &mut Command) -> &mut Command {
    if command.get_current_dir().is_none() {
        command.current_dir(root());
    }
    command.env("PATH", search_path())
}

pub fn is_on_path(program: &str) -> bool {
    env::split_paths(&search_path()).any(|folder| folder.join(program).is_file())
}

fn search_path() -> OsString {
    let given = env::var_os("PATH").unwrap_or_default();
    let folders = [venv().join("bin"), tools().join("bin")]
        .into_iter()
        .chain(env::split_paths(&given))
        .chain(env::var_os("CI_ASSUME_ROLE_RUNNERS").map(PathBuf::from));
    env::join_paths(folders).unwrap_or(given)
}

pub fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words: Vec<_> = std::iter::once(program).chain(command.get_args()).map(|word| word.to_string_lossy()).collect();
    words.join(" ").replace(&format!("{}/", root().display()), "")
}

/// Every file below a folder, sorted; none where there is no such folder.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.ends_with("node_modules") {
                continue; // other people's
            }
            if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
