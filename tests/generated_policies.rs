//! What `src/policy/generate` makes of every CI and level. A folder of `tests/policies/generated` has what is
//! wanted and all that comes of it; `UPDATE=1` writes the latter anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use ci_assume_role::policy::generate::{Generated, Wanted, generate};
use serde_json::Value;

#[test]
fn everything_that_is_generated_is_as_recorded() {
    let mut differing = Vec::new();
    for folder in folders() {
        let made = made(&folder);
        for (name, text) in &made {
            let path = folder.join(name);
            if fs::read_to_string(&path).is_ok_and(|found| found == *text) {
                continue;
            }
            if env::var_os("UPDATE").is_some() {
                fs::write(&path, text).unwrap();
            } else {
                differing.push(path.display().to_string());
            }
        }
        for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()) {
            let name = file.to_string_lossy().into_owned();
            assert!(name == "wanted.json" || made.contains_key(&name), "{}: nobody makes {name}", folder.display());
        }
    }
    assert!(
        differing.is_empty(),
        "UPDATE=1 cargo test --test generated_policies; read the difference\n{}",
        differing.join("\n")
    );
}

/// Each CI at each level, which is what the folders are for.
#[test]
fn every_artefact_of_every_level_is_there() {
    let names: Vec<String> =
        folders().iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    for wanted in [
        "github-organization",
        "github-repository",
        "github-branch",
        "github-tag",
        "github-environment",
        "github-pull-request",
        "github-workflow",
        "gitlab-organization",
        "gitlab-project",
        "gitlab-branch",
        "gitlab-tag",
        "gitlab-own-branch",
        "buildkite-organization",
        "buildkite-pipeline",
        "buildkite-branch",
        "buildkite-tag",
        "circleci-organization",
        "circleci-project",
        "circleci-branch",
        "bitbucket-repository",
        "bitbucket-environment",
        "bitrise-app",
        "bitrise-workflow",
        "azure-devops-service-connection",
        "azure-devops-pipeline",
        "other-subject",
    ] {
        assert!(names.iter().any(|name| name == wanted), "{wanted}");
    }
}

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/generated");
    let mut folders: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn made(folder: &Path) -> BTreeMap<String, String> {
    let wanted: Value = serde_json::from_str(&fs::read_to_string(folder.join("wanted.json")).unwrap()).unwrap();
    let lookup = |name: &str| match wanted["options"].get(name)? {
        Value::Array(several) => Some(several.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")),
        one => one.as_str().map(str::to_owned),
    };
    let read = match wanted["claims"].as_object() {
        Some(claims) => Wanted::of_claims(claims, lookup),
        None => Wanted::read(lookup),
    };
    let read = read.unwrap_or_else(|failure| panic!("{}: {:#?}", folder.display(), failure.diagnostics()));
    let generated = generate(&read).unwrap_or_else(|unsound| panic!("{}: {unsound:#?}", folder.display()));
    let mut made: BTreeMap<String, String> =
        generated.artefacts.iter().map(|artefact| (artefact.format.file().to_owned(), artefact.text.clone())).collect();
    made.insert("proof.txt".to_owned(), report(&generated));
    made
}

fn report(generated: &Generated) -> String {
    let mut text = format!("{} characters\n", generated.length);
    for note in &generated.notes {
        let _ = writeln!(text, "note: {note}");
    }
    for finding in &generated.findings {
        let _ = writeln!(text, "{} {}: {}", finding.rule.id, finding.severity.name(), finding.message);
    }
    for mutation in &generated.proof {
        let part = mutation.part.map_or_else(String::new, |part| format!(" ({part})"));
        let value = mutation.value.as_deref().unwrap_or("(none)");
        let _ = writeln!(
            text,
            "{} {}{part} = {value}",
            if mutation.refused { "refused" } else { "ADMITTED" },
            mutation.claim
        );
    }
    text
}
