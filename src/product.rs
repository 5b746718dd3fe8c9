//! The product's name, version and home, in one place.

pub const NAME: &str = "ci-assume-role";
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Where the documentation is read. The repository's owner stands in `Cargo.toml` alone.
pub const SOURCE_URL: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/v", env!("CARGO_PKG_VERSION"));
