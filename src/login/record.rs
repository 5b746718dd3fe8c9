//! What logins have replaced, so that they can be taken back: by the post step of the action, or by
//! `logout ecr`. It holds passwords, those of ECR and perhaps earlier ones, so it is a private file.

use serde::Serialize;
use serde_json::Value;

use super::auth_file::AuthFile;
use super::client::{self, Client, secrets_of};
use super::password::Password;
use super::retold_with_fix;
use crate::change::{self, Change};
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::{FaultKind, Symlinks};
use crate::run::Run;
use crate::secret::Secret;

const LARGEST: u32 = 4 * 1024 * 1024;

/// One login. It has no `Debug`, since it holds secrets.
#[derive(Clone, Serialize)]
pub struct Login {
    pub host: String,
    pub client: &'static str,
    /// The file that the client keeps it in, where that is known.
    pub path: Option<String>,
    /// User and password as the file has them.
    ours: String,
    /// The entry that was there before.
    before: Option<Value>,
    /// The file was not there before.
    created: bool,
}

impl Login {
    #[must_use]
    pub(super) fn new(client: Client, path: Option<&str>, file: Option<&AuthFile>, password: &Password) -> Self {
        Self {
            host: password.host.clone(),
            client: client.name(),
            path: path.map(str::to_owned),
            ours: password.token.expose().to_owned(),
            before: file.and_then(|file| file.entry(&password.host)).cloned(),
            created: file.is_some_and(|file| !file.is_there()),
        }
    }

    /// A login that nobody has recorded.
    #[must_use]
    pub fn unrecorded(client: Client, path: Option<String>, host: String) -> Self {
        Self { host, client: client.name(), path, ours: String::new(), before: None, created: false }
    }

    /// The file, where it is written without a program.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.path.as_deref().filter(|_| self.client == Client::AuthFile.name())
    }

    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        Some(Self {
            host: text("host")?,
            client: Client::named(value["client"].as_str()?)?.name(),
            path: text("path"),
            ours: text("ours")?,
            before: Some(value["before"].clone()).filter(|before| !before.is_null()),
            created: value["created"].as_bool()?,
        })
    }

    fn is_of_the_same_place(&self, other: &Self) -> bool {
        (&self.host, self.client, &self.path) == (&other.host, other.client, &other.path)
    }
}

/// Puts new logins on a record. One that takes the place of an earlier one of ours goes back to what was
/// there before that.
#[must_use]
pub fn merged(mut all: Vec<Login>, new: &[Login]) -> Vec<Login> {
    for login in new {
        let mut login = login.clone();
        if let Some(at) = all.iter().position(|earlier| earlier.is_of_the_same_place(&login)) {
            let earlier = all.remove(at);
            if login.before.as_ref().is_none_or(|before| is_ours(before, &earlier)) {
                login.before = earlier.before;
                login.created = earlier.created;
            }
        }
        all.push(login);
    }
    all
}

/// Whether an entry is what a login left: its password, or nothing, where the client has put that into
/// its credential store.
fn is_ours(entry: &Value, login: &Login) -> bool {
    login.ours.is_empty() || secrets_of(entry).all(|secret| secret.expose() == login.ours)
}

#[must_use]
pub fn to_json(logins: &[Login]) -> String {
    // Strings, lists and what was read from JSON always serialise.
    serde_json::to_string(logins).unwrap_or_default()
}

/// `None`: there is no record.
///
/// # Errors
/// When it cannot be read, or is not what [`to_json`] wrote.
pub async fn read(run: &Run, path: &str) -> Result<Option<Vec<Login>>, Diagnostic> {
    let text = match run.channel.read_file(path, LARGEST, Symlinks::Refuse).await {
        Ok(text) => text,
        Err(fault) if fault.kind == FaultKind::NotFound => return Ok(None),
        Err(fault) => return Err(as_logout(&change::unusable(path, &fault))),
    };
    let logins = serde_json::from_str::<Value>(&text).ok().and_then(|value| {
        let logins: Option<Vec<Login>> = value.as_array()?.iter().map(Login::read).collect();
        logins
    });
    let Some(logins) = logins else {
        return Err(Diagnostic::new(Code::LogoutFailed, format!("{path} is not the record that was written"))
            .cause("another step of the job has changed it")
            .fix("log the client out by its own command, and remove the file"));
    };
    for login in &logins {
        let before = login.before.iter().flat_map(secrets_of);
        for secret in before.chain([Secret::new(&login.ours)]) {
            run.mask(&secret);
        }
    }
    Ok(Some(logins))
}

