//! The passwords of the registries, by signed calls of ECR.

use super::refusal::{self, Refused};
use super::wanted::{HostForm, Registries, Wanted};
use crate::attempts::with_retries;
use crate::aws::json::{AnswerFault, RefusalKind};
use crate::ecr::authorization::Authorization;
use crate::ecr::{endpoint, private, public};
use crate::effect::{Answer, Header};
use crate::explain;
use crate::run::{Run, Service, Trouble};
use crate::secret::Secret;
use crate::settings::Settings;
use crate::signed::Found;
use crate::signed::call::{Caller, Signing};
use crate::time::Timestamp;
use crate::values::{AccountId, Region};

const ECR: Service = Service {
    name: "ECR",
    advice: "check the region for a slip, and that this machine may reach the host (firewall, DNS, proxy)",
};

/// ECR takes so many accounts in one request.
const MOST_ACCOUNTS: usize = 10;

/// What opens a registry. It has no `Debug`, since it holds secrets.
pub struct Password {
    pub host: String,
    pub user: String,
    pub password: Secret,
    /// User and password as files of clients hold them.
    pub token: Secret,
    pub expiration: Option<Timestamp>,
}

/// One password for each registry, and the log hides them.
///
/// # Errors
/// When ECR refuses, or cannot be reached.
pub(super) async fn fetch(
    run: &Run,
    settings: &Settings,
    wanted: &Wanted,
    (credentials, from): Found,
) -> Result<Vec<Password>, crate::diagnostic::Failure> {
    let (name, region) = match &wanted.registries {
        Registries::Private(_) => (private::SERVICE, wanted.region.of_signature()),
        Registries::Public => (public::SERVICE, endpoint::PUBLIC_REGION),
    };
    let option = wanted.endpoint_option.unwrap_or("AWS_ENDPOINT_URL_ECR");
    let signing = Signing { service: ECR, name, region, endpoint: &wanted.endpoint, option };
    let caller = Caller::new(run, &settings.proxy, signing, credentials, from);
    let call = Call { run, settings, wanted, caller };
    if let Registries::Private(accounts) = &wanted.registries
        && settings.hide_account
    {
        accounts.iter().for_each(|account| run.hide(account.as_str()));
    }
    let mut passwords: Vec<Password> = Vec::new();
    match &wanted.registries {
        Registries::Public => {
            let authorization = call.ask(&public::headers(), public::BODY, public::read).await?;
            passwords.push(call.password(authorization, endpoint::PUBLIC_REGISTRY.to_owned()));
        }
        Registries::Private(accounts) => {
            let accounts: Vec<&str> = accounts.iter().map(AccountId::as_str).collect();
            let mut requests: Vec<&[&str]> = accounts.chunks(MOST_ACCOUNTS).collect();
            if requests.is_empty() {
                requests.push(&[]); // the caller's own
            }
            for accounts in requests {
                let read = |answer: &Answer| {
                    private::read(answer).and_then(|all| match all.len() < accounts.len() {
                        true => Err(AnswerFault::Incomplete { member: "authorizationData" }),
                        false => Ok(all),
                    })
                };
                for authorization in call.ask(&private::headers(), &private::body(accounts), read).await? {
                    let host = authorization.registry.clone().unwrap_or_default(); // `read` has seen to it
                    let host = host_to_use(&host, wanted.form, &wanted.region).unwrap_or(host);
                    passwords.push(call.password(authorization, host));
                }
            }
        }
    }
    let mut hosts: Vec<String> = Vec::new();
    passwords.retain(|password| {
        let is_new = !hosts.contains(&password.host);
        hosts.push(password.host.clone());
        is_new
    });
    Ok(passwords)
}

struct Call<'a> {
    run: &'a Run,
    settings: &'a Settings,
    wanted: &'a Wanted,
    caller: Caller<'a>,
}

impl Call<'_> {
    async fn ask<T>(
        &self,
        headers: &[Header],
        body: &str,
        read: impl Fn(&Answer) -> Result<T, AnswerFault>,
    ) -> Result<T, crate::diagnostic::Failure> {
        let skewed = |fault: &AnswerFault| matches!(fault, AnswerFault::Refused(refusal) if refusal.kind == RefusalKind::ClockSkewed);
        with_retries(self.run, self.settings, async || {
            let outcome = self.caller.ask(headers, body, &read, skewed).await;
            let outcome = outcome.map_err(|trouble| self.unreachable(trouble))?;
            outcome.map_err(|fault| {
                let refused = Refused { from: &self.caller.from, wanted: self.wanted, clock: self.caller.clock() };
                refusal::of_call(&refused, &fault)
            })
        })
        .await
    }

    fn unreachable(&self, trouble: Trouble) -> Trouble {
        explain::unreachable(self.run, &self.wanted.endpoint, Some(&self.wanted.region), trouble)
    }

    fn password(&self, authorization: Authorization, host: String) -> Password {
        let Authorization { user, password, token, expiration, .. } = authorization;
        for secret in [&password, &token] {
            if self.wanted.mask {
                self.run.mask(secret);
            } else {
                self.run.keep_to_itself(secret);
            }
        }
        // The name of a private registry starts with its account's id.
        if let Some(account) = account_of(&host).filter(|_| self.settings.hide_account) {
            self.run.hide(account);
        }
        Password { host, user, password, token, expiration }
    }
}

/// The name of the registry in the form that was asked for: ECR tells the usual one, and the password is
/// good for all of them.
fn host_to_use(host: &str, form: Option<HostForm>, region: &Region) -> Option<String> {
    let HostForm { fips, dual_stack } = form?;
    let account = account_of(host)?;
    let query = crate::sts::endpoint::EndpointQuery { region: region.as_str(), fips, dual_stack };
    endpoint::registry(account, &query).ok().flatten()
}

fn account_of(host: &str) -> Option<&str> {
    host.split('.').next().filter(|account| AccountId::parse(account).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_has_the_name_that_was_asked_for() {
        let host = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
        let region = Region::parse("us-east-1").unwrap();
        for (host, form, wanted) in [
            (host, None, None),
            (host, Some((true, false)), Some("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com")),
            (host, Some((false, true)), Some("123456789012.dkr-ecr.us-east-1.on.aws")),
            ("127.0.0.1:5000", Some((true, false)), None),
        ] {
            let form = form.map(|(fips, dual_stack)| HostForm { fips, dual_stack });
            assert_eq!(host_to_use(host, form, &region).as_deref(), wanted);
        }
    }
}
