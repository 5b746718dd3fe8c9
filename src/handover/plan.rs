//! What is to be written for the sessions, worked out before the first byte is.

use super::record::{Record, Replaced};
use super::{process, profile};
use crate::change::Change;
use crate::ci::{AtTheEnd, Ci, Reminder};
use crate::diagnostic::Failure;
use crate::exchange::Exchanged;
use crate::pairs::Pairs;
use crate::run::{Run, apart};
use crate::secret::Secret;
use crate::settings::{ProfileKind, RoleSettings, Settings};
use crate::sts::assume_role_with_web_identity::Session;

pub(super) const CREDENTIAL_VARIABLES: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// Variables that some SDKs read before, or beside, the three above. Left over from an earlier step,
/// they would make a mixed identity.
const SHADOWING_KEYS: [&str; 2] = ["AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION"];

/// Variables that, with the three above, SDKs prefer to the profile that AWS_PROFILE names. Machines
/// in EKS have them (<https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>).
const SHADOWING_PROFILE: [&str; 2] = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"];

/// Whether a variable's value is to be hidden.
#[must_use]
pub fn is_credential(variable: &str) -> bool {
    CREDENTIAL_VARIABLES.contains(&variable)
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
    let mark = ci.mark(run).map(|mark| format!("{mark}-")).unwrap_or_default();
    let prefix = format!("{}/{}-{mark}{}", ci.scratch(run), crate::product::NAME, run.channel.random_name());
    let record_path = format!("{prefix}-record.json");
    let mut record = Record::default();
    let mut files = Vec::new();
    let mut profiles: Option<profile::Profiles> = None;
    let mut variables = more;
    let mut outputs = Pairs::default();

    for (number, (role, Exchanged { session, .. })) in settings.roles.iter().zip(exchanged).enumerate() {
        add_variables(run, settings, role, session, &mut variables);
        add_outputs(role, session, &mut outputs);
        let Some(profile) = &role.hand_over.profile else { continue };
        let body = match profile.kind {
            ProfileKind::Static => profile::Body::Static(session),
            ProfileKind::Process => {
                let (written, command) = process::changes(run, role, session, number, &prefix)?;
                record.files.extend(written.iter().map(|(path, _)| path.clone()));
                files.extend(written.into_iter().map(|(path, text)| Change::Write { path, text, before: None }));
                profile::Body::Process(command)
            }
        };
        if profiles.is_none() {
            profiles = Some(apart(profile::Profiles::read(run, ci, &prefix)).await?);
        }
        if let Some(profiles) = &mut profiles {
            profiles.add(ci, role, profile, &body)?;
        }
    }
    if let Some(profiles) = profiles {
        files.extend(profiles.into_changes(&mut record, &mut variables));
    }

    for (name, value) in variables.iter() {
        let before = run.env.get(name).unwrap_or_default();
        if is_credential(name) && !before.is_empty() {
            run.mask(&Secret::new(before));
        }
        if ci.at_the_end() == AtTheEnd::TakesAllBack {
            let (name, ours, before) = (name.to_owned(), value.to_owned(), before.to_owned());
            record.variables.push(Replaced { name, ours, before });
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

/// Adds what is not there yet: of several roles, the first one names the region.
fn add_variables(run: &Run, settings: &Settings, role: &RoleSettings, session: &Session, variables: &mut Pairs) {
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
        let credentials = &session.credentials;
        let values = [&credentials.access_key_id, &credentials.secret_access_key, &credentials.session_token];
        for (name, value) in CREDENTIAL_VARIABLES.iter().zip(values) {
            export(&format!("{}{name}", hand_over.prefix), value.expose());
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

fn add_outputs(role: &RoleSettings, session: &Session, outputs: &mut Pairs) {
    outputs.set("aws-account-id", &session.account);
    outputs.set("authenticated-arn", &session.assumed_role_arn);
    outputs.set("aws-expiration", &session.credentials.expiration.to_string());
    if role.hand_over.outputs {
        outputs.set("aws-access-key-id", session.credentials.access_key_id.expose());
        outputs.set("aws-secret-access-key", session.credentials.secret_access_key.expose());
        outputs.set("aws-session-token", session.credentials.session_token.expose());
    }
}
