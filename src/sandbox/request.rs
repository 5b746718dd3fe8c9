//! The first gate: is this a request that STS has an operation for, within the limits of the API?
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>

use percent_encoding::percent_decode_str;

use super::limits::{POLICY, ROLE_ARN, SESSION_NAME, TOKEN, check_duration, check_policy_count, policy_arn};
use super::refusal::Refusal;
use crate::values::{PolicyArn, RoleArn};

const ACTION: &str = "AssumeRoleWithWebIdentity";
const VERSION: &str = "2011-06-15";

/// An `AssumeRoleWithWebIdentity` whose parameters keep to the limits.
pub(super) struct Request {
    pub(super) role: RoleArn,
    pub(super) session_name: String,
    pub(super) token: String,
    /// Seconds; `None`: an hour.
    pub(super) duration: Option<u32>,
    pub(super) policy: Option<String>,
    pub(super) policy_arns: Vec<String>,
}

impl Request {
    /// Reads a form as `application/x-www-form-urlencoded` has it.
    pub(super) fn read(body: &str) -> Result<Self, Refusal> {
        let form = Form::read(body);
        let Some(action) = form.get("Action") else {
            return Err(Refusal::no_action());
        };
        let version = form.get("Version");
        if action != ACTION || version != Some(VERSION) {
            return Err(Refusal::invalid_action(action, version));
        }

        let duration = match form.get("DurationSeconds") {
            None => None,
            // The sign and leading zeros that this takes are what STS takes.
            Some(text) => Some(text.parse::<i32>().map_err(|_| Refusal::malformed_number(text))?),
        };
        let policy_arns = form.policy_arns();
        let mut broken = Vec::new();
        ROLE_ARN.check_needed(form.get("RoleArn"), &mut broken);
        SESSION_NAME.check_needed(form.get("RoleSessionName"), &mut broken);
        TOKEN.check_needed(form.get("WebIdentityToken"), &mut broken);
        for (number, arn) in &policy_arns {
            policy_arn(&format!("policyArns.{number}.member.arn")).check(arn, &mut broken);
        }
        check_policy_count(policy_arns.len(), &mut broken);
        if let Some(policy) = form.get("Policy") {
            POLICY.check(policy, &mut broken);
        }
        if let Some(seconds) = duration {
            check_duration(seconds, &mut broken);
        }
        let (Some(role), Some(session_name), Some(token), []) =
            (form.get("RoleArn"), form.get("RoleSessionName"), form.get("WebIdentityToken"), broken.as_slice())
        else {
            return Err(Refusal::constraints(&broken));
        };

        let role = RoleArn::parse(role).map_err(|_| Refusal::validation("Request ARN is invalid"))?;
        if let Some((_, arn)) = policy_arns.iter().find(|(_, arn)| PolicyArn::parse(arn).is_err()) {
            return Err(Refusal::validation(format!("ARN {arn} is not valid.")));
        }
        if form.get("ProviderId").is_some() {
            return Err(Refusal::provider_id());
        }
        Ok(Self {
            role,
            session_name: session_name.to_owned(),
            token: token.to_owned(),
            duration: duration.and_then(|seconds| u32::try_from(seconds).ok()),
            policy: form.get("Policy").map(str::to_owned),
            policy_arns: policy_arns.into_iter().map(|(_, arn)| arn.to_owned()).collect(),
        })
    }
}

pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(body: &str) -> Self {
        let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = body.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(n, v)| (decoded(n), decoded(v)))
                .collect(),
        )
    }

    /// Of several parameters with one name the first counts.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The members of the list, in the order of their numbers.
    fn policy_arns(&self) -> Vec<(u32, &str)> {
        let number = |name: &str| name.strip_prefix("PolicyArns.member.")?.strip_suffix(".arn")?.parse().ok();
        let mut arns: Vec<(u32, &str)> = Vec::new();
        for (name, arn) in &self.0 {
            if let Some(number) = number(name)
                && !arns.iter().any(|(known, _)| *known == number)
            {
                let place = arns.iter().position(|(known, _)| *known > number).unwrap_or(arns.len());
                arns.insert(place, (number, arn));
            }
        }
        arns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "RoleArn=arn:aws:iam::123456789012:role/deploy";
    const OP: &str = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15";

    fn refused(body: &str) -> (&'static str, String) {
        let refusal = Request::read(body).err().unwrap();
        assert_eq!(refusal.status, if refusal.code == "AccessDenied" { 403 } else { 400 });
        (refusal.code, refusal.message.unwrap_or_default())
    }

    #[test]
    fn refusals_are_in_the_words_of_sts() {
        let good = format!("{OP}&{ROLE}&RoleSessionName=me&WebIdentityToken=a.b.c");
        let arn = "PolicyArns.member.1.arn";
        let eleven: Vec<String> =
            (1..12).map(|n| format!("&PolicyArns.member.{n}.arn=arn:aws:iam::aws:policy/P{n}")).collect();
        let eleven = eleven.concat();
        for (body, code, message) in [
            ("", "MissingAction", "The request is missing an action or a required parameter."),
            ("Action=&Version=2011-06-15", "InvalidAction", "Could not find operation  for version 2011-06-15"),
            (
                "Action=GetCallerIdentity&Version=2011-06-15",
                "InvalidAction",
                "Could not find operation GetCallerIdentity for version 2011-06-15",
            ),
            (
                "Action=AssumeRoleWithWebIdentity",
                "InvalidAction",
                "Could not find operation AssumeRoleWithWebIdentity for version NO_VERSION_SPECIFIED",
            ),
            (
                "Action=AssumeRoleWithWebIdentity&Version=",
                "InvalidAction",
                "Could not find operation AssumeRoleWithWebIdentity for version ",
            ),
            (
                OP,
                "ValidationError",
                "3 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null; Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null; Value at 'webIdentityToken' failed to satisfy constraint: Member must not be null",
            ),
            (
                &format!("{OP}&{ROLE}&RoleSessionName=a/b&WebIdentityToken=a.b.c"),
                "ValidationError",
                r"1 validation error detected: Value 'a/b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*",
            ),
            (
                &format!("{OP}&{ROLE}&RoleSessionName=%C3%BC&WebIdentityToken=abc"),
                "ValidationError",
                r"3 validation errors detected: Value 'ü' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*; Value 'ü' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2; Value at 'webIdentityToken' failed to satisfy constraint: Member must have length greater than or equal to 4",
            ),
            (
                &format!("{OP}&RoleArn=x&RoleSessionName=me&WebIdentityToken=a.b.c"),
                "ValidationError",
                "1 validation error detected: Value 'x' at 'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20",
            ),
            (
                &format!("{OP}&RoleArn={}&RoleSessionName=me&WebIdentityToken=a.b.c", "x".repeat(20)),
                "ValidationError",
                "Request ARN is invalid",
            ),
            (&format!("{good}&DurationSeconds="), "MalformedInput", "missing value for decimal type"),
            (&format!("{good}&DurationSeconds=1h"), "MalformedInput", ""),
            (&format!("{good}&DurationSeconds=2147483648"), "MalformedInput", ""),
            (
                &format!("{good}&DurationSeconds=899"),
                "ValidationError",
                "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
            ),
            (
                &format!("{good}&DurationSeconds=43201"),
                "ValidationError",
                "1 validation error detected: Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200",
            ),
            (
                &format!("{good}&{arn}=ReadOnly"),
                "ValidationError",
                "1 validation error detected: Value 'ReadOnly' at 'policyArns.1.member.arn' failed to satisfy constraint: Member must have length greater than or equal to 20",
            ),
            (
                &format!("{good}&{arn}=arn:aws:s3:::bucket-of-mine"),
                "ValidationError",
                "ARN arn:aws:s3:::bucket-of-mine is not valid.",
            ),
            (
                &format!("{good}{eleven}"),
                "ValidationError",
                "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10",
            ),
            (
                &format!("{good}&Policy=%E6%97%A5"),
                "ValidationError",
                r"1 validation error detected: Value '日' at 'policy' failed to satisfy constraint: Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+",
            ),
            (
                &format!("{good}&ProviderId=www.amazon.com"),
                "AccessDenied",
                "Unrecognized OAuth provider. Do not include a provider parameter when submitting OpenIDConnect ID tokens",
            ),
        ] {
            assert_eq!(refused(body), (code, message.to_owned()), "{body}");
        }
    }

    #[test]
    fn a_form_is_decoded_and_its_first_parameters_count() {
        let body = format!(
            "{OP}&{ROLE}&RoleSessionName=a%2Bb&RoleSessionName=/&WebIdentityToken=a.b.c&Policy=%7B+%7D\
            &DurationSeconds=%2B0900&Unknown=x&PolicyArns.member.2.arn=arn:aws:iam::aws:policy/B\
            &PolicyArns.member.1.arn=arn:aws:iam::aws:policy/A"
        );
        let request = Request::read(&body).ok().unwrap();
        assert_eq!(request.session_name, "a+b");
        assert_eq!((request.duration, request.policy.as_deref()), (Some(900), Some("{ }")));
        assert_eq!(request.policy_arns, ["arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B"]);
        assert_eq!((request.role.name(), request.token.as_str()), ("deploy", "a.b.c"));
    }
}
