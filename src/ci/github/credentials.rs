//! Credentials that take the place of a token, where an input says so.

use super::table::OF_ROLE;
use super::tags;
use crate::aws::environment;
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::Environment;
use crate::names::{self, Meaning};
use crate::pairs::Pairs;
use crate::run::Run;
use crate::settings::Checks;
use crate::settings::origin::{self, KEY_ALONE, Origin};
use crate::settings::{
    CredentialSource, Existing, HandOver, Options, SignedRequest, SignedSource, Source, Target, endpoint, roles,
};
use crate::values::Region;

/// What the inputs name: those of configure-aws-credentials, or `source`.
pub(super) fn origin(options: &mut Options, run: &Run) -> Option<Origin> {
    let from_file = options.has("web-identity-token-file");
    let ways = [
        ("aws-access-key-id", options.has("aws-access-key-id") || options.has("aws-secret-access-key")),
        ("role-chaining", is_on(options, "role-chaining")),
        ("web-identity-token-file", from_file),
        ("force-skip-oidc", is_on(options, "force-skip-oidc") && !from_file),
        ("source", options.has("source") || options.has("source-profile")),
    ];
    let mut named = ways.iter().filter(|(_, given)| *given).map(|(name, _)| *name);
    match (named.next(), named.next()) {
        // As there: each of the two goes with chaining, and without.
        (Some("role-chaining"), Some("force-skip-oidc")) => Some(Origin::Credentials(CredentialSource::Machine)),
        (Some("role-chaining"), Some("web-identity-token-file")) => {
            origin::of_the_job(options, run, "role-chaining: true").map(Origin::Credentials)
        }
        (Some("aws-access-key-id"), Some("force-skip-oidc")) | (Some("aws-access-key-id"), None) => {
            stored_key(options).map(Origin::Credentials)
        }
        (Some(one), Some(other)) => {
            options.problem(
                Diagnostic::new(Code::OptionConflict, format!("`{one}` and `{other}` name two sources of credentials"))
                    .fix("keep one of them"),
            );
            None
        }
        (Some("source"), None) => origin::read(options, run),
        // A role that is missing is all there is to say.
        _ if !options.has("role-to-assume") => Some(Origin::Token),
        (Some("force-skip-oidc"), None) => Some(Origin::Credentials(CredentialSource::Machine)),
        (Some("role-chaining"), None) => {
            origin::of_the_job(options, run, "role-chaining: true").map(Origin::Credentials)
        }
        _ => Some(Origin::Token),
    }
}

/// How the role is assumed with them. Without one, a stored key is handed over as it is.
pub(super) fn signed(
    options: &mut Options,
    run: &Run,
    source: CredentialSource,
    hand_over: &HandOver,
    notices: &mut Vec<String>,
) -> Option<Source> {
    let is_stored = options.has("aws-access-key-id");
    let target = if is_stored && !options.has("role-to-assume") {
        origin::check_alone(options, run, "the stored key is handed over as it is", KEY_ALONE);
        Some(Target::Source)
    } else {
        origin::target(options, run, false)
    };
    let tags = tags::read(options, &run.env, notices);
    let request = SignedRequest { tags, ..origin::without_tags(options, run, false) };
    origin::check_hand_over(options, run, &source, hand_over);
    Some(Source::Credentials(Box::new(SignedSource { target: target?, credentials: source, request })))
}

/// The roles. None, where what the job has already will do.
pub(super) fn entries(options: &mut Options, env: &Environment) -> Vec<Pairs> {
    if can_do_without_role(options, env) {
        return Vec::new();
    }
    roles::entries(options, names::github(Meaning::Roles), OF_ROLE, names::renamed(names::github))
}

fn can_do_without_role(options: &Options, env: &Environment) -> bool {
    let role = ["role-to-assume", "aws-access-key-id", "roles"].into_iter().any(|name| options.has(name));
    is_on(options, "use-existing-credentials") && env.get("AWS_ACCESS_KEY_ID").is_some() && !role
}

/// Credentials that the job has, and that are to stay if they work. Where what it has is not whole, and
/// there is a role to assume, there is nothing to keep.
pub(super) fn existing(options: &mut Options, run: &Run) -> Option<Box<Existing>> {
    let env = &run.env;
    if !is_on(options, "use-existing-credentials") {
        return None;
    }
    let credentials = match environment::read(|name| env.get(name).map(str::to_owned))? {
        Ok(credentials) => credentials,
        Err(fault) => {
            if can_do_without_role(options, env) {
                options.problem(origin::unusable_variables(fault));
            }
            return None;
        }
    };
    let region = super::inputs::region(options, env);
    let endpoint = endpoint::choose(options, env, "sts-endpoint", region.as_ref().map(Region::as_str));
    let allowed_accounts = Checks::read(options, run).allowed_accounts;
    Some(Box::new(Existing { credentials, region: region?, endpoint: endpoint?, allowed_accounts }))
}

/// Whether a switch is on. That its value is one has been looked at.
fn is_on(options: &Options, name: &str) -> bool {
    options.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

fn stored_key(options: &mut Options) -> Option<CredentialSource> {
    let names = ["aws-access-key-id", "aws-secret-access-key", "aws-session-token"];
    origin::stored_key(options, names, |half, given, missing| {
        half.fix(format!("add `{missing}: ${{{{ secrets.… }}}}`, or remove `{given}` to use the job's OIDC token"))
    })
}
