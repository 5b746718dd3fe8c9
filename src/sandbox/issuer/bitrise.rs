//! The token service of a Bitrise build.
//! <https://docs.bitrise.io/en/bitrise-platform/integrations/oidc-authentication/oidc-authentication-overview.html>

use serde_json::{Map, Value, json};

use super::claims::{Changes, Claims, Form, Known, claim};
use super::service::{Reply, Request, Token};
use crate::sandbox::random::Random;
use crate::sandbox::reader::{Node, Problems};

pub(super) const ISSUER: &str = "https://token.builds.bitrise.io";

/// Bitrise says how long a token lives only in the answer; this is a guess.
const LIFETIME: i64 = 3600;

/// In every token, besides those that every issuer has. Bitrise does not say which of them are
/// text; here all are.
const CLAIMS: &[Known] = &[
    claim("app_slug", Form::Text, Some("2b1a9f3c4d5e6f70")),
    claim("branch", Form::Text, Some("main")),
    claim("branch_dest", Form::Text, Some("")),
    claim("build_number", Form::Digits, Some("42")),
    claim("repository_owner", Form::Text, Some("acme")),
    claim("repository_slug", Form::Text, Some("api")),
    claim("repository_url", Form::Text, None),
    claim("sha", Form::Text, Some("9f3182061f1e2cca4702c368cbc039b7dc9d4485")),
    claim("tag", Form::Text, Some("")),
    claim("trigger_by", Form::Text, Some("webhook")),
    claim("workflow", Form::Text, Some("deploy")),
    claim("workspace_slug", Form::Text, Some("7c6d5e4f3a2b1c0d")),
];

/// A build of Bitrise's.
pub(super) struct Job<'a> {
    claims: Claims<'a>,
    changes: Changes<'a>,
}

impl<'a> Job<'a> {
    /// Of null, the build that there is without a configuration.
    pub(super) fn read(node: &Node<'a>, problems: &mut Problems) -> Option<Self> {
        const EXAMPLE: &str = r#"{"app_slug": "2b1a9f3c4d5e6f70", "workflow": "deploy"}"#;
        let names: Vec<&str> = CLAIMS.iter().map(|known| known.name).chain([Changes::NAME]).collect();
        if !node.value().is_null() {
            node.object(&names, EXAMPLE, problems)?;
        }
        let mut claims = Claims::read(CLAIMS, node, problems);
        let url =
            format!("https://github.com/{}/{}.git", claims.text("repository_owner"), claims.text("repository_slug"));
        claims.add_unless_given("repository_url", url);
        Some(Self { claims, changes: Changes::read(node, problems) })
    }

    /// `POST BUILD_URL/id_token.json`. `now` is in seconds since 1970.
    pub(super) fn answer(&self, request: &Request<'_>, now: i64, random: &mut Random) -> Reply {
        let headers = ["authorization", "build_api_token"];
        if !headers.iter().all(|header| request.has_key(header, "")) {
            return refused(401, "Authorization and BUILD_API_TOKEN are not both the build API token of this sandbox");
        }
        // There may be a `sub`, which changes nothing.
        match request.members().map(|members| members.get("aud").cloned()) {
            Err((status, message)) => refused(status, &message),
            Ok(Some(Value::String(audience))) if !audience.is_empty() => {
                let claims = self.issued_for(&audience, now, random);
                let body = json!({ "token_type": "Bearer", "expires_in": LIFETIME });
                Reply::issued(Token { claims, member: "id_token", length: None }, body)
            }
            Ok(_) => refused(400, "There is no `aud`"),
        }
    }

    fn issued_for(&self, audience: &str, now: i64, random: &mut Random) -> Map<String, Value> {
        let subject = format!("app:{}:workflow:{}", self.claims.text("app_slug"), self.claims.text("workflow"));
        let mut claims = Map::new();
        self.claims.add_to(&mut claims);
        for (name, value) in [
            ("iss", Value::from(ISSUER)),
            ("sub", subject.into()),
            ("aud", audience.into()),
            ("iat", now.into()),
            ("nbf", now.into()),
            ("exp", (now + LIFETIME).into()),
            ("jti", random.uuid().into()),
        ] {
            claims.insert(name.to_owned(), value);
        }
        self.changes.made_to(claims)
    }
}

fn refused(status: u16, message: &str) -> Reply {
    Reply::refused(status, "error_msg", message)
}

#[cfg(test)]
#[path = "../tests/bitrise.rs"]
mod tests;
