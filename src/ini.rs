//! An editor for `~/.aws/credentials` and `~/.aws/config` that changes one profile and no other byte.
//!
//! Lines are understood as botocore and the AWS CLI do, that is as Python's `configparser` does: a
//! line that is indented deeper than the option above it belongs to that option, even if it looks
//! like a header; comments stand on lines of their own; `=` and `:` both end a key. Comments and
//! blank lines between two sections belong to neither, so they stay when a section goes.
//!
//! The text may hold credentials, so nothing here has `Debug` or `Display` but names and faults.

pub(crate) mod lines;

use std::fmt;
use std::ops::Range;

use lines::{Line, Lines, is_space};

/// Which section of which file: `[dev]` of the credentials, `[profile dev]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionName {
    profile: String,
    file: File,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum File {
    Config,
    Credentials,
}

impl SectionName {
    /// The section of a profile in `~/.aws/credentials`.
    ///
    /// # Errors
    /// [`IniFault::Name`]. `DEFAULT` is refused as well: `configparser` would lend the credentials in
    /// it to every other section.
    pub fn credentials(profile: &str) -> Result<Self, IniFault> {
        if profile == "DEFAULT" {
            return Err(IniFault::Name);
        }
        Self::new(profile, File::Credentials)
    }

    /// The section of a profile in `~/.aws/config`.
    ///
    /// # Errors
    /// [`IniFault::Name`].
    pub fn config(profile: &str) -> Result<Self, IniFault> {
        Self::new(profile, File::Config)
    }

    fn new(profile: &str, file: File) -> Result<Self, IniFault> {
        let odd = |c: char| c.is_whitespace() || c.is_control() || r#"[]\"'#;"#.contains(c);
        if profile.is_empty() || profile.contains(odd) {
            return Err(IniFault::Name);
        }
        Ok(Self { profile: profile.to_owned(), file })
    }

    /// What we write between the brackets.
    fn header(&self) -> String {
        match self.file {
            File::Config if self.profile != "default" => format!("profile {}", self.profile),
            _ => self.profile.clone(),
        }
    }

    /// Whether AWS's tools, or some of them, take a header for this profile. They differ on space
    /// inside the brackets; `[profile default]` is another spelling of `[default]`.
    fn is(&self, header: &str) -> bool {
        let header = header.trim();
        match self.file {
            File::Credentials => header == self.profile,
            File::Config if header == "default" => self.profile == "default",
            File::Config => header
                .strip_prefix("profile")
                .filter(|rest| rest.starts_with([' ', '\t']))
                .is_some_and(|rest| unquoted(rest.trim()) == self.profile),
        }
    }
}

/// Why a file is left alone. It never holds a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IniFault {
    /// A carriage return inside a line, which ends the line for some tools and not for others.
    CarriageReturn {
        line: usize,
    },
    /// The edit would have changed how another section reads.
    Entangled,
    /// A section header without a name or a closing bracket.
    Header {
        line: usize,
    },
    /// A key that is no lower-case identifier, or is given twice.
    Key {
        key: String,
    },
    /// The profile's name cannot stand in a section header.
    Name,
    Nul {
        line: usize,
    },
    /// A value that would not be read back by every tool as it was written.
    Value {
        key: String,
    },
}

impl fmt::Display for IniFault {
    /// A sentence without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CarriageReturn { line } => write!(f, "line {line} has a carriage return inside"),
            Self::Entangled => {
                f.write_str("other sections are indented so that the change would make them part of this one")
            }
            Self::Header { line } => write!(f, "line {line} starts a section without a name or a closing bracket"),
            Self::Key { key } => write!(f, "`{key}` cannot be written as a key"),
            Self::Name => f.write_str("the profile's name cannot stand in a section header"),
            Self::Nul { line } => write!(f, "line {line} has a NUL character"),
            Self::Value { key } => {
                write!(
                    f,
                    "the value of `{key}` has control characters, outer space, or what some tools take for a comment"
                )
            }
        }
    }
}

/// A file's text, known to be safe to edit.
pub struct Ini {
    text: String,
    sections: Vec<Section>,
}

/// From the header's line to the last line that is neither blank nor a comment.
struct Section {
    header: String,
    span: Range<usize>,
    /// The white space before the header.
    indent: String,
}

