//! A page for each rule of the linter: its name and severity are the code's, its bad policy has the
//! finding and no other, its good one has none, and what it shows comes from the evaluator.

use std::fs;
use std::path::{Path, PathBuf};

use ci_assume_role::policy::lint::{self, Finding, RULES, Rule, Severity, fix};
use ci_assume_role::policy::source::{self, File};

const INDEX: &str = "docs/rules/README.md";

#[test]
fn every_rule_has_a_page_and_every_page_a_rule() {
    let mut pages: Vec<String> = fs::read_dir(root().join("docs/rules"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    pages.sort();
    let rules: Vec<String> = RULES.iter().map(|rule| format!("{}.md", rule.id)).collect();
    assert_eq!(pages, rules, "pages, and rules in the order of their ids");
    let mut names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RULES.len(), "two rules have the same name");
}

#[test]
fn pages_say_what_the_code_says() {
    for rule in RULES {
        let page = page(rule);
        let start = format!(
            "# {}: {}\n\nSeverity: {}\n\n**{}**\n",
            rule.id,
            rule.name,
            rule.severity.name(),
            with_capital(rule.title)
        );
        assert!(page.starts_with(&start), "{} has to start with\n{start}", rule.id);
        let headings: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, ["## Bad", "## Good", "## Why", "## Counter-example"], "{}", rule.id);
        assert!(page.contains("](https://"), "{} cites no source", rule.id);
        assert!(!rule.title.ends_with('.') && rule.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
    }
}

#[test]
fn the_bad_policy_has_the_finding() {
    for rule in RULES {
        let page = page(rule);
        let all = findings(rule, section(&page, "Bad"));
        assert!(
            all.iter().any(|finding| finding.rule == *rule),
            "{}: no finding of its own, but {}",
            rule.id,
            ids(&all)
        );
        let others = all.iter().filter(|finding| finding.rule != *rule);
        let mentioned = comment(&page, "also");
        for other in others {
            assert!(
                mentioned.contains(&other.rule.id),
                "{} gives {} as well: {}",
                rule.id,
                other.rule.id,
                other.message
            );
            assert!(other.severity <= rule.severity, "{} gives the worse {}", rule.id, other.rule.id);
        }
        for id in mentioned {
            assert!(
                all.iter().any(|finding| finding.rule.id == id),
                "{} mentions {id}, which it does not give",
                rule.id
            );
        }
    }
}

#[test]
fn the_good_policy_has_none() {
    for rule in RULES {
        let page = page(rule);
        for finding in findings(rule, section(&page, "Good")) {
            assert_ne!(finding.rule, *rule, "{}: the good policy has the finding: {}", rule.id, finding.message);
            assert!(finding.severity < Severity::Medium, "{}: {} {}", rule.id, finding.rule.id, finding.message);
        }
    }
}

#[test]
fn counter_examples_are_current_and_hold() {
    for rule in RULES {
        let page = page(rule);
        let bad = file(rule, section(&page, "Bad"));
        let mut shown = String::new();
        for found in &bad.policies {
            for finding in lint::check(found) {
                let Some(example) = finding.counter_example.as_ref() else { continue };
                assert!(example.holds(found), "{}: the counter-example of {} does not hold", rule.id, finding.rule.id);
                if finding.rule == *rule && shown.is_empty() {
                    shown = said_of(&finding);
                }
            }
        }
        let start = "<!-- counter-example -->\n";
        let end = "<!-- /counter-example -->";
        let (before, rest) = page.split_once(start).unwrap_or_else(|| panic!("{}: no {start}", rule.id));
        let (_, after) = rest.split_once(end).unwrap_or_else(|| panic!("{}: no {end}", rule.id));
        if shown.is_empty() {
            "No token shows it.\n".clone_into(&mut shown);
        }
        written(&path(rule), &page, &format!("{before}{start}\n{shown}\n{end}{after}"));
    }
}

#[test]
fn edits_end_what_their_counter_examples_show() {
    for rule in RULES {
        let page = page(rule);
        let (name, text) = block(rule, section(&page, "Bad"));
        let before = findings(rule, section(&page, "Bad"));
        let mended: Vec<&Finding> = before.iter().filter(|finding| !finding.edits.is_empty()).collect();
        if mended.is_empty() {
            continue;
        }
        let text = fix::fix(name, &text, &|_| true).text;
        let after = source::read(name, &text);
        for finding in lint::check_file(&after, &text).into_iter().map(|finding| finding.finding) {
            let same = |old: &&&Finding| old.rule == finding.rule && old.message == finding.message;
            assert!(!mended.iter().any(|old| same(&old)), "{}: the edits leave {}", rule.id, finding.message);
        }
        for found in &after.policies {
            for example in mended.iter().filter_map(|finding| finding.counter_example.as_ref()) {
                assert!(!example.holds(found), "{}: the edits change nothing for {}", rule.id, example.whose);
            }
        }
    }
}

#[test]
fn the_index_is_current() {
    let width = |column: &dyn Fn(&Rule) -> usize, least: usize| {
        RULES.iter().map(|rule| column(rule)).max().unwrap_or(0).max(least)
    };
    let (name, title) = (width(&|rule| rule.name.len(), 4), width(&|rule| rule.title.chars().count(), 14));
    let mut table = format!("| id | {:name$} | severity | {:title$} |\n", "name", "what is flagged");
    table = table.replace("| id |", "| id                  |");
    table.push_str(&format!("|---------------------|{}|----------|{}|\n", "-".repeat(name + 2), "-".repeat(title + 2)));
    for rule in RULES {
        let link = format!("[{}]({}.md)", rule.id, rule.id);
        table.push_str(&format!(
            "| {link:19} | {:name$} | {:8} | {:title$} |\n",
            rule.name,
            rule.severity.name(),
            rule.title
        ));
    }
    let path = root().join(INDEX);
    let page = fs::read_to_string(&path).unwrap();
    let (start, end) = ("<!-- rules -->\n", "<!-- /rules -->");
    let (before, rest) = page.split_once(start).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    written(&path, &page, &format!("{before}{start}\n{table}\n{end}{after}"));
}

/// The finding as a page tells it.
fn said_of(finding: &Finding) -> String {
    let example = finding.counter_example.as_ref().unwrap();
    let claims = serde_json::to_string_pretty(&example.claims).unwrap();
    let verb = if example.admitted { "lets in" } else { "keeps out" };
    format!("The policy {verb} {}:\n\n```json\n{claims}\n```\n", example.whose)
}

fn ids(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{} ({})", finding.rule.id, finding.message)).collect::<Vec<_>>().join(", ")
}

/// The ids in `<!-- also: TP018, TP026 -->`.
fn comment<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    let start = format!("<!-- {name}: ");
    let Some((_, rest)) = page.split_once(&start) else { return Vec::new() };
    rest.split(" -->").next().unwrap_or_default().split(", ").collect()
}

