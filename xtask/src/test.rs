//! Every check of the repository, in two lanes; one run shows all that is wrong.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Error, Result, bail};

use crate::{fuzz, host, pkg, setup, size};

type Group = fn(&mut Tally) -> Result<()>;

/// Two lanes, side by side. What compiles is in one, since cargo does one thing at a time in a folder; what drives
/// programs, and mostly waits for them, is in the other.
const LANES: [&[(&str, Group)]; 2] = [
    &[("core", core), ("boundary", boundary), ("lint", lint), ("pkg", package), ("fuzz", fuzz_targets)],
    &[
        ("style", style),
        ("site", site),
        ("js", js),
        ("buildkite", buildkite),
        ("iac", iac),
        ("runtimes", runtimes),
        ("oracles", oracles),
    ],
];

/// They need the toolchain alone, and do not wait for the rest of `setup`.
const FIRST: [&str; 2] = ["core", "boundary"];

/// Runs the groups that are wanted, all of them if none is named, each in a process of its own whose lines bear its name.
pub fn run(wanted: &[&str]) -> Result<bool> {
    let names: Vec<&str> = LANES.iter().copied().flatten().map(|(name, _)| *name).collect();
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(name)) {
        bail!("no test group {unknown}: there are {}", names.join(", "));
    }
    setup::rust()?;

    let lanes = LANES.map(|lane| {
        let names = lane.iter().map(|(name, _)| *name);
        names.filter(|name| wanted.is_empty() || wanted.contains(name)).collect::<Vec<_>>()
    });
    let installed = OnceLock::new();
    let in_turn = |names: Vec<&'static str>| -> Result<Vec<Ended>> {
        let each = names.into_iter().map(|name| {
            if !FIRST.contains(&name) {
                let outcome = installed.get_or_init(|| setup::run().map_err(|error| format!("{error:#}")));
                outcome.clone().map_err(Error::msg)?;
            }
            apart(name)
        });
        each.collect()
    };
    let ended: Vec<Ended> = thread::scope(|scope| {
        let lanes = lanes.map(|names| scope.spawn(|| in_turn(names)));
        lanes.into_iter().map(|lane| lane.join().expect("a lane does not panic")).collect::<Result<Vec<_>>>()
    })?
    .into_iter()
    .flatten()
    .collect();

    println!("\n======== all");
    for Ended { name, seconds, passed, failed, .. } in &ended {
        println!("{name:<10} {seconds:>4} s {passed:>6} passed {failed:>4} failed");
    }
    for Ended { name, faults, .. } in &ended {
        faults.iter().for_each(|fault| println!("FAILED {name}: {fault}"));
    }
    let (passed, failed) = ended.iter().fold((0, 0), |(p, f), group| (p + group.passed, f + group.failed));
    println!("{passed} passed, {failed} failed");
    Ok(failed == 0)
}

/// One group, in this process, after `setup`.
pub fn group(wanted: &str) -> Result<bool> {
    let (_, group) = LANES.iter().copied().flatten().find(|(name, _)| *name == wanted).context("no such group")?;
    let mut tally = Tally::default();
    let outcome = group(&mut tally);
    if outcome.is_err() {
        tally.outcome("stopped early", outcome);
    }
    for fault in &tally.faults {
        println!("{FAULT}{fault}");
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(tally.failed == 0)
}

/// How a group tells its faults at its end.
const FAULT: &str = "fault: ";

/// What came of a group.
struct Ended {
    name: &'static str,
    seconds: u64,
    passed: usize,
    failed: usize,
    faults: Vec<String>,
}

/// One group in a process of its own, so that what it writes can be told from what another writes meanwhile.
fn apart(name: &'static str) -> Result<Ended> {
    let started = Instant::now();
    let (reader, writer) = std::io::pipe()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["group", name]).stdout(writer.try_clone()?).stderr(writer);
    let mut child = host::prepare(&mut command).spawn()?;
    drop(command); // it has the other ends, which would keep the pipe open
    let mut faults = Vec::new();
    let mut last = String::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{name:<9} | {line}");
        faults.extend(line.strip_prefix(FAULT).map(str::to_owned));
        last = line;
    }
    let status = child.wait()?;
    let (passed, failed) = total(&last).unwrap_or_else(|| {
        faults.push(format!("it ended with {status} before it had a total"));
        (0, 1)
    });
    Ok(Ended { name, seconds: started.elapsed().as_secs(), passed, failed, faults })
}

/// `12 passed, 3 failed`
fn total(line: &str) -> Option<(usize, usize)> {
    let (passed, failed) = line.strip_suffix(" failed")?.split_once(" passed, ")?;
    Some((passed.parse().ok()?, failed.parse().ok()?))
}

