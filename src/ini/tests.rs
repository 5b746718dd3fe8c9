use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;

fn credentials(profile: &str) -> SectionName {
    SectionName::credentials(profile).unwrap()
}

fn config(profile: &str) -> SectionName {
    SectionName::config(profile).unwrap()
}

#[track_caller]
fn set(before: &str, name: &SectionName, options: &[(&str, &str)]) -> String {
    let mut ini = Ini::parse(before).unwrap();
    ini.set_section(name, options).unwrap();
    ini.into_string()
}

const REGION: &[(&str, &str)] = &[("region", "eu-west-1")];

#[test]
fn only_the_section_changes() {
    for (before, after) in [
        ("", "[dev]\nregion = eu-west-1\n"),
        ("\u{feff}", "\u{feff}[dev]\nregion = eu-west-1\n"),
        ("[a]\nx=1\n", "[a]\nx=1\n\n[dev]\nregion = eu-west-1\n"),
        ("[a]\nx=1", "[a]\nx=1\n\n[dev]\nregion = eu-west-1"),
        ("[a]\r\nx=1\r\n", "[a]\r\nx=1\r\n\r\n[dev]\r\nregion = eu-west-1\r\n"),
        ("[dev]\nold = 1\n\n# of a\n[a]\n", "[dev]\nregion = eu-west-1\n\n# of a\n[a]\n"),
        ("[dev] ; mine\n# gone\nold = 1\n# stays\n", "[dev]\nregion = eu-west-1\n# stays\n"),
        ("[dev]\ns3 =\n  style = path\n\n  [dev]\n[a]\n", "[dev]\nregion = eu-west-1\n[a]\n"),
        ("  [dev]\n  old = 1\n  [a]\n", "  [dev]\n  region = eu-west-1\n  [a]\n"),
        ("[dev]\na=1\n\n[x]\n\n[dev]\nb=1\n[y]\n", "[dev]\nregion = eu-west-1\n\n[x]\n[y]\n"),
        ("[dev]\na=1\n\n[dev]\nb=1", "[dev]\nregion = eu-west-1"),
        ("[a]\nx = 1\n  [dev]\n", "[a]\nx = 1\n  [dev]\n\n[dev]\nregion = eu-west-1\n"),
    ] {
        assert_eq!(set(before, &credentials("dev"), REGION), after, "{before:?}");
    }
}

#[test]
fn sections_are_known_by_their_profile() {
    for (header, profile) in [
        ("profile dev", "dev"),
        (" profile   dev ", "dev"),
        ("profile \"dev\"", "dev"),
        ("profile\t'dev'", "dev"),
        ("default", "default"),
        ("profile default", "default"),
    ] {
        assert!(config(profile).is(header), "[{header}]");
    }
    for header in
        ["dev", "profile", "profiledev", "profile deva", "profile \"my dev\"", "sso-session dev", "Profile dev"]
    {
        assert!(!config("dev").is(header), "[{header}]");
    }
    assert!(credentials("dev").is(" dev "));
    assert!(!credentials("dev").is("profile dev"));
    assert!(!credentials("default").is("profile default"));
}

