//! Where the credentials of a profile come from: a source, and the roles that are assumed from it.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html>
//!
//! The order in which a profile's options count is botocore's. What needs a person, a second factor or
//! a browser, is refused by name: a CI job has none.

use std::fmt;

use super::{Profiles, Section, words};
use crate::aws::credentials::{Credentials, CredentialsFault};
use crate::values::{RoleArn, SessionDuration, SessionName, ValueFault};

/// How to come by the credentials of a profile. It has no `Debug`, since it may hold secrets.
pub struct Chain {
    pub source: Source,
    /// The first is assumed with the source's credentials, the last is the profile's own role.
    pub hops: Vec<Hop>,
}

/// Where the first credentials come from.
pub enum Source {
    /// A program that prints them, with its arguments. It is started without a shell.
    Command(Vec<String>),
    Container,
    Environment,
    InstanceMetadata,
    Keys(Credentials),
    WebIdentity(WebIdentity),
}

/// A role in exchange for the token in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebIdentity {
    pub token_file: String,
    pub role: RoleArn,
    pub session_name: Option<SessionName>,
}

/// One role to assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    pub profile: String,
    pub role: RoleArn,
    pub session_name: Option<SessionName>,
    pub duration: Option<SessionDuration>,
    pub external_id: Option<String>,
}

/// Why a profile gives no credentials. It never holds a secret.
#[derive(Debug, PartialEq, Eq)]
pub struct ProfileFault {
    pub profile: String,
    pub problem: ProfileProblem,
}

#[derive(Debug, PartialEq, Eq)]
pub enum ProfileProblem {
    /// Both `source_profile` and `credential_source`.
    BothSources,
    /// `credential_process` has a quote that is not closed, or no program.
    Command,
    /// Keys that are none.
    Credentials(CredentialsFault),
    /// `login_session`: a sign-in with a browser.
    Login,
    /// The profiles name each other, in this order.
    Loop {
        profiles: Vec<String>,
    },
    /// `mfa_serial`: somebody would have to type a code.
    Mfa {
        serial: String,
    },
    /// `role_arn` without `source_profile` or `credential_source`.
    NoSource,
    /// Nothing in it says where credentials come from.
    NoCredentials,
    NotFound {
        named_by: Option<String>,
    },
    /// A sign-in with a browser.
    Sso,
    /// A `credential_source` that AWS does not have.
    UnknownSource {
        source: String,
    },
    Value {
        key: &'static str,
        fault: ValueFault,
    },
}

impl fmt::Display for ProfileFault {
    /// A sentence without a full stop. Names in it are the file's, and may be anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profile = &self.profile;
        match &self.problem {
            ProfileProblem::BothSources => {
                write!(f, "profile `{profile}` has both `source_profile` and `credential_source`")
            }
            ProfileProblem::Command => {
                write!(f, "`credential_process` of profile `{profile}` names no program, or has a quote left open")
            }
            ProfileProblem::Credentials(fault) => write!(f, "in profile `{profile}` {fault}"),
            ProfileProblem::Login => {
                write!(f, "profile `{profile}` takes a sign-in with a browser (`login_session`), which no job can do")
            }
            ProfileProblem::Loop { profiles } => {
                write!(f, "`source_profile` leads in a circle: {}, {profile}", profiles.join(", "))
            }
            ProfileProblem::Mfa { serial } => write!(
                f,
                "profile `{profile}` takes the code of a second factor (`mfa_serial = {serial}`), which no job can type"
            ),
            ProfileProblem::NoCredentials => write!(f, "profile `{profile}` does not say where credentials come from"),
            ProfileProblem::NoSource => {
                write!(f, "profile `{profile}` has `role_arn`, but neither `source_profile` nor `credential_source`")
            }
            ProfileProblem::NotFound { named_by: None } => write!(f, "there is no profile `{profile}`"),
            ProfileProblem::NotFound { named_by: Some(other) } => {
                write!(f, "there is no profile `{profile}`, which `source_profile` of profile `{other}` names")
            }
            ProfileProblem::Sso => {
                write!(
                    f,
                    "profile `{profile}` takes a sign-in with a browser (IAM Identity Center), which no job can do"
                )
            }
            ProfileProblem::UnknownSource { source } => write!(
                f,
                "profile `{profile}` has `credential_source = {source}`; there are `Environment`, `EcsContainer` \
                 and `Ec2InstanceMetadata`"
            ),
            ProfileProblem::Value { key, fault } => {
                write!(f, "`{key}` of profile `{profile}` {}", fault.problem)
            }
        }
    }
}

