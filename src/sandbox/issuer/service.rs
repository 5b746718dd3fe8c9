//! What the token services are asked over HTTP, and what they answer.

use serde_json::{Map, Value, json};

use crate::sandbox::request::Form;
use crate::text::Inert;

/// No request for a token comes near it.
const LARGEST_BODY: usize = 64 * 1024;

/// Status and message of a refusal.
pub(super) type Fault = (u16, String);

/// A request to one of the token services.
pub(in crate::sandbox) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    query: &'a str,
    /// Names in lower case.
    headers: Option<&'a Map<String, Value>>,
    body: &'a str,
    /// What the CI gives to the job as its right to ask.
    key: &'a str,
}

impl<'a> Request<'a> {
    /// Reads `{"method": "…", "path": "…", "query": "…", "headers": {…}, "body": "…", "key": "…"}`;
    /// nothing if it has no method, path or key.
    pub(in crate::sandbox) fn read(value: &'a Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        Some(Self {
            method: text("method")?,
            path: text("path")?,
            query: text("query").unwrap_or_default(),
            headers: value.get("headers").and_then(Value::as_object),
            body: text("body").unwrap_or_default(),
            key: text("key").filter(|key| !key.is_empty())?,
        })
    }

    /// Whether a header is the job's key, behind `scheme`.
    pub(super) fn has_key(&self, header: &str, scheme: &str) -> bool {
        self.header(header).and_then(|value| value.strip_prefix(scheme)) == Some(self.key)
    }

    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers?.get(name)?.as_str()
    }

    pub(super) fn query(&self, name: &str) -> Option<String> {
        Form::read(self.query).get(name).map(str::to_owned)
    }

    /// The members of a body in JSON; none of an empty one.
    pub(super) fn members(&self) -> Result<Map<String, Value>, Fault> {
        if self.body.len() > LARGEST_BODY {
            return Err((413, format!("The body has more than {LARGEST_BODY} bytes")));
        }
        if self.body.trim_ascii().is_empty() {
            return Ok(Map::new());
        }
        match serde_json::from_str(self.body) {
            Ok(Value::Object(members)) => Ok(members),
            _ => Err((400, "The body is not a JSON object".to_owned())),
        }
    }
}

/// What a token service answers, in JSON.
pub(in crate::sandbox) struct Reply {
    status: u16,
    body: Value,
    token: Option<Token>,
    /// One line for the sandbox's user.
    log: String,
}

/// A token to be signed, and where in the body it goes.
pub(super) struct Token {
    pub(super) claims: Map<String, Value>,
    pub(super) member: &'static str,
    /// The member for its length, where the CI says it.
    pub(super) length: Option<&'static str>,
}

impl Reply {
    pub(super) fn plain(body: Value, log: &str) -> Self {
        Self { status: 200, body, token: None, log: log.to_owned() }
    }

    /// A token, among the other members of `body`.
    pub(super) fn issued(token: Token, body: Value) -> Self {
        let claim = |name: &str| match token.claims.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => "nobody".to_owned(),
        };
        let log = format!("token of {} for {}", claim("sub"), claim("aud"));
        Self { status: 200, body, token: Some(token), log }
    }

    /// `member` is the one of the body that the CI has its messages in.
    pub(super) fn refused(status: u16, member: &str, message: &str) -> Self {
        Self { status, body: json!({ member: message }), token: None, log: message.to_owned() }
    }

    /// For the shim, which signs the token and puts it into the body.
    pub(in crate::sandbox) fn into_json(self, header: &Value) -> Value {
        let log = String::from(Inert::excerpt(&format!("{} {}", self.status, self.log), 1000));
        let mut reply = json!({ "status": self.status, "body": self.body, "log": log });
        if let (Some(members), Some(Token { claims, member, length })) = (reply.as_object_mut(), self.token) {
            let token = json!({ "header": header, "claims": claims, "member": member, "length": length });
            members.insert("token".to_owned(), token);
        }
        reply
    }
}

/// Whether `text` may stand in an address for a job or a build.
pub(super) fn is_id(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
