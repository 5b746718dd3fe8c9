//! What `~/.aws/config` and `~/.aws/credentials` say, read as the AWS CLI and botocore read them.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>
//!
//! Lines are told apart as Python's `configparser` does it, so a file that the AWS CLI does not read
//! is not read here either. Values may be credentials, so nothing that holds one has `Debug`.

pub mod source;
pub mod words;

use std::collections::BTreeMap;
use std::fmt;

use crate::ini::lines::{Line, Lines, is_space};

/// The most that is read of either file.
pub const MAX_BYTES: u32 = 1 << 20;

/// Every profile of both files.
pub struct Profiles {
    /// Of both: what the credentials file says counts before what the configuration says.
    both: BTreeMap<String, Section>,
    /// Of the configuration alone. botocore takes keys from one file, and never from two.
    config: BTreeMap<String, Section>,
    credentials: BTreeMap<String, Section>,
}

impl Profiles {
    /// Reads what is there of the two files.
    ///
    /// # Errors
    /// When the AWS CLI could not read one of them.
    pub fn read(config: Option<&str>, credentials: Option<&str>) -> Result<Self, FileFault> {
        let config = profiles(sections(File::Config, config.unwrap_or_default())?);
        let credentials: BTreeMap<_, _> =
            sections(File::Credentials, credentials.unwrap_or_default())?.into_iter().collect();
        let mut both = config.clone();
        for (name, section) in &credentials {
            both.entry(name.clone()).or_default().0.extend(section.0.clone());
        }
        Ok(Self { both, config, credentials })
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Section> {
        self.both.get(name)
    }

    /// In alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.both.keys().map(String::as_str)
    }
}

/// The options of a profile.
#[derive(Clone, Default)]
pub struct Section(BTreeMap<String, Value>);

impl Section {
    /// The value of an option, which is named in lower case. One with options of its own has none.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.0.get(key)? {
            Value::Text(text) => Some(text),
            Value::Nested(_) => Some(""),
        }
    }

    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub fn options(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

/// What an option says.
#[derive(Clone)]
pub enum Value {
    /// Options below this one, such as those of `s3`. Their keys are as they were written.
    Nested(BTreeMap<String, String>),
    /// Lines of a longer value are joined by `\n`.
    Text(String),
}

/// One of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    Config,
    Credentials,
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Config => "AWS configuration file",
            Self::Credentials => "AWS credentials file",
        })
    }
}

/// Why a file cannot be read, and where. It never holds a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFault {
    pub file: File,
    /// From 1.
    pub line: usize,
    pub problem: FileProblem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileProblem {
    /// An option without a name.
    Key,
    KeyTwice {
        key: String,
    },
    /// A line that starts like a section, without a name or a closing bracket.
    Header,
    /// A line below an option that has options of its own, without `=`.
    Nested,
    /// Something before the first section.
    NoSection,
    /// Neither a section, nor an option, nor a comment.
    NotAnOption,
    SectionTwice {
        section: String,
    },
    /// More than [`MAX_BYTES`].
    TooLarge,
}

impl fmt::Display for FileFault {
    /// A sentence without a full stop. Names in it are the file's, and may be anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, problem } = self;
        write!(f, "line {line} of the {file} ")?;
        match problem {
            FileProblem::Header => f.write_str("starts a section without a name or a closing bracket"),
            FileProblem::Key => f.write_str("has a value without a name before it"),
            FileProblem::KeyTwice { key } => write!(f, "sets `{key}` again"),
            FileProblem::Nested => f.write_str("is indented, so it belongs to the option above, and has no `=`"),
            FileProblem::NoSection => f.write_str("stands before the first section"),
            FileProblem::NotAnOption => f.write_str("is neither a section, nor an option, nor a comment"),
            FileProblem::SectionTwice { section } => write!(f, "starts the section `{section}` again"),
            FileProblem::TooLarge => write!(f, "is beyond the {MAX_BYTES} bytes that are read of it"),
        }
    }
}

/// The section whose options every other one has as well, unless it says otherwise. That is
/// `configparser`'s doing, and not meant for AWS; but it is how the AWS CLI reads the file.
const COMMON: &str = "DEFAULT";

