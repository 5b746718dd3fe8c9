//! Reads a configuration by hand, so that every problem in it is found at once and has a place.

use serde_json::{Map, Value};

use crate::text::{Inert, listed, nearest};
use crate::values::ValueFault;

/// What is wrong with a configuration so far, one line each.
#[derive(Default)]
pub(super) struct Problems(Vec<String>);

impl Problems {
    /// `problem` continues a sentence that starts with the place.
    pub(super) fn add(&mut self, at: &str, problem: &str, example: &str) {
        let [at, problem, example] =
            [(at, 200), (problem, 600), (example, 300)].map(|(text, limit)| Inert::excerpt(text, limit));
        self.0.push(format!("{at} {problem}; for example {example}"));
    }

    pub(super) fn fault(&mut self, at: &str, fault: &ValueFault) {
        let example = fault.hint.as_ref().unwrap_or(&fault.example);
        self.add(at, &fault.problem, &quoted(example));
    }

    /// `value` if nothing was wrong, else the report.
    pub(super) fn or<T>(self, value: Option<T>) -> Result<T, String> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(format!("the sandbox's configuration does not work:\n  {}", self.0.join("\n  "))),
        }
    }
}

/// A value, and where it stands: `roles[0].arn`.
pub(super) struct Node<'a> {
    pub(super) at: String,
    value: &'a Value,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { at: String::new(), value }
    }

    /// The place, for the reader of a message.
    pub(super) fn place(&self) -> &str {
        if self.at.is_empty() { "the configuration" } else { &self.at }
    }

    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    /// The value as an object whose members all have a known name.
    pub(super) fn object(
        &self,
        known: &[&str],
        example: &str,
        problems: &mut Problems,
    ) -> Option<&'a Map<String, Value>> {
        let members = self.any_object(example, problems)?;
        for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
            let advice = match nearest(name, known.iter().copied()) {
                Some(meant) => format!("is not known; did you mean `{meant}`?"),
                None => format!("is not known; {} has {}", self.place(), listed(known)),
            };
            problems.add(&self.path(name), &advice, example);
        }
        Some(members)
    }

    pub(super) fn any_object(&self, example: &str, problems: &mut Problems) -> Option<&'a Map<String, Value>> {
        let members = self.value.as_object();
        if members.is_none() {
            problems.add(self.place(), "is not an object", example);
        }
        members
    }

    /// A member that is there and not null.
    pub(super) fn get(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Self { at: self.path(name), value })
    }

    /// A member, or a null where there is none.
    pub(super) fn get_or_null(&self, name: &str) -> Self {
        static NULL: Value = Value::Null;
        Self { at: self.path(name), value: self.value.get(name).unwrap_or(&NULL) }
    }

    pub(super) fn need(&self, name: &str, example: &str, problems: &mut Problems) -> Option<Self> {
        let member = self.get(name);
        if member.is_none() {
            problems.add(&self.path(name), "is missing", example);
        }
        member
    }

    /// Every member of an object, in no order that means anything.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'a String, Self)> {
        let members = self.value.as_object().into_iter().flatten();
        members.map(|(name, value)| (name, Self { at: self.path(name), value }))
    }

    /// The elements of a list, or the value itself, which stands for a list of one.
    pub(super) fn items(&self) -> Vec<Self> {
        match self.value {
            Value::Array(items) => {
                let place = |(index, value)| Self { at: format!("{}[{index}]", self.at), value };
                items.iter().enumerate().map(place).collect()
            }
            value => vec![Self { at: self.at.clone(), value }],
        }
    }

    pub(super) fn text(&self, example: &str, problems: &mut Problems) -> Option<&'a str> {
        let text = self.value.as_str();
        if text.is_none() {
            problems.add(self.place(), "is not text", example);
        }
        text
    }

    /// A text, or a list of at least one.
    pub(super) fn texts(&self, example: &str, problems: &mut Problems) -> Vec<&'a str> {
        let items = self.items();
        if items.is_empty() {
            problems.add(self.place(), "is an empty list", example);
        }
        items.iter().filter_map(|item| item.text(example, problems)).collect()
    }

    fn path(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) }
    }
}

pub(super) fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
