//! Fuzz targets, on the pinned stable toolchain.

use std::process::Command;

use anyhow::Result;

use crate::{host, setup};

pub fn run(seconds: u32) -> Result<()> {
    setup::cargo_fuzz()?;
    for target in host::read(&mut cargo_fuzz("list"))?.lines() {
        println!("\n== fuzz {target}, {seconds} s");
        let seeds = host::root().join("fuzz/seeds").join(target);
        let corpus = host::root().join("fuzz/corpus").join(target);
        std::fs::create_dir_all(&corpus)?;
        let mut command = cargo_fuzz("run");
        // The core has no unsafe code for a sanitizer to watch. New inputs go to the first folder.
        command.args(["--sanitizer", "none", target]).arg(corpus);
        if seeds.is_dir() {
            command.arg(seeds);
        }
        // a slow input is a finding too: nothing that is read takes a second
        command.args(["--", "-timeout=5", "-rss_limit_mb=1024", &format!("-max_total_time={seconds}")]);
        host::run(&mut command)?;
    }
    Ok(())
}

/// That all targets compile, which takes a quarter of what building them does.
pub fn check() -> Command {
    let manifest = host::root().join("fuzz/Cargo.toml");
    let mut command = host::cargo(["check", "--quiet", "--locked", "--all-targets", "--manifest-path"]);
    command.arg(manifest);
    command
}

fn cargo_fuzz(subcommand: &str) -> Command {
    let mut command = host::cargo(["fuzz", subcommand]);
    command.env("RUSTC_BOOTSTRAP", "1"); // its coverage flags are unstable; this spares a second toolchain
    command
}
