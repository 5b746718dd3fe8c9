//! What was made and how it was proved, for people, in lines without text that a log would act on.

use super::{Generated, Mutation};
use crate::policy::report::counted;
use crate::text::Inert;

#[must_use]
pub fn summary(generated: &Generated) -> Vec<String> {
    let mut lines = vec![
        format!("role      {}", Inert::new(generated.role.as_str())),
        format!("provider  {}, client id {}", Inert::new(&generated.issuer), Inert::new(&generated.audience)),
        format!("policy    {} characters, as IAM counts them", generated.length),
        format!("proof     the wanted job gets in; {} stay out:", counted(generated.proof.len(), "other token")),
    ];
    lines.extend(kept_out(&generated.proof).iter().map(|line| format!("          {line}")));
    lines.extend(generated.findings.iter().map(|finding| {
        let rule = finding.rule;
        format!("{:9} {} {}: {}", finding.severity.name(), rule.id, rule.name, Inert::new(&finding.message))
    }));
    lines.extend(generated.notes.iter().map(|note| format!("note      {}", Inert::new(note))));
    lines
}

/// A line for each claim, and for each part of a subject. A proof is in that order.
fn kept_out(proof: &[Mutation]) -> Vec<String> {
    let alike = |a: &Mutation, b: &Mutation| (&a.claim, a.part) == (&b.claim, b.part);
    proof.chunk_by(alike).map(line).collect()
}

fn line(mutations: &[Mutation]) -> String {
    let name = mutations.first().map_or_else(String::new, |first| match first.part {
        Some(part) => format!("{} ({part})", first.claim),
        None => first.claim.clone(),
    });
    let values: Vec<Inert> =
        mutations.iter().filter_map(|mutation| mutation.value.as_deref()).map(Inert::new).collect();
    let without = if values.len() < mutations.len() { ", and none at all" } else { "" };
    match values.as_slice() {
        [] => format!("{name}: refused without it"),
        [one] => format!("{name}: 1 other value refused, {one}{without}"),
        [first, ..] => format!("{name}: {} other values refused, such as {first}{without}", values.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_summed_up_by_claim_and_part() {
        let of = |claim: &str, part, value: Option<&str>| Mutation {
            claim: claim.to_owned(),
            part,
            value: value.map(str::to_owned),
            from: None,
            refused: true,
        };
        let proof = [
            of("account", None, Some("999999990999")),
            of("repository_id", None, None),
            of("repository_id", None, Some("174")),
            of("repository_id", None, Some("70")),
            of("sub", None, None),
            of("sub", Some("owner"), Some("repo:other/octo-repo:pull_request")),
            of("sub", Some("ref"), Some("a\n::error::b")),
        ];
        assert_eq!(
            kept_out(&proof),
            [
                "account: 1 other value refused, 999999990999",
                "repository_id: 2 other values refused, such as 174, and none at all",
                "sub: refused without it",
                "sub (owner): 1 other value refused, repo:other/octo-repo:pull_request",
                "sub (ref): 1 other value refused, a\\n::error::b",
            ]
        );
    }
}
