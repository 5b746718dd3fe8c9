//! Credentials that the machine has, from the first place that has any: `AWS_PROFILE`, variables, the
//! default profile, the file of a web identity, the container, the instance.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>

use futures_util::future::join;

use super::{Found, Place, missing};
use crate::aws::credentials::Credentials;
use crate::aws::imds::{self, ImdsFault};
use crate::aws::profile::source::{Chain, Hop, ProfileProblem, Source as ProfileSource, WebIdentity};
use crate::aws::profile::{self, Profiles};
use crate::aws::{container, environment, process};
use crate::ci::Ci;
use crate::diagnostic::Failure;
use crate::effect::{Answer, Command, Fault, FaultKind, Symlinks};
use crate::exchange;
use crate::handover::profile::paths;
use crate::run::{Call, Run, apart, interrupted};
use crate::secret::Secret;
use crate::settings::origin::unusable_variables;
use crate::settings::{
    Checks, CredentialSource, HandOver, RoleSettings, SessionSettings, Settings, SignedRequest, SignedSource, Source,
    Target, TokenSource,
};
use crate::values::{ExternalId, RoleArn, SessionDuration, SessionName};

/// A program that prints credentials has so long, and prints so much at most.
const PROGRAM_MS: u32 = 20_000;
const PROGRAM_BYTES: u32 = 64 * 1024;
/// Tells a program which profile it is run for: it may be this one, told to take that profile's credentials.
const WITHIN: &str = "CI_ASSUME_ROLE_WITHIN";
/// The one that counts when none is named.
const DEFAULT_PROFILE: &str = "default";

/// What is needed on the way to them.
struct Search<'a> {
    run: &'a Run,
    ci: &'a dyn Ci,
    settings: &'a Settings,
    place: Place<'a>,
}

/// # Errors
/// When the source has none, or what it has cannot be used. For [`CredentialSource::Machine`]: when no
/// place has any, or the first that is meant to have some cannot be used.
pub async fn find(
    run: &Run,
    ci: &dyn Ci,
    settings: &Settings,
    place: Place<'_>,
    source: &CredentialSource,
) -> Result<Found, Failure> {
    let search = Search { run, ci, settings, place };
    match source {
        CredentialSource::Known { credentials, from } => Ok((credentials.clone(), from.clone())),
        CredentialSource::Environment => {
            let nowhere = || {
                Err(missing("the job's environment has no credentials")
                    .fact("not set", "AWS_ACCESS_KEY_ID")
                    .fix("let a step before this one export some, or use another source")
                    .into())
            };
            search.environment().unwrap_or_else(nowhere)
        }
        CredentialSource::Profile(name) => search.named(name).await,
        CredentialSource::Container => {
            let nowhere = || {
                missing("this is no container that is told of credentials")
                    .fact("not set", format!("{}, {}", container::RELATIVE_URI, container::FULL_URI))
                    .fix("give the task or the pod a role, or use another source")
                    .into()
            };
            search.container().await?.ok_or_else(nowhere)
        }
        CredentialSource::Instance => {
            let nowhere = || {
                missing("no instance metadata service answers as one does")
                    .cause("this is no instance of EC2, or a container on one, which is a hop too far from the service")
                    .cause("AWS_EC2_METADATA_DISABLED is set")
                    .fix("let the instance's metadata options allow 2 hops, or use another source")
                    .into()
            };
            search.instance().await?.ok_or_else(nowhere)
        }
        CredentialSource::Machine => search.anywhere().await,
    }
}