/// Sections in the order in which they begin.
fn sections(file: File, text: &str) -> Result<Vec<(String, Section)>, FileFault> {
    let fault = |line, problem| FileFault { file, line, problem };
    if text.len() > MAX_BYTES as usize {
        return Err(fault(text.lines().count(), FileProblem::TooLarge));
    }
    // Python takes each of the three for the end of a line.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let mut common: BTreeMap<String, Draft<'_>> = BTreeMap::new();
    let mut all: Vec<(&str, BTreeMap<String, Draft<'_>>)> = Vec::new();
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    let mut place = Place::Nowhere;
    for (number, (_, line)) in (1..).zip(Lines::new(&text)) {
        match line {
            Line::Comment => {}
            Line::Blank => {
                if let Some(draft) = place.latest(&mut common, &mut all) {
                    draft.push((number, ""));
                }
            }
            Line::More(more) => {
                if let Some(draft) = place.latest(&mut common, &mut all) {
                    draft.push((number, more));
                }
            }
            Line::HalfHeader => return Err(fault(number, FileProblem::Header)),
            Line::Header(COMMON) => place = Place::Common(None),
            Line::Header(name) => {
                if names.insert(name, number).is_some() {
                    return Err(fault(number, FileProblem::SectionTwice { section: name.to_owned() }));
                }
                all.push((name, BTreeMap::new()));
                place = Place::Last(None);
            }
            Line::Option(key, value) => {
                let options = place.options(&mut common, &mut all).ok_or(fault(number, FileProblem::NoSection))?;
                let key = key.to_lowercase();
                if key.is_empty() {
                    return Err(fault(number, FileProblem::Key));
                }
                if options.insert(key.clone(), vec![(number, value)]).is_some() {
                    return Err(fault(number, FileProblem::KeyTwice { key }));
                }
                place.stay_at(key);
            }
            Line::Other => {
                let nowhere = matches!(place, Place::Nowhere);
                return Err(fault(number, if nowhere { FileProblem::NoSection } else { FileProblem::NotAnOption }));
            }
        }
    }
    let finished = |draft: &Draft<'_>| finish(draft).map_err(|line| fault(line, FileProblem::Nested));
    let mut read = Vec::new();
    for (name, options) in all {
        let mut section = Section::default();
        for (key, draft) in common.iter().chain(&options) {
            section.0.insert(key.clone(), finished(draft)?);
        }
        read.push((name.to_owned(), section));
    }
    Ok(read)
}

/// The lines of a value, with their numbers.
type Draft<'a> = Vec<(usize, &'a str)>;

/// Where the reader is, with the option that further lines belong to.
enum Place {
    Common(Option<String>),
    /// In the section that began last.
    Last(Option<String>),
    Nowhere,
}

impl Place {
    fn options<'s, 'a>(
        &self,
        common: &'s mut BTreeMap<String, Draft<'a>>,
        all: &'s mut [(&str, BTreeMap<String, Draft<'a>>)],
    ) -> Option<&'s mut BTreeMap<String, Draft<'a>>> {
        match self {
            Self::Common(_) => Some(common),
            Self::Last(_) => all.last_mut().map(|(_, options)| options),
            Self::Nowhere => None,
        }
    }

    fn latest<'s, 'a>(
        &self,
        common: &'s mut BTreeMap<String, Draft<'a>>,
        all: &'s mut [(&str, BTreeMap<String, Draft<'a>>)],
    ) -> Option<&'s mut Draft<'a>> {
        let (Self::Common(Some(key)) | Self::Last(Some(key))) = self else { return None };
        self.options(common, all)?.get_mut(key)
    }

    fn stay_at(&mut self, key: String) {
        if let Self::Common(latest) | Self::Last(latest) = self {
            *latest = Some(key);
        }
    }
}

/// A value of its lines, or the number of the line that keeps it from being one.
fn finish(draft: &Draft<'_>) -> Result<Value, usize> {
    let lines: Vec<&str> = draft.iter().map(|(_, line)| *line).collect();
    let joined = lines.join("\n");
    let text = joined.trim_end_matches(is_space);
    if !text.starts_with('\n') {
        return Ok(Value::Text(text.to_owned()));
    }
    let mut nested = BTreeMap::new();
    for (number, line) in draft {
        for part in line.split(is_line_end).map(|part| part.trim_matches(is_space)).filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').ok_or(*number)?;
            nested.insert(key.trim_matches(is_space).to_owned(), value.trim_matches(is_space).to_owned());
        }
    }
    Ok(Value::Nested(nested))
}

