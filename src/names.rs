//! What an option is called at each entry: one table, so that a name means the same everywhere.
//!
//! The command line's name is the common one. Entries that take the place of another tool have that tool's
//! names, and take the common ones as well. Where an entry has no column (the orb's `assume`, the component,
//! the template and the task of Azure Pipelines), it has the common names in its own spelling.

/// Each row is a meaning: the flag, then its name at GitHub, Buildkite, Bitrise, and in the orb's `setup`.
/// Empty where there is none.
macro_rules! names {
    ($($meaning:ident $flag:literal $github:literal $buildkite:literal $bitrise:literal $setup:literal,)*) => {
        /// What an option is for, whatever an entry calls it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Meaning {
            $($meaning,)*
        }

        impl Meaning {
            pub const ALL: &'static [Self] = &[$(Self::$meaning,)*];
        }

        #[must_use]
        pub fn flag(meaning: Meaning) -> &'static str {
            match meaning { $(Meaning::$meaning => $flag,)* }
        }

        #[must_use]
        pub fn github(meaning: Meaning) -> &'static str {
            match meaning { $(Meaning::$meaning => $github,)* }
        }

        #[must_use]
        pub fn buildkite(meaning: Meaning) -> &'static str {
            match meaning { $(Meaning::$meaning => $buildkite,)* }
        }

        #[must_use]
        pub fn bitrise(meaning: Meaning) -> &'static str {
            match meaning { $(Meaning::$meaning => $bitrise,)* }
        }

        #[must_use]
        pub fn setup(meaning: Meaning) -> &'static str {
            match meaning { $(Meaning::$meaning => $setup,)* }
        }
    };
}

#[rustfmt::skip]
names! {
    RoleArn         "--role-arn"           "role-to-assume"          "role-arn"                 "role_arn"           "role_arn",
    Region          "--region"             "aws-region"              "region"                   "region"             "region",
    SessionName     "--session-name"       "role-session-name"       "role-session-name"        "session_name"       "role_session_name",
    Duration        "--duration"           "role-duration-seconds"   "role-session-duration"    "duration"           "session_duration",
    Policy          "--policy"             "inline-session-policy"   "inline-session-policy"    "policy"             "",
    PolicyArns      "--policy-arn"         "managed-session-policies" "managed-session-policies" "policy_arn"        "",
    AllowedAccounts "--allowed-account-id" "allowed-account-ids"     "allowed-account-ids"      "allowed_account_id" "allowed_account_id",
    Endpoint        "--sts-endpoint"       "sts-endpoint"            "sts-endpoint"             "sts_endpoint"       "sts_endpoint",
    Attempts        "--max-attempts"       "retry-max-attempts"      "max-attempts"             "max_attempts"       "",
    HandOver        "--hand-over"          "hand-over"               "hand-over"                "hand_over"          "",
    ExportRegion    "--export-region"      ""                        ""                         "export_region"      "",
    Profile         "--profile"            "aws-profile"             "profile"                  "profile"            "profile_name",
    Overwrite       ""                     "overwrite-aws-profile"   ""                         ""                   "",
    Prefix          "--prefix"             "prefix"                        "credential-name-prefix"   "prefix"             "",
    Audience        "--audience"           "audience"                "audience"                 "audience"           "audience",
    TrustPolicyFile "--trust-policy-file"  "trust-policy-file"       "trust-policy-file"        "trust_policy_file"  "",
    ExplainWith     "--explain-with"       "explain-with"            "explain-with"             "explain_with"       "",
    VerifyIdentity  "--verify-identity"    "verify-identity"         "verify-identity"          "verify_identity"    "",
    TokenFile       "--token-file"         "web-identity-token-file" ""                         ""                   "",
    Source          "--source"             "source"                  "source"                   "source"             "",
    SourceProfile   "--source-profile"     "source-profile"          "source-profile"           "source_profile"     "",
    ExternalId      "--external-id"        "role-external-id"        "external-id"              "external_id"        "",
    SourceIdentity  "--source-identity"    "source-identity"         "source-identity"          "source_identity"    "",
    Tags            "--tags"               "custom-tags"             "tags"                     "tags"               "",
    TransitiveTagKeys "--transitive-tag-key" "transitive-tag-keys"   "transitive-tag-keys"      "transitive_tag_key" "",
    Chain           "--chain"              "chain"                   "chain"                    "chain"              "",
    Roles           "--roles"              "roles"                   "roles"                    "roles"              "",
    HideAccount     ""                     "mask-aws-account-id"     "mask-aws-account-id"      ""                   "",
}

/// The common name: the flag's.
#[must_use]
pub fn common(meaning: Meaning) -> &'static str {
    flag(meaning).trim_start_matches('-')
}

/// The options that have another name at an entry than the common one: theirs, then that.
pub fn renamed(entry: fn(Meaning) -> &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let names = Meaning::ALL.iter().map(move |meaning| (entry(*meaning), common(*meaning)));
    names.filter(|(own, common)| !own.is_empty() && !common.is_empty() && own != common)
}
