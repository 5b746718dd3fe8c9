//! The session tags that a GitHub job sends with a signed AssumeRole: those of
//! configure-aws-credentials, since trust policies and permissions were written for them.

use crate::environment::Environment;
use crate::settings::{Options, SessionTags};
use crate::sts::tags::{Tags, nearest_value};
use crate::values::{custom_tags, tag_keys};

/// Key and variable, in the order in which they are sent.
const USUAL: [(&str, &str); 12] = [
    ("Repository", "GITHUB_REPOSITORY"),
    ("Workflow", "GITHUB_WORKFLOW"),
    ("Action", "GITHUB_ACTION"),
    ("Actor", "GITHUB_ACTOR"),
    ("Commit", "GITHUB_SHA"),
    ("Branch", "GITHUB_REF"),
    ("EventName", "GITHUB_EVENT_NAME"),
    ("BaseRef", "GITHUB_BASE_REF"),
    ("HeadRef", "GITHUB_HEAD_REF"),
    ("RunId", "GITHUB_RUN_ID"),
    ("Job", "GITHUB_JOB"),
    ("TriggeringActor", "GITHUB_TRIGGERING_ACTOR"),
];
/// Those that a session can do without when it is too large.
const DROPPABLE: &[&str] = &["EventName", "BaseRef", "HeadRef", "RunId", "Job", "TriggeringActor"];

/// Of a role that is assumed by a signed call.
pub(super) fn read(options: &mut Options, env: &Environment, notices: &mut Vec<String>) -> SessionTags {
    let skip = options.text("role-skip-session-tagging").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let mut tags = Tags::default();
    // Their keys and values are such that STS takes them.
    let _ = tags.push("GitHub", "Actions");
    for (key, variable) in USUAL {
        // A key whose variable is empty is taken all the same: it is not one for custom tags.
        let _ = tags.push(key, &nearest_value(env.get(variable).unwrap_or_default()));
    }
    let custom = options.parse("custom-tags", |text| custom_tags(text, tags.clone()));
    let wanted = options.parse("transitive-tag-keys", tag_keys).unwrap_or_default();
    if skip {
        for name in ["custom-tags", "transitive-tag-keys"].into_iter().filter(|name| options.has(name)) {
            notices.push(format!("`{name}` has no effect with `role-skip-session-tagging: true`"));
        }
        return SessionTags::default();
    }
    let mut tags = custom.unwrap_or(tags);
    let is_set = |key: &str| USUAL.iter().all(|(usual, variable)| *usual != key || env.get(variable).is_some());
    tags.retain(is_set);
    let (transitive, strangers): (Vec<String>, Vec<String>) =
        wanted.into_iter().partition(|key| tags.iter().any(|(own, _)| own == key));
    if !strangers.is_empty() {
        notices.push(format!("`transitive-tag-keys` names {}, of which there is no tag", strangers.join(", ")));
    }
    SessionTags { tags, transitive, droppable: DROPPABLE }
}

/// With a token, which carries its own.
pub(super) fn have_no_place(options: &mut Options, notices: &mut Vec<String>) {
    options.parse("custom-tags", |text| custom_tags(text, Tags::default()));
    for name in ["custom-tags", "transitive-tag-keys"] {
        if options.has(name) {
            notices.push(format!("`{name}` has no effect: with a token, only the token's issuer can set session tags"));
        }
    }
}
