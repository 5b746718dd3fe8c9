//! Any other place that has a token: known CIs by the variable that holds it, and everything else by
//! what `--token-file`, `--token-env`, `--token-command` or `--token-url` says.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::Ci;
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::Dialect;
use crate::environment::Environment;
use crate::run::{Run, Trouble};
use crate::secret::Secret;
use crate::settings::{Settings, ToAssume, TokenRequest};
use crate::source;
use crate::sts::error::Retry;
use crate::token::UnverifiedToken;

/// CIs whose jobs have a token in a variable.
const VARIABLES: [(&str, &str); 5] = [
    ("SEMAPHORE_OIDC_TOKEN", "Semaphore"),
    ("SPACELIFT_OIDC_TOKEN", "Spacelift"),
    ("TFC_WORKLOAD_IDENTITY_TOKEN", "HCP Terraform"),
    ("PLUGIN_OIDC_TOKEN_ID", "Harness"),
    ("VERCEL_OIDC_TOKEN", "Vercel"),
];
/// CIs whose jobs may ask an address, with a bearer token.
const ADDRESSES: [(&str, &str); 2] = [
    ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"), // Forgejo, Vela
    ("CF_OIDC_REQUEST_URL", "CF_OIDC_REQUEST_TOKEN"),                   // Codefresh
];

pub struct Any;

impl Dialect for Any {
    fn name(&self) -> &'static str {
        "any"
    }
}

impl Ci for Any {
    fn is_here(&self, _env: &Environment) -> bool {
        true
    }

    fn prints_exports(&self) -> bool {
        true
    }

    fn session_name(&self, _env: &Environment) -> String {
        crate::product::NAME.to_owned()
    }

    fn token<'a>(
        &'a self,
        run: &'a Run,
        settings: &'a Settings,
        request: &'a TokenRequest,
    ) -> LocalBoxFuture<'a, Result<Secret, Trouble>> {
        token(run, settings, request).boxed_local()
    }

    fn mints(&self, run: &Run) -> bool {
        address(&run.env).is_some()
    }

    fn deciding_claims(&self) -> &'static [&'static str] {
        &["iss", "aud", "sub"]
    }

    fn denial_causes(&self, _token: &UnverifiedToken, role: &ToAssume<'_>) -> Vec<String> {
        let mut causes =
            vec!["the policy tests another claim than `aud` and `sub`: of this issuer, AWS sees no other".to_owned()];
        causes.extend(super::usual_causes(role));
        causes
    }

    fn pinned_claims(&self) -> &'static [&'static str] {
        &["aud", "sub"]
    }
}

async fn token(run: &Run, settings: &Settings, request: &TokenRequest) -> Result<Secret, Trouble> {
    if let Some((url, bearer)) = address(&run.env) {
        let headers = vec![("authorization".to_owned(), Secret::new(format!("Bearer {bearer}")))];
        return source::from_url(run, settings, url, &headers, request.audience.as_ref()).await;
    }
    for (variable, ci) in VARIABLES {
        if let Some(token) = run.env.get(variable) {
            run.say(&format!("  taking the token of {ci}, in {variable}"));
            return Ok(Secret::new(token));
        }
    }
    let diagnostic = Diagnostic::new(Code::TokenPermissionMissing, "there is no OIDC token here")
        .cause("this is no CI that is known, or the job does not ask for a token")
        .fix("say where the token is: --token-file, --token-env, --token-command or --token-url")
        .fix("or say which CI this is, with --ci, to learn what its jobs need for a token");
    Err(Trouble::new(Retry::Never, diagnostic))
}

fn address(env: &Environment) -> Option<(&str, &str)> {
    ADDRESSES.iter().find_map(|(url, bearer)| Some((env.get(url)?, env.get(bearer)?)))
}
