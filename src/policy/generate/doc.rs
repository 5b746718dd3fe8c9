//! A document that is written in several languages, and how each of them quotes text.

/// The value of a policy or of a template. Members keep their order.
#[derive(Clone, Debug)]
pub enum Doc {
    Text(String),
    /// An expression of the language that it is written in.
    Raw(String),
    List(Vec<Doc>),
    Object(Vec<(String, Doc)>),
}

/// How a language with JSON's literals is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub indent: usize,
    /// A comma behind the last entry, as formatters of programs want it.
    pub trailing: bool,
}

pub const JSON: Layout = Layout { indent: 2, trailing: false };
pub const TYPESCRIPT: Layout = Layout { indent: 2, trailing: true };
pub const PYTHON: Layout = Layout { indent: 4, trailing: true };

impl Doc {
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// One text as itself, several as a list.
    pub fn texts(texts: &[String]) -> Self {
        match texts {
            [one] => Self::text(one),
            several => Self::List(several.iter().map(|text| Self::text(text)).collect()),
        }
    }

    /// As JSON, or as a literal of a language that has JSON's. `depth` is that of the line it starts in.
    pub fn literal(&self, layout: Layout, depth: usize) -> String {
        let (open, entries, close) = match self {
            Self::Text(text) => return json(text),
            Self::Raw(code) => return code.clone(),
            Self::List(items) => {
                ('[', items.iter().map(|item| item.literal(layout, depth + 1)).collect::<Vec<_>>(), ']')
            }
            Self::Object(members) => {
                let entry =
                    |(name, value): &(String, Self)| format!("{}: {}", json(name), value.literal(layout, depth + 1));
                ('{', members.iter().map(entry).collect(), '}')
            }
        };
        if entries.is_empty() {
            return format!("{open}{close}");
        }
        let inner = " ".repeat(layout.indent * (depth + 1));
        let last = if layout.trailing { "," } else { "" };
        let outer = " ".repeat(layout.indent * depth);
        format!("{open}\n{inner}{}{last}\n{outer}{close}", entries.join(&format!(",\n{inner}")))
    }

    /// As YAML of both versions: text always quoted, so that none of it is taken for something else.
    /// Every line starts with `indent` spaces, and every line ends.
    pub fn yaml(&self, indent: usize) -> String {
        let pad = " ".repeat(indent);
        match self {
            Self::Text(text) => format!("{pad}{}\n", json(text)),
            Self::Raw(code) => format!("{pad}{code}\n"),
            Self::List(items) => items
                .iter()
                .map(|item| {
                    let block = item.yaml(indent + 2);
                    format!("{pad}- {}", block.trim_start())
                })
                .collect(),
            Self::Object(members) => members
                .iter()
                .map(|(name, value)| {
                    let name =
                        if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) { name.clone() } else { json(name) };
                    match value {
                        Self::Text(_) | Self::Raw(_) => format!("{pad}{name}: {}", value.yaml(0)),
                        Self::List(_) | Self::Object(_) => format!("{pad}{name}:\n{}", value.yaml(indent + 2)),
                    }
                })
                .collect(),
        }
    }
}

/// A string of JSON, which is one of TypeScript, of Python and of YAML as well: the identifiers have no
/// character that these read differently.
pub fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default() // text always serialises
}

/// A string of HCL, in which `${` and `%{` would start a template.
/// <https://developer.hashicorp.com/terraform/language/expressions/strings>
pub fn hcl(text: &str) -> String {
    json(text).replace("${", "$${").replace("%{", "%%{")
}

/// A plain scalar of YAML where the text can be nothing else, else a quoted one.
pub fn yaml(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:+=@,".contains(&byte))
        && !text.contains(": ")
        && !text.ends_with(':')
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word));
    if plain { text.to_owned() } else { json(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_quotes_what_it_would_read() {
        let odd = "a\"b'c`d$e${f}%{g}\\";
        assert_eq!(json(odd), r#""a\"b'c`d$e${f}%{g}\\""#);
        assert_eq!(hcl(odd), r#""a\"b'c`d$e$${f}%%{g}\\""#);
        for (text, written) in
            [("deploy", "deploy"), ("no", "\"no\""), ("1e3", "\"1e3\""), ("a b", "\"a b\""), ("a:", "\"a:\"")]
        {
            assert_eq!(yaml(text), written);
        }
    }

    #[test]
    fn documents_are_laid_out() {
        let doc = Doc::object([
            ("a", Doc::texts(&["x".to_owned()])),
            ("b:c", Doc::List(vec![Doc::text("y"), Doc::object([("d", Doc::Raw("z".to_owned()))])])),
        ]);
        insta::assert_snapshot!(doc.literal(JSON, 0), @r#"
        {
          "a": "x",
          "b:c": [
            "y",
            {
              "d": z
            }
          ]
        }
        "#);
        insta::assert_snapshot!(doc.yaml(2), @r#"
          a: "x"
          "b:c":
            - "y"
            - d: z
        "#);
    }
}
