//! What a project says about the linter: from which severity on a finding counts, and which findings
//! are accepted, each with a reason.
//!
//! JSON has no comments, and a `Sid` has only letters and digits, so acceptances stand in a file of
//! their own. In YAML a comment does it: `# ci-assume-role: ignore TP006 the reason`.

use super::{FileFinding, Rule, Severity, rule};
use crate::policy::fields::{self, Fault, FaultKind, Faults};
use crate::policy::pattern;
use crate::policy::tree::{Node, Span};
use crate::text::nearest;
use crate::time::Timestamp;

/// The name under which it is looked for.
pub const FILE: &str = ".ci-assume-role-lint.yml";

#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Findings below it are not counted.
    pub severity: Option<Severity>,
    pub ignore: Vec<Suppression>,
}

/// Findings that are known and accepted.
#[derive(Clone, Debug)]
pub struct Suppression {
    pub rule: &'static Rule,
    /// A pattern for the path of the file: `*` stays within a folder, `**` does not.
    pub file: Option<String>,
    /// A pattern for the name of the role.
    pub role: Option<String>,
    /// The beginning of the JSON Pointer.
    pub pointer: Option<String>,
    pub reason: String,
    /// The first moment at which it no longer counts.
    pub until: Option<Timestamp>,
    /// Where it is written.
    pub span: Span,
}

/// What is left of findings, and what became of the suppressions.
#[derive(Debug, Default)]
pub struct Sorted {
    /// The findings that count, by the index of their file.
    pub findings: Vec<(usize, FileFinding)>,
    /// Those that are accepted, with the reason.
    pub ignored: Vec<(usize, FileFinding, String)>,
    /// Suppressions of the config that no finding needs, by their index.
    pub unused: Vec<usize>,
    /// Those whose time is over.
    pub expired: Vec<usize>,
    /// Comments without an effect or with a fault, by the index of their file.
    pub comments: Vec<(usize, Fault)>,
}

/// One file that was checked.
pub struct Checked<'f> {
    /// As it was named, with `/` between folders.
    pub name: &'f str,
    pub text: &'f str,
    pub findings: Vec<FileFinding>,
}

const ENTRIES: &[&str] = &["severity", "ignore"];
const OF_IGNORE: &[&str] = &["rule", "file", "role", "pointer", "reason", "until"];

impl Config {
    /// Reads a configuration, as JSON or YAML.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(name: &str, text: &str) -> Result<Self, Vec<Fault>> {
        let node = fields::parse(name, text)?;
        let mut faults = Faults::default();
        let mut config = Self::default();
        for member in faults.object(&node, "the configuration", ENTRIES) {
            match member.name.as_str() {
                "severity" => config.severity = severity(&member.value, &mut faults),
                "ignore" => {
                    let items = faults.list(&member.value, "ignore");
                    config.ignore = items.iter().filter_map(|item| Suppression::read(item, &mut faults)).collect();
                }
                _ => {}
            }
        }
        if faults.0.is_empty() { Ok(config) } else { Err(faults.0) }
    }

    /// Parts the findings that count from those that are accepted. `now` is for suppressions that end.
    #[must_use]
    pub fn sort(&self, files: Vec<Checked<'_>>, now: Timestamp) -> Sorted {
        let mut sorted = Sorted::default();
        let over = |suppression: &Suppression| suppression.until.is_some_and(|until| until.seconds() <= now.seconds());
        let mut used = vec![false; self.ignore.len()];
        for (index, file) in files.into_iter().enumerate() {
            let (comments, faults) = comments(file.name, file.text);
            sorted.comments.extend(faults.into_iter().map(|fault| (index, fault)));
            let mut heard = vec![false; comments.len()];
            for finding in file.findings {
                let matching = self
                    .ignore
                    .iter()
                    .zip(&mut used)
                    .find(|(suppression, _)| !over(suppression) && suppression.is_about(file.name, &finding));
                let comment = comments.iter().zip(&mut heard).find(|(comment, _)| {
                    comment.rules.contains(&finding.finding.rule) && comment.lines.contains(&finding.finding.span.start)
                });
                let reason = match (matching, comment) {
                    (Some((suppression, used)), _) => {
                        *used = true;
                        Some(suppression.reason.clone())
                    }
                    (None, Some((comment, heard))) => {
                        *heard = true;
                        Some(comment.reason.clone())
                    }
                    (None, None) => None,
                };
                match reason {
                    Some(reason) => sorted.ignored.push((index, finding, reason)),
                    None if self.severity.is_none_or(|least| finding.finding.severity >= least) => {
                        sorted.findings.push((index, finding));
                    }
                    None => {}
                }
            }
            let unheard = comments.iter().zip(&heard).filter(|(_, heard)| !**heard).map(|(comment, _)| comment);
            sorted.comments.extend(unheard.map(|comment| {
                let ids: Vec<&str> = comment.rules.iter().map(|rule| rule.id).collect();
                let wanted = "about a finding on the same line, or on the next one".to_owned();
                (
                    index,
                    Fault {
                        span: comment.span,
                        kind: FaultKind::Bad { name: "the comment", value: ids.join(","), wanted },
                    },
                )
            }));
        }
        for (index, (suppression, used)) in self.ignore.iter().zip(used).enumerate() {
            if over(suppression) {
                sorted.expired.push(index);
            } else if !used {
                sorted.unused.push(index);
            }
        }
        sorted
    }
}

