//! Why STS said no: its refusal, the token and the settings side by side, in words that help.
//!
//! AWS answers every mismatch of a trust policy with the same sentence. What it does not say is in
//! the token, so that is what a denial shows, with the condition that would admit this very job.

use crate::ci::Ci;
use crate::diagnostic::{Code, Diagnostic};
use crate::keys;
use crate::names::Meaning;
use crate::run::{Run, Trouble};
use crate::settings::ToAssume;
use crate::sts::endpoint::Endpoint;
use crate::sts::error::{AnswerFault, DurationLimit, ErrorKind, Stranger, StsError};
use crate::sts::partition::Partition;
use crate::text::{as_json, nearest};
use crate::time::span;
use crate::token::UnverifiedToken;
use crate::values::Region;

/// The diagnostic for an answer without credentials, and whether to try again.
#[must_use]
pub fn refusal(run: &Run, ci: &dyn Ci, role: &ToAssume<'_>, token: &UnverifiedToken, fault: &AnswerFault) -> Trouble {
    let diagnostic = match fault {
        AnswerFault::Sts(error) => refused(run, ci, role, token, error),
        _ => strange(run, &role.endpoint, fault),
    };
    Trouble::new(fault.retry(), diagnostic)
}

/// The diagnostic for an answer that is not whole, or not of STS.
#[must_use]
pub fn strange(run: &Run, endpoint: &Endpoint, fault: &AnswerFault) -> Diagnostic {
    let element = match fault {
        AnswerFault::NotSts(stranger) => return not_sts(run, endpoint, stranger, fault.code()),
        AnswerFault::Incomplete { element } => element,
        AnswerFault::Sts(error) => return said(Diagnostic::new(fault.code(), "STS answered with an error"), error),
    };
    let headline = if element.contains('/') {
        "STS answered with credentials that are not whole"
    } else {
        "STS's answer is not whole"
    };
    Diagnostic::new(Code::StsAnswerInvalid, headline)
        .fact("missing", *element)
        .fact("endpoint", &endpoint.url)
        .cause("what listens at that address is not AWS's STS, or not quite like it")
}

/// A slip in the region shows only now, as a host that does not exist.
#[must_use]
pub fn unreachable(run: &Run, endpoint: &Endpoint, region: Option<&Region>, trouble: Trouble) -> Trouble {
    // Of a host such as sts.us-east-1.amazonaws.com, where later steps are not told of the region.
    let of_host = endpoint.host.split('.').nth(1).unwrap_or_default();
    let region = region.map_or(of_host, Region::as_str);
    let mut known = Partition::ALL.iter().flat_map(|partition| partition.regions.iter().copied());
    if trouble.diagnostic.code != Code::EndpointUnreachable || known.clone().any(|name| name == region) {
        return trouble;
    }
    match nearest(region, &mut known) {
        Some(near) => Trouble::new(
            trouble.retry,
            trouble.diagnostic.fix(format!("did you mean `{}: {near}`?", run.option(Meaning::Region))),
        ),
        None => trouble,
    }
}

fn not_sts(run: &Run, endpoint: &Endpoint, stranger: &Stranger, code: Code) -> Diagnostic {
    Diagnostic::new(code, format!("{} answered, but not as STS does", endpoint.host))
        .fact("status", stranger.status.to_string())
        .fact_if("content type", stranger.content_type.as_ref().map(crate::text::Inert::as_str))
        .fact_if("it says", stranger.gist.as_ref().map(crate::text::Inert::as_str))
        .cause("a proxy, firewall or captive portal answered in its place")
        .cause(format!("`{}` names a host that is no STS", run.option(Meaning::Endpoint)))
        .fix("let the runner reach the endpoint itself, or name it in NO_PROXY")
}

