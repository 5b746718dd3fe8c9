//! For people: the line with the mistake, a mark under it, what to do, and the token that proves it.

use super::{Located, Looked, counted, rule_url};
use crate::diagnostic::render::guarded;
use crate::policy::lint::{CounterExample, Severity};
use crate::policy::tree::Lines;
use crate::text::Inert;

/// Characters of a line of source that are shown; policies inside of plans stand on one long line.
const WIDTH: usize = 120;

/// Claims that say whose token it is, in the order in which people look at them.
const TELLING: &[&str] = &["sub", "aud", "repository_id", "organization_slug", "project_id", "pipeline_slug"];

#[must_use]
pub fn render(looked: &[Looked], colour: bool) -> String {
    let mut out = String::new();
    let mut counts = [0; Severity::ALL.len()];
    for file in looked {
        let lines = Lines::new(&file.text);
        for located in file.located() {
            for (severity, count) in Severity::ALL.iter().zip(counts.iter_mut()) {
                *count += usize::from(located.finding.severity == *severity);
            }
            push(&mut out, &located, &lines, colour);
        }
    }
    let policies: usize = looked.iter().map(|file| file.file.policies.len()).sum();
    let looked_at = format!("{} in {}", counted(policies, "trust policy"), counted(looked.len(), "file"));
    let total: usize = counts.iter().sum();
    if total == 0 {
        out.push_str(&format!("Nothing to say about {looked_at}."));
    } else {
        let each: Vec<String> = Severity::ALL
            .iter()
            .zip(counts)
            .rev()
            .filter(|(_, count)| *count > 0)
            .map(|(severity, count)| format!("{count} {}", severity.name()))
            .collect();
        out.push_str(&format!("{} ({}) in {looked_at}.", counted(total, "finding"), each.join(", ")));
    }
    out
}

fn push(out: &mut String, located: &Located<'_>, lines: &Lines<'_>, colour: bool) {
    let finding = located.finding;
    let (mark, bold, plain) =
        if colour { (colour_of(finding.severity), "\u{1b}[1m", "\u{1b}[0m") } else { ("", "", "") };
    let (line, column) = located.start;
    let gutter = line.to_string().len();
    let pad = " ".repeat(gutter);
    let message = Inert::new(&finding.message);
    out.push_str(&format!(
        "{mark}{bold}{}[{}]{plain}{bold}: {message}{plain}\n",
        finding.severity.name(),
        finding.rule.id
    ));
    out.push_str(&format!("{pad}--> {}:{line}:{column}\n", Inert::new(located.file)));
    let end = if located.end.0 == line { Some(located.end.1) } else { None };
    let (source, from, length) = excerpt(lines.line(line), column, end);
    if !source.is_empty() {
        out.push_str(&format!("{pad} |\n{line} | {source}\n"));
        out.push_str(&format!("{pad} | {}{mark}{}{plain}\n", " ".repeat(from), "^".repeat(length.max(1))));
    }
    let mut note = |label: &str, text: &str| out.push_str(&format!("{pad} = {label}: {}\n", Inert::new(text)));
    note("fix", &finding.fix);
    if let Some(example) = &finding.counter_example {
        note(if example.admitted { "it lets in" } else { "it keeps out" }, &shown(example));
    }
    note("rule", &format!("{}, {}", finding.rule.name, rule_url(finding.rule.id)));
    out.push('\n');
}

/// A part of a line around the mistake, where in it the mistake begins, and how long it is.
fn excerpt(line: &str, column: usize, end: Option<usize>) -> (String, usize, usize) {
    let chars: Vec<char> = line.chars().collect();
    let start = column.saturating_sub(1).min(chars.len());
    let length = end.map_or(chars.len(), |end| end.saturating_sub(1)).saturating_sub(start);
    let first = if chars.len() <= WIDTH { 0 } else { start.saturating_sub(WIDTH / 4) };
    let shown: String = chars.iter().skip(first).take(WIDTH).collect();
    let before: String = chars.iter().skip(first).take(start - first).collect();
    let marked: String = chars.iter().skip(start).take(length.min(WIDTH - (start - first))).collect();
    let (dots, offset) = if first > 0 { ("…", 1) } else { ("", 0) };
    let text = format!("{dots}{}", Inert::new(&shown));
    // Escapes are longer than what they stand for.
    let width = |text: &str| Inert::new(text).as_str().chars().count();
    (text.trim_end().to_owned(), width(&before) + offset, width(&marked))
}

/// The token in one line: whose it is, and the claims that tell.
fn shown(example: &CounterExample) -> String {
    let claims = TELLING.iter().filter_map(|name| {
        let value = example.claims.get(*name)?;
        Some(format!("{name} = {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    });
    format!("{}: {}", example.whose, claims.take(2).collect::<Vec<_>>().join(", "))
}

fn colour_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "\u{1b}[31m",
        Severity::Medium => "\u{1b}[33m",
        Severity::Low => "\u{1b}[36m",
    }
}

/// Lines that a CI's log could take for a command are made harmless.
#[must_use]
pub fn for_a_log(text: &str) -> String {
    text.lines().map(guarded).collect::<Vec<_>>().join("\n")
}