/// Python's `str.splitlines`.
fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The profiles among the sections of the configuration: `[default]`, and `[profile NAME]` with a name
/// that a shell takes for one word. Of two for one profile, the later counts, and alone.
fn profiles(sections: Vec<(String, Section)>) -> BTreeMap<String, Section> {
    let mut profiles = BTreeMap::new();
    for (header, section) in sections {
        if header.starts_with("profile") {
            if let Some([_, name]) = words::split(&header).as_deref() {
                profiles.insert(name.clone(), section);
            }
        } else if header == "default" {
            profiles.insert(header, section);
        }
    }
    profiles
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config(text: &str) -> Profiles {
        Profiles::read(Some(text), None).unwrap_or_else(|fault| panic!("{fault}"))
    }

    #[test]
    fn profiles_are_found_by_their_names() {
        let read = config(
            "[default]\nregion = a\n[profile dev]\nregion = b\n[profile \"my dev\"]\nregion = c\n\
             [sso-session x]\nregion = d\n[services y]\nregion = e\n[prod]\nregion = f\n[profile a b]\nregion = g\n",
        );
        let regions: Vec<_> =
            read.names().map(|name| (name, read.get(name).and_then(|section| section.text("region")))).collect();
        assert_eq!(regions, [("default", Some("a")), ("dev", Some("b")), ("my dev", Some("c"))]);
    }

    #[test]
    fn the_credentials_file_counts_first() {
        let read = Profiles::read(
            Some("[profile a]\nregion = us-east-1\nrole_arn = old\n"),
            Some("[a]\nROLE_ARN = new\n[profile b]\nregion = x\n"),
        );
        let read = read.ok().unwrap();
        let a = read.get("a").unwrap();
        assert_eq!((a.text("region"), a.text("role_arn")), (Some("us-east-1"), Some("new")));
        assert_eq!(read.names().collect::<Vec<_>>(), ["a", "profile b"]);
    }

    #[test]
    fn values_go_on_in_lines_that_are_indented() {
        let read = config(
            "\u{feff}[default]\r\na = 1 # one\r\ns3 =\r\n  # no\r\n  style = path\r\n  Max = 2\r\n\r\nb : x=y\r\nc = one\r\n  two\r\nd =\r\n",
        );
        let section = read.get("default").unwrap();
        assert_eq!(section.text("a"), Some("1 # one"));
        assert_eq!(section.text("b"), Some("x=y"));
        assert_eq!(section.text("c"), Some("one\ntwo"));
        assert_eq!(section.text("d"), Some(""));
        assert!(matches!(section.0.get("s3"), Some(Value::Nested(nested))
            if nested.get("style").is_some_and(|style| style == "path") && nested.contains_key("Max")));
    }

    #[test]
    fn every_section_has_what_is_common() {
        let read = config("[DEFAULT]\nregion = a\noutput = json\n[default]\nregion = b\n");
        assert_eq!(read.names().collect::<Vec<_>>(), ["default"]);
        let section = read.get("default").unwrap();
        assert_eq!((section.text("region"), section.text("output")), (Some("b"), Some("json")));
    }

    #[test]
    fn faults_have_a_line() {
        for (text, line, problem) in [
            ("region = x\n", 1, FileProblem::NoSection),
            ("\nregion\n", 2, FileProblem::NoSection),
            ("[a]\nregion\n", 2, FileProblem::NotAnOption),
            ("[a]\n= x\n", 2, FileProblem::Key),
            ("[a]\nb = 1\nB = 2\n", 3, FileProblem::KeyTwice { key: "b".to_owned() }),
            ("[a]\n[b]\n[a]\n", 3, FileProblem::SectionTwice { section: "a".to_owned() }),
            ("[a]\n[b\n", 2, FileProblem::Header),
            ("[a]\ns3 =\n  b = 1\n  c\n", 4, FileProblem::Nested),
        ] {
            for (file, read) in [
                (File::Config, Profiles::read(Some(text), None)),
                (File::Credentials, Profiles::read(None, Some(text))),
            ] {
                assert_eq!(read.err(), Some(FileFault { file, line, problem: problem.clone() }), "{text}");
            }
        }
        let large = "\n".repeat(MAX_BYTES as usize + 1);
        assert_eq!(Profiles::read(Some(&large), None).err().map(|fault| fault.problem), Some(FileProblem::TooLarge));
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>(), lines in "([\\[\\]a-c=: #\n\t\r\"'\\\\]|profile |role_arn){0,80}") {
            let _ = Profiles::read(Some(&text), Some(&lines));
            let _ = Profiles::read(Some(&lines), Some(&text));
        }
    }
}
