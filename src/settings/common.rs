//! Options that every CI has, under whatever names.

use super::{
    AccountId, HandOver, Options, PolicyArn, Profile, ProfileKind, ProfileName, SessionDuration, SessionName,
    SessionPolicy, ValueFault, account_ids, policy_arns,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::{Dialect, Meaning};

/// What a session is to be, apart from its role.
pub struct SessionOptions {
    pub name: Option<SessionName>,
    pub duration: Option<SessionDuration>,
    pub policy: Option<SessionPolicy>,
    pub policy_arns: Vec<PolicyArn>,
    pub allowed_accounts: Vec<AccountId>,
}

impl SessionOptions {
    pub fn read(options: &mut Options, dialect: &dyn Dialect) -> Self {
        Self {
            name: options.parse(dialect.option(Meaning::SessionName), SessionName::parse),
            duration: options.parse(dialect.option(Meaning::Duration), SessionDuration::parse),
            policy: options.parse(dialect.option(Meaning::Policy), SessionPolicy::parse),
            policy_arns: options.parse(dialect.option(Meaning::PolicyArns), policy_arns).unwrap_or_default(),
            allowed_accounts: options.parse(dialect.option(Meaning::AllowedAccounts), account_ids).unwrap_or_default(),
        }
    }
}

/// `env`, `profile` or `process`, for CIs whose profiles go into files of the job's own. Naming a
/// profile asks for one.
pub fn hand_over(options: &mut Options, dialect: &dyn Dialect, prefix: String) -> HandOver {
    #[derive(PartialEq)]
    enum Way {
        Env,
        Profile,
        Process,
    }
    let (way_option, name_option) = (dialect.option(Meaning::HandOver), dialect.option(Meaning::Profile));
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
    let kind = match way {
        Some(Way::Process) => ProfileKind::Process,
        Some(Way::Profile) => ProfileKind::Static,
        None if name.is_some() => ProfileKind::Static,
        _ => return HandOver { environment: true, prefix, ..HandOver::default() },
    };
    let name = name.or_else(|| ProfileName::parse(crate::product::NAME).ok());
    let profile = name.map(|name| Profile { name, kind, overwrite: true, select: true });
    HandOver { profile, prefix, ..HandOver::default() }
}
