//! What the first role is assumed with, and what a signed request for it says.

use super::options::written;
use super::{CredentialSource, HandOver, Options, ProfileKind, SessionTags, SignedRequest, Target};
use crate::aws::credentials::Credentials;
use crate::aws::environment::{self, EnvironmentFault};
use crate::diagnostic::{Code, Diagnostic};
use crate::names::Meaning;
use crate::run::Run;
use crate::sts::tags::Tags;
use crate::values::{ExternalId, RoleArn, RoleName, SourceIdentity, ValueFault, custom_tags, tag_keys};

/// The values of the option `source`.
pub const SOURCES: &[&str] = &["token", "environment", "profile", "container", "instance", "machine"];
/// Those of them that are credentials: the values of the option `explain-with`.
pub const CREDENTIALS: &[&str] = &["environment", "profile", "container", "instance", "machine"];
const DEFAULT_PROFILE: &str = "default";

/// What there is before the first role.
pub enum Origin {
    /// The job's token.
    Token,
    Credentials(CredentialSource),
}

/// A token, unless an option says otherwise: other credentials are never a source by themselves. `None`:
/// what it names cannot be used, which is on record.
pub fn read(options: &mut Options, run: &Run) -> Option<Origin> {
    let (source, profile) = (run.option(Meaning::Source), run.option(Meaning::SourceProfile));
    let named = options.text(profile).map(str::to_owned);
    let chosen = options.parse(source, |text| {
        SOURCES
            .iter()
            .copied()
            .find(|known| *known == text)
            .ok_or_else(|| ValueFault::new(format!("is none of {}", crate::text::listed(SOURCES)), "environment"))
    });
    if chosen.is_none() && options.has(source) {
        return None;
    }
    // The same option names the profile that a denial is explained with.
    let explains = chosen == Some("token") && options.text(run.option(Meaning::ExplainWith)) == Some("profile");
    if named.is_some() && !matches!(chosen, None | Some("profile")) && !explains {
        options.problem(
            Diagnostic::new(Code::OptionConflict, format!("`{profile}` has no effect with this `{source}`"))
                .fix(format!("remove `{profile}`, or use `{}`", written(source, "profile"))),
        );
    }
    Some(match chosen.unwrap_or(if named.is_some() { "profile" } else { "token" }) {
        "environment" => Origin::Credentials(of_the_job(options, run, &written(source, "environment"))?),
        "profile" => Origin::Credentials(of_a_profile(named, run)),
        "container" => Origin::Credentials(CredentialSource::Container),
        "instance" => Origin::Credentials(CredentialSource::Instance),
        "machine" => Origin::Credentials(CredentialSource::Machine),
        _ => Origin::Token,
    })
}

fn of_a_profile(named: Option<String>, run: &Run) -> CredentialSource {
    let name = named.or_else(|| run.env.get("AWS_PROFILE").map(str::to_owned));
    CredentialSource::Profile(name.unwrap_or_else(|| DEFAULT_PROFILE.to_owned()))
}

/// Credentials that may read the trust policy of a role that denies a job. They are looked for then, and not
/// before: a job that is let in can do without.
pub fn to_explain(options: &mut Options, run: &Run) -> Option<CredentialSource> {
    let named = options.text(run.option(Meaning::SourceProfile)).map(str::to_owned);
    options.parse(run.option(Meaning::ExplainWith), |text| match text {
        "environment" => Ok(CredentialSource::Environment),
        "profile" => Ok(of_a_profile(named, run)),
        "container" => Ok(CredentialSource::Container),
        "instance" => Ok(CredentialSource::Instance),
        "machine" => Ok(CredentialSource::Machine),
        _ => Err(ValueFault::new(format!("is none of {}", crate::text::listed(CREDENTIALS)), "environment")),
    })
}

/// Those that an earlier step has exported. `asked` is the option that asks for them.
pub fn of_the_job(options: &mut Options, run: &Run, asked: &str) -> Option<CredentialSource> {
    match environment::read(|name| run.env.get(name).map(str::to_owned)) {
        Some(Ok(credentials)) => {
            Some(CredentialSource::Known { credentials, from: "the credentials of the job's environment".to_owned() })
        }
        Some(Err(fault)) => {
            options.problem(unusable_variables(fault));
            None
        }
        None => {
            let machine = written(run.option(Meaning::Source), "machine");
            options.problem(
                Diagnostic::new(
                    Code::CredentialsMissing,
                    format!("`{asked}` takes the credentials that the job has, and it has none yet"),
                )
                .fact("not set", "AWS_ACCESS_KEY_ID")
                .cause("no earlier step of this job exported any, or it wrote a profile or outputs instead")
                .fix("let a step before this one hand its credentials over as variables")
                .fix(format!("for the role of the machine itself, use `{machine}`")),
            );
            None
        }
    }
}

/// Variables that are meant to be credentials and are none.
#[must_use]
pub fn unusable_variables(fault: EnvironmentFault) -> Diagnostic {
    let problem = match fault {
        EnvironmentFault::Credentials(fault) => fault.to_string(),
        EnvironmentFault::Expiration => "AWS_CREDENTIAL_EXPIRATION is no time".to_owned(),
    };
    let headline = format!("the credentials of the job's environment cannot be used: {problem}");
    Diagnostic::new(Code::CredentialsMissing, headline)
        .fix("look at the step that exports AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN")
}

/// The role to assume, by its ARN; with credentials also by its name in their account.
pub fn target(options: &mut Options, run: &Run, by_token: bool) -> Option<Target> {
    let option = run.option(Meaning::RoleArn);
    match options.text(option).and_then(RoleName::parse).filter(|_| !by_token) {
        Some(name) => Some(Target::RoleNamed(name)),
        None => options.require(option, "arn:aws:iam::123456789012:role/deploy", RoleArn::parse).map(Target::Role),
    }
}

