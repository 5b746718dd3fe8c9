//! The guides in `docs/setup` and the pages of the CIs show what `policy generate` makes; `UPDATE=1` writes it.
//! And no trust policy that any page shows has a mistake.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use ci_assume_role::cli::generate::OPTIONS;
use ci_assume_role::policy::generate::{Format, Generated, Wanted, generate, summary};
use ci_assume_role::policy::lint::{self, Severity};
use ci_assume_role::policy::source;
use serde_json::{Value, json};

/// What is generated from these shows something else than a level of a CI.
const NO_LEVELS: [&str; 6] = [
    "github-branches",
    "github-environments",
    "odd-characters",
    "token-of-buildkite-with-tags",
    "token-of-github-customised",
    "token-of-github-with-source-identity",
];

/// What a reader puts their own ids for, with ids that such a thing may have.
const PLACEHOLDERS: [(&str, &str); 5] = [
    ("ORG_ID", "b38d9c1a-77d0-4b5c-9a3e-3f0a3d0d4d11"),
    ("PROJECT_ID", "7d5e5c1e-7a54-4b7e-9ad5-0c2cf1b6a1a2"),
    ("WORKSPACE_ID", "3c2b1a09-8f7e-4d6c-9b5a-4a3b2c1d0e9f"),
    ("REPOSITORY_ID", "5d4f1c9e-2f6b-4f0c-9a0f-1f6a2b3c4d5e"),
    ("ENVIRONMENT_ID", "7c8d9e0f-1a2b-4c3d-8e4f-5a6b7c8d9e0f"),
];

/// The policy that a CI's own page starts with.
const FIRST_POLICIES: [(&str, &[(&str, &str)]); 7] = [
    (
        "docs/github.md",
        &[
            ("--ci", "github"),
            ("--repository", "octo-org/octo-repo"),
            ("--repository-id", "74"),
            ("--organization-id", "65"),
            ("--branch", "main"),
        ],
    ),
    (
        "docs/gitlab.md",
        &[
            ("--ci", "gitlab"),
            ("--project", "acme/api"),
            ("--project-id", "20"),
            ("--namespace-id", "72"),
            ("--branch", "main"),
        ],
    ),
    (
        "docs/buildkite.md",
        &[("--ci", "buildkite"), ("--organization", "acme"), ("--pipeline", "api"), ("--branch", "main")],
    ),
    ("docs/circleci.md", &[("--ci", "circleci"), ("--organization-id", "ORG_ID"), ("--project-id", "PROJECT_ID")]),
    (
        "docs/bitbucket.md",
        &[
            ("--ci", "bitbucket"),
            ("--organization", "acme"),
            ("--workspace-id", "WORKSPACE_ID"),
            ("--repository-id", "REPOSITORY_ID"),
            ("--environment-id", "ENVIRONMENT_ID"),
        ],
    ),
    ("docs/bitrise.md", &[("--ci", "bitrise"), ("--app", "0a1b2c3d4e5f6071"), ("--workflow", "deploy")]),
    (
        "docs/azure-devops.md",
        &[
            ("--ci", "azure-devops"),
            ("--organization-id", "11111111-aaaa-4bbb-8ccc-222222222222"),
            ("--organization", "acme"),
            ("--project", "shop"),
            ("--pipeline", "deploy"),
        ],
    ),
];

#[test]
fn guides_show_what_is_generated() {
    for page in guides() {
        let text = read(&page);
        let mut new = text.clone();
        for (kind, name) in marks(&text) {
            let (options, made) = recorded(&name);
            let shown = if kind == "policy" { policy(&options, &made) } else { pipeline(&made) };
            new = between(&new, &format!("{kind}: {name}"), &shown);
        }
        written(&page, &text, &new);
    }
}

#[test]
fn every_level_of_every_ci_has_a_guide() {
    let folders = fs::read_dir(root().join("tests/policies/generated")).unwrap();
    let mut levels: BTreeSet<String> = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    levels.retain(|name| !NO_LEVELS.contains(&name.as_str()));
    let pages: Vec<String> = guides().iter().map(|page| read(page)).collect();
    let shown: Vec<(String, String)> = pages.iter().flat_map(|page| marks(page)).collect();
    let names: BTreeSet<String> =
        shown.iter().filter(|(kind, _)| kind == "policy").map(|(_, name)| name.clone()).collect();
    assert_eq!(names, levels);
    assert_eq!(shown.iter().collect::<BTreeSet<_>>().len(), shown.len(), "something is shown twice");
}

/// What the job needs is shown for each level, though once where it is the same.
#[test]
fn every_policy_has_its_pipeline_on_the_page() {
    for page in guides() {
        let text = read(&page);
        for (_, name) in marks(&text).iter().filter(|(kind, _)| kind == "policy") {
            assert!(text.contains(&pipeline(&recorded(name).1)), "{page} does not show the pipeline of {name}");
        }
    }
}

