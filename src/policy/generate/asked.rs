//! What was asked for: the options, which of them go together, and every fault in them.

use serde_json::{Map, Value};

use super::values;
use crate::cli::generate::OPTIONS;
use crate::diagnostic::{Code, Diagnostic};
use crate::policy::issuer::Kind;
use crate::settings::Options;
use crate::text::{listed, nearest};
use crate::values::{Audience, ValueFault};

const COMMON: &[&str] =
    &["--ci", "--issuer", "--role-arn", "--role-name", "--account-id", "--partition", "--audience", "--level"];

/// How much is let in, by what the CI calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Organization,
    /// Or project, pipeline, app: what has its own pipeline file.
    Repository,
    Branch,
    Tag,
    Environment,
    PullRequest,
    ServiceConnection,
    Workflow,
    /// One subject, as it stands.
    Subject,
}

impl Level {
    const NAMES: [(&str, Self); 13] = [
        ("organization", Self::Organization),
        ("organisation", Self::Organization),
        ("repository", Self::Repository),
        ("project", Self::Repository),
        ("pipeline", Self::Repository),
        ("app", Self::Repository),
        ("branch", Self::Branch),
        ("tag", Self::Tag),
        ("environment", Self::Environment),
        ("pull-request", Self::PullRequest),
        ("service-connection", Self::ServiceConnection),
        ("workflow", Self::Workflow),
        ("subject", Self::Subject),
    ];

    /// # Errors
    /// When there is no level of that name.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == text).map(|(_, level)| *level);
        found.ok_or_else(|| {
            let fault = ValueFault::new("is not a level", "branch");
            match nearest(text, Self::NAMES.iter().map(|(name, _)| *name)) {
                Some(near) => fault.hint(near),
                None => fault,
            }
        })
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, level)| *level == self).map_or("subject", |(name, _)| name)
    }
}

/// Which options a level of a CI takes.
pub struct Scheme {
    pub level: Level,
    needs: &'static [&'static str],
    takes: &'static [&'static str],
    named_only: bool,
}

impl Scheme {
    pub const fn new(level: Level, needs: &'static [&'static str], takes: &'static [&'static str]) -> Self {
        Self { level, needs, takes, named_only: false }
    }

    /// It is taken when `--level` says so, since no option tells it from a wider one.
    pub const fn only_by_name(self) -> Self {
        Self { named_only: true, ..self }
    }

    fn has(&self, name: &str) -> bool {
        self.needs.contains(&name) || self.takes.contains(&name)
    }
}

/// The options while they are read.
pub struct Asked<'a> {
    options: &'a mut Options,
    level: Level,
    faults: usize,
}

impl<'a> Asked<'a> {
    /// Settles the level, and reports options that it does not take. The schemes go from narrow to wide.
    pub fn new(options: &'a mut Options, kind: Kind, schemes: &'static [Scheme]) -> Option<Self> {
        let level = options.parse("--level", Level::parse);
        if level.is_none() && options.has("--level") {
            return None;
        }
        let given = |scheme: &&Scheme| !scheme.named_only && scheme.needs.iter().all(|name| options.has(name));
        let scheme = match level {
            Some(level) => schemes.iter().find(|scheme| scheme.level == level),
            None => schemes.iter().find(given).or(schemes.last()),
        };
        let Some(scheme) = scheme else {
            let mut known: Vec<&str> = schemes.iter().map(|scheme| scheme.level.name()).collect();
            known.dedup();
            let level = level.map_or("", Level::name);
            options.problem(
                Diagnostic::new(
                    Code::OptionInvalid,
                    format!("`--level {level}` is nothing that a policy can see at {}", kind.name()),
                )
                .cause(why_not(kind))
                .fix(format!("use one of {}", listed(&known))),
            );
            return None;
        };
        let mut asked = Self { options, level: scheme.level, faults: 0 };
        for name in scheme.needs.iter().filter(|name| !asked.options.has(name)).copied().collect::<Vec<_>>() {
            asked.report(
                Diagnostic::new(Code::OptionMissing, format!("`{name}` is not set"))
                    .fact("level", scheme.level.name())
                    .fix(format!("add `{name}`: {}", example(name))),
            );
        }
        for spec in OPTIONS.iter().filter(|spec| !COMMON.contains(&spec.name)) {
            if !asked.options.has(spec.name) || scheme.has(spec.name) {
                continue;
            }
            let headline = if schemes.iter().any(|scheme| scheme.has(spec.name)) {
                format!("`{}` has no meaning at the level {}", spec.name, scheme.level.name())
            } else {
                format!("`{}` has no meaning for {}", spec.name, kind.name())
            };
            asked.report(Diagnostic::new(Code::OptionInvalid, headline).fix(format!("leave out `{}`", spec.name)));
        }
        Some(asked)
    }

