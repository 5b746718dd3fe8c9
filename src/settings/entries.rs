//! Lists of mappings in one option: JSON, since CIs hand options over as texts.

use serde_json::{Map, Value};

use crate::pairs::Pairs;
use crate::text::nearest;
use crate::values::ValueFault;

/// Far more than fifty roles with a policy each.
const LARGEST: usize = 256 * 1024;

/// What a list can hold.
pub struct Form {
    /// An entry, to show what one looks like.
    pub example: &'static str,
    /// The name under which a text without a mapping is taken. Empty: an entry has to be a mapping.
    pub alone: &'static str,
}

/// The entries, each with its values as text: a mapping in a value is JSON again, a list has a line for
/// each of its texts. `known` has the name that is meant by another, and `names` are all of them.
///
/// # Errors
/// When it is no such list, or an entry has a name that nobody knows.
pub fn read(
    text: &str,
    form: &Form,
    known: impl Fn(&str) -> Option<&'static str>,
    names: &[&'static str],
) -> Result<Vec<Pairs>, ValueFault> {
    let fault = |problem: String| ValueFault::new(problem, form.example);
    if text.len() > LARGEST {
        return Err(fault(format!("has more than {LARGEST} bytes")));
    }
    let list: Value = serde_json::from_str(text).map_err(|error| fault(format!("is not JSON: {error}")))?;
    let list = list.as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| fault("is not a list with at least one entry".to_owned()))?;
    let mut entries = Vec::new();
    for (number, entry) in list.iter().enumerate() {
        let mut pairs = Pairs::default();
        match entry {
            Value::String(text) if !form.alone.is_empty() => pairs.set(form.alone, text.trim()),
            Value::Object(members) => fill(&mut pairs, members, &known, names)
                .map_err(|problem| fault(format!("has, in entry {}, {problem}", number + 1)))?,
            _ => return Err(fault(format!("has entry {}, which is no mapping", number + 1))),
        }
        entries.push(pairs);
    }
    Ok(entries)
}

fn fill(
    pairs: &mut Pairs,
    members: &Map<String, Value>,
    known: impl Fn(&str) -> Option<&'static str>,
    names: &[&'static str],
) -> Result<(), String> {
    for (key, value) in members {
        let name = key.trim().to_ascii_lowercase().replace('_', "-");
        let Some(name) = known(&name) else {
            return Err(match nearest(&name, names.iter().copied()) {
                Some(meant) => format!("`{key}`, which is no option of a role; `{meant}` is one"),
                None => format!("`{key}`, which is no option of a role"),
            });
        };
        if pairs.get(name).is_some() {
            return Err(format!("`{name}` twice, in two spellings"));
        }
        let text = text_of(value).ok_or_else(|| format!("a value of `{key}` that is no text"))?;
        pairs.set(name, &text);
    }
    Ok(())
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(_) | Value::Bool(_) | Value::Object(_) => Some(value.to_string()),
        Value::Array(list) => {
            let lines: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            Some(lines?.join("\n"))
        }
        Value::Null => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Form = Form { example: "[]", alone: "role-arn" };
    const NAMES: &[&str] = &["role-arn", "tags", "policy-arns"];

    fn read_here(text: &str) -> Result<Vec<Pairs>, ValueFault> {
        read(text, &FORM, |name| NAMES.iter().copied().find(|own| *own == name), NAMES)
    }

    #[test]
    fn values_become_texts() {
        let entries = read_here(r#"["a", {"Role_ARN": " b ", "tags": {"x": 1}, "policy-arns": ["c", "d"]}]"#).unwrap();
        assert_eq!(entries[0].get("role-arn"), Some("a"));
        assert_eq!(entries[1].get("role-arn"), Some("b"));
        assert_eq!(entries[1].get("tags"), Some(r#"{"x":1}"#));
        assert_eq!(entries[1].get("policy-arns"), Some("c\nd"));
    }

    #[test]
    fn other_lists_are_named() {
        for (text, words) in [
            ("", "is not JSON"),
            ("{}", "not a list"),
            ("[]", "at least one"),
            ("[1]", "entry 1, which is no mapping"),
            (r#"["a", {"role": "b"}]"#, "in entry 2, `role`"),
            (r#"[{"role-arm": "b"}]"#, "`role-arn` is one"),
            (r#"[{"role-arn": "b", "role_arn": "c"}]"#, "twice"),
            (r#"[{"role-arn": null}]"#, "no text"),
            (r#"[{"policy-arns": [1]}]"#, "no text"),
        ] {
            let fault = read_here(text).unwrap_err();
            assert!(fault.problem.contains(words), "{text}: {}", fault.problem);
        }
        assert!(read_here(&"[".repeat(300 * 1024)).is_err());
    }
}
