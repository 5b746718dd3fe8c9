//! What a policy is to test, and the tokens that show whether it does.

use serde_json::{Map, Value};

use super::asked::text_of;
use super::doc::Doc;
use crate::keys;
use crate::policy::caller::{ASSUME, Caller, TAG};
use crate::policy::issuer::Kind;
use crate::policy::pattern::like;
use crate::token::TAGS;

/// What the linter says of a policy without ids, which a note says as well.
pub const NAMES_ALONE: [&str; 2] = ["TP026", "TP028"];

/// The jobs that are to be let in.
#[derive(Clone, Debug)]
pub struct Plan {
    pub kind: Kind,
    /// Without its scheme: what condition keys and the provider's ARN have.
    pub issuer: String,
    pub audience: String,
    /// Values of `sub`, of which one has to match.
    pub subjects: Vec<Subject>,
    /// Further claims, each with its values.
    pub pins: Vec<(&'static str, Vec<String>)>,
    /// Parts of the subject that may differ from those of the samples, with the patterns that they may have.
    pub loose: Vec<(&'static str, Vec<String>)>,
    /// Every form that the CI's subjects have is wanted.
    pub any_form: bool,
    /// Tokens that have to be let in, one at least for each subject.
    pub samples: Vec<Map<String, Value>>,
    /// Rules of the linter that speak of what this level is meant to be.
    pub meant: Vec<&'static str>,
    /// Nothing is known of the parts that the subjects have.
    pub opaque: bool,
    pub notes: Vec<String>,
    /// Beside AssumeRoleWithWebIdentity.
    pub actions: Vec<&'static str>,
    pub hints: Hints,
}

/// What the pipeline has to say, so that its token is the one that the policy lets in.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// The environment that the job is for.
    pub environment: Option<String>,
    pub workflow: Option<String>,
    pub connection: Option<String>,
    /// Claims that are in the token only when they are asked for.
    pub claims: Vec<&'static str>,
    pub subject_claim: Option<&'static str>,
    /// Claims that become tags of the session.
    pub session_tags: Vec<String>,
}

/// A value of `sub`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub text: String,
    /// `*` and `?` in it stand for other text.
    pub pattern: bool,
}

impl Subject {
    pub fn new(text: String) -> Self {
        Self { pattern: text.contains(['*', '?']), text }
    }

    pub fn admits(&self, subject: &str) -> bool {
        if self.pattern { like(&self.text, subject) } else { self.text == subject }
    }
}

/// One key under one operator.
#[derive(Clone, Debug)]
pub struct Condition {
    pub operator: &'static str,
    /// The name of the key after the issuer and a colon.
    pub claim: &'static str,
    pub values: Vec<String>,
}

impl Plan {
    pub fn new(kind: Kind, issuer: String, audience: String) -> Self {
        Self {
            kind,
            issuer,
            audience,
            subjects: Vec::new(),
            pins: Vec::new(),
            loose: Vec::new(),
            any_form: false,
            samples: Vec::new(),
            meant: vec!["TP052"], // the length, of which there is a note of our own
            opaque: false,
            notes: Vec::new(),
            actions: Vec::new(),
            hints: Hints::default(),
        }
    }

    /// A subject that is let in, and a token that has it.
    pub fn admit(&mut self, subject: String, sample: &str, claims: &[(&str, &str)]) {
        let subject = Subject::new(subject);
        if !self.subjects.contains(&subject) {
            self.subjects.push(subject);
        }
        let own =
            [("iss", format!("https://{}", self.issuer)), ("aud", self.audience.clone()), ("sub", sample.to_owned())];
        let mut token: Map<String, Value> =
            own.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
        token.extend(claims.iter().map(|(name, text)| ((*name).to_owned(), (*text).into())));
        if !self.samples.contains(&token) {
            self.samples.push(token);
        }
    }

    /// A token that was at hand: what it carries has to be allowed. Its audience is the one that will be asked for.
    pub fn add_token(&mut self, claims: &Map<String, Value>) {
        let mut token = claims.clone();
        token.insert("aud".to_owned(), self.audience.as_str().into());
        token.remove("azp");
        let caller = Caller::of_claims(token.clone());
        self.actions = caller.actions().map(|(action, _)| action).filter(|action| *action != ASSUME).collect();
        self.samples.insert(0, token);
        let tags = claims.get(TAGS).and_then(|tags| tags.get("principal_tags"));
        self.hints.session_tags = tags.and_then(Value::as_object).into_iter().flat_map(Map::keys).cloned().collect();
        if self.actions.contains(&TAG) {
            self.meant.push("TP032");
            self.note(
                "the token carries session tags, and whoever writes the pipeline chooses them: where a policy relies on \
                 one, test it here as well, as aws:RequestTag/NAME",
            );
        }
    }

