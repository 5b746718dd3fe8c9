//! Credentials that take the place of a token, where an input says so.

use super::tags;
use crate::aws::credentials::Credentials;
use crate::aws::environment;
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::Environment;
use crate::settings::{CredentialSource, ExternalId, HandOver, Options, ProfileKind, SignedRequest};
use crate::signed;

/// What the inputs name.
pub(super) enum Named {
    /// A token, so far.
    Nothing,
    Source(CredentialSource),
    /// One that cannot be used, which is on record; or none at all, and what is there already will do.
    Problem,
}

impl From<Option<CredentialSource>> for Named {
    fn from(source: Option<CredentialSource>) -> Self {
        source.map_or(Self::Problem, Self::Source)
    }
}

pub(super) fn named(options: &mut Options, env: &Environment) -> Named {
    let chaining = is_on(options, "role-chaining");
    if options.has("aws-access-key-id") || options.has("aws-secret-access-key") {
        return stored_key(options, chaining).into();
    }
    if !options.has("role-to-assume") {
        // Credentials that are there already can do without.
        let wanted = is_on(options, "use-existing-credentials");
        return if wanted && env.get("AWS_ACCESS_KEY_ID").is_some() { Named::Problem } else { Named::Nothing };
    }
    if is_on(options, "force-skip-oidc") && !options.has("web-identity-token-file") {
        return Named::Source(CredentialSource::Machine);
    }
    if chaining { of_the_job(options, env).into() } else { Named::Nothing }
}

/// Whether a switch is on. That its value is one has been looked at.
fn is_on(options: &Options, name: &str) -> bool {
    options.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// What a signed request says beside the role and its session.
pub(super) fn request(
    options: &mut Options,
    env: &Environment,
    hand_over: &HandOver,
    no_role: bool,
    notices: &mut Vec<String>,
) -> SignedRequest {
    let tags = tags::read(options, env, notices);
    let external_id = options.parse("role-external-id", ExternalId::parse);
    check(options, hand_over, no_role);
    SignedRequest { external_id, tags, ..SignedRequest::default() }
}

fn stored_key(options: &mut Options, chaining: bool) -> Option<CredentialSource> {
    const KEYS: [&str; 3] = ["aws-access-key-id", "aws-secret-access-key", "aws-session-token"];
    let [id, secret, token] = KEYS.map(|name| options.text(name).map(str::to_owned));
    let (id, secret) = match (id, secret) {
        (Some(id), Some(secret)) => (id, secret),
        (id, _) => {
            let (given, missing) = if id.is_some() { (KEYS[0], KEYS[1]) } else { (KEYS[1], KEYS[0]) };
            options.problem(
                Diagnostic::new(Code::OptionMissing, format!("`{given}` is set, but `{missing}` is not")).fix(format!(
                    "add `{missing}: ${{{{ secrets.… }}}}`, or remove `{given}` to use the job's OIDC token"
                )),
            );
            return None;
        }
    };
    if chaining || options.has("web-identity-token-file") {
        let other = if chaining { "role-chaining" } else { "web-identity-token-file" };
        options.problem(
            Diagnostic::new(
                Code::OptionConflict,
                format!("`aws-access-key-id` and `{other}` name two sources of credentials"),
            )
            .fix("keep one of them"),
        );
    }
    match Credentials::parse(&id, &secret, token.as_deref()) {
        Ok(credentials) => Some(CredentialSource::Known { credentials, from: "the stored key".to_owned() }),
        Err(fault) => {
            options.problem(
                Diagnostic::new(Code::OptionInvalid, format!("the stored key cannot be used: {fault}"))
                    .fix("store the secrets anew, without quotes or line breaks around them"),
            );
            None
        }
    }
}

/// Those that an earlier step has exported.
fn of_the_job(options: &mut Options, env: &Environment) -> Option<CredentialSource> {
    match environment::read(|name| env.get(name).map(str::to_owned)) {
        Some(Ok(credentials)) => {
            Some(CredentialSource::Known { credentials, from: "the credentials of the job's environment".to_owned() })
        }
        Some(Err(fault)) => {
            options.problem(signed::unusable_variables(fault));
            None
        }
        None => {
            options.problem(
                Diagnostic::new(Code::CredentialsMissing, "`role-chaining` is on, and the job has no credentials yet")
                    .fact("not set", "AWS_ACCESS_KEY_ID")
                    .cause("no earlier step of this job exported any, or it wrote a profile or outputs instead")
                    .fix("let a step before this one hand its credentials over as variables")
                    .fix("for the role of the machine itself, use `force-skip-oidc: true` in place of `role-chaining`"),
            );
            None
        }
    }
}

/// What credentials as the source do not go together with.
fn check(options: &mut Options, hand_over: &HandOver, no_role: bool) {
    if hand_over.profile.as_ref().is_some_and(|profile| profile.kind == ProfileKind::Process) {
        options.problem(
            Diagnostic::new(Code::OptionConflict, "`hand-over: process` could not fetch fresh credentials")
                .cause("it would need the credentials that this role is assumed with, and those are not kept")
                .fix("use `hand-over: profile` or `env`, or let the job use its own token"),
        );
    }
    if !no_role {
        return;
    }
    // A policy that is dropped would leave more allowed than was meant.
    for name in ["inline-session-policy", "managed-session-policies", "role-external-id"] {
        if options.has(name) {
            options.problem(
                Diagnostic::new(Code::OptionConflict, format!("`{name}` has no effect without `role-to-assume`"))
                    .cause("without a role, the stored key is handed over as it is")
                    .fix(format!("add `role-to-assume`, or remove `{name}`")),
            );
        }
    }
}

/// Where the job has none, or what it has is not whole, there is nothing to keep.
pub(super) fn existing(options: &mut Options, env: &Environment) -> Option<Credentials> {
    if !is_on(options, "use-existing-credentials") {
        return None;
    }
    match environment::read(|name| env.get(name).map(str::to_owned))? {
        Ok(credentials) => Some(credentials),
        Err(fault) => {
            if !options.has("role-to-assume") && !options.has("aws-access-key-id") {
                options.problem(signed::unusable_variables(fault));
            }
            None
        }
    }
}
