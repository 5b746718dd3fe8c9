//! `policy explain`

use serde_json::Value;

use super::input::{self, Input};
use super::{Desk, NO, UNCLEAR, WELL};
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::Stream;
use crate::keys;
use crate::policy::claims::{self, Given};
use crate::policy::explain::{self, Decision, Known};
use crate::policy::report::{counted, text::for_a_log};
use crate::policy::source::{self, File, Found};
use crate::policy::tree::Lines;
use crate::text::listed;
use crate::time::Timestamp;

pub(super) async fn run(desk: &Desk) -> Result<u8, Diagnostic> {
    let policies = policies(desk).await?;
    let given = given(desk).await?;
    let role_arn = desk.flag("--role-arn").or(given.role_arn.as_deref());
    let found = choose(&policies.0, &policies.1, role_arn)?;
    let of_file = found.role.as_ref().and_then(|role| role.arn.as_deref());

    let mut caller = given.caller;
    for line in desk.flag("--request").into_iter().flat_map(str::lines) {
        let (key, value) = line.split_once('=').ok_or_else(|| bad_request(line))?;
        match caller.request.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(key)) {
            Some((_, values)) => values.push(value.to_owned()),
            None => caller.request.push((key.to_owned(), vec![value.to_owned()])),
        }
    }
    let client_ids = match desk.flag("--client-id") {
        Some(given) => Some(given.lines().map(str::to_owned).collect()),
        None => client_ids(&policies.1, &caller.issuer),
    };
    let known = Known {
        now: desk.flag("--at").map(moment).transpose()?, // by itself: people explain yesterday's token
        client_ids: client_ids.as_deref(),
        reached_policy: desk.flag("--denied").is_some() || given.event.is_some_and(|event| event.is_denial()),
    };
    let explanation = explain::explain(&found.policy, &caller, role_arn.or(of_file), &known);
    let (Input { name, text, .. }, _) = &policies;
    match (desk.report_format(), desk.flag("--format")) {
        (Some(format), _) => {
            let subject = caller.claims.get("sub").and_then(Value::as_str).unwrap_or("a token without a subject");
            desk.print_if(&format.render(&explain::report(&explanation, found, name, text, subject)));
        }
        (None, Some("json")) => desk.print(&explain::json(&explanation, found, text, &caller)),
        _ => desk.print(&for_a_log(&explain::text(&explanation, desk.is_coloured(Stream::Stdout)).join("\n"))),
    }
    Ok(match explanation.decision {
        Decision::Allow => WELL,
        Decision::Deny => NO,
        Decision::Unknown => UNCLEAR,
    })
}

/// The file that `--policy` names, read.
pub(super) async fn policies(desk: &Desk) -> Result<(Input, File), Diagnostic> {
    let input = input::file(desk, needed(desk, "--policy")?).await?;
    let file = source::read(&input.name, &input.text);
    if let Some(fault) = &file.fault {
        let (line, column) = Lines::new(&input.text).place(fault.span.start);
        let place = format!("{}:{line}:{column}", input.name);
        let diagnostic = Diagnostic::new(Code::OptionInvalid, format!("{place}: {}", fault.slip));
        if file.policies.is_empty() {
            return Err(diagnostic.fix("correct the text, then try again"));
        }
        desk.complain(&diagnostic.cause("AWS would not take it; it is read as what was probably meant"));
    }
    Ok((input, file))
}

/// The one policy that is meant.
pub(super) fn choose<'f>(input: &Input, file: &'f File, role_arn: Option<&str>) -> Result<&'f Found, Diagnostic> {
    let name = |found: &'f Found| found.role.as_ref().map(|role| role.name.as_str());
    let is_meant = |found: &&Found| {
        let role = found.role.as_ref();
        role_arn.is_none_or(|wanted| match role {
            Some(role) => {
                role.arn.as_deref() == Some(wanted)
                    || (role.arn.is_none() && wanted.ends_with(&format!("/{}", role.name)))
            }
            None => file.policies.len() == 1,
        })
    };
    let meant: Vec<&Found> = file.policies.iter().filter(is_meant).collect();
    let names: Vec<&str> = file.policies.iter().filter_map(name).take(20).collect();
    let wrong = |headline: String| Diagnostic::new(Code::OptionInvalid, headline);
    match (meant.as_slice(), file.policies.len()) {
        ([one], _) => Ok(one),
        (_, 0) => Err(super::lint::no_policy(&input.name)),
        ([], count) => Err(wrong(format!("none of the {} in {} is of that role", counted(count, "role"), input.name))
            .fact("role", role_arn.unwrap_or_default())
            .fact("has", listed(&names))
            .fix("set `--role-arn` to the ARN of one of them")),
        (several, _) => Err(wrong(format!("{} has {}, and one is needed", input.name, counted(several.len(), "role")))
            .fact("has", listed(&names))
            .fix("say which with `--role-arn ARN`")),
    }
}

pub(super) async fn given(desk: &Desk) -> Result<Given, Diagnostic> {
    let input = input::file(desk, needed(desk, "--claims")?).await?;
    let mut all = claims::read(&input.text).map_err(|fault| {
        Diagnostic::new(Code::OptionInvalid, format!("{} holds no claims: {fault}", input.name))
            .fix("give the payload of a token as JSON, a token, or the output of `aws cloudtrail lookup-events`")
    })?;
    let others = all.len().saturating_sub(1);
    if others > 0 {
        desk.note(&format!("Of {} the latest that was denied is looked at.", counted(others + 1, "event")));
    }
    if all.is_empty() {
        return Err(Diagnostic::new(Code::OptionInvalid, format!("{} holds no claims", input.name)));
    }
    Ok(all.swap_remove(0))
}

fn client_ids(file: &File, issuer: &str) -> Option<Vec<String>> {
    let provider = file.providers.iter().find(|provider| keys::without_scheme(&provider.url.text) == issuer)?;
    Some(provider.client_ids.iter().map(|id| id.text.clone()).collect())
}

fn needed<'d>(desk: &'d Desk, flag: &'static str) -> Result<&'d str, Diagnostic> {
    desk.flag(flag).ok_or_else(|| {
        Diagnostic::new(Code::OptionMissing, format!("`{flag}` is not set")).fix(format!("add `{flag} FILE`"))
    })
}

fn moment(given: &str) -> Result<Timestamp, Diagnostic> {
    Timestamp::parse(given).ok_or_else(|| {
        Diagnostic::new(Code::OptionInvalid, "`--at` is not a time as RFC 3339 writes it")
            .fact("value", given)
            .fix("write it as `--at 2026-11-21T12:00:00Z`")
    })
}

fn bad_request(given: &str) -> Diagnostic {
    Diagnostic::new(Code::OptionInvalid, "`--request` has a value without `=`")
        .fact("value", given)
        .fix("write it as `--request aws:SourceIp=203.0.113.9`")
}