impl Suppression {
    fn read(node: &Node, faults: &mut Faults) -> Option<Self> {
        let known = faults.0.len();
        let members = faults.object(node, "an entry of ignore", OF_IGNORE);
        let (mut rule, mut file, mut role, mut pointer, mut reason, mut until) = (None, None, None, None, None, None);
        for member in members {
            let Some(text) = faults.text(&member.value, &member.name) else { continue };
            match member.name.as_str() {
                "rule" => rule = named(text, member.value.span, faults),
                "file" => file = Some(text.replace('\\', "/")),
                "role" => role = Some(text.to_owned()),
                "pointer" if text.starts_with('/') => pointer = Some(text.to_owned()),
                "pointer" => {
                    let wanted = "a JSON Pointer such as /Statement/0".to_owned();
                    bad("pointer", text, wanted, member.value.span, faults);
                }
                "reason" => reason = Some(text.to_owned()),
                "until" => match Timestamp::parse(&format!("{text}T00:00:00Z")) {
                    Some(day) => until = Some(day),
                    None => bad("until", text, "a day such as 2027-01-31".to_owned(), member.value.span, faults),
                },
                _ => {}
            }
        }
        let has = |name: &str| members.iter().any(|member| member.name == name);
        if !has("rule") && node.members().is_some() {
            faults.add(node.span, FaultKind::Missing { name: "rule", why: "it says what is accepted, such as TP006" });
        }
        if !has("reason") && node.members().is_some() {
            let why = "somebody will ask why this is accepted";
            faults.add(node.span, FaultKind::Missing { name: "reason", why });
        }
        if faults.0.len() > known {
            return None;
        }
        Some(Self { rule: rule?, file, role, pointer, reason: reason?, until, span: node.span })
    }

