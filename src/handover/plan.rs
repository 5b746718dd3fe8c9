//! What is to be written for the sessions, worked out before the first byte is.

use super::record::{Record, Replaced};
use super::{process, profile};
use crate::aws::credentials::Identity;
use crate::change::Change;
use crate::ci::{AtTheEnd, Ci, ProfilePlace, Reminder};
use crate::diagnostic::Failure;
use crate::exchange::Exchanged;
use crate::pairs::Pairs;
use crate::run::{Run, apart};
use crate::secret::Secret;
use crate::settings::{ProfileKind, RoleSettings, Settings};
use crate::variables::{CREDENTIAL_VARIABLES, SHADOWING_KEYS, SHADOWING_PROFILE, is_credential};

/// What a hand-over consists of, before it is put in the manner of a CI.
#[derive(Default)]
pub struct Parts {
    /// Files to write, and on the record what to do about them at the end.
    pub files: Vec<Change>,
    pub record: Record,
    pub variables: Pairs,
    pub outputs: Pairs,
}

/// `prefix` starts the paths of all our files.
///
/// # Errors
/// When a profile cannot be written.
pub async fn parts(
    run: &Run,
    settings: &Settings,
    exchanged: &[Exchanged],
    place: ProfilePlace,
    more: Pairs,
    prefix: &str,
) -> Result<Parts, Failure> {
    let mut parts = Parts { variables: more, ..Parts::default() };
    let mut profiles: Option<profile::Profiles> = None;
    for (number, (role, Exchanged { identity, .. })) in settings.roles.iter().zip(exchanged).enumerate() {
        add_variables(run, settings, role, identity, &mut parts.variables);
        add_outputs(role, identity, &mut parts.outputs);
        let Some(profile) = &role.hand_over.profile else { continue };
        let body = match profile.kind {
            ProfileKind::Static => profile::Body::Static(&identity.credentials),
            ProfileKind::Process => {
                let (written, command) = process::changes(run, role, identity, number, prefix)?;
                for (path, text) in written {
                    parts.record.files.push(path.clone());
                    parts.files.push(Change::Write { path, text, before: None });
                }
                profile::Body::Process(command)
            }
        };
        if profiles.is_none() {
            profiles = Some(apart(profile::Profiles::read(run, place, prefix)).await?);
        }
        if let Some(profiles) = &mut profiles {
            profiles.add(run, role, profile, &body)?;
        }
    }
    if let Some(profiles) = profiles {
        parts.files.extend(profiles.into_changes(&mut parts.record, &mut parts.variables));
    }
    for (name, _) in parts.variables.iter().filter(|(name, _)| is_credential(name)) {
        run.mask(&Secret::new(run.env.get(name).unwrap_or_default()));
    }
    Ok(parts)
}

/// What the paths of all files of one hand-over start with.
pub fn prefix(run: &Run, folder: &str, mark: Option<&str>) -> String {
    let mark = mark.map(|mark| format!("{mark}-")).unwrap_or_default();
    format!("{folder}/{}-{mark}{}", crate::product::NAME, run.channel.random_name())
}

/// The record comes first, so that whatever is written after it can be cleaned up; the variables,
/// which make the credentials usable, come last.
pub(super) async fn changes(
    run: &Run,
    ci: &dyn Ci,
    settings: &Settings,
    exchanged: &[Exchanged],
    more: Pairs,
) -> Result<Vec<Change>, Failure> {
    let prefix = prefix(run, &ci.scratch(run), ci.mark(run).as_deref());
    let record_path = format!("{prefix}-record.json");
    let Parts { files, mut record, mut variables, outputs } =
        parts(run, settings, exchanged, ci.profile_place(), more, &prefix).await?;
    if ci.at_the_end() == AtTheEnd::TakesAllBack {
        for (name, value) in variables.iter() {
            let before = run.env.get(name).unwrap_or_default().to_owned();
            record.variables.push(Replaced { name: name.to_owned(), ours: value.to_owned(), before });
        }
    }

    let mut changes = Vec::new();
    let reminder = match ci.at_the_end() {
        _ if record.is_empty() => None,
        AtTheEnd::Nothing => None,
        AtTheEnd::RemovesFiles => Some(ci.remember(run, &prefix)?),
        AtTheEnd::TakesAllBack => Some(ci.remember(run, &record_path)?),
    };
    match reminder {
        Some(Reminder::Changes(reminder)) => changes.extend(reminder),
        Some(Reminder::Variable(name, value)) => variables.set(&name, &value),
        None => {}
    }
    if ci.at_the_end() == AtTheEnd::TakesAllBack && !record.is_empty() {
        changes.push(Change::Write { path: record_path, text: record.to_json(), before: None });
    }
    changes.extend(files);
    changes.extend(ci.outputs(run, &outputs)?);
    changes.extend(ci.exports(run, &variables).await?);
    Ok(changes)
}

