//! Credentials as text, for shells and programs that are not the CI's.

use serde_json::json;

use crate::aws::credentials::{Credentials, Identity};
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::Environment;
use crate::exchange::Exchanged;
use crate::handover::plan::credential_variables;
use crate::handover::process::ProcessCredentials;
use crate::pairs::Pairs;
use crate::run::Run;
use crate::settings::{RoleSettings, Settings};
use crate::shell;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `export NAME='value'`, for a POSIX shell to evaluate.
    Env,
    /// One object with the variables, and what is known of the session.
    Json,
    /// `NAME="value"`, for readers of `.env` files and dotenv reports.
    Dotenv,
    PowerShell,
    /// Entries of the files behind `GITHUB_ENV` and its like.
    GitHub,
    /// A section of the AWS credentials file.
    Profile,
    /// What AWS tools expect of a `credential_process`.
    Process,
}

impl Format {
    /// What `--format` and `--output` say.
    ///
    /// # Errors
    /// When there is an output without a format.
    pub fn chosen(env: &Environment) -> Result<Option<(Self, Option<String>)>, Diagnostic> {
        let get = |flag: &str, variable: &str| env.get(flag).or_else(|| env.get(variable)).map(str::to_owned);
        let output = get("--output", "CI_ASSUME_ROLE_OUTPUT");
        let format = match get("--format", "CI_ASSUME_ROLE_FORMAT").as_deref() {
            None if output.is_some() => {
                return Err(Diagnostic::new(Code::OptionConflict, "`--output` has no effect without `--format`")
                    .fix("add `--format env`, or another one"));
            }
            None => return Ok(None),
            Some("env") => Self::Env,
            Some("json") => Self::Json,
            Some("dotenv") => Self::Dotenv,
            Some("powershell") => Self::PowerShell,
            Some("github") => Self::GitHub,
            Some("profile") => Self::Profile,
            Some("process") => Self::Process,
            Some(other) => {
                return Err(Diagnostic::new(Code::OptionInvalid, "`--format` has a value that does not exist")
                    .fact("value", other)
                    .fix(format!("use one of {}", crate::text::listed(super::table::FORMATS))));
            }
        };
        Ok(Some((format, output)))
    }

    /// # Errors
    /// When a value cannot be written in this form.
    pub fn of(self, run: &Run, settings: &Settings, exchanged: &[Exchanged]) -> Result<String, Diagnostic> {
        let sessions: Vec<_> = settings.roles.iter().zip(exchanged.iter().map(|one| &one.identity)).collect();
        if let (Self::Process, [_, _, ..]) = (self, sessions.as_slice()) {
            return Err(Diagnostic::new(
                Code::OptionConflict,
                "`--format process` has room for one role, not for several",
            )
            .fix("use `--format json`, or remove `--roles`"));
        }
        if let (Self::Json, [_, _, ..]) = (self, sessions.as_slice()) {
            let objects: Result<Vec<String>, Diagnostic> =
                sessions.iter().map(|(role, identity)| self.of_one(run, role, identity)).collect();
            return Ok(format!("[{}]", objects?.join(",")));
        }
        let texts: Result<String, Diagnostic> =
            sessions.iter().map(|(role, identity)| Ok(format!("{}\n", self.of_one(run, role, identity)?))).collect();
        Ok(texts?.trim_end_matches('\n').to_owned())
    }

    fn of_one(self, run: &Run, role: &RoleSettings, identity: &Identity) -> Result<String, Diagnostic> {
        let mut variables = credential_variables(run, role, identity);
        if let Some(region) = &role.region {
            variables.set("AWS_REGION", region.as_str());
            variables.set("AWS_DEFAULT_REGION", region.as_str());
        }
        let faulty = |(name, fault): (String, String)| {
            Diagnostic::new(Code::HandOverFailed, format!("{name} cannot be written in this form: {fault}"))
        };
        let text = match self {
            Self::Env => shell::exports(&variables).map_err(|(name, fault)| faulty((name, fault.to_string())))?,
            Self::Json => {
                let mut object = json!({
                    "account": identity.account,
                    "arn": identity.arn,
                    "expiration": identity.credentials.expiration.map(|end| end.to_string()),
                });
                for (name, value) in variables.iter() {
                    object[name] = value.into();
                }
                format!("{object}\n")
            }
            Self::Dotenv => dotenv(&variables).map_err(faulty)?,
            Self::PowerShell => powershell(&variables),
            Self::GitHub => github(run, &variables).map_err(faulty)?,
            Self::Profile => {
                let name = role.hand_over.profile.as_ref().map_or("default", |profile| profile.name.as_str());
                profile(name, role.region.as_ref().map(crate::values::Region::as_str), &identity.credentials)
            }
            Self::Process => format!("{}\n", ProcessCredentials::of(identity).to_json()),
        };
        Ok(text.trim_end_matches('\n').to_owned())
    }
}

/// Between double quotes, which all readers know; they differ in what is special inside, so that
/// nothing special is let in.
fn dotenv(variables: &Pairs) -> Result<String, (String, String)> {
    let mut text = String::new();
    for (name, value) in variables.iter() {
        if let Some(odd) = value.chars().find(|c| c.is_control() || "\"\\$`'".contains(*c)) {
            return Err((
                name.to_owned(),
                format!("dotenv files have no common way to write `{}`", odd.escape_debug()),
            ));
        }
        text.push_str(&format!("{name}=\"{value}\"\n"));
    }
    Ok(text)
}

/// Between single quotes nothing has a meaning but another one, which is doubled. PowerShell takes the
/// typographic ones for the same.
fn powershell(variables: &Pairs) -> String {
    let quoted = |value: &str| {
        let mut out = String::new();
        for c in value.chars() {
            if matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
                out.push(c);
            }
            out.push(c);
        }
        out
    };
    variables.iter().map(|(name, value)| format!("$env:{name} = '{}'\n", quoted(value))).collect()
}

fn github(run: &Run, variables: &Pairs) -> Result<String, (String, String)> {
    let mut text = String::new();
    for (name, value) in variables.iter() {
        let delimiter = format!("ghadelimiter_{}", run.channel.random_name());
        let entry = crate::ci::github::commands::file_entry(name, value, &delimiter)
            .map_err(|fault| (name.to_owned(), fault.to_string()))?;
        text.push_str(&entry);
    }
    Ok(text)
}

fn profile(name: &str, region: Option<&str>, credentials: &Credentials) -> String {
    let mut text = format!("[{name}]\n");
    let names = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];
    for (name, value) in names.iter().zip(credentials.secrets()) {
        text.push_str(&format!("{name} = {}\n", value.expose()));
    }
    if let Some(region) = region {
        text.push_str(&format!("region = {region}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: &str) -> Pairs {
        let mut variables = Pairs::default();
        variables.push("A".to_owned(), value.to_owned());
        variables
    }

    #[test]
    fn a_dotenv_value_is_plain_or_refused() {
        assert_eq!(dotenv(&one("a b/+=#")).unwrap(), "A=\"a b/+=#\"\n");
        for value in ["\"", "$x", "`", "\\", "a\nb", "it's"] {
            assert!(dotenv(&one(value)).is_err(), "{value:?}");
        }
    }

    #[test]
    fn powershell_takes_any_value() {
        assert_eq!(powershell(&one("it's $x `y` \"z\" ’")), "$env:A = 'it''s $x `y` \"z\" ’’'\n");
    }
}
