//! A stand-in for both ends of the exchange: the token services of the CIs, and STS.
//!
//! Pure functions: the server around them, the signing key and the check of signatures are the
//! shim's. What is asked of the stand-in for STS passes the gates of the real one in their order
//! (`gates.rs`), and the answer is in its words, so that a pipeline which works here has a fair
//! chance there, and one that fails here fails alike there. The credentials open nothing.

mod config;
mod gates;
mod identity;
mod issuer;
mod limits;
mod random;
mod reader;
mod refusal;
mod request;
#[cfg(test)]
mod tests;
mod trust;
mod xml;

use serde::Serialize;
use serde_json::{Value, json};

use self::config::Config;
use self::gates::Admitted;
use self::random::Random;
use self::refusal::Refusal;
use self::xml::Issued;
use crate::text::Inert;
use crate::time::Timestamp;

/// One account with the providers of all CIs and two roles. `deploy` trusts the main branch of
/// GitHub's `octo-org/octo-repo` and of Buildkite's `acme/api`, and Bitrise's workflow `deploy`;
/// `deploy-prod` trusts the environment `production`, tags `v…` and the workflow `deploy-prod`. The
/// job runs on the main branch, and in the workflow `deploy`.
#[must_use]
pub fn default_config() -> Value {
    // A test holds that it can be read.
    serde_json::from_str(include_str!("default.json")).unwrap_or_default()
}

/// Header and claims of the GitHub token for the configured job, as `{"header": {…}, "claims": {…}}`;
/// or, with a `request`, what a token service answers to it.
///
/// `request` is `{"config": {…}, "audience": "…", "now": seconds since 1970, "seed": "…"}`. Without
/// an audience the token is for the repository owner's URL, as GitHub's are. The seed only makes
/// tokens differ, and may be left out.
///
/// In place of the audience there may be a request to a token service: `"request": {"method": "…",
/// "path": "…", "query": "…", "headers": {…}, "body": "…", "key": "…"}`, with the names of headers
/// in lower case, and the secret that a job shows as its right to ask. The answer is `{"status": …,
/// "body": {…}, "log": "…"}`. Where a token is issued, there is also `"token": {"header": {…},
/// "claims": {…}, "member": "…", "length": "…" or null}`: it is to be signed and to be put into the
/// body as that member, and its length as the other.
///
/// # Errors
/// When the configuration does not work: everything that is wrong with it, one line each.
pub fn claims(request: &str) -> Result<Value, String> {
    let asked = Asked::read(request)?;
    let (now, audience, seed) = (asked.now()?, asked.text("audience"), asked.text("seed"));
    let config = Config::read(asked.config())?;
    let audience = audience.unwrap_or_default();
    let mut random = Random::new(&format!("{} {now} {audience}", seed.unwrap_or_default()));
    let header = json!({ "alg": "RS256", "kid": "sandbox", "typ": "JWT" });
    match asked.0.get("request") {
        None => Ok(json!({ "header": header, "claims": config.job.claims(audience, now, &mut random) })),
        Some(request) => {
            let request = issuer::Request::read(request).ok_or_else(|| Asked::lacks("request"))?;
            Ok(config.job.answer(&request, now, &mut random).into_json(&header))
        }
    }
}

/// What STS answers to the form `body`.
///
/// `request` is `{"config": {…}, "body": "…", "signature": "valid" | "invalid" | "unknown-key",
/// "seed": "…", "now": seconds since 1970}`. The signature is that of the form's
/// `WebIdentityToken`, white space after it aside; where that is no token, `invalid` will do.
///
/// # Errors
/// When the configuration does not work: everything that is wrong with it, one line each.
pub fn answer(request: &str) -> Result<Answer, String> {
    let request = Asked::read(request)?;
    let (now, body, signature) = (request.now()?, request.need("body")?, request.signature()?);
    let mut random = Random::new(request.need("seed")?);
    let config = Config::read(request.config())?;
    let request_id = random.uuid();
    let (status, body, log) = match gates::pass(&config, body, signature, now) {
        Ok(admitted) => issue(&admitted, now, &mut random, &request_id),
        Err(refusal) => refuse(&refusal, &request_id),
    };
    Ok(Answer { status, content_type: "text/xml", request_id, body, log: Inert::excerpt(&log, 1000).into() })
}

