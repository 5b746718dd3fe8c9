//! The part of Buildkite's agent API that a job asks for its tokens.
//! <https://buildkite.com/docs/agent/v3/cli-oidc>

use serde_json::{Map, Value, json};

use super::claims::{Changes, Claims, Form, Known, claim};
use super::service::{Fault, Reply, Request, Token, is_id};
use crate::sandbox::random::Random;
use crate::sandbox::reader::{Node, Problems};
use crate::text::{Inert, listed};

pub(super) const ISSUER: &str = "https://agent.buildkite.com";

/// How long tokens live, in seconds, and how long they may live at most.
const LIFETIME: i64 = 300;
const LONGEST_LIFETIME: i64 = 7200;

/// In every token, besides those that every issuer has.
const CLAIMS: &[Known] = &[
    claim("agent_id", Form::Text, Some("0184990a-4782-42b5-afc1-16715b10b8ff")),
    claim("build_branch", Form::Text, Some("main")),
    claim("build_commit", Form::Text, Some("9f3182061f1e2cca4702c368cbc039b7dc9d4485")),
    claim("build_number", Form::Number, Some("42")),
    claim("build_source", Form::OneOf(&["ui", "api", "webhook", "trigger_job", "schedule"]), Some("webhook")),
    claim("build_tag", Form::TextOrNull, None),
    claim("organization_slug", Form::Text, Some("acme")),
    claim("pipeline_slug", Form::Text, Some("api")),
    claim("runner_environment", Form::OneOf(&["buildkite-hosted", "self-hosted"]), Some("self-hosted")),
    claim("step_key", Form::TextOrNull, Some("deploy")),
];

/// In a token that is asked for with them.
const OPTIONAL_CLAIMS: &[Known] = &[
    claim("build_id", Form::Text, Some("0184990a-4772-4a6b-8f0e-5d3c2b1a0f9e")),
    claim("cluster_id", Form::TextOrNull, Some("0184990a-0c1d-4e2f-9a3b-4c5d6e7f8091")),
    claim("cluster_name", Form::TextOrNull, Some("Default cluster")),
    claim("organization_id", Form::Text, Some("0184990a-1111-4222-8333-444455556666")),
    claim("pipeline_id", Form::Text, Some("0184990a-2222-4333-8444-555566667777")),
    claim("queue_id", Form::TextOrNull, Some("0184990a-3333-4444-8555-666677778888")),
    claim("queue_key", Form::TextOrNull, Some("default")),
];
const AGENT_TAG: &str = "agent_tag:";

/// What may take the place of the subject.
const SUBJECTS: &[&str] =
    &["organization_id", "pipeline_id", "cluster_id", "queue_id", "build_id", "job_id", "agent_id"];

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
const TAGS: &str = "https://aws.amazon.com/tags";

/// Members of the job that are no claims of every token.
const AGENT_TAGS: &str = "agent_tags";
const JOB_ID: &str = "job_id";

/// A job of Buildkite's.
pub(super) struct Job<'a> {
    /// The only job that there is; `None`: every id is one of a job.
    id: Option<&'a str>,
    claims: Claims<'a>,
    optional: Claims<'a>,
    agent_tags: Claims<'a>,
    changes: Changes<'a>,
}

