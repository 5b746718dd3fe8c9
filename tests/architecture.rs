//! Invariants of ARCHITECTURE.md that are about what is not there.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn only_the_bindings_name_wasm_bindgen_and_its_family() {
    let family = ["wasm_bindgen", "js_sys", "web_sys", "getrandom"];
    refuse("src", ".rs", &["src/bindings.rs"], &family);
}

/// Addresses may be read and compared (`std::net::Ipv4Addr`); nothing may be opened, asked or started.
#[test]
fn the_core_has_no_way_to_the_world() {
    let ways = [
        "std::fs",
        "std::io",
        "std::process",
        "std::thread",
        "env::var",
        "env::args",
        "SystemTime",
        "Instant::",
        "TcpStream",
        "UdpSocket",
        "ToSocketAddrs",
        "println!",
        "eprintln!",
        "fs::",
        "dbg!",
    ];
    refuse("src", ".rs", &[], &ways);
}

#[test]
fn a_secret_cannot_be_printed() {
    let source = read(&root().join("src/secret.rs"));
    let (before, _) = source.split_once("pub struct Secret(").unwrap();
    let derive = before.lines().rev().find(|line| line.starts_with("#[derive(")).unwrap();
    for name in ["Debug", "Display", "Serialize"] {
        assert!(!derive.contains(name), "Secret derives {name}");
        assert!(!source.contains(&format!("{name} for Secret")), "Secret implements {name}");
    }
}

/// The sandbox and the demo play both ends, so they are excepted; `AWS_CA_BUNDLE` is a matter of TLS.
#[test]
fn the_shim_knows_no_aws_and_no_ci() {
    let excepted = ["js/demo.js", "js/runner.js", "js/sandbox.js", "js/serve.js"];
    for file in files("js", "js") {
        let text = read(&file).replace("AWS_CA_BUNDLE", "");
        let code = text.lines().filter(|line| !is_comment(line)).collect::<Vec<_>>().join("\n");
        if !excepted.iter().any(|name| file.ends_with(name)) {
            for word in [
                "amazonaws",
                "AWS_",
                "GITHUB_",
                "INPUT_",
                "RUNNER_",
                "ACTIONS_",
                "BITRISE_",
                "BUILDKITE_",
                "buildkite-agent",
                "redactor",
                "ENVMAN",
                "envman",
                "AssumeRole",
                "add-mask",
            ] {
                assert!(!code.contains(word), "{} has {word}", file.display());
            }
        }
    }
}

#[test]
fn the_shim_imports_nothing_from_elsewhere() {
    for file in files("js", "js") {
        for line in read(&file).lines().filter(|line| !is_comment(line)) {
            let imported = line.split_once(" from ").or_else(|| line.split_once("import("));
            let named = imported.filter(|_| line.contains("import")).or_else(|| line.split_once("require("));
            let Some((_, named)) = named else { continue };
            let name = named.split(['\'', '"']).nth(1).unwrap_or_default();
            let ours = ["./", "../pkg/", "node:"].iter().any(|start| name.starts_with(start));
            assert!(ours || name.is_empty(), "{} imports {name}", file.display());
        }
    }
    let package = read(&root().join("package.json"));
    assert!(!package.contains("\"dependencies\""), "package.json has dependencies at run time");
}

fn refuse(folder: &str, ending: &str, excepted: &[&str], words: &[&str]) {
    for file in files(folder, ending) {
        let is_test = file.iter().any(|part| part == "tests" || part == "tests.rs");
        if is_test || excepted.iter().any(|name| file.ends_with(name)) {
            continue;
        }
        for (number, line) in without_tests(&read(&file)).lines().enumerate().filter(|(_, line)| !is_comment(line)) {
            for word in words {
                assert!(!line.contains(word), "{}, line {}: {word}", file.display(), number + 1);
            }
        }
    }
}

fn without_tests(source: &str) -> &str {
    let start =
        ["#[cfg(test)]\nmod tests {", "#[cfg(test)]\npub(crate) mod tests {"].iter().find_map(|mark| source.find(mark));
    start.and_then(|start| source.get(..start)).unwrap_or(source)
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//") || line.starts_with('*') || line.starts_with("/*")
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