/// An answer of STS. Its credentials are made up, so it may be shown and sent about.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    /// For the header `x-amzn-requestid`.
    pub request_id: String,
    pub body: String,
    /// One line that tells the sandbox's user what AWS would not: why it came to this answer.
    pub log: String,
}

/// What the holder of the sandbox's key found.
#[derive(Clone, Copy)]
enum Signature {
    Invalid,
    UnknownKey,
    Valid,
}

/// What the shim asks. Read by hand, since each derived reader would be kilobytes of the module.
struct Asked(Value);

impl Asked {
    fn read(request: &str) -> Result<Self, String> {
        serde_json::from_str(request)
            .map(Self)
            .map_err(|_| "the sandbox was asked something that is not JSON".to_owned())
    }

    fn config(&self) -> &Value {
        self.0.get("config").unwrap_or(&Value::Null)
    }

    /// A moment of the years 1970 to 9999, so that a little more or less can be reckoned with.
    fn now(&self) -> Result<i64, String> {
        let seconds = self.0.get("now").and_then(Value::as_i64);
        seconds.map(|seconds| seconds.clamp(0, 253_402_300_799)).ok_or_else(|| Self::lacks("now"))
    }

    fn signature(&self) -> Result<Signature, String> {
        match self.text("signature") {
            Some("invalid") => Ok(Signature::Invalid),
            Some("unknown-key") => Ok(Signature::UnknownKey),
            Some("valid") => Ok(Signature::Valid),
            _ => Err(Self::lacks("signature")),
        }
    }

    fn need(&self, name: &str) -> Result<&str, String> {
        self.text(name).ok_or_else(|| Self::lacks(name))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    fn lacks(name: &str) -> String {
        format!("the sandbox was asked something without a `{name}` that it knows")
    }
}

fn issue(admitted: &Admitted, now: i64, random: &mut Random, request_id: &str) -> (u16, String, String) {
    let Admitted { request, identity, provider_arn, duration, packed_percent } = admitted;
    let role = &request.role;
    let (partition, account) = (role.partition(), role.account().as_str());
    let session_arn = format!("arn:{partition}:sts::{account}:assumed-role/{}/{}", role.name(), request.session_name);
    let issued = Issued {
        audience: &identity.audience,
        // The same role always has the same id.
        role_id: &format!("AROA{}", Random::new(role.as_str()).base32(17)),
        session_arn: &session_arn,
        session_name: &request.session_name,
        packed_percent: *packed_percent,
        provider_arn,
        key_id: &format!("ASIA{}", random.base32(16)),
        secret: &random.base64(40),
        session_token: &random.base64(SESSION_TOKEN_LENGTH),
        expiration: &Timestamp::from_seconds(now + i64::from(*duration)).to_string(),
        source_identity: identity.source.as_deref(),
        subject: &identity.subject,
    };
    let log = format!("200 {session_arn} for {duration} s, to {}", identity.subject);
    (200, xml::issued(&issued, request_id), log)
}

/// About what AWS's have.
const SESSION_TOKEN_LENGTH: usize = 988;

fn refuse(refusal: &Refusal, request_id: &str) -> (u16, String, String) {
    let mut log = format!("{} {}", refusal.status, refusal.code);
    if let Some(message) = &refusal.message {
        log.push_str(": ");
        log.push_str(message);
    }
    if let Some(why) = &refusal.why {
        log.push_str(" (");
        log.push_str(why);
        log.push(')');
    }
    (refusal.status, xml::refused(refusal, request_id), log)
}
