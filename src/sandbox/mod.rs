//! A stand-in for both ends of the exchange: the issuer of a job's tokens, and STS.
//!
//! Pure functions: the server around them, the signing key and the check of signatures are the
//! shim's. What is asked of the stand-in for STS passes the gates of the real one in their order
//! (see [`gates`]), and the answer is in its words, so that a pipeline which works here has a fair
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

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::config::Config;
use self::gates::Admitted;
use self::random::Random;
use self::refusal::Refusal;
use self::xml::Issued;
use crate::text::Inert;
use crate::time::Timestamp;

/// One account with GitHub's provider and two roles: `deploy` trusts the main branch of
/// `octo-org/octo-repo`, `deploy-prod` its environment `production`. The job runs on the main branch.
#[must_use]
pub fn default_config() -> Value {
    // A test holds that it can be read.
    serde_json::from_str(include_str!("default.json")).unwrap_or_default()
}

/// Header and claims of a token for the configured job, as `{"header": {…}, "claims": {…}}`.
///
/// `request` is `{"config": {…}, "audience": "…", "now": seconds since 1970, "seed": "…"}`. Without
/// an audience the token is for the repository owner's URL, as GitHub's are. The seed only makes
/// tokens differ, and may be left out.
///
/// # Errors
/// When the configuration does not work: everything that is wrong with it, one line each.
pub fn claims(request: &str) -> Result<Value, String> {
    let request: ClaimsRequest = read(request)?;
    let now = in_range(request.now);
    let config = Config::read(&request.config)?;
    let audience = request.audience.as_deref();
    let mut random = Random::new(&format!("{} {now} {}", request.seed, audience.unwrap_or_default()));
    let claims: Map<String, Value> = config.job.claims(audience, now, &mut random);
    Ok(json!({ "header": { "alg": "RS256", "kid": "sandbox", "typ": "JWT" }, "claims": claims }))
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
    let request: AnswerRequest = read(request)?;
    let now = in_range(request.now);
    let config = Config::read(&request.config)?;
    let mut random = Random::new(&request.seed);
    let request_id = random.uuid();
    let (status, body, log) = match gates::pass(&config, &request.body, request.signature, now) {
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
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Signature {
    Invalid,
    UnknownKey,
    Valid,
}

#[derive(Deserialize)]
struct ClaimsRequest {
    config: Value,
    audience: Option<String>,
    now: i64,
    #[serde(default)]
    seed: String,
}

#[derive(Deserialize)]
struct AnswerRequest {
    config: Value,
    body: String,
    signature: Signature,
    seed: String,
    now: i64,
}

fn read<'a, T: Deserialize<'a>>(request: &'a str) -> Result<T, String> {
    serde_json::from_str(request)
        .map_err(|error| format!("the sandbox was asked in a way that it does not know: {error}"))
}

/// A moment of the years 1970 to 9999, so that a little more or less can be reckoned with.
fn in_range(seconds: i64) -> i64 {
    seconds.clamp(0, 253_402_300_799)
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
    for text in [&refusal.message, &refusal.why].into_iter().flatten() {
        log.push_str(": ");
        log.push_str(text);
    }
    (refusal.status, xml::refused(refusal, request_id), log)
}
