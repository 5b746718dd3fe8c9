//! The product's name, version and home, in one place.

pub const NAME: &str = "ci-assume-role";
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Where the documentation is read. The repository's owner stands in `Cargo.toml` alone.
pub const SOURCE_URL: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/v", env!("CARGO_PKG_VERSION"));

/// Whose the repository is at GitHub. Found when this is compiled, since every run would read the code for it.
const OWNER: &str = {
    let path = env!("CARGO_PKG_REPOSITORY").split_at("https://github.com/".len()).1;
    path.split_at(path.len() - NAME.len() - 1).0
};

/// Where the page is that explains a denial: the repository's own, as GitHub Pages serves it.
#[must_use]
pub fn site_url() -> String {
    format!("https://{OWNER}.github.io/{NAME}")
}

/// What the page says of a denial, by the id of its cause or by its code.
#[must_use]
pub fn cause_url(id: &str) -> String {
    format!("{}/#why={id}", site_url())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_where_the_repository_says() {
        let (owner, name) = repository().split_once('/').unwrap();
        assert_eq!(cause_url("value-differs"), format!("https://{owner}.github.io/{name}/#why=value-differs"));
    }
}