/// Logs out, and puts back what was there before. `false`: what is there is not ours any more.
///
/// # Errors
/// When the client or the file does not let it be done.
pub async fn take_back(run: &Run, login: &Login) -> Result<bool, Diagnostic> {
    let Some(client) = Client::named(login.client) else { return Ok(false) }; // `read` has seen to it
    let (found, helper) = match &login.path {
        Some(path) => {
            let file = AuthFile::read(run, path).await?;
            (file.entry(&login.host).cloned(), file.helper(&login.host).is_some())
        }
        None => (None, true),
    };
    let is_others = match &found {
        Some(entry) => !is_ours(entry, login),
        // Who has removed it did not want the one before either.
        None => login.before.is_some() && !helper,
    };
    if is_others {
        return Ok(false);
    }
    let logged_out = match client {
        Client::AuthFile => Ok(found.is_some()),
        _ => client::log_out(run, client, &login.host).await,
    };
    if let Some(path) = &login.path {
        let mut file = AuthFile::read(run, path).await?;
        if file.entry(&login.host).is_none_or(|entry| is_ours(entry, login)) {
            file.set(&login.host, login.before.clone());
            let changes = file.into_change(login.created).into_iter().collect();
            change::perform(run, changes).await.map_err(|trouble| as_logout(&trouble))?;
        }
    }
    // Where the password was in the file, it is gone now, whatever the client says.
    let was_in_file = found.as_ref().is_some_and(|entry| secrets_of(entry).next().is_some());
    if was_in_file { Ok(true) } else { logged_out }
}

/// Takes all back, what was made last first; one that fails does not keep the others from being done.
/// Returns what is left on the record, and what went wrong.
pub async fn take_all_back(run: &Run, logins: &[Login]) -> (Vec<Login>, Vec<Diagnostic>) {
    let (mut left, mut problems) = (Vec::new(), Vec::new());
    for login in logins.iter().rev() {
        let Login { host, client, .. } = login;
        match take_back(run, login).await {
            Ok(true) => {
                let back = if login.before.is_some() { ", and the login before it is back" } else { "" };
                match login.file() {
                    Some(path) => run.say(&format!("Took the login for {host} out of {path}{back}")),
                    None => run.say(&format!("Logged {client} out of {host}{back}")),
                }
            }
            Ok(false) => {
                run.say(&format!("Left {client} as it is for {host}: the login there is another one by now, or gone"));
            }
            Err(diagnostic) => {
                problems.push(diagnostic);
                left.push(login.clone());
            }
        }
    }
    left.reverse();
    (left, problems)
}

/// Makes the record say this, or go.
#[must_use]
pub fn change(path: String, logins: &[Login], before: Option<String>) -> Change {
    if logins.is_empty() { Change::Remove { path } } else { Change::Write { path, text: to_json(logins), before } }
}

fn as_logout(trouble: &Diagnostic) -> Diagnostic {
    retold_with_fix(Code::LogoutFailed, trouble)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn login(host: &str, ours: &str, before: Option<Value>) -> Login {
        let mut login = Login::unrecorded(Client::Docker, Some("/config.json".to_owned()), host.to_owned());
        login.ours = ours.to_owned();
        login.before = before;
        login
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let logins = [login("a", "AA==", Some(json!({"auth": "BB=="}))), login("b", "CC==", None)];
        let text = to_json(&logins);
        let read: Vec<Login> = serde_json::from_str::<Value>(&text)
            .unwrap()
            .as_array()
            .unwrap()
            .iter()
            .map(|it| Login::read(it).unwrap())
            .collect();
        assert_eq!(to_json(&read), text);
        for value in [json!({}), json!({"host": "h", "client": "curl", "ours": "", "created": false})] {
            assert!(Login::read(&value).is_none());
        }
    }

    /// Logging in again within a job must not bring an ended password of ours back.
    #[test]
    fn what_was_there_first_is_what_comes_back() {
        let first = login("a", "first", Some(json!({"auth": "theirs"})));
        let again = login("a", "second", Some(json!({"auth": "first"})));
        let elsewhere = login("b", "third", None);
        let all = merged(vec![first.clone()], &[again, elsewhere]);
        let told: Vec<(&str, &str, Option<&Value>)> =
            all.iter().map(|it| (it.host.as_str(), it.ours.as_str(), it.before.as_ref())).collect();
        assert_eq!(told, [("a", "second", Some(&json!({"auth": "theirs"}))), ("b", "third", None)]);
        let theirs = login("a", "second", Some(json!({"auth": "somebody's"})));
        assert_eq!(merged(vec![first], &[theirs])[0].before, Some(json!({"auth": "somebody's"})));
    }

    #[test]
    fn what_is_ours_is_known() {
        let ours = login("a", "AA==", None);
        for (entry, wanted) in [
            (json!({"auth": "AA=="}), true),
            (json!({}), true),
            (json!({"auth": ""}), true),
            (json!({"auth": "BB=="}), false),
            (json!({"identitytoken": "x"}), false),
            (json!({"auth": "AA==", "identitytoken": "x"}), false),
        ] {
            assert_eq!(is_ours(&entry, &ours), wanted, "{entry}");
        }
        assert!(is_ours(&json!({"auth": "BB=="}), &login("a", "", None)), "nobody knows better");
    }
}
