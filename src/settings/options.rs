//! Options as they were given, read one by one, with every problem kept for one report.

use crate::diagnostic::{Code, Diagnostic};
use crate::text::nearest;
use crate::values::ValueFault;

/// One option of an entry: the single source for its manifest, its documentation and its parsing.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec {
    pub name: &'static str,
    /// One or two sentences for the manifest and the documentation.
    pub description: &'static str,
    /// What counts when the option is absent, in words or as a value.
    pub default: &'static str,
    /// The environment variable that is read when the option is absent or empty.
    pub alias: Option<&'static str>,
    /// Its value is never shown.
    pub secret: bool,
}

/// Text for manifests and documentation, which modules do not carry.
#[must_use]
pub const fn prose(text: &'static str) -> &'static str {
    if cfg!(target_arch = "wasm32") { "" } else { text }
}

/// An option, its value, and the name under which it was given: the option's own or its alias.
#[derive(Clone)]
struct Given {
    name: &'static str,
    value: String,
    under: String,
}

/// The options of one run. Reading never stops at a problem: [`Options::problems`] has them all.
pub struct Options {
    specs: &'static [OptionSpec],
    given: Vec<Given>,
    problems: Vec<Diagnostic>,
    /// Names that are no options but near no option either; worth a warning, not an error.
    strangers: Vec<String>,
    /// The names that options have at all entries, where this one has others.
    common: Vec<&'static str>,
}

impl Options {
    /// `lookup` finds an option by its own name, `environment` finds its alias. Values are trimmed;
    /// an empty value counts as absent, since CIs hand over unset options as empty text.
    pub fn read(
        specs: &'static [OptionSpec],
        lookup: impl Fn(&str) -> Option<String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let present =
            |value: Option<String>| value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let mut given = Vec::new();
        for spec in specs {
            let own =
                present(lookup(spec.name)).map(|value| Given { name: spec.name, value, under: spec.name.to_owned() });
            let value = own.or_else(|| {
                let alias = spec.alias?;
                present(environment(alias)).map(|value| Given { name: spec.name, value, under: alias.to_owned() })
            });
            given.extend(value);
        }
        Self { specs, given, problems: Vec::new(), strangers: Vec::new(), common: Vec::new() }
    }

    /// Takes an option under the name that it has at all entries as well. It wins over a variable, as
    /// the option's own name does.
    pub fn also(&mut self, name: &'static str, common: &'static str, value: Option<String>) {
        self.common.push(common);
        let Some(value) = value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()) else { return };
        if self.own_text(name).is_some() {
            self.problems.push(set_twice(name, common));
        }
        self.given.retain(|given| given.name != name);
        self.given.push(Given { name, value, under: common.to_owned() });
    }

    /// Remembers that an option was given by its common name.
    pub fn by_common_name(&mut self, name: &'static str, common: &'static str) {
        self.common.push(common);
        for given in self.given.iter_mut().filter(|given| given.name == name && given.under == name) {
            given.under = common.to_owned();
        }
    }

    /// Another variable to read when neither the option nor its alias is given.
    pub fn fall_back(&mut self, name: &'static str, variable: &str, value: Option<&str>) {
        if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty() && !self.has(name)) {
            self.given.push(Given { name, value: value.to_owned(), under: variable.to_owned() });
        }
    }

    /// Reports names that nobody declared. A near miss of an option is an error, since running
    /// without the option that was meant could be worse than not running.
    pub fn check_names(&mut self, names: impl IntoIterator<Item = String>) {
        for name in names {
            if self.specs.iter().any(|spec| spec.name == name) || self.common.iter().any(|common| *common == name) {
                continue;
            }
            match nearest(&name, self.specs.iter().map(|spec| spec.name)) {
                Some(meant) => self.problems.push(
                    Diagnostic::new(Code::OptionUnknown, format!("there is no option `{name}`"))
                        .fact("nearest", meant)
                        .fix(format!("write `{meant}`, or remove `{name}`")),
                ),
                None => self.strangers.push(name),
            }
        }
    }

    #[must_use]
    pub fn strangers(&self) -> &[String] {
        &self.strangers
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The raw text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.find(name).map(|given| given.value.as_str())
    }

    /// The raw text if it was given under the option's own name, not by a variable.
    #[must_use]
    pub fn own_text(&self, name: &str) -> Option<&str> {
        self.find(name).filter(|given| given.under == name).map(|given| given.value.as_str())
    }

    /// The option's value as `parse` understands it. `None` when absent or wrong; the latter is a
    /// problem on record.
    pub fn parse<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, ValueFault>) -> Option<T> {
        let given = self.find(name)?.clone();
        match parse(&given.value) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.problems.push(self.invalid(name, &given, &fault));
                None
            }
        }
    }

    /// Like [`Options::parse`]; that it is absent is a problem as well.
    pub fn require<T>(
        &mut self,
        name: &'static str,
        example: &str,
        parse: impl FnOnce(&str) -> Result<T, ValueFault>,
    ) -> Option<T> {
        if !self.has(name) {
            let alias = self.specs.iter().find(|spec| spec.name == name).and_then(|spec| spec.alias);
            let mut diagnostic = Diagnostic::new(Code::OptionMissing, format!("`{name}` is not set"))
                .fix(format!("add `{}`", written(name, example)));
            if let Some(alias) = alias {
                diagnostic = diagnostic.fix(format!("or set the environment variable `{alias}`"));
            }
            self.problems.push(diagnostic);
        }
        self.parse(name, parse)
    }

    /// A switch. `true` and `false` in lower case, upper case or capitalised, as YAML 1.2 has them.
    pub fn switch(&mut self, name: &'static str) -> Option<bool> {
        self.parse(name, |text| match text {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            _ => Err(ValueFault::new("is neither `true` nor `false`", "true")),
        })
    }

    pub fn problem(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    #[must_use]
    pub fn into_problems(self) -> Vec<Diagnostic> {
        self.problems
    }

    fn find(&self, name: &str) -> Option<&Given> {
        self.given.iter().find(|given| given.name == name)
    }

    fn invalid(&self, name: &str, given: &Given, fault: &ValueFault) -> Diagnostic {
        let secret = self.specs.iter().any(|spec| spec.name == name && spec.secret);
        let by_option = given.under == name || self.common.iter().any(|common| *common == given.under);
        let name = if by_option { given.under.as_str() } else { name };
        let mut diagnostic = Diagnostic::new(Code::OptionInvalid, format!("`{name}` {}", fault.problem));
        if !secret {
            diagnostic = diagnostic.fact("value", format!("\"{}\"", given.value));
        }
        if !by_option {
            diagnostic = diagnostic.fact("set by", format!("the environment variable `{}`", given.under));
        }
        let example = fault.hint.as_ref().unwrap_or(&fault.example);
        diagnostic.fix(format!("for example `{}`", written(name, example)))
    }
}

/// Two spellings of the same option, both with a value.
fn set_twice(one: &str, other: &str) -> Diagnostic {
    Diagnostic::new(Code::OptionConflict, format!("`{one}` and `{other}` are the same option")).fix("keep one of them")
}

/// An option as people write it: in YAML, or in a command line.
#[must_use]
pub fn written(name: &str, value: &str) -> String {
    if name.starts_with('-') { format!("{name} {value}") } else { format!("{name}: {value}") }
}
