//! The environment variables of AWS's tools, by what they do.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>

/// Those that count as configuration of ours, with every CI.
pub const AWS_VARIABLES: &[&str] = &[
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_REGION",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
];

/// The credentials themselves.
pub const CREDENTIAL_VARIABLES: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// Variables that some SDKs read before, or beside, the three above. Left over from an earlier step,
/// they would make a mixed identity.
pub const SHADOWING_KEYS: [&str; 2] = ["AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION"];

/// Variables that, with the three above, SDKs prefer to the profile that AWS_PROFILE names. Machines
/// in EKS have them (<https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>).
pub const SHADOWING_PROFILE: [&str; 2] = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"];

/// Whether a variable's value is to be hidden.
#[must_use]
pub fn is_credential(variable: &str) -> bool {
    CREDENTIAL_VARIABLES.contains(&variable)
}

/// Whether it is one of them, or one under a role's prefix, as `PROD_AWS_SESSION_TOKEN`.
#[must_use]
pub fn is_prefixed_credential(variable: &str) -> bool {
    CREDENTIAL_VARIABLES.iter().any(|credential| variable.ends_with(credential))
}
