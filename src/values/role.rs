//! ARNs of roles and policies, and account ids.

use super::ValueFault;
use crate::sts::partition::Partition;

const ROLE_EXAMPLE: &str = "arn:aws:iam::123456789012:role/deploy";

/// `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`, 20 to 2048 characters.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleArn {
    text: String,
    partition: String,
    account: AccountId,
}

impl RoleArn {
    /// # Errors
    /// Names the first thing that keeps the text from being a role's ARN.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        let fault = |problem: &str| ValueFault::new(problem, ROLE_EXAMPLE);
        refuse_placeholder(text, ROLE_EXAMPLE)?;
        if !text.starts_with("arn:") {
            return Err(match bare_name(text) {
                Some(name) => fault("is a role's name; a token can only be exchanged for a role given by its full ARN")
                    .hint(format!("arn:aws:iam::ACCOUNT_ID:role/{name}")),
                None => fault("is not the ARN of an IAM role"),
            });
        }
        let fields: Vec<&str> = text.splitn(6, ':').collect();
        let &[_, arn_partition, service, region, account, resource] = fields.as_slice() else {
            return Err(fault("has fewer than the six parts of an ARN"));
        };
        if Partition::by_id(arn_partition).is_none() {
            return Err(fault(&format!("names the partition `{arn_partition}`, which AWS does not have")));
        }
        match (service, resource) {
            ("iam", r) if r.starts_with("oidc-provider/") => {
                return Err(fault("is the ARN of the identity provider; it takes the role that trusts that provider"));
            }
            ("iam", r) if r.starts_with("user/") => return Err(fault("is the ARN of a user, not of a role")),
            ("iam", r) if r.starts_with("policy/") => return Err(fault("is the ARN of a policy, not of a role")),
            ("iam", r) if r.starts_with("instance-profile/") => {
                return Err(fault("is the ARN of an instance profile, not of the role in it"));
            }
            ("sts", r) if r.starts_with("assumed-role/") => {
                let name = r.split('/').nth(1).unwrap_or_default();
                return Err(fault("is the ARN of a session of a role, not of the role")
                    .hint(format!("arn:{arn_partition}:iam::{account}:role/{name}")));
            }
            ("iam", _) => {}
            _ => return Err(fault("is not the ARN of an IAM role")),
        }
        if !region.is_empty() {
            return Err(fault("has a region; the ARN of a role has two colons between `iam` and the account")
                .hint(format!("arn:{arn_partition}:iam::{account}:{resource}")));
        }
        let account = AccountId::parse(account)
            .map_err(|_| fault(&format!("has `{account}` where the account id of 12 digits belongs")))?;
        let Some(path) = resource.strip_prefix("role/") else {
            return Err(fault("does not name a role: `role/` has to follow the account"));
        };
        if !is_path(path, 64) || text.len() > 2048 {
            return Err(fault("has a role name or path with characters that IAM does not allow, or too many"));
        }
        Ok(Self { text: text.to_owned(), partition: arn_partition.to_owned(), account })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn partition(&self) -> &str {
        &self.partition
    }

    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The name without its path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }
}

/// A role's name with its path, without the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleName(String);