#[test]
fn pages_of_the_cis_start_with_what_is_generated() {
    for (page, options) in FIRST_POLICIES {
        let mut filled: Vec<(String, String)> =
            options.iter().map(|(name, value)| ((*name).to_owned(), with_ids(value))).collect();
        filled.extend([("--account-id", "123456789012"), ("--role-name", "deploy")].map(owned));
        let made = made(&filled);
        let policy = indented(3, &fenced("json", &with_placeholders(artefact(&made, Format::Policy))));
        let text = read(page);
        written(page, &text, &between(&text, "trust policy", &policy));
    }
}

#[test]
fn the_circleci_page_shows_what_is_generated_for_a_branch() {
    let (_, made) = recorded("circleci-branch");
    let policy: Value = serde_json::from_str(&with_placeholders(artefact(&made, Format::Policy))).unwrap();
    let patterns = serde_json::to_string_pretty(&policy["Statement"][0]["Condition"]["StringLike"]).unwrap();
    let part = fenced("json", &format!("\"StringLike\": {patterns}"));
    let page = "docs/circleci.md";
    let text = read(page);
    written(page, &text, &between(&text, "branch", &indented(2, &part)));
}

/// In Markdown, wherever it stands; the rules' pages, which show mistakes, have tests of their own.
#[test]
fn no_policy_of_a_page_has_a_mistake() {
    let mut pages = ["docs", "docs/recipes", "docs/setup", "docs/migrating", "orb", "pipe", "azure-devops"]
        .iter()
        .flat_map(|folder| pages_in(folder))
        .collect::<Vec<_>>();
    pages.extend(pages_in("."));
    let usual = blocks(&read("docs/github.md")).swap_remove(0);
    let usual: Value = serde_json::from_str(&usual).unwrap();
    let mut seen = BTreeMap::new();
    for page in &pages {
        let text = read(page);
        let mut first = usual.clone();
        for block in blocks(&text) {
            let policy = whole(&block, &first).unwrap_or_else(|| panic!("{page}: what is this?\n{block}"));
            if first == usual {
                first = policy.clone();
            }
            *seen.entry(page.clone()).or_insert(0) += 1;
            let block = policy.to_string();
            let file = source::read("policy.json", &block);
            assert!(!file.policies.is_empty(), "{page}: {block}");
            for lint::FileFinding { finding, .. } in lint::check_file(&file, &block) {
                let (id, message) = (finding.rule.id, &finding.message);
                let is_said = finding.severity < Severity::Medium
                    || text.contains(&format!("{id} {}: {message}", finding.rule.name));
                assert!(is_said, "{page}: {id} {message}\n{block}");
            }
        }
    }
    assert!(seen.len() > 15 && seen.values().sum::<usize>() > 40, "{seen:?}");
}

/// Every piece of JSON that is a trust policy or a part of one, with ids put in.
fn blocks(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (language, text) in fences(page) {
        let is_part = ["\"Federated\"", ":sub\"", ":aud\"", "\"sts:AssumeRoleWithWebIdentity\""];
        if !is_part.iter().any(|mark| text.contains(mark)) {
            continue;
        }
        match language.as_str() {
            "json" => found.push(with_ids(&text)),
            // What a command prints, with a statement in it.
            "text" => found.extend(objects(&text).iter().map(|object| with_ids(object))),
            _ => {}
        }
    }
    found
}

/// A page's first policy, or the usual one, completes what is a part of one.
fn whole(block: &str, first: &Value) -> Option<Value> {
    if let Ok(value) = serde_json::from_str::<Value>(block) {
        if let Some(policy) = value.pointer("/roles/0/trustPolicy") {
            return Some(policy.clone()); // the sandbox's file
        }
        if value["Statement"].is_array() {
            return Some(value);
        }
        return value["Effect"].is_string().then(|| json!({"Version": "2012-10-17", "Statement": [value]}));
    }
    let part: Value = serde_json::from_str(&format!("{{{block}}}")).ok()?;
    let mut policy = first.clone();
    for (name, value) in part.as_object()? {
        let statement = &mut policy["Statement"][0];
        match name.as_str() {
            "Action" | "Condition" => statement[name] = value.clone(),
            operator => statement["Condition"][operator] = value.clone(),
        }
    }
    Some(policy)
}

/// The fenced blocks of a page, with their languages, and without what they are indented by.
fn fences(page: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```").filter(|name| !name.is_empty()) else { continue };
        let indent = line.len() - line.trim_start().len();
        let inside = lines.by_ref().take_while(|line| line.trim() != "```");
        let text: Vec<&str> = inside.map(|line| line.get(indent..).unwrap_or_default()).collect();
        all.push((language.to_owned(), text.join("\n")));
    }
    all
}

