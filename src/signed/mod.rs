//! From credentials that there are to those of a role, by signed requests to STS.
//!
//! The second way into the one path: where [`crate::exchange`] has a token, this has keys.

mod machine;
mod refusal;

use std::cell::Cell;

use self::refusal::Refused;
use crate::aws::clock::ClockCorrection;
use crate::aws::credentials::{Credentials, Identity};
use crate::aws::environment::EnvironmentFault;
use crate::aws::sigv4::{self, Signer};
use crate::ci::Ci;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::effect::Answer;
use crate::exchange::{Exchanged, STS, check_allowed, with_retries};
use crate::explain;
use crate::names::Meaning;
use crate::run::{Call, Run, Trouble, apart};
use crate::settings::{
    CredentialSource, Existing, PolicyArn, Region, RoleArn, RoleName, RoleSettings, SessionPolicy, Settings,
    SignedSource, Target, ToAssume,
};
use crate::sts::assume_role::{self, LONGEST_CHAINED};
use crate::sts::assume_role_with_web_identity::CONTENT_TYPE;
use crate::sts::endpoint::Endpoint;
use crate::sts::error::{AnswerFault, ErrorKind, Retry};
use crate::sts::get_caller_identity::{self, CallerIdentity};
use crate::sts::session::Session;
use crate::time::span;

/// Assumes the role with the source's credentials, or tells whose those are.
///
/// # Errors
/// When there are no credentials, or AWS does not take them, or they may not assume the role.
pub async fn exchange(
    run: &Run,
    ci: &dyn Ci,
    settings: &Settings,
    role: &RoleSettings,
    source: &SignedSource,
) -> Result<Exchanged, Failure> {
    let (credentials, from) = match &source.credentials {
        CredentialSource::Known { credentials, from } => (credentials.clone(), from.clone()),
        CredentialSource::Machine => apart(machine::credentials(run, ci, settings, role, source)).await?,
    };
    run.say(&format!("  with {from}"));
    let caller = Caller::new(run, settings, &role.endpoint, &source.region, credentials, from);
    let (identity, duration) = match &source.target {
        Target::Role(role_arn) => caller.session(&ToAssume { role_arn, settings: role }, source).await?,
        Target::RoleNamed(name) => {
            let role_arn = role_of(name, &caller.identity().await?)?;
            if settings.hide_account {
                run.hide(role_arn.as_str());
            }
            caller.session(&ToAssume { role_arn: &role_arn, settings: role }, source).await?
        }
        Target::Source => {
            let CallerIdentity { account, arn, .. } = caller.identity().await?;
            (Identity { credentials: caller.credentials, account, arn }, 0)
        }
    };
    Ok(Exchanged { token: None, identity, duration })
}