impl<'a> Job<'a> {
    /// Of null, the job that there is without a configuration.
    pub(super) fn read(node: &Node<'a>, problems: &mut Problems) -> Option<Self> {
        const EXAMPLE: &str = r#"{"organization_slug": "acme", "pipeline_slug": "api", "build_branch": "main"}"#;
        const TAGS_EXAMPLE: &str = r#"{"queue": "default"}"#;
        let known = CLAIMS.iter().chain(OPTIONAL_CLAIMS).map(|known| known.name);
        let names: Vec<&str> = known.chain([AGENT_TAGS, JOB_ID, Changes::NAME]).collect();
        if !node.value().is_null() {
            node.object(&names, EXAMPLE, problems)?;
        }
        let id = node.get(JOB_ID).and_then(|node| {
            const EXAMPLE: &str = "\"0184990a-477b-4fa8-9968-496074483cee\"";
            let id = node.text(EXAMPLE, problems)?;
            if !is_id(id) {
                problems.add(&node.at, "is not the id of a job", EXAMPLE);
            }
            Some(id)
        });
        let mut agent_tags = Claims::default();
        match node.get(AGENT_TAGS) {
            None => agent_tags.add("queue", "default"),
            Some(node) => {
                node.any_object(TAGS_EXAMPLE, problems);
                for (name, node) in node.members() {
                    agent_tags.add(name, node.text("\"default\"", problems).unwrap_or_default());
                }
            }
        }
        Some(Self {
            id,
            claims: Claims::read(CLAIMS, node, problems),
            optional: Claims::read(OPTIONAL_CLAIMS, node, problems),
            agent_tags,
            changes: Changes::read(node, problems),
        })
    }

    /// `POST jobs/ID/oidc/tokens`. `now` is in seconds since 1970.
    pub(super) fn token(&self, request: &Request<'_>, id: &str, now: i64, random: &mut Random) -> Reply {
        let admitted = self.admit(request, id).and_then(|()| request.members());
        let issued = admitted.and_then(|members| {
            let claims = Wanted::read(&members).and_then(|wanted| self.issued_to(id, &wanted, now, random));
            claims.map_err(|message| (422, message))
        });
        match issued {
            Ok(claims) => Reply::issued(Token { claims, member: "token", length: None }, json!({})),
            Err(fault) => refused(fault),
        }
    }

    /// `POST jobs/ID/data/exists` and `…/set`, with which an agent's checkout notes the commit.
    pub(super) fn meta_data(&self, request: &Request<'_>, id: &str, verb: &str) -> Reply {
        match self.admit(request, id) {
            Err(fault) => refused(fault),
            Ok(()) if verb == "exists" => Reply::plain(json!({ "exists": false }), "there is no meta-data"),
            Ok(()) => Reply::plain(json!({}), "meta-data, which is not kept"),
        }
    }

    fn admit(&self, request: &Request<'_>, id: &str) -> Result<(), Fault> {
        if !request.has_key("authorization", "Token ") {
            return Err((401, "Authorization is not `Token` with the access token of this sandbox".to_owned()));
        }
        match self.id {
            Some(own) if own != id => Err((403, "The access token is for another job".to_owned())),
            _ => Ok(()),
        }
    }

    fn issued_to(
        &self,
        id: &str,
        wanted: &Wanted<'_>,
        now: i64,
        random: &mut Random,
    ) -> Result<Map<String, Value>, String> {
        let organization = format!("https://buildkite.com/{}", self.claims.text("organization_slug"));
        let mut claims = Map::new();
        self.claims.add_to(&mut claims);
        for (name, value) in [
            ("iss", Value::from(ISSUER)),
            ("sub", self.subject().into()),
            ("aud", wanted.audience.map_or_else(|| organization.into(), Value::from)),
            ("iat", now.into()),
            ("nbf", now.into()),
            ("exp", (now + wanted.lifetime).into()),
            ("jti", random.uuid().into()),
            (JOB_ID, id.into()),
        ] {
            claims.insert(name.to_owned(), value);
        }

        if let Some(name) = wanted.subject_claim {
            let known = SUBJECTS.contains(&name).then(|| claims.get(name).cloned().or_else(|| self.optional(name)));
            match known.flatten() {
                None => return Err(unknown(name, "can be the subject", SUBJECTS)),
                Some(Value::Null) => return Err(format!("The job has no {name}")),
                Some(value) => {
                    claims.insert("sub".to_owned(), value.clone());
                    claims.insert(name.to_owned(), value);
                }
            }
        }
        for name in &wanted.claims {
            let value = self.optional(name).ok_or_else(|| {
                let known: Vec<&str> = OPTIONAL_CLAIMS.iter().map(|known| known.name).chain([AGENT_TAG]).collect();
                unknown(name, "is optional", &known)
            })?;
            claims.insert((*name).to_owned(), value);
        }
        let mut tags = Map::new();
        for name in &wanted.tags {
            let value = claims.get(*name).cloned().or_else(|| self.optional(name));
            let value = value.ok_or_else(|| unknown(name, "can be an AWS session tag", &[]))?;
            tags.insert((*name).to_owned(), json!([as_tag(&value)]));
        }
        if !tags.is_empty() {
            claims.insert(TAGS.to_owned(), json!({ "principal_tags": tags }));
        }
        Ok(self.changes.made_to(claims))
    }

