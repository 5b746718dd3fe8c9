//! `pkg/`: the core as WebAssembly modules with their glue, and the scripts that runs load, the same bytes from any
//! checkout, user and target folder.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use brotli::enc::BrotliEncoderParams;
use wasm_bindgen_cli_support::Bindgen;

use crate::{bundle, host, setup};

/// One crate, several modules: a run reads only the one that it needs.
const MODULES: [Module; 3] = [
    // every job downloads it, and most load another one
    Module {
        name: RUNS,
        glue: RUNS,
        features: "exchange,cli,signed,bitrise,buildkite,github",
        made: SMALL,
        compressed: true,
    },
    // what most jobs load, and what is measured
    Module { name: "ci_assume_role_github", glue: RUNS, features: "exchange,github", made: SMALL, compressed: false },
    // no job that is let in loads it, and whoever does has many policies to look at
    Module { name: POLICY, glue: POLICY, features: "policy,sandbox", made: FAST, compressed: true },
];
const RUNS: &str = "ci_assume_role";
const POLICY: &str = "ci_assume_role_policy";
const BUILD: &str = "BUILD.json";
const SUMS: &str = "SHA256SUMS";

/// What a module is made for: how rustc and wasm-opt are told so.
struct Made {
    /// The level as TOML has it.
    rustc: &'static str,
    /// Flags on top of those that all have.
    more: &'static [&'static str],
    wasm_opt: &'static str,
}

const SMALL: Made = Made { rustc: "'z'", more: &[], wasm_opt: "-Oz" };
/// Three times as fast, and a quarter larger as it is stored. A function that does not ask to be inlined is so only
/// when it is small, or the module would be a tenth larger yet.
const FAST: Made = Made { rustc: "2", more: &["-Cllvm-args=--inline-threshold=60"], wasm_opt: "-O2" };

struct Module {
    name: &'static str,
    /// Modules that export the same share it.
    glue: &'static str,
    features: &'static str,
    made: Made,
    /// Whether `pkg/` has it as a Brotli file.
    compressed: bool,
}

pub fn build() -> Result<()> {
    publish(&generate()?)
}

/// Makes the scripts anew and leaves the modules and their glue as they are, which takes seconds.
pub fn build_scripts() -> Result<()> {
    setup::build_tools()?;
    let made = host::fresh_folder("scripts")?;
    for file in host::files(&host::root().join("pkg"))? {
        if ![BUILD, SUMS].contains(&name(&file).as_str()) {
            fs::copy(&file, made.join(name(&file)))?;
        }
    }
    finish(&made)?;
    publish(&made)
}

fn publish(made: &Path) -> Result<()> {
    let committed = host::root().join("pkg");
    if committed.exists() {
        fs::remove_dir_all(&committed)?;
    }
    fs::create_dir(&committed)?;
    for file in host::files(made)? {
        fs::copy(&file, committed.join(name(&file)))?;
    }
    print!("{}", fs::read_to_string(committed.join(SUMS))?);
    Ok(())
}

pub fn check() -> Result<()> {
    let made = generate()?;
    let committed = host::root().join("pkg");
    let mut names: Vec<String> =
        host::files(&made)?.iter().chain(&host::files(&committed)?).map(|file| name(file)).collect();
    names.sort();
    names.dedup();
    let differing: Vec<String> = names
        .into_iter()
        .filter(|name| fs::read(made.join(name)).ok() != fs::read(committed.join(name)).ok())
        .collect();
    if !differing.is_empty() {
        bail!(
            "pkg/ is not what src/ builds: {} (fresh ones are in {}); `cargo xtask build` makes it anew",
            differing.join(", "),
            made.display()
        );
    }
    println!("pkg/ is what src/ builds");
    Ok(())
}

/// Builds into a folder of its own, so that a failure leaves `pkg/` alone.
fn generate() -> Result<PathBuf> {
    setup::build_tools()?;
    let out = host::fresh_folder("pkg")?;
    for module in MODULES {
        make(&module, &host::fresh_folder("module")?, &out)?;
    }
    finish(&out)?;
    Ok(out)
}

/// What is made of the modules' glue, and what is said about all of it.
fn finish(out: &Path) -> Result<()> {
    bundle::write(out)?;
    fs::write(out.join(BUILD), describe(out)?)?;
    let sums: Result<String> = host::files(out)?
        .iter()
        .map(|file| Ok(format!("{}  {}\n", host::sha256(fs::read(file)?), name(file))))
        .collect();
    fs::write(out.join(SUMS), sums?)?;
    Ok(())
}

/// Makes a module in `folder`, and puts it into `out` with its glue and the types of that.
fn make(module: &Module, folder: &Path, out: &Path) -> Result<()> {
    let Module { name, glue, features, made, compressed } = module;
    Bindgen::new()
        .input_path(compile(features, made)?)
        .out_name(glue)
        .web(true)?
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder)?;
    let wasm = out.join(format!("{name}_bg.wasm"));
    // No feature flags: the module names those it has. A larger function that is called from one place only stays
    // apart: what a run never reaches, a runtime then never compiles, which takes a tenth off what a run costs.
    let options = [made.wasm_opt, "--one-caller-inline-max-function-size=200", "--converge", "--strip-producers"];
    host::run(wasm_opt(options).arg(folder.join(format!("{glue}_bg.wasm"))).arg("-o").arg(&wasm))?;
    if *compressed {
        compress(&wasm)?;
    }
    let script = folder.join(format!("{glue}.js"));
    let smaller = ["--minify", "--charset=utf8", "--allow-overwrite", "--log-level=warning"];
    host::run(bundle::esbuild(smaller).arg(&script).arg(format!("--outfile={}", script.display())))?;
    for file in [format!("{glue}.js"), format!("{glue}.d.ts")] {
        let text = fs::read(folder.join(&file))?;
        let shared = out.join(&file);
        if shared.exists() && fs::read(&shared)? != text {
            bail!("{name} cannot share its glue: {file} comes out otherwise");
        }
        fs::write(shared, text)?;
    }
    Ok(())
}

