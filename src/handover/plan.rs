//! What is to be written for a session, worked out before the first byte is.

use super::record::{Record, Replaced};
use super::{Step, process, profile};
use crate::diagnostic::Failure;
use crate::run::{Run, apart};
use crate::secret::Secret;
use crate::settings::{ProfileKind, Settings};
use crate::sts::assume_role_with_web_identity::Session;

pub(super) const CREDENTIAL_VARIABLES: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// Variables that some SDKs read before, or beside, the three above. Left over from an earlier step,
/// they would make a mixed identity.
const SHADOWING_KEYS: [&str; 2] = ["AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION"];

/// Variables that SDKs prefer to the profile that AWS_PROFILE names. Machines in EKS have the latter
/// two (<https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>).
const SHADOWING_PROFILE: [&str; 5] =
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"];

/// The record comes first, so that whatever is written after it can be cleaned up; the variables,
/// which make the credentials usable, come last.
pub(super) async fn steps(run: &Run, settings: &Settings, session: &Session) -> Result<Vec<Step>, Failure> {
    let hand_over = &settings.hand_over;
    let prefix = format!("{}/{}-{}", run.ci.scratch(run), crate::product::NAME, run.channel.random_name());
    let record_path = format!("{prefix}-record.json");
    let mut record = Record::default();

    let mut profile_steps = Vec::new();
    if let Some(profile) = &hand_over.profile {
        let body = match profile.kind {
            ProfileKind::Static => profile::Body::Static(session),
            ProfileKind::Process => {
                let (steps, command) = process::steps(run, settings, session, &prefix)?;
                record.files.extend(steps.iter().map(|step| step.path().to_owned()));
                profile_steps.extend(steps);
                profile::Body::Process(command)
            }
        };
        profile_steps.extend(apart(profile::steps(run, settings, profile, &body, &mut record)).await?);
    }

    let variables = variables(run, settings, session);
    for (name, value) in &variables {
        let before = run.env.get(name).unwrap_or_default();
        if super::is_credential(name) && !before.is_empty() {
            run.mask(&Secret::new(before));
        }
        record.variables.push(Replaced { name: name.clone(), ours: value.clone(), before: before.to_owned() });
    }

    let mut steps = Vec::new();
    if !record.is_empty() {
        steps.extend(run.ci.remember(run, &record_path)?);
        steps.push(Step::Write { path: record_path, text: record.to_json(), before: None });
    }
    steps.extend(profile_steps);
    steps.extend(run.ci.outputs(run, &outputs(settings, session))?);
    steps.extend(run.ci.exports(run, &variables)?);
    Ok(steps)
}

fn variables(run: &Run, settings: &Settings, session: &Session) -> Vec<(String, String)> {
    let hand_over = &settings.hand_over;
    let selected = hand_over.profile.as_ref().filter(|profile| profile.select);
    let mut variables: Vec<(String, String)> = Vec::new();
    let mut export = |name: &str, value: &str| variables.push((name.to_owned(), value.to_owned()));

    if hand_over.environment || selected.is_some() {
        export("AWS_DEFAULT_REGION", settings.region.as_str());
        export("AWS_REGION", settings.region.as_str());
    }
    if let Some(profile) = selected {
        export("AWS_PROFILE", profile.name.as_str());
    }
    if hand_over.environment {
        export("AWS_ACCESS_KEY_ID", session.credentials.access_key_id.expose());
        export("AWS_SECRET_ACCESS_KEY", session.credentials.secret_access_key.expose());
        export("AWS_SESSION_TOKEN", session.credentials.session_token.expose());
    }
    let mut shadowing: Vec<&str> = Vec::new();
    if hand_over.environment || selected.is_some() {
        shadowing.extend(SHADOWING_KEYS);
    }
    if !hand_over.environment && selected.is_some() {
        shadowing.extend(SHADOWING_PROFILE);
    } else if !hand_over.environment && settings.clear_first {
        shadowing.extend(CREDENTIAL_VARIABLES);
    }
    for name in shadowing.into_iter().filter(|name| run.env.get(name).is_some()) {
        export(name, "");
    }
    variables
}

fn outputs(settings: &Settings, session: &Session) -> Vec<(String, String)> {
    let mut outputs: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: &str| outputs.push((name.to_owned(), value.to_owned()));
    set("aws-account-id", &session.account);
    set("authenticated-arn", &session.assumed_role_arn);
    set("aws-expiration", &session.credentials.expiration.to_string());
    if settings.hand_over.outputs {
        set("aws-access-key-id", session.credentials.access_key_id.expose());
        set("aws-secret-access-key", session.credentials.secret_access_key.expose());
        set("aws-session-token", session.credentials.session_token.expose());
    }
    outputs
}