/// The JSON objects in a text that start and end on lines of their own.
fn objects(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "{" {
            let end = line.replace('{', "}");
            let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
            all.push(format!("{{{}}}", inside.join("\n")));
        }
    }
    all
}

fn policy(options: &[(String, String)], made: &Generated) -> String {
    let mut text = fenced("sh", &command(options));
    for (language, body) in [
        ("json", artefact(made, Format::Policy).to_owned()),
        ("text", summary(made).iter().fold(String::new(), |text, line| text + line + "\n")),
    ] {
        let _ = write!(text, "\n{}", fenced(language, &body));
    }
    text
}

fn pipeline(made: &Generated) -> String {
    let text = artefact(made, Format::Pipeline);
    // For a CI that is not known there are the lines of a script.
    fenced(if text.starts_with("eval ") { "sh" } else { "yaml" }, text)
}

fn fenced(language: &str, text: &str) -> String {
    format!("```{language}\n{}\n```\n", text.trim_end())
}

/// The command line, in the order in which the options are documented.
fn command(options: &[(String, String)]) -> String {
    let mut words = Vec::new();
    for spec in &OPTIONS {
        for value in options.iter().filter(|(name, _)| name == spec.name).flat_map(|(_, value)| value.lines()) {
            let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "/:.@_-".contains(c));
            let value = if is_plain { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) };
            words.push(format!("{} {value}", spec.name));
        }
    }
    words.push("--output aws".to_owned());
    let mut text = "ci-assume-role policy generate".to_owned();
    let mut width = text.len();
    for word in words {
        if width + word.len() > 100 {
            text.push_str(" \\\n ");
            width = 1;
        }
        width += 1 + word.len();
        let _ = write!(text, " {word}");
    }
    text
}

/// What a folder of `tests/policies/generated` asks for, and what comes of it.
fn recorded(name: &str) -> (Vec<(String, String)>, Generated) {
    let wanted: Value = serde_json::from_str(&read(&format!("tests/policies/generated/{name}/wanted.json"))).unwrap();
    let options: Vec<(String, String)> = wanted["options"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            let several = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
            (name.clone(), value.as_str().map_or_else(|| several.join("\n"), str::to_owned))
        })
        .collect();
    let made = made(&options);
    (options, made)
}

fn made(options: &[(String, String)]) -> Generated {
    let lookup = |name: &str| options.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let wanted = Wanted::read(lookup).unwrap_or_else(|failure| panic!("{options:?}: {:#?}", failure.diagnostics()));
    generate(&wanted).unwrap_or_else(|unsound| panic!("{options:?}: {unsound}"))
}

fn artefact(made: &Generated, format: Format) -> &str {
    &made.artefacts.iter().find(|artefact| artefact.format == format).unwrap().text
}

fn with_ids(text: &str) -> String {
    PLACEHOLDERS.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
}

fn with_placeholders(text: &str) -> String {
    PLACEHOLDERS.iter().fold(text.to_owned(), |text, (name, id)| text.replace(id, name))
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// As a part of a list.
fn indented(by: usize, text: &str) -> String {
    text.lines().map(|line| format!("{:by$}{line}\n", "")).collect()
}

/// The kinds and names in `<!-- KIND: NAME -->`.
fn marks(page: &str) -> Vec<(String, String)> {
    let comments = page.split("<!-- ").skip(1).filter_map(|rest| rest.split(" -->").next());
    let named = comments.filter(|comment| !comment.starts_with('/')).filter_map(|comment| comment.split_once(": "));
    named.map(owned).collect()
}

/// Replaces what stands between `<!-- NAME -->` and `<!-- /NAME -->`.
fn between(page: &str, name: &str, text: &str) -> String {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (head, rest) = page.split_once(&open).unwrap_or_else(|| panic!("no {open}"));
    let (_, tail) = rest.split_once(&close).unwrap_or_else(|| panic!("no {close}"));
    let indent = &head[head.trim_end_matches(' ').len()..];
    format!("{head}{open}{text}{indent}{close}{tail}")
}

fn guides() -> Vec<String> {
    pages_in("docs/setup")
}

fn pages_in(folder: &str) -> Vec<String> {
    let names =
        fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<String> =
        names.filter(|name| name.ends_with(".md")).map(|name| format!("{folder}/{name}")).collect();
    pages.sort();
    pages
}

/// Writes what has changed, with `UPDATE=1`; fails otherwise.
fn written(page: &str, old: &str, new: &str) {
    if old == new {
        return;
    }
    assert!(env::var_os("UPDATE").is_some(), "{page} is not current: run UPDATE=1 cargo test --test setup_pages");
    fs::write(path(page), new).unwrap();
}

fn read(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn path(file: &str) -> PathBuf {
    root().join(file)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