/// The standard library is built as well, from the sources that come with the compiler: as shipped it is made for speed
/// and carries the words of its panics, which nobody reads, for a panic is a trap here.
fn compile(features: &str, made: &Made) -> Result<PathBuf> {
    host::run(&mut host::cargo(["fetch", "--quiet", "--locked"]))?; // what `remaps` looks at
    let mut flags: Vec<String> =
        remaps()?.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).collect();
    flags.extend(
        [
            "-Zunstable-options",      // without it, the next is not known
            "-Cpanic=immediate-abort", // no code that puts a panic into words
            "-Zlocation-detail=none",  // no places for these words to name
            "-Zfmt-debug=none",        // no `{:?}`, of which errors in `expect` are the last users
        ]
        .map(str::to_owned),
    );
    flags.extend(made.more.iter().map(|flag| (*flag).to_owned()));
    let target = host::target_dir();
    let mut command = host::cargo(["build", "--release", "--locked", "--lib", "--package", "ci-assume-role"]);
    command.args(["--no-default-features", "--features", features]);
    command.args(["--target", "wasm32-unknown-unknown", "--target-dir"]).arg(&target);
    command.args(["-Zbuild-std=core,alloc,std,panic_abort", "-Zbuild-std-features=optimize_for_size"]);
    command.env("RUSTC_BOOTSTRAP", "1"); // the -Z options, of the compiler that is pinned
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    for (variable, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PROFILE_")) {
        command.env_remove(variable);
    }
    // The crate itself is what has to be fast.
    command.args(["--config", &format!("profile.release.package.ci-assume-role.opt-level={}", made.rustc)]);
    host::run(&mut command)?;
    Ok(target.join("wasm32-unknown-unknown/release/ci_assume_role.wasm"))
}

/// Puts `FILE.br` in the place of a file. The bytes depend on the file and on the pinned compressor alone.
fn compress(file: &Path) -> Result<()> {
    let bytes = fs::read(file)?;
    let parameters = BrotliEncoderParams { quality: 11, lgwin: 22, size_hint: bytes.len(), ..Default::default() };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut bytes.as_slice(), &mut compressed, &parameters)?;
    fs::write(file.with_added_extension("br"), compressed)?;
    fs::remove_file(file)?;
    Ok(())
}

/// Code carries the paths of its sources: each folder that differs from one machine to the next gets a fixed name.
/// The longest path comes last, for the last match is the one that rustc takes.
fn remaps() -> Result<Vec<(PathBuf, String)>> {
    let cargo_home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
        .context("neither CARGO_HOME nor a home folder is known")?;
    let commit = host::read(Command::new("rustc").arg("-vV"))?
        .lines()
        .find_map(|line| line.strip_prefix("commit-hash: ").map(str::to_owned))
        .context("rustc -vV names no commit")?;
    let mut remaps = vec![
        (host::root(), "/src".to_owned()),
        (host::target_dir(), "/target".to_owned()),
        // the sources of the standard library, as the compiler's own builds of it name them
        (host::sysroot()?.join("lib/rustlib/src/rust"), format!("/rustc/{commit}")),
    ];
    let sources = cargo_home.join("registry/src"); // one folder for each registry or mirror of it, by its host
    for registry in fs::read_dir(&sources).with_context(|| sources.display().to_string())? {
        remaps.push((registry?.path(), "/crates".to_owned()));
    }
    remaps.push((cargo_home, "/cargo".to_owned()));
    remaps.sort_by_key(|(from, _)| from.as_os_str().len());
    Ok(remaps)
}

fn wasm_opt<const N: usize>(args: [&str; N]) -> Command {
    host::node_script("node_modules/binaryen/bin/wasm-opt", args)
}

/// What all was made with, and how large it came out.
fn describe(out: &Path) -> Result<String> {
    let rustc = host::read(Command::new("rustc").arg("--version"))?;
    let bindgen = host::read(&mut host::cargo(["pkgid", "--locked", "wasm-bindgen"]))?;
    let binaryen = host::read(&mut wasm_opt(["--version"]))?;
    let esbuild = host::read(&mut bundle::esbuild(["--version"]))?;
    let last = |text: &str, separator| text.rsplit(separator).next().unwrap_or_default().to_owned();
    let sizes: Result<Vec<String>> = host::files(out)?
        .iter()
        .map(|file| Ok(format!("\t\t\"{}\": {}", name(file), fs::metadata(file)?.len())))
        .collect();
    Ok(format!(
        "{{\n\t\"rustc\": \"{}\",\n\t\"wasm-bindgen\": \"{}\",\n\t\"binaryen\": \"{}\",\n\t\"esbuild\": \"{esbuild}\",\n\t\"bytes\": {{\n{}\n\t}}\n}}\n",
        rustc.trim_start_matches("rustc "),
        last(&bindgen, ['@', '#']),
        binaryen.split(' ').nth(2).unwrap_or_default(),
        sizes?.join(",\n")
    ))
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