impl RoleName {
    /// `None` when it is an ARN, or no name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_name = !text.starts_with("arn:") && refuse_placeholder(text, ROLE_EXAMPLE).is_ok();
        bare_name(text).filter(|_| is_name).map(|name| Self(name.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The role of this name in the account that an ARN belongs to.
    ///
    /// # Errors
    /// When the ARN has no account.
    pub fn in_account_of(&self, arn: &str) -> Result<RoleArn, ValueFault> {
        let mut fields = arn.split(':').skip(1);
        let partition = fields.next().unwrap_or_default();
        let account = fields.nth(2).unwrap_or_default();
        RoleArn::parse(&format!("arn:{partition}:iam::{account}:role/{}", self.0))
    }
}

/// Twelve digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountId(String);

impl AccountId {
    /// # Errors
    /// When it is anything but twelve digits.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        let digits: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
        let fault = ValueFault::new(format!("has `{text}`, which is not an account id of 12 digits"), "123456789012");
        Err(match Self::parse_digits(&digits) {
            Some(id) if digits != text => fault.hint(id.0),
            _ => fault,
        })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse_digits(text: &str) -> Option<Self> {
        (text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| Self(text.to_owned()))
    }
}

/// `arn:PARTITION:iam::aws:policy/…` or `arn:PARTITION:iam::ACCOUNT:policy/…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyArn(String);

impl PolicyArn {
    /// # Errors
    /// When it is not the ARN of a managed policy.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        let fault = ValueFault::new(
            format!("has `{text}`, which is not the ARN of a managed policy"),
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
        );
        let fields: Vec<&str> = text.splitn(6, ':').collect();
        let &["arn", arn_partition, "iam", "", owner, resource] = fields.as_slice() else {
            return Err(fault);
        };
        let owned = owner == "aws" || AccountId::parse(owner).is_ok();
        let named = resource.strip_prefix("policy/").is_some_and(|path| is_path(path, 128));
        if Partition::by_id(arn_partition).is_none() || !owned || !named {
            return Err(fault);
        }
        Ok(Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A path of printable ASCII without spaces, and a name of `[\w+=,.@-]`.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
fn is_path(text: &str, longest_name: usize) -> bool {
    let (path, name) = text.rsplit_once('/').unwrap_or(("", text));
    let name_fits =
        !name.is_empty() && name.len() <= longest_name && name.chars().all(super::session::is_name_character);
    name_fits && path.len() <= 512 && path.bytes().all(|byte| byte.is_ascii_graphic())
}

fn bare_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix("role/").unwrap_or(text);
    is_path(name, 64).then_some(name)
}

/// Text that was meant to be replaced by something else before it came here.
pub(super) fn refuse_placeholder(text: &str, example: &str) -> Result<(), ValueFault> {
    let fault = |problem: &str| Err(ValueFault::new(problem, example));
    if text.contains("***") {
        return fault("holds `***`: a value that a log has masked, copied from there");
    }
    if text.contains("${{") || text.contains("$(") || text.contains("${") || text.starts_with('$') {
        return fault("holds an expression that nothing has replaced");
    }
    if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
        return fault("has quotes in its value");
    }
    if text.chars().any(char::is_whitespace) {
        return fault("has white space in it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_arns_keep_their_path_and_tell_their_parts() {
        let arn = RoleArn::parse("arn:aws-cn:iam::123456789012:role/ci/team/deploy").unwrap();
        assert_eq!((arn.partition(), arn.account().as_str(), arn.name()), ("aws-cn", "123456789012", "deploy"));
    }

    #[test]
    fn a_name_is_a_role_of_the_callers_account() {
        for (name, caller, arn) in [
            ("deploy", "arn:aws:iam::123456789012:user/a", "arn:aws:iam::123456789012:role/deploy"),
            ("role/ci/a", "arn:aws-cn:sts::123456789012:assumed-role/b/c", "arn:aws-cn:iam::123456789012:role/ci/a"),
        ] {
            let found = RoleName::parse(name).unwrap().in_account_of(caller);
            assert_eq!(found.map(|found| found.as_str().to_owned()).unwrap(), arn);
        }
        for text in ["arn:aws:iam::123456789012:role/deploy", "a b", "", "${{ x }}", "***"] {
            assert_eq!(RoleName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn role_arn_mistakes_are_named() {
        for (text, words, hint) in [
            ("deploy", "a role's name", Some("arn:aws:iam::ACCOUNT_ID:role/deploy")),
            ("role/deploy", "a role's name", Some("arn:aws:iam::ACCOUNT_ID:role/deploy")),
            ("arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com", "identity provider", None),
            ("arn:aws:iam::123456789012:user/me", "a user", None),
            (
                "arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions",
                "a session of a role",
                Some("arn:aws:iam::123456789012:role/deploy"),
            ),
            (
                "arn:aws:iam:us-east-1:123456789012:role/deploy",
                "has a region",
                Some("arn:aws:iam::123456789012:role/deploy"),
            ),
            ("arn:aws:iam::12345678901:role/deploy", "12 digits", None),
            ("arn:aws:iam::ACCOUNT_ID:role/deploy", "12 digits", None),
            ("arn:amazon:iam::123456789012:role/deploy", "partition", None),
            ("arn:aws:iam::123456789012:role/", "characters", None),
            ("arn:aws:s3:::bucket", "not the ARN of an IAM role", None),
            ("arn:aws:iam", "fewer than", None),
            ("arn:aws:iam::***:role/deploy", "masked", None),
            ("${{ secrets.ROLE }}", "expression", None),
            ("$ROLE_ARN", "expression", None),
            ("\"arn:aws:iam::123456789012:role/deploy\"", "quotes", None),
            ("arn:aws:iam::123456789012:role/de ploy", "white space", None),
        ] {
            let fault = RoleArn::parse(text).unwrap_err();
            assert!(fault.problem.contains(words), "{text}: {}", fault.problem);
            assert_eq!(fault.hint.as_deref(), hint, "{text}");
        }
    }

    #[test]
    fn account_ids_are_twelve_digits() {
        assert!(AccountId::parse("123456789012").is_ok());
        assert_eq!(AccountId::parse("1234-5678-9012").unwrap_err().hint.as_deref(), Some("123456789012"));
        for text in ["", "12345678901", "1234567890123", "12345678901a", "１２３４５６７８９０１２"] {
            assert!(AccountId::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn policy_arns_are_aws_managed_or_an_accounts() {
        assert!(PolicyArn::parse("arn:aws:iam::aws:policy/job-function/ViewOnlyAccess").is_ok());
        assert!(PolicyArn::parse("arn:aws:iam::123456789012:policy/mine").is_ok());
        for text in ["ReadOnlyAccess", "arn:aws:iam::aws:role/x", "arn:aws:iam::aws:policy/", "arn:aws:iam:::policy/x"]
        {
            assert!(PolicyArn::parse(text).is_err(), "{text}");
        }
    }
}
