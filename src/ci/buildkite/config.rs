//! The plugin's configuration, as the agent hands it over: one JSON object, whatever the plugin's
//! folder is called. Each value is turned into the text that options are read from.

use serde_json::{Map, Value};

use super::table::{OPTIONS, PluginOption, Shape};
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::Environment;
use crate::names;
use crate::pairs::Pairs;
use crate::text::nearest;

pub(super) const CONFIGURATION: &str = "BUILDKITE_PLUGIN_CONFIGURATION";
/// Far more than a pipeline's step can hold.
const LARGEST: usize = 1024 * 1024;

/// Options as text, and all that is wrong with their form.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Config {
    pub options: Pairs,
    /// The entries of `roles`, without what they take from `options`.
    pub roles: Vec<Pairs>,
    pub problems: Vec<Diagnostic>,
    /// Options whose values are among the problems, so that they do not count as absent.
    pub misshapen: Vec<&'static str>,
    /// Options that were given by their common names: those of the table, and these.
    pub common: Vec<(&'static str, &'static str)>,
}

impl Config {
    /// # Errors
    /// When there is no configuration to speak of.
    pub fn read(env: &Environment) -> Result<Self, Diagnostic> {
        let Some(text) = env.get(CONFIGURATION) else {
            return Err(not_handed_over(env));
        };
        Self::parse(text)
    }

    /// # Errors
    /// When the text is no JSON object.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        let unreadable = |reason: String| {
            Diagnostic::new(Code::OptionInvalid, format!("{CONFIGURATION} is not a JSON object"))
                .fact("reason", reason)
                .fix("it is set by the agent; something has replaced it")
        };
        if text.len() > LARGEST {
            return Err(unreadable(format!("it has more than {LARGEST} bytes")));
        }
        let Value::Object(members) = serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))? else {
            return Err(unreadable("it is another kind of value".to_owned()));
        };
        let mut config = Self::default();
        config.options = config.mapping(&members, "", |_| true);
        Ok(config)
    }

    /// `place` is empty, or says where the mapping is.
    fn mapping(&mut self, members: &Map<String, Value>, place: &str, allowed: fn(&PluginOption) -> bool) -> Pairs {
        let mut options = Pairs::default();
        for (key, value) in members {
            // The agent takes `role_arn` for `role-arn`, and so do people who come from other plugins.
            let name = key.trim().to_ascii_lowercase().replace(['_', ' '], "-");
            let shown = format!("{place}{key}");
            let known = OPTIONS.iter().filter(|option| allowed(option));
            let common = names::renamed(names::buildkite).find(|(_, common)| *common == name);
            let own = common.map_or(name.as_str(), |(own, _)| own);
            let Some(option) = known.clone().find(|option| option.spec.name == own) else {
                let unknown = Diagnostic::new(Code::OptionUnknown, format!("there is no option `{shown}`"));
                self.problems.push(match nearest(&name, known.map(|option| option.spec.name)) {
                    Some(meant) => unknown.fact("nearest", meant).fix(format!("write `{meant}`, or remove `{shown}`")),
                    None if OPTIONS.iter().any(|option| option.spec.name == name) => {
                        unknown.fix(format!("`{name}` is for all roles: set it beside `roles`"))
                    }
                    None => unknown.fix(format!("remove `{shown}`")),
                });
                continue;
            };
            if options.get(option.spec.name).is_some() {
                self.problems.push(
                    Diagnostic::new(Code::OptionConflict, format!("`{place}{own}` is set twice, in two spellings"))
                        .fix("keep one of them"),
                );
            } else if option.shape == Shape::Roles {
                self.roles(value);
            } else {
                match text(option, value) {
                    Ok(Some(text)) => {
                        options.push(option.spec.name.to_owned(), text);
                        self.common.extend(common);
                    }
                    Ok(None) => {}
                    Err(fault) => {
                        self.problems.push(fault.diagnostic(&shown, option));
                        self.misshapen.push(option.spec.name);
                    }
                }
            }
        }
        options
    }

    fn roles(&mut self, value: &Value) {
        let example = "- role-arn: arn:aws:iam::123456789012:role/deploy\n  credential-name-prefix: PROD_";
        let wrong = |headline: String| {
            Diagnostic::new(Code::OptionInvalid, headline).fix("make it a list of mappings").paste(
                "such as, under `roles:`",
                "yaml",
                example,
            )
        };
        let Some(entries) = value.as_array().filter(|entries| !entries.is_empty()) else {
            self.problems.push(wrong("`roles` is not a list with at least one entry".to_owned()));
            return;
        };
        for (number, entry) in entries.iter().enumerate() {
            match entry.as_object() {
                Some(members) => {
                    let role = self.mapping(members, &format!("roles[{number}]."), |option| option.of_role);
                    self.roles.push(role);
                }
                None => {
                    self.problems.push(wrong(format!("`roles[{number}]` is not a mapping")));
                    self.roles.push(Pairs::default()); // so that those after it keep their numbers
                }
            }
        }
    }
}

