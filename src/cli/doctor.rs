//! Every check short of the exchange, one line each, and what to do about what fails.

use super::settings;
use crate::ci::Ci;
use crate::diagnostic::{Diagnostic, Failure};
use crate::effect::{Effect, Stream};
use crate::exchange;
use crate::job;
use crate::keys;
use crate::run::{Call, Run, Service};
use crate::settings::Settings;
use crate::text::Inert;
use crate::time::{Timestamp, span};

const STS: Service =
    Service { name: "STS", advice: "check that this machine may reach the host (firewall, DNS, proxy)" };
/// STS lets clocks differ by five minutes; a machine that is off by one will be off by five.
const SKEW_SECONDS: i64 = 60;

/// Returns the exit code: that of the first check that failed.
///
/// # Errors
/// Never; what fails is a line.
pub async fn examine(run: &Run, ci: &dyn Ci) -> Result<u8, Failure> {
    let mut findings = Findings { run, code: 0 };
    let runtime = &run.runtime;
    findings.good("runtime", &format!("{} {} on {}", runtime.name, runtime.version, runtime.platform));
    findings.good("CI", ci.name());

    let settings = match settings::read(run, ci) {
        Ok(settings) => {
            findings.good("options", &described(&settings));
            Some(settings)
        }
        Err(failure) => {
            findings.all_bad("options", &failure);
            None
        }
    };
    if let Some(settings) = &settings {
        endpoint(&mut findings, run, settings).await;
    }

    match settings::read_source(run) {
        Err(failure) if settings.is_some() => findings.all_bad("token", &failure),
        Err(_) => {} // it was told with the options
        Ok((settings, source)) => match exchange::token(run, ci, &settings, &source).await {
            Err(trouble) => findings.bad("token", &trouble.diagnostic),
            Ok(token) => {
                let claims = token.claims();
                let issuer = claims.issuer().unwrap_or_default();
                findings.good("token", &format!("from {issuer}"));
                findings.good("audience", claims.audience().unwrap_or("several"));
                findings.good("subject", &claims.subject().unwrap_or_default());
                if let Some(ends) = claims.expires_at() {
                    findings.good("lifetime", &span(ends.seconds_since(run.channel.now()).max(0)));
                }
                let seen: Vec<&str> =
                    claims.names().map(String::as_str).filter(|name| keys::of_claim(issuer, name).is_some()).collect();
                findings.good("AWS sees", &seen.join(", "));
            }
        },
    }

    if run.env.get("--exchange").is_some()
        && let Some(settings) = &settings
        && findings.code == 0
    {
        match job::obtain(run, ci, settings).await {
            Ok(exchanged) => {
                for exchanged in exchanged.exchanged {
                    findings.good("exchange", &exchanged.identity.arn);
                }
            }
            Err(failure) => {
                findings.all_bad("exchange", &failure);
                run.report(&failure);
            }
        }
    }
    Ok(findings.code)
}

fn described(settings: &Settings) -> String {
    let roles: Vec<String> = settings
        .roles
        .iter()
        .map(|role| {
            format!(
                "{} as {} for {}",
                role.role(),
                role.session.name.as_str(),
                span(i64::from(role.session.duration.seconds()))
            )
        })
        .collect();
    roles.join("; ")
}

/// Whether STS can be reached, and what time it is there.
async fn endpoint(findings: &mut Findings<'_>, run: &Run, settings: &Settings) {
    for role in &settings.roles {
        let call = Call {
            method: "GET",
            url: role.endpoint.url.clone(),
            headers: vec![("user-agent".into(), run.user_agent())],
            body: None,
        };
        match settings.proxy.for_url(&role.endpoint.url) {
            Ok(Some(proxy)) => findings.good("proxy", &proxy.shown()),
            Ok(None) => findings.good("proxy", "none for STS"),
            Err(fault) => findings.bad("proxy", &fault.diagnostic()),
        }
        match run.fetch(STS, call, &settings.proxy).await {
            Err(trouble) => findings.bad("endpoint", &trouble.diagnostic),
            Ok(answer) => {
                findings.good("endpoint", &role.endpoint.host);
                let Some(theirs) = answer.header("date").and_then(Timestamp::parse_http) else { continue };
                let skew = run.channel.now().seconds_since(theirs);
                if skew.abs() > SKEW_SECONDS {
                    let direction = if skew < 0 { "behind" } else { "ahead of" };
                    findings.worth("clock", &format!("{} {direction} AWS's; let NTP set it", span(skew.abs())));
                } else {
                    findings.good("clock", "as AWS's");
                }
            }
        }
    }
}

struct Findings<'a> {
    run: &'a Run,
    code: u8,
}

impl Findings<'_> {
    fn good(&self, what: &str, text: &str) {
        self.line("ok", what, text);
    }

    fn worth(&self, what: &str, text: &str) {
        self.line("note", what, text);
    }

    fn bad(&mut self, what: &str, diagnostic: &Diagnostic) {
        if self.code == 0 {
            self.code = Failure::from(diagnostic.clone()).exit_code();
        }
        self.line("FAIL", what, diagnostic.headline.as_str());
        if let Some(cause) = diagnostic.causes.first() {
            self.line("", "", &format!("why: {cause}"));
        }
        for fix in diagnostic.fixes.iter().take(2) {
            self.line("", "", &format!("fix: {fix}"));
        }
    }

    fn all_bad(&mut self, what: &str, failure: &Failure) {
        for diagnostic in failure.diagnostics() {
            self.bad(what, diagnostic);
        }
    }

    fn line(&self, mark: &str, what: &str, text: &str) {
        let text = self.run.scrub(&format!("{mark:4}  {what:10}  {}", Inert::new(text)));
        self.run.channel.tell(Effect::Log { stream: Stream::Stdout, text: text.trim_end().to_owned() });
    }
}
