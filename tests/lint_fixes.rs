//! Wrong policies have one mistake each, which gives one finding, and what `--fix` makes of them lets
//! nobody in who is not meant.

use std::fs;
use std::path::{Path, PathBuf};

use ci_assume_role::policy::caller::Caller;
use ci_assume_role::policy::evaluate::{Verdict, decide};
use ci_assume_role::policy::lint::{self, FileFinding, RULES, Severity, fix};
use ci_assume_role::policy::report::{Looked, json};
use ci_assume_role::policy::sample;
use ci_assume_role::policy::source::{self, File};
use serde_json::{Map, Value};

/// Rules about statements that let nobody in as they stand: their changes let in those who are meant.
const DEAD: &[&str] = &[
    "TP010", "TP014", "TP015", "TP017", "TP020", "TP022", "TP023", "TP025", "TP035", "TP037", "TP038", "TP041",
    "TP042", "TP043", "TP044", "TP060", "TP061", "TP062", "TP063", "TP064", "TP065", "TP068", "TP069", "TP075",
];

#[test]
fn one_mistake_gives_one_finding() {
    let mut wrong: Vec<String> = Vec::new();
    for path in policies() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let file = source::read(&name, &text);
        let findings = lint::check_file(&file, &text);
        let rule = name.split('-').next().unwrap().to_uppercase();
        // The first rules judge how wide a policy is, which can be said in more than one way.
        if rule.as_str() < "TP030" {
            continue;
        }
        if !findings.iter().any(|finding| finding.finding.rule.id == rule) {
            wrong.push(format!("{name}: no finding of its own, but {}", ids(&findings)));
        }
        let others: Vec<FileFinding> = findings
            .iter()
            .filter(|finding| finding.finding.rule.id != rule && finding.finding.severity >= Severity::Medium)
            .cloned()
            .collect();
        if !others.is_empty() {
            wrong.push(format!("{name}: one mistake, and further findings {}", ids(&others)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_of_this_half_has_two_policies() {
    let names: Vec<String> =
        policies().iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    for rule in RULES.iter().filter(|rule| rule.id >= "TP030") {
        let count = names.iter().filter(|name| name.to_uppercase().starts_with(rule.id)).count();
        assert!(count >= 2, "{} has {count}", rule.id);
    }
}

#[test]
fn a_fix_ends_its_findings_and_lets_nobody_in_who_is_not_meant() {
    for path in policies() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let before = source::read(&name, &text);
        let findings = lint::check_file(&before, &text);
        for rule in RULES.iter().filter(|rule| findings.iter().any(|finding| finding.finding.rule == **rule)) {
            let fixed = fix::fix(&name, &text, &|finding| finding.finding.rule == *rule);
            if fixed.made.is_empty() {
                assert_eq!(fixed.text, text, "{name}");
                continue;
            }
            let after = source::read(&name, &fixed.text);
            assert!(after.fault.is_none() || before.fault.is_some(), "{name}: {} breaks the JSON", rule.id);
            for left in &fixed.left {
                assert!(
                    left.finding.edits.is_empty(),
                    "{name}: {} is left although it has a change: {}",
                    rule.id,
                    left.finding.message
                );
            }
            if DEAD.contains(&rule.id) {
                continue;
            }
            for claims in tokens(&before).into_iter().chain(tokens(&after)) {
                let (was, is) = (verdict(&before, &claims), verdict(&after, &claims));
                assert!(was == is || is != Verdict::Allowed, "{name}: {} lets in {}", rule.id, Value::Object(claims));
            }
        }
        let twice = fix::fix(&name, &fix::fix(&name, &text, &|_| true).text, &|_| true);
        assert!(twice.made.is_empty(), "{name}: a second run changes more");
    }
}

/// An editor that makes the changes of one finding has what `--fix` would make of it.
#[test]
fn changes_of_a_finding_are_those_that_a_fix_makes() {
    let mut changed = 0;
    let mut wrong: Vec<String> = Vec::new();
    for path in policies().into_iter().chain(sources()) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let file = source::read(&name, &text);
        let looked = Looked { findings: lint::check_file(&file, &text), name: name.clone(), text: text.clone(), file };
        let report: Value = serde_json::from_str(&json::render(&[looked])).unwrap();
        for finding in report["findings"].as_array().unwrap() {
            let edits: Vec<(usize, usize, &str)> = finding["edits"]
                .as_array()
                .unwrap()
                .iter()
                .map(|edit| {
                    let at = |line: &str, column: &str| {
                        offset(&text, [line, column].map(|name| edit[name].as_u64().unwrap()))
                    };
                    (at("line", "column"), at("endLine", "endColumn"), edit["text"].as_str().unwrap())
                })
                .collect();
            let mut edited = text.clone();
            for (start, end, replacement) in edits.iter().rev() {
                edited.replace_range(start..end, replacement);
            }
            let start = offset(&text, ["line", "column"].map(|name| finding[name].as_u64().unwrap()));
            let fixed = fix::fix(&name, &text, &|listed| {
                let same = &listed.finding;
                same.rule.id == finding["id"] && same.message == finding["message"] && same.span.start == start
            });
            if fixed.text != edited {
                wrong.push(format!("{name}: {}\n{}", finding["message"], edited));
            }
            changed += usize::from(!edits.is_empty());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(changed > 60, "only {changed} findings have changes");
}

/// The byte at a line and a column, both from 1, the column in characters.
fn offset(text: &str, [line, column]: [u64; 2]) -> usize {
    let [line, column] = [line, column].map(|number| usize::try_from(number).unwrap() - 1);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    start + text[start..].chars().take(column).map(char::len_utf8).sum::<usize>()
}

/// Tokens that come in, that come near, and those of strangers.
fn tokens(file: &File) -> Vec<Map<String, Value>> {
    let mut tokens = Vec::new();
    for found in &file.policies {
        let examples = lint::check(found).into_iter().filter_map(|finding| finding.counter_example);
        tokens.extend(examples.map(|example| example.claims));
        for statement in &found.policy.statements {
            for principal in &statement.principals.items {
                let Some((_, host)) = principal.value.text.split_once(":oidc-provider/") else { continue };
                tokens.extend([
                    sample::usual(host),
                    sample::strangers(host),
                    sample::nearest(&found.policy, statement, host),
                ]);
            }
        }
    }
    tokens
}

fn verdict(file: &File, claims: &Map<String, Value>) -> Verdict {
    let Some(found) = file.policies.first() else { return Verdict::Refused };
    decide(&found.policy, &Caller::of_claims(claims.clone())).verdict
}

fn ids(findings: &[FileFinding]) -> String {
    let each = findings.iter().map(|finding| format!("{} ({})", finding.finding.rule.id, finding.finding.message));
    each.collect::<Vec<_>>().join(", ")
}

/// Files of every kind that policies stand in.
fn sources() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/sources");
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())).collect()
}

fn policies() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/wrong");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut policies: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "json" || ending == "yaml")).collect();
    policies.sort();
    assert!(policies.len() > 90);
    policies
}