fn section<'p>(page: &'p str, name: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("\n## {name}\n")).unwrap_or_else(|| panic!("no part {name}"));
    rest.split("\n## ").next().unwrap_or_default()
}

fn findings(rule: &Rule, section: &str) -> Vec<Finding> {
    let (name, text) = block(rule, section);
    lint::check_file(&source::read(name, &text), &text).into_iter().map(|finding| finding.finding).collect()
}

fn file(rule: &Rule, section: &str) -> File {
    let (name, text) = block(rule, section);
    source::read(name, &text)
}

/// The first block of a part, with a name for the file that it would be.
fn block(rule: &Rule, section: &str) -> (&'static str, String) {
    let (language, text) = section
        .split("```")
        .nth(1)
        .and_then(|block| block.split_once('\n'))
        .unwrap_or_else(|| panic!("{}: a part without a block", rule.id));
    (if language == "yaml" { "template.yaml" } else { "policy.json" }, text.to_owned())
}

fn page(rule: &Rule) -> String {
    let path = path(rule);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn path(rule: &Rule) -> PathBuf {
    root().join("docs/rules").join(format!("{}.md", rule.id))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Writes what has changed, with `UPDATE=1`; fails otherwise.
fn written(path: &Path, old: &str, new: &str) {
    if old == new {
        return;
    }
    assert!(std::env::var_os("UPDATE").is_some(), "{} is not current; run with UPDATE=1", path.display());
    fs::write(path, new).unwrap();
}

fn with_capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
