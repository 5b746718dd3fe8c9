//! Roles that are assumed one after the other.

use super::entries::{self, Form};
use super::{Hop, Options, SessionSettings, SessionTags, SignedRequest};
use crate::names::Meaning;
use crate::pairs::Pairs;
use crate::run::Run;
use crate::sts::tags::Tags;
use crate::values::{
    ExternalId, RoleArn, SessionDuration, SessionName, SessionPolicy, SourceIdentity, ValueFault, custom_tags,
    policy_arns, tag_keys,
};

/// What a hop can say. Its session is called as the first one, and lasts an hour, where it says nothing.
const NAMES: &[&str] = &[
    "role-arn",
    "session-name",
    "duration",
    "external-id",
    "source-identity",
    "tags",
    "transitive-tag-keys",
    "policy",
    "policy-arns",
];
const FORM: Form = Form { example: r#"[{"role-arn": "arn:aws:iam::123456789012:role/deploy"}]"#, alone: "role-arn" };
/// Nobody has more, and each costs a round trip.
const MOST: usize = 10;

/// The roles after the first.
pub fn read(options: &mut Options, run: &Run, usual_name: &SessionName) -> Vec<Hop> {
    options.parse(run.option(Meaning::Chain), |text| hops(text, usual_name)).unwrap_or_default()
}

/// ARNs, one a line or between commas; or a JSON list of ARNs and mappings.
fn hops(text: &str, usual_name: &SessionName) -> Result<Vec<Hop>, ValueFault> {
    let entries = if text.starts_with(['[', '{']) {
        entries::read(text, &FORM, |name| NAMES.iter().copied().find(|own| *own == name), NAMES)?
    } else {
        let arns = text.split(['\n', '\r', ',']).map(str::trim).filter(|line| !line.is_empty());
        arns.map(|arn| {
            let mut pairs = Pairs::default();
            pairs.set("role-arn", arn);
            pairs
        })
        .collect()
    };
    if entries.len() > MOST {
        return Err(ValueFault::new(format!("has {} roles; {MOST} are enough", entries.len()), FORM.example));
    }
    entries.iter().enumerate().map(|(number, entry)| hop(entry, number + 1, usual_name)).collect()
}

fn hop(entry: &Pairs, number: usize, usual_name: &SessionName) -> Result<Hop, ValueFault> {
    let role_arn = parsed(entry, number, "role-arn", RoleArn::parse)?
        .ok_or_else(|| ValueFault::new(format!("has no `role-arn` in entry {number}"), FORM.example))?;
    let session = SessionSettings {
        name: parsed(entry, number, "session-name", SessionName::parse)?.unwrap_or_else(|| usual_name.clone()),
        duration: parsed(entry, number, "duration", SessionDuration::parse)?.unwrap_or(SessionDuration::HOUR),
        policy: parsed(entry, number, "policy", SessionPolicy::parse)?,
        policy_arns: parsed(entry, number, "policy-arns", policy_arns)?.unwrap_or_default(),
    };
    let tags = parsed(entry, number, "tags", |text| custom_tags(text, Tags::default()))?.unwrap_or_default();
    let transitive = parsed(entry, number, "transitive-tag-keys", tag_keys)?.unwrap_or_default();
    if let Some(stranger) = transitive.iter().find(|key| !tags.has(key)) {
        return Err(ValueFault::new(
            format!("names in entry {number} the transitive tag `{stranger}`, of which there is no tag"),
            r#"[{"role-arn": "arn:aws:iam::123456789012:role/deploy", "tags": {"team": "a"}, "transitive-tag-keys": ["team"]}]"#,
        ));
    }
    let request = SignedRequest {
        external_id: parsed(entry, number, "external-id", ExternalId::parse)?,
        source_identity: parsed(entry, number, "source-identity", SourceIdentity::parse)?,
        tags: SessionTags { tags, transitive, droppable: &[] },
    };
    Ok(Hop { role_arn, session, request })
}

fn parsed<T>(
    entry: &Pairs,
    number: usize,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, ValueFault>,
) -> Result<Option<T>, ValueFault> {
    let Some(text) = entry.get(name) else { return Ok(None) };
    parse(text).map(Some).map_err(|fault| {
        let right = fault.hint.unwrap_or(fault.example);
        let example = if right.starts_with(['{', '[']) {
            format!(r#"[{{"{name}": {right}, …}}]"#)
        } else {
            format!(r#"[{{"{name}": "{right}", …}}]"#)
        };
        ValueFault::new(format!("has entry {number}, whose `{name}` {}", fault.problem), example)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "arn:aws:iam::123456789012:role/a";
    const B: &str = "arn:aws:iam::210987654321:role/b";

    fn read_here(text: &str) -> Result<Vec<Hop>, ValueFault> {
        hops(text, &SessionName::of("first"))
    }

    #[test]
    fn arns_alone_take_the_usual_session() {
        for text in [format!("{A}\n{B}"), format!("{A}, {B}"), format!(r#"["{A}", "{B}"]"#)] {
            let hops = read_here(&text).ok().unwrap();
            let read: Vec<&str> = hops.iter().map(|hop| hop.role_arn.as_str()).collect();
            assert_eq!(read, [A, B]);
            assert!(hops.iter().all(|hop| hop.session.name.as_str() == "first"));
        }
    }

    #[test]
    fn a_mapping_says_more() {
        let text = format!(
            r#"[{{"role_arn": "{A}", "session-name": "s1", "duration": "30m", "external-id": "x1", "source-identity": "al",
            "tags": {{"team": "a", "n": 1}}, "transitive-tag-keys": ["team"], "policy": {{"Version": "2012-10-17", "Statement": []}},
            "policy-arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]}}]"#
        );
        let hops = read_here(&text).ok().unwrap();
        let Hop { session, request, .. } = &hops[0];
        assert_eq!((session.name.as_str(), session.duration.seconds()), ("s1", 1800));
        assert_eq!(session.policy_arns.len(), 1);
        assert_eq!(
            session.policy.as_ref().map(SessionPolicy::as_str),
            Some(r#"{"Statement":[],"Version":"2012-10-17"}"#)
        );
        assert_eq!(request.external_id.as_ref().map(ExternalId::as_str), Some("x1"));
        assert_eq!(request.source_identity.as_ref().map(SourceIdentity::as_str), Some("al"));
        assert_eq!(request.tags.transitive, ["team"]);
        assert!(request.tags.tags.has("n"));
    }

    #[test]
    fn mistakes_are_named_by_their_entry() {
        for (text, words) in [
            ("deploy".to_owned(), "entry 1, whose `role-arn` is a role's name"),
            (format!(r#"["{A}", {{"duration": "1h"}}]"#), "no `role-arn` in entry 2"),
            (format!(r#"[{{"role-arn": "{A}", "duration": "1m"}}]"#), "whose `duration`"),
            (format!(r#"[{{"role-arn": "{A}", "transitive-tag-keys": ["x"]}}]"#), "transitive tag `x`"),
            (format!(r#"[{{"role-arn": "{A}", "tags": []}}]"#), "whose `tags`"),
            (format!("{A},").repeat(11), "11 roles"),
        ] {
            let fault = read_here(&text).err().unwrap();
            assert!(fault.problem.contains(words), "{text}: {}", fault.problem);
        }
    }
}
