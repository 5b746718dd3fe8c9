//! The CIs that this module was built with.

use super::Ci;
use crate::environment::Environment;

/// Every CI that this module knows, found by the name that its dialect has.
pub const ALL: &[&dyn Ci] = &[
    #[cfg(feature = "github")]
    &super::github::GitHub,
    #[cfg(feature = "buildkite")]
    &super::buildkite::Buildkite,
    #[cfg(feature = "bitrise")]
    &super::bitrise::Bitrise,
    #[cfg(feature = "cli")]
    &super::circleci::CircleCi,
    #[cfg(feature = "cli")]
    &super::bitbucket::Bitbucket,
    #[cfg(feature = "cli")]
    &super::azure_devops::AzureDevOps,
    #[cfg(feature = "cli")]
    &super::gitlab::GitLab,
    #[cfg(feature = "cli")]
    &super::any::Any, // takes what no other does
];

/// The CI whose job this is. The last one takes what no other does.
#[must_use]
pub fn here(env: &Environment) -> Option<&'static dyn Ci> {
    ALL.iter().copied().find(|ci| ci.is_here(env))
}

/// A CI by its name.
#[must_use]
pub fn named(name: &str) -> Option<&'static dyn Ci> {
    ALL.iter().copied().find(|ci| ci.name() == name)
}