    /// Whether a policy of this plan can let that token in at all.
    pub fn admits(&self, claims: &Map<String, Value>) -> bool {
        let subject = text_of(claims, "sub").unwrap_or_default();
        let has = |(claim, values): &(&str, Vec<String>)| {
            keys::of_claim(&self.issuer, claim).is_none()
                || text_of(claims, claim).is_some_and(|text| values.contains(&text))
        };
        let issuer = text_of(claims, "iss").unwrap_or_default();
        keys::without_scheme(&issuer) == self.issuer
            && self.subjects.iter().any(|known| known.admits(&subject))
            && self.pins.iter().all(has)
    }

    /// A claim that has to have one of these values, if there are any.
    pub fn pin(&mut self, claim: &'static str, values: &[String]) {
        if !values.is_empty() {
            let mut values = values.to_vec();
            values.dedup();
            self.pins.push((claim, values));
        }
    }

    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Leaves out the claims that AWS does not read, or is not known to read there.
    pub fn keep_known_pins(&mut self, partition: &str) {
        let issuer = self.issuer.clone();
        let (known, unknown): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pins).into_iter().partition(|(claim, _)| keys::of_claim(&issuer, claim).is_some());
        if !unknown.is_empty() {
            let names: Vec<&str> = unknown.iter().map(|(claim, _)| *claim).collect();
            self.note(format!(
                "AWS reads aud and sub of https://{issuer} and nothing else, so no condition tests {}",
                crate::text::listed(&names)
            ));
        }
        if partition == "aws" || known.is_empty() {
            self.pins = known;
            return;
        }
        let names: Vec<&str> = known.iter().map(|(claim, _)| *claim).collect();
        self.meant.extend(NAMES_ALONE);
        self.note(format!(
            "AWS has not said that the keys of this issuer exist in the partition {partition}; a condition on one that \
             does not exist lets nobody in, so none tests {}",
            crate::text::listed(&names)
        ));
    }

    /// All conditions, in the order in which people read them.
    pub fn conditions(&self) -> Vec<Condition> {
        let equal = |claim, values: &[String]| Condition { operator: "StringEquals", claim, values: values.to_vec() };
        let operator = if self.subjects.iter().any(|subject| subject.pattern) { "StringLike" } else { "StringEquals" };
        let values = self.subjects.iter().map(|subject| subject.text.clone()).collect();
        let subject = Condition { operator, claim: "sub", values };
        let mut conditions = vec![equal("aud", std::slice::from_ref(&self.audience))];
        let pins = self.pins.iter().map(|(claim, values)| equal(claim, values));
        if operator == "StringEquals" {
            conditions.push(subject);
            conditions.extend(pins);
        } else {
            conditions.extend(pins);
            conditions.push(subject);
        }
        conditions
    }

    pub fn key(&self, claim: &str) -> String {
        format!("{}:{claim}", self.issuer)
    }

    pub fn all_actions(&self) -> Vec<String> {
        std::iter::once(ASSUME).chain(self.actions.iter().copied()).map(str::to_owned).collect()
    }

    /// The trust policy, with the provider as the language at hand has it.
    pub fn policy(&self, provider: Doc) -> Doc {
        let mut blocks: Vec<(String, Doc)> = Vec::new();
        for condition in self.conditions() {
            let member = (self.key(condition.claim), Doc::texts(&condition.values));
            match blocks.last_mut() {
                Some((operator, Doc::Object(members))) if operator == condition.operator => members.push(member),
                _ => blocks.push((condition.operator.to_owned(), Doc::Object(vec![member]))),
            }
        }
        Doc::object([
            ("Version", Doc::text("2012-10-17")),
            (
                "Statement",
                Doc::List(vec![Doc::object([
                    ("Effect", Doc::text("Allow")),
                    ("Principal", Doc::object([("Federated", provider)])),
                    ("Action", Doc::texts(&self.all_actions())),
                    ("Condition", Doc::Object(blocks)),
                ])]),
            ),
        ])
    }
}
