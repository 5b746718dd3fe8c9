//! A session of a role, as STS answers with it.

use super::error::AnswerFault;
use super::result::Elements;
use crate::secret::Secret;
use crate::time::Timestamp;

/// Credentials and what STS says about them. It has no `Debug`, since it holds secrets.
pub struct Session {
    pub credentials: Credentials,
    /// `arn:aws:sts::123456789012:assumed-role/NAME/SESSION`: without the role's path.
    pub assumed_role_arn: String,
    /// `AROA…:SESSION`.
    pub assumed_role_id: String,
    /// The account that the credentials belong to: 12 digits, from the ARN.
    pub account: String,
    /// The token's `sub`. It and the next two are of sessions in exchange for a token.
    pub subject: Option<String>,
    /// The token's `azp` if it has one, else its `aud`.
    pub audience: Option<String>,
    /// The identity provider's ARN.
    pub provider: Option<String>,
    pub source_identity: Option<String>,
    /// How much of the room for session policies and tags is used up, in percent.
    pub packed_policy_size: Option<u32>,
}

/// What signs requests to AWS.
#[derive(Clone)]
pub struct Credentials {
    pub access_key_id: Secret,
    pub secret_access_key: Secret,
    pub session_token: Secret,
    pub expiration: Timestamp,
}

impl Session {
    pub(super) fn of(result: &Elements<'_>) -> Result<Self, AnswerFault> {
        let assumed_role_arn = result.needed("AssumedRoleUser/Arn")?;
        Ok(Self {
            credentials: Credentials {
                access_key_id: result.secret("Credentials/AccessKeyId")?,
                secret_access_key: result.secret("Credentials/SecretAccessKey")?,
                session_token: result.secret("Credentials/SessionToken")?,
                expiration: Timestamp::parse(result.needed("Credentials/Expiration")?)
                    .ok_or(AnswerFault::Incomplete { element: "Credentials/Expiration" })?,
            },
            account: account_of(assumed_role_arn)
                .ok_or(AnswerFault::Incomplete { element: "AssumedRoleUser/Arn" })?
                .to_owned(),
            assumed_role_arn: assumed_role_arn.to_owned(),
            assumed_role_id: result.needed("AssumedRoleUser/AssumedRoleId")?.to_owned(),
            subject: result.optional("SubjectFromWebIdentityToken"),
            audience: result.optional("Audience"),
            provider: result.optional("Provider"),
            source_identity: result.optional("SourceIdentity"),
            packed_policy_size: result.optional("PackedPolicySize").and_then(|percent| percent.parse().ok()),
        })
    }
}

/// The account in `arn:PARTITION:sts::ACCOUNT:assumed-role/NAME/SESSION`.
fn account_of(arn: &str) -> Option<&str> {
    let mut fields = arn.splitn(6, ':');
    let (scheme, _partition, service, _region) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let (account, resource) = (fields.next()?, fields.next()?);
    if !arn.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (scheme == "arn" && service == "sts" && is_account && resource.starts_with("assumed-role/")).then_some(account)
}
