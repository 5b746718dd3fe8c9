//! Options that every CI has, under whatever names.

#[cfg(feature = "signed")]
use super::origin;
use super::{Checks, HandOver, Options, Profile, ProfileKind, RetryPolicy, SessionSettings};
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::Environment;
use crate::names::Meaning;
use crate::proxy::ProxySettings;
use crate::run::Run;
use crate::shell;
use crate::values::{
    PolicyArn, ProfileName, SessionDuration, SessionName, SessionPolicy, ValueFault, account_ids, policy_arns,
    whole_number,
};

/// What a session is to be, where somebody has said it.
pub struct SessionOptions {
    name: Option<SessionName>,
    duration: Option<SessionDuration>,
    policy: Option<SessionPolicy>,
    policy_arns: Vec<PolicyArn>,
}

impl SessionOptions {
    pub fn read(options: &mut Options, run: &Run) -> Self {
        Self {
            name: options.parse(run.option(Meaning::SessionName), SessionName::parse),
            duration: options.parse(run.option(Meaning::Duration), SessionDuration::parse),
            policy: options.parse(run.option(Meaning::Policy), SessionPolicy::parse),
            policy_arns: options.parse(run.option(Meaning::PolicyArns), policy_arns).unwrap_or_default(),
        }
    }

    /// With the usual values for what nobody has said.
    #[must_use]
    pub fn or(self, usual_name: impl FnOnce() -> SessionName) -> SessionSettings {
        SessionSettings {
            name: self.name.unwrap_or_else(usual_name),
            duration: self.duration.unwrap_or(SessionDuration::HOUR),
            policy: self.policy,
            policy_arns: self.policy_arns,
        }
    }
}

impl Checks {
    pub fn read(options: &mut Options, run: &Run) -> Self {
        Self {
            allowed_accounts: options.parse(run.option(Meaning::AllowedAccounts), account_ids).unwrap_or_default(),
            trust_policy_file: options.text(run.option(Meaning::TrustPolicyFile)).map(str::to_owned),
            #[cfg(feature = "signed")]
            explain_with: origin::to_explain(options, run),
            permalink: false, // GitHub alone has a summary, and an option for it
            #[cfg(feature = "signed")]
            verify_identity: options.switch(run.option(Meaning::VerifyIdentity)).unwrap_or(false),
        }
    }
}

/// How credentials reach the commands of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As variables.
    Env,
    /// As a profile that holds them.
    Profile,
    /// As a profile that fetches them.
    Process,
}

/// `env`, `profile` or `process`, for CIs whose profiles go into files of the job's own. Naming a
/// profile asks for one.
pub fn hand_over(options: &mut Options, run: &Run, prefix_option: &'static str, usual: Way) -> HandOver {
    let prefix = options.parse(prefix_option, variable_prefix).unwrap_or_default();
    let (way_option, name_option) = (run.option(Meaning::HandOver), run.option(Meaning::Profile));
    let way = options.parse(way_option, |text| match text {
        "env" => Ok(Way::Env),
        "profile" => Ok(Way::Profile),
        "process" => Ok(Way::Process),
        _ => Err(ValueFault::new("is none of `env`, `profile` and `process`", "env")),
    });
    let name = options.parse(name_option, ProfileName::parse);
    if way == Some(Way::Env) && name.is_some() {
        options.problem(
            Diagnostic::new(Code::OptionConflict, format!("`{name_option}` contradicts `{way_option}: env`"))
                .fix(format!("remove `{name_option}`, or use `{way_option}: profile`")),
        );
    }
    let unsaid = if name.is_some() { Way::Profile } else { usual };
    let kind = match way.unwrap_or(unsaid) {
        Way::Process => ProfileKind::Process,
        Way::Profile => ProfileKind::Static,
        Way::Env => return HandOver { environment: true, prefix, ..HandOver::default() },
    };
    if !prefix.is_empty() {
        options.problem(
            Diagnostic::new(Code::OptionConflict, format!("`{prefix_option}` has no effect on a profile"))
                .cause("a profile has a name of its own")
                .fix(format!("remove `{prefix_option}`, and name the profile by `{name_option}`")),
        );
    }
    let name = name.or_else(|| ProfileName::parse(crate::product::NAME).ok());
    let profile = name.map(|name| Profile { name, kind, overwrite: true, select: true });
    HandOver { profile, prefix, ..HandOver::default() }
}

/// # Errors
/// When no variable's name can begin so.
pub fn variable_prefix(text: &str) -> Result<String, ValueFault> {
    if shell::is_name(text) {
        Ok(text.to_owned())
    } else {
        let problem = "cannot begin the name of a variable: letters, digits and `_`, no digit first";
        Err(ValueFault::new(problem, "PROD_"))
    }
}

/// From the usual variables; CIs other than GitHub have no options for it.
pub fn proxy(options: &mut Options, env: &Environment) -> Option<ProxySettings> {
    let proxy = ProxySettings::new(None, None, |name| env.get(name).map(str::to_owned));
    proxy.map_err(|fault| options.problem(fault.diagnostic())).ok()
}

pub fn retry(options: &mut Options, run: &Run) -> RetryPolicy {
    let attempts = options.parse(run.option(Meaning::Attempts), whole_number);
    attempts.map_or_else(RetryPolicy::default, |attempts| RetryPolicy { max_attempts: attempts.max(1) })
}
