//! Which STS is asked.

use super::Options;
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::Environment;
use crate::run::shown_host;
use crate::sts::endpoint::{Endpoint, EndpointQuery, is_sts_host};
use crate::sts::partition::Partition;
use crate::values::{Region, RoleArn, ValueFault};

/// An endpoint other than AWS's is taken from our own input alone: a pull request that can set a
/// variable must not be able to send the token elsewhere.
///
/// `option` is what the input is called. Without a region there can only be an endpoint that was
/// given.
pub fn choose(
    options: &mut Options,
    env: &Environment,
    option: &'static str,
    region: Option<&str>,
) -> Option<Endpoint> {
    let (fips, dual_stack) = (env.is_on("AWS_USE_FIPS_ENDPOINT"), env.is_on("AWS_USE_DUALSTACK_ENDPOINT"));
    if options.has(option) {
        return given(options, option, fips || dual_stack, "https://sts.example.com");
    }
    match of_variable(env, &["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"], is_sts_host) {
        None => {}
        Some(Ok(endpoint)) => return Some(endpoint),
        Some(Err((name, url))) => {
            options.problem(
                Diagnostic::new(Code::EndpointNotAllowed, format!("{name} points STS at a host that is not AWS's"))
                    .fact("host", shown_host(url))
                    .cause("whoever can set a variable of the job could have its token sent there")
                    .fix(format!("if you mean it, give the address by the option `{option}`: {url}"))
                    .fix(format!(
                        "if it is for other services, set AWS_IGNORE_CONFIGURED_ENDPOINT_URLS or remove {name}"
                    )),
            );
            return None;
        }
    }
    match Endpoint::resolve(&EndpointQuery { region: region?, fips, dual_stack }) {
        Ok(endpoint) => Some(endpoint),
        Err(fault) => {
            options.problem(
                Diagnostic::new(Code::OptionConflict, format!("there is no STS endpoint as asked for: {fault}"))
                    .fix("unset AWS_USE_FIPS_ENDPOINT or AWS_USE_DUALSTACK_ENDPOINT, or use another region"),
            );
            None
        }
    }
}

/// What an option of ours gives, whatever host it is. `special`: another kind of AWS's own is asked for as well.
pub fn given(options: &mut Options, option: &'static str, special: bool, example: &str) -> Option<Endpoint> {
    if special {
        let headline = format!("`{option}` cannot be combined with FIPS or dual-stack endpoints");
        options.problem(
            Diagnostic::new(Code::OptionConflict, headline)
                .fix(format!("remove `{option}`, or AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT")),
        );
    }
    options.parse(option, |url| Endpoint::custom(url).map_err(|fault| ValueFault::new(fault.to_string(), example)))
}

/// What the first of these variables of AWS's tools gives that is set, or its name and its address, where that
/// is no address of a host that is trusted. `None`: none is set, or they are to be ignored.
pub fn of_variable<'a>(
    env: &'a Environment,
    names: &[&'static str],
    is_trusted: impl Fn(&str) -> bool,
) -> Option<Result<Endpoint, (&'static str, &'a str)>> {
    if env.is_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
        return None;
    }
    let (name, url) = names.iter().find_map(|name| Some((*name, env.get(name)?)))?;
    Some(Endpoint::custom(url).ok().filter(|endpoint| is_trusted(&endpoint.host)).ok_or((name, url)))
}

/// Refuses a role and a region that cannot go together; `names` are what the two options are called.
pub fn check_partition(options: &mut Options, names: [&str; 2], role: &RoleArn, region: &Region) {
    let of_region = Partition::of_region(region.as_str()).id;
    if of_region != role.partition() {
        options.problem(
            Diagnostic::new(
                Code::OptionConflict,
                format!("`{}` and `{}` are in different partitions of AWS", names[0], names[1]),
            )
            .fact("role", format!("partition {}", role.partition()))
            .fact("region", format!("{} is in partition {of_region}", region.as_str()))
            .fix("use a region of the role's partition"),
        );
    }
}