/// What is wrong with the form of a value.
enum FormFault {
    Null,
    /// One value where several belong.
    NotAList,
    /// Several values, or a mapping, where one belongs.
    NotOne,
    /// An entry of a list.
    Entry,
    NotAChoice(String),
}

impl FormFault {
    fn diagnostic(&self, shown: &str, option: &PluginOption) -> Diagnostic {
        let invalid = |problem: &str| Diagnostic::new(Code::OptionInvalid, format!("`{shown}` {problem}"));
        match self {
            Self::Null => invalid("is null: the pipeline has a key without a value")
                .fix(format!("give `{shown}` a value, or remove it")),
            Self::NotAList => invalid("is one value where a list belongs").fix("make it a list").paste(
                "such as",
                "yaml",
                &format!("{}:\n  - value", option.spec.name),
            ),
            Self::NotOne => invalid("is a list or a mapping where one value belongs").fix("give one value"),
            Self::Entry => invalid("has an entry that is no text").fix("list texts, each on a line with a dash"),
            Self::NotAChoice(value) => {
                let choices = choices(option);
                invalid("has a value that does not exist")
                    .fact("value", format!("\"{value}\""))
                    .fact_if("nearest", nearest(value, choices.iter().copied()))
                    .fix(format!("use one of {}", crate::text::listed(choices)))
            }
        }
    }
}

fn choices(option: &PluginOption) -> &'static [&'static str] {
    match option.shape {
        Shape::Choice(choices) => choices,
        _ => &[],
    }
}

/// The value as the text that options are read from. `None`: as good as absent.
fn text(option: &PluginOption, value: &Value) -> Result<Option<String>, FormFault> {
    let choices = choices(option);
    let one = |value: &Value| match value {
        // The hooks compare some of the choices as well, and they do not trim.
        Value::String(text) if !choices.is_empty() => Some(text.clone()),
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    };
    if value.is_null() {
        return Err(FormFault::Null);
    }
    let text = match (option.shape, value) {
        (Shape::List, Value::Array(entries)) => {
            let entries: Option<Vec<String>> = entries.iter().map(one).collect();
            let entries = entries.ok_or(FormFault::Entry)?;
            entries.into_iter().filter(|entry| !entry.is_empty()).collect::<Vec<_>>().join("\n")
        }
        (Shape::List, _) => return Err(FormFault::NotAList),
        (Shape::Policy | Shape::Tags, Value::Object(_)) | (Shape::Chain, Value::Array(_)) => value.to_string(),
        (Shape::Chain, _) => return Err(FormFault::NotAList),
        _ => one(value).ok_or(FormFault::NotOne)?,
    };
    if !text.is_empty() && !choices.is_empty() && !choices.contains(&text.as_str()) {
        return Err(FormFault::NotAChoice(text));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// The usual reason for a hook without a configuration: the agent converts it as a whole, and one
/// null makes it give up with no more than a warning.
fn not_handed_over(env: &Environment) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::OptionMissing, "the agent did not hand over the configuration of this plugin");
    let nulls = nulls_in_pipeline(env.get("BUILDKITE_PLUGINS").unwrap_or_default());
    let diagnostic = match nulls.as_slice() {
        [] => diagnostic
            .cause(format!("this is not a hook of a Buildkite job: {CONFIGURATION} is not set"))
            .cause("the configuration has a key without a value: then the agent hands over nothing of it"),
        nulls => diagnostic
            .fact("without a value", nulls.join(", "))
            .cause("the configuration has a key without a value: then the agent hands over nothing of it"),
    };
    diagnostic.fix("give every key under the plugin a value, or remove it")
}

