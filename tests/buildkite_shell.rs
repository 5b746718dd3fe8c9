//! Exports of the Buildkite plugin, evaluated by real shells as `hooks/launch.bash` does it.

use std::env;
use std::io::Write as _;
use std::process::{Command, Stdio};

use ci_assume_role::pairs::Pairs;
use ci_assume_role::shell::exports;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// `env` prints what it has got, whatever is in it, since the names of a test all start alike.
const SCRIPT: &str = r#"exports=$(cat); eval "$exports"; exec env -0"#;

const SHELLS: [&[&str]; 3] = [&["bash"], &["bash", "--posix"], &["dash"]];

/// `None` when this machine has no such shell.
fn evaluated(shell: &[&str], locale: &str, text: &str) -> Option<Vec<(String, String)>> {
    let [program, options @ ..] = shell else { return None };
    let mut child = Command::new(program)
        .args(options)
        .args(["-c", SCRIPT])
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("LC_ALL", locale)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let pairs = output.stdout.split(|byte| *byte == 0).map(|pair| String::from_utf8(pair.to_vec()).unwrap());
    Some(
        pairs
            .filter_map(|pair| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
            .filter(|(name, _)| name.starts_with("T_"))
            .collect(),
    )
}

fn assert_kept(values: &[String]) {
    let mut variables = Pairs::default();
    for (number, value) in values.iter().enumerate() {
        variables.push(format!("T_{number:04}"), value.clone());
    }
    let text = exports(&variables).unwrap();
    let expected: Vec<(String, String)> =
        variables.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    for shell in SHELLS {
        for locale in ["C", "C.UTF-8"] {
            let Some(mut got) = evaluated(shell, locale, &text) else {
                assert!(env::var("CI").as_deref() != Ok("true"), "this machine has no {shell:?}");
                continue;
            };
            got.sort();
            assert_eq!(got, expected, "{shell:?} in {locale}");
        }
    }
}

#[test]
fn every_character_comes_through_every_shell() {
    let mut values: Vec<String> = (1..=0x17f).filter_map(char::from_u32).map(|c| format!("a{c}b")).collect();
    values.extend((1..=0xff).filter_map(char::from_u32).map(String::from));
    values.extend((1..=0xff).filter_map(char::from_u32).map(|c| format!("{c}'{c}\\{c}\n{c}")));
    assert_kept(&values);
}

#[test]
fn what_means_something_to_a_shell_means_nothing_in_a_value() {
    let values = [
        "",
        " ",
        "\n",
        "two\nlines\n\n",
        "\r\n",
        "it's",
        "'",
        "''",
        "'\\''",
        "\\",
        "\\\\'",
        "$(exit 9)",
        "`exit 9`",
        "${PATH}",
        "$'\\n'",
        "!!",
        "~",
        "*",
        "[a-z]*",
        "{a,b}",
        "; exit 9",
        "&& exit 9",
        "# not a comment",
        "'; exit 9; '",
        "<<END\nexit 9\nEND",
        "\u{1}\u{7f}\u{1}\u{1}",
        "ünïcode 🚀 \u{fffd}",
        "\u{2028}\u{202e}",
        "-n",
        "=",
    ];
    assert_kept(&values.map(str::to_owned));
}

#[test]
fn any_value_comes_through_every_shell() {
    let mut runner = TestRunner::new(Config { cases: 16, failure_persistence: None, ..Config::default() });
    let value = prop_oneof!["[^\0]{0,40}", "['\\\\\n\"$`!\u{1}\u{7f} a]{0,40}"];
    runner
        .run(&prop::collection::vec(value, 50), |values| {
            assert_kept(&values);
            Ok(())
        })
        .unwrap();
}
