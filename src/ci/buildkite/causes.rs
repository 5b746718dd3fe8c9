//! Why a role's trust policy usually refuses a Buildkite job: read off the job's own token.
//! <https://buildkite.com/docs/pipelines/security/oidc>

use crate::settings::ToAssume;
use crate::token::UnverifiedToken;

/// Likely causes, the likeliest first.
pub(super) fn of_denial(token: &UnverifiedToken, role: &ToAssume<'_>) -> Vec<String> {
    let claims = token.claims();
    let subject = claims.text("sub").unwrap_or_default();
    let mut causes = Vec::new();
    if subject.starts_with("organization:") {
        causes.push(
            "the subject holds the commit, so a condition on `sub` needs StringLike and `commit:*`; a subject that was \
             copied from one build admits that commit alone"
                .to_owned(),
        );
        if subject.contains(":ref:refs/tags/") {
            causes.push(
                "the build is for a tag; a policy for branches (`ref:refs/heads/…`) does not admit it".to_owned(),
            );
        } else {
            causes.push(
                "the policy has `ref:BRANCH` where the subject has `ref:refs/heads/BRANCH`, as in the README of \
                 aws-assume-role-with-web-identity"
                    .to_owned(),
            );
        }
        causes.push(
            "the policy ends in `step:KEY`, and this step has another `key:`, or none, so that its subject ends in `step:`"
                .to_owned(),
        );
    } else {
        causes.push(
            "the subject is a single id, since `subject-claim` asks for that; a policy for the usual \
             `organization:…:pipeline:…` does not admit it"
                .to_owned(),
        );
    }
    causes.push(
        "the policy names another organization, pipeline or branch, or spells one in another letter case".to_owned(),
    );
    causes.extend(crate::ci::usual_causes(role));
    causes
}

/// The subject with a `*` for what is another one in the next build: the commit, and the step.
pub(super) fn subject_pattern(subject: &str) -> Option<String> {
    let (head, tail) = subject.rsplit_once(":commit:")?;
    tail.split_once(":step:")?;
    Some(format!("{head}:commit:*:step:*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_of_a_subject_is_left_open() {
        assert_eq!(
            subject_pattern("organization:o:pipeline:p:ref:refs/heads/main:commit:9f3:step:deploy").as_deref(),
            Some("organization:o:pipeline:p:ref:refs/heads/main:commit:*:step:*")
        );
        assert_eq!(subject_pattern("0183c4e6-c88c-xxxx-b15e-7801077a9181"), None);
    }
}
