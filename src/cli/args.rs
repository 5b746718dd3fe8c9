//! What was typed, as a command, its flags and its operands.

use super::table::{self, Flag, Name, Takes};
use crate::diagnostic::{Code, Diagnostic};
use crate::pairs::Pairs;
use crate::text::{listed, nearest};

/// Commands that start with one of these have a second word.
pub const GROUPS: [&str; 3] = ["policy", "login", "logout"];

/// Those that there are completions for.
pub const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "powershell"];

/// A command line that makes sense.
#[derive(Debug)]
pub struct Invocation {
    pub name: Name,
    /// By the names of the flags, dashes included; several values stand on a line each.
    pub flags: Pairs,
    pub operands: Vec<String>,
}

impl Invocation {
    /// # Errors
    /// With what cannot be understood.
    pub fn parse(args: &[String]) -> Result<Self, Diagnostic> {
        let words = args.first().map_or(0, |first| 1 + usize::from(GROUPS.contains(&first.as_str())));
        let (command, rest) = args.split_at_checked(words).unwrap_or((args, &[]));
        let command = command.join(" ");
        let Some(name) = Name::ALL.into_iter().find(|name| name.text() == command) else {
            return Err(unknown_command(&command));
        };
        let mut invocation = Self { name, flags: Pairs::default(), operands: Vec::new() };
        let mut rest = rest.iter();
        while let Some(word) = rest.next() {
            if word == "--" {
                invocation.operands.extend(rest.cloned());
                break;
            }
            if !word.starts_with('-') || word == "-" {
                invocation.operands.push(word.clone());
                continue;
            }
            let (given, inline) = match word.split_once('=') {
                Some((given, value)) if given.starts_with("--") => (given, Some(value.to_owned())),
                _ => (word.as_str(), None),
            };
            let given = if given == "-h" { "--help" } else { given };
            let flag = find(name, given)?;
            let value = match (flag.takes, inline) {
                (Takes::Nothing, None) => "true".to_owned(),
                (Takes::Nothing, Some(_)) => {
                    return Err(wrong(format!("`{given}` takes no value")).fix(format!("write `{given}` alone")));
                }
                (_, Some(value)) => value,
                (_, None) => match rest.next() {
                    Some(value) => value.clone(),
                    None => return Err(wrong(format!("`{given}` needs a value")).fix(usage_of(name))),
                },
            };
            invocation.add(flag, &value)?;
        }
        invocation.check_operands()?;
        Ok(invocation)
    }

    fn add(&mut self, flag: &Flag, value: &str) -> Result<(), Diagnostic> {
        let name = flag.spec.name;
        match (self.flags.get(name), flag.takes) {
            (None, Takes::Choice(choices)) if !choices.contains(&value) => {
                return Err(wrong(format!("`{name}` has a value that does not exist"))
                    .fact("value", value)
                    .fact_if("nearest", nearest(value, choices.iter().copied()))
                    .fix(format!("use one of {}", listed(choices))));
            }
            (None, _) => self.flags.push(name.to_owned(), value.to_owned()),
            (Some(before), Takes::Several(_)) => {
                let all = format!("{before}\n{value}");
                self.flags.set(name, &all);
            }
            (Some(_), Takes::Nothing) => {}
            (Some(_), _) => return Err(wrong(format!("`{name}` is given twice")).fix("keep one of them")),
        }
        Ok(())
    }

    fn check_operands(&self) -> Result<(), Diagnostic> {
        if self.flags.get("--help").is_some() {
            return Ok(());
        }
        match (self.name, self.operands.as_slice()) {
            (Name::PolicyLint | Name::PolicyCheck | Name::PolicyAudit, []) => {
                Err(wrong("there is no file to look at".to_owned()).fix(usage_of(self.name)))
            }
            (Name::PolicyLint | Name::PolicyCheck | Name::PolicyAudit, _) => Ok(()),
            (Name::Exec, []) => Err(wrong("there is no command to run".to_owned()).fix(usage_of(self.name))),
            (Name::Completion, []) => Err(wrong("there is no shell named".to_owned()).fix(usage_of(self.name))),
            (Name::Exec, _) | (_, []) => Ok(()),
            (Name::Completion, [shell]) if SHELLS.contains(&shell.as_str()) => Ok(()),
            (Name::Completion, [shell, ..]) => {
                Err(wrong(format!("there are no completions for `{shell}`"))
                    .fix(format!("use one of {}", listed(&SHELLS))))
            }
            (_, [operand, ..]) => {
                let diagnostic = wrong(format!("{} does not take `{operand}`", self.name.text()));
                Err(diagnostic.fix(usage_of(self.name)))
            }
        }
    }
}

fn find(name: Name, given: &str) -> Result<&'static Flag, Diagnostic> {
    if let Some(flag) = table::of(name).find(|flag| flag.spec.name == given) {
        return Ok(flag);
    }
    let unknown = Diagnostic::new(Code::OptionUnknown, format!("{} has no option `{given}`", name.text()));
    Err(match nearest(given, table::of(name).map(|flag| flag.spec.name)) {
        Some(meant) => unknown.fact("nearest", meant).fix(format!("write `{meant}`")),
        None => unknown.fix(format!("see `ci-assume-role {} --help`", name.text())),
    })
}

fn unknown_command(given: &str) -> Diagnostic {
    let names = Name::ALL.map(Name::text);
    let unknown = Diagnostic::new(Code::OptionUnknown, format!("there is no command `{given}`"));
    match nearest(given, names) {
        Some(meant) => unknown.fact("nearest", meant).fix(format!("write `{meant}`")),
        None => unknown.fix(format!("use one of {}", listed(&names))),
    }
}

fn wrong(headline: String) -> Diagnostic {
    Diagnostic::new(Code::OptionInvalid, headline)
}

fn usage_of(name: Name) -> String {
    format!("usage: ci-assume-role {}", name.usage())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(line: &str) -> Result<Invocation, Diagnostic> {
        Invocation::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn flags_and_operands_are_told_apart() {
        let got = parse("exec --role-arn a --region=b --policy-arn x --policy-arn=y -- env -i --region c").unwrap();
        let flags: Vec<(&str, &str)> = got.flags.iter().collect();
        assert_eq!(flags, [("--role-arn", "a"), ("--region", "b"), ("--policy-arn", "x\ny")]);
        assert_eq!(got.operands, ["env", "-i", "--region", "c"]);
        assert!(parse("assume -h").unwrap().flags.get("--help").is_some());
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (line, headline) in [
            ("asume", "there is no command `asume`"),
            ("assume --role-anr x", "assume has no option `--role-anr`"),
            ("claims --role-arn x", "claims has no option `--role-arn`"),
            ("assume --role-arn", "`--role-arn` needs a value"),
            ("assume --role-arn a --role-arn b", "`--role-arn` is given twice"),
            ("assume --format yaml", "`--format` has a value that does not exist"),
            ("claims --json=1", "`--json` takes no value"),
            ("assume deploy", "assume does not take `deploy`"),
            ("exec --region x", "there is no command to run"),
            ("completion", "there is no shell named"),
            ("completion tcsh", "there are no completions for `tcsh`"),
        ] {
            assert_eq!(parse(line).unwrap_err().headline.as_str(), headline, "{line}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(words in proptest::collection::vec("(--?[a-z=-]{0,12}|\\PC{0,8})", 0..6)) {
            for name in Name::ALL {
                let line: Vec<String> = std::iter::once(name.text().to_owned()).chain(words.clone()).collect();
                let _ = Invocation::parse(&line);
            }
        }
    }
}
