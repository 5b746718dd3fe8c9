//! The file in which Docker's clients and those that follow them keep logins: `auths`, by host.
//! <https://docs.docker.com/reference/cli/docker/#docker-cli-configuration-file-configjson-properties>

use serde::Serialize as _;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value, json};

use super::client::secrets_of;
use super::retold;
use crate::change::{self, Change};
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::{FaultKind, Symlinks};
use crate::run::{Run, interrupted};
use crate::secret::Secret;

/// Far more than any has.
const LARGEST: u32 = 1024 * 1024;
const AUTHS: &str = "auths";

/// One such file, while its entries are changed. It has no `Debug`, since it holds secrets.
pub struct AuthFile {
    path: String,
    /// What it holds. `None`: it is not there.
    text: Option<String>,
    members: Map<String, Value>,
}

impl AuthFile {
    /// Reads it, and has the run keep to itself what it finds.
    ///
    /// # Errors
    /// When it cannot be read, or is not what it should be: whoever writes it then loses what is in it.
    pub async fn read(run: &Run, path: &str) -> Result<Self, Diagnostic> {
        let text = match run.channel.read_file(path, LARGEST, Symlinks::Follow).await {
            Ok(text) => Some(text),
            Err(fault) if fault.kind == FaultKind::NotFound => None,
            Err(fault) if fault.kind == FaultKind::Interrupted => return Err(interrupted().diagnostic),
            Err(fault) => {
                return Err(mending(retold(Code::AuthFileInvalid, &change::unusable(path, &fault))));
            }
        };
        let members = members(text.as_deref().unwrap_or_default()).map_err(|problem| {
            mending(Diagnostic::new(Code::AuthFileInvalid, format!("{path} {problem}")))
                .cause("a step before this one wrote it by hand, or was ended while it did")
        })?;
        let file = Self { path: path.to_owned(), text, members };
        for entry in file.members.get(AUTHS).and_then(Value::as_object).into_iter().flat_map(Map::values) {
            for secret in secrets_of(entry) {
                run.mask(&secret);
            }
        }
        Ok(file)
    }

    #[must_use]
    pub fn is_there(&self) -> bool {
        self.text.is_some()
    }

    #[must_use]
    pub fn entry(&self, host: &str) -> Option<&Value> {
        self.members.get(AUTHS)?.get(host)
    }

    /// The program that is asked for this host in place of its entry.
    #[must_use]
    pub fn helper(&self, host: &str) -> Option<&str> {
        let of_host = self.members.get("credHelpers").and_then(|helpers| helpers.get(host));
        let name = of_host.or_else(|| self.members.get("credsStore")).and_then(Value::as_str);
        name.filter(|name| !name.is_empty())
    }

    pub fn set(&mut self, host: &str, entry: Option<Value>) {
        if entry.is_none() && self.entry(host).is_none() {
            return;
        }
        let auths = self.members.entry(AUTHS).or_insert_with(|| json!({}));
        let Some(auths) = auths.as_object_mut() else { return }; // `read` has seen to it
        match entry {
            Some(entry) => auths.insert(host.to_owned(), entry),
            None => auths.remove(host),
        };
    }

    /// The file as it is to become, unless nothing has changed. `created`: it was not there before us, and
    /// goes again when nothing of others is in it.
    #[must_use]
    pub fn into_change(self, created: bool) -> Option<Change> {
        let Self { path, text, members } = self;
        let is_empty =
            members.iter().all(|(name, value)| name == AUTHS && value.as_object().is_some_and(Map::is_empty));
        if created && is_empty {
            return text.map(|_| Change::Remove { path });
        }
        if self::members(text.as_deref().unwrap_or_default()).is_ok_and(|before| before == members) {
            return None;
        }
        Some(Change::Write { path, text: written(&Value::Object(members)), before: text })
    }
}

/// An entry that logs in by user and password, both in `token`.
#[must_use]
pub fn entry_of(token: &Secret) -> Value {
    json!({ "auth": token.expose() })
}

fn members(text: &str) -> Result<Map<String, Value>, &'static str> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Object(members)) => match members.get(AUTHS) {
            None | Some(Value::Object(_)) => Ok(members),
            Some(_) => Err("has `auths` that are no object"),
        },
        Ok(_) => Err("is no JSON object"),
        Err(_) => Err("is not JSON"),
    }
}

fn mending(diagnostic: Diagnostic) -> Diagnostic {
    diagnostic
        .fix("mend or remove the file; nothing of it was changed")
        .fix("or let DOCKER_CONFIG (REGISTRY_AUTH_FILE for podman and buildah) name another place for this job")
}

/// As Docker writes it: indented by tabs.
fn written(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b"\t"));
    // What was read from JSON can be written as such.
    let _ = value.serialize(&mut serializer);
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(text: Option<&str>) -> AuthFile {
        let members = members(text.unwrap_or_default()).unwrap();
        AuthFile { path: "/config.json".to_owned(), text: text.map(str::to_owned), members }
    }

    fn changed(file: AuthFile, created: bool) -> Option<String> {
        match file.into_change(created)? {
            Change::Write { text, .. } => Some(text),
            Change::Remove { .. } => Some("removed".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn one_entry_changes_and_all_else_stays() {
        let text =
            r#"{"psFormat":"table","auths":{"other":{"auth":"b"},"h":{"auth":"old"}},"plugins":{"a":{"b":"c"}}}"#;
        let mut ours = file(Some(text));
        ours.set("h", Some(entry_of(&Secret::new("new"))));
        let written: Value = serde_json::from_str(&changed(ours, false).unwrap()).unwrap();
        let mut wanted: Value = serde_json::from_str(text).unwrap();
        wanted["auths"]["h"] = json!({"auth": "new"});
        assert_eq!(written, wanted);
    }

    #[test]
    fn what_was_made_for_us_goes_with_us() {
        let with_ours = "{\"auths\":{\"h\":{\"auth\":\"a\"}}}";
        for (text, created, left) in [
            (Some(with_ours), true, Some("removed".to_owned())),
            (Some(with_ours), false, Some("{\n\t\"auths\": {}\n}".to_owned())),
            (Some("{\"auths\":{}}"), false, None),
            (None, true, None),
        ] {
            let mut ours = file(text);
            ours.set("h", None);
            assert_eq!(changed(ours, created), left, "{text:?}");
        }
        let mut with_more = file(Some("{\"auths\":{\"h\":{}},\"psFormat\":\"x\"}"));
        with_more.set("h", None);
        assert!(changed(with_more, true).is_some_and(|text| text.contains("psFormat")));
    }

    #[test]
    fn helpers_are_found() {
        let text = r#"{"credsStore":"desktop","credHelpers":{"h":"ecr-login"}}"#;
        assert_eq!(file(Some(text)).helper("h"), Some("ecr-login"));
        assert_eq!(file(Some(text)).helper("other"), Some("desktop"));
        assert_eq!(file(Some("{\"credsStore\":\"\"}")).helper("h"), None);
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        for text in ["[]", "{", "\"a\"", "{\"auths\":[]}", "{\"auths\":null}", "auths: {}"] {
            assert!(members(text).is_err(), "{text}");
        }
        for text in ["", " \n", "{}", "\u{feff}{}"] {
            assert!(members(text).is_ok(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>(), host in any::<String>()) {
            if let Ok(members) = members(&text) {
                let mut file = AuthFile { path: String::new(), text: Some(text), members };
                let _ = (file.entry(&host), file.helper(&host));
                file.set(&host, None);
                let _ = file.into_change(true);
            }
        }
    }
}