    fn is_about(&self, file: &str, finding: &FileFinding) -> bool {
        let role = || finding.role.as_deref().unwrap_or_default();
        let below = |pointer: &String| {
            finding.pointer.strip_prefix(pointer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.rule == finding.finding.rule
            && self.file.as_deref().is_none_or(|pattern| is_path(pattern, file))
            && self.role.as_deref().is_none_or(|pattern| pattern::like(pattern, role()))
            && self.pointer.as_ref().is_none_or(below)
    }
}

fn severity(node: &Node, faults: &mut Faults) -> Option<Severity> {
    let text = faults.text(node, "severity")?;
    let severity = Severity::named(text);
    if severity.is_none() {
        bad("severity", text, "low, medium, high or critical".to_owned(), node.span, faults);
    }
    severity
}

fn named(text: &str, span: Span, faults: &mut Faults) -> Option<&'static Rule> {
    let found = rule(text);
    if found.is_none() {
        let near = nearest(text, super::RULES.iter().flat_map(|rule| [rule.id, rule.name]));
        let wanted = near.map_or_else(|| "a rule such as TP006".to_owned(), |near| format!("a rule, such as {near}"));
        bad("rule", text, wanted, span, faults);
    }
    found
}

fn bad(name: &'static str, value: &str, wanted: String, span: Span, faults: &mut Faults) {
    faults.add(span, FaultKind::Bad { name, value: value.to_owned(), wanted });
}

/// `*` and `?` stay within a folder; `**` is any folders. Without a slash it is about the file's own name.
fn is_path(pattern: &str, path: &str) -> bool {
    let path = path.replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path);
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    if !pattern.contains('/') {
        return pattern::like(pattern, path.rsplit('/').next().unwrap_or(path));
    }
    let (wanted, parts): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    // Whether the rest of the pattern matches the rest of the path, from the end on.
    let mut matched = vec![false; parts.len() + 1];
    if let Some(end) = matched.last_mut() {
        *end = true;
    }
    for want in wanted.iter().rev() {
        let before = matched.clone();
        let at = |of: &[bool], index: usize| of.get(index).copied().unwrap_or(false);
        for index in (0..=parts.len()).rev() {
            let now = match *want {
                "**" => at(&before, index) || at(&matched, index + 1),
                _ => parts.get(index).is_some_and(|part| pattern::like(want, part)) && at(&before, index + 1),
            };
            if let Some(slot) = matched.get_mut(index) {
                *slot = now;
            }
        }
    }
    matched.first().copied().unwrap_or(false)
}

/// A comment of a YAML file that accepts findings.
struct Comment {
    rules: Vec<&'static Rule>,
    reason: String,
    /// The bytes of the lines that it is about.
    lines: std::ops::Range<usize>,
    span: Span,
}

const MARK: &str = "ci-assume-role:";

/// `# ci-assume-role: ignore TP006,TP007 the reason`, at the end of the line that it is about, or on
/// the line above.
fn comments(name: &str, text: &str) -> (Vec<Comment>, Vec<Fault>) {
    let mut comments = Vec::new();
    let mut faults = Faults::default();
    let is_yaml = [".yml", ".yaml"].iter().any(|ending| name.to_ascii_lowercase().ends_with(ending));
    if !is_yaml || !text.contains(MARK) {
        return (comments, faults.0);
    }
    let mut start = 0;
    // Comments that stand alone are about what follows the last of them.
    let mut waiting: Vec<Comment> = Vec::new();
    for line in text.split_inclusive('\n') {
        let lines = start..start + line.len();
        let (code, comment) = parted(line);
        if !code.trim().is_empty() {
            for mut comment in waiting.drain(..) {
                comment.lines = lines.clone();
                comments.push(comment);
            }
        }
        if let Some(at) = comment.and_then(|at| line.get(at..)?.find(MARK).map(|inner| at + inner)) {
            let said = line.get(at + MARK.len()..).unwrap_or_default().trim();
            let span = Span::new(start + at, start + at + MARK.len() + said.len());
            if let Some(comment) = ignore(said, lines.clone(), span, &mut faults) {
                if code.trim().is_empty() { waiting.push(comment) } else { comments.push(comment) }
            }
        }
        start += line.len();
    }
    comments.append(&mut waiting);
    (comments, faults.0)
}

fn ignore(said: &str, lines: std::ops::Range<usize>, span: Span, faults: &mut Faults) -> Option<Comment> {
    let known = faults.0.len();
    let mut words = said.splitn(3, char::is_whitespace);
    let verb = words.next().unwrap_or_default();
    if verb != "ignore" {
        bad("the comment", verb, "ignore RULE REASON".to_owned(), span, faults);
        return None;
    }
    let ids = words.next().unwrap_or_default();
    let rules: Vec<&'static Rule> = ids.split(',').filter_map(|id| named(id.trim(), span, faults)).collect();
    let reason = words.next().unwrap_or_default().trim().to_owned();
    if reason.is_empty() {
        let why = "somebody will ask why this is accepted";
        faults.add(span, FaultKind::Missing { name: "the reason behind the rule", why });
    }
    (faults.0.len() == known).then_some(Comment { rules, reason, lines, span })
}

