//! What the sandbox pretends to be: the providers and roles of its accounts, and the job that asks.

use serde_json::Value;

use super::issuer::Job;
use super::reader::{Node, Problems, quoted};
use super::trust::Trust;
use crate::keys;
use crate::values::{AccountId, RoleArn};

const PROVIDER: &str = r#"{"url": "https://token.actions.githubusercontent.com", "account": "123456789012", "clientIds": ["sts.amazonaws.com"]}"#;
const ROLE: &str = r#"{"arn": "arn:aws:iam::123456789012:role/deploy", "trustPolicy": {…}}"#;
const WHOLE: &str = r#"{"providers": […], "roles": […], "job": {"repository": "octo-org/octo-repo"}}"#;

/// The longest list of client ids that IAM keeps.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const MOST_CLIENT_IDS: usize = 100;

pub(super) struct Config<'a> {
    pub(super) providers: Vec<Provider<'a>>,
    pub(super) roles: Vec<Role>,
    pub(super) job: Job<'a>,
}

impl<'a> Config<'a> {
    /// # Errors
    /// Everything that is wrong, one line each, with its place and an example that works.
    pub(super) fn read(value: &'a Value) -> Result<Self, String> {
        let mut problems = Problems::default();
        let config = Self::read_into(&Node::root(value), &mut problems);
        problems.or(config)
    }

    fn read_into(node: &Node<'a>, problems: &mut Problems) -> Option<Self> {
        node.object(&["providers", "roles", "job"], WHOLE, problems)?;
        let providers = list(node, "providers", PROVIDER, problems, Provider::read);
        let roles = list(node, "roles", ROLE, problems, Role::read);
        no_twins(&providers, problems, "providers", |a, b| (a.url == b.url && a.account == b.account).then_some(a.url));
        no_twins(&roles, problems, "roles", |a, b| (a.arn == b.arn).then_some(a.arn.as_str()));
        let job = node.need("job", r#"{"repository": "octo-org/octo-repo"}"#, problems)?;
        let job = Job::read(&job, &providers, problems)?;
        Some(Self { providers, roles, job })
    }
}

/// An IAM OIDC identity provider.
pub(super) struct Provider<'a> {
    /// The issuer, to the letter: `https://HOST`, perhaps with a path.
    pub(super) url: &'a str,
    pub(super) account: AccountId,
    pub(super) client_ids: Vec<&'a str>,
}

impl<'a> Provider<'a> {
    /// The issuer as ARNs and condition keys have it, without its scheme.
    pub(super) fn host(&self) -> &'a str {
        keys::without_scheme(self.url)
    }

    pub(super) fn arn(&self, partition: &str) -> String {
        format!("arn:{partition}:iam::{}:oidc-provider/{}", self.account.as_str(), self.host())
    }

    fn read(node: &Node<'a>, problems: &mut Problems) -> Option<Self> {
        node.object(&["url", "account", "clientIds"], PROVIDER, problems)?;
        let url = node.need("url", "\"https://token.actions.githubusercontent.com\"", problems);
        let url = url.and_then(|url| issuer_url(&url, problems));
        let account = node.need("account", "\"123456789012\"", problems).and_then(|node| {
            let text = node.text("\"123456789012\"", problems)?;
            AccountId::parse(text).map_err(|fault| problems.fault(&node.at, &fault)).ok()
        });
        let client_ids = node.need("clientIds", r#"["sts.amazonaws.com"]"#, problems).map(|node| {
            let ids = node.texts(r#"["sts.amazonaws.com"]"#, problems);
            if ids.len() > MOST_CLIENT_IDS {
                problems.add(
                    &node.at,
                    "has more than 100 client ids, which IAM does not keep",
                    r#"["sts.amazonaws.com"]"#,
                );
            }
            ids
        });
        Some(Self { url: url?, account: account?, client_ids: client_ids? })
    }
}

pub(super) struct Role {
    pub(super) arn: RoleArn,
    /// Seconds, 3600 to 43,200.
    pub(super) max_session_duration: u32,
    pub(super) trust: Trust,
}

impl Role {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        const EXAMPLE: &str = "\"arn:aws:iam::123456789012:role/deploy\"";
        node.object(&["arn", "maxSessionDuration", "trustPolicy"], ROLE, problems)?;
        let arn = node.need("arn", EXAMPLE, problems).and_then(|node| {
            let text = node.text(EXAMPLE, problems)?;
            RoleArn::parse(text).map_err(|fault| problems.fault(&node.at, &fault)).ok()
        });
        let longest = match node.get("maxSessionDuration") {
            None => Some(3600),
            Some(node) => {
                let seconds = node.value().as_u64().and_then(|seconds| u32::try_from(seconds).ok());
                let seconds = seconds.filter(|seconds| (3600..=43_200).contains(seconds));
                if seconds.is_none() {
                    problems.add(&node.at, "is not a number of seconds from 3600 to 43200", "3600");
                }
                seconds
            }
        };
        let trust = node
            .need("trustPolicy", r#"{"Version": "2012-10-17", "Statement": […]}"#, problems)
            .and_then(|node| Trust::read(&node, problems));
        Some(Self { arn: arn?, max_session_duration: longest?, trust: trust? })
    }
}