fn style(tally: &mut Tally) -> Result<()> {
    tally.check(&mut host::cargo(["fmt", "--all", "--check"]));
    tally.check(&mut host::npm_tool("biome", ["ci", "--colors=off", "--error-on-warnings"]));
    tally.check(&mut host::npm_tool("tsc", ["--noEmit"]));
    Ok(())
}

fn lint(tally: &mut Tally) -> Result<()> {
    let deny = ["--", "-D", "warnings"];
    tally.check(host::cargo(["clippy", "--quiet", "--locked", "--workspace", "--all-targets"]).args(deny));
    let wasm = ["--target", "wasm32-unknown-unknown", "--lib", "--test", "boundary"];
    tally.check(host::cargo(["clippy", "--quiet", "--locked"]).args(wasm).args(deny));

    let root = host::root();
    let scripts: Vec<PathBuf> =
        [".ci/run", "step.sh", "pipe/pipe.sh", "tests/bitrise/probe/step.sh", "tests/bitrise/script/step.sh"]
            .map(|name| root.join(name))
            .into_iter()
            .chain(host::files(&root.join("hooks"))?)
            .chain(host::files(&root.join("orb/src/scripts"))?)
            .collect();
    tally.check(Command::new("shellcheck").args(scripts.iter().filter(|script| script.is_file())));
    let workflows = [".github", "action.yml"].map(|name| root.join(name));
    let zizmor = ["--offline", "--quiet", "--no-progress", "--persona", "pedantic"];
    tally.check(Command::new("zizmor").args(zizmor).args(workflows.iter().filter(|path| path.exists())));
    Ok(())
}

fn core(tally: &mut Tally) -> Result<()> {
    tally.count(
        "cargo test",
        &mut host::cargo(["test", "--quiet", "--locked", "--workspace", "--no-fail-fast"]),
        cargo_counts,
    )
}

fn boundary(tally: &mut Tally) -> Result<()> {
    let wasm = ["test", "--locked", "--target", "wasm32-unknown-unknown", "--test", "boundary"];
    tally.count("cargo test, in wasm", &mut host::cargo(wasm), cargo_counts)
}

fn package(tally: &mut Tally) -> Result<()> {
    tally.outcome("pkg/ is what src/ builds", pkg::check());
    tally.outcome("sizes are within their budgets", size::run());
    Ok(())
}

/// The page, from its own build to what people see of it in browsers.
fn site(tally: &mut Tally) -> Result<()> {
    tally.check(Command::new("node").arg("site/build.js"));
    tally.count("site", &mut node_tests(Path::new("tests/site"), |_| true)?, node_counts)
}

fn js(tally: &mut Tally) -> Result<()> {
    let matrix = host::root().join("tests/js/matrix");
    tally.count(
        "node --test",
        &mut node_tests(Path::new("tests/js"), |file| !file.starts_with(&matrix))?,
        node_counts,
    )?;
    for runner in ["act", "azure", "bitbucket", "bitrise", "circleci", "gitlab", "schemas"] {
        tally.count(runner, &mut node_tests(&Path::new("tests").join(runner), |_| true)?, node_counts)?;
    }
    Ok(())
}

fn buildkite(tally: &mut Tally) -> Result<()> {
    tally.count("buildkite", &mut node_tests(Path::new("tests/buildkite"), |_| true)?, node_counts)
}

/// What is generated from a trust policy, in the tools that it is for.
fn iac(tally: &mut Tally) -> Result<()> {
    tally.count("iac", &mut node_tests(Path::new("tests/iac"), |_| true)?, node_counts)
}

/// The tests of `tests/js/matrix` start the entries with the runtime that this variable names.
fn runtimes(tally: &mut Tally) -> Result<()> {
    for (name, executable) in installed_runtimes()? {
        println!("\n---- {name}");
        let mut command = node_tests(Path::new("tests/js/matrix"), |_| true)?;
        tally.count(&name, command.env("CI_ASSUME_ROLE_RUNTIME", executable), node_counts)?;
    }
    Ok(())
}

fn oracles(tally: &mut Tally) -> Result<()> {
    let folder = host::root().join("tests/oracle");
    for file in host::files(&folder)? {
        if file.parent() == Some(&folder) && file.extension().is_some_and(|extension| extension == "py") {
            tally.check(Command::new("python").arg(file).arg("--check"));
        }
    }
    for script in ["differential.js", "keys.js", "recipes.js"] {
        tally.check(Command::new("node").arg(Path::new("tests/policy-oracle").join(script)));
    }
    Ok(())
}

fn fuzz_targets(tally: &mut Tally) -> Result<()> {
    tally.check(&mut fuzz::check());
    Ok(())
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    faults: Vec<String>,
}