impl Ini {
    /// Reads any text whose sections can be told apart without doubt. What is no section, no option
    /// and no comment is kept and not complained about.
    ///
    /// # Errors
    /// [`IniFault::CarriageReturn`], [`IniFault::Header`] or [`IniFault::Nul`].
    pub fn parse(text: &str) -> Result<Self, IniFault> {
        Ok(Self { sections: scan(text)?, text: text.to_owned() })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }

    #[must_use]
    pub fn has_section(&self, name: &SectionName) -> bool {
        self.sections.iter().any(|section| name.is(&section.header))
    }

    /// The options in order, keys in lower case as botocore has them. The lines of a longer value are
    /// joined by `\n`.
    #[must_use]
    pub fn section(&self, name: &SectionName) -> Option<Vec<(String, String)>> {
        let text = self.section_text(name)?;
        let mut options: Vec<(String, String)> = Vec::new();
        for (_, line) in Lines::new(&text) {
            match (line, options.last_mut()) {
                (Line::Option(key, value), _) => options.push((key.to_ascii_lowercase(), value.to_owned())),
                (Line::Blank, Some((_, value))) => value.push('\n'),
                (Line::More(more), Some((_, value))) => {
                    value.push('\n');
                    value.push_str(more);
                }
                _ => {}
            }
        }
        for (_, value) in &mut options {
            value.truncate(value.trim_end_matches(is_space).len());
        }
        Some(options)
    }

    /// The section's own bytes, for [`Ini::restore_section`]. When the section stands in several
    /// places, all of them in one.
    #[must_use]
    pub fn section_text(&self, name: &SectionName) -> Option<String> {
        let mut all = String::new();
        for section in self.sections.iter().filter(|section| name.is(&section.header)) {
            all.push_str(self.slice(section));
        }
        (!all.is_empty()).then_some(all)
    }

    /// Gives the section these options and no others: where it is, or at the end after a blank line.
    /// Where it stood in several places (which botocore refuses to read) it then stands in the first.
    ///
    /// # Errors
    /// [`IniFault::Key`], [`IniFault::Value`] or [`IniFault::Entangled`]; the text is then as it was.
    pub fn set_section(&mut self, name: &SectionName, options: &[(&str, &str)]) -> Result<(), IniFault> {
        for (index, (key, value)) in options.iter().enumerate() {
            let twice = options.iter().take(index).any(|(earlier, _)| earlier == key);
            if twice || !is_key(key) {
                return Err(IniFault::Key { key: (*key).to_owned() });
            }
            if !is_plain_value(value) {
                return Err(IniFault::Value { key: (*key).to_owned() });
            }
        }
        let place = self.sections.iter().find(|section| name.is(&section.header));
        let indent = place.map_or("", |section| &section.indent);
        let mut lines = format!("{indent}[{}]{}", name.header(), self.line_end());
        for (key, value) in options {
            lines.push_str(indent);
            lines.push_str(format!("{key} = {value}").trim_end());
            lines.push_str(self.line_end());
        }
        self.replace(name, Some(&lines))
    }

    /// Takes the section away, with the blank line that [`Ini::set_section`] put before it. To remove
    /// what is not there changes nothing.
    ///
    /// # Errors
    /// [`IniFault::Entangled`]; the text is then as it was.
    pub fn remove_section(&mut self, name: &SectionName) -> Result<(), IniFault> {
        self.replace(name, None)
    }

    /// Puts back what [`Ini::section_text`] gave before [`Ini::set_section`]. The text is then what it
    /// was, byte for byte, if the section stood in one place at most and nobody else wrote.
    ///
    /// # Errors
    /// As [`Ini::parse`], or [`IniFault::Entangled`] when `before` is not this section's text; the
    /// text is then as it was.
    pub fn restore_section(&mut self, name: &SectionName, before: Option<&str>) -> Result<(), IniFault> {
        self.replace(name, before)
    }

