//! Tags of a session, which become `aws:PrincipalTag/KEY` in the policies that it meets.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>

use std::fmt;

/// A session may have so many tags.
pub const MOST_TAGS: usize = 50;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

/// Tags that STS takes: at most [`MOST_TAGS`], no two keys that differ in case alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(Vec<(String, String)>);

impl Tags {
    /// Adds a tag: a key of 1 to 128 and a value of up to 256 letters, digits, spaces and `_.:/=+-@`.
    ///
    /// # Errors
    /// When STS would refuse it; the tags are then as they were.
    pub fn push(&mut self, key: &str, value: &str) -> Result<(), TagFault> {
        let fault = |problem| TagFault { key: key.to_owned(), problem };
        if !(1..=LONGEST_KEY).contains(&key.chars().count()) {
            return Err(fault(TagProblem::KeyLength));
        }
        if let Some(odd) = key.chars().find(|c| !is_tag_character(*c)) {
            return Err(fault(TagProblem::KeyCharacter(odd)));
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(fault(TagProblem::Reserved));
        }
        if value.chars().count() > LONGEST_VALUE {
            return Err(fault(TagProblem::ValueLength));
        }
        if let Some(odd) = value.chars().find(|c| !is_tag_character(*c)) {
            return Err(fault(TagProblem::ValueCharacter(odd)));
        }
        if self.has(key) {
            return Err(fault(TagProblem::Twice));
        }
        if self.0.len() == MOST_TAGS {
            return Err(fault(TagProblem::TooMany));
        }
        self.0.push((key.to_owned(), value.to_owned()));
        Ok(())
    }

    /// Whether there is a tag with this key, in whatever case. Letters beyond ASCII are left to STS: what
    /// their cases are takes tables that would be a twentieth of the module.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(other, _)| other.eq_ignore_ascii_case(key))
    }

    /// Without the tags that are not wanted.
    pub fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.0.retain(|(key, _)| wanted(key));
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The nearest value that a tag can have: other characters become `_`, and what is too long ends
/// earlier.
#[must_use]
pub fn nearest_value(text: &str) -> String {
    text.chars().map(|c| if is_tag_character(c) { c } else { '_' }).take(LONGEST_VALUE).collect()
}

/// Letters, digits and spaces of any script, as in the pattern `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`.
fn is_tag_character(c: char) -> bool {
    let space = c.is_whitespace() && !c.is_control();
    c.is_alphanumeric() || space || "_.:/=+-@".contains(c)
}

/// Why STS would refuse a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagFault {
    /// Not trusted to be printable.
    pub key: String,
    pub problem: TagProblem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagProblem {
    KeyCharacter(char),
    KeyLength,
    /// Keys that start with `aws:` are AWS's own.
    Reserved,
    TooMany,
    /// Another tag has this key, but for case.
    Twice,
    ValueCharacter(char),
    ValueLength,
}

impl fmt::Display for TagFault {
    /// A sentence without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match self.problem {
            TagProblem::KeyCharacter(c) => write!(f, "the key of the tag `{key}` has the character `{c}`"),
            TagProblem::KeyLength => {
                write!(f, "the key of the tag `{key}` does not have 1 to {LONGEST_KEY} characters")
            }
            TagProblem::Reserved => write!(f, "the key of the tag `{key}` starts with `aws:`, which is AWS's own"),
            TagProblem::TooMany => write!(f, "the tag `{key}` is one more than the {MOST_TAGS} that STS takes"),
            TagProblem::Twice => write!(f, "the tag `{key}` is there twice; case makes no difference"),
            TagProblem::ValueCharacter(c) => write!(f, "the value of the tag `{key}` has the character `{c}`"),
            TagProblem::ValueLength => {
                write!(f, "the value of the tag `{key}` has more than {LONGEST_VALUE} characters")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_are_taken_or_refused() {
        let long = "k".repeat(LONGEST_KEY);
        for (key, value, problem) in [
            ("Team", "pay ments/é中=1", None),
            (&long, "", None),
            ("team", "again", Some(TagProblem::Twice)),
            ("", "x", Some(TagProblem::KeyLength)),
            (&format!("{long}k"), "x", Some(TagProblem::KeyLength)),
            ("a,b", "x", Some(TagProblem::KeyCharacter(','))),
            ("a\nb", "x", Some(TagProblem::KeyCharacter('\n'))),
            ("AWS:x", "x", Some(TagProblem::Reserved)),
            ("v", "a*", Some(TagProblem::ValueCharacter('*'))),
            ("v", &"v".repeat(LONGEST_VALUE + 1), Some(TagProblem::ValueLength)),
        ] {
            let mut tags = Tags::default();
            tags.push("Team", "x").unwrap();
            tags.retain(|key| problem.is_some() || key != "Team");
            assert_eq!(tags.push(key, value).map_err(|fault| fault.problem).err(), problem, "{key}");
            assert!(tags.has("TEAM") == (problem.is_some() || key == "Team"));
        }
    }

    #[test]
    fn there_is_a_most() {
        let mut tags = Tags::default();
        for number in 0..MOST_TAGS {
            tags.push(&format!("k{number}"), "").unwrap();
        }
        assert_eq!(tags.push("one more", "").map_err(|fault| fault.problem), Err(TagProblem::TooMany));
    }

    proptest! {
        #[test]
        fn the_nearest_value_is_taken(text in any::<String>(), key in any::<String>()) {
            prop_assert!(Tags::default().push("k", &nearest_value(&text)).is_ok());
            let _ = Tags::default().push(&key, &text);
        }
    }
}