/// What stands before a comment, and where the comment starts: a `#` at the beginning or after white
/// space, outside of quotes.
fn parted(line: &str) -> (&str, Option<usize>) {
    let mut quote: Option<char> = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if c == open && before != '\\' => quote = None,
            Some(_) => {}
            None if c == '#' && before.is_whitespace() => {
                return (line.get(..at).unwrap_or_default(), Some(at));
            }
            // Within a word it is an apostrophe.
            None if matches!(c, '"' | '\'') && (before.is_whitespace() || ":[{,".contains(before)) => quote = Some(c),
            None => {}
        }
        before = c;
    }
    (line, None)
}

#[cfg(test)]
mod tests {
    use super::super::Finding;
    use super::*;

    fn finding(pointer: &str, role: Option<&str>, at: usize) -> FileFinding {
        let finding = Finding::new(super::rule("TP002").unwrap(), Span::new(at, at + 1), "is wrong", "make it right");
        FileFinding { finding, pointer: pointer.to_owned(), policy: Some(0), role: role.map(str::to_owned) }
    }

    fn config(text: &str) -> Config {
        Config::read("x.json", text).unwrap()
    }

    fn day(text: &str) -> Timestamp {
        Timestamp::parse(&format!("{text}T12:00:00Z")).unwrap()
    }