/// The credentials as variables, by the names that they are to have. Keys of a user have no session
/// token, and one that is left over from others would spoil them.
#[must_use]
pub fn credential_variables(run: &Run, role: &RoleSettings, identity: &Identity) -> Pairs {
    let credentials = &identity.credentials;
    let token = credentials.session_token.as_ref().map(Secret::expose);
    let values = [Some(credentials.access_key_id.expose()), Some(credentials.secret_access_key.expose()), token];
    let mut variables = Pairs::default();
    for (name, value) in CREDENTIAL_VARIABLES.iter().zip(values) {
        let name = format!("{}{name}", role.hand_over.prefix);
        if let Some(value) = value.or_else(|| run.env.get(&name).map(|_| "")) {
            variables.set(&name, value);
        }
    }
    variables
}

/// Adds what is not there yet: of several roles, the first one names the region.
fn add_variables(run: &Run, settings: &Settings, role: &RoleSettings, identity: &Identity, variables: &mut Pairs) {
    let hand_over = &role.hand_over;
    let selected = hand_over.profile.as_ref().filter(|profile| profile.select);
    let mut export = |name: &str, value: &str| {
        if variables.get(name).is_none() {
            variables.push(name.to_owned(), value.to_owned());
        }
    };

    if let Some(region) = &role.region
        && (hand_over.environment || selected.is_some())
    {
        export("AWS_DEFAULT_REGION", region.as_str());
        export("AWS_REGION", region.as_str());
    }
    if let Some(profile) = selected {
        export("AWS_PROFILE", profile.name.as_str());
    }
    if hand_over.environment {
        for (name, value) in credential_variables(run, role, identity).iter() {
            export(name, value);
        }
    }
    let mut shadowing: Vec<&str> = Vec::new();
    if hand_over.environment && hand_over.prefix.is_empty() || selected.is_some() {
        shadowing.extend(SHADOWING_KEYS);
    }
    if !hand_over.environment && selected.is_some() {
        shadowing.extend(CREDENTIAL_VARIABLES);
        shadowing.extend(SHADOWING_PROFILE);
    } else if !hand_over.environment && settings.clear_first {
        shadowing.extend(CREDENTIAL_VARIABLES);
    }
    for name in shadowing.into_iter().filter(|name| run.env.get(name).is_some()) {
        export(name, "");
    }
}

/// Adds what is not there yet: of several roles without prefixes, the first one is told of.
fn add_outputs(role: &RoleSettings, identity: &Identity, outputs: &mut Pairs) {
    let credentials = &identity.credentials;
    let mut add = |name: &str, value: &str| {
        let name = format!("{}{name}", role.hand_over.output_prefix);
        if outputs.get(&name).is_none() {
            outputs.push(name, value.to_owned());
        }
    };
    add("aws-account-id", &identity.account);
    add("authenticated-arn", &identity.arn);
    if let Some(end) = credentials.expiration {
        add("aws-expiration", &end.to_string());
    }
    if role.hand_over.outputs {
        add("aws-access-key-id", credentials.access_key_id.expose());
        add("aws-secret-access-key", credentials.secret_access_key.expose());
        if let Some(token) = &credentials.session_token {
            add("aws-session-token", token.expose());
        }
    }
}