impl Profiles {
    /// The chain of roles that ends in this profile.
    ///
    /// # Errors
    /// Names the profile that keeps it from being one.
    pub fn chain(&self, name: &str) -> Result<Chain, ProfileFault> {
        let mut hops = Vec::new();
        let mut visited = vec![name.to_owned()];
        let mut named_by = None;
        loop {
            // The last one visited; there is always one.
            let current = visited.last().map_or("", String::as_str);
            let fault = |problem| ProfileFault { profile: current.to_owned(), problem };
            let profile =
                self.get(current).ok_or_else(|| fault(ProfileProblem::NotFound { named_by: named_by.take() }))?;
            let assumes = profile.has("role_arn") && !profile.has("web_identity_token_file");
            // Keys count before the role in a profile that is a source, and in no other.
            if !assumes || (!hops.is_empty() && has_keys(profile)) {
                hops.reverse();
                let source = self.source(current, profile).map_err(fault)?;
                return Ok(Chain { source, hops });
            }
            if let Some(serial) = profile.text("mfa_serial") {
                return Err(fault(ProfileProblem::Mfa { serial: serial.to_owned() }));
            }
            hops.push(hop(current, profile).map_err(fault)?);
            let next = match (profile.text("source_profile"), profile.text("credential_source")) {
                (Some(_), Some(_)) => return Err(fault(ProfileProblem::BothSources)),
                (None, None) => return Err(fault(ProfileProblem::NoSource)),
                (None, Some(source)) => {
                    hops.reverse();
                    return Ok(Chain { source: named(source).map_err(fault)?, hops });
                }
                (Some(next), None) => next.to_owned(),
            };
            // A profile may be its own source, for the keys in it.
            let own_keys = next == current && has_keys(profile);
            if visited.contains(&next) && !own_keys {
                return Err(ProfileFault { profile: next, problem: ProfileProblem::Loop { profiles: visited } });
            }
            named_by = Some(current.to_owned());
            visited.push(next);
        }
    }

    /// The region of a profile. It counts for the profile itself, not for one that it is a source of.
    #[must_use]
    pub fn region(&self, name: &str) -> Option<&str> {
        self.get(name)?.text("region").filter(|region| !region.is_empty())
    }

    /// What a profile gives without assuming a role by signature, in botocore's order.
    fn source(&self, name: &str, profile: &Section) -> Result<Source, ProfileProblem> {
        if let Some(token_file) = profile.text("web_identity_token_file").filter(|path| !path.is_empty()) {
            return Ok(Source::WebIdentity(WebIdentity {
                token_file: token_file.to_owned(),
                role: role(profile)?,
                session_name: session_name(profile)?,
            }));
        }
        if profile.has("sso_role_name") || profile.has("sso_account_id") {
            return Err(ProfileProblem::Sso);
        }
        if let Some(keys) = self.credentials.get(name).and_then(keys) {
            return keys.map(Source::Keys);
        }
        if profile.has("login_session") {
            return Err(ProfileProblem::Login);
        }
        if let Some(command) = profile.text("credential_process") {
            let words = words::split(command).filter(|words| words.first().is_some_and(|program| !program.is_empty()));
            return words.map(Source::Command).ok_or(ProfileProblem::Command);
        }
        if let Some(keys) = self.config.get(name).and_then(keys) {
            return keys.map(Source::Keys);
        }
        Err(ProfileProblem::NoCredentials)
    }
}

fn named(source: &str) -> Result<Source, ProfileProblem> {
    match source {
        "Ec2InstanceMetadata" => Ok(Source::InstanceMetadata),
        "EcsContainer" => Ok(Source::Container),
        "Environment" => Ok(Source::Environment),
        _ => Err(ProfileProblem::UnknownSource { source: source.to_owned() }),
    }
}

/// Either of them is enough to say that keys are meant.
fn has_keys(profile: &Section) -> bool {
    profile.has("aws_access_key_id") || profile.has("aws_secret_access_key")
}

