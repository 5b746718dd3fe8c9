//! Text that must never be printed, and the registry that keeps it out of the log.

use std::cell::RefCell;
use std::rc::Rc;

/// A credential, a token, or anything else that grants access.
///
/// It has no `Debug`, `Display` or `Serialize`: the only way out is [`Secret::expose`], so that
/// every place where a secret leaves the core can be found by searching for that word.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself. Every caller is an exit that a reviewer should look at.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Shorter texts are not worth hiding and would blot out ordinary words.
const SHORTEST_SCRUBBED: usize = 8;

/// Every secret that this run has met. What goes to a log passes through [`Scrubber::scrub`], so
/// that a server that echoes our request cannot make us print it, on CIs without masks as well.
#[derive(Clone, Default)]
pub struct Scrubber(Rc<RefCell<Vec<Secret>>>);

impl Scrubber {
    /// Returns whether it is new. Short secrets always are: they are masked, but not scrubbed.
    pub fn learn(&self, secret: &Secret) -> bool {
        let mut known = self.0.borrow_mut();
        if secret.expose().len() < SHORTEST_SCRUBBED {
            return !secret.is_empty();
        }
        if known.contains(secret) {
            return false;
        }
        // Longest first: a token must go before one of its own segments does.
        let place = known.partition_point(|other| other.expose().len() > secret.expose().len());
        known.insert(place, secret.clone());
        true
    }

    /// Longest first.
    #[must_use]
    pub fn known(&self) -> Vec<Secret> {
        self.0.borrow().clone()
    }

    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in self.0.borrow().iter() {
            if clean.contains(secret.expose()) {
                clean = clean.replace(secret.expose(), "***");
            }
        }
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_secrets_vanish_longest_first() {
        let scrubber = Scrubber::default();
        scrubber.learn(&Secret::new("signature-part"));
        scrubber.learn(&Secret::new("header.payload.signature-part"));
        assert_eq!(scrubber.scrub("got header.payload.signature-part!"), "got ***!");
        assert_eq!(scrubber.scrub("only signature-part"), "only ***");
    }

    #[test]
    fn short_texts_are_left_alone() {
        let scrubber = Scrubber::default();
        scrubber.learn(&Secret::new("us"));
        assert_eq!(scrubber.scrub("us-east-1"), "us-east-1");
    }
}
