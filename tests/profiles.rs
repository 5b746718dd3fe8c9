//! The AWS config files against botocore's reading of them. `tests/oracle/profiles.py` writes what is
//! read here.

use std::collections::BTreeMap;

use ci_assume_role::aws::profile::source::{Chain, Hop, ProfileProblem, Source};
use ci_assume_role::aws::profile::{FileProblem, Profiles, Section, Value};
use serde::Deserialize;
use serde_json::{Value as Json, json};

#[derive(Deserialize)]
struct Case {
    config: String,
    credentials: String,
    /// `None`: it could not read them.
    profiles: Option<BTreeMap<String, Profile>>,
}

#[derive(Deserialize)]
struct Profile {
    options: Json,
    /// The source's access key id, which says what it is, then the parameters of each AssumeRole.
    /// `None`: no credentials.
    chain: Option<Vec<Json>>,
}

#[test]
fn files_are_read_as_by_botocore() {
    let (mut read, mut chains, mut hops) = (0, 0, 0);
    for Case { config, credentials, profiles } in cases() {
        let ours = match (Profiles::read(Some(&config), Some(&credentials)), &profiles) {
            (Ok(ours), Some(_)) => ours,
            (Err(_), None) => continue,
            // Half a header is an option to botocore if it has a `=`. Nobody means that.
            (Err(fault), Some(_)) if fault.problem == FileProblem::Header => continue,
            (Err(fault), Some(_)) => panic!("{fault}\n{config}\n---\n{credentials}"),
            (Ok(_), None) => panic!("botocore cannot read\n{config}\n---\n{credentials}"),
        };
        read += 1;
        let profiles = profiles.unwrap();
        assert!(ours.names().eq(profiles.keys().map(String::as_str)), "{config}\n---\n{credentials}");
        for (name, theirs) in profiles {
            let about = format!("{name} in\n{config}\n---\n{credentials}");
            assert_eq!(options(ours.get(&name).unwrap()), theirs.options, "{about}");
            match ours.chain(&name) {
                Ok(chain) => {
                    chains += 1;
                    hops += chain.hops.len();
                    assert_eq!(Some(shown(&chain)), theirs.chain, "{about}");
                }
                // What botocore would have STS refuse, or starts although a quote is left open.
                Err(fault)
                    if matches!(fault.problem, ProfileProblem::Value { .. } | ProfileProblem::Credentials(_)) => {}
                Err(fault) => assert_eq!(theirs.chain, None, "{fault}: {about}"),
            }
        }
    }
    assert!(read >= 200 && chains >= 200 && hops >= 100, "{read} files, {chains} chains, {hops} hops");
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("oracle/profiles.json")).unwrap()
}

fn options(section: &Section) -> Json {
    section
        .options()
        .map(|(key, value)| {
            let value = match value {
                Value::Nested(nested) => json!(nested),
                Value::Text(text) => json!(text),
            };
            (key.to_owned(), value)
        })
        .collect()
}

fn shown(chain: &Chain) -> Vec<Json> {
    let source = match &chain.source {
        Source::Command(words) => format!("command {}", python(&json!(words))),
        Source::Container => "EcsContainer".to_owned(),
        Source::Environment => "Environment".to_owned(),
        Source::InstanceMetadata => "Ec2InstanceMetadata".to_owned(),
        Source::Keys(credentials) => credentials.access_key_id.expose().to_owned(),
        Source::WebIdentity(web) => {
            let mut parameters = json!({"RoleArn": web.role.as_str(), "WebIdentityToken": web.token_file});
            if let Some(name) = &web.session_name {
                parameters["RoleSessionName"] = json!(name.as_str());
            }
            format!("token {}", python(&parameters))
        }
    };
    std::iter::once(json!(source)).chain(chain.hops.iter().map(parameters)).collect()
}

fn parameters(hop: &Hop) -> Json {
    let mut parameters = json!({"RoleArn": hop.role.as_str()});
    let optional = [
        ("RoleSessionName", hop.session_name.as_ref().map(|name| json!(name.as_str()))),
        ("ExternalId", hop.external_id.as_ref().map(|id| json!(id))),
        ("DurationSeconds", hop.duration.map(|duration| json!(duration.seconds()))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            parameters[name] = value;
        }
    }
    parameters
}

/// As Python's `json.dumps` writes it, which puts a space after `:` and `,`. No value here has either.
fn python(value: &Json) -> String {
    value.to_string().replace("\":", "\": ").replace(",\"", ", \"")
}
