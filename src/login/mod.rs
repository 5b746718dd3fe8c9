//! Logging clients of registries in to ECR: passwords by signed calls, then a login for each registry,
//! all of them or none, and all taken back at the end.
//!
//! 1. **Passwords.** Asked for with credentials that there are, or with those of a role that was assumed
//!    for it. The log hides them before anything else carries them.
//! 2. **Plan.** Which client, and what it has for these registries now.
//! 3. **Record.** What is about to be changed, before it is.
//! 4. **Log in.** By the client, with the password on its standard input, or by its file. One that fails
//!    undoes those before it.

pub mod action;
pub mod auth_file;
pub mod client;
pub mod options;
mod password;
pub mod record;
mod refusal;
pub mod step;
pub mod wanted;

use self::auth_file::{AuthFile, entry_of};
use self::client::Client;
pub use self::password::Password;
use self::record::Login;
use self::wanted::Wanted;
use crate::change;
use crate::ci::Ci;
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::exchange::Exchanged;
use crate::run::{Run, apart};
use crate::settings::Settings;
use crate::signed::Found;

/// Logins that are about to be made. It has no `Debug`, since it holds secrets.
pub struct Plan {
    pub client: Client,
    pub passwords: Vec<Password>,
    /// One for each password.
    pub logins: Vec<Login>,
}

impl Plan {
    /// The file, where it is written without a program.
    fn file(&self) -> Option<&str> {
        self.logins.first().and_then(Login::file)
    }
}

/// Gets the passwords and looks at what there is. Nothing is changed yet.
///
/// # Errors
/// When ECR gives no password, or a file that a login goes into cannot be used.
pub async fn plan(run: &Run, ci: &dyn Ci, settings: &Settings, wanted: &Wanted, found: Found) -> Result<Plan, Failure> {
    let passwords = apart(password::fetch(run, settings, wanted, found)).await?;
    ci.conceal(run).await?;
    let client = client::choose(run, wanted.client).await?;
    let path = client.auth_file(run);
    if client == Client::AuthFile && path.is_none() {
        return Err(Diagnostic::new(Code::AuthFileInvalid, "there is no home folder to keep a login in")
            .fix("let DOCKER_CONFIG name a folder")
            .into());
    }
    let file = match &path {
        Some(path) => Some(AuthFile::read(run, path).await?),
        None => None,
    };
    let logins =
        passwords.iter().map(|password| Login::new(client, path.as_deref(), file.as_ref(), password)).collect();
    Ok(Plan { client, passwords, logins })
}

/// Makes the logins, all of them or none.
///
/// # Errors
/// With the login that failed; those before it are taken back.
pub async fn log_in(run: &Run, plan: &Plan) -> Result<(), Failure> {
    for (number, (password, login)) in plan.passwords.iter().zip(&plan.logins).enumerate() {
        if let Err(diagnostic) = one(run, plan.client, password, login).await {
            let made = plan.logins.get(..number).unwrap_or_default();
            return Err(undone(run, made, diagnostic).await.into());
        }
    }
    for Password { host, expiration, .. } in &plan.passwords {
        let end = run.until(*expiration);
        match plan.file() {
            Some(path) => run.say(&format!("Wrote a login for {host} to {path}: it is good{end}")),
            None => run.say(&format!("Logged {} in to {host}{end}", plan.client.name())),
        }
    }
    Ok(())
}

/// Logs in with what a job is about to be handed, where its settings say so. Returns what was made.
///
/// # Errors
/// With what kept it from being done; then no login is left.
pub async fn with_job(
    run: &Run,
    ci: &dyn Ci,
    settings: &Settings,
    exchanged: &[Exchanged],
) -> Result<Vec<Login>, Failure> {
    let (Some(wanted), Some(first)) = (&settings.login, exchanged.first()) else { return Ok(Vec::new()) };
    let found = (first.identity.credentials.clone(), format!("the session {}", first.identity.arn));
    let plan = plan(run, ci, settings, wanted, found).await?;
    log_in(run, &plan).await?;
    Ok(plan.logins)
}

/// Takes logins back, as far as possible: something else is what went wrong.
pub async fn forget(run: &Run, logins: &[Login]) {
    let (_, problems) = record::take_all_back(run, logins).await;
    for problem in problems {
        run.say(&format!("  left behind: {}", problem.headline));
    }
}

/// Takes logins back, because of what went wrong after or while they were made.
pub async fn undone(run: &Run, logins: &[Login], mut diagnostic: Diagnostic) -> Diagnostic {
    let mut is_left = false;
    for login in logins.iter().rev() {
        if let Err(problem) = record::take_back(run, login).await {
            is_left = true;
            diagnostic = diagnostic.fact("left behind", format!("{} ({})", login.host, problem.headline));
        }
    }
    if is_left {
        diagnostic
    } else {
        diagnostic.fix("no registry stays logged in; run the step again once it is mended")
    }
}

async fn one(run: &Run, client: Client, password: &Password, login: &Login) -> Result<(), Diagnostic> {
    let Password { host, user, password, token, .. } = password;
    let Some(path) = login.file() else {
        return client::log_in(run, client, user, password, host).await;
    };
    let mut file = AuthFile::read(run, path).await?;
    if let Some(helper) = file.helper(host) {
        run.notice(&format!(
            "{path} tells its readers to ask the program docker-credential-{helper} for {host}, so that they may not \
             find the login that is written there; `credsStore` and `credHelpers` say so"
        ));
    }
    file.set(host, Some(entry_of(token)));
    // Taken back by the record, which knows more than what the file held.
    let changes = file.into_change(false).into_iter().collect();
    change::perform(run, changes).await.map_err(|trouble| retold_with_fix(Code::LoginFailed, &trouble))
}

/// A file's trouble by another code: what is wrong with it, and nothing of what to do.
fn retold(code: Code, trouble: &Diagnostic) -> Diagnostic {
    let diagnostic = Diagnostic::new(code, trouble.headline.as_str());
    trouble.facts.iter().fold(diagnostic, |diagnostic, (label, fact)| diagnostic.fact(label, fact.as_str()))
}

/// The same, with the first thing to do.
fn retold_with_fix(code: Code, trouble: &Diagnostic) -> Diagnostic {
    trouble.fixes.iter().take(1).fold(retold(code, trouble), |diagnostic, fix| diagnostic.fix(fix.as_str()))
}
