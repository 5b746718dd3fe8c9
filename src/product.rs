//! The product's name, version and home, in one place.

pub const NAME: &str = "ci-assume-role";
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Where the documentation is read. The repository's owner stands in `Cargo.toml` alone.
pub const SOURCE_URL: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/v", env!("CARGO_PKG_VERSION"));

/// The page of what a trust policy has against a job, by the id of the cause.
#[must_use]
pub fn cause_url(id: &str) -> String {
    format!("{SOURCE_URL}/docs/causes/{id}.md")
}

/// How the command line is started where nothing is installed but Node.
#[must_use]
pub fn npx() -> String {
    format!("npx --yes github:{}#v{VERSION}", repository())
}

/// `OWNER/NAME` at GitHub.
#[must_use]
pub fn repository() -> &'static str {
    env!("CARGO_PKG_REPOSITORY").trim_start_matches("https://github.com/")
}
