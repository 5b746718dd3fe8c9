//! Diagnostics as text: for a log or terminal, for a job summary, and as JSON.
//!
//! Every line starts with words of ours, never with remote text, so that no line can be taken for
//! a command of the log that it is printed to.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Diagnostic, Failure};

const LABEL_WIDTH: usize = 14;

/// The lines for a log. `colour` is for terminals and logs that render it.
#[must_use]
pub fn text(diagnostic: &Diagnostic, colour: bool) -> Vec<String> {
    let (red, bold, plain) = if colour { ("\u{1b}[31m", "\u{1b}[1m", "\u{1b}[0m") } else { ("", "", "") };
    let mut lines =
        vec![format!("{red}{bold}error[{}]{plain}{bold}: {}{plain}", diagnostic.code.id(), diagnostic.headline)];
    lines.extend(found(diagnostic).iter().map(|line| format!("  {line}")));
    for (label, items) in [("why", &diagnostic.causes), ("fix", &diagnostic.fixes)] {
        match items.as_slice() {
            [] => {}
            [only] => lines.push(labelled(label, only.as_str())),
            several => {
                for (number, item) in several.iter().enumerate() {
                    let label = if number == 0 { label } else { "" };
                    lines.push(labelled(label, &format!("{}. {item}", number + 1)));
                }
            }
        }
    }
    if let Some(paste) = &diagnostic.paste {
        lines.push(format!("  {}:", paste.caption));
        lines.extend(paste.lines.iter().map(|line| format!("    {line}")));
    }
    lines.push(labelled("docs", &diagnostic.docs_url()));
    lines
}

/// Facts and claims, with their labels in one column.
fn found(diagnostic: &Diagnostic) -> Vec<String> {
    let facts = diagnostic.facts.iter().map(|(label, value)| format!("{label:LABEL_WIDTH$}  {value}"));
    let widest = diagnostic.claims.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let claims = diagnostic.claims.iter().enumerate().map(|(index, (name, value))| {
        let label = if index == 0 { "token has" } else { "" };
        format!("{label:LABEL_WIDTH$}  {name:widest$}  {value}")
    });
    facts.chain(claims).collect()
}

fn labelled(label: &str, value: &str) -> String {
    format!("  {label:LABEL_WIDTH$}  {value}")
}

/// GitHub-flavoured Markdown for a job summary.
#[must_use]
pub fn summary(diagnostic: &Diagnostic) -> String {
    use std::fmt::Write as _;

    let mut page = format!("### AWS credentials: `{}`\n\n", diagnostic.code.id());
    push_block(&mut page, "text", std::iter::once(diagnostic.headline.as_str().to_owned()));
    let found = found(diagnostic);
    if !found.is_empty() {
        push_block(&mut page, "text", found.into_iter());
    }
    for (title, items) in [("Usual causes", &diagnostic.causes), ("What to do", &diagnostic.fixes)] {
        if !items.is_empty() {
            let _ = writeln!(page, "**{title}**\n");
            push_block(
                &mut page,
                "text",
                items.iter().enumerate().map(|(number, item)| format!("{}. {item}", number + 1)),
            );
        }
    }
    if let Some(paste) = &diagnostic.paste {
        let _ = writeln!(page, "**To paste**\n");
        let lines = std::iter::once(format!("{}:", paste.caption));
        push_block(&mut page, "text", lines);
        push_block(&mut page, paste.language, paste.lines.iter().map(|line| line.as_str().to_owned()));
    }
    if let Some(drawn) = &diagnostic.drawn {
        let _ = writeln!(page, "[See it drawn]({drawn})\n");
    }
    let _ = writeln!(page, "[What this means]({})", diagnostic.docs_url());
    page
}

