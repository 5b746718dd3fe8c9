//! What the job's token says, and which of it AWS can see.

use serde_json::{Map, Value, json};

use super::settings;
use crate::ci::Ci;
use crate::diagnostic::Failure;
use crate::diagnostic::render::guarded;
use crate::effect::{Effect, Stream};
use crate::exchange;
use crate::keys;
use crate::run::Run;
use crate::text::Inert;
use crate::time::span;

/// # Errors
/// When there is no token, or it cannot work.
pub async fn show(run: &Run, ci: &dyn Ci) -> Result<(), Failure> {
    let (settings, source) = settings::read_source(run)?;
    let token = exchange::token(run, ci, &settings, &source).await?;
    let claims = token.claims();
    let issuer = claims.issuer().unwrap_or_default();
    let host = keys::without_scheme(issuer);
    let mut names: Vec<&String> = claims.names().collect();
    // What AWS sees comes first, then by name.
    names.sort_by_key(|name| (keys::of_claim(issuer, name).is_none(), (*name).clone()));

    let text = if run.env.get("--json").is_some() {
        let mut all = Map::new();
        let mut seen = Map::new();
        for name in names {
            all.insert(name.clone(), claims.get(name).cloned().unwrap_or_default());
            if let Some(key) = keys::of_claim(issuer, name) {
                seen.insert(format!("{host}:{key}"), claims.get(name).cloned().unwrap_or_default());
            }
        }
        json!({ "claims": all, "condition_keys": seen, "condition_keys_as_of": keys::AS_OF })
            .to_string()
            // Azure's log reader looks for its commands anywhere in a line, and a JSON reader sees no difference.
            .replace("##", "\\u0023#")
    } else {
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).clamp("claim".len(), 32);
        let mut lines = vec![format!("{:width$}  {:24}  {}", "claim", "condition key", "value")];
        for name in names {
            let key = keys::of_claim(issuer, name).map_or("-".to_owned(), |key| format!(":{key}"));
            let value = match claims.get(name) {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => String::new(),
            };
            let (name, value) = (Inert::new(name), Inert::excerpt(&value, 300));
            lines.push(guarded(&format!("{:width$}  {key:24}  {}", name.as_str(), value.as_str())));
        }
        lines.push(format!(
            "\nA condition key is written {}{{key}}, as in \"{}:sub\". Other claims",
            Inert::new(host),
            Inert::new(host)
        ));
        lines.push(format!("do not reach a trust policy, as of {}.", keys::AS_OF));
        if let Some(ends) = claims.expires_at() {
            lines.push(format!("The token ends at {ends}, in {}.", span(ends.seconds_since(run.channel.now()).max(0))));
        }
        lines.join("\n")
    };
    run.channel.tell(Effect::Log { stream: Stream::Stdout, text: run.scrub(&text) });
    Ok(())
}
