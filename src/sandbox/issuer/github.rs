//! GitHub's token service, which a job asks with the URL and the token that the runner gives it.
//! <https://docs.github.com/en/actions/reference/security/oidc>

use serde_json::{Map, Value, json};

use super::claims::{Changes, Claims, Form, Known, claim};
use super::service::{Reply, Request, Token};
use super::{BITRISE, BUILDKITE};
use crate::sandbox::config::issuer_url;
use crate::sandbox::random::Random;
use crate::sandbox::reader::{Node, Problems};

/// Unless the configuration has another.
pub(super) const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// How long GitHub's tokens live, in seconds.
const LIFETIME: i64 = 300;
/// How far back GitHub dates `nbf`, in seconds.
const BACKDATED: i64 = 600;

const SHA: &str = "8f3b0f2c1a5d4e69b7c80d1e2f3a4b5c6d7e8f90";

const CLAIMS: &[Known] = &[
    claim("actor", Form::Text, Some("octocat")),
    claim("actor_id", Form::Digits, Some("583231")),
    claim("base_ref", Form::Text, Some("")),
    claim("check_run_id", Form::Digits, Some("30000000001")),
    claim("enterprise", Form::Text, None),
    claim("enterprise_id", Form::Digits, None),
    claim("environment", Form::Text, None),
    claim("event_name", Form::Text, Some("push")),
    claim("head_ref", Form::Text, Some("")),
    claim("job_workflow_ref", Form::Text, None),
    claim("job_workflow_sha", Form::Text, None),
    claim("ref", Form::Ref, Some("refs/heads/main")),
    claim("ref_protected", Form::OneOf(&["true", "false"]), Some("true")),
    claim("ref_type", Form::OneOf(&["branch", "tag"]), None),
    claim("repository", Form::Repository, Some("octo-org/octo-repo")),
    claim("repository_id", Form::Digits, Some("74")),
    claim("repository_owner", Form::Text, None),
    claim("repository_owner_id", Form::Digits, Some("65")),
    claim("repository_visibility", Form::OneOf(&["public", "private", "internal"]), Some("private")),
    claim("run_attempt", Form::Digits, Some("1")),
    claim("run_id", Form::Digits, Some("9000000001")),
    claim("run_number", Form::Digits, Some("10")),
    claim("runner_environment", Form::OneOf(&["github-hosted", "self-hosted"]), Some("github-hosted")),
    claim("sha", Form::Text, Some(SHA)),
    claim("workflow", Form::Text, Some("deploy")),
    claim("workflow_ref", Form::Text, None),
    claim("workflow_sha", Form::Text, None),
];

/// Members of the job that are no claims.
const OTHER_ISSUER: &str = "issuer";
const IMMUTABLE: &str = "immutable_subject";

/// A job of GitHub Actions.
pub(super) struct Job<'a> {
    issuer: &'a str,
    /// The subject carries the ids of owner and repository, as for repositories made, renamed or
    /// moved after 15 July 2026.
    immutable_subject: bool,
    claims: Claims<'a>,
    changes: Changes<'a>,
}

impl<'a> Job<'a> {
    /// Without an issuer of its own the job has `issuer`.
    pub(super) fn read(node: &Node<'a>, issuer: &'a str, problems: &mut Problems) -> Option<Self> {
        const EXAMPLE: &str = r#"{"repository": "octo-org/octo-repo", "ref": "refs/heads/main"}"#;
        let custom = |name: &str| name.starts_with("repo_property_");
        let mut names: Vec<&str> = CLAIMS.iter().map(|known| known.name).collect();
        names.extend([OTHER_ISSUER, IMMUTABLE, Changes::NAME, BUILDKITE, BITRISE]);
        let own = node.any_object(EXAMPLE, problems)?.keys().map(String::as_str).filter(|name| custom(name));
        names.extend(own);
        node.object(&names, EXAMPLE, problems)?;

        // Who asks for another CI only need not say what the job is here.
        if node.get(BUILDKITE).is_none() && node.get(BITRISE).is_none() {
            node.need("repository", "\"octo-org/octo-repo\"", problems);
        }
        let mut claims = Claims::read(CLAIMS, node, problems);
        for (name, node) in node.members().filter(|(name, _)| custom(name)) {
            claims.add(name, Form::Text.read(&node, problems).unwrap_or_default());
        }
        // A job without an environment has no such claim.
        claims.remove_if_empty("environment");
        derive(&mut claims);

        let issuer = match node.get(OTHER_ISSUER) {
            Some(node) => issuer_url(&node, problems),
            None => Some(issuer),
        };
        let immutable_subject = node.get(IMMUTABLE).and_then(|node| {
            let value = node.value().as_bool();
            if value.is_none() {
                problems.add(&node.at, "is neither true nor false", "true");
            }
            value
        });
        let changes = Changes::read(node, problems);
        Some(Self { issuer: issuer?, immutable_subject: immutable_subject.unwrap_or_default(), claims, changes })
    }