/// What the request for the first role says, where it is signed. With a token there is no place for it.
pub fn request(options: &mut Options, run: &Run, by_token: bool) -> SignedRequest {
    let tags = options.parse(run.option(Meaning::Tags), |text| custom_tags(text, Tags::default()));
    let transitive = options.parse(run.option(Meaning::TransitiveTagKeys), tag_keys).unwrap_or_default();
    let request = without_tags(options, run, by_token);
    if by_token {
        for meaning in [Meaning::Tags, Meaning::TransitiveTagKeys] {
            let option = run.option(meaning);
            if options.has(option) {
                options.problem(no_place(run, option).cause("only the token's issuer can set session tags"));
            }
        }
        return request;
    }
    let tags = tags.unwrap_or_default();
    if let Some(stranger) = transitive.iter().find(|key| !tags.has(key)) {
        let option = run.option(Meaning::TransitiveTagKeys);
        options.problem(
            Diagnostic::new(Code::OptionInvalid, format!("`{option}` names {stranger}, of which there is no tag"))
                .fix(format!("add it to `{}`, or remove it here", run.option(Meaning::Tags))),
        );
    }
    SignedRequest { tags: SessionTags { tags, transitive, droppable: &[] }, ..request }
}

/// The same for who brings tags of its own.
pub fn without_tags(options: &mut Options, run: &Run, by_token: bool) -> SignedRequest {
    let (id, identity) = (run.option(Meaning::ExternalId), run.option(Meaning::SourceIdentity));
    let external_id = options.parse(id, ExternalId::parse);
    let source_identity = options.parse(identity, SourceIdentity::parse);
    if by_token {
        if options.has(id) {
            options.problem(no_place(run, id).cause(
                "AssumeRoleWithWebIdentity has no such parameter, so a trust policy that asks for it refuses every job",
            ).fix("pin `sub` and `aud` in the role's trust policy instead"));
        }
        if options.has(identity) {
            options.problem(no_place(run, identity).cause("only the token's issuer can set a source identity"));
        }
    }
    SignedRequest { external_id, source_identity, ..SignedRequest::default() }
}

/// What has no effect on a key that is handed over as it is.
pub const KEY_ALONE: &[Meaning] = &[Meaning::Policy, Meaning::PolicyArns, Meaning::ExternalId, Meaning::SourceIdentity];
/// What has none on any credentials that are used as they are.
pub const ALONE: &[Meaning] = &[
    Meaning::Policy,
    Meaning::PolicyArns,
    Meaning::ExternalId,
    Meaning::SourceIdentity,
    Meaning::Tags,
    Meaning::TransitiveTagKeys,
];

/// Refuses what has no effect without a role: a policy that is dropped would leave more allowed than was
/// meant. `instead` is what becomes of the credentials.
pub fn check_alone(options: &mut Options, run: &Run, instead: &str, meanings: &[Meaning]) {
    for meaning in meanings {
        no_effect_alone(options, run, instead, run.option(*meaning));
    }
}

/// The same for one option.
pub fn no_effect_alone(options: &mut Options, run: &Run, instead: &str, name: &str) {
    let role = run.option(Meaning::RoleArn);
    if options.has(name) {
        options.problem(
            Diagnostic::new(Code::OptionConflict, format!("`{name}` has no effect without `{role}`"))
                .cause(format!("without a role, {instead}"))
                .fix(format!("add `{role}`, or remove `{name}`")),
        );
    }
}

/// A stored key, by the names of its id, its secret and its session token. Half of one is a slip: `half` says
/// so of the one that is given and the one that is missing.
pub fn stored_key(
    options: &mut Options,
    names: [&'static str; 3],
    half: impl FnOnce(Diagnostic, &str, &str) -> Diagnostic,
) -> Option<CredentialSource> {
    let [id, secret, token] = names.map(|name| options.text(name).map(str::to_owned));
    let (Some(id), Some(secret)) = (&id, &secret) else {
        let (given, missing) = if id.is_some() { (names[0], names[1]) } else { (names[1], names[0]) };
        let headline = format!("`{given}` is set, but `{missing}` is not");
        options.problem(half(Diagnostic::new(Code::OptionMissing, headline), given, missing));
        return None;
    };
    match Credentials::parse(id, secret, token.as_deref()) {
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

fn no_place(run: &Run, option: &str) -> Diagnostic {
    let chain = run.option(Meaning::Chain);
    Diagnostic::new(Code::OptionConflict, format!("`{option}` cannot be sent with a token"))
        .fix(format!("remove `{option}`, or give it to a further role, in `{chain}`"))
}

/// A profile that fetches fresh credentials needs a source that is still there then.
pub fn check_hand_over(options: &mut Options, run: &Run, source: &CredentialSource, hand_over: &HandOver) {
    let fetches = hand_over.profile.as_ref().is_some_and(|profile| profile.kind == ProfileKind::Process);
    if fetches && !matches!(source, CredentialSource::Container | CredentialSource::Instance) {
        let way = run.option(Meaning::HandOver);
        options.problem(
            Diagnostic::new(
                Code::OptionConflict,
                format!("`{}` could not fetch fresh credentials", written(way, "process")),
            )
            .cause("it would need the credentials that this role is assumed with, and those are not kept")
            .fix(format!(
                "use `{}` or `{}`, or let the job use its own token",
                written(way, "profile"),
                written(way, "env")
            )),
        );
    }
}