    fn subject(&self) -> String {
        let [organization, pipeline, commit, step, branch, tag] =
            ["organization_slug", "pipeline_slug", "build_commit", "step_key", "build_branch", "build_tag"]
                .map(|name| self.claims.text(name));
        let git_ref = if tag.is_empty() { format!("refs/heads/{branch}") } else { format!("refs/tags/{tag}") };
        format!("organization:{organization}:pipeline:{pipeline}:ref:{git_ref}:commit:{commit}:step:{step}")
    }

    /// The value of an optional claim, null if the job has none; nothing if there is no such claim.
    fn optional(&self, name: &str) -> Option<Value> {
        match name.strip_prefix(AGENT_TAG) {
            Some("") => None,
            Some(tag) => Some(self.agent_tags.get(tag).cloned().unwrap_or_default()),
            None => self.optional.get(name).cloned(),
        }
    }
}

/// What a request asks for.
struct Wanted<'b> {
    audience: Option<&'b str>,
    /// Seconds.
    lifetime: i64,
    claims: Vec<&'b str>,
    tags: Vec<&'b str>,
    subject_claim: Option<&'b str>,
}

impl<'b> Wanted<'b> {
    fn read(members: &'b Map<String, Value>) -> Result<Self, String> {
        let member = |name: &str| members.get(name).filter(|value| !value.is_null());
        let text = |name: &str| match member(name) {
            None => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
                None => Err(format!("{name} is not text")),
            },
        };
        let texts = |name: &str| match member(name) {
            None => Ok(Vec::new()),
            Some(value) => {
                let texts = value.as_array().and_then(|items| items.iter().map(Value::as_str).collect());
                texts.ok_or_else(|| format!("{name} is not a list of texts"))
            }
        };
        Ok(Self {
            audience: text("audience")?,
            lifetime: lifetime(member("lifetime"))?,
            claims: texts("claims")?,
            tags: texts("aws_session_tags")?,
            subject_claim: text("subject_claim")?,
        })
    }
}

fn lifetime(wanted: Option<&Value>) -> Result<i64, String> {
    let Some(wanted) = wanted else {
        return Ok(LIFETIME);
    };
    match wanted.as_i64() {
        Some(0) => Ok(LIFETIME),
        Some(seconds @ 1..=LONGEST_LIFETIME) => Ok(seconds),
        Some(seconds) if seconds < 0 => Err(format!("Requested lifetime is negative (requested: {seconds})")),
        None if !wanted.is_u64() => Err("lifetime is not a whole number of seconds".to_owned()),
        _ => Err(format!("Requested lifetime too high (requested: {wanted} max: {LONGEST_LIFETIME})")),
    }
}

/// AWS takes texts alone.
fn as_tag(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn unknown(name: &str, use_of_it: &str, known: &[&str]) -> String {
    let name = Inert::excerpt(name, 100);
    let known = if known.is_empty() { String::new() } else { format!("; there are {}", listed(known)) };
    format!("No claim `{name}` {use_of_it}{known}")
}

fn refused((status, message): Fault) -> Reply {
    Reply::refused(status, "message", &message)
}

#[cfg(test)]
#[path = "../tests/buildkite.rs"]
mod tests;
