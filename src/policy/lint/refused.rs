//! What AWS does not save: the policy is refused whole, so nothing of it is ever in force.

use super::repair::{quoted, shown, siblings, without};
use super::{Finding, Findings, Rule, Severity, View};
use crate::policy::caller::{ASSUME, SET_SOURCE_IDENTITY, TAG};
use crate::policy::document::{Refusal, RefusalKind};
use crate::policy::operator::NAMES;
use crate::policy::tree::{Kind, Node, Span};
use crate::text::{listed, nearest};

pub static TP042: Rule = Rule {
    id: "TP042",
    name: "name-twice",
    severity: Severity::High,
    title: "the same name stands twice in one object, and one of the two is lost",
};

pub static TP043: Rule = Rule {
    id: "TP043",
    name: "refused-element",
    severity: Severity::Medium,
    title: "AWS does not save a policy with this element",
};

pub static TP044: Rule = Rule {
    id: "TP044",
    name: "resource-in-trust-policy",
    severity: Severity::Medium,
    title: "a trust policy names no resource: it is about its own role",
};

pub static TP071: Rule = Rule {
    id: "TP071",
    name: "permissions-policy",
    severity: Severity::High,
    title: "this says what a role may do, not who may assume it",
};

pub(super) fn check(view: &View<'_>, findings: &mut Findings<'_>) {
    let refusals = &view.policy.refusals;
    if let Some(finding) = permissions_policy(view) {
        findings.add(finding);
        return;
    }
    for refusal in refusals {
        if is_explained(refusal, refusals) {
            continue;
        }
        let finding = match &refusal.kind {
            RefusalKind::NotPrincipal => continue, // a rule about principals has it
            RefusalKind::Twice { name } => Some(twice(view, refusal.span, name)),
            RefusalKind::Resource { name } => {
                let message = format!("AWS takes no {name} in a trust policy");
                let mut finding = Finding::new(&TP044, refusal.span, message, format!("remove {name}"));
                finding.edits.extend(without(&view.found.node, refusal.span));
                Some(finding)
            }
            kind => element(view, refusal.span, kind),
        };
        if let Some(finding) = finding {
            findings.add(finding);
        }
    }
}

/// Statements with resources and without principals: a policy of the other kind.
fn permissions_policy(view: &View<'_>) -> Option<Finding> {
    let refusals = &view.policy.refusals;
    let resource = refusals.iter().find(|refusal| matches!(refusal.kind, RefusalKind::Resource { .. }))?;
    let nobody = view.policy.statements.iter().all(|statement| statement.principals.items.is_empty());
    let unnamed = |refusal: &&Refusal| matches!(refusal.kind, RefusalKind::MissingElement { name: "Principal" });
    (nobody && refusals.iter().any(|refusal| unnamed(&refusal))).then(|| {
        Finding::new(
            &TP071,
            resource.span,
            "every statement names resources and none names a principal: this is a permissions policy",
            "attach it to the role, and give the role a trust policy that names the OIDC provider as Principal",
        )
    })
}

/// An element is missing because its name is misspelt: that is one mistake.
fn is_explained(refusal: &Refusal, refusals: &[Refusal]) -> bool {
    let RefusalKind::MissingElement { name: missing } = &refusal.kind else { return false };
    refusals.iter().any(|other| match &other.kind {
        RefusalKind::UnknownElement { name, known } => {
            refusal.span.contains(other.span) && nearest(name, known.iter().copied()) == Some(*missing)
        }
        _ => false,
    })
}

fn twice(view: &View<'_>, span: Span, name: &str) -> Finding {
    let message = format!(
        "{} stands twice in the same object: AWS refuses that, and other readers keep only the last",
        shown(name)
    );
    let mut finding = Finding::new(&TP042, span, message, format!("write one {} that holds both", shown(name)));
    let Some((members, second)) = siblings(&view.found.node, span) else { return finding };
    let Some(first) = members.iter().find(|member| member.name == name) else { return finding };
    if same(&first.value, &second.value) {
        "remove one of them".clone_into(&mut finding.fix);
        finding.edits.extend(without(&view.found.node, span));
    } else if let (Kind::Object(keys), Kind::Object(more)) = (&first.value.kind, &second.value.kind)
        && let Some(last) = keys.last()
        && more.iter().all(|key| keys.iter().all(|other| other.name != key.name))
    {
        // All of one operator's keys have to hold, so nobody is let in whom one of the blocks keeps out.
        let moved: Vec<String> =
            more.iter().map(|key| format!(", {}: {}", quoted(&key.name), written(&key.value))).collect();
        let end = Span::new(last.value.span.end, last.value.span.end);
        finding.edits.extend(without(&view.found.node, span));
        finding = finding.edit(end, moved.concat());
    }
    finding
}

fn same(a: &Node, b: &Node) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::List(a), Kind::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Kind::Object(a), Kind::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.name == b.name && same(&a.value, &b.value))
        }
        (a, b) => a == b,
    }
}