fn refused(run: &Run, ci: &dyn Ci, role: &ToAssume<'_>, token: &UnverifiedToken, error: &StsError) -> Diagnostic {
    let Some(headline) = headline(role, token, &error.kind) else { return of_request(run, role, error) };
    let diagnostic = said(Diagnostic::new(error.kind.code(), headline), error);
    let arn = role.role_arn.as_str();
    let claims = token.claims();
    let issuer = claims.issuer().unwrap_or_default();
    let audience = claims.text("aud").unwrap_or_default();
    let provider = provider_arn(role, token);

    match &error.kind {
        ErrorKind::NotAuthorized => denied(ci, role, token, diagnostic),
        ErrorKind::TagSessionNotAllowed => diagnostic
            .fact("role", arn)
            .cause("the token carries session tags, and the trust policy allows sts:AssumeRoleWithWebIdentity alone")
            .fix("add \"sts:TagSession\" to the Action of the trust policy's statement"),
        ErrorKind::SourceIdentityNotAllowed => diagnostic
            .fact("role", arn)
            .cause("the token carries a source identity, and the trust policy does not allow it to be set")
            .fix("add \"sts:SetSourceIdentity\" to the Action of the trust policy's statement"),
        ErrorKind::ProviderNotFound { .. } => diagnostic
            .claim("iss", issuer)
            .fact("AWS needs", &provider)
            .cause("the identity provider was not created in the role's account, or in another one")
            .cause("the role's ARN has the wrong account id")
            .cause("the provider's URL differs in letter case, path or trailing slash: it has to be the issuer exactly")
            .fix(format!(
                "create it: aws iam create-open-id-connect-provider --url {issuer} --client-id-list {}",
                if audience.is_empty() { "sts.amazonaws.com" } else { &audience }
            )),
        ErrorKind::AudienceNotAccepted | ErrorKind::TokenNotValidated => diagnostic
            .claim("aud", &audience)
            .fact("provider", &provider)
            .cause("the provider's client ids do not list the token's audience")
            .cause("the issuer has changed its signing keys, or the token was altered")
            .fix(format!(
                "add the audience: aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn \
                 {provider} --client-id {audience}"
            ))
            .fix(format!("or set `{}` to one that the provider lists", run.option(Meaning::Audience))),
        ErrorKind::ManyAudiences => diagnostic.claim("aud", &audience).fix("ask the CI for a token with one audience"),
        ErrorKind::ClaimRefused { claim } => diagnostic
            .fact_if("claim", claim.as_deref())
            .fix("the issuer of the token has to set that claim; STS needs iss, sub, aud, iat and exp"),
        ErrorKind::RolesClaim => diagnostic
            .fact("role", arn)
            .cause("the token has a claim https://aws.amazon.com/roles that lists other roles")
            .fix("have the issuer list this role, or leave the claim out"),
        ErrorKind::TagsClaim => diagnostic
            .fix("every value in principal_tags has to be a list of exactly one text, such as {\"team\": [\"a\"]}"),
        ErrorKind::NotJwt => diagnostic
            .cause("what was sent is not an ID token: perhaps an access token, or a masked or truncated copy")
            .fix("give the CI's ID token itself"),
        ErrorKind::KeysUnreachable | ErrorKind::ProviderUnreachable => diagnostic
            .claim("iss", issuer)
            .cause("the issuer has trouble, or AWS cannot reach it from the internet")
            .fix(format!(
                "look at the issuer's status page, and whether {issuer}/.well-known/openid-configuration answers"
            )),
        ErrorKind::TokenExpired { seconds_ago } => diagnostic
            .fact_if("expired", seconds_ago.map(|seconds| format!("{} before the call, by AWS's clock", span(seconds))))
            .fact_if("token ends", claims.expires_at().map(|time| time.to_string()))
            .cause("the token was fetched long before it was used")
            .fix("fetch the token in the step that uses it"),
        ErrorKind::NotYetValid => diagnostic
            .cause("the issuer's clock is more than five minutes ahead")
            .fix("correct the clock of the machine that issues the token"),
        ErrorKind::Thumbprint => diagnostic
            .fact("provider", &provider)
            .fix("update the provider's thumbprint list with that of the issuer's certificate authority"),
        ErrorKind::ProviderRejectedClaim => diagnostic.cause("the request went through something that has changed it"),
        _ => diagnostic, // it has no headline here
    }
}

/// What AWS says of an error, and what its support asks for.
#[must_use]
pub fn said(diagnostic: Diagnostic, error: &StsError) -> Diagnostic {
    let says = if error.message.is_empty() { error.code.clone() } else { format!("{}: {}", error.code, error.message) };
    diagnostic.fact("AWS says", says).fact_if("request id", error.request_id.as_deref())
}

