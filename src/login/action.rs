//! The step of a job that logs in, and its end.

use super::step::Step;
use super::{log_in, plan, record, undone};
use crate::change::{self, Change};
use crate::ci::{Ci, Reminder};
use crate::diagnostic::{Code, Diagnostic, Failure};
use crate::handover::plan::prefix;
use crate::job;
use crate::pairs::Pairs;
use crate::run::{Run, apart};
use crate::signed::{self, Found, Place};

/// # Errors
/// With everything that kept it from being done; then no login is left.
pub async fn run(run: &Run, ci: &dyn Ci) -> Result<(), Failure> {
    let step = ci.login(run)?;
    job::announce(run, &step.settings);
    let found = apart(credentials(run, ci, &step)).await?;
    let plan = apart(plan(run, ci, &step.settings, &step.wanted, found)).await?;
    let path = format!("{}-login.json", prefix(run, &ci.scratch(run), ci.mark(run).as_deref()));
    if step.logs_out {
        let mut changes = Vec::new();
        if let Reminder::Changes(reminder) = ci.remember(run, &path)? {
            changes.extend(reminder);
        }
        changes.push(record::change(path.clone(), &plan.logins, None));
        change::perform(run, changes).await?;
    }
    let done = match log_in(run, &plan).await {
        Ok(()) => match hand_over(run, ci, &plan).await {
            Ok(()) => Ok(()),
            Err(diagnostic) => Err(undone(run, &plan.logins, diagnostic).await.into()),
        },
        Err(failure) => Err(failure),
    };
    if done.is_err() && step.logs_out {
        change::best_effort(run, vec![Change::Remove { path }]).await;
    }
    done
}

/// The credentials that ask ECR: a role's, assumed for that alone, or else what there is.
///
/// # Errors
/// When the role may not be assumed, or there are none.
pub async fn credentials(run: &Run, ci: &dyn Ci, step: &Step) -> Result<Found, Failure> {
    if let Some(source) = &step.source {
        let place = Place { endpoint: &step.sts, region: &step.wanted.region };
        let found = signed::find(run, ci, &step.settings, place, source).await?;
        run.say(&format!("Logging in with {}", found.1));
        return Ok(found);
    }
    let obtained = job::obtain(run, ci, &step.settings).await?;
    let Some(first) = obtained.exchanged.into_iter().next() else {
        return Err(Diagnostic::new(Code::CredentialsMissing, "there are no credentials to log in with").into());
    };
    let from = format!("the session {}", first.identity.arn);
    Ok((first.identity.credentials, from))
}

/// Outputs, by the rule of amazon-ecr-login for their names.
async fn hand_over(run: &Run, ci: &dyn Ci, plan: &super::Plan) -> Result<(), Diagnostic> {
    let mut outputs = Pairs::default();
    if let [only] = plan.passwords.as_slice() {
        outputs.set("registry", &only.host);
    }
    for password in &plan.passwords {
        let suffix = output_suffix(&password.host);
        outputs.set(&format!("docker_username_{suffix}"), &password.user);
        outputs.set(&format!("docker_password_{suffix}"), password.password.expose());
    }
    change::perform(run, ci.outputs(run, &outputs)?).await
}

/// Each run of characters that no name can have is one `_`.
fn output_suffix(host: &str) -> String {
    let mut suffix = String::new();
    for c in host.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            suffix.push(c);
        } else if !suffix.ends_with('\u{0}') {
            suffix.push('\u{0}');
        }
    }
    suffix.replace('\u{0}', "_")
}

/// The end of the job: logs out, and puts back what was there.
///
/// # Errors
/// With everything that could not be taken back.
pub async fn clean_up(run: &Run, ci: &dyn Ci) -> Result<(), Failure> {
    let mut problems = Vec::new();
    let paths = ci.remembered(&run.env);
    if paths.is_empty() {
        run.say("No login was left to be taken back");
    }
    for path in paths.iter().rev() {
        match record::read(run, path).await {
            Ok(Some(logins)) => {
                let (left, failed) = record::take_all_back(run, &logins).await;
                problems.extend(failed);
                let rest = record::change(path.clone(), &left, None);
                problems.extend(change::perform(run, vec![rest]).await.err());
            }
            Ok(None) => run.say("No login was left to be taken back"),
            Err(diagnostic) => problems.push(diagnostic),
        }
    }
    Failure::of(problems).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_named_as_by_amazon_ecr_login() {
        for (host, suffix) in [
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com", "123456789012_dkr_ecr_us_east_1_amazonaws_com"),
            ("public.ecr.aws", "public_ecr_aws"),
            ("a.-b_c", "a_b_c"),
            ("a_.b", "a__b"),
        ] {
            assert_eq!(output_suffix(host), suffix);
        }
    }
}