    pub fn level(&self) -> Level {
        self.level
    }

    pub fn one<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, ValueFault>) -> Option<T> {
        let value = self.options.parse(name, parse);
        self.faults += usize::from(value.is_none() && self.options.has(name));
        value
    }

    pub fn several<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, ValueFault>) -> Vec<T> {
        self.one(name, |text| values::several(text, parse)).unwrap_or_default()
    }

    /// Ids of things that another option has the names of.
    pub fn ids(
        &mut self,
        name: &'static str,
        count: usize,
        parse: impl Fn(&str) -> Result<String, ValueFault>,
    ) -> Vec<String> {
        let ids = self.several(name, parse);
        if !ids.is_empty() && count > 0 && ids.len() != count {
            self.problem(
                name,
                &format!("has {} ids for {count} names; it takes one for each, in the same order", ids.len()),
            );
        }
        ids
    }

    /// Without its scheme.
    pub fn issuer(&mut self, usual: &str) -> Option<String> {
        if self.options.has("--issuer") { self.one("--issuer", values::issuer) } else { Some(usual.to_owned()) }
    }

    pub fn audience(&mut self, kind: Kind) -> Option<String> {
        let usual = kind.usual_audience().unwrap_or(Audience::STS);
        self.audience_or(Some(usual.to_owned()))
    }

    pub fn audience_or(&mut self, usual: Option<String>) -> Option<String> {
        if self.options.has("--audience") { self.one("--audience", values::audience) } else { usual }
    }

    pub fn problem(&mut self, name: &str, problem: &str) {
        self.report(
            Diagnostic::new(Code::OptionInvalid, format!("`{name}` {problem}"))
                .fix(format!("for example {}", example(name))),
        );
    }

    /// Whether nothing was wrong.
    pub fn clean(&self) -> Option<()> {
        (self.faults == 0).then_some(())
    }

    fn report(&mut self, problem: Diagnostic) {
        self.faults += 1;
        self.options.problem(problem);
    }
}

/// What keeps a level from being one.
fn why_not(kind: Kind) -> &'static str {
    match kind {
        Kind::CircleCi | Kind::CircleCiRoot => "contexts are a claim of CircleCI's tokens that AWS does not read",
        Kind::Bitbucket => {
            "the subject has repository, deployment environment and step; a branch is told by an environment that Bitbucket \
             restricts to it, and a workspace by all of its repositories"
        }
        Kind::Bitrise => "the subject has app and workflow, and AWS reads no other claim",
        Kind::AzureDevOps => {
            "the subject has a service connection or a pipeline, and AWS reads no other claim; branches are for a check on the \
             service connection"
        }
        Kind::GitLab | Kind::GitLabOwn => {
            "the subject has project and branch or tag; AWS reads no environment of GitLab"
        }
        _ => "AWS reads a few claims of these tokens, and none says that",
    }
}

/// What an option looks like.
fn example(name: &str) -> &'static str {
    match name {
        "--organization" => "acme",
        "--repository" => "octo-org/octo-repo",
        "--repository-id" => "74",
        "--project" => "acme/api",
        "--branch" => "main",
        "--tag" => "v*",
        "--environment" => "production",
        "--app" => "c6d2a5b8e1f34a7b",
        "--workflow" | "--pipeline" => "deploy",
        "--service-connection" => "aws-deploy",
        "--role-name" => "deploy",
        "--account-id" => "123456789012",
        _ => "7d5e5c1e-7a54-4b7e-9ad5-0c2cf1b6a1a2",
    }
}

/// A claim that has one text.
pub fn text_of(claims: &Map<String, Value>, name: &str) -> Option<String> {
    match claims.get(name)? {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