/// A URL as IAM takes it for a provider: https, no port, no query.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html>
pub(super) fn issuer_url<'a>(node: &Node<'a>, problems: &mut Problems) -> Option<&'a str> {
    const EXAMPLE: &str = "https://token.actions.githubusercontent.com";
    let text = node.text(&quoted(EXAMPLE), problems)?;
    let mut fault = |problem: &str| {
        problems.add(&node.at, problem, &quoted(EXAMPLE));
        None
    };
    let Some(rest) = text.strip_prefix("https://") else {
        return fault("does not start with `https://`");
    };
    let host = rest.split('/').next().unwrap_or_default();
    if host.contains(':') {
        return fault("has a port, which IAM does not take in the URL of a provider");
    }
    if host.is_empty()
        || text.len() > 255
        || !rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>".contains(&byte))
    {
        return fault("is not the URL of an issuer");
    }
    Some(text)
}

fn list<'a, T>(
    node: &Node<'a>,
    name: &str,
    example: &str,
    problems: &mut Problems,
    read: fn(&Node<'a>, &mut Problems) -> Option<T>,
) -> Vec<T> {
    let Some(node) = node.need(name, &format!("[{example}]"), problems) else {
        return Vec::new();
    };
    if !node.value().is_array() {
        problems.add(&node.at, "is not a list", &format!("[{example}]"));
        return Vec::new();
    }
    node.items().iter().filter_map(|item| read(item, problems)).collect()
}

/// `same` names what two entries have in common, if they must not both be there.
fn no_twins<'t, T>(items: &'t [T], problems: &mut Problems, at: &str, same: fn(&'t T, &'t T) -> Option<&'t str>) {
    for (index, item) in items.iter().enumerate() {
        if let Some(name) = items.iter().take(index).find_map(|other| same(item, other)) {
            problems.add(at, &format!("has `{name}` twice"), "one entry for each");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(config: &Value) -> String {
        Config::read(config).err().unwrap_or_default()
    }

    fn changed(pointer: &str, value: Value) -> Value {
        let mut config = super::super::default_config();
        *config.pointer_mut(pointer).unwrap() = value;
        config
    }

    #[test]
    fn the_default_is_valid() {
        assert_eq!(problems(&super::super::default_config()), "");
    }

    #[test]
    fn a_fault_is_named_with_its_place_and_an_example() {
        let provider = super::super::default_config()["providers"][0].clone();
        for (pointer, value, words) in [
            ("", json!([]), "the configuration is not an object; for example {"),
            ("/providers", json!({}), "providers is not a list; for example [{"),
            (
                "/providers/0/url",
                json!("http://x"),
                "providers[0].url does not start with `https://`; for example \"https",
            ),
            ("/providers/0/url", json!("https://x:1/y"), "providers[0].url has a port"),
            ("/providers/0/url", json!("https://"), "providers[0].url is not the URL of an issuer"),
            ("/providers/0/account", json!("1234-5678-9012"), "account id of 12 digits; for example \"123456789012\""),
            ("/providers/0/account", json!(123_456_789_012_u64), "providers[0].account is not text"),
            ("/providers/0/clientIds", json!([]), "providers[0].clientIds is an empty list"),
            ("/providers/0", json!({"uri": ""}), "providers[0].uri is not known; did you mean `url`?"),
            ("/roles/0/arn", json!("deploy"), "roles[0].arn is a role's name"),
            (
                "/providers",
                json!([provider, provider]),
                "providers has `https://token.actions.githubusercontent.com` twice",
            ),
            ("/roles/0/maxSessionDuration", json!(900), "roles[0].maxSessionDuration is not a number of seconds from"),
            ("/roles/0/trustPolicy", Value::Null, "roles[0].trustPolicy is missing"),
            ("/roles/1/arn", json!("arn:aws:iam::123456789012:role/deploy"), "roles has `arn:aws:iam::123456789012"),
            ("/job", json!("x"), "job is not an object"),
        ] {
            let report = problems(&changed(pointer, value));
            assert!(report.contains(words), "{pointer}: {report}");
        }
    }

    #[test]
    fn all_faults_are_named_at_once_and_none_can_break_a_log() {
        let mut config = changed("/providers/0/account", json!("\u{1b}[2J\n::error::x"));
        *config.pointer_mut("/roles/0/arn").unwrap() = json!("arn:x");
        *config.pointer_mut("/job/ref").unwrap() = json!("main");
        let report = problems(&config);
        assert_eq!(report.lines().count(), 4, "{report}");
        assert!(report.contains("\\u{1b}[2J\\n::error::x"));
    }
}
