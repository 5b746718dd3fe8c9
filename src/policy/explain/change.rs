//! The change of a file that puts another statement in the place of one, written as the file writes it.

use crate::policy::json;
use crate::policy::lint::Edit;
use crate::policy::placeholder;
use crate::policy::source::{Found, Spelling};
use crate::policy::tree::{Kind, Node, Span};
use crate::text::as_json;

/// `statement` is JSON with two spaces for each level; `text` is the file. `None`: it cannot be written
/// there, since functions of a template stand in the old one, or it is made by some.
pub(super) fn change(found: &Found, text: &str, span: Span, statement: &str) -> Option<Edit> {
    let raw = text.get(span.start..span.end)?.trim_end();
    let span = Span::new(span.start, span.start + raw.len());
    if has_functions(raw) || !open_parts(statement).all(|part| raw.contains(part)) {
        return None;
    }
    let replacement = match found.spelling {
        Spelling::Yaml if raw.starts_with('{') => laid_out(statement, raw),
        Spelling::Yaml => block(text.get(..span.start)?, &json::read(statement).node?)?,
        Spelling::Json | Spelling::Other => laid_out(statement, raw),
        Spelling::JsonText => laid_out(statement, &serde_json::from_str::<String>(&format!("\"{raw}\"")).ok()?),
        Spelling::PercentText => laid_out(statement, &raw.replace("%0A", "\n").replace("%20", " ")),
    };
    match found.spelling {
        Spelling::Yaml => Some(Edit { span, replacement }),
        _ => Some(Edit { span, replacement: found.spelt(text, span, &replacement)? }),
    }
}

fn has_functions(raw: &str) -> bool {
    ["Fn::", "\"Ref\"", "Ref:", " !", " &", " *"].iter().any(|sign| raw.contains(sign))
}

/// What is known when a template is deployed. Elsewhere it can be written otherwise than it is read.
fn open_parts(statement: &str) -> impl Iterator<Item = &str> {
    let each = statement.match_indices("${").filter_map(|(at, _)| {
        let rest = statement.get(at..)?;
        rest.get(..=rest.find('}')?)
    });
    each.filter(|part| placeholder::is_in(part))
}

/// The statement with the indentation of the one that it replaces, or on one line as that.
fn laid_out(statement: &str, old: &str) -> String {
    let Some(second) = old.lines().nth(1) else { return one_line(statement) };
    let end = if old.contains("\r\n") { "\r\n" } else { "\n" };
    let last = old.lines().last().unwrap_or_default();
    let outer = if last.trim_start().starts_with('}') { indentation(last) } else { "" };
    let step = indentation(second).strip_prefix(outer).filter(|step| !step.is_empty()).unwrap_or("  ");
    let mut out = String::new();
    for (index, line) in statement.lines().enumerate() {
        if index > 0 {
            out.push_str(end);
            out.push_str(outer);
            out.push_str(&step.repeat(indentation(line).len() / 2));
        }
        out.push_str(line.trim_start());
    }
    out
}

fn indentation(line: &str) -> &str {
    line.get(..line.len() - line.trim_start().len()).unwrap_or_default()
}

/// No text in it spans lines.
fn one_line(statement: &str) -> String {
    let mut out = String::new();
    for line in statement.lines().map(str::trim_start) {
        if !out.is_empty() && !out.ends_with(['{', '[']) && !line.starts_with(['}', ']']) {
            out.push(' ');
        }
        out.push_str(line);
    }
    out
}

/// A mapping of YAML with a line for each member. `before` is the file up to it.
fn block(before: &str, statement: &Node) -> Option<String> {
    let start = before.rsplit('\n').next()?;
    if !start.chars().all(|c| c == ' ' || c == '-') {
        return None;
    }
    let mut out = String::new();
    write_block(statement, start.len(), &mut out);
    Some(out.trim_start().to_owned())
}

