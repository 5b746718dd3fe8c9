//! The token services of the sandbox, one for each CI: what they would say about the configured job.

mod claims;
mod github;
mod service;

use serde_json::{Map, Value};

pub(super) use self::service::{Reply, Request};
use super::config::Provider;
use super::random::Random;
use super::reader::{Node, Problems};

/// The job that asks for tokens, as each CI knows it.
pub(super) struct Job<'a> {
    github: github::Job<'a>,
}

impl<'a> Job<'a> {
    pub(super) fn read(node: &Node<'a>, providers: &[Provider<'a>], problems: &mut Problems) -> Option<Self> {
        let issuer = providers.first().map_or(github::ISSUER, |provider| provider.url);
        let github = github::Job::read(node, issuer, problems);
        Some(Self { github: github? })
    }

    /// The claims of GitHub's token for `audience`. `now` is in seconds since 1970.
    pub(super) fn claims(&self, audience: &str, now: i64, random: &mut Random) -> Map<String, Value> {
        self.github.claims(audience, now, random)
    }

    /// What the service at the request's address answers. `now` is in seconds since 1970.
    pub(super) fn answer(&self, request: &Request<'_>, now: i64, random: &mut Random) -> Reply {
        let path: Vec<&str> = request.path.split('/').skip(1).collect();
        match (request.method, path.as_slice()) {
            ("GET", ["token"]) => self.github.answer(request, now, random),
            _ => Reply::refused(404, "message", "nothing here"),
        }
    }
}
