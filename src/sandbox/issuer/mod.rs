//! The token services of the sandbox, one for each CI: what they would say about the configured job.

mod bitrise;
mod buildkite;
mod claims;
mod github;
mod service;

use serde_json::{Map, Value};

use self::service::is_id;
pub(super) use self::service::{Reply, Request};
use super::config::Provider;
use super::random::Random;
use super::reader::{Node, Problems};

/// The job that asks for tokens, as each CI knows it.
pub(super) struct Job<'a> {
    github: github::Job<'a>,
    buildkite: buildkite::Job<'a>,
    bitrise: bitrise::Job<'a>,
}

/// Members of the configured job that hold what it is at another CI than GitHub.
const BUILDKITE: &str = "buildkite";
const BITRISE: &str = "bitrise";

impl<'a> Job<'a> {
    pub(super) fn read(node: &Node<'a>, providers: &[Provider<'a>], problems: &mut Problems) -> Option<Self> {
        // An issuer of GitHub's can be that of an enterprise, the others have one each.
        let others = [buildkite::ISSUER, bitrise::ISSUER];
        let issuer = providers.iter().map(|provider| provider.url).find(|url| !others.contains(url));
        let github = github::Job::read(node, issuer.unwrap_or(github::ISSUER), problems)?;
        let buildkite = buildkite::Job::read(&node.get_or_null(BUILDKITE), problems);
        let bitrise = bitrise::Job::read(&node.get_or_null(BITRISE), problems);
        Some(Self { github, buildkite: buildkite?, bitrise: bitrise? })
    }

    /// The claims of GitHub's token for `audience`. `now` is in seconds since 1970.
    pub(super) fn claims(&self, audience: &str, now: i64, random: &mut Random) -> Map<String, Value> {
        self.github.claims(audience, now, random)
    }

    /// What the service at the request's address answers. `now` is in seconds since 1970.
    pub(super) fn answer(&self, request: &Request<'_>, now: i64, random: &mut Random) -> Reply {
        let path: Vec<&str> = request.path.split('/').collect();
        match (request.method, path.as_slice()) {
            ("GET", ["", "token"]) => self.github.answer(request, now, random),
            ("POST", ["", "v3", "jobs", id, "oidc", "tokens"]) if is_id(id) => {
                self.buildkite.token(request, id, now, random)
            }
            ("POST", ["", "v3", "jobs", id, "data", verb @ ("exists" | "set")]) if is_id(id) => {
                self.buildkite.meta_data(request, id, verb)
            }
            ("POST", ["", "build", id, "id_token.json"]) if is_id(id) => self.bitrise.answer(request, now, random),
            _ => Reply::refused(404, "message", "nothing here"),
        }
    }
}