impl Tally {
    fn outcome(&mut self, what: &str, outcome: Result<()>) {
        match outcome {
            Ok(()) => {
                println!("ok {what}");
                self.passed += 1;
            }
            Err(error) => self.fault(1, format!("{what}: {error:#}")),
        }
    }

    fn fault(&mut self, count: usize, fault: String) {
        println!("FAILED {fault}");
        self.failed += count;
        self.faults.push(fault);
    }

    /// A program that is one check.
    fn check(&mut self, command: &mut Command) {
        let what = host::shown(command);
        self.outcome(&what, host::run(command));
    }

    /// A program that runs many tests and tells how many, which `counts` finds in a line: passed, then failed.
    fn count(&mut self, what: &str, command: &mut Command, counts: fn(&str) -> (usize, usize)) -> Result<()> {
        let mut child = host::prepare(command).stdout(Stdio::piped()).spawn().context(what.to_owned())?;
        let (mut passed, mut failed) = (0, 0);
        let output = BufReader::new(child.stdout.take().context("stdout is piped")?);
        for line in output.split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            println!("{line}");
            let (more_passed, more_failed) = counts(&line);
            passed += more_passed;
            failed += more_failed;
        }
        let status = child.wait()?;
        self.passed += passed;
        if failed > 0 {
            self.fault(failed, format!("{what}: {failed} of {}, see above", passed + failed));
        } else if !status.success() {
            self.fault(1, format!("{what}: {status}")); // it did not come as far as its tests
        } else if passed == 0 {
            self.fault(1, format!("{what}: ran no test"));
        }
        Ok(())
    }
}

/// `test result: ok. 12 passed; 0 failed; 0 ignored; …`
fn cargo_counts(line: &str) -> (usize, usize) {
    let Some((_, result)) = line.split_once("test result: ") else { return (0, 0) };
    let number = |label: &str| -> usize {
        let words: Vec<&str> = result.split_whitespace().collect();
        words.windows(2).find(|pair| pair[1] == label).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
    };
    (number("passed;"), number("failed;"))
}

/// `ℹ pass 12`, `ℹ fail 0`, `ℹ cancelled 0`
fn node_counts(line: &str) -> (usize, usize) {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["ℹ", "pass", number] => (number.parse().unwrap_or(0), 0),
        ["ℹ", "fail" | "cancelled", number] => (0, number.parse().unwrap_or(0)),
        _ => (0, 0),
    }
}

/// The files one by one: what `node --test` makes of a folder differs from one version to the next.
fn node_tests(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Command> {
    let root = host::root();
    let files: Vec<PathBuf> = host::files(&root.join(folder))?
        .into_iter()
        .filter(|file| file.to_string_lossy().ends_with(".test.js") && wanted(file))
        .collect();
    if files.is_empty() {
        bail!("no *.test.js in {}", folder.display());
    }
    let mut command = Command::new("node");
    command.args(["--test", "--test-reporter=spec"]);
    for file in files {
        command.arg(file.strip_prefix(&root)?);
    }
    Ok(command)
}

/// Those of `tests/runtimes` that there are for this machine.
fn installed_runtimes() -> Result<Vec<(String, PathBuf)>> {
    let modules = host::root().join("tests/runtimes/node_modules");
    let mut runtimes = Vec::new();
    for file in host::files(&modules)? {
        let below: Vec<_> = file.strip_prefix(&modules)?.iter().map(|part| part.to_string_lossy()).collect();
        let below: Vec<&str> = below.iter().map(AsRef::as_ref).collect();
        if matches!(below[..], [_, "bin", "node"] | ["@oven", _, "bin", "bun"] | ["@deno", _, "deno"]) {
            let name: Vec<&str> = below[..below.len() - 1].iter().copied().filter(|part| *part != "bin").collect();
            runtimes.push((name.join("/"), file));
        }
    }
    if host::is_ci() && runtimes.len() < 7 {
        bail!("Node 18, 20, 22, 24 and 26, Bun and Deno were expected in tests/runtimes, found {}", runtimes.len());
    }
    if runtimes.is_empty() {
        println!("note: tests/runtimes has nothing for this machine, the tests of the machine's own Node must do");
    }
    Ok(runtimes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_what_the_test_programs_print() {
        let cargo =
            "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(cargo_counts(cargo), (12, 3));
        assert_eq!(cargo_counts("test it_counts ... ok"), (0, 0));
        assert_eq!(node_counts("ℹ pass 12"), (12, 0));
        assert_eq!(node_counts("ℹ fail 2"), (0, 2));
        assert_eq!(node_counts("ℹ cancelled 1"), (0, 1));
        assert_eq!(node_counts("✔ ℹ pass 12 (1.3ms)"), (0, 0));
        assert_eq!(total("12 passed, 3 failed"), Some((12, 3)));
        assert_eq!(total("error: no such group"), None);
    }
}