/// The diagnostic for a refusal that has nothing to do with what the role is assumed with.
#[must_use]
pub fn of_request(run: &Run, role: &ToAssume<'_>, error: &StsError) -> Diagnostic {
    let arn = role.role_arn.as_str();
    let headline = match &error.kind {
        ErrorKind::DurationTooLong { .. } => "the session is longer than allowed".to_owned(),
        ErrorKind::ParameterInvalid { .. } | ErrorKind::ProviderIdSent => "STS found fault with a parameter".to_owned(),
        ErrorKind::RegionDisabled => {
            format!("STS at {} is not enabled for account {}", role.endpoint.host, role.role_arn.account().as_str())
        }
        ErrorKind::SessionPolicyInvalid => "STS could not read the session policy".to_owned(),
        ErrorKind::SessionTooLarge => "session policies and tags do not fit into a session".to_owned(),
        ErrorKind::Throttled => "STS asked to slow down".to_owned(),
        ErrorKind::Unavailable => "STS had an error of its own".to_owned(),
        _ => "STS answered with an error that this version does not know".to_owned(),
    };
    let diagnostic = said(Diagnostic::new(error.kind.code(), headline), error);
    match &error.kind {
        ErrorKind::ProviderIdSent => diagnostic.cause("the request went through something that has changed it"),
        ErrorKind::DurationTooLong { limit } => {
            diagnostic.fact("asked for", format!("{} s", role.session.duration.seconds())).fix(match limit {
                DurationLimit::Role => format!(
                    "lower `{}`, or raise the role's limit: aws iam update-role --role-name {} --max-session-duration {}",
                    run.option(Meaning::Duration),
                    role.role_arn.name(),
                    role.session.duration.seconds()
                ),
                DurationLimit::Chaining => {
                    format!("a chained role lasts an hour at most: set `{}: 3600`", run.option(Meaning::Duration))
                }
                DurationLimit::Api => format!("set `{}` to 43200 or less", run.option(Meaning::Duration)),
            })
        }
        ErrorKind::ParameterInvalid { parameter } => diagnostic
            .fact_if("parameter", parameter.as_deref())
            .fact("role", arn)
            .fact("session", role.session.name.as_str())
            .fix("correct the option that this parameter comes from"),
        ErrorKind::RegionDisabled => diagnostic.fact("endpoint", &role.endpoint.host).fix(format!(
            "enable the region in account {}, or use another `{}` such as us-east-1",
            role.role_arn.account().as_str(),
            run.option(Meaning::Region)
        )),
        ErrorKind::SessionPolicyInvalid => diagnostic.fix(format!(
            "check `{}` with the IAM policy editor; Version, Statement and Resource are needed",
            run.option(Meaning::Policy)
        )),
        ErrorKind::SessionTooLarge => diagnostic.fix(format!(
            "shorten `{}`, name fewer `{}`, or fewer tags in the token",
            run.option(Meaning::Policy),
            run.option(Meaning::PolicyArns)
        )),
        ErrorKind::Throttled => diagnostic.fix(format!(
            "many jobs at once ask for this account: spread them, or allow more with `{}`",
            run.option(Meaning::Attempts)
        )),
        ErrorKind::Unavailable => diagnostic.fix("run the job again later; see https://health.aws.amazon.com"),
        _ => diagnostic.fact("status", error.status.to_string()).fact("role", arn),
    }
}

