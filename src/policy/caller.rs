//! Who asks, as far as AWS lets a trust policy see it: a token's claims turned into condition keys.
//!
//! What is not known here is said to be unknown, never taken for absent: an answer must not rest on it.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::issuer::Kind;
use super::placeholder;
use super::truth::Truth;
use crate::keys;
use crate::token::{SOURCE_IDENTITY, TAGS};

/// What a caller with a token calls.
pub const ASSUME: &str = "sts:AssumeRoleWithWebIdentity";
/// What AWS asks about as well where the token has session tags.
pub const TAG: &str = "sts:TagSession";
/// The same for a source identity.
pub const SET_SOURCE_IDENTITY: &str = "sts:SetSourceIdentity";

/// A token's claims, which nobody has verified, and what else is known of the call.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// `iss` without its scheme: the text before the last colon of the token's condition keys.
    pub issuer: String,
    pub claims: Map<String, Value>,
    pub extent: Extent,
    /// The role, where it is known; its account is where AWS looks for the provider.
    pub role: Option<Role>,
    /// Further keys of the request that somebody has given, such as `aws:SourceIp`.
    pub request: Vec<(String, Vec<String>)>,
    tags: Vec<(String, String)>,
    transitive: Vec<String>,
    source_identity: Option<String>,
}

/// How much of a token's claims is at hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    #[default]
    Whole,
    /// Those that somebody has named who knows what the token carries: of other claims nothing is known, and session
    /// tags and source identity are named where it has them.
    Named,
    /// Those of a CloudTrail event: issuer, audience and subject, and nothing of the rest.
    Event,
}

/// What a policy is evaluated for, of the role that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    pub partition: String,
    pub account: String,
}

/// What a key has in this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Had<'a> {
    One(Cow<'a, str>),
    /// Keys that can have several values, whether they have them or not.
    Many(Vec<Cow<'a, str>>),
    Absent(Absence),
    Unknown(Unsure),
}

/// Why a key is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// AWS would map the claim, and the token does not have it.
    NotInToken,
    /// AWS maps no such claim of this issuer.
    NotMapped,
    /// The key stands behind something else than the token's issuer.
    OtherIssuer,
    /// The token carries no such session tag.
    NoTag,
    /// No call of AssumeRoleWithWebIdentity has this key.
    NeverSent,
}

/// Why nobody can say here what a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsure {
    /// It depends on the call, and not on the token.
    NotGiven,
    /// The event says less than the token did.
    OnlyEvent,
    /// AWS does not document it.
    Undocumented,
}

impl Caller {
    #[must_use]
    pub fn of_claims(claims: Map<String, Value>) -> Self {
        let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
        let mut caller = Self { issuer: keys::without_scheme(issuer).to_owned(), ..Self::default() };
        caller.source_identity = claims.get(SOURCE_IDENTITY).and_then(Value::as_str).map(str::to_owned);
        // Two forms: one object, or one claim for each kind and key.
        let tags = claims.get(TAGS);
        let texts = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        if let Some(principal) = tags.and_then(|tags| tags.get("principal_tags")).and_then(Value::as_object) {
            let first = |value: &Value| texts(value).into_iter().next().or_else(|| value.as_str().map(str::to_owned));
            caller.tags = principal.iter().filter_map(|(name, value)| Some((name.clone(), first(value)?))).collect();
        }
        if let Some(transitive) = tags.and_then(|tags| tags.get("transitive_tag_keys")) {
            caller.transitive = texts(transitive);
        }
        for (name, value) in &claims {
            let Some(rest) = name.strip_prefix(TAGS).and_then(|rest| rest.strip_prefix('/')) else { continue };
            if let (Some(key), Some(value)) = (rest.strip_prefix("principal_tags/"), value.as_str()) {
                caller.tags.push((key.to_owned(), value.to_owned()));
            } else if rest == "transitive_tag_keys" {
                caller.transitive.extend(texts(value));
            }
        }
        caller.claims = claims;
        caller
    }

