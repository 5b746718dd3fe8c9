//! Completions of the command line for shells: commands, their flags, and values where there is a choice.

use super::args::{GROUPS, SHELLS};
use super::table::{self, Flag, Name, Takes};

/// Commands that the shim has besides those of the core.
const OTHERS: [&str; 3] = ["demo", "playground", "sandbox"];

#[must_use]
pub fn of(shell: &str) -> String {
    match shell {
        "bash" => bash(),
        "zsh" => format!("#compdef ci-assume-role\nautoload -U +X bashcompinit && bashcompinit\n{}", bash()),
        "fish" => fish(),
        _ => powershell(),
    }
}

/// The words that can stand first.
fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for text in Name::ALL.map(Name::text).into_iter().chain(OTHERS) {
        let first = text.split_once(' ').map_or(text, |(first, _)| first);
        if !names.contains(&first) {
            names.push(first);
        }
    }
    names
}

/// The words that can stand second, and what completes the rest of each.
fn of_group(group: &str) -> impl Iterator<Item = (&'static str, Name)> {
    Name::ALL.into_iter().filter_map(move |name| match name.words() {
        (Some(first), second) if first == group => Some((second, name)),
        _ => None,
    })
}

fn group_words(group: &str) -> Vec<&'static str> {
    of_group(group).map(|(second, _)| second).collect()
}

/// The commands of one word.
fn plain() -> impl Iterator<Item = Name> {
    Name::ALL.into_iter().filter(|name| !name.text().contains(' '))
}

fn choices(flag: &Flag) -> &'static [&'static str] {
    match flag.takes {
        Takes::Choice(choices) => choices,
        _ => &[],
    }
}

fn bash() -> String {
    let mut text = String::from(
        "_ci_assume_role() {\n  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n  case $before in\n",
    );
    for flag in table::FLAGS.iter().filter(|flag| !choices(flag).is_empty()) {
        let values = choices(flag).join(" ");
        text.push_str(&format!(
            "    {}) COMPREPLY=($(compgen -W '{values}' -- \"$word\")); return ;;\n",
            flag.spec.name
        ));
    }
    let files: Vec<&str> =
        table::all().filter(|flag| flag.takes == Takes::One("FILE")).map(|flag| flag.spec.name).collect();
    text.push_str(&format!("    {}) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n", files.join("|")));
    text.push_str("  esac\n  case ${COMP_WORDS[1]} in\n");
    for group in GROUPS {
        text.push_str(&format!("    {group}) case ${{COMP_WORDS[2]}} in\n"));
        for (second, name) in of_group(group) {
            let words: Vec<&str> = table::of(name).map(|flag| flag.spec.name).collect();
            text.push_str(&format!(
                "      {second}) COMPREPLY=($(compgen -f -W '{}' -- \"$word\")) ;;\n",
                words.join(" ")
            ));
        }
        let seconds = group_words(group).join(" ");
        text.push_str(&format!("      *) COMPREPLY=($(compgen -W '{seconds}' -- \"$word\")) ;;\n    esac ;;\n"));
    }
    for name in plain() {
        let words: Vec<&str> = match name {
            Name::Completion => SHELLS.to_vec(),
            _ => table::of(name).map(|flag| flag.spec.name).collect(),
        };
        text.push_str(&format!(
            "    {}) COMPREPLY=($(compgen -W '{}' -- \"$word\")) ;;\n",
            name.text(),
            words.join(" ")
        ));
    }
    text.push_str(&format!(
        "    *) COMPREPLY=($(compgen -W '{}' -- \"$word\")) ;;\n  esac\n}}\ncomplete -F _ci_assume_role ci-assume-role\n",
        names().join(" ")
    ));
    text
}

fn fish() -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let mut text = format!(
        "complete -c ci-assume-role -f\ncomplete -c ci-assume-role -n __fish_use_subcommand -a {}\n",
        quoted(&names().join(" "))
    );
    let seen = |word: &str| format!("__fish_seen_subcommand_from {word}");
    for group in GROUPS {
        let seconds = group_words(group).join(" ");
        let before_second = format!("{}; and not {}", seen(group), seen(&seconds));
        text.push_str(&format!("complete -c ci-assume-role -n {} -a {}\n", quoted(&before_second), quoted(&seconds)));
    }
    for name in Name::ALL {
        let inside = quoted(&match name.text().split_once(' ') {
            Some((first, second)) => format!("{}; and {}", seen(first), seen(second)),
            None => seen(name.text()),
        });
        if name == Name::Completion {
            text.push_str(&format!("complete -c ci-assume-role -n {inside} -a {}\n", quoted(&SHELLS.join(" "))));
            continue;
        }
        for flag in table::of(name) {
            let long = flag.spec.name.trim_start_matches('-');
            let mut line = format!("complete -c ci-assume-role -n {inside} -l {long}");
            match flag.takes {
                Takes::Nothing => {}
                Takes::Choice(choices) => line.push_str(&format!(" -x -a {}", quoted(&choices.join(" ")))),
                Takes::One("FILE") => line.push_str(" -r -F"),
                Takes::One(_) | Takes::Several(_) => line.push_str(" -x"),
            }
            text.push_str(&format!("{line} -d {}\n", quoted(flag.spec.description)));
        }
    }
    text
}

fn powershell() -> String {
    let list = |words: &[&str]| words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ");
    let mut text = String::from(
        "Register-ArgumentCompleter -Native -CommandName ci-assume-role -ScriptBlock {\n  param($word, $ast, $position)\n  \
         $words = @($ast.CommandElements | ForEach-Object { $_.ToString() })\n  $before = if ($word) { $words[-2] } else \
         { $words[-1] }\n  $values = switch ($before) {\n",
    );
    for flag in table::FLAGS.iter().filter(|flag| !choices(flag).is_empty()) {
        text.push_str(&format!("    '{}' {{ {} }}\n", flag.spec.name, list(choices(flag))));
    }
    text.push_str("    default {\n      switch ($words[1]) {\n");
    for group in GROUPS {
        text.push_str(&format!("        '{group}' {{ switch ($words[2]) {{\n"));
        for (second, name) in of_group(group) {
            let words: Vec<&str> = table::of(name).map(|flag| flag.spec.name).collect();
            text.push_str(&format!("          '{second}' {{ {} }}\n", list(&words)));
        }
        text.push_str(&format!("          default {{ {} }}\n        }} }}\n", list(&group_words(group))));
    }
    for name in plain() {
        let words: Vec<&str> = match name {
            Name::Completion => SHELLS.to_vec(),
            _ => table::of(name).map(|flag| flag.spec.name).collect(),
        };
        text.push_str(&format!("        '{}' {{ {} }}\n", name.text(), list(&words)));
    }
    text.push_str(&format!(
        "        default {{ {} }}\n      }}\n    }}\n  }}\n  $values | Where-Object {{ $_ -like \"$word*\" }}\n}}\n",
        list(&names())
    ));
    text
}
