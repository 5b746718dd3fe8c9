//! Several roles of one run.

#[cfg(feature = "signed")]
use super::Options;
use super::RoleSettings;
#[cfg(feature = "signed")]
use super::entries::{self, Form};
use crate::diagnostic::{Code, Diagnostic, Failure};
#[cfg(feature = "signed")]
use crate::names::Meaning;
use crate::pairs::Pairs;
use crate::proxy::ProxySettings;
use crate::run::Run;

#[cfg(feature = "signed")]
const FORM: Form =
    Form { example: r#"[{"role-arn": "arn:aws:iam::123456789012:role/deploy", "profile": "prod"}]"#, alone: "" };

/// The entries of an option `roles`. Each takes from the options what it does not say itself; without
/// the option, there is one that says nothing. `of_role` are the options that an entry can have, and
/// `renamed` their other names.
#[cfg(feature = "signed")]
pub fn entries(
    options: &mut Options,
    roles: &'static str,
    of_role: &[&'static str],
    renamed: impl Iterator<Item = (&'static str, &'static str)>,
) -> Vec<Pairs> {
    let others: Vec<(&str, &str)> = renamed.collect();
    let known = |name: &str| {
        let own = others.iter().find(|(_, common)| *common == name).map_or(name, |(own, _)| *own);
        let plain = |text: &str| text.trim_start_matches("--").replace('_', "-");
        of_role.iter().copied().find(|option| plain(option) == plain(own))
    };
    let entries = options.parse(roles, |text| entries::read(text, &FORM, known, of_role));
    entries.unwrap_or_else(|| vec![Pairs::default()])
}

/// Reads each role by itself. What is wrong with all of them is said once.
pub fn each<T>(
    entries: &[Pairs],
    problems: &mut Vec<Diagnostic>,
    mut read: impl FnMut(&Pairs) -> (Option<T>, Vec<Diagnostic>),
) -> Vec<T> {
    let several = entries.len() > 1;
    let mut all = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        let (role, wrong) = read(entry);
        for problem in wrong {
            if !problems.iter().any(|known| known.headline == problem.headline) {
                problems.push(if several { problem.fact("role", format!("roles[{number}]")) } else { problem });
            }
        }
        all.extend(role);
    }
    all
}

/// Roles that can be handed over beside each other, and the proxy.
///
/// # Errors
/// With the problems that there are. Without any: with two roles that take each other's place.
pub fn settle(
    run: &Run,
    mut roles: Vec<RoleSettings>,
    proxy: Option<ProxySettings>,
    mut problems: Vec<Diagnostic>,
) -> Result<(Vec<RoleSettings>, ProxySettings), Failure> {
    if problems.is_empty() {
        problems.extend(clash(run, &roles));
    }
    if let Some(failure) = Failure::of(problems) {
        return Err(failure);
    }
    let Some(proxy) = proxy else {
        // It is on record as a problem when it is missing.
        return Err(Diagnostic::new(Code::ProxyFailed, "the proxy's address cannot be used").into());
    };
    if roles.len() > 1 {
        // Of several profiles none is chosen for those who name none.
        for profile in roles.iter_mut().filter_map(|role| role.hand_over.profile.as_mut()) {
            profile.select = false;
        }
    }
    Ok((roles, proxy))
}

/// There is one role where there are no signed requests.
#[cfg(not(feature = "signed"))]
fn clash(_: &Run, _: &[RoleSettings]) -> Option<Diagnostic> {
    None
}

/// Roles whose credentials would take each other's place.
#[cfg(feature = "signed")]
fn clash(run: &Run, roles: &[RoleSettings]) -> Vec<Diagnostic> {
    let [prefix, profile, region] =
        [Meaning::Prefix, Meaning::Profile, Meaning::Region].map(|meaning| run.option(meaning));
    let mut problems = Vec::new();
    for (number, role) in roles.iter().enumerate() {
        for (other, before) in roles.iter().enumerate().take(number) {
            let (a, b) = (&role.hand_over, &before.hand_over);
            if a.environment && b.environment && a.prefix == b.prefix {
                problems.push(
                    Diagnostic::new(
                        Code::OptionConflict,
                        format!("`roles[{other}]` and `roles[{number}]` would set the same variables"),
                    )
                    .fact("variables", format!("{}AWS_ACCESS_KEY_ID and so on", a.prefix))
                    .fix(format!("give each role a `{prefix}` of its own, or a `{profile}`")),
                );
            }
            if let (Some(one), Some(other_region)) = (&role.region, &before.region)
                && (a.environment && b.environment)
                && one != other_region
            {
                problems.push(
                    Diagnostic::new(
                        Code::OptionConflict,
                        format!("`roles[{other}]` and `roles[{number}]` would set AWS_REGION to different values"),
                    )
                    .fix(format!(
                        "set one `{region}` beside `roles`, or hand over as profiles, which have a region each"
                    )),
                );
            }
            if a.outputs && b.outputs && a.output_prefix == b.output_prefix {
                problems.push(
                    Diagnostic::new(
                        Code::OptionConflict,
                        format!("`roles[{other}]` and `roles[{number}]` would set the same outputs"),
                    )
                    .fact("outputs", format!("{}aws-access-key-id and so on", a.output_prefix))
                    .fix("give each role an `output-prefix` of its own"),
                );
            }
            if let (Some(a), Some(b)) = (&a.profile, &b.profile)
                && a.name == b.name
            {
                problems.push(
                    Diagnostic::new(
                        Code::OptionConflict,
                        format!("`roles[{other}]` and `roles[{number}]` would write the same profile"),
                    )
                    .fact("profile", a.name.as_str())
                    .fix(format!("give each role a `{profile}` of its own")),
                );
            }
        }
    }
    problems
}
