//! Why a role's trust policy usually refuses a GitHub job: read off the job's own token.
//! <https://docs.github.com/en/actions/reference/security/oidc>

use crate::settings::ToAssume;
use crate::token::UnverifiedToken;

/// Likely causes, the likeliest first.
pub(super) fn of_denial(token: &UnverifiedToken, role: &ToAssume<'_>) -> Vec<String> {
    let claims = token.claims();
    let claim = |name: &str| claims.text(name).unwrap_or_default();
    let subject = claim("sub");
    let mut causes = Vec::new();

    if let Some(environment) = claims.text("environment") {
        causes.push(format!(
            "the job has `environment: {environment}`, so its subject ends in `environment:{environment}` and names no branch"
        ));
    } else if subject.ends_with(":pull_request") {
        causes.push(
            "the job runs for a pull request, so its subject ends in `pull_request` and names no branch".to_owned(),
        );
    } else if subject.contains("gh-readonly-queue/") {
        causes.push("the job runs for a merge queue, whose branches are called `gh-readonly-queue/…`".to_owned());
    } else if subject.contains(":ref:refs/tags/") {
        causes.push("the job runs for a tag; a policy for branches (`ref:refs/heads/…`) does not admit it".to_owned());
    }
    match subject_form(&subject) {
        SubjectForm::WithIds => causes.push(
            "the subject carries the ids of owner and repository (`repo:OWNER@ID/NAME@ID:…`), as for all repositories \
             created, renamed or transferred since 15 July 2026; a policy with names alone does not admit it"
                .to_owned(),
        ),
        SubjectForm::Custom => causes.push(
            "the subject is not of GitHub's usual form: the repository or organisation has customised it".to_owned(),
        ),
        SubjectForm::WithNames => {}
    }
    causes.push(
        "the policy names another repository, branch or environment, or spells one in another letter case".to_owned(),
    );
    causes.extend(crate::ci::usual_causes(role));
    causes
}

enum SubjectForm {
    WithNames,
    WithIds,
    Custom,
}

fn subject_form(subject: &str) -> SubjectForm {
    let Some(repository) = subject.strip_prefix("repo:").and_then(|rest| rest.split(':').next()) else {
        return SubjectForm::Custom;
    };
    let tail = subject.get("repo:".len() + repository.len()..).unwrap_or_default();
    let usual = tail == ":pull_request" || tail.starts_with(":ref:") || tail.starts_with(":environment:");
    match repository.split_once('/') {
        Some((owner, name)) if usual && owner.contains('@') && name.contains('@') => SubjectForm::WithIds,
        Some(_) if usual => SubjectForm::WithNames,
        _ => SubjectForm::Custom,
    }
}
