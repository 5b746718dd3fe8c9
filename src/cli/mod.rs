//! The command line. Every command goes the one path of [`crate::job`], as far as it goes.

pub mod args;
mod claims;
pub mod completions;
mod console;
mod credential_process;
mod doctor;
mod exec;
pub mod format;
pub mod generate;
pub mod help;
mod login;
pub mod settings;
pub mod table;

use self::args::Invocation;
use self::format::Format;
use self::table::Name;
use crate::change::{self, Change};
use crate::channel::Channel;
use crate::ci::{Ci, all};
use crate::diagnostic::Failure;
use crate::effect::{Effect, Stream};
use crate::environment::{Environment, Runtime};
use crate::handover;
use crate::job::{self, Obtained};
use crate::run::{Run, Voice, apart};

/// Runs one command, and returns the exit code.
pub async fn run(channel: Channel, env: Environment, runtime: Runtime, args: &[String]) -> u8 {
    let invocation = match Invocation::parse(args) {
        Ok(invocation) => invocation,
        Err(diagnostic) => {
            let Some(any) = all::ALL.last() else { return 0 };
            let run = Run::new(channel, *any, env, runtime, Voice::Aside);
            return told(&run, diagnostic.into());
        }
    };
    let Invocation { name, flags, operands } = invocation;
    if flags.get("--help").is_some() {
        print(&channel, help::of(name).trim_end());
        return 0;
    }
    if let (Name::Completion, Some(shell)) = (name, operands.first()) {
        print(&channel, completions::of(shell).trim_end());
        return 0;
    }
    let env = env.with(|_| false, &flags);
    let wanted = env.get("--ci").or_else(|| env.get("CI_ASSUME_ROLE_CI")).filter(|name| *name != "auto");
    let Some(ci) = wanted.map_or_else(|| all::here(&env), all::named) else {
        return 2; // the choices of `--ci` are checked, and the last CI takes any environment
    };
    let voice = match name {
        Name::LoginEcr | Name::LogoutEcr => Voice::Log,
        Name::Assume if env.get("--format").is_none() && env.get("CI_ASSUME_ROLE_FORMAT").is_none() => Voice::Log,
        Name::CredentialProcess => Voice::Aside,
        _ => Voice::Beside,
    };
    let mut run = Run::new(channel, ci, env, runtime, voice).with_flags();
    if let Err(diagnostic) = settings::read_policy_file(&mut run).await {
        return told(&run, diagnostic.into());
    }
    if matches!(name, Name::LoginEcr | Name::LogoutEcr) {
        login::spread(&mut run);
    }
    let ended = match name {
        Name::Assume => apart(assume(&run, ci)).await.map(|()| 0),
        Name::Exec => apart(exec::run(&run, ci, operands)).await,
        Name::CredentialProcess => apart(credential_process::answer(&run, ci)).await.map(|()| 0),
        Name::Claims => apart(claims::show(&run, ci)).await.map(|()| 0),
        Name::Doctor => apart(doctor::examine(&run, ci)).await,
        Name::Console => apart(console::sign_in(&run, ci)).await.map(|()| 0),
        Name::LoginEcr => apart(login::log_in(&run, ci)).await.map(|()| 0),
        Name::LogoutEcr => apart(login::log_out(&run)).await.map(|()| 0),
        // Those about policies run in a module of their own, which the shim knows.
        Name::Completion
        | Name::PolicyLint
        | Name::PolicyExplain
        | Name::PolicyCheck
        | Name::PolicyGenerate
        | Name::PolicyAudit => Ok(0),
    };
    match ended {
        Ok(code) => code,
        Err(failure) => {
            let code = told(&run, failure);
            if name == Name::Assume && is_for_a_shell(&run, ci) {
                // `eval "$(…)"` does not see how the command ended, and would go on without credentials.
                print(&run.channel, &format!("(exit {code})"));
            }
            code
        }
    }
}

/// Whether standard output is evaluated by a POSIX shell.
fn is_for_a_shell(run: &Run, ci: &dyn Ci) -> bool {
    match Format::chosen(&run.env) {
        Ok(Some((format, None))) => format == Format::Env,
        Ok(Some(_)) => false,
        Ok(None) | Err(_) => ci.prints_exports(),
    }
}

async fn assume(run: &Run, ci: &dyn Ci) -> Result<(), Failure> {
    let settings = settings::read(run, ci)?;
    let format = Format::chosen(&run.env)?;
    job::announce(run, &settings);
    let Obtained { exchanged, more } = job::obtain(run, ci, &settings).await?;
    match format {
        None => handover::hand_over(run, ci, &settings, &exchanged, more).await?,
        Some((format, output)) => {
            let text = format.of(run, &settings, &exchanged)?;
            let change = match output {
                Some(path) => Change::Write { path, text: format!("{text}\n"), before: None },
                None => Change::Print { text },
            };
            change::perform(run, vec![change]).await?;
        }
    }
    job::tell_end(run, &settings, &exchanged);
    Ok(())
}

fn told(run: &Run, failure: Failure) -> u8 {
    run.report(&failure);
    failure.exit_code()
}

fn print(channel: &Channel, text: &str) {
    channel.tell(Effect::Log { stream: Stream::Stdout, text: text.to_owned() });
}
