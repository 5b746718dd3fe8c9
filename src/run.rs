//! One run: what it was started with, and its ways to speak and to fetch.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, MaybeDone, maybe_done};

use crate::channel::Channel;
use crate::diagnostic::{Code, Diagnostic, Failure, render};
use crate::dialect::{Dialect, Report, is_flag_or_variable, option_of_flags};
use crate::effect::{Answer, Command, Effect, Ended, Fault, FaultKind, Fetch, Header, Stream};
use crate::environment::{Environment, Runtime};
use crate::names::Meaning;
use crate::pairs::Pairs;
use crate::product;
use crate::proxy::ProxySettings;
use crate::secret::{Scrubber, Secret};
use crate::sts::error::Retry;
use crate::text::Inert;
use crate::time::{Timestamp, span};

/// How long the whole exchange may take, with all its attempts.
pub const BUDGET_MS: u64 = 30_000;
const CONNECT_MS: u32 = 5_000;
const REQUEST_MS: u32 = 10_000;
/// Answers are a few kilobytes; more is not an answer.
const ANSWER_BYTES: u32 = 64 * 1024;

/// Something that went wrong on the way, and whether it can pass by itself.
#[derive(Debug)]
pub struct Trouble {
    pub retry: Retry,
    pub diagnostic: Diagnostic,
}

impl Trouble {
    #[must_use]
    pub fn new(retry: Retry, diagnostic: Diagnostic) -> Self {
        Self { retry, diagnostic }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        trouble.diagnostic.into()
    }
}

/// Whom a request is for, in words.
#[derive(Clone, Copy)]
pub struct Service {
    pub name: &'static str,
    /// What to look at when it cannot be reached.
    pub advice: &'static str,
}

/// A request, before limits and proxy are added.
pub struct Call {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<Header>,
    pub body: Option<String>,
}

pub struct Run {
    pub channel: Channel,
    pub dialect: &'static dyn Dialect,
    pub env: Environment,
    pub runtime: Runtime,
    scrubber: Scrubber,
    voice: Voice,
    naming: Naming,
    time_limit_ms: Cell<Option<u64>>,
}

/// Where people read, and whether what is written there is also obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// The CI's log, in the CI's dialect.
    Log,
    /// The same, and all of it on standard error: standard output is for a program.
    Beside,
    /// Standard error as it comes, since nobody knows who reads that.
    Aside,
}

/// What options are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// As the CI's own entry calls them.
    Entry,
    /// As the command line does.
    Flags,
}

impl Run {
    #[must_use]
    pub fn new(
        channel: Channel,
        dialect: &'static dyn Dialect,
        env: Environment,
        runtime: Runtime,
        voice: Voice,
    ) -> Self {
        Self {
            channel,
            dialect,
            env,
            runtime,
            scrubber: Scrubber::default(),
            voice,
            naming: Naming::Entry,
            time_limit_ms: Cell::new(None),
        }
    }

    /// From here on options are called as the command line calls them.
    #[must_use]
    pub fn with_flags(mut self) -> Self {
        self.naming = Naming::Flags;
        self
    }

    /// Whether options are called as the command line calls them.
    #[must_use]
    pub fn has_flags(&self) -> bool {
        self.naming == Naming::Flags
    }

