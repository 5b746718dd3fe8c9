//! The claims that a CI knows of a job: their names, what they may hold, and what they hold unless
//! the configuration says otherwise.

use serde_json::{Map, Value};

use crate::sandbox::reader::{Node, Problems, quoted};
use crate::text::listed;

/// What a claim may hold. It is text on the wire, unless it says otherwise.
pub(super) enum Form {
    Digits,
    /// A number on the wire.
    Number,
    OneOf(&'static [&'static str]),
    Ref,
    Repository,
    Text,
    /// Null where the job has none.
    TextOrNull,
}

/// A claim that the configuration may set under its own name.
pub(super) struct Known {
    pub(super) name: &'static str,
    form: Form,
    /// `None`: absent, derived from other claims, or null where the form has it.
    default: Option<&'static str>,
}

pub(super) const fn claim(name: &'static str, form: Form, default: Option<&'static str>) -> Known {
    Known { name, form, default }
}

impl Known {
    /// What `job` says, else the default.
    fn read(&self, job: &Node<'_>, problems: &mut Problems) -> Option<Value> {
        let nullable = matches!(self.form, Form::TextOrNull);
        match job.get(self.name) {
            Some(node) => return self.form.read(&node, problems),
            None if nullable && job.value().get(self.name).is_some() => return Some(Value::Null),
            None => {}
        }
        match self.default {
            Some(text) => Some(self.form.value(text)),
            None => nullable.then_some(Value::Null),
        }
    }
}

impl Form {
    pub(super) fn read(&self, node: &Node<'_>, problems: &mut Problems) -> Option<Value> {
        if let Self::Number = self {
            let number = node.value().as_u64();
            if number.is_none() {
                problems.add(&node.at, "is not a whole number", self.example());
            }
            return number.map(Value::from);
        }
        let example = quoted(self.example());
        let text = node.text(&example, problems)?;
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let named = |(owner, name): (&str, &str)| !owner.is_empty() && !name.is_empty() && !name.contains('/');
        let problem = match self {
            Self::Digits if !is_digits(text) => "is not a number written as text",
            Self::OneOf(values) if !values.contains(&text) => &format!("is none of {}", listed(values)),
            Self::Ref if !text.starts_with("refs/") => "is not a full ref",
            Self::Repository if !text.split_once('/').is_some_and(named) => "is not OWNER/NAME",
            _ => return Some(text.into()),
        };
        problems.add(&node.at, problem, &example);
        None
    }

    /// A default as it goes into the token.
    fn value(&self, text: &str) -> Value {
        match self {
            Self::Number => text.parse::<u64>().unwrap_or_default().into(),
            _ => text.into(),
        }
    }

    fn example(&self) -> &'static str {
        match self {
            Self::Digits | Self::Number => "74",
            Self::OneOf(values) => values.first().unwrap_or(&""),
            Self::Ref => "refs/heads/main",
            Self::Repository => "octo-org/octo-repo",
            Self::Text | Self::TextOrNull => "production",
        }
    }
}

/// Names and values. Of two with one name the last counts.
#[derive(Default)]
pub(super) struct Claims<'a>(Vec<(&'a str, Value)>);

impl<'a> Claims<'a> {
    pub(super) fn read(known: &[Known], job: &Node<'_>, problems: &mut Problems) -> Self {
        let claims = known.iter().map(|known| (known.name, known.read(job, problems)));
        Self(claims.filter_map(|(name, value)| Some((name, value?))).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().rfind(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Empty for what is absent or no text.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn add(&mut self, name: &'a str, value: impl Into<Value>) {
        self.0.push((name, value.into()));
    }

    /// For a claim that follows from others.
    pub(super) fn add_unless_given(&mut self, name: &'a str, text: String) {
        if self.text(name).is_empty() {
            self.add(name, text);
        }
    }

    pub(super) fn remove_if_empty(&mut self, name: &str) {
        self.0.retain(|(known, value)| *known != name || value.as_str() != Some(""));
    }

    pub(super) fn add_to(&self, claims: &mut Map<String, Value>) {
        claims.extend(self.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
}

/// What the configuration adds to a token, replaces in it or, with null, removes from it.
pub(super) struct Changes<'a>(Option<&'a Map<String, Value>>);

impl<'a> Changes<'a> {
    /// The member of a job that holds them.
    pub(super) const NAME: &'static str = "claims";

    pub(super) fn read(job: &Node<'a>, problems: &mut Problems) -> Self {
        Self(job.get(Self::NAME).and_then(|node| node.any_object(r#"{"azp": "me"}"#, problems)))
    }

    pub(super) fn made_to(&self, mut claims: Map<String, Value>) -> Map<String, Value> {
        for (name, value) in self.0.into_iter().flatten() {
            if value.is_null() {
                claims.remove(name);
            } else {
                claims.insert(name.clone(), value.clone());
            }
        }
        claims
    }
}
