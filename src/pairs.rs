//! Names and values in the order in which they came: an environment, headers, options.
//!
//! A list, because each is read a few dozen times at most, and because a run pays for every function
//! that it calls by having it compiled: a tree of a few hundred entries has a hundred of them.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Reads a JSON object whose members are all text.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        let mut pairs = Self::default();
        for (name, value) in value.as_object()? {
            pairs.push(name.clone(), value.as_str()?.to_owned());
        }
        Some(pairs)
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// For a name that is not there yet; [`Pairs::set`] is for any.
    pub fn push(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.retain(|other| other != name);
        self.push(name.to_owned(), value.to_owned());
    }

    pub fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.0.retain(|(name, _)| wanted(name));
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// As a JSON object.
impl Serialize for Pairs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_found_once() {
        let mut pairs = Pairs::read(&serde_json::json!({"a": "1", "b": "2"})).unwrap();
        pairs.set("a", "3");
        assert_eq!((pairs.get("a"), pairs.get("b"), pairs.get("c")), (Some("3"), Some("2"), None));
        assert_eq!(pairs.iter().count(), 2);
        assert_eq!(serde_json::to_string(&pairs).unwrap(), r#"{"b":"2","a":"3"}"#);
    }

    #[test]
    fn only_objects_of_text_are_read() {
        assert!(Pairs::read(&serde_json::json!({"a": 1})).is_none());
        assert!(Pairs::read(&serde_json::json!(["a"])).is_none());
    }
}
