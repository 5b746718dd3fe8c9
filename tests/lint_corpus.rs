//! Policies that are right, in which the linter finds nothing that matters, and policies that are
//! wrong, with all that it says of them. `UPDATE=1` writes what it says.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use ci_assume_role::policy::lint::{self, Finding, Severity};
use ci_assume_role::policy::sample;
use ci_assume_role::policy::source::{self, File};
use ci_assume_role::policy::tree::Lines;
use serde_json::Value;

#[test]
fn nothing_that_matters_is_found_in_correct_policies() {
    let files = files("correct");
    assert!(files.len() >= 40, "{} correct policies", files.len());
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let file = source::read(&name(&path), &text);
        assert!(file.fault.is_none() && !file.policies.is_empty(), "{} is no policy", path.display());
        for found in &file.policies {
            assert!(found.policy.refusals.is_empty(), "{}: AWS would not save it", path.display());
            let admits = found.policy.statements.iter().any(|statement| {
                let provider = statement.principals.items.first().map_or("", |principal| &principal.value.text);
                let issuer = provider.split_once(":oidc-provider/").map_or("", |(_, issuer)| issuer);
                sample::admitted(&found.policy, statement, issuer).is_some()
            });
            assert!(admits, "{}: it lets nobody in", path.display());
        }
        for finding in findings(&file, &text) {
            let (id, message) = (finding.rule.id, &finding.message);
            assert!(finding.severity < Severity::Medium, "{}: {id} {message}", path.display());
        }
    }
}

#[test]
fn wrong_policies_are_described_as_expected() {
    let mut differing = Vec::new();
    for path in files("wrong") {
        let name = name(&path);
        let text = fs::read_to_string(&path).unwrap();
        let file = source::read(&name, &text);
        let findings = findings(&file, &text);
        let rule = name.split('-').next().unwrap_or_default();
        let own = findings.iter().any(|finding| finding.rule.id.eq_ignore_ascii_case(rule));
        assert!(own, "{name} has no {rule}: {}", described(&text, &findings));
        for found in &file.policies {
            for finding in lint::check(found) {
                let holds = finding.counter_example.as_ref().is_none_or(|example| example.holds(found));
                assert!(holds, "{name}: the counter-example of {} does not hold", finding.rule.id);
            }
        }
        let expected = path.with_extension("expected.txt");
        let now = described(&text, &findings);
        if fs::read_to_string(&expected).ok().as_deref() != Some(&now) {
            if std::env::var_os("UPDATE").is_some() {
                fs::write(&expected, now).unwrap();
            } else {
                differing.push(format!("{}\n{now}", expected.display()));
            }
        }
    }
    assert!(differing.is_empty(), "run with UPDATE=1 and read what changes:\n{}", differing.join("\n"));
}

#[test]
fn every_expectation_has_its_policy() {
    let folder = root().join("wrong");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Some(stem) = name(&path).strip_suffix(".expected.txt").map(str::to_owned) else { continue };
        let policy = |extension: &str| path.with_file_name(format!("{stem}.{extension}")).exists();
        assert!(policy("json") || policy("yaml"), "{} has no policy", path.display());
    }
}

fn findings(file: &File, text: &str) -> Vec<Finding> {
    lint::check_file(file, text).into_iter().map(|finding| finding.finding).collect()
}

/// The findings as a person reads them, with their places.
fn described(text: &str, findings: &[Finding]) -> String {
    let lines = Lines::new(text);
    let mut out = String::new();
    for finding in findings {
        let (line, column) = lines.place(finding.span.start);
        let place = text.get(finding.span.start..finding.span.end).unwrap_or_default();
        let place = place.lines().next().unwrap_or_default();
        let rule = finding.rule;
        writeln!(out, "{line}:{column} {} {} {}", rule.id, rule.name, finding.severity.name()).unwrap();
        writeln!(out, "  at       {place}").unwrap();
        writeln!(out, "  message  {}", finding.message).unwrap();
        writeln!(out, "  fix      {}", finding.fix).unwrap();
        for edit in &finding.edits {
            let old = text.get(edit.span.start..edit.span.end).unwrap_or_default();
            writeln!(out, "  edit     {old} -> {}", edit.replacement).unwrap();
        }
        if let Some(example) = &finding.counter_example {
            let verb = if example.admitted { "lets in " } else { "keeps out" };
            writeln!(out, "  {verb} {}", example.whose).unwrap();
            for (name, value) in &example.claims {
                let value = value.as_str().map_or_else(|| Value::to_string(value), str::to_owned);
                writeln!(out, "    {name} = {value}").unwrap();
            }
        }
        out.push('\n');
    }
    out
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json" || extension == "yaml"))
        .collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies")
}
