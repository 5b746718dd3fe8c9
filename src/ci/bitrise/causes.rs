//! Why a role's trust policy usually refuses a Bitrise build: read off the build's own token.
//! <https://docs.bitrise.io/en/bitrise-ci/configure-builds/oidc-token-authentication.html>

use crate::settings::ToAssume;
use crate::token::UnverifiedToken;

const ISSUER: &str = "https://token.builds.bitrise.io";

/// Likely causes, the likeliest first.
pub(super) fn of_denial(token: &UnverifiedToken, role: &ToAssume<'_>) -> Vec<String> {
    let claims = token.claims();
    let subject = claims.text("sub").unwrap_or_default();
    let mut causes = Vec::new();
    let issuer = claims.issuer().unwrap_or_default();
    if issuer != ISSUER {
        causes.push(format!("the token is not from {ISSUER}, which the policy may be about, but from {issuer}"));
    }
    causes.push(
        "the policy tests another claim than `aud` and `sub`, such as `app_slug`, `workflow` or `branch`: AWS looks at \
         no others of a Bitrise token, so such a condition never holds"
            .to_owned(),
    );
    match parts(&subject) {
        Some((app, workflow)) => causes.push(format!(
            "the policy's `sub` is about another app than {app} or another workflow than {workflow}, or is spelt \
             otherwise: it has to be app:APP_SLUG:workflow:NAME, with the workflow that was triggered"
        )),
        None => causes.push("the subject is not of Bitrise's usual form, app:APP_SLUG:workflow:NAME".to_owned()),
    }
    if claims.text("branch").or_else(|| claims.text("tag")).is_some_and(|name| !name.is_empty()) {
        causes.push("the policy expects a branch or tag in `sub`, and Bitrise puts none there".to_owned());
    }
    causes.extend(crate::ci::usual_causes(role));
    causes
}

/// App and workflow of a usual subject.
fn parts(subject: &str) -> Option<(&str, &str)> {
    subject.strip_prefix("app:")?.split_once(":workflow:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_may_have_colons_in_its_name() {
        assert_eq!(parts("app:0123abcd:workflow:deploy:prod"), Some(("0123abcd", "deploy:prod")));
        assert_eq!(parts("repo:o/r:ref:refs/heads/main"), None);
    }
}