/// Whether the credentials that the job has are to stay: whether AWS takes them.
///
/// # Errors
/// When they are of an account that is not allowed, or do not work and there is nothing else to try.
pub async fn still_work(run: &Run, settings: &Settings, existing: &Existing) -> Result<bool, Failure> {
    let Existing { credentials, region, endpoint, allowed_accounts } = existing;
    let from = "the credentials that the job has".to_owned();
    let caller = Caller::new(run, settings, endpoint, region, credentials.clone(), from);
    match caller.identity().await {
        Ok(identity) => {
            check_allowed(run, allowed_accounts, &identity.account, "the credentials that the job has are of")?;
            run.notice(&format!("kept the credentials that the job has, which are of {}", identity.arn));
            Ok(true)
        }
        Err(failure) if settings.roles.is_empty() => Err(failure),
        Err(failure) => {
            for problem in failure.diagnostics() {
                run.say(&format!("The credentials that the job has are not kept: {}", problem.headline));
            }
            Ok(false)
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
    missing(format!("the credentials of the job's environment cannot be used: {problem}"))
        .fix("look at the step that exports AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN")
}

fn missing(headline: impl AsRef<str>) -> Diagnostic {
    Diagnostic::new(Code::CredentialsMissing, headline)
}

/// A role's name in the account of whoever calls.
fn role_of(name: &RoleName, caller: &CallerIdentity) -> Result<RoleArn, Failure> {
    name.in_account_of(&caller.arn).map_err(|fault| {
        Diagnostic::new(Code::OptionInvalid, format!("the role {} {}", name.as_str(), fault.problem))
            .fact("caller", &caller.arn)
            .fix("give the role by its full ARN")
            .into()
    })
}

/// Who calls STS, and how.
struct Caller<'a> {
    run: &'a Run,
    settings: &'a Settings,
    endpoint: &'a Endpoint,
    region: &'a Region,
    credentials: Credentials,
    /// What they are, for people.
    from: String,
    clock: Cell<Option<ClockCorrection>>,
}

impl<'a> Caller<'a> {
    fn new(
        run: &'a Run,
        settings: &'a Settings,
        endpoint: &'a Endpoint,
        region: &'a Region,
        credentials: Credentials,
        from: String,
    ) -> Self {
        for secret in credentials.secrets() {
            run.mask(secret);
        }
        Self { run, settings, endpoint, region, credentials, from, clock: Cell::new(None) }
    }

    /// Whose the credentials are.
    async fn identity(&self) -> Result<CallerIdentity, Failure> {
        let identity = with_retries(self.run, self.settings, async || {
            let outcome = self.ask(&get_caller_identity::body(), get_caller_identity::read).await?;
            outcome.map_err(|fault| refusal::of_call(self.run, &self.refused(None), &fault))
        })
        .await?;
        if self.settings.hide_account {
            self.run.hide(&identity.account);
            self.run.hide(&identity.arn);
        }
        Ok(identity)
    }

    /// A session of the role, and how many seconds were asked for.
    async fn session(&self, role: &ToAssume<'_>, source: &SignedSource) -> Result<(Identity, u32), Failure> {
        let duration = self.duration(role).await?;
        let fewer_tags = Cell::new(false);
        let session =
            with_retries(self.run, self.settings, async || self.assume(role, source, duration, &fewer_tags).await)
                .await?;
        let identity = Identity::from(session);
        for secret in identity.credentials.secrets() {
            self.run.mask(secret);
        }
        Ok((identity, duration))
    }

    /// A role that is assumed by a role lasts an hour at most, whatever its own maximum is. Only a call
    /// tells a role's session from a user's, so it is made when more is asked for.
    async fn duration(&self, role: &ToAssume<'_>) -> Result<u32, Failure> {
        let asked = role.duration.seconds();
        if asked <= LONGEST_CHAINED || self.credentials.session_token.is_none() {
            return Ok(asked);
        }
        let caller = apart(self.identity()).await?;
        if !caller.arn.contains(":assumed-role/") {
            return Ok(asked);
        }
        self.run.notice(&format!(
            "`{}` is {}, and AWS ends a session that one role has of another after 1 h: so long it is",
            self.run.option(Meaning::Duration),
            span(i64::from(asked)),
        ));
        Ok(LONGEST_CHAINED)
    }

    async fn assume(
        &self,
        role: &ToAssume<'_>,
        source: &SignedSource,
        duration: u32,
        fewer_tags: &Cell<bool>,
    ) -> Result<Session, Trouble> {
        let policy_arns: Vec<&str> = role.policy_arns.iter().map(PolicyArn::as_str).collect();
        loop {
            let given = &source.tags;
            let mut tags = given.tags.clone();
            if fewer_tags.get() {
                tags.retain(|key| !given.droppable.contains(&key));
            }
            let transitive: Vec<&str> = given
                .transitive
                .iter()
                .map(String::as_str)
                .filter(|key| tags.iter().any(|(own, _)| own == *key))
                .collect();
            let request = assume_role::Request {
                role_arn: role.role_arn.as_str(),
                session_name: role.session_name.as_str(),
                duration_seconds: Some(duration),
                external_id: source.external_id.as_ref().map(crate::settings::ExternalId::as_str),
                source_identity: None,
                policy: role.policy.as_ref().map(SessionPolicy::as_str),
                policy_arns: &policy_arns,
                tags: &tags,
                transitive_tag_keys: &transitive,
            };
            let can_shrink = tags.iter().any(|(key, _)| given.droppable.contains(&key));
            match self.ask(&request.body(), assume_role::read).await? {
                Ok(session) => return Ok(session),
                Err(AnswerFault::Sts(error)) if error.kind == ErrorKind::SessionTooLarge && can_shrink => {
                    fewer_tags.set(true);
                    self.run.notice(&format!(
                        "the session's tags and policies are too large; trying without the tags {}",
                        given.droppable.join(", ")
                    ));
                }
                Err(fault) => return Err(refusal::of_call(self.run, &self.refused(Some(role)), &fault)),
            }
        }
    }

    fn refused<'b>(&'b self, role: Option<&'b ToAssume<'b>>) -> Refused<'b> {
        Refused { from: &self.from, endpoint: self.endpoint, clock: self.clock.get(), role }
    }

    /// One call. Where AWS's clock is another, it is made again by AWS's.
    async fn ask<T>(
        &self,
        body: &str,
        read: fn(&Answer) -> Result<T, AnswerFault>,
    ) -> Result<Result<T, AnswerFault>, Trouble> {
        loop {
            let answer = self.post(body).await?;
            let outcome = read(&answer);
            if let Err(AnswerFault::Sts(error)) = &outcome
                && error.kind == ErrorKind::ClockSkewed
                && self.clock.get().is_none()
                && let Some(date) = answer.header("date")
                && let Some(correction) = ClockCorrection::from_answer(date, self.run.channel.now())
            {
                self.clock.set(Some(correction));
                let direction = if correction.seconds > 0 { "behind" } else { "ahead of" };
                let seconds = correction.seconds.abs();
                self.run
                    .notice(&format!("this machine's clock is {} {direction} AWS's; signing by AWS's", span(seconds)));
                continue;
            }
            return Ok(outcome);
        }
    }

    async fn post(&self, body: &str) -> Result<Answer, Trouble> {
        let ours = self.run.channel.now();
        let signer = Signer {
            credentials: &self.credentials,
            region: self.region.of_signature(),
            service: "sts",
            time: self.clock.get().map_or(ours, |correction| correction.apply(ours)),
        };
        let url = &self.endpoint.url;
        let mut headers = vec![
            ("content-type".into(), CONTENT_TYPE.to_owned()),
            ("accept".into(), "text/xml".to_owned()),
            ("user-agent".into(), self.run.user_agent()),
        ];
        let request = sigv4::Request { method: "POST", url, headers: &headers, body: body.as_bytes() };
        let signed = signer.sign(&request).map_err(|fault| {
            let diagnostic = Diagnostic::new(Code::OptionInvalid, format!("the request to {url} {fault}"))
                .fix(format!("correct `{}`", self.run.option(Meaning::Endpoint)));
            Trouble::new(Retry::Never, diagnostic)
        })?;
        signed.add_to(&mut headers);
        let call = Call { method: "POST", url: url.clone(), headers, body: Some(body.to_owned()) };
        let answer = self.run.fetch(STS, call, &self.settings.proxy).await;
        answer.map_err(|trouble| explain::unreachable(self.run, self.endpoint, Some(self.region), trouble))
    }
}