impl Search<'_> {
    /// In the order of the AWS SDKs.
    async fn anywhere(&self) -> Result<Found, Failure> {
        let env = &self.run.env;
        let named = env.get("AWS_PROFILE");
        if let Some(name) = named {
            return self.named(name).await;
        }
        if let Some(found) = self.environment() {
            return found;
        }
        if let Some(found) = self.profile(None).await? {
            return Ok(found);
        }
        if let (Some(file), Some(arn)) = (env.get("AWS_WEB_IDENTITY_TOKEN_FILE"), env.get("AWS_ROLE_ARN")) {
            let role = RoleArn::parse(arn).map_err(|fault| missing(format!("`AWS_ROLE_ARN` {}", fault.problem)))?;
            let session_name = env.get("AWS_ROLE_SESSION_NAME").map(SessionName::parse).transpose();
            let session_name =
                session_name.map_err(|fault| missing(format!("`AWS_ROLE_SESSION_NAME` {}", fault.problem)))?;
            return self.web_identity(WebIdentity { token_file: file.to_owned(), role, session_name }).await;
        }
        if let Some(found) = self.container().await? {
            return Ok(found);
        }
        if let Some(found) = self.instance().await? {
            return Ok(found);
        }
        Err(missing("this machine has no credentials")
            .fact(
                "looked at",
                "AWS_ACCESS_KEY_ID, the default profile, AWS_WEB_IDENTITY_TOKEN_FILE, container, instance",
            )
            .cause("the machine has no role of its own, as machines of GitHub have none")
            .fix("give the machine a role, or let the job use its own token")
            .into())
    }

    /// Of a profile that is meant to have some.
    async fn named(&self, name: &str) -> Result<Found, Failure> {
        let found = self.profile(Some(name)).await?;
        found.ok_or_else(|| missing(format!("there is no profile `{name}`")).into())
    }

    fn environment(&self) -> Option<Result<Found, Failure>> {
        let read = environment::read(|name| self.run.env.get(name).map(str::to_owned))?;
        Some(match read {
            Ok(credentials) => Ok((credentials, "the credentials of the job's environment".to_owned())),
            Err(fault) => Err(unusable_variables(fault).into()),
        })
    }

    /// `None`: no profile is named, and the default one has none.
    async fn profile(&self, named: Option<&str>) -> Result<Option<Found>, Failure> {
        let (credentials, config) = match (paths(self.run), named) {
            (Ok(paths), _) => paths,
            (Err(_), None) => return Ok(None),
            (Err(_), Some(name)) => {
                let headline = format!("there is no home folder to look for profile `{name}` in");
                return Err(missing(headline)
                    .fix("let AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name two files")
                    .into());
            }
        };
        let (credentials, config) = join(self.file(&credentials), self.file(&config)).await;
        let profiles = Profiles::read(config?.as_deref(), credentials?.as_deref());
        let profiles = profiles.map_err(|fault| missing(fault.to_string()))?;
        let name = named.unwrap_or(DEFAULT_PROFILE);
        match profiles.chain(name) {
            Ok(chain) => self.follow(name, chain).await.map(Some),
            Err(fault)
                if named.is_none()
                    && matches!(fault.problem, ProfileProblem::NotFound { .. } | ProfileProblem::NoCredentials) =>
            {
                Ok(None)
            }
            Err(fault) => {
                Err(missing(fault.to_string()).fix("mend the profile, or let AWS_PROFILE name another").into())
            }
        }
    }

    async fn file(&self, path: &str) -> Result<Option<String>, Failure> {
        match self.run.channel.read_file(path, profile::MAX_BYTES, Symlinks::Follow).await {
            Ok(text) => Ok(Some(text)),
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(None),
            Err(fault) if fault.kind == FaultKind::Interrupted => Err(interrupted().into()),
            Err(fault) => Err(missing(format!("{path} cannot be read")).fact_if("system says", detail(&fault)).into()),
        }
    }

    /// Through all roles of a profile's chain.
    async fn follow(&self, name: &str, chain: Chain) -> Result<Found, Failure> {
        let (mut credentials, _) = match chain.source {
            ProfileSource::Keys(keys) => (keys, String::new()),
            ProfileSource::Environment => self.environment().unwrap_or_else(|| {
                Err(missing(format!("profile `{name}` takes credentials from the environment, which has none")).into())
            })?,
            ProfileSource::Container => {
                let found = self.container().await?;
                found.ok_or_else(|| {
                    missing(format!("profile `{name}` takes the container's credentials; it has none"))
                })?
            }
            ProfileSource::InstanceMetadata => {
                let found = self.instance().await?;
                found
                    .ok_or_else(|| missing(format!("profile `{name}` takes the instance's credentials; it has none")))?
            }
            ProfileSource::Command(words) => (self.program(name, words).await?, String::new()),
            ProfileSource::WebIdentity(web) => self.web_identity(web).await?,
        };
        for hop in chain.hops {
            credentials = self.hop(credentials, hop).await?;
        }
        Ok((credentials, format!("the credentials of profile `{name}`")))
    }

    /// One role of a chain. It has none of the settings of the role that is wanted in the end.
    async fn hop(&self, credentials: Credentials, hop: Hop) -> Result<Credentials, Failure> {
        let external_id = hop.external_id.map(|id| ExternalId::parse(&id)).transpose();
        let external_id = external_id
            .map_err(|fault| missing(format!("`external_id` of profile `{}` {}", hop.profile, fault.problem)))?;
        let from = format!("the source of profile `{}`", hop.profile);
        let signed = SignedSource {
            target: Target::Role(hop.role),
            credentials: CredentialSource::Known { credentials, from },
            request: SignedRequest { external_id, ..SignedRequest::default() },
        };
        let duration = hop.duration.unwrap_or(SessionDuration::HOUR);
        self.between(Source::Credentials(Box::new(signed)), hop.session_name, duration).await
    }

    async fn web_identity(&self, web: WebIdentity) -> Result<Found, Failure> {
        let from = format!("the session of {} by the token in {}", web.role.as_str(), web.token_file);
        let token = TokenSource::File { path: web.token_file, symlinks: Symlinks::Follow };
        let source = Source::Token { role_arn: web.role, token };
        Ok((self.between(source, web.session_name, SessionDuration::HOUR).await?, from))
    }

    async fn between(
        &self,
        source: Source,
        session_name: Option<SessionName>,
        duration: SessionDuration,
    ) -> Result<Credentials, Failure> {
        let role = RoleSettings {
            source,
            region: None,
            session: SessionSettings {
                name: session_name.unwrap_or_else(|| SessionName::of(&self.ci.session_name(&self.run.env))),
                duration,
                policy: None,
                policy_arns: Vec::new(),
            },
            chain: Vec::new(),
            checks: Checks::default(),
            endpoint: self.place.endpoint.clone(),
            signing_region: self.place.region.clone(),
            hand_over: HandOver::default(),
        };
        if let Some(role_arn) = role.role_arn() {
            self.settings.hide_role(self.run, role_arn);
        }
        let exchanged = apart(exchange::exchange(self.run, self.ci, self.settings, &role, None)).await?;
        self.run.say(&format!("  by way of {}", exchanged.identity.arn));
        Ok(exchanged.identity.credentials)
    }

    async fn program(&self, name: &str, argv: Vec<String>) -> Result<Credentials, Failure> {
        let failed = |problem: &str| missing(format!("the `credential_process` of profile `{name}` {problem}"));
        if self.run.env.get(WITHIN) == Some(name) {
            return Err(failed("asks for this profile itself").fix("name another profile as the source").into());
        }
        let command = Command {
            argv,
            env: vec![(WITHIN, name.to_owned())],
            input: String::new(),
            timeout_ms: PROGRAM_MS,
            max_bytes: PROGRAM_BYTES,
        };
        match self.run.program(command).await {
            // What it printed may be keys, in whatever form, so none of it is told.
            Ok(ended) if ended.exit_code == Some(0) => process::read(&ended.stdout)
                .map_err(|_| failed("printed something else than credentials").fix("run it by itself, and see").into()),
            Ok(ended) => Err(failed("failed").fact("exit code", ended.shown_exit()).into()),
            Err(fault) if fault.kind == FaultKind::Interrupted => Err(interrupted().into()),
            Err(fault) => Err(failed("could not be run").fact_if("system says", detail(&fault)).into()),
        }
    }

    /// `None`: this is no container with credentials.
    async fn container(&self) -> Result<Option<Found>, Failure> {
        let env = &self.run.env;
        let unusable = |fault: container::ContainerFault| missing(fault.to_string());
        let Some(request) = container::Request::new(env.get(container::RELATIVE_URI), env.get(container::FULL_URI))
        else {
            return Ok(None);
        };
        let mut request = request.map_err(unusable)?;
        if let Some(path) = env.get(container::TOKEN_FILE) {
            let token = self.file(path).await?.ok_or_else(|| missing(format!("there is no file {path}")))?;
            request = self.authorized(request, &token).map_err(unusable)?;
        } else if let Some(token) = env.get(container::TOKEN) {
            request = self.authorized(request, token).map_err(unusable)?;
        }
        let call = || Call { method: "GET", url: request.url.clone(), headers: request.headers(), body: None };
        let answer = self.nearby(call, container::TIMEOUT_MS, container::ATTEMPTS).await?.map_err(|fault| {
            missing("the container's credentials cannot be had: nothing answers")
                .fact_if("network says", detail(&fault))
        })?;
        let credentials = container::read(&answer).map_err(|fault| {
            // The instance's sentences fit all but for the name.
            missing(
                ImdsFault::Answer(fault)
                    .to_string()
                    .replace("the instance metadata service", "the container's service"),
            )
        })?;
        Ok(Some((credentials, "the credentials of the container".to_owned())))
    }

    fn authorized(
        &self,
        request: container::Request,
        token: &str,
    ) -> Result<container::Request, container::ContainerFault> {
        self.run.mask(&Secret::new(token.trim()));
        request.with_authorization(token)
    }

    /// `None`: this is no instance of EC2, or none that says so.
    async fn instance(&self) -> Result<Option<Found>, Failure> {
        let env = &self.run.env;
        if imds::is_disabled(env.get(imds::DISABLED)) {
            return Ok(None);
        }
        let unusable = |fault: ImdsFault| Failure::from(missing(fault.to_string()));
        let service = imds::Service::new(env.get(imds::ENDPOINT), env.get(imds::ENDPOINT_MODE)).map_err(unusable)?;
        let Ok(answer) = self.ask(|| service.token()).await? else { return Ok(None) };
        let token = match imds::read_token(&answer) {
            Ok(token) => token,
            Err(ImdsFault::NotImds) => return Ok(None),
            Err(fault) => return Err(unusable(fault)),
        };
        self.run.mask(&token);
        let silent = |fault: Fault| {
            missing("the instance metadata service stopped answering").fact_if("network says", detail(&fault))
        };
        let answer = self.ask(|| service.role(&token)).await?.map_err(silent)?;
        let role = imds::read_role(&answer).map_err(unusable)?;
        let answer = self.ask(|| service.credentials(&token, &role)).await?.map_err(silent)?;
        let credentials = imds::read(&answer).map_err(unusable)?;
        Ok(Some((credentials, format!("the role of the instance, {}", role.as_str()))))
    }

    async fn ask(&self, request: impl Fn() -> imds::Request) -> Result<Result<Answer, Fault>, Failure> {
        let call = || {
            let imds::Request { method, url, headers } = request();
            Call { method, url, headers, body: None }
        };
        self.nearby(call, imds::TIMEOUT_MS, imds::ATTEMPTS).await
    }

    /// Asks a service that is next to us, or not there; so often as it may help.
    async fn nearby(
        &self,
        call: impl Fn() -> Call,
        timeout_ms: u32,
        attempts: u32,
    ) -> Result<Result<Answer, Fault>, Failure> {
        let mut left = attempts;
        loop {
            left = left.saturating_sub(1);
            let outcome = self.run.ask_nearby(call(), timeout_ms).await;
            let again = match &outcome {
                Ok(answer) => answer.status == 429 || answer.status >= 500,
                Err(fault) if fault.kind == FaultKind::Interrupted => return Err(interrupted().into()),
                Err(_) => true,
            };
            if !again || left == 0 {
                return Ok(outcome);
            }
        }
    }
}

fn detail(fault: &Fault) -> Option<&str> {
    Some(fault.detail.as_str()).filter(|detail| !detail.is_empty())
}
