//! `policy audit`

use super::input::{self, Input};
use super::lint::no_policy;
use super::{Desk, NO, UNCLEAR, WELL};
use crate::diagnostic::Diagnostic;
use crate::policy::audit::Audit;
use crate::policy::lint::Severity;
use crate::policy::report::text::for_a_log;
use crate::policy::source::{self, Format, Item, Outcome};

/// How many roles are judged between two words on how far it is.
const STEP: usize = 250;

pub(super) async fn run(desk: &Desk) -> Result<u8, Diagnostic> {
    let (inputs, mut unclear) = input::files(desk, &desk.operands).await;
    let format = desk.report_format();
    let mut audit = if format.is_some() { Audit::with_places() } else { Audit::default() };
    for input in inputs {
        let outcome = match desk.shows_progress {
            true => in_steps(desk, &mut audit, &input).await,
            false => audit.file(&input.name, &input.text),
        };
        if input.named && (outcome.format == Format::Unknown || outcome.fault.is_some()) {
            desk.complain(&no_policy(&input.name));
            unclear += 1;
        }
    }
    let places = audit.places();
    let report = audit.finish();
    unclear += report.unread.len();
    let threshold = desk.flag("--threshold").and_then(Severity::named).unwrap_or(Severity::Medium);
    let is_bad = report.worst().is_some_and(|worst| worst >= threshold);
    match (format, desk.flag("--format")) {
        (Some(format), _) => desk.print_if(&format.render(&places)),
        // Text, numbers and lists of them always serialise.
        (None, Some("json")) => desk.print(&serde_json::to_string(&report).unwrap_or_default()),
        _ => desk.print(&for_a_log(report.text().trim_end())),
    }
    Ok(if is_bad {
        NO
    } else if unclear > 0 {
        UNCLEAR
    } else {
        WELL
    })
}

/// What [`Audit::file`] does, with word of it for whoever waits. All of the file is in memory at once.
async fn in_steps(desk: &Desk, audit: &mut Audit, input: &Input) -> Outcome {
    let Input { name, text, .. } = input;
    desk.channel.progress(audit.roles(), 0).await;
    let mut items = Vec::new();
    let outcome = source::visit(name, text, &mut |item| items.push(item));
    let total = audit.roles() + items.iter().filter(|item| !matches!(item, Item::Provider(_))).count();
    let lines = audit.open(name, text);
    for (index, item) in items.into_iter().enumerate() {
        if index % STEP == 0 {
            desk.channel.progress(audit.roles(), total).await;
        }
        audit.item(name, &lines, item);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::entry::Job;
    use crate::policy::command::{Request, run};
    use crate::time::Timestamp;

    /// What is printed, and each word on how far it is.
    fn audited(account: &str, progress: bool) -> (String, Vec<[u64; 2]>) {
        let request = json!({"entry": "command", "args": ["policy", "audit", "account.json", "--format", "json"],
            "env": {}, "runtime": {}, "progress": progress});
        let request = Request::read(&request.to_string()).unwrap();
        let mut job = Job::of(Timestamp::from_seconds(1_795_262_580), 1, |channel| run(channel, request));
        let (mut printed, mut told) = (String::new(), Vec::new());
        loop {
            for effect in job.advance() {
                let effect = serde_json::to_value(&effect).unwrap();
                let mut answer = |outcome: Value| {
                    let id = effect["id"].as_u64().unwrap();
                    job.resume(u32::try_from(id).unwrap(), outcome.to_string(), 0);
                };
                match effect["kind"].as_str().unwrap() {
                    "read-file" => answer(json!({ "contents": account })),
                    "progress" => {
                        told.push(["done", "total"].map(|name| effect[name].as_u64().unwrap()));
                        answer(json!({}));
                    }
                    "log" => printed.push_str(effect["text"].as_str().unwrap()),
                    "done" => return (printed, told),
                    other => panic!("{other}"),
                }
            }
        }
    }

    #[test]
    fn who_asks_is_told_how_far_it_is_and_comes_to_the_same_end() {
        let role = |number: usize| {
            json!({"RoleName": format!("role-{number}"), "AssumeRolePolicyDocument": {
                "Version": "2012-10-17", "Statement": [{
                    "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
                    "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/gitlab.com"}}]}})
        };
        let account = json!({"Roles": (0..600).map(role).collect::<Vec<_>>()}).to_string();
        let (quiet, none) = audited(&account, false);
        let (printed, told) = audited(&account, true);
        assert_eq!(none, [[0; 2]; 0]);
        assert_eq!(told, [[0, 0], [0, 600], [250, 600], [500, 600]]);
        assert_eq!(printed, quiet);
        assert!(printed.contains("role-599"));
    }
}
