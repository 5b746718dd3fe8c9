//! The scripts of `pkg/` that runs load: each is one file of `js/` with all that it imports, since to find, read and link
//! a file costs a run the better part of a millisecond. They are CommonJS, which Node starts without its loader of ES
//! modules, and as small as they can be: to be read, their sources are there, and CI makes the same bytes of those.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::host;

/// The files of `js/` that a bundle starts from. One of them is never part of another's: it is loaded when it is asked
/// for.
const ROOTS: [&str; 4] = ["shim", "seldom", "whole-core", "policy-core"];

/// Writes `NAME.cjs` for each of `ROOTS` into `out`, which has the glue.
pub fn write(out: &Path) -> Result<()> {
    // A copy, where the glue is that of `out`.
    let work = host::fresh_folder("bundle")?;
    for (from, to) in [(host::root().join("js"), work.join("js")), (out.to_owned(), work.join("pkg"))] {
        fs::create_dir_all(&to)?;
        for file in host::files(&from)? {
            if file.extension().is_some_and(|extension| extension == "js") {
                fs::copy(&file, to.join(file.file_name().context("files have names")?))?;
            }
        }
    }
    let mut command = esbuild(ROOTS.map(|name| format!("js/{name}.js")).iter().map(String::as_str));
    command.args([
        "--bundle",
        "--outdir=made",
        "--out-extension:.js=.cjs",
        "--platform=node",
        "--format=cjs",
        "--target=node18",                  // the oldest that js/start.cjs lets through
        "--supported:dynamic-import=false", // `require` will do, and costs less
        "--minify",
        "--charset=utf8",
        "--log-level=warning",
        "--define:import.meta.url=fileUrl", // which CommonJS does not have; nor is it strict by itself
        "--banner:js='use strict';const fileUrl=require('node:url').pathToFileURL(__filename).href;",
    ]);
    command.args(ROOTS.map(|name| format!("--external:./{name}.js")));
    host::run(command.current_dir(&work))?;
    for name in ROOTS {
        let mut text = fs::read_to_string(work.join(format!("made/{name}.cjs")))?;
        for other in ROOTS {
            text = text.replace(&format!("require(\"./{other}.js\")"), &format!("require(\"./{other}.cjs\")"));
        }
        if let Some((_, left)) = text.split_once(".js\")") {
            bail!("{name}.cjs loads a file that is no bundle, before {left:.40}");
        }
        fs::write(out.join(format!("{name}.cjs")), text)?;
    }
    fs::write(out.join("shim.d.cts"), "export * from '../js/shim.js';\n")?; // for js/start.cjs
    Ok(())
}

/// As WebAssembly: one package for every machine, instead of one for each.
pub fn esbuild<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    host::node_script("node_modules/esbuild-wasm/bin/esbuild", args)
}
