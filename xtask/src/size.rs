//! The bytes that ship and the bytes that a run reads, against their budgets.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::host;

const ENTRY: &str = "js/github.cjs";
/// The module that the entry has loaded, by a name that no literal has.
const MODULE: &str = "pkg/ci_assume_role_github_bg.wasm";
/// 450 kB.
const READ_BUDGET: u64 = 450_000;
/// 1.2 MiB.
const SHIPPED_BUDGET: u64 = 12 * 1024 * 1024 / 10;
const SHIPPED: [&str; 8] = ["js", "pkg", "hooks", "action.yml", "plugin.yml", "step.yml", "step.sh", "package.json"];

/// Serves the page, which is in the npm package and in no payload of a CI.
const PLAYGROUND: &str = "js/playground.js";

pub fn run() -> Result<()> {
    let root = host::root();
    let mut read = BTreeSet::new();
    follow(&root.join(ENTRY), &mut read)?;
    follow(&root.join(MODULE), &mut read)?;

    let mut shipped = BTreeSet::new();
    for path in SHIPPED.map(|path| root.join(path)) {
        if path.is_file() {
            shipped.insert(path)
        } else {
            shipped.extend(host::files(&path)?);
            true
        };
    }
    shipped.remove(&root.join(PLAYGROUND));

    println!("{:>9}  read by {ENTRY}", "bytes");
    for file in &read {
        println!("{:>9}  {}", bytes(file)?, file.strip_prefix(&root)?.display());
    }
    let read = total("read at run time", &read, READ_BUDGET)?;
    let shipped = total("shipped", &shipped, SHIPPED_BUDGET)?;
    if !(read && shipped) {
        bail!("over budget");
    }
    Ok(())
}

/// An upper bound: every file that a string literal of these sources names by a relative path, those that only a type
/// comes from included.
fn follow(file: &Path, found: &mut BTreeSet<PathBuf>) -> Result<()> {
    let file = file.canonicalize().with_context(|| file.display().to_string())?;
    if is_script(&file) {
        let source = fs::read_to_string(&file)?;
        if found.insert(file.clone()) {
            let here = file.parent().context("a file lies in a folder")?;
            for literal in source.split(['\'', '"']).filter(|text| text.starts_with("./") || text.starts_with("../")) {
                let named = here.join(literal);
                if is_script(&named) && named.is_file() {
                    follow(&named, found)?;
                }
            }
        }
    } else {
        found.insert(file);
    }
    Ok(())
}

fn is_script(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "js" || extension == "cjs")
}

fn total(what: &str, files: &BTreeSet<PathBuf>, budget: u64) -> Result<bool> {
    let mut sum = 0;
    for file in files {
        sum += bytes(file)?;
    }
    println!("{sum:>9}  {what}, of {budget} ({} %)", sum * 100 / budget);
    Ok(sum <= budget)
}

fn bytes(file: &Path) -> Result<u64> {
    Ok(fs::metadata(file)?.len())
}