#[test]
fn values_read_as_botocore_reads_them() {
    let ini = Ini::parse("[dev]\nA = 1 # one\nb: x=y\ns3 =\n  style = path\n\n  # no\n  other = 2\n\n").unwrap();
    let read = ini.section(&credentials("dev")).unwrap();
    let expected = [("a", "1 # one"), ("b", "x=y"), ("s3", "\nstyle = path\n\nother = 2")];
    assert_eq!(read, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
}

#[test]
fn doubtful_text_is_refused() {
    for (text, fault) in [
        ("[a]\nx\0y", IniFault::Nul { line: 2 }),
        ("[a]\nx = 1\r[b]\n", IniFault::CarriageReturn { line: 2 }),
        ("[a]\r\r\n", IniFault::CarriageReturn { line: 1 }),
        ("\n[a\n", IniFault::Header { line: 2 }),
        ("[]\n", IniFault::Header { line: 1 }),
    ] {
        assert_eq!(Ini::parse(text).err(), Some(fault), "{text:?}");
    }
}

#[test]
fn nothing_is_written_that_would_read_differently() {
    let mut ini = Ini::parse("[a]\n").unwrap();
    for (key, value) in [
        ("k", "a\n[b]"),
        ("k", "a\rb"),
        ("k", "a\u{85}b"),
        ("k", " a"),
        ("k", "a\u{a0}"),
        ("k", "a #b"),
        ("k", ";b"),
        ("", "v"),
        ("[k", "v"),
        ("k=", "v"),
        ("K", "v"),
    ] {
        assert!(ini.set_section(&credentials("dev"), &[(key, value)]).is_err(), "{key:?} {value:?}");
    }
    assert!(ini.set_section(&credentials("dev"), &[("k", "1"), ("k", "2")]).is_err());
    assert_eq!(ini.as_str(), "[a]\n");
    for name in ["", "my dev", "a]", "a\nb", "\"a\"", "a\\b", "#a"] {
        assert_eq!(SectionName::config(name), Err(IniFault::Name), "{name:?}");
    }
    assert!(SectionName::credentials("DEFAULT").is_err());
}

#[test]
fn a_section_cannot_be_swallowed() {
    let text = "[a]\nx = 1\n[dev]\n  [b]\ny = 1\n";
    let mut ini = Ini::parse(text).unwrap();
    assert_eq!(ini.set_section(&credentials("dev"), REGION), Err(IniFault::Entangled));
    assert_eq!(ini.remove_section(&credentials("dev")), Err(IniFault::Entangled));
    assert_eq!(ini.restore_section(&credentials("new"), Some("[stranger]\n")), Err(IniFault::Entangled));
    assert_eq!(ini.as_str(), text);
}

#[test]
fn sections_come_and_go_in_any_order() {
    for before in ["", "[a]\nx = 1", "[a]\nx = 1\n\n"] {
        let both = set(&set(before, &credentials("one"), REGION), &credentials("two"), REGION);
        for order in [["one", "two"], ["two", "one"]] {
            let mut ini = Ini::parse(&both).unwrap();
            for name in order {
                ini.remove_section(&credentials(name)).unwrap();
            }
            assert_eq!(ini.as_str(), before, "{order:?}");
        }
    }
}

/// A file as people write them, and stranger.
fn file() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        4 => "[a-c] ?= ?[a-z0-9]{0,4}",
        3 => r"\[(profile )?[a-c]\]( # x)?",
        1 => r#" {0,3}\[ ?(profile +)?"?[a-d]"? ?\]"#,
        1 => "[#;] ?[a-z]{0,3}",
        2 => "",
        1 => "[ \t]{1,3}[a-c]= ?[a-z]{0,3}",
        1 => any::<String>(),
    ];
    let end = prop_oneof![4 => Just("\n"), 1 => Just("\r\n")];
    let lines = proptest::collection::vec((line, end), 0..14);
    (any::<bool>(), any::<bool>(), lines).prop_map(|(mark, ended, lines)| {
        let mut text = if mark { "\u{feff}".to_owned() } else { String::new() };
        for (line, end) in lines {
            text.push_str(&line);
            text.push_str(end);
        }
        if !ended {
            drop_line_end(&mut text);
        }
        text
    })
}

fn name() -> impl Strategy<Value = SectionName> {
    ("[a-e]", any::<bool>()).prop_map(|(name, is_config)| if is_config { config(&name) } else { credentials(&name) })
}

fn options() -> impl Strategy<Value = Vec<(String, String)>> {
    let pairs = proptest::collection::btree_map("[a-z_]{1,6}", "[!-~]([ -~]{0,6}[!-~])?|", 0..4);
    pairs.prop_map(|pairs| pairs.into_iter().collect())
}

proptest! {
    #[test]
    fn never_panics(text in any::<String>(), name in name()) {
        if let Ok(mut ini) = Ini::parse(&text) {
            let _ = ini.section(&name);
            let _ = ini.set_section(&name, REGION);
            let _ = ini.remove_section(&name);
        }
    }

    #[test]
    fn what_is_set_is_read_and_can_be_undone(text in file(), name in name(), options in options()) {
        let Ok(mut ini) = Ini::parse(&text) else { return Ok(()) };
        let places: Vec<Range<usize>> =
            ini.sections.iter().filter(|section| name.is(&section.header)).map(|section| section.span.clone()).collect();
        let before = ini.section_text(&name);
        let pairs: Vec<(&str, &str)> = options.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        if ini.set_section(&name, &pairs).is_err() {
            prop_assert_eq!(ini.as_str(), text);
            return Ok(());
        }
        prop_assert_eq!(ini.section(&name), Some(options.clone()));
        match places.as_slice() {
            [] => prop_assert!(ini.as_str().starts_with(&text)),
            [place] => {
                prop_assert!(ini.as_str().starts_with(&text[..place.start]));
                prop_assert!(ini.as_str().ends_with(&text[place.end..]));
            }
            _ => return Ok(()),
        }
        prop_assert!(ini.restore_section(&name, before.as_deref()).is_ok());
        prop_assert_eq!(ini.as_str(), text);
    }

    #[test]
    fn what_is_removed_is_gone(text in file(), name in name()) {
        let Ok(mut ini) = Ini::parse(&text) else { return Ok(()) };
        let others: Vec<String> = ini.others(&name).map(str::to_owned).collect();
        if ini.remove_section(&name).is_ok() {
            prop_assert!(!ini.has_section(&name));
            prop_assert!(ini.others(&name).eq(others.iter().map(String::as_str)));
        }
    }
}

