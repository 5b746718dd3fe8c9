//! Why ECR gave no password.

use super::wanted::{Registries, Wanted};
use crate::aws::clock::ClockCorrection;
use crate::aws::json::{AnswerFault, Refusal, RefusalKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::run::Trouble;
use crate::signed::refusal::{CLOCK_WRONG, why_clock_wrong, why_not_accepted};
use crate::sts::error::Retry;
use crate::text::Inert;

/// A call that got no password.
pub(super) struct Refused<'a> {
    /// Whose signature it has, for people.
    pub from: &'a str,
    pub wanted: &'a Wanted,
    pub clock: Option<ClockCorrection>,
}

/// The diagnostic for an answer without a password, and whether to try again.
pub(super) fn of_call(refused: &Refused<'_>, fault: &AnswerFault) -> Trouble {
    let (retry, diagnostic) = match fault {
        // A clock that could be corrected has been.
        AnswerFault::Refused(refusal) if refusal.kind == RefusalKind::ClockSkewed => {
            let diagnostic = said(Diagnostic::new(Code::ClockWrong, CLOCK_WRONG), refusal);
            (Retry::Never, why_clock_wrong(diagnostic, refused.clock))
        }
        AnswerFault::Refused(refusal) => (fault.retry(), by_aws(refused, refusal)),
        AnswerFault::NotJson { status, content_type } => {
            (fault.retry(), not_ecr(refused, *status, content_type.as_ref()))
        }
        AnswerFault::Incomplete { member } => {
            let diagnostic = Diagnostic::new(Code::EcrAnswerInvalid, "ECR's answer is not whole")
                .fact("missing", *member)
                .fact("endpoint", &refused.wanted.endpoint.url)
                .cause("what listens at that address is not AWS's ECR, or not quite like it");
            (fault.retry(), diagnostic)
        }
    };
    Trouble::new(retry, diagnostic)
}

fn by_aws(refused: &Refused<'_>, refusal: &Refusal) -> Diagnostic {
    let Refused { from, wanted, .. } = refused;
    let with = |code: Code, headline: String| {
        said(Diagnostic::new(code, headline), refusal).fact("endpoint", &wanted.endpoint.host)
    };
    match &refusal.kind {
        RefusalKind::CallerRefused => {
            let diagnostic = Diagnostic::new(Code::CredentialsRefused, format!("AWS does not accept {from}"));
            why_not_accepted(said(diagnostic, refusal), &refusal.code)
        }
        RefusalKind::NotAuthorized { action } => denied(refused, refusal, action.as_deref()),
        RefusalKind::Throttled => with(Code::EcrUnavailable, "ECR asked to slow down".to_owned())
            .fix("run the job again; if it is always so, let fewer jobs log in at the same moment"),
        RefusalKind::Unavailable => with(Code::EcrUnavailable, "ECR had an error of its own".to_owned())
            .fix("run the job again, and look at https://health.aws.amazon.com/health/status"),
        RefusalKind::Request | RefusalKind::ClockSkewed => {
            with(Code::EcrError, "ECR did not give a password".to_owned())
                .cause("a registry's id is no account that there is")
                .cause("the account has not switched the region on")
                .fix("look the code up that AWS says: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html")
        }
    }
}

/// The permissions that it takes. None of them can be narrowed to a registry or an image.
const PRIVATE: &[&str] = &["ecr:GetAuthorizationToken"];
const PUBLIC: &[&str] = &["ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"];

fn denied(refused: &Refused<'_>, refusal: &Refusal, action: Option<&str>) -> Diagnostic {
    let Refused { from, wanted, .. } = refused;
    let (registry, needed) = match &wanted.registries {
        Registries::Private(_) => ("the registry", PRIVATE),
        Registries::Public => ("public.ecr.aws", PUBLIC),
    };
    let headline = format!("AWS does not let {from} have a password of {registry}");
    let mut diagnostic =
        said(Diagnostic::new(Code::EcrDenied, headline), refusal).fact_if("permission", action).cause(format!(
            "no policy of theirs allows {}",
            needed.iter().find(|each| Some(**each) == action).copied().unwrap_or(needed[0])
        ));
    if needed.len() > 1 {
        diagnostic = diagnostic.cause("or it allows one of the two permissions that the public registry takes");
    }
    diagnostic
        .cause("a session policy, a permissions boundary or a policy of the organization leaves it out")
        .fix("add the statement to a policy of the role or user; it takes no resource but `*`")
        .paste("statement for its policy", "json", &statement(needed))
}

fn statement(actions: &[&str]) -> String {
    let actions: Vec<String> = actions.iter().map(|action| format!("\"{action}\"")).collect();
    format!("{{\n  \"Effect\": \"Allow\",\n  \"Action\": [{}],\n  \"Resource\": \"*\"\n}}", actions.join(", "))
}

fn not_ecr(refused: &Refused<'_>, status: u16, content_type: Option<&Inert>) -> Diagnostic {
    let endpoint = &refused.wanted.endpoint;
    let diagnostic =
        Diagnostic::new(Code::EcrAnswerInvalid, format!("{} answered, but not as ECR does", endpoint.host))
            .fact("status", status.to_string())
            .fact_if("content type", content_type.map(Inert::as_str))
            .cause("a proxy, firewall or captive portal answered in its place");
    let diagnostic = match refused.wanted.endpoint_option {
        Some(option) => diagnostic.cause(format!("`{option}` names a host that is no ECR")),
        None => diagnostic,
    };
    diagnostic.fix("let the runner reach the endpoint itself, or name it in NO_PROXY")
}

fn said(diagnostic: Diagnostic, refusal: &Refusal) -> Diagnostic {
    let Refusal { code, message, request_id, .. } = refusal;
    let says = if message.is_empty() { code.clone() } else { format!("{code}: {message}") };
    diagnostic.fact("AWS says", says).fact_if("request id", request_id.as_deref())
}
