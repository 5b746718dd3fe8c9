//! How STS says no: its codes, statuses and words.
//!
//! The words are those of live answers where such are published, else of the API reference, and
//! the clients that sort errors by their words are the reason to keep to the letter.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>

/// An answer other than credentials.
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    /// A few answers of STS have none.
    pub(super) message: Option<String>,
    /// What AWS would not tell: for the sandbox's log.
    pub(super) why: Option<String>,
}

impl Refusal {
    /// Parameters that break the limits of the API, in the words of the framework that checks them.
    pub(super) fn constraints(broken: &[String]) -> Self {
        let errors = if broken.len() == 1 { "error" } else { "errors" };
        Self::validation(format!("{} validation {errors} detected: {}", broken.len(), broken.join("; ")))
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }

    /// A number that is none. STS names no number and often gives no message at all.
    pub(super) fn malformed_number(text: &str) -> Self {
        let message = text.is_empty().then(|| "missing value for decimal type".to_owned());
        Self { message, ..Self::new(400, "MalformedInput", "") }.because("DurationSeconds is not a whole number")
    }

    pub(super) fn invalid_action(action: &str, version: Option<&str>) -> Self {
        let version = version.unwrap_or("NO_VERSION_SPECIFIED");
        Self::new(400, Self::INVALID_ACTION, format!("Could not find operation {action} for version {version}"))
    }

    pub(super) fn no_action() -> Self {
        // AWS redirects such a request to a web page, which helps nobody who tests a client.
        Self::new(400, "MissingAction", "The request is missing an action or a required parameter.")
    }

    /// STS answers this one in the namespace of its framework.
    pub(super) const INVALID_ACTION: &'static str = "InvalidAction";

    pub(super) fn provider_id() -> Self {
        let advice = "Do not include a provider parameter when submitting OpenIDConnect ID tokens";
        Self::new(403, "AccessDenied", format!("Unrecognized OAuth provider. {advice}"))
    }

    pub(super) fn not_a_jwt() -> Self {
        let message = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";
        Self::token(message)
    }

    pub(super) fn no_provider(issuer: &str) -> Self {
        Self::token(format!("No OpenIDConnect provider found in your account for {issuer}"))
    }

    pub(super) fn no_key() -> Self {
        // The two spaces are AWS's.
        let advice = "please reference AssumeRoleWithWebIdentity documentation for requirements";
        Self::token(format!("Couldn't retrieve verification key from your identity provider,  {advice}"))
    }

    /// The one answer for a bad signature and for a wrong audience.
    pub(super) fn not_validated(why: impl Into<String>) -> Self {
        Self::token("The web identity token provided could not be validated.").because(why)
    }

    pub(super) fn token(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidIdentityToken", message)
    }

    /// `now` and `expiry` in seconds since 1970. AWS allows five minutes and then states the time
    /// of five minutes ago as the current one.
    pub(super) fn expired(shifted_now: i64, expiry: i64) -> Self {
        let message =
            format!("Token expired: current date/time {shifted_now} must be before the expiration date/time {expiry}");
        Self::new(400, "ExpiredTokenException", message)
    }

    /// The same for a role that is not there and for a policy that does not admit the token.
    pub(super) fn denied(action: &str, why: impl Into<String>) -> Self {
        Self::new(403, "AccessDenied", format!("Not authorized to perform {action}")).because(why)
    }

    pub(super) fn malformed_policy() -> Self {
        Self::new(400, "MalformedPolicyDocument", "Syntax errors in policy.")
    }

    pub(super) fn too_large(percent: usize) -> Self {
        let message = format!("Packed policy consumes {percent}% of allotted space, please use smaller policy.");
        Self::new(400, "PackedPolicyTooLarge", message)
    }

    pub(super) fn internal(message: &str) -> Self {
        Self::new(500, "InternalFailure", message)
    }

    pub(super) fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: Some(message.into()), why: None }
    }
}