fn written(node: &Node) -> String {
    match &node.kind {
        Kind::Null => "null".to_owned(),
        Kind::Bool(truth) => truth.to_string(),
        Kind::Number(text) => text.clone(),
        Kind::Text(text) => quoted(text),
        Kind::List(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        Kind::Object(members) => {
            let each = members.iter().map(|member| format!("{}: {}", quoted(&member.name), written(&member.value)));
            format!("{{{}}}", each.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The kinds that are no more than a word in the wrong place.
fn element(view: &View<'_>, span: Span, kind: &RefusalKind) -> Option<Finding> {
    let mut replacement = None;
    let (message, fix) = match kind {
        RefusalKind::UnknownElement { name, known } => {
            let message = format!("the policy language has no element {} here", shown(name));
            match nearest(name, known.iter().copied()) {
                Some(right) => {
                    replacement = Some(right.to_owned());
                    (message, format!("write {right}"))
                }
                None => (message, format!("remove it; elements here are {}", listed(known))),
            }
        }
        RefusalKind::MissingElement { name: "Principal" } => (
            "the statement has no Principal, so it speaks of nobody".to_owned(),
            "name the OIDC provider: \"Principal\": {\"Federated\": \"arn:aws:iam::ACCOUNT:oidc-provider/HOST\"}"
                .to_owned(),
        ),
        RefusalKind::MissingElement { name } => (format!("{name} is missing"), format!("add {name}")),
        RefusalKind::Both { names: [plain, negated] } => {
            (format!("{plain} and {negated} stand in one statement"), format!("keep {plain} and remove {negated}"))
        }
        RefusalKind::WrongKind { name, found: "text", .. } if name == "Principal" => (
            "Principal is a plain text, which does not say of which kind it is".to_owned(),
            "write {\"Federated\": \"arn:aws:iam::ACCOUNT:oidc-provider/HOST\"}".to_owned(),
        ),
        RefusalKind::WrongKind { name, wanted, found } => {
            (format!("{name} is {found} where AWS wants {wanted}"), format!("write {wanted}"))
        }
        RefusalKind::Empty { name } => {
            (format!("{} has an empty list", shown(name)), "name at least one value, or remove it".to_owned())
        }
        RefusalKind::BadVersion { found } => {
            replacement = Some("2012-10-17".to_owned());
            (
                format!("the policy language has no version {}", shown(found)),
                "write 2012-10-17: it is the language's version and not the policy's date".to_owned(),
            )
        }
        RefusalKind::BadEffect { found } => {
            let right = ["Allow", "Deny"].into_iter().find(|effect| effect.eq_ignore_ascii_case(found.trim()));
            replacement = right.map(str::to_owned);
            (
                format!("Effect is {}, and has to be Allow or Deny", shown(found)),
                format!("write {}", right.unwrap_or("Allow or Deny")),
            )
        }
        RefusalKind::UnknownPrincipal { name } => {
            let right = nearest(name, ["Federated", "AWS", "Service"]);
            replacement = right.map(str::to_owned);
            (
                format!("{} is no kind of principal", shown(name)),
                format!("write {}", right.unwrap_or("Federated for an OIDC provider")),
            )
        }
        RefusalKind::UnknownOperator { name } => {
            let right = operator_near(name);
            replacement = right.clone();
            let fix = right.map_or_else(
                || "use one of AWS's operators, such as StringEquals or StringLike".to_owned(),
                |right| format!("write {right}"),
            );
            (format!("there is no condition operator {}", shown(name)), fix)
        }
        RefusalKind::DuplicateSid { sid } => {
            let taken = |sid: &str| view.policy.statements.iter().flat_map(|of| &of.sid).any(|of| of.text == sid);
            let free = (2_u32..).map(|number| format!("{sid}{number}")).find(|free| !taken(free));
            replacement = free.clone();
            (
                format!("two statements have the Sid {}", shown(sid)),
                format!("give one of them another, such as {}", free.unwrap_or_default()),
            )
        }
        RefusalKind::BadSid { sid } => {
            let plain: String = sid.chars().filter(char::is_ascii_alphanumeric).collect();
            let taken = view.policy.statements.iter().flat_map(|of| &of.sid).any(|of| of.text == plain);
            replacement = (!plain.is_empty() && !taken).then(|| plain.clone());
            (
                format!("the Sid {} has other characters than letters and digits", shown(sid)),
                if plain.is_empty() { "remove it".to_owned() } else { format!("write {plain}") },
            )
        }
        RefusalKind::ForeignAction { action } => {
            let bare = ACTIONS
                .into_iter()
                .find(|known| known.strip_prefix("sts:").is_some_and(|bare| bare.eq_ignore_ascii_case(action)));
            replacement = bare.map(str::to_owned);
            let right = bare.unwrap_or("sts:AssumeRoleWithWebIdentity");
            (
                format!("AWS takes only actions of sts in a trust policy, and not {}", shown(action)),
                bare.map_or_else(|| format!("remove it, or write {right}"), |right| format!("write {right}")),
            )
        }
        RefusalKind::Twice { .. } | RefusalKind::Resource { .. } | RefusalKind::NotPrincipal => return None,
    };
    let mut finding = Finding::new(&TP043, span, message, fix);
    if let Some(replacement) = replacement {
        finding = finding.edit(span, replacement);
    }
    Some(finding)
}

pub(super) const ACTIONS: [&str; 5] = [ASSUME, TAG, SET_SOURCE_IDENTITY, "sts:AssumeRole", "sts:AssumeRoleWithSAML"];

/// The operator that a misspelt one most likely means, with its set operator and `IfExists`.
fn operator_near(name: &str) -> Option<String> {
    let (set, rest) = name.split_once(':').map_or((None, name), |(set, rest)| (Some(set), rest));
    let set = match set {
        None => "",
        Some(set) => match nearest(set, ["ForAllValues", "ForAnyValue"])? {
            "ForAllValues" => "ForAllValues:",
            _ => "ForAnyValue:",
        },
    };
    let (base, end) = rest.strip_suffix("IfExists").map_or((rest, ""), |base| (base, "IfExists"));
    Some(format!("{set}{}{end}", nearest(base, NAMES.iter().map(|(known, ..)| *known))?))
}
