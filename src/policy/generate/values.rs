//! Identifiers of CIs, as people type them. What passes here can stand in a policy and, quoted as
//! each language quotes, in every file that is made of it.

use crate::policy::subject::Chars;
use crate::text::is_invisible;
use crate::values::ValueFault;

/// Longer is no name of anything, and would not fit into a policy.
const LONGEST: usize = 256;

/// Text that means itself wherever it ends up: no control characters, no wildcard, and nothing that
/// a policy, a template or a pipeline would replace.
fn plain(text: &str, example: &str) -> Result<(), ValueFault> {
    let fault = |problem: String| Err(ValueFault::new(problem, example));
    if text.trim() != text || text.is_empty() {
        return fault("has white space around it".to_owned());
    }
    if text.chars().count() > LONGEST {
        return fault(format!("is longer than {LONGEST} characters"));
    }
    if let Some(c) = text.chars().find(|c| is_invisible(*c)) {
        return fault(format!("has the character U+{:04X}, which nobody can see", u32::from(c)));
    }
    // `&{` is how Terraform's policy documents write `${`, and CloudFormation resolves `{{`.
    for mark in ["***", "${", "$(", "&{", "{{", "<%"] {
        if text.contains(mark) {
            return fault(format!("holds `{mark}`, so it is a placeholder that nothing has replaced"));
        }
    }
    if text.starts_with('<') && text.ends_with('>') {
        return fault("is a placeholder".to_owned());
    }
    if text.len() > 1 && ['"', '\''].iter().any(|quote| text.starts_with(*quote) && text.ends_with(*quote)) {
        return fault("has quotes in its value".to_owned());
    }
    Ok(())
}

fn literal(text: &str, example: &str) -> Result<(), ValueFault> {
    plain(text, example)?;
    match text.chars().find(|c| matches!(c, '*' | '?')) {
        Some(c) => Err(ValueFault::new(format!("has a `{c}`; only branches and tags can be patterns"), example)),
        None => Ok(()),
    }
}

/// One segment of a subject, such as an organisation's name, in the characters that the CI allows there.
///
/// # Errors
/// When it has others, or is a pattern or a placeholder.
pub fn name(text: &str, chars: Chars, example: &str) -> Result<String, ValueFault> {
    literal(text, example)?;
    match text.chars().find(|c| !chars.admits(*c)) {
        Some(c) => Err(ValueFault::new(format!("has a `{c}`, which cannot stand there"), example)),
        None => Ok(text.to_owned()),
    }
}

/// `OWNER/REPOSITORY`, as GitHub has it, apart.
///
/// # Errors
/// When it is anything else.
pub fn repository(text: &str) -> Result<(String, String), ValueFault> {
    const EXAMPLE: &str = "octo-org/octo-repo";
    literal(text, EXAMPLE)?;
    let bare = text.strip_prefix("https://github.com/").or_else(|| text.strip_prefix("git@github.com:"));
    if let Some(bare) = bare {
        let bare = bare.strip_suffix(".git").unwrap_or(bare);
        return Err(ValueFault::new("is an address; it takes owner and name", EXAMPLE).hint(bare));
    }
    match text.split_once('/') {
        Some((owner, name)) if is_word(owner) && is_word(name) => Ok((owner.to_owned(), name.to_owned())),
        _ => Err(ValueFault::new("is not an owner, a slash and a repository's name", EXAMPLE)),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| Chars::Name.admits(c))
}

/// A path of at least two names, such as GitLab's `group/subgroup/project`.
///
/// # Errors
/// When it is anything else.
pub fn path(text: &str, example: &str) -> Result<String, ValueFault> {
    literal(text, example)?;
    if text.split('/').count() < 2 || !text.split('/').all(is_word) {
        return Err(ValueFault::new("is not a path of names with slashes between them", example));
    }
    Ok(text.to_owned())
}

/// The id of something, in digits.
///
/// # Errors
/// When it is anything else.
pub fn digits(text: &str, example: &str) -> Result<String, ValueFault> {
    if !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(ValueFault::new("is not an id, which is a number", example))
}

