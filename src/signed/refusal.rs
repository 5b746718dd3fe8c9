//! Why AWS did not do what a signed request asked for.

use crate::aws::clock::ClockCorrection;
use crate::diagnostic::{Code, Diagnostic};
use crate::explain;
use crate::run::{Run, Trouble};
use crate::settings::ToAssume;
use crate::sts::endpoint::Endpoint;
use crate::sts::error::{AnswerFault, ErrorKind, Retry, StsError};

/// A call that was refused.
pub(super) struct Refused<'a> {
    /// Whose signature it has, for people.
    pub from: &'a str,
    pub endpoint: &'a Endpoint,
    pub clock: Option<ClockCorrection>,
    /// The role that was to be assumed. `None`: the call asked who calls.
    pub role: Option<&'a ToAssume<'a>>,
}

/// The diagnostic for an answer without what was asked for, and whether to try again.
pub(super) fn of_call(run: &Run, refused: &Refused<'_>, fault: &AnswerFault) -> Trouble {
    match fault {
        AnswerFault::Sts(error) => {
            // A clock that could be corrected has been.
            let retry = if error.kind == ErrorKind::ClockSkewed { Retry::Never } else { fault.retry() };
            Trouble::new(retry, by_aws(run, refused, error))
        }
        _ => Trouble::new(fault.retry(), explain::strange(run, refused.endpoint, fault)),
    }
}

fn by_aws(run: &Run, refused: &Refused<'_>, error: &StsError) -> Diagnostic {
    let Refused { from, role, .. } = refused;
    let arn = role.map(|role| role.role_arn.as_str()).unwrap_or_default();
    match (&error.kind, role) {
        (ErrorKind::CallerRefused, _) => not_accepted(from, error),
        (ErrorKind::ClockSkewed, _) => clock_wrong(refused, error),
        (ErrorKind::NotAuthorized, Some(role)) => denied(from, role, error),
        (ErrorKind::TagSessionNotAllowed, Some(_)) => explain::said(
            Diagnostic::new(Code::TagSessionNotAllowed, format!("{from} may not set session tags for {arn}")),
            error,
        )
        .cause("the role's trust policy allows sts:AssumeRole alone")
        .cause("or the caller's own policy does: sts:TagSession has to be allowed on both sides")
        .fix("add \"sts:TagSession\" to the Action of both statements, or send no session tags"),
        (ErrorKind::SessionTooLarge, Some(_)) => {
            let headline = "session policies and tags do not fit into a session";
            explain::said(Diagnostic::new(Code::SessionTooLarge, headline), error)
                .fix("shorten the session policies, or send fewer tags")
        }
        (_, Some(role)) => explain::of_request(run, role, error),
        (kind, None) => {
            let headline = match kind {
                ErrorKind::Throttled => "STS asked to slow down",
                ErrorKind::Unavailable => "STS had an error of its own",
                _ => "STS did not say whose the credentials are",
            };
            explain::said(Diagnostic::new(kind.code(), headline), error).fact("endpoint", &refused.endpoint.host)
        }
    }
}

fn not_accepted(from: &str, error: &StsError) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::CredentialsRefused, format!("AWS does not accept {from}"));
    why_not_accepted(explain::said(diagnostic, error), &error.code)
}

/// What is usually behind it when AWS refuses a caller, by AWS's code for it.
pub(crate) fn why_not_accepted(diagnostic: Diagnostic, code: &str) -> Diagnostic {
    let code = code.to_ascii_lowercase();
    if code.starts_with("expiredtoken") {
        return diagnostic
            .cause("they are of a session, and it has ended")
            .fix("get fresh credentials in a step before this one, or assume the role by the job's own token");
    }
    // The two protocols have different names for it.
    if ["signaturedoesnotmatch", "invalidsignatureexception"].contains(&code.as_str()) {
        return diagnostic
            .cause("the secret access key does not belong to the access key id, or is not whole")
            .fix("store both anew, as they were issued together");
    }
    diagnostic
        .cause("the access key was deleted or made inactive, or never existed")
        .cause("it is of a session, and the session token is missing or belongs to another key")
        .cause("it is of another partition of AWS (China, GovCloud) than the region")
        .fix("look the key up in IAM, and see that all parts of it are handed to this step")
}

fn clock_wrong(refused: &Refused<'_>, error: &StsError) -> Diagnostic {
    why_clock_wrong(explain::said(Diagnostic::new(Code::ClockWrong, CLOCK_WRONG), error), refused.clock)
}

pub(crate) const CLOCK_WRONG: &str = "this machine's clock is too far from AWS's for a signature";

pub(crate) fn why_clock_wrong(diagnostic: Diagnostic, clock: Option<ClockCorrection>) -> Diagnostic {
    let tried = clock.map(|correction| format!("{} s, and it did not help", correction.seconds));
    diagnostic.fact_if("corrected by", tried).fix("let NTP set the clock of the machine that runs the job")
}

fn denied(from: &str, role: &ToAssume<'_>, error: &StsError) -> Diagnostic {
    let arn = role.role_arn.as_str();
    let diagnostic = Diagnostic::new(Code::AssumeRoleDenied, format!("AWS does not let {from} assume {arn}"));
    explain::said(diagnostic, error)
        .fact("role", arn)
        .cause(
            "the role's trust policy does not name the caller, or asks for an external id or a tag that was not sent",
        )
        .cause("no policy of the caller allows sts:AssumeRole on the role, which takes both sides across accounts")
        .cause(format!(
            "there is no role `{}` in account {}: AWS answers the same for a role that does not exist",
            role.role_arn.name(),
            role.role_arn.account().as_str()
        ))
        .fix(format!(
            "look who may assume it: aws iam get-role --role-name {} --query Role.AssumeRolePolicyDocument",
            role.role_arn.name()
        ))
        .fix("let the trust policy allow sts:AssumeRole and sts:TagSession to the caller that AWS names above")
}
