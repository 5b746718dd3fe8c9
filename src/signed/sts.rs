//! The signed calls of STS.

use std::cell::Cell;

use super::call::{Caller, Signing};
use super::refusal::{self, Refused};
use super::{Found, Place};
use crate::attempts::with_retries;
use crate::aws::credentials::{Credentials, Identity};
use crate::diagnostic::Failure;
use crate::effect::Answer;
use crate::exchange::STS;
use crate::explain;
use crate::names::Meaning;
use crate::run::{Run, Trouble, apart};
use crate::settings::{Settings, SignedRequest, ToAssume};
use crate::sts::assume_role::{self, LONGEST_CHAINED};
use crate::sts::error::{AnswerFault, ErrorKind};
use crate::sts::get_caller_identity::{self, CallerIdentity};
use crate::sts::session::Session;
use crate::time::span;
use crate::values::{ExternalId, PolicyArn, SessionPolicy, SourceIdentity};

/// STS, as whoever has these credentials calls it.
pub(super) struct Sts<'a> {
    run: &'a Run,
    settings: &'a Settings,
    place: Place<'a>,
    caller: Caller<'a>,
    /// The credentials are known to be of a role's session.
    of_a_role: bool,
}

impl<'a> Sts<'a> {
    pub(super) fn new(run: &'a Run, settings: &'a Settings, place: Place<'a>, (credentials, from): Found) -> Self {
        let signing = Signing {
            service: STS,
            name: "sts",
            region: place.region.of_signature(),
            endpoint: place.endpoint,
            option: run.option(Meaning::Endpoint),
        };
        let caller = Caller::new(run, &settings.proxy, signing, credentials, from);
        Self { run, settings, place, caller, of_a_role: false }
    }

    pub(super) fn of_a_role(self) -> Self {
        Self { of_a_role: true, ..self }
    }

    pub(super) fn into_credentials(self) -> Credentials {
        self.caller.credentials
    }

    /// Whose the credentials are.
    pub(super) async fn identity(&self) -> Result<CallerIdentity, Failure> {
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
    pub(super) async fn session(
        &self,
        role: &ToAssume<'_>,
        request: &SignedRequest,
    ) -> Result<(Identity, u32), Failure> {
        let duration = self.duration(role).await?;
        let fewer_tags = Cell::new(false);
        let session =
            with_retries(self.run, self.settings, async || self.assume(role, request, duration, &fewer_tags).await)
                .await?;
        let identity = Identity::from(session);
        for secret in identity.credentials.secrets() {
            self.run.mask(secret);
        }
        Ok((identity, duration))
    }

    /// A role that is assumed by a role lasts an hour at most, whatever its own maximum is. Where it
    /// is not known who calls, only a call tells a role's session from a user's, so it is made when
    /// more is asked for.
    async fn duration(&self, role: &ToAssume<'_>) -> Result<u32, Failure> {
        let asked = role.session.duration.seconds();
        if asked <= LONGEST_CHAINED || self.caller.credentials.session_token.is_none() {
            return Ok(asked);
        }
        if !self.of_a_role && !apart(self.identity()).await?.arn.contains(":assumed-role/") {
            return Ok(asked);
        }
        self.run.notice(&format!(
            "`{}` asks for {}, and AWS ends a session that one role has of another after 1 h: so long it is",
            self.run.option(if self.of_a_role { Meaning::Chain } else { Meaning::Duration }),
            span(i64::from(asked)),
        ));
        Ok(LONGEST_CHAINED)
    }

    async fn assume(
        &self,
        role: &ToAssume<'_>,
        asked: &SignedRequest,
        duration: u32,
        fewer_tags: &Cell<bool>,
    ) -> Result<Session, Trouble> {
        let session = role.session;
        let policy_arns: Vec<&str> = session.policy_arns.iter().map(PolicyArn::as_str).collect();
        loop {
            let given = &asked.tags;
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
                session_name: session.name.as_str(),
                duration_seconds: Some(duration),
                external_id: asked.external_id.as_ref().map(ExternalId::as_str),
                source_identity: asked.source_identity.as_ref().map(SourceIdentity::as_str),
                policy: session.policy.as_ref().map(SessionPolicy::as_str),
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
        Refused { from: &self.caller.from, endpoint: self.place.endpoint, clock: self.caller.clock(), role }
    }

    async fn ask<T>(
        &self,
        body: &str,
        read: fn(&Answer) -> Result<T, AnswerFault>,
    ) -> Result<Result<T, AnswerFault>, Trouble> {
        let outcome = self.caller.ask_query(body, read).await;
        let Place { endpoint, region } = self.place;
        outcome.map_err(|trouble| explain::unreachable(self.run, endpoint, Some(region), trouble))
    }
}
