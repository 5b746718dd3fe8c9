//! What a person is told when something is wrong: one value, several renderings.
//!
//! A diagnostic says what happened in the user's terms, what was found beside what was expected,
//! what usually causes it, and what to do, in that order. Its code is stable and has a heading in
//! `docs/diagnostics.md`.

mod code;
pub mod render;

pub use code::{Blame, Code};

use crate::text::Inert;

/// One thing that is wrong. A pointer, since it is handed along at every step of being built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic(Box<Parts>);

/// What a [`Diagnostic`] consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    pub code: Code,
    /// One sentence without a full stop; names the option, role or file that it is about.
    pub headline: Inert,
    /// What was found and what was expected, as label and value.
    pub facts: Vec<(&'static str, Inert)>,
    /// What the token says, where that is what matters.
    pub claims: Vec<(&'static str, Inert)>,
    /// Usual causes, the likeliest first.
    pub causes: Vec<Inert>,
    /// What to do about it; each can be acted on by itself.
    pub fixes: Vec<Inert>,
    /// Text to paste, with a line that says where it belongs.
    pub paste: Option<Paste>,
    /// The page that says more; without one, the code's.
    page: Option<String>,
    /// Where the denial is drawn. For summaries alone: it is too long for a log.
    drawn: Option<String>,
}

/// A block to copy. Its lines are made by us, and never start with remote text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paste {
    pub caption: Inert,
    /// For the summary's code fence: `json`, `yaml`.
    pub language: &'static str,
    pub lines: Vec<Inert>,
}

impl std::ops::Deref for Diagnostic {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

// The builder's methods take text of any kind, and leave the work to functions of one kind.
impl Diagnostic {
    #[must_use]
    pub fn new(code: Code, headline: impl AsRef<str>) -> Self {
        Self::with_headline(code, headline.as_ref())
    }

    #[must_use]
    pub fn fact(self, label: &'static str, value: impl AsRef<str>) -> Self {
        self.with_fact(label, value.as_ref())
    }

    #[must_use]
    pub fn fact_if(self, label: &'static str, value: Option<impl AsRef<str>>) -> Self {
        match value {
            Some(value) => self.with_fact(label, value.as_ref()),
            None => self,
        }
    }

    #[must_use]
    pub fn claim(self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.with_claim(name, value.as_ref())
    }

    #[must_use]
    pub fn cause(self, cause: impl AsRef<str>) -> Self {
        self.with_cause(cause.as_ref())
    }

    #[must_use]
    pub fn fix(self, fix: impl AsRef<str>) -> Self {
        self.with_fix(fix.as_ref())
    }

    /// Leaves out causes and remedies that are only likely, where somebody knows better.
    #[must_use]
    pub fn without_guesses(mut self) -> Self {
        self.0.causes.clear();
        self.0.fixes.clear();
        self
    }

    #[must_use]
    pub fn paste(mut self, caption: &str, language: &'static str, text: &str) -> Self {
        let lines = text.lines().map(Inert::new).collect();
        self.0.paste = Some(Paste { caption: Inert::new(caption), language, lines });
        self
    }

    /// Links to this address instead of to what the code means.
    #[must_use]
    pub fn page(mut self, url: String) -> Self {
        self.0.page = Some(url);
        self
    }

    /// Links to this address from summaries as well.
    #[must_use]
    pub fn drawn(mut self, url: String) -> Self {
        self.0.drawn = Some(url);
        self
    }

    #[must_use]
    pub fn docs_url(&self) -> String {
        self.page.clone().unwrap_or_else(|| self.code.docs_url())
    }

    fn with_headline(code: Code, headline: &str) -> Self {
        Self(Box::new(Parts {
            code,
            headline: Inert::new(headline),
            facts: Vec::new(),
            claims: Vec::new(),
            causes: Vec::new(),
            fixes: Vec::new(),
            paste: None,
            page: None,
            drawn: None,
        }))
    }

    fn with_fact(mut self, label: &'static str, value: &str) -> Self {
        self.0.facts.push((label, Inert::new(value)));
        self
    }

    fn with_claim(mut self, name: &'static str, value: &str) -> Self {
        self.0.claims.push((name, Inert::new(value)));
        self
    }

    fn with_cause(mut self, cause: &str) -> Self {
        self.0.causes.push(Inert::new(cause));
        self
    }

    fn with_fix(mut self, fix: &str) -> Self {
        self.0.fixes.push(Inert::new(fix));
        self
    }
}

/// Why a run ends without success: at least one diagnostic, the gravest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(Vec<Diagnostic>);

impl Failure {
    /// All problems of a configuration at once. `None` when there are none.
    #[must_use]
    pub fn of(diagnostics: Vec<Diagnostic>) -> Option<Self> {
        (!diagnostics.is_empty()).then_some(Self(diagnostics))
    }

    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0
    }

    #[must_use]
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.0
    }

    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.0.first().map_or(Blame::Bug, |first| first.code.blame()).exit_code()
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}