/// A UUID in lower case, without braces.
///
/// # Errors
/// When it is anything else.
pub fn uuid(text: &str, example: &str) -> Result<String, ValueFault> {
    let lengths = [8, 4, 4, 4, 12];
    let is_uuid = |text: &str| {
        text.split('-').count() == lengths.len()
            && text.split('-').zip(lengths).all(|(group, length)| {
                group.len() == length
                    && group.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
            })
    };
    if is_uuid(text) {
        return Ok(text.to_owned());
    }
    let fault = ValueFault::new("is not a UUID: 8, 4, 4, 4 and 12 of 0-9 and a-f, with dashes between", example);
    let mended = text.trim_matches(['{', '}', '"', '\'']).to_ascii_lowercase();
    Err(if is_uuid(&mended) { fault.hint(mended) } else { fault })
}

/// The name of a branch or tag; a `*` in it stands for any text.
/// <https://git-scm.com/docs/git-check-ref-format>
///
/// # Errors
/// When git would not take it, or it is nothing but a `*`.
pub fn git_ref(text: &str, prefix: &str, example: &str) -> Result<String, ValueFault> {
    plain(text, example)?;
    let fault = |problem: &str| Err(ValueFault::new(problem, example));
    if let Some(bare) = text.strip_prefix(prefix) {
        return Err(
            ValueFault::new(format!("starts with `{prefix}`, which is put there by itself"), example).hint(bare)
        );
    }
    if text.chars().all(|c| c == '*') {
        return fault("admits every one; leave it out and take the level of the repository for that");
    }
    if let Some(c) = text.chars().find(|c| c.is_whitespace() || "~^:?[\\".contains(*c)) {
        return Err(ValueFault::new(format!("has a `{c}`, which git does not allow"), example));
    }
    if text.starts_with(['/', '-', '.'])
        || text.ends_with(['/', '.'])
        || [".lock"].iter().any(|end| text.ends_with(end))
    {
        return fault("starts or ends in a way that git does not allow");
    }
    if ["..", "//", "@{"].iter().any(|part| text.contains(part)) {
        return fault("has `..`, `//` or `@{`, which git does not allow");
    }
    Ok(text.to_owned())
}

/// The address of an issuer, to the letter, without its scheme.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html>
///
/// # Errors
/// When IAM would not take it.
pub fn issuer(text: &str) -> Result<String, ValueFault> {
    const EXAMPLE: &str = "https://gitlab.example.com";
    literal(text, EXAMPLE)?;
    let fault = |problem: &str| Err(ValueFault::new(problem, EXAMPLE));
    let Some(rest) = text.strip_prefix("https://") else {
        return fault("does not start with `https://`, as every issuer that AWS accepts does");
    };
    let host = rest.split('/').next().unwrap_or_default();
    if host.contains([':', '@']) {
        return fault("has a port or a user, which IAM does not take");
    }
    let labels =
        host.split('.').all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    if !host.contains('.') || !labels {
        return fault("does not have the name of a host after `https://`");
    }
    if rest.len() > 247 || !rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/%+=,@".contains(&b)) {
        return fault("has characters that an issuer's address does not have, or too many");
    }
    Ok(rest.to_owned())
}

/// A whole subject; a `*` in it stands for any text.
///
/// # Errors
/// When it could not stand in a policy, or starts with a `*`.
pub fn subject(text: &str) -> Result<String, ValueFault> {
    const EXAMPLE: &str = "org:acme:project:api";
    plain(text, EXAMPLE)?;
    if text.starts_with('*') || text.contains('?') {
        return Err(ValueFault::new("starts with a `*`, or has a `?`: it would admit others as well", EXAMPLE));
    }
    Ok(text.to_owned())
}

/// Whom the token is for.
///
/// # Errors
/// When it is a pattern or a placeholder.
pub fn audience(text: &str) -> Result<String, ValueFault> {
    literal(text, "sts.amazonaws.com")?;
    if text.contains(char::is_whitespace) {
        return Err(ValueFault::new("has white space in it", "sts.amazonaws.com"));
    }
    Ok(text.to_owned())
}

/// Several, one a line.
///
/// # Errors
/// The first fault of any.
pub fn several<T>(text: &str, parse: impl Fn(&str) -> Result<T, ValueFault>) -> Result<Vec<T>, ValueFault> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(parse).collect()
}
