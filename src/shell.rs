//! Exports for a shell that evaluates them, so they may say one thing only.

use std::fmt;

use crate::pairs::Pairs;

/// Why a variable cannot go through a shell. It never holds the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFault {
    /// It is no name: letters, digits and `_`, not beginning with a digit (POSIX XBD 3.216).
    Name,
    /// It has a NUL character, which no environment can hold.
    Value,
}

impl fmt::Display for ExportFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "that is no name of a variable",
            Self::Value => "the value has a NUL character",
        })
    }
}

/// One `export` for each variable.
///
/// # Errors
/// With the name of the variable that cannot go this way.
pub fn exports(variables: &Pairs) -> Result<String, (String, ExportFault)> {
    let mut text = String::new();
    for (name, value) in variables.iter() {
        let fault = if !is_name(name) {
            Some(ExportFault::Name)
        } else if value.contains('\0') {
            Some(ExportFault::Value)
        } else {
            None
        };
        if let Some(fault) = fault {
            return Err((name.to_owned(), fault));
        }
        text.push_str(&format!("export {name}={}\n", quoted(value)));
    }
    Ok(text)
}

/// A word that is this text. Between single quotes nothing has a meaning but the next single quote
/// (POSIX XCU 2.2.2), in every shell and every version of it.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[must_use]
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(name: &str, value: &str) -> Result<String, (String, ExportFault)> {
        let mut variables = Pairs::default();
        variables.push(name.to_owned(), value.to_owned());
        exports(&variables)
    }

    #[test]
    fn nothing_inside_a_value_has_a_meaning() {
        assert_eq!(one("A", "b").unwrap(), "export A='b'\n");
        assert_eq!(one("A", "").unwrap(), "export A=''\n");
        assert_eq!(one("A", "$(x) `y` \\ \" !").unwrap(), "export A='$(x) `y` \\ \" !'\n");
        assert_eq!(one("A", "it's").unwrap(), "export A='it'\\''s'\n");
        for name in ["", "1A", "A B", "A;rm", "A=B", "Ä", "A\n"] {
            assert_eq!(one(name, "x"), Err((name.to_owned(), ExportFault::Name)));
        }
        assert_eq!(one("A", "x\0").map_err(|(_, fault)| fault), Err(ExportFault::Value));
    }

    /// What a shell makes of it, by the rule of POSIX alone; `tests/buildkite_shell.rs` asks real shells.
    fn read_quoted(text: &str) -> Option<String> {
        let mut value = String::new();
        let mut rest = text;
        loop {
            let (inside, after) = rest.strip_prefix('\'')?.split_once('\'')?;
            value.push_str(inside);
            match after.strip_prefix("\\'") {
                Some(more) => {
                    value.push('\'');
                    rest = more;
                }
                None => return (after == "\n").then_some(value),
            }
        }
    }

    proptest! {
        #[test]
        fn a_value_comes_out_as_it_went_in(value in "[^\0]*") {
            let text = one("NAME", &value).unwrap();
            prop_assert_eq!(read_quoted(text.strip_prefix("export NAME=").unwrap()), Some(value));
        }
    }
}
