//! What a run is started with: the environment, and what the shim knows about its own process.

use serde_json::Value;

use crate::effect::Stream;
use crate::pairs::Pairs;

/// What the shim knows about the process it lives in.
#[derive(Clone, Default)]
pub struct Runtime {
    pub name: String,
    pub version: String,
    /// The program that runs the shim.
    pub executable: String,
    /// The folder that holds `js/`.
    pub root: String,
    pub platform: String,
    pub home: String,
    /// The streams that lead to a terminal, and no `NO_COLOR` is set.
    pub coloured: Vec<Stream>,
}

impl Runtime {
    #[must_use]
    pub fn read(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let streams = [(Stream::Stdout, "stdout"), (Stream::Stderr, "stderr")];
        let coloured = |name: &str| value["coloured"].as_array().into_iter().flatten().any(|stream| stream == name);
        Self {
            name: text("name"),
            version: text("version"),
            executable: text("executable"),
            root: text("root"),
            platform: text("platform"),
            home: text("home"),
            coloured: streams.iter().filter(|(_, name)| coloured(name)).map(|(stream, _)| *stream).collect(),
        }
    }
}

/// The environment as it was at the start. Empty variables count as absent.
#[derive(Clone, Default)]
pub struct Environment(Pairs);

impl Environment {
    /// On Windows, names are the same in any case.
    #[must_use]
    pub fn new(variables: Pairs, platform: &str) -> Self {
        if platform != "win32" {
            return Self(variables);
        }
        let mut folded = Pairs::default();
        for (name, value) in variables.iter() {
            folded.set(&name.to_ascii_uppercase(), value);
        }
        Self(folded)
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).filter(|value| !value.is_empty())
    }

    /// Whether a variable is set to `true`, in any case.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Label and value for each pair of label and variable, where the variable is set.
    #[must_use]
    pub fn labels(&self, pairs: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        pairs.iter().filter_map(|(label, name)| Some((*label, self.get(name)?.to_owned()))).collect()
    }

    /// A folder for temporary files, shared with others.
    #[must_use]
    pub fn temp(&self) -> &str {
        ["TMPDIR", "TEMP", "TMP"].iter().find_map(|name| self.get(name)).unwrap_or("/tmp").trim_end_matches('/')
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name)
    }

    #[must_use]
    pub fn variables(&self) -> &Pairs {
        &self.0
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.0.set(name, value);
    }

    pub fn remove(&mut self, names: &[&str]) {
        self.0.retain(|name| !names.contains(&name));
    }

    /// This environment without what `unwanted` names, and with `others` on top.
    #[must_use]
    pub fn with(&self, unwanted: impl Fn(&str) -> bool, others: &Pairs) -> Self {
        let mut variables = self.0.clone();
        variables.retain(|name| !unwanted(name));
        for (name, value) in others.iter() {
            variables.set(name, value);
        }
        Self(variables)
    }
}
