//! What the pages about policies show of our own files is what their readers take.

use std::fs;
use std::path::Path;

use ci_assume_role::policy::check::Expectations;
use ci_assume_role::policy::lint::config::Config;

const PAGES: [&str; 2] = ["docs/policy.md", "docs/policy-suppressions.md"];

#[test]
fn examples_of_accepted_findings_are_read() {
    let examples = examples("ignore:");
    assert!(!examples.is_empty());
    for example in examples {
        let config = Config::read("example.yml", &example).unwrap_or_else(|faults| panic!("{faults:?} in\n{example}"));
        assert!(!config.ignore.is_empty(), "{example}");
    }
}

#[test]
fn examples_of_expectations_are_read() {
    let examples = examples("admit:");
    assert!(examples.len() > 1);
    for example in examples {
        let read =
            Expectations::read("example.yml", &example).unwrap_or_else(|faults| panic!("{faults:?} in\n{example}"));
        assert!(!read.list.is_empty(), "{example}");
    }
}

/// Rules of the linter and causes have tests of their own.
#[test]
fn what_reports_link_to_is_there() {
    for rule in ci_assume_role::policy::check::RULES {
        let url = rule.url();
        let (page, anchor) = url.split_once("/docs/").and_then(|(_, page)| page.split_once('#')).unwrap();
        let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page)).unwrap();
        let headings = page.lines().filter_map(|line| line.strip_prefix("## "));
        let mut anchors = headings.map(|heading| heading.to_lowercase().replace(' ', "-"));
        assert!(anchors.any(|known| known == anchor), "{url}");
    }
}

/// The YAML of the pages that has a line `key`.
fn examples(key: &str) -> Vec<String> {
    let pages = PAGES.map(|page| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap());
    let blocks = pages.iter().flat_map(|page| page.split("\n```yaml\n").skip(1));
    let texts = blocks.filter_map(|block| block.split("\n```").next());
    texts.filter(|text| text.lines().any(|line| line == key)).map(str::to_owned).collect()
}