/// Where the plugins of the step have a null: `source: key`.
fn nulls_in_pipeline(plugins: &str) -> Vec<String> {
    let plugins = if plugins.len() > LARGEST { "" } else { plugins };
    let plugins: Value = serde_json::from_str(plugins).unwrap_or_default();
    let mut found = Vec::new();
    for (source, config) in plugins.as_array().into_iter().flatten().filter_map(Value::as_object).flatten() {
        for (key, value) in config.as_object().into_iter().flatten() {
            if has_null(value) {
                found.push(format!("{source}: {key}"));
            }
        }
    }
    found
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(entries) => entries.iter().any(has_null),
        Value::Object(members) => members.values().any(has_null),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problems(text: &str) -> Vec<String> {
        Config::parse(text).unwrap().problems.iter().map(|problem| problem.headline.as_str().to_owned()).collect()
    }

    #[test]
    fn values_become_text() {
        let config = Config::parse(
            r#"{"role_arn":"a","role-session-duration":900,"session-tags":["x"," y ","",3],"annotate":true,
                "inline-session-policy":{"Version":"2012-10-17"},"region":"  ","hook":"pre-command"}"#,
        )
        .unwrap();
        assert_eq!(config.problems, []);
        for (name, text) in [
            ("role-arn", "a"),
            ("role-session-duration", "900"),
            ("session-tags", "x\ny\n3"),
            ("annotate", "true"),
            ("inline-session-policy", r#"{"Version":"2012-10-17"}"#),
            ("hook", "pre-command"),
        ] {
            assert_eq!(config.options.get(name), Some(text), "{name}");
        }
        assert_eq!(config.options.iter().count(), 6);
    }

    #[test]
    fn forms_that_cannot_be_are_named() {
        for (text, problem) in [
            (r#"{"role-arn":null}"#, "`role-arn` is null: the pipeline has a key without a value"),
            (r#"{"session-tags":"a"}"#, "`session-tags` is one value where a list belongs"),
            (r#"{"session-tags":[["a"]]}"#, "`session-tags` has an entry that is no text"),
            (r#"{"session-tags":[null]}"#, "`session-tags` has an entry that is no text"),
            (r#"{"role-arn":["a"]}"#, "`role-arn` is a list or a mapping where one value belongs"),
            (r#"{"hook":"post-command"}"#, "`hook` has a value that does not exist"),
            (r#"{"hook":" pre-command"}"#, "`hook` has a value that does not exist"),
            (r#"{"hook":" "}"#, "`hook` has a value that does not exist"),
            (r#"{"role-anr":"a"}"#, "there is no option `role-anr`"),
            (r#"{"colour":"a"}"#, "there is no option `colour`"),
            (r#"{"role-arn":"a","role_arn":"b"}"#, "`role-arn` is set twice, in two spellings"),
            (r#"{"role-session-name":"a","session_name":"b"}"#, "`role-session-name` is set twice, in two spellings"),
            (
                r#"{"roles":[{"session-name":null}]}"#,
                "`roles[0].session-name` is null: the pipeline has a key without a value",
            ),
            (r#"{"sesion-name":"a"}"#, "there is no option `sesion-name`"),
            (r#"{"roles":{}}"#, "`roles` is not a list with at least one entry"),
            (r#"{"roles":[]}"#, "`roles` is not a list with at least one entry"),
            (r#"{"roles":["a"]}"#, "`roles[0]` is not a mapping"),
            (r#"{"roles":[{"hook":"environment"}]}"#, "there is no option `roles[0].hook`"),
            (r#"{"roles":[{"region":null}]}"#, "`roles[0].region` is null: the pipeline has a key without a value"),
        ] {
            assert_eq!(problems(text), [problem], "{text}");
        }
        for text in ["", "[]", "{", "null"] {
            assert!(Config::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_null_is_found_in_the_pipeline() {
        let plugins = r#"["a#v1",{"b#v1":null},{"/x/aws#v2":{"role-arn":"a","region":null,"l":[1,{"k":null}]}}]"#;
        assert_eq!(nulls_in_pipeline(plugins), ["/x/aws#v2: l", "/x/aws#v2: region"]);
        assert!(nulls_in_pipeline("{").is_empty());
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC*", key in "[a-z_-]{0,12}", value in "[\\[\\]{}\",:0-9a-z ]{0,24}") {
            let _ = Config::parse(&text);
            let _ = Config::parse(&format!("{{\"{key}\":{value}}}"));
            let _ = nulls_in_pipeline(&text);
        }
    }
}