/// Remote text goes into fenced blocks only, with a fence longer than any run of backticks in it,
/// so that it cannot become markup.
fn push_block(page: &mut String, language: &str, lines: impl Iterator<Item = String>) {
    let text: Vec<String> = lines.collect();
    let longest = text.iter().map(|line| longest_run(line, '`')).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    page.push_str(&format!("{fence}{language}\n{}\n{fence}\n\n", text.join("\n")));
}

fn longest_run(line: &str, wanted: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in line.chars() {
        run = if c == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[derive(Serialize)]
struct Json<'a> {
    code: &'a str,
    headline: &'a str,
    facts: Vec<[&'a str; 2]>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    claims: BTreeMap<&'a str, &'a str>,
    causes: Vec<&'a str>,
    fixes: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paste: Option<String>,
    docs: String,
}

/// `[{"code", "headline", "facts": [[label, value]], "claims": {name: value}, "causes", "fixes", "paste", "docs"}]`
#[must_use]
pub fn json(failure: &Failure) -> String {
    let list: Vec<Json> = failure
        .diagnostics()
        .iter()
        .map(|diagnostic| Json {
            code: diagnostic.code.id(),
            headline: diagnostic.headline.as_str(),
            facts: diagnostic.facts.iter().map(|(label, value)| [*label, value.as_str()]).collect(),
            claims: diagnostic.claims.iter().map(|(name, value)| (*name, value.as_str())).collect(),
            causes: diagnostic.causes.iter().map(crate::text::Inert::as_str).collect(),
            fixes: diagnostic.fixes.iter().map(crate::text::Inert::as_str).collect(),
            paste: diagnostic
                .paste
                .as_ref()
                .map(|paste| paste.lines.iter().map(crate::text::Inert::as_str).collect::<Vec<_>>().join("\n")),
            docs: diagnostic.docs_url(),
        })
        .collect();
    // Strings and lists of strings always serialise.
    serde_json::to_string(&list).unwrap_or_default()
}

/// Takes the power from a line that begins like a command of a CI's log. Our own lines never do;
/// this is the last guard for those that carry text from elsewhere.
#[must_use]
pub fn guarded(line: &str) -> String {
    let start = line.trim_start();
    let speaks = ["::", "##", "---", "+++", "~~~", "^^^"].iter().any(|mark| start.starts_with(mark));
    if speaks { format!("| {line}") } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    fn sample() -> Diagnostic {
        Diagnostic::new(Code::NotAuthorized, "AWS does not let this job assume `deploy`")
            .fact("AWS says", "Not authorized\n::error::owned")
            .cause("the subject differs")
            .cause("there is no such role")
            .fix("accept this subject")
            .paste("the condition", "json", "{\n  \"a\": 1\n}")
    }

    #[test]
    fn a_log_reads_like_this() {
        insta::assert_snapshot!(text(&sample(), false).join("\n"), @r#"
        error[not-authorized]: AWS does not let this job assume `deploy`
          AWS says        Not authorized\n::error::owned
          why             1. the subject differs
                          2. there is no such role
          fix             accept this subject
          the condition:
            {
              "a": 1
            }
          docs            https://OWNER.github.io/ci-assume-role/#why=not-authorized
        "#);
    }

    #[test]
    fn a_summary_keeps_remote_text_inside_fences() {
        let hostile = Diagnostic::new(Code::StsError, "x").fact("AWS says", "```\n# owned ````");
        let page = summary(&hostile);
        assert!(page.contains("`````text\nAWS says        ```\\n# owned ````\n`````"), "{page}");
    }

    #[test]
    fn json_is_json() {
        let value: serde_json::Value = serde_json::from_str(&json(&sample().into())).unwrap();
        assert_eq!(value[0]["code"], "not-authorized");
        assert_eq!(value[0]["facts"][0][0], "AWS says");
    }

    #[test]
    fn command_like_lines_are_guarded() {
        assert_eq!(guarded("  ::error::x"), "|   ::error::x");
        assert_eq!(guarded("--- x"), "| --- x");
        assert_eq!(guarded("fine ::x"), "fine ::x");
    }
}