    pub(super) fn answer(&self, request: &Request<'_>, now: i64, random: &mut Random) -> Reply {
        if !request.has_key("authorization", "Bearer ") {
            return Reply::refused(401, "message", "not the request token of this sandbox");
        }
        let audience = request.query("audience").unwrap_or_default();
        let claims = self.claims(&audience, now, random);
        Reply::issued(Token { claims, member: "value", length: Some("count") }, json!({}))
    }

    /// The claims of a token for `audience`, or for the owner's URL when none was asked for.
    /// `now` is in seconds since 1970.
    pub(super) fn claims(&self, audience: &str, now: i64, random: &mut Random) -> Map<String, Value> {
        let owner = format!("https://github.com/{}", self.claims.text("repository_owner"));
        let mut claims = Map::new();
        for (name, value) in [
            ("jti", Value::from(random.uuid())),
            ("sub", self.subject().into()),
            ("aud", if audience.is_empty() { owner.into() } else { audience.into() }),
            ("iss", self.issuer.into()),
            ("nbf", (now - BACKDATED).into()),
            ("exp", (now + LIFETIME).into()),
            ("iat", now.into()),
        ] {
            claims.insert(name.to_owned(), value);
        }
        self.claims.add_to(&mut claims);
        self.changes.made_to(claims)
    }

    /// The environment counts before the pull request, and that before the ref.
    fn subject(&self) -> String {
        let (owner, name) = self.claims.text("repository").split_once('/').unwrap_or_default();
        let repository = if self.immutable_subject {
            let (owner_id, id) = (self.claims.text("repository_owner_id"), self.claims.text("repository_id"));
            format!("{}@{owner_id}/{}@{id}", escaped(owner), escaped(name))
        } else {
            format!("{}/{}", escaped(owner), escaped(name))
        };
        match (self.claims.text("environment"), self.claims.text("event_name")) {
            ("", "pull_request") => format!("repo:{repository}:pull_request"),
            ("", _) => format!("repo:{repository}:ref:{}", escaped(self.claims.text("ref"))),
            (environment, _) => format!("repo:{repository}:environment:{}", escaped(environment)),
        }
    }
}

/// Fills in what follows from other claims.
fn derive(claims: &mut Claims<'_>) {
    let (repository, git_ref) = (claims.text("repository"), claims.text("ref"));
    let owner = repository.split('/').next().unwrap_or_default().to_owned();
    let ref_type = if git_ref.starts_with("refs/tags/") { "tag" } else { "branch" };
    let workflow_ref = format!("{repository}/.github/workflows/deploy.yml@{git_ref}");
    let sha = claims.text("sha").to_owned();
    for (name, text) in [
        ("repository_owner", owner),
        ("ref_type", ref_type.to_owned()),
        ("workflow_ref", workflow_ref.clone()),
        ("job_workflow_ref", workflow_ref),
        ("workflow_sha", sha.clone()),
        ("job_workflow_sha", sha),
    ] {
        claims.add_unless_given(name, text);
    }
}