    /// What people call an option in this run.
    #[must_use]
    pub fn option(&self, meaning: Meaning) -> &'static str {
        match self.naming {
            Naming::Entry => self.dialect.option(meaning),
            Naming::Flags => option_of_flags(meaning),
        }
    }

    /// Whether a variable of the environment carries one of this run's options.
    #[must_use]
    pub fn is_option(&self, name: &str) -> bool {
        match self.naming {
            Naming::Entry => self.dialect.is_option(name),
            Naming::Flags => is_flag_or_variable(name),
        }
    }

    /// The same run with other options than those of its environment; the two share what they know
    /// of secrets.
    #[must_use]
    pub fn with_options(&self, options: &Pairs) -> Self {
        self.with(self.dialect, self.naming, options)
    }

    /// The same, with options of the command line in a job of some CI.
    #[must_use]
    pub fn with_options_of_flags(&self, dialect: &'static dyn Dialect, options: &Pairs) -> Self {
        self.with(dialect, Naming::Flags, options)
    }

    fn with(&self, dialect: &'static dyn Dialect, naming: Naming, options: &Pairs) -> Self {
        let is_option = |name: &str| match naming {
            Naming::Entry => dialect.is_option(name),
            Naming::Flags => is_flag_or_variable(name),
        };
        Self {
            channel: self.channel.clone(),
            dialect,
            env: self.env.with(is_option, options),
            runtime: self.runtime.clone(),
            scrubber: self.scrubber.clone(),
            voice: self.voice,
            naming,
            time_limit_ms: Cell::new(None),
        }
    }

    /// From here on no request or pause reaches past this many milliseconds after the start.
    pub fn limit_time(&self, limit_ms: Option<u64>) {
        self.time_limit_ms.set(limit_ms);
    }

    // Speaking.

    /// Hides a secret from the log, before anything else happens with it.
    pub fn mask(&self, secret: &Secret) {
        if self.scrubber.learn(secret) && self.voice != Voice::Aside {
            for line in self.dialect.mask_lines(secret.expose()) {
                self.channel.tell(Effect::Mask { stream: self.stream(), line });
            }
        }
    }

    /// Keeps a secret out of what this run says, and leaves the log of others as it is: people asked for that.
    #[cfg(feature = "signed")]
    pub fn keep_to_itself(&self, secret: &Secret) {
        self.scrubber.learn(secret);
    }

    /// Hides text that is no secret by nature, such as an account id, where people asked for it.
    pub fn hide(&self, text: &str) {
        self.mask(&Secret::new(text));
    }

    /// Every secret that was to be hidden so far, longest first.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        self.scrubber.known()
    }

    /// One line, whatever is in it: much of what is said was said by a server first.
    pub fn say(&self, line: &str) {
        self.print(render::guarded(Inert::new(line).as_str()));
    }

    /// A line that the CI's log is to obey. Remote text in it is already escaped.
    pub fn command(&self, line: Option<String>) {
        if let Some(line) = line
            && self.voice != Voice::Aside
        {
            self.print(line);
        }
    }

    pub fn notice(&self, message: &str) {
        let message = Inert::new(message);
        let message = message.as_str();
        match self.dialect.notice(message).filter(|_| self.voice != Voice::Aside) {
            Some(command) => self.print(command),
            None => self.say(&format!("note: {message}")),
        }
    }

    /// Says what is wrong, in the log and as the CI likes to have its errors.
    pub fn report(&self, failure: &Failure) {
        let colour = self.runtime.coloured.contains(&self.stream());
        let reports = failure.diagnostics().iter().map(|diagnostic| {
            let lines = render::text(diagnostic, colour);
            let lines = if colour { lines } else { lines.iter().map(|line| render::guarded(line)).collect() };
            Report { diagnostic, lines }
        });
        let lines = match self.voice {
            Voice::Log | Voice::Beside => self.dialect.failure(reports.collect()),
            Voice::Aside => reports.flat_map(|report| report.lines).collect(),
        };
        for line in lines {
            self.print(line);
        }
    }

    fn stream(&self) -> Stream {
        match self.voice {
            Voice::Log => self.dialect.stream(),
            Voice::Beside | Voice::Aside => Stream::Stderr,
        }
    }

    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        self.scrubber.scrub(text)
    }

    fn print(&self, text: String) {
        self.channel.tell(Effect::Log { stream: self.stream(), text: self.scrub(&text) });
    }

    // Fetching and waiting.

    /// One request within all limits. Any status is an answer.
    ///
    /// # Errors
    /// When no complete answer came back, with the network's reason in words.
    pub async fn fetch(&self, service: Service, call: Call, proxy: &ProxySettings) -> Result<Answer, Trouble> {
        let left = self.left_ms()?;
        let host = shown_host(&call.url).to_owned();
        let proxy = proxy.for_url(&call.url).map_err(|fault| Trouble::new(Retry::Never, fault.diagnostic()))?;
        let request = Fetch {
            method: call.method,
            url: call.url,
            headers: call.headers,
            body: call.body,
            connect_timeout_ms: clamp(left).min(CONNECT_MS),
            timeout_ms: clamp(left).min(REQUEST_MS),
            max_bytes: ANSWER_BYTES,
            proxy: proxy.as_ref().map(|proxy| proxy.expose().to_owned()),
            socket: None,
        };
        let shown_proxy = proxy.map(|proxy| proxy.shown());
        let outcome = self.channel.fetch(request).await;
        outcome.map_err(|fault| match self.left_ms() {
            Err(over) if fault.kind != FaultKind::Interrupted => over,
            _ => network_trouble(service, &host, shown_proxy.as_deref(), &fault),
        })
    }

    /// One request to a service of the CI on this machine, by a socket of the file system.
    ///
    /// # Errors
    /// When no complete answer came back.
    pub async fn ask_socket(&self, socket: &str, call: Call) -> Result<Answer, Fault> {
        let request = Fetch {
            method: call.method,
            url: call.url,
            headers: call.headers,
            body: call.body,
            connect_timeout_ms: CONNECT_MS,
            timeout_ms: REQUEST_MS,
            max_bytes: ANSWER_BYTES,
            proxy: None,
            socket: Some(socket.to_owned()),
        };
        self.channel.fetch(request).await
    }

    /// One request to a service that is next to this machine: without a proxy, and not for long.
    ///
    /// # Errors
    /// When no complete answer came back.
    pub async fn ask_nearby(&self, call: Call, timeout_ms: u32) -> Result<Answer, Fault> {
        let timeout_ms = timeout_ms.min(self.left_ms().map_or(1, clamp));
        let request = Fetch {
            method: call.method,
            url: call.url,
            headers: call.headers,
            body: call.body,
            connect_timeout_ms: timeout_ms,
            timeout_ms,
            max_bytes: ANSWER_BYTES,
            proxy: None,
            socket: None,
        };
        self.channel.fetch(request).await
    }

    /// Runs a program of the CI to its end, whatever its exit code.
    ///
    /// # Errors
    /// When it could not be started, or did not end in time.
    pub async fn program(&self, mut command: Command) -> Result<Ended, Fault> {
        command.timeout_ms = command.timeout_ms.min(self.left_ms().map_or(1_000, clamp));
        self.channel.run_program(command).await
    }

    /// # Errors
    /// When the run was interrupted meanwhile, or has no time left.
    pub async fn sleep(&self, ms: u64) -> Result<(), Trouble> {
        let left = self.time_limit_ms.get().map_or(u64::MAX, |limit| limit.saturating_sub(self.channel.elapsed_ms()));
        self.channel.sleep(clamp(ms.min(left))).await.map_err(|_| interrupted())?;
        self.left_ms().map(|_| ())
    }

    fn left_ms(&self) -> Result<u64, Trouble> {
        let elapsed = self.channel.elapsed_ms();
        // The first attempt always gets its chance; later ones are not begun past the budget.
        let budget = BUDGET_MS.saturating_sub(elapsed).max(1_000);
        match self.time_limit_ms.get() {
            Some(limit) if limit <= elapsed => Err(time_is_up(limit)),
            Some(limit) => Ok(budget.min(limit - elapsed)),
            None => Ok(budget),
        }
    }

    /// When something ends, to go on with in a sentence. Nothing, where it does not end.
    #[must_use]
    pub fn until(&self, end: Option<Timestamp>) -> String {
        end.map_or_else(String::new, |end| {
            format!(" until {end} ({} from now)", span(end.seconds_since(self.channel.now()).max(0)))
        })
    }

    /// A folder for files that are no job's but this user's: by the XDG base directory specification, or under
    /// the home folder; `%LOCALAPPDATA%` on Windows. `None`: there is no home.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn folder_of_user(&self, variable: &str, under_home: &str) -> Option<String> {
        let named = [variable, "LOCALAPPDATA"].into_iter().find_map(|name| self.env.get(name));
        let home = Some(self.runtime.home.as_str()).filter(|home| !home.is_empty());
        named.map(str::to_owned).or_else(|| home.map(|home| format!("{home}/{under_home}")))
    }

    /// Names the product, the CI and the run, so that CloudTrail shows which job called.
    #[must_use]
    pub fn user_agent(&self) -> String {
        let mut agent = format!("{}/{} md/ci#{}", product::NAME, product::VERSION, self.dialect.name());
        for (label, value) in self.dialect.run_labels(&self.env) {
            let harmless = |c: char| if c.is_ascii_alphanumeric() || "._/-".contains(c) { c } else { '_' };
            let value: String = value.chars().take(128).map(harmless).collect();
            agent.push_str(&format!(" md/{label}#{value}"));
        }
        agent
    }
}