    #[must_use]
    pub fn with_role(mut self, role: Option<Role>) -> Self {
        self.role = role;
        self
    }

    /// The actions that the policy has to allow, each by itself, and those that it may have to: AWS asks about them
    /// if the token has what nobody here can see.
    pub fn actions(&self) -> impl Iterator<Item = (&'static str, Truth)> {
        let is_open = self.extent == Extent::Event && !Kind::of(&self.issuer).never_sends_tags();
        let carries = |seen: bool| if is_open && !seen { Truth::Unknown } else { seen.into() };
        [
            (ASSUME, Truth::Yes),
            (TAG, carries(!self.tags.is_empty() || !self.transitive.is_empty())),
            (SET_SOURCE_IDENTITY, carries(self.source_identity.is_some())),
        ]
        .into_iter()
        .filter(|(_, needed)| *needed != Truth::No)
    }

    /// What the key has. Names of keys compare without regard to letter case.
    #[must_use]
    pub fn had(&self, key: &str) -> Had<'_> {
        if placeholder::is_in(key) {
            return Had::Unknown(Unsure::NotGiven); // a template that is filled in later
        }
        if let Some((_, values)) = self.request.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)) {
            return match values.as_slice() {
                [one] if !is_multi_valued(key) => Had::One(Cow::Borrowed(one)),
                several => Had::Many(several.iter().map(|value| Cow::Borrowed(value.as_str())).collect()),
            };
        }
        if is_of_request(key) {
            return self.of_request(key); // the name of a tag can have a colon
        }
        let Some((prefix, name)) = key.rsplit_once(':') else { return Had::Absent(Absence::NeverSent) };
        if self.issuer.is_empty() || !prefix.eq_ignore_ascii_case(&self.issuer) {
            return Had::Absent(Absence::OtherIssuer);
        }
        if name.eq_ignore_ascii_case("aud") {
            return self.audience();
        }
        if name.eq_ignore_ascii_case("oaud") {
            return self.list("aud");
        }
        if name.eq_ignore_ascii_case("amr") {
            return self.list("amr");
        }
        match keys::claim_of_key(&self.issuer, name) {
            None => Had::Absent(Absence::NotMapped),
            Some(claim) => match self.claim(claim).and_then(text_of) {
                Some(text) => Had::One(text),
                None => self.not_there(),
            },
        }
    }

    /// Whether the token has claims that nobody here can see.
    #[must_use]
    pub fn is_part(&self) -> bool {
        self.extent != Extent::Whole
    }

    fn not_there(&self) -> Had<'_> {
        if self.is_part() { Had::Unknown(Unsure::OnlyEvent) } else { Had::Absent(Absence::NotInToken) }
    }

    /// A claim, or a member of one: `google/organization_number`.
    fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name).or_else(|| {
            let (outer, inner) = name.split_once('/')?;
            self.claims.get(outer)?.get(inner)
        })
    }

    /// `azp` where the token has it, else `aud`.
    fn audience(&self) -> Had<'_> {
        if let Some(party) = self.claims.get("azp").and_then(Value::as_str) {
            return Had::One(Cow::Borrowed(party));
        }
        match self.claims.get("aud") {
            Some(Value::Array(several)) => match several.as_slice() {
                [Value::String(one)] => Had::One(Cow::Borrowed(one)),
                [] => self.not_there(),
                _ => Had::Unknown(Unsure::Undocumented), // STS refuses such a token
            },
            Some(value) => text_of(value).map_or_else(|| self.not_there(), Had::One),
            None => self.not_there(),
        }
    }

    fn list(&self, claim: &str) -> Had<'_> {
        match self.claims.get(claim) {
            Some(Value::Array(several)) => Had::Many(several.iter().filter_map(text_of).collect()),
            Some(value) => text_of(value).map_or_else(|| self.not_there(), |one| Had::Many(vec![one])),
            None => self.not_there(),
        }
    }

    /// Keys that belong to the call and not to the token.
    fn of_request(&self, key: &str) -> Had<'_> {
        let lower = key.to_ascii_lowercase();
        if let Some(name) = lower.strip_prefix("aws:requesttag/") {
            return match self.tags.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                Some((_, value)) => Had::One(Cow::Borrowed(value)),
                None if self.is_part() => Had::Unknown(Unsure::OnlyEvent),
                None => Had::Absent(Absence::NoTag),
            };
        }
        let listed = |values: Vec<Cow<'_, str>>| match values.as_slice() {
            [] if self.is_part() => Had::Unknown(Unsure::OnlyEvent),
            [] => Had::Absent(Absence::NoTag),
            _ => Had::Many(values.iter().map(|value| Cow::Owned(value.clone().into_owned())).collect()),
        };
        let role = |of: fn(&Role) -> &str| match &self.role {
            Some(role) => Had::One(Cow::Borrowed(of(role))),
            None => Had::Unknown(Unsure::NotGiven),
        };
        match lower.as_str() {
            "aws:tagkeys" => listed(self.tags.iter().map(|(name, _)| Cow::Borrowed(name.as_str())).collect()),
            "sts:transitivetagkeys" => {
                listed(self.transitive.iter().map(|name| Cow::Borrowed(name.as_str())).collect())
            }
            "sts:sourceidentity" => match &self.source_identity {
                Some(identity) => Had::One(Cow::Borrowed(identity)),
                None => self.not_there(),
            },
            "aws:securetransport" => Had::One(Cow::Borrowed("true")),
            "aws:principaltype" => Had::One(Cow::Borrowed("User")),
            "aws:federatedprovider" | "aws:userid" => match &self.role {
                Some(role) => Had::One(Cow::Owned(role.provider_arn(&self.issuer))),
                None => Had::Unknown(Unsure::NotGiven),
            },
            "aws:resourceaccount" | "aws:principalaccount" => role(|role| &role.account),
            "sts:rolesessionname"
            | "aws:sourceip"
            | "aws:currenttime"
            | "aws:epochtime"
            | "aws:useragent"
            | "aws:requestedregion"
            | "aws:resourceorgid"
            | "aws:resourceorgpaths"
            | "sts:roleauthorizedbyidp" => Had::Unknown(Unsure::NotGiven),
            _ if lower.starts_with("aws:resourcetag/") => Had::Unknown(Unsure::NotGiven),
            _ => Had::Absent(Absence::NeverSent),
        }
    }
}

