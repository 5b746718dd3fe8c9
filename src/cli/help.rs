//! The text of `--help`.

use super::table::{self, Name, Takes};

/// Lines of at most this many characters.
const WIDTH: usize = 110;
const COLUMN: usize = 34;

#[must_use]
pub fn of(name: Name) -> String {
    let mut text = format!("Usage: ci-assume-role {}\n\n", name.usage());
    for line in wrapped(name.about(), WIDTH) {
        text.push_str(&format!("{line}\n"));
    }
    text.push_str("\nOptions:\n");
    for flag in table::of(name) {
        let value = match flag.takes {
            Takes::Nothing => String::new(),
            Takes::One(value) => format!(" {value}"),
            Takes::Several(value) => format!(" {value} …"),
            Takes::Choice(_) => " NAME".to_owned(),
        };
        let head = format!("  {}{value}", flag.spec.name);
        let mut about = flag.spec.description.to_owned();
        if let Takes::Choice(choices) = flag.takes {
            about.push_str(&format!(": {}", choices.join(", ")));
        }
        if flag.spec.alias.is_some() || (name.is_about_policies() && !matches!(flag.spec.default, "none" | "not")) {
            about.push_str(&format!(" ({})", flag.spec.default));
        }
        let mut lines = wrapped(&about, WIDTH - COLUMN).into_iter();
        let first = lines.next().unwrap_or_default();
        if head.len() < COLUMN - 1 {
            text.push_str(&format!("{head:COLUMN$}{first}\n"));
        } else {
            text.push_str(&format!("{head}\n{:COLUMN$}{first}\n", ""));
        }
        for line in lines {
            text.push_str(&format!("{:COLUMN$}{line}\n", ""));
        }
    }
    if name.is_about_policies() {
        text.push_str(
            "\nExit codes: 0 all is well, 1 there are findings, or the answer is no, 2 used wrongly, or nobody can tell.\n",
        );
        return text;
    }
    text.push_str(
        "\nEach option can also be set by an environment variable: CI_ASSUME_ROLE_ and its name in capitals, as in\n\
         CI_ASSUME_ROLE_ROLE_ARN. Of several values, each stands on a line of its own.\n\
         \nExit codes: 0 done, 2 used or configured wrongly, 3 no token, 4 denied by AWS, 5 network, 6 credentials could\n\
         not be handed over, 70 internal error, 130 interrupted.",
    );
    if name == Name::Exec {
        text.push_str(" Once COMMAND runs, its exit code is this one's.");
    }
    text.push('\n');
    text
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