#[must_use]
pub fn interrupted() -> Trouble {
    Trouble::new(
        Retry::Never,
        Diagnostic::new(Code::Interrupted, "the run was interrupted before it was done")
            .fix("nothing was handed over; run the job again"),
    )
}

fn time_is_up(limit_ms: u64) -> Trouble {
    Trouble::new(
        Retry::Never,
        Diagnostic::new(Code::TimeLimit, format!("the time limit of {} s ran out", limit_ms / 1000))
            .cause("the limit is short, or a server was slow; the lines above say how far it came")
            .fix("raise the limit, or remove it: every request has a deadline of its own"),
    )
}

fn network_trouble(service: Service, host: &str, proxy: Option<&str>, fault: &Fault) -> Trouble {
    let name = service.name;
    let (retry, code, headline) = match fault.kind {
        FaultKind::Interrupted => return interrupted(),
        FaultKind::Timeout | FaultKind::ConnectTimeout => {
            (Retry::Yes, Code::EndpointTimeout, format!("{name} at {host} did not answer in time"))
        }
        FaultKind::Dns => {
            (Retry::Yes, Code::EndpointUnreachable, format!("the name {host} of {name} could not be resolved"))
        }
        FaultKind::Refused => (Retry::Yes, Code::EndpointUnreachable, format!("{host} refused a connection to {name}")),
        FaultKind::Reset => {
            (Retry::Yes, Code::EndpointUnreachable, format!("the connection to {name} at {host} broke off"))
        }
        FaultKind::Tls => (Retry::Never, Code::TlsFailed, format!("no secure connection to {name} at {host}")),
        FaultKind::Proxy => (Retry::Yes, Code::ProxyFailed, format!("the proxy did not connect to {name} at {host}")),
        FaultKind::TooLarge => {
            (Retry::Never, Code::AnswerTooLarge, format!("{name} at {host} sent more than {} KiB", ANSWER_BYTES / 1024))
        }
        FaultKind::Protocol => (Retry::Never, Code::EndpointUnreachable, format!("{host} does not speak HTTP")),
        _ => (Retry::Yes, Code::EndpointUnreachable, format!("{name} at {host} could not be reached")),
    };
    let mut diagnostic = Diagnostic::new(code, headline).fact("network says", &fault.detail).fact_if("proxy", proxy);
    diagnostic = match code {
        Code::TlsFailed => diagnostic
            .cause("a proxy or firewall inspects traffic with a certificate that this machine does not know")
            .fix("set NODE_EXTRA_CA_CERTS or AWS_CA_BUNDLE to a PEM file with that authority's certificate"),
        Code::ProxyFailed => diagnostic.fix("check the proxy's address and password, or list the host in NO_PROXY"),
        Code::AnswerTooLarge => diagnostic.cause(format!("something else than {name} listens at that address")),
        _ => diagnostic.fix(service.advice),
    };
    Trouble::new(retry, diagnostic)
}

/// Keeps a part of the story that most runs never reach out of the function that leads to it: a
/// runtime compiles whole functions, and only those that are reached.
pub fn apart<'a, T>(story: impl Future<Output = T> + 'a) -> LocalBoxFuture<'a, T> {
    Box::pin(story)
}

/// Goes on with all of them at once, until all are done. For a handful: each is asked whenever
/// anything has happened.
pub async fn all<T>(stories: Vec<LocalBoxFuture<'_, T>>) -> Vec<T> {
    let mut stories: Vec<MaybeDone<LocalBoxFuture<'_, T>>> = stories.into_iter().map(maybe_done).collect();
    poll_fn(|context| {
        let mut ready = true;
        for story in &mut stories {
            ready &= story.poll_unpin(context).is_ready();
        }
        if ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    stories.iter_mut().filter_map(|story| Pin::new(story).take_output()).collect()
}

/// `host` or `host:port` of an absolute URL, for people to read. What may be sent where is decided by
/// [`crate::sts::endpoint::Endpoint::custom`].
#[must_use]
pub fn shown_host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn clamp(ms: u64) -> u32 {
    u32::try_from(ms).unwrap_or(u32::MAX)
}