    fn replace(&mut self, name: &SectionName, new: Option<&str>) -> Result<(), IniFault> {
        let mut text = String::with_capacity(self.text.len());
        let mut done = 0;
        for section in self.sections.iter().filter(|section| name.is(&section.header)) {
            text.push_str(self.text.get(done..section.span.start).unwrap_or_default());
            let ended = self.slice(section).ends_with('\n');
            match new {
                Some(new) if done == 0 => text.push_str(&with_line_end(new, ended, self.line_end())),
                _ => drop_gap(&mut text, ended),
            }
            done = section.span.end;
        }
        let mut rest = self.text.get(done..).unwrap_or_default();
        if without_mark(&text).is_empty() && done > 0 {
            rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')).unwrap_or(rest);
        }
        text.push_str(rest);
        if let (Some(new), 0) = (new, done) {
            self.append(&mut text, new);
        }
        let edited = Self { sections: scan(&text)?, text };
        if !self.others(name).eq(edited.others(name)) {
            return Err(IniFault::Entangled);
        }
        *self = edited;
        Ok(())
    }

    /// Without a final line end before, there is none after: so [`drop_gap`] can undo it exactly.
    fn append(&self, text: &mut String, new: &str) {
        let ended = text.ends_with('\n');
        let empty = without_mark(text).is_empty();
        if !empty {
            text.push_str(self.line_end());
        }
        if !empty && !ended {
            text.push_str(self.line_end());
        }
        text.push_str(&with_line_end(new, empty || ended, self.line_end()));
    }

    /// Every other section as it reads; a last line may gain or lose its end.
    fn others(&self, name: &SectionName) -> impl Iterator<Item = &str> {
        let others = self.sections.iter().filter(|section| !name.is(&section.header));
        others.map(|section| self.slice(section).trim_end_matches(['\r', '\n']))
    }

    fn slice(&self, section: &Section) -> &str {
        self.text.get(section.span.clone()).unwrap_or_default()
    }

    /// The first line decides for those that we add.
    fn line_end(&self) -> &'static str {
        match self.text.split_inclusive('\n').next() {
            Some(first) if first.ends_with("\r\n") => "\r\n",
            _ => "\n",
        }
    }
}

fn scan(text: &str) -> Result<Vec<Section>, IniFault> {
    let start = text.len() - without_mark(text).len();
    let mut sections: Vec<Section> = Vec::new();
    for (number, (span, line)) in (1..).zip(Lines::new(without_mark(text))) {
        let span = start + span.start..start + span.end;
        let whole = text.get(span.clone()).unwrap_or_default();
        if whole.contains('\0') {
            return Err(IniFault::Nul { line: number });
        }
        if whole.strip_suffix("\r\n").unwrap_or(whole).contains('\r') {
            return Err(IniFault::CarriageReturn { line: number });
        }
        match (line, sections.last_mut()) {
            (Line::Header(header), _) => {
                let indent = whole.chars().take_while(|c| is_space(*c)).collect();
                sections.push(Section { header: header.to_owned(), span, indent });
            }
            (Line::HalfHeader, _) => return Err(IniFault::Header { line: number }),
            (Line::Option(..) | Line::More(_) | Line::Other, Some(section)) => section.span.end = span.end,
            _ => {}
        }
    }
    Ok(sections)
}

/// Drops the line ends that [`Ini::append`] put between the text and a section that goes.
fn drop_gap(text: &mut String, section_ended: bool) {
    if text.ends_with("\n\n") || text.ends_with("\n\r\n") {
        drop_line_end(text);
        if !section_ended {
            drop_line_end(text);
        }
    }
}

fn drop_line_end(text: &mut String) {
    if text.ends_with('\n') {
        text.pop();
    }
    if text.ends_with('\r') {
        text.pop();
    }
}

fn with_line_end(text: &str, ended: bool, line_end: &str) -> String {
    let mut text = text.to_owned();
    match (text.ends_with('\n'), ended) {
        (true, false) => drop_line_end(&mut text),
        (false, true) => text.push_str(line_end),
        _ => {}
    }
    text
}

/// A byte order mark is no part of the first line.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn unquoted(text: &str) -> &str {
    ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(text)
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// botocore takes ` #` for a part of the value, other SDKs take it for a comment.
fn is_plain_value(value: &str) -> bool {
    let control = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let mut before = ' ';
    let comment = value.chars().any(|c| is_space(std::mem::replace(&mut before, c)) && matches!(c, '#' | ';'));
    !comment && !value.contains(control) && value.trim_matches(is_space) == value
}

#[cfg(test)]
mod tests;