/// One edit, as `tests/oracle/ini.py` has botocore judge it.
#[derive(Serialize, Deserialize)]
struct Case {
    file: String,
    profile: String,
    /// `None`: the section was removed.
    options: Option<Vec<(String, String)>>,
    before: String,
    after: String,
}

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/ini.json");

#[test]
fn edits_are_those_that_botocore_has_judged() {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(CASES, serde_json::to_string_pretty(&random_cases()).unwrap() + "\n").unwrap();
    }
    let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(CASES).unwrap()).unwrap();
    assert!(cases.len() >= 200);
    for case in cases {
        assert_eq!(edit(&case), Ok(case.after));
    }
}

fn edit(case: &Case) -> Result<String, IniFault> {
    let name = if case.file == "config" { config(&case.profile) } else { credentials(&case.profile) };
    let mut ini = Ini::parse(&case.before)?;
    match &case.options {
        None => ini.remove_section(&name)?,
        Some(options) => {
            let pairs: Vec<(&str, &str)> = options.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            ini.set_section(&name, &pairs)?;
        }
    }
    Ok(ini.into_string())
}

fn random_cases() -> Vec<Case> {
    let mut random = fastrand::Rng::with_seed(6);
    let mut cases = Vec::new();
    while cases.len() < 200 {
        let file = if random.bool() { "config" } else { "credentials" };
        let profile = ["default", "dev", "prod", "new"][random.usize(0..4)].to_owned();
        let values = [
            "",
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY==",
            "/opt/a b/run --x=[1]",
            "a:b#c;d",
        ];
        let value = |random: &mut fastrand::Rng| values[random.usize(0..values.len())].to_owned();
        let options = (random.u8(0..5) > 0).then(|| {
            let keys = ["aws_access_key_id", "aws_secret_access_key", "region", "credential_process"];
            keys.iter().take(random.usize(0..5)).map(|key| ((*key).to_owned(), value(&mut random))).collect()
        });
        let before = random_file(&mut random, file);
        let mut case = Case { file: file.to_owned(), profile, options, before, after: String::new() };
        if let Ok(after) = edit(&case) {
            case.after = after;
            cases.push(case);
        }
    }
    cases
}

/// A file that botocore can read.
fn random_file(random: &mut fastrand::Rng, file: &str) -> String {
    let end = if random.u8(0..4) == 0 { "\r\n" } else { "\n" };
    let indent = if random.u8(0..6) == 0 { "  " } else { "" };
    let mut headers = match file {
        "config" => vec![
            "default",
            "profile default",
            "profile dev",
            "profile \"dev\"",
            "profile  'prod' ",
            "profile 'my dev'",
            "sso-session dev",
            "services x",
            "dev",
        ],
        _ => vec!["default", "dev", "prod", "profile dev", "my dev"],
    };
    random.shuffle(&mut headers);
    let bodies = [
        "region = us-east-1",
        "OUTPUT=json # y",
        "s3 =\n   style = path\n\n   [dev] = 1",
        "# note",
        "; note",
        "",
        "a : b",
        "k =",
    ];
    let mut lines = Vec::new();
    for header in headers.iter().take(random.usize(0..headers.len())) {
        lines.push(format!("[{header}]{}", ["", "  ", " # note"][random.usize(0..3)]));
        let mut bodies = bodies.to_vec();
        bodies.retain(|_| random.u8(0..3) == 0);
        lines.extend(bodies.iter().flat_map(|body| body.split('\n')).map(str::to_owned));
    }
    let mut text = lines.iter().map(|line| [indent, line, end].concat()).collect::<String>();
    if random.bool() {
        drop_line_end(&mut text);
    }
    text
}