/// The parts of a subject stand between colons, so a colon within one is escaped.
fn escaped(value: &str) -> String {
    value.replace(':', "%3A")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims_of(job: &Value, audience: &str) -> Map<String, Value> {
        let mut problems = Problems::default();
        let read = Job::read(&Node::root(job), "https://issuer.example", &mut problems);
        problems.or(read).unwrap().claims(audience, 1_795_262_580, &mut Random::new("seed"))
    }

    fn subject_of(job: &Value) -> String {
        claims_of(job, "")["sub"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_token_has_every_claim_of_githubs_as_text_and_times_as_integers() {
        let claims = claims_of(&json!({"repository": "o/r", "repo_property_team": "a"}), "sts.amazonaws.com");
        let names: Vec<&str> = claims.keys().map(String::as_str).collect();
        assert_eq!(
            names.join(" "),
            "actor actor_id aud base_ref check_run_id event_name exp head_ref iat iss \
            job_workflow_ref job_workflow_sha jti nbf ref ref_protected ref_type repo_property_team repository \
            repository_id repository_owner repository_owner_id repository_visibility run_attempt run_id run_number \
            runner_environment sha sub workflow workflow_ref workflow_sha"
        );
        for (name, value) in &claims {
            assert_eq!(value.is_i64(), ["exp", "iat", "nbf"].contains(&name.as_str()), "{name}");
        }
        assert_eq!(claims["aud"], "sts.amazonaws.com");
        assert_eq!(claims["iss"], "https://issuer.example");
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
        assert!(claims["nbf"].as_i64() < claims["iat"].as_i64());
        assert_eq!(claims["job_workflow_ref"], "o/r/.github/workflows/deploy.yml@refs/heads/main");
    }

    #[test]
    fn without_an_audience_a_token_is_for_the_owner() {
        assert_eq!(claims_of(&json!({"repository": "o/r"}), "")["aud"], "https://github.com/o");
    }

    #[test]
    fn the_subject_names_environment_then_pull_request_then_ref() {
        for (job, subject) in [
            (json!({"repository": "o/r"}), "repo:o/r:ref:refs/heads/main"),
            (json!({"repository": "o/r", "ref": "refs/tags/v:1"}), "repo:o/r:ref:refs/tags/v%3A1"),
            (json!({"repository": "o/r", "event_name": "pull_request"}), "repo:o/r:pull_request"),
            (
                json!({"repository": "o/r", "event_name": "pull_request", "environment": "a:b"}),
                "repo:o/r:environment:a%3Ab",
            ),
            (json!({"repository": "o/r", "environment": ""}), "repo:o/r:ref:refs/heads/main"),
            (
                json!({"repository": "o/r", "immutable_subject": true, "environment": "prod"}),
                "repo:o@65/r@74:environment:prod",
            ),
            (json!({"repository": "o/r", "claims": {"sub": "custom"}}), "custom"),
        ] {
            assert_eq!(subject_of(&job), subject);
        }
    }

    #[test]
    fn a_job_without_an_environment_has_no_such_claim() {
        for environment in [json!(null), json!("")] {
            let job = json!({"repository": "o/r", "environment": environment});
            assert!(!claims_of(&job, "").contains_key("environment"));
        }
        assert_eq!(claims_of(&json!({"repository": "o/r", "environment": "x"}), "")["environment"], "x");
    }

    #[test]
    fn claims_can_be_added_replaced_and_removed() {
        let job = json!({"repository": "o/r", "claims": {"azp": "me", "actor": 7, "exp": null}});
        let claims = claims_of(&job, "");
        assert_eq!((&claims["azp"], &claims["actor"], claims.get("exp")), (&json!("me"), &json!(7), None));
    }

    #[test]
    fn a_job_that_cannot_be_is_refused() {
        for (job, words) in [
            (json!({}), "repository is missing; for example \"octo-org/octo-repo\""),
            (json!({"repository": "o"}), "repository is not OWNER/NAME"),
            (json!({"repository": "o/r", "ref": "main"}), "ref is not a full ref; for example \"refs/heads/main\""),
            (json!({"repository": "o/r", "run_id": 7}), "run_id is not text; for example \"74\""),
            (json!({"repository": "o/r", "run_id": "x"}), "run_id is not a number written as text"),
            (json!({"repository": "o/r", "ref_type": "x"}), "ref_type is none of branch and tag; for example"),
            (json!({"repository": "o/r", "enviroment": "x"}), "enviroment is not known; did you mean `environment`?"),
            (json!({"repository": "o/r", "issuer": "x"}), "issuer does not start with `https://`"),
            (json!({"repository": "o/r", "immutable_subject": "x"}), "immutable_subject is neither true nor false"),
            (json!({"repository": "o/r", "claims": []}), "claims is not an object"),
        ] {
            let mut problems = Problems::default();
            let read = Job::read(&Node::root(&job), "https://issuer.example", &mut problems);
            let report = problems.or(read).err().unwrap();
            assert!(report.contains(words), "{report}");
        }
    }
}