    #[test]
    fn a_suppression_is_about_what_it_says() {
        for (entry, ignored) in [
            (r#""rule": "TP002""#, true),
            (r#""rule": "no-tenant""#, true),
            (r#""rule": "TP001""#, false),
            (r#""rule": "TP002", "file": "iam/*.json""#, true),
            (r#""rule": "TP002", "file": "deploy.json""#, true),
            (r#""rule": "TP002", "file": "**/deploy.json""#, true),
            (r#""rule": "TP002", "file": "iam/**""#, true),
            (r#""rule": "TP002", "file": "*/x/*.json""#, false),
            (r#""rule": "TP002", "file": "i*.json""#, false),
            (r#""rule": "TP002", "role": "dep*""#, true),
            (r#""rule": "TP002", "role": "other""#, false),
            (r#""rule": "TP002", "pointer": "/Statement/0""#, true),
            (r#""rule": "TP002", "pointer": "/Statement""#, true),
            (r#""rule": "TP002", "pointer": "/State""#, false),
            (r#""rule": "TP002", "until": "2027-01-31""#, true),
            (r#""rule": "TP002", "until": "2026-11-21""#, false),
        ] {
            let config = config(&format!(r#"{{"ignore": [{{{entry}, "reason": "known"}}]}}"#));
            let findings = vec![finding("/Statement/0/Principal", Some("deploy"), 0)];
            let files = vec![Checked { name: "./iam/deploy.json", text: "{}", findings }];
            let sorted = config.sort(files, day("2026-11-21"));
            assert_eq!(sorted.ignored.len() == 1, ignored, "{entry}");
            assert_eq!(sorted.findings.len(), usize::from(!ignored), "{entry}");
            let expired = entry.contains("2026-11-21");
            assert_eq!(
                (sorted.unused.len(), sorted.expired.len()),
                (usize::from(!ignored && !expired), usize::from(expired))
            );
        }
    }

    #[test]
    fn it_can_be_written_as_yaml() {
        let text = "# what is accepted\nseverity: high\nignore:\n  - rule: TP002\n    file: iam/**\n    \
                    reason: a test account\n    until: 2027-01-31\n";
        let config = Config::read(FILE, text).unwrap();
        assert_eq!(config.severity, Some(Severity::High));
        assert_eq!(config.ignore[0].reason, "a test account");
        assert_eq!(config.ignore[0].until, Timestamp::parse("2027-01-31T00:00:00Z"));
        let faults = Config::read(FILE, "severity: high\n---\nseverity: low\n").unwrap_err();
        assert_eq!(faults[0].kind.to_string(), "a second document follows the first");
        assert!(matches!(Config::read(FILE, "a: [1").unwrap_err()[0].kind, FaultKind::Syntax(_)));
        assert_eq!(Config::read(FILE, "").unwrap_err()[0].kind.to_string(), "there is nothing in it");
    }

    #[test]
    fn findings_below_the_threshold_do_not_count() {
        for (severity, counted) in [("low", 1), ("critical", 1)] {
            let config = config(&format!(r#"{{"severity": "{severity}"}}"#));
            let findings = vec![finding("", None, 0)];
            let sorted = config.sort(vec![Checked { name: "a", text: "", findings }], day("2026-11-21"));
            assert_eq!(sorted.findings.len(), counted, "{severity}");
        }
        let mut low = finding("", None, 0);
        low.finding.severity = Severity::Low;
        let sorted = config(r#"{"severity": "medium"}"#)
            .sort(vec![Checked { name: "a", text: "", findings: vec![low] }], day("2026-11-21"));
        assert!(sorted.findings.is_empty() && sorted.ignored.is_empty());
    }

    #[test]
    fn every_fault_of_a_configuration_is_named() {
        let text = r#"{
            "severity": "sever", "ingore": [],
            "ignore": [
                {"rule": "TP999", "reason": "x", "until": "soon", "pointer": "Statement"},
                {"rule": "no-tennant", "reason": " "},
                {"file": ["a"]},
                "TP006"
            ]
        }"#;
        let faults = Config::read("x.json", text).unwrap_err();
        let said: Vec<String> = faults.iter().map(|fault| fault.kind.to_string()).collect();
        assert_eq!(
            said,
            [
                "there is no entry \"ingore\"; ignore is one",
                "severity is \"sever\", and has to be low, medium, high or critical",
                "rule is \"TP999\", and has to be a rule such as TP006",
                "until is \"soon\", and has to be a day such as 2027-01-31",
                "pointer is \"Statement\", and has to be a JSON Pointer such as /Statement/0",
                "rule is \"no-tennant\", and has to be a rule, such as no-tenant",
                "reason is empty, and has to be text",
                "file is a list, and has to be text",
                "rule is missing: it says what is accepted, such as TP006",
                "reason is missing: somebody will ask why this is accepted",
                "an entry of ignore is text, and has to be an object",
            ]
        );
        let large = " ".repeat(fields::MAX_BYTES + 1);
        assert_eq!(Config::read("x", &large).unwrap_err()[0].kind, FaultKind::TooLarge);
        assert!(matches!(Config::read("x", "{\"a\": 1,}").unwrap_err()[0].kind, FaultKind::Syntax(_)));
    }

    #[test]
    fn comments_of_yaml_are_about_their_line_or_the_next() {
        let text = "a: 1 # ci-assume-role: ignore TP002 known\n\
                    # ci-assume-role: ignore no-tenant,TP001 next line\n\
                    # and why\n\
                    b: it's # fine\n\
                    c: '# ci-assume-role: ignore TP002 no comment'\n\
                    d: 4 # ci-assume-role: ignore TP002\n\
                    e: 5 # ci-assume-role: accept TP002 x\n";
        let at = |word: &str| text.find(word).unwrap();
        let findings = vec![finding("", None, at("a:")), finding("", None, at("b:")), finding("", None, at("c:"))];
        let sorted = Config::default().sort(vec![Checked { name: "t.yaml", text, findings }], day("2026-11-21"));
        let reasons: Vec<&str> = sorted.ignored.iter().map(|(_, _, reason)| reason.as_str()).collect();
        assert_eq!(reasons, ["known", "next line"]);
        assert_eq!(sorted.findings.len(), 1);
        let said: Vec<String> = sorted.comments.iter().map(|(_, fault)| fault.kind.to_string()).collect();
        assert_eq!(
            said,
            [
                "the reason behind the rule is missing: somebody will ask why this is accepted",
                "the comment is \"accept\", and has to be ignore RULE REASON",
            ]
        );
        let sorted =
            Config::default().sort(vec![Checked { name: "t.yml", text, findings: Vec::new() }], day("2026-11-21"));
        assert_eq!(sorted.comments.len(), 4, "two are about nothing, and two have a fault");
        let sorted = Config::default()
            .sort(vec![Checked { name: "t.json", text, findings: vec![finding("", None, 0)] }], day("2026-11-21"));
        assert_eq!(sorted.findings.len(), 1, "JSON has no comments");
    }
}