/// `None`: the refusal is not about the token or its provider.
fn headline(role: &ToAssume<'_>, token: &UnverifiedToken, kind: &ErrorKind) -> Option<String> {
    let arn = role.role_arn.as_str();
    let account = role.role_arn.account().as_str();
    let issuer = token.claims().issuer().unwrap_or_default();
    Some(match kind {
        ErrorKind::NotAuthorized => format!("AWS does not let this job assume {arn}"),
        ErrorKind::TagSessionNotAllowed => {
            format!("the trust policy of {arn} does not allow the token's session tags")
        }
        ErrorKind::SourceIdentityNotAllowed => {
            format!("the trust policy of {arn} does not allow the token's source identity")
        }
        ErrorKind::ProviderNotFound { .. } => format!("account {account} has no identity provider for {issuer}"),
        ErrorKind::AudienceNotAccepted => {
            "the identity provider in AWS does not accept the token's audience".to_owned()
        }
        ErrorKind::TokenNotValidated | ErrorKind::ProviderRejectedClaim | ErrorKind::Thumbprint => {
            "the identity provider in AWS did not accept the token".to_owned()
        }
        ErrorKind::ManyAudiences => "the token has more than one audience".to_owned(),
        ErrorKind::ClaimRefused { .. } => {
            "the token lacks a claim that STS demands, or it has the wrong form".to_owned()
        }
        ErrorKind::RolesClaim => format!("the token's list of roles does not have {arn}"),
        ErrorKind::TagsClaim => "the session tags in the token do not have the form that STS takes".to_owned(),
        ErrorKind::NotJwt => "what was sent as the token is not a JSON Web Token".to_owned(),
        ErrorKind::KeysUnreachable | ErrorKind::ProviderUnreachable => {
            format!("AWS could not fetch the keys of {issuer}")
        }
        ErrorKind::TokenExpired { .. } => "the token had expired when STS saw it".to_owned(),
        ErrorKind::NotYetValid => "STS takes the token to be issued in the future".to_owned(),
        _ => return None,
    })
}

/// The token was fine; the trust policy, or a missing role, said no.
fn denied(ci: &dyn Ci, role: &ToAssume<'_>, token: &UnverifiedToken, mut diagnostic: Diagnostic) -> Diagnostic {
    for name in ci.deciding_claims() {
        if let Some(value) = token.claims().text(name).filter(|value| !value.is_empty()) {
            diagnostic = diagnostic.claim(name, value);
        }
    }
    for cause in ci.denial_causes(token, role) {
        diagnostic = diagnostic.cause(cause);
    }
    diagnostic
        .fix(format!(
            "compare the condition below with the role's: aws iam get-role --role-name {} --query \
             Role.AssumeRolePolicyDocument",
            role.role_arn.name()
        ))
        .fix("check that the role's account and name are right")
        .paste(&format!("a statement that admits {}", ci.pinned()), "json", &statement(ci, role, token))
}

/// The statement of a trust policy that admits jobs like this one.
fn statement(ci: &dyn Ci, role: &ToAssume<'_>, token: &UnverifiedToken) -> String {
    let claims = token.claims();
    let prefix = provider_host(token);
    let line = |name: &str, value: &str| format!("      {}: {}", as_json(&format!("{prefix}:{name}")), as_json(value));
    let mut equals = Vec::new();
    let mut like = Vec::new();
    for name in ci.pinned_claims() {
        // Not every instance of a CI has all of its keys: GitLab's own servers have more than others.
        if keys::of_claim(claims.issuer().unwrap_or_default(), name).is_none() {
            continue;
        }
        let Some(value) = claims.text(name) else { continue };
        match ci.subject_pattern(&value).filter(|_| *name == "sub") {
            Some(pattern) => like.push(line(name, &pattern)),
            None => equals.push(line(name, &value)),
        }
    }
    let conditions: Vec<String> = [("StringEquals", equals), ("StringLike", like)]
        .iter()
        .filter(|(_, lines)| !lines.is_empty())
        .map(|(operator, lines)| format!("    \"{operator}\": {{\n{}\n    }}", lines.join(",\n")))
        .collect();
    let action = if claims.carries_session_tags() {
        r#"["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]"#
    } else {
        r#""sts:AssumeRoleWithWebIdentity""#
    };
    format!(
        "{{\n  \"Effect\": \"Allow\",\n  \"Principal\": {{ \"Federated\": {} }},\n  \"Action\": {action},\n  \
         \"Condition\": {{\n{}\n  }}\n}}",
        as_json(&provider_arn(role, token)),
        conditions.join(",\n")
    )
}

fn provider_host(token: &UnverifiedToken) -> &str {
    keys::without_scheme(token.claims().issuer().unwrap_or_default())
}

fn provider_arn(role: &ToAssume<'_>, token: &UnverifiedToken) -> String {
    let arn = &role.role_arn;
    format!("arn:{}:iam::{}:oidc-provider/{}", arn.partition(), arn.account().as_str(), provider_host(token))
}
