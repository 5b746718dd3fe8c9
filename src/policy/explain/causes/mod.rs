//! Every cause that is told apart, in the order in which they are looked for. Ids are never renamed:
//! pages and scripts name them.

mod github;
mod key;
mod other;
mod principal;
mod value;

use super::case::{Case, Leaf};
use super::fix::Edit;

/// Something that keeps a caller out, or leaves it open.
#[derive(Debug)]
pub struct Cause {
    /// Kebab-case.
    pub id: &'static str,
    /// One sentence without a full stop.
    pub title: &'static str,
    pub(super) find: fn(&Case<'_>, &Leaf<'_>) -> Option<Reason>,
}

/// What a cause says of one leaf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reason {
    /// One sentence without a full stop.
    pub(super) why: String,
    /// What to do in the policy, in words; what it comes to stands in the statement that is shown.
    pub(super) policy: Option<String>,
    pub(super) edits: Vec<Edit>,
    /// What to do in the pipeline instead.
    pub(super) pipeline: Option<String>,
}

impl Reason {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), ..Self::default() }
    }

    pub(super) fn policy(mut self, words: impl Into<String>, edits: impl IntoIterator<Item = Edit>) -> Self {
        self.policy = Some(words.into());
        self.edits = edits.into_iter().collect();
        self
    }

    pub(super) fn pipeline(mut self, words: impl Into<String>) -> Self {
        self.pipeline = Some(words.into());
        self
    }
}

macro_rules! causes {
    ($($id:literal $title:literal $find:path;)*) => {
        /// In the order in which they are looked for.
        pub const CAUSES: &[Cause] = &[$(Cause { id: $id, title: $title, find: $find }),*];
    };
}

causes! {
    // Gates before the policy, and what makes it none.
    "token-incomplete" "The token lacks a claim that STS demands" other::token_incomplete;
    "token-out-of-time" "The token has expired, or does not count yet" other::token_out_of_time;
    "audience-not-registered" "The identity provider does not list the token's audience" other::audience_not_registered;
    "role-not-in-token" "The token lists the roles that it is for, and this one is not among them" other::role_not_in_token;
    "policy-refused" "AWS would not save a policy like this" other::policy_refused;
    "deny-statement" "A Deny statement applies" other::deny_statement;
    // Keys that no token can have.
    "key-prefix-wrong" "A condition key does not start with the token's issuer" key::prefix_wrong;
    "key-not-mapped" "AWS fills no such condition key from the tokens of this issuer" key::not_mapped;
    // Who is named.
    "provider-account-differs" "The policy names an identity provider in another account than the role's" principal::account_differs;
    "issuer-differs" "The policy names another issuer than the token's" principal::issuer_differs;
    "principal-type-wrong" "The principal is not an identity provider" principal::type_wrong;
    // One slip between the policy's value and the token's.
    "wildcard-under-exact-operator" "A wildcard stands under an operator that takes it literally" value::wildcard;
    "letter-case-differs" "Only letter case differs" value::letter_case;
    "stray-characters" "Only white space, quotes, braces or a prefix differ" value::stray;
    // What a CI writes into its subjects.
    "github-subject-ids" "The subject carries ids, and the policy has names alone, or the reverse" github::ids;
    "github-subject-context" "The job's subject speaks of an environment, a pull request, a tag or a merge queue" github::context;
    "subject-customised" "The subject does not have the form that this CI writes by default" value::customised;
    "github-repository-renamed" "The repository is the same by its id, and has another name" github::renamed;
    "audience-differs" "The token is meant for another audience" value::audience;
    "circleci-subject-version" "CircleCI has two forms of the subject, and the policy expects the other" other::circleci_version;
    "gitlab-ref-type" "The policy expects a branch and the job runs for a tag, or the reverse" other::gitlab_ref_type;
    "buildkite-subject-form" "The subject's commit, step or claim is not as the policy expects" other::buildkite_subject;
    "subject-impossible" "No token of this CI can have a subject like the policy's" value::impossible;
    // Actions and tags.
    "tag-session-not-allowed" "The token carries session tags, and the policy does not allow them" principal::tag_session;
    "source-identity-not-allowed" "The token carries a source identity, and the policy does not allow it to be set" principal::source_identity;
    "action-wrong" "The policy allows another action than the one that is called" principal::action_wrong;
    "request-tag-missing" "The policy demands a session tag that the token does not carry" other::request_tag_missing;
    // What is left.
    "depends-on-the-call" "The answer depends on something that is not known here" other::depends_on_the_call;
    "claim-absent" "The token does not have the claim that the policy tests" value::absent;
    "value-excluded" "The policy shuts this value out" value::excluded;
    "value-differs" "The policy wants another value than the token has" value::differs;
    "nothing-allowed" "No statement allows anything" other::nothing_allowed;
    "policy-allows" "The policy admits the caller, so that something else must have refused it" other::policy_allows;
}

/// The first cause that has something to say of this leaf, and its place in the table.
pub(super) fn find(case: &Case<'_>, leaf: &Leaf<'_>) -> Option<(usize, Reason)> {
    CAUSES.iter().enumerate().find_map(|(place, cause)| Some((place, (cause.find)(case, leaf)?)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_kebab_case() {
        let ids: BTreeSet<&str> = CAUSES.iter().map(|cause| cause.id).collect();
        assert_eq!(ids.len(), CAUSES.len());
        assert!(ids.iter().all(|id| id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
        assert!(CAUSES.iter().all(|cause| !cause.title.ends_with('.')));
    }
}
