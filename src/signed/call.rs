//! Calls that are signed: which service, by whose credentials, and by which clock.

use std::cell::Cell;

use crate::aws::clock::ClockCorrection;
use crate::aws::credentials::Credentials;
use crate::aws::sigv4::{self, Signer};
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::{Answer, Header};
use crate::proxy::ProxySettings;
use crate::run::{Call, Run, Service, Trouble};
use crate::sts::endpoint::Endpoint;
use crate::sts::error::{AnswerFault, ErrorKind, Retry};
use crate::sts::form;
use crate::time::span;

/// A service of AWS, as far as a signature goes.
#[derive(Clone, Copy)]
pub struct Signing<'a> {
    pub service: Service,
    /// The name that it signs under.
    pub name: &'static str,
    /// The region that the signature is for.
    pub region: &'a str,
    pub endpoint: &'a Endpoint,
    /// The option that says where it is.
    pub option: &'static str,
}

/// Who calls, and how.
pub struct Caller<'a> {
    pub run: &'a Run,
    pub signing: Signing<'a>,
    pub credentials: Credentials,
    /// What they are, for people: it goes on from "with".
    pub from: String,
    proxy: &'a ProxySettings,
    clock: Cell<Option<ClockCorrection>>,
}

impl<'a> Caller<'a> {
    pub fn new(
        run: &'a Run,
        proxy: &'a ProxySettings,
        signing: Signing<'a>,
        credentials: Credentials,
        from: String,
    ) -> Self {
        for secret in credentials.secrets() {
            run.mask(secret);
        }
        Self { run, signing, credentials, from, proxy, clock: Cell::new(None) }
    }

    /// By how much AWS's clock turned out to be another.
    #[must_use]
    pub fn clock(&self) -> Option<ClockCorrection> {
        self.clock.get()
    }

    /// One call. Where AWS's clock is another, it is made again by AWS's.
    ///
    /// # Errors
    /// When nothing answers. What is wrong with an answer is for `read` to say.
    pub async fn ask<T, F>(
        &self,
        headers: &[Header],
        body: &str,
        read: impl Fn(&Answer) -> Result<T, F>,
        is_skewed: impl Fn(&F) -> bool,
    ) -> Result<Result<T, F>, Trouble> {
        loop {
            let answer = self.post(headers.to_vec(), body).await?;
            let outcome = read(&answer);
            if let Err(fault) = &outcome
                && is_skewed(fault)
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

    /// The same of a service that is asked by forms and answers in XML, as STS does.
    ///
    /// # Errors
    /// As for [`Caller::ask`].
    pub async fn ask_query<T>(
        &self,
        body: &str,
        read: fn(&Answer) -> Result<T, AnswerFault>,
    ) -> Result<Result<T, AnswerFault>, Trouble> {
        let is_skewed =
            |fault: &AnswerFault| matches!(fault, AnswerFault::Sts(error) if error.kind == ErrorKind::ClockSkewed);
        self.ask(&form::headers(form::XML), body, read, is_skewed).await
    }

    async fn post(&self, mut headers: Vec<Header>, body: &str) -> Result<Answer, Trouble> {
        let ours = self.run.channel.now();
        let signer = Signer {
            credentials: &self.credentials,
            region: self.signing.region,
            service: self.signing.name,
            time: self.clock.get().map_or(ours, |correction| correction.apply(ours)),
        };
        let url = &self.signing.endpoint.url;
        headers.push(("user-agent".into(), self.run.user_agent()));
        let request = sigv4::Request { method: "POST", url, headers: &headers, body: body.as_bytes() };
        let signed = signer.sign(&request).map_err(|fault| {
            let diagnostic = Diagnostic::new(Code::OptionInvalid, format!("the request to {url} {fault}"))
                .fix(format!("correct `{}`", self.signing.option));
            Trouble::new(Retry::Never, diagnostic)
        })?;
        signed.add_to(&mut headers);
        let call = Call { method: "POST", url: url.clone(), headers, body: Some(body.to_owned()) };
        self.run.fetch(self.signing.service, call, self.proxy).await
    }
}