/// Each line begins with its line break.
fn write_block(node: &Node, indent: usize, out: &mut String) {
    let line = |out: &mut String| {
        out.push('\n');
        out.push_str(&" ".repeat(indent));
    };
    match &node.kind {
        Kind::Object(members) => {
            for member in members {
                line(out);
                out.push_str(&scalar(&member.name));
                out.push(':');
                write_block(&member.value, indent + 2, out);
            }
        }
        Kind::List(items) => {
            for item in items {
                line(out);
                out.push('-');
                write_block(item, indent + 2, out);
            }
        }
        _ => {
            out.push(' ');
            out.push_str(&scalar(node.scalar().unwrap_or_default()));
        }
    }
}

/// Words as they are; all else as JSON has it, which is YAML.
fn scalar(text: &str) -> String {
    const NO_TEXT: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let is_word = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_text = is_word && !NO_TEXT.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_text { text.to_owned() } else { as_json(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::source;

    const STATEMENT: &str = "{\n  \"Effect\": \"Allow\",\n  \"Action\": [\n    \"a\"\n  ]\n}";

    #[test]
    fn a_statement_is_laid_out_as_the_one_that_it_replaces() {
        for (old, new) in [
            ("{ \"Effect\": \"Allow\" }", "{\"Effect\": \"Allow\", \"Action\": [\"a\"]}"),
            (
                "{\n    \"Effect\": \"Allow\"\n  }",
                "{\n    \"Effect\": \"Allow\",\n    \"Action\": [\n      \"a\"\n    ]\n  }",
            ),
            (
                "{\r\n\t\t\"Effect\": \"Allow\"\r\n\t}",
                "{\r\n\t\t\"Effect\": \"Allow\",\r\n\t\t\"Action\": [\r\n\t\t\t\"a\"\r\n\t\t]\r\n\t}",
            ),
            ("{\n\"Effect\": 1 }", "{\n  \"Effect\": \"Allow\",\n  \"Action\": [\n    \"a\"\n  ]\n}"),
        ] {
            assert_eq!(laid_out(STATEMENT, old), new);
        }
    }

    #[test]
    fn every_spelling_has_its_own_change() {
        let old = r#"{"Effect":"Allow","Principal":{"Federated":"x"},"Action":"sts:*"}"#;
        let document = format!(r#"{{"Version":"2012-10-17","Statement":[{old}]}}"#);
        let quoted = as_json(&document);
        let block = "Version: '2012-10-17'\nStatement:\n  - Effect: Allow\n    Principal:\n      Federated: x\n    Action: sts:*\n";
        let with_function = document.replace("\"x\"", "{\"Fn::Sub\":\"x\"}");
        for (name, file, expected) in [
            ("a.json", document.clone(), Some(document.replace(old, "{\"Effect\": \"Allow\", \"Action\": [\"a\"]}"))),
            (
                "a.json",
                format!("{{\"Role\":{{\"RoleName\":\"a\",\"AssumeRolePolicyDocument\":{quoted}}}}}"),
                Some(format!(
                    "{{\"Role\":{{\"RoleName\":\"a\",\"AssumeRolePolicyDocument\":{}}}}}",
                    as_json(&document.replace(old, "{\"Effect\": \"Allow\", \"Action\": [\"a\"]}"))
                )),
            ),
            (
                "a.yaml",
                block.to_owned(),
                Some("Version: '2012-10-17'\nStatement:\n  - Effect: Allow\n    Action:\n      - a\n".to_owned()),
            ),
            (
                "a.json",
                format!(
                    "{{\"Resources\":{{\"R\":{{\"Type\":\"AWS::IAM::Role\",\"Properties\":{{\"AssumeRolePolicyDocument\":{with_function}}}}}}}}}"
                ),
                None,
            ),
        ] {
            let read = source::read(name, &file);
            let found = read.policies.first().unwrap_or_else(|| panic!("{file}"));
            let edit = change(found, &file, found.policy.statements[0].span, STATEMENT);
            let changed =
                edit.map(|edit| format!("{}{}{}", &file[..edit.span.start], edit.replacement, &file[edit.span.end..]));
            assert_eq!(changed, expected, "{file}");
        }
    }
}