impl Role {
    /// From the ARN of a role, or of anything else in an account.
    #[must_use]
    pub fn of_arn(arn: &str) -> Option<Self> {
        let mut fields = arn.splitn(6, ':');
        let (Some("arn"), Some(partition), Some("iam"), Some(""), Some(account), Some(_)) =
            (fields.next(), fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return None;
        };
        Some(Self { partition: partition.to_owned(), account: account.to_owned() })
    }

    #[must_use]
    pub fn provider_arn(&self, issuer: &str) -> String {
        format!("arn:{}:iam::{}:oidc-provider/{issuer}", self.partition, self.account)
    }
}

fn is_of_request(key: &str) -> bool {
    key.split_once(':')
        .is_some_and(|(service, _)| service.eq_ignore_ascii_case("aws") || service.eq_ignore_ascii_case("sts"))
}

/// The keys that can have several values.
#[must_use]
pub fn is_multi_valued(key: &str) -> bool {
    const OF_REQUEST: [&str; 3] = ["aws:TagKeys", "aws:ResourceOrgPaths", "sts:TransitiveTagKeys"];
    if is_of_request(key) {
        return OF_REQUEST.iter().any(|known| key.eq_ignore_ascii_case(known));
    }
    let name = key.rsplit_once(':').map_or(key, |(_, name)| name);
    ["oaud", "amr"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