/// The older name of the token counts first, as in botocore.
fn keys(section: &Section) -> Option<Result<Credentials, ProfileProblem>> {
    let id = section.text("aws_access_key_id")?;
    let secret = section.text("aws_secret_access_key").unwrap_or_default();
    let token = section.text("aws_security_token").or_else(|| section.text("aws_session_token"));
    Some(Credentials::parse(id, secret, token).map_err(ProfileProblem::Credentials))
}

fn hop(name: &str, profile: &Section) -> Result<Hop, ProfileProblem> {
    let duration = profile.text("duration_seconds").map(SessionDuration::parse).transpose();
    let external_id = profile.text("external_id").map(ToOwned::to_owned);
    Ok(Hop {
        profile: name.to_owned(),
        role: role(profile)?,
        session_name: session_name(profile)?,
        duration: duration.map_err(|fault| ProfileProblem::Value { key: "duration_seconds", fault })?,
        external_id,
    })
}

fn role(profile: &Section) -> Result<RoleArn, ProfileProblem> {
    let text = profile.text("role_arn").unwrap_or_default();
    RoleArn::parse(text).map_err(|fault| ProfileProblem::Value { key: "role_arn", fault })
}

fn session_name(profile: &Section) -> Result<Option<SessionName>, ProfileProblem> {
    let name = profile.text("role_session_name").map(SessionName::parse).transpose();
    name.map_err(|fault| ProfileProblem::Value { key: "role_session_name", fault })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "role_arn = arn:aws:iam::123456789012:role/a";
    const B: &str = "role_arn = arn:aws:iam::123456789012:role/b";
    const KEYS: &str = "aws_access_key_id = AKIA\naws_secret_access_key = secret";

    fn chain(config: &str, credentials: &str) -> Result<Chain, ProfileFault> {
        Profiles::read(Some(config), Some(credentials)).ok().unwrap().chain("a")
    }

    /// The source's name, then the roles' profiles.
    fn shape(config: &str, credentials: &str) -> Result<String, ProfileProblem> {
        let Chain { source, hops } = chain(config, credentials).map_err(|fault| fault.problem)?;
        let mut shape = match source {
            Source::Command(words) => format!("command {}", words.join("|")),
            Source::Container => "container".to_owned(),
            Source::Environment => "environment".to_owned(),
            Source::InstanceMetadata => "instance".to_owned(),
            Source::Keys(keys) => format!("keys {}", keys.access_key_id.expose()),
            Source::WebIdentity(web) => format!("token {}", web.token_file),
        };
        for hop in hops {
            shape.extend([" > ", &hop.profile]);
        }
        Ok(shape)
    }

    #[test]
    fn chains_lead_to_their_source() {
        let other = "[b]\naws_access_key_id = AKIB\naws_secret_access_key = s\naws_session_token = t\n";
        for (config, credentials, expected) in [
            (String::new(), format!("[a]\n{KEYS}"), "keys AKIA"),
            (format!("[profile a]\n{KEYS}"), String::new(), "keys AKIA"),
            (format!("[profile a]\n{A}\nsource_profile = b"), other.to_owned(), "keys AKIB > a"),
            (format!("[profile a]\n{A}\nsource_profile = a\n{KEYS}"), String::new(), "keys AKIA > a"),
            (
                format!("[profile a]\n{A}\nsource_profile=b\n[profile b]\n{B}\nsource_profile=c\n[profile c]\n{KEYS}"),
                String::new(),
                "keys AKIA > b > a",
            ),
            // Keys in a source count before its role.
            (format!("[profile a]\n{A}\nsource_profile=b\n[profile b]\n{B}"), other.to_owned(), "keys AKIB > a"),
            (format!("[profile a]\n{A}\ncredential_source = Environment"), String::new(), "environment > a"),
            (format!("[profile a]\n{A}\ncredential_source = EcsContainer"), String::new(), "container > a"),
            (format!("[profile a]\n{A}\ncredential_source = Ec2InstanceMetadata"), String::new(), "instance > a"),
            (format!("[profile a]\n{A}\nweb_identity_token_file = /t"), String::new(), "token /t"),
            (
                format!("[profile a]\n{A}\nsource_profile=b\n[profile b]\n{B}\nweb_identity_token_file=/t"),
                String::new(),
                "token /t > a",
            ),
            ("[profile a]\ncredential_process = x 'y z'".to_owned(), String::new(), "command x|y z"),
            (format!("[profile a]\ncredential_process = x\n{KEYS}"), String::new(), "command x"),
            ("[profile a]\ncredential_process = x".to_owned(), format!("[a]\n{KEYS}"), "keys AKIA"),
        ] {
            assert_eq!(shape(&config, &credentials), Ok(expected.to_owned()), "{config}\n{credentials}");
        }
    }

    #[test]
    fn a_hop_has_its_own_settings() {
        let config = format!(
            "[profile a]\n{A}\nsource_profile = a\n{KEYS}\nexternal_id = x\nduration_seconds = 900\n\
             role_session_name = me\nregion = eu-west-1\n"
        );
        let hops = chain(&config, "").ok().unwrap().hops;
        let [hop] = hops.as_slice() else { panic!("one hop") };
        assert_eq!(hop.external_id.as_deref(), Some("x"));
        assert_eq!(hop.duration.map(SessionDuration::seconds), Some(900));
        assert_eq!(hop.session_name.as_ref().map(SessionName::as_str), Some("me"));
        let profiles = Profiles::read(Some(&config), None).ok().unwrap();
        assert_eq!((profiles.region("a"), profiles.region("b")), (Some("eu-west-1"), None));
    }

    #[test]
    fn what_leads_nowhere_is_named() {
        let circle = format!("[profile a]\n{A}\nsource_profile=b\n[profile b]\n{B}\nsource_profile=a");
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        for (config, profile, problem) in [
            (String::new(), "a", ProfileProblem::NotFound { named_by: None }),
            ("[profile a]".to_owned(), "a", ProfileProblem::NoCredentials),
            (format!("[profile a]\n{A}"), "a", ProfileProblem::NoSource),
            (
                format!("[profile a]\n{A}\nsource_profile=b\ncredential_source=Environment"),
                "a",
                ProfileProblem::BothSources,
            ),
            (
                format!("[profile a]\n{A}\nsource_profile=b"),
                "b",
                ProfileProblem::NotFound { named_by: Some("a".to_owned()) },
            ),
            (circle, "a", ProfileProblem::Loop { profiles: names(&["a", "b"]) }),
            (format!("[profile a]\n{A}\nsource_profile=a"), "a", ProfileProblem::Loop { profiles: names(&["a"]) }),
            (
                format!("[profile a]\n{A}\ncredential_source=environment"),
                "a",
                ProfileProblem::UnknownSource { source: "environment".to_owned() },
            ),
            (
                format!("[profile a]\n{A}\nsource_profile=a\n{KEYS}\nmfa_serial=arn:x"),
                "a",
                ProfileProblem::Mfa { serial: "arn:x".to_owned() },
            ),
            ("[profile a]\nsso_account_id=1".to_owned(), "a", ProfileProblem::Sso),
            ("[profile a]\nlogin_session=x".to_owned(), "a", ProfileProblem::Login),
            ("[profile a]\ncredential_process='x".to_owned(), "a", ProfileProblem::Command),
            ("[profile a]\ncredential_process=".to_owned(), "a", ProfileProblem::Command),
        ] {
            let fault = chain(&config, "").err().unwrap();
            assert_eq!(fault, ProfileFault { profile: profile.to_owned(), problem }, "{config}");
            assert!(fault.to_string().contains(&format!("`{profile}`")) || fault.to_string().ends_with(profile));
        }
    }

    #[test]
    fn values_are_checked_with_the_options_name() {
        for (line, key) in [
            ("role_arn = deploy", "role_arn"),
            ("role_arn =", "role_arn"),
            ("role_arn = arn:aws:iam::123456789012:role/a\nduration_seconds = 1", "duration_seconds"),
            ("role_arn = arn:aws:iam::123456789012:role/a\nrole_session_name = a/b", "role_session_name"),
        ] {
            let fault = chain(&format!("[profile a]\n{line}\ncredential_source = Environment"), "").err().unwrap();
            assert!(matches!(fault.problem, ProfileProblem::Value { key: found, .. } if found == key), "{line}");
        }
        let fault = chain("", "[a]\naws_access_key_id = AKIA").err().unwrap();
        assert_eq!(fault.to_string(), "in profile `a` the secret access key is missing or empty");
    }
}
