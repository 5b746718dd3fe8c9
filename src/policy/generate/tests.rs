use proptest::prelude::*;

use super::proof::prove;
use super::*;
use crate::policy::generate::plan::Subject;

const GITHUB: &[(&str, &str)] = &[
    ("--ci", "github"),
    ("--role-name", "deploy"),
    ("--account-id", "123456789012"),
    ("--repository", "octo-org/octo-repo"),
    ("--repository-id", "74"),
    ("--organization-id", "65"),
    ("--environment", "production"),
];

fn lookup(options: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    |name| options.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
}

fn wanted(options: &[(&str, &str)]) -> Result<Wanted, Vec<String>> {
    Wanted::read(lookup(options))
        .map_err(|failure| failure.diagnostics().iter().map(|problem| problem.headline.as_str().to_owned()).collect())
}

fn with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut options = [GITHUB, changes].concat();
    // Nothing, as CIs hand over unset options.
    options.retain(|(name, value)| {
        !value.is_empty() && !changes.iter().any(|(other, gone)| other == name && gone.is_empty())
    });
    options
}

#[test]
fn every_fault_is_named_at_once() {
    let faults = wanted(&with(&[
        ("--account-id", "12345"),
        ("--partition", "aws-mars"),
        ("--repository", "https://github.com/octo-org/octo-repo"),
        ("--repository-id", "R_74"),
        ("--app", "x"),
    ]))
    .unwrap_err();
    assert_eq!(
        faults,
        [
            "`--account-id` has `12345`, which is not an account id of 12 digits",
            "`--partition` is not a partition of AWS",
            "`--app` has no meaning for GitHub Actions",
            "`--repository` is an address; it takes owner and name",
            "`--repository-id` is not an id, which is a number",
            "`--repository` is not set, and neither is `--organization`",
        ]
    );
}

#[test]
fn faults_of_options_are_named() {
    for (changes, fault) in [
        (&[("--ci", "")] as &[_], "`--ci` is not set"),
        (&[("--ci", "jenkins")], "`--ci` is no CI that is known here; `other` is any of them"),
        (&[("--role-name", "")], "`--role-name` is not set"),
        (&[("--role-name", "de ploy")], "`--role-name` has white space in it"),
        (&[("--role-arn", "arn:aws:iam::123456789012:role/x")], "`--role-name` is said by `--role-arn` already"),
        (&[("--level", "brnch")], "`--level` is not a level"),
        (&[("--level", "branch")], "`--branch` is not set"),
        (
            &[("--level", "service-connection")],
            "`--level service-connection` is nothing that a policy can see at GitHub Actions",
        ),
        (&[("--branch", "main")], "`--branch` has no meaning at the level environment"),
        (
            &[("--environment", ""), ("--branch", "refs/heads/main")],
            "`--branch` starts with `refs/heads/`, which is put there by itself",
        ),
        (
            &[("--environment", ""), ("--branch", "*")],
            "`--branch` admits every one; leave it out and take the level of the repository for that",
        ),
        (&[("--environment", ""), ("--branch", "a b")], "`--branch` has a ` `, which git does not allow"),
        (&[("--environment", "prod*")], "`--environment` has a `*`; only branches and tags can be patterns"),
        (
            &[("--environment", "${{ vars.ENV }}")],
            "`--environment` holds `${`, so it is a placeholder that nothing has replaced",
        ),
        (&[("--environment", "a\u{202e}b")], "`--environment` has the character U+202E, which nobody can see"),
        (
            &[("--repository", "octo-org/a\nacme/b"), ("--repository-id", "1\n2")],
            "`--repository` names repositories of several owners; it takes one policy for each",
        ),
        (
            &[("--repository-id", "74\n75")],
            "`--repository-id` has 2 ids for 1 names; it takes one for each, in the same order",
        ),
        (
            &[("--issuer", "http://ghe.example.com/_services/token")],
            "`--issuer` does not start with `https://`, as every issuer that AWS accepts does",
        ),
        (
            &[("--issuer", "https://ghe.example.com:8443/_services/token")],
            "`--issuer` has a port or a user, which IAM does not take",
        ),
        (&[("--audience", "a b")], "`--audience` has white space in it"),
    ] {
        assert!(
            wanted(&with(changes)).unwrap_err().iter().any(|found| found == fault),
            "{changes:?}: {:?}",
            wanted(&with(changes)).unwrap_err()
        );
    }
}

/// What is empty by mistake must not let more in.
#[test]
fn an_option_without_a_value_is_a_fault() {
    let options = [GITHUB, &[("--environment", " ")]].concat();
    assert!(wanted(&options).unwrap_err().contains(&"`--environment` is empty".to_owned()));
    let claims = serde_json::Map::new();
    assert!(Wanted::of_claims(&claims, lookup(&options)).is_err());
}

#[test]
fn a_correction_is_offered_where_there_is_one() {
    for (changes, fix) in [
        (
            &[("--repository", "git@github.com:octo-org/octo-repo.git")] as &[_],
            "for example `--repository octo-org/octo-repo`",
        ),
        (&[("--level", "enviroment")], "for example `--level environment`"),
        (&[("--account-id", "1234-5678-9012")], "for example `--account-id 123456789012`"),
        (&[("--environment", ""), ("--tag", "refs/tags/v1")], "for example `--tag v1`"),
    ] {
        let failure = Wanted::read(lookup(&with(changes))).unwrap_err();
        let fixes: Vec<&str> =
            failure.diagnostics().iter().flat_map(|problem| &problem.fixes).map(crate::text::Inert::as_str).collect();
        assert!(fixes.contains(&fix), "{fixes:?}");
    }
}

/// The proof is worth something only if a policy that is too wide, too narrow or broken does not pass it.
#[test]
fn a_policy_that_does_something_else_is_not_handed_out() {
    let sound = || wanted(GITHUB).unwrap();
    assert!(generate(&sound()).is_ok());
    type Spoil = fn(&mut Plan);
    let broken: [(&str, Spoil); 8] = [
        ("a pattern for the repository", |plan| {
            plan.subjects = vec![
                Subject::new("repo:octo-org/octo-repo*:environment:production".into()),
                Subject::new("repo:octo-org@65/octo-repo@74:environment:production".into()),
            ]
        }),
        ("a pattern for the environment", |plan| {
            plan.subjects.push(Subject::new("repo:octo-org/octo-repo:environment:prod*".into()))
        }),
        ("every form", |plan| plan.subjects.push(Subject::new("repo:octo-org/octo-repo:*".into()))),
        ("one form", |plan| plan.subjects.truncate(1)),
        ("another owner's id", |plan| plan.pins = vec![("repository_owner_id", vec!["66".into()])]),
        ("a claim that AWS does not read", |plan| plan.pins.push(("event_name", vec!["push".into()]))),
        ("another audience", |plan| plan.audience = "https://github.com/octo-org".into()),
        ("another issuer", |plan| plan.issuer = "token.actions.githubusercontent.com/octo-org".into()),
    ];
    for (what, spoil) in broken {
        let mut wanted = sound();
        spoil(&mut wanted.plan);
        assert!(generate(&wanted).is_err(), "{what}");
    }
}

#[test]
fn a_policy_that_cannot_be_read_or_is_open_is_not_handed_out() {
    let Wanted { plan, .. } = wanted(GITHUB).unwrap();
    let role = Role { partition: "aws".into(), account: "123456789012".into() };
    let policy = plan.policy(Doc::text(&role.provider_arn(&plan.issuer))).literal(doc::JSON, 0);
    assert!(prove(&plan, &policy, &role).is_ok());
    assert!(matches!(prove(&plan, policy.trim_end_matches('}'), &role), Err(Unsound::Unreadable)));
    assert!(matches!(prove(&plan, &policy.replace("Effect", "effect"), &role), Err(Unsound::Unreadable)));
    assert!(matches!(
        prove(&plan, &policy.replace("StringEquals", "StringNotEquals"), &role),
        Err(Unsound::Refuses { .. })
    ));
    let unnamed = policy.replace("\"token.actions.githubusercontent.com:sub\"", "\"aws:RequestedRegion\"");
    assert!(prove(&plan, &unnamed, &role).is_err());
    let open = policy.replace("StringEquals", "StringEqualsIfExists");
    assert!(matches!(prove(&plan, &open, &role), Err(Unsound::Admits(_))));
}

/// Names of branches in CircleCI's subjects can hold whatever the rest of a subject holds.
#[test]
fn a_branch_cannot_pretend_to_be_another() {
    let id = "7d5e5c1e-7a54-4b7e-9ad5-0c2cf1b6a1a2";
    let options = [
        ("--ci", "circleci"),
        ("--role-name", "deploy"),
        ("--account-id", "123456789012"),
        ("--organization-id", id),
        ("--project-id", id),
        ("--repository", "github.com/acme/api"),
        ("--branch", "main"),
    ];
    let mut wanted = wanted(&options).unwrap();
    let generated = generate(&wanted).unwrap();
    let crafted = "/vcs-ref/x/vcs-origin/github.com/acme/api/vcs-ref/refs/heads/main";
    assert!(generated.proof.iter().any(|mutation| mutation.value.as_deref().is_some_and(|sub| sub.ends_with(crafted))));
    for subject in &mut wanted.plan.subjects {
        subject.text = subject.text.replace("????????-????-????-????-????????????", "*");
    }
    assert!(matches!(generate(&wanted), Err(Unsound::Admits(_))), "the vendor's own pattern");
}

#[test]
fn keys_that_are_not_known_in_a_partition_are_left_out_and_said() {
    let generated = generate(&wanted(&with(&[("--partition", "aws-us-gov")])).unwrap()).unwrap();
    assert!(!generated.artefacts[0].text.contains("repository_id"));
    assert!(generated.artefacts[0].text.contains("arn:aws-us-gov:iam::123456789012:oidc-provider/"));
    assert!(generated.artefacts[0].text.contains("octo-repo@74"), "the id is in the subject all the same");
    assert!(generated.notes.iter().any(|note| note.contains("in the partition aws-us-gov")));
}

#[test]
fn a_policy_that_is_too_long_comes_with_a_word_on_it() {
    let long: Vec<String> = (0..20).map(|n| format!("environment-with-a-long-name-{n}")).collect();
    let generated = generate(&wanted(&with(&[("--environment", &long.join("\n"))])).unwrap()).unwrap();
    assert!(generated.length > QUOTA);
    assert!(generated.notes.iter().any(|note| note.contains("40 subjects make it long")), "{:?}", generated.notes);
    assert!(generate(&wanted(GITHUB).unwrap()).unwrap().length < QUOTA);
}

#[test]
fn a_token_gives_the_options_and_options_win() {
    let claims = serde_json::json!({
        "iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com",
        "sub": "repo:octo-org@65/octo-repo@74:environment:EU%3A prod", "environment": "EU: prod",
        "repository": "octo-org/octo-repo", "repository_id": "74", "repository_owner_id": "65", "ref": "refs/heads/main",
    });
    let role = ("--role-arn", "arn:aws:iam::123456789012:role/deploy");
    let subjects = |options: &[(&str, &str)]| {
        let wanted = Wanted::of_claims(claims.as_object().unwrap(), lookup(&[&[role], options].concat()));
        wanted.map(|wanted| {
            assert!(generate(&wanted).is_ok(), "{options:?}");
            wanted.plan.subjects.iter().map(|subject| subject.text.clone()).collect::<Vec<_>>()
        })
    };
    for (options, expected) in [
        (&[] as &[_], Some("repo:octo-org/octo-repo:environment:EU%3A prod")),
        (&[("--level", "repository")], Some("repo:octo-org/octo-repo:*")),
        (&[("--level", "organization")], Some("repo:octo-org/*")),
        (&[("--level", "subject")], Some("repo:octo-org@65/octo-repo@74:environment:EU%3A prod")),
    ] {
        assert_eq!(subjects(options).ok().and_then(|all| all.first().cloned()).as_deref(), expected, "{options:?}");
    }
    // The job has an environment, so a policy for its branch would not let it in.
    let of_branch = Wanted::of_claims(claims.as_object().unwrap(), lookup(&[role, ("--level", "branch")])).unwrap_err();
    let of = |option| Wanted::of_claims(claims.as_object().unwrap(), lookup(&[role, option]));
    assert!(of(("--repository-id", "75")).is_err(), "the token is of 74");
    assert!(generate(&of(("--audience", "another")).unwrap()).is_ok(), "a job can ask for it");
    assert_eq!(of_branch.diagnostics()[0].headline.as_str(), "a policy at the level branch would not admit this token");
}

#[test]
fn a_token_of_every_ci_makes_a_policy_that_admits_it() {
    let id = "7d5e5c1e-7a54-4b7e-9ad5-0c2cf1b6a1a2";
    for (issuer, audience, subject) in [
        ("https://gitlab.com", "sts.amazonaws.com", "project_path:acme/shop/api:ref_type:tag:ref:v1".to_owned()),
        (
            "https://gitlab.example.com",
            "https://gitlab.example.com",
            "project_path:acme/api:ref_type:branch:ref:main".to_owned(),
        ),
        (
            "https://agent.buildkite.com",
            "https://buildkite.com/acme",
            "organization:acme:pipeline:api:ref:refs/heads/main:commit:9f:step:".to_owned(),
        ),
        ("https://agent.buildkite.com", "sts.amazonaws.com", id.to_owned()),
        (&format!("https://oidc.circleci.com/org/{id}"), id, format!("org/{id}/project/{id}/user/{id}")),
        (
            &format!("https://oidc.circleci.com/org/{id}"),
            "other",
            format!("org/{id}/project/{id}/user/{id}/vcs-origin/github.com/acme/api/vcs-ref/refs/heads/a/b"),
        ),
        (
            "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
            &format!("ari:cloud:bitbucket::workspace/{id}"),
            format!("{{{id}}}:{{{id}}}:{{{id}}}"),
        ),
        (
            "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
            &format!("ari:cloud:bitbucket::workspace/{id}"),
            format!("{{{id}}}:{{{id}}}"),
        ),
        ("https://token.builds.bitrise.io", "sts.amazonaws.com", "app:c6d2a5b8e1f34a7b:workflow:deploy".to_owned()),
        (
            &format!("https://vstoken.dev.azure.com/{id}"),
            "api://AzureADTokenExchange",
            "sc://acme/shop/aws deploy".to_owned(),
        ),
        (
            &format!("https://vstoken.dev.azure.com/{id}"),
            "api://AzureADTokenExchange",
            "p://acme/shop/deploy".to_owned(),
        ),
        ("https://acme.semaphoreci.com", "https://acme.semaphoreci.com", "org:acme:project:1".to_owned()),
    ] {
        let claims = serde_json::json!({
            "iss": issuer, "aud": audience, "sub": subject, "build_branch": "main", "oidc.circleci.com/project-id": id,
            "project_id": "20", "namespace_id": "72", "ref_protected": "true",
        });
        let mut carrying = claims.clone();
        carrying["https://aws.amazon.com/tags"] = serde_json::json!({ "principal_tags": { "team": ["a"] } });
        carrying["https://aws.amazon.com/source_identity"] = "me".into();
        let actions = |claims: &Value| {
            let role = ("--role-arn", "arn:aws:iam::123456789012:role/deploy");
            let wanted = Wanted::of_claims(claims.as_object().unwrap(), lookup(&[role]));
            let wanted = wanted.unwrap_or_else(|failure| panic!("{subject}: {:?}", failure.diagnostics()));
            assert!(generate(&wanted).is_ok(), "{subject}: {:?}", generate(&wanted).err());
            wanted.plan.actions
        };
        assert_eq!(actions(&claims), [] as [&str; 0]);
        assert_eq!(actions(&carrying), ["sts:TagSession", "sts:SetSourceIdentity"]);
    }
}

/// What a person may type, and what somebody else would like them to.
fn identifier() -> impl Strategy<Value = String> {
    let hostile = prop::sample::select(vec![
        "\"",
        "'",
        "`",
        "$",
        "\\",
        "\n",
        "\r",
        "${x}",
        "$(x)",
        "%{x}",
        "&{x}",
        "{{x}}",
        "#",
        ": ",
        "- ",
        "!Ref x",
        "*",
        "?",
        "//",
        "*/",
        "\u{2028}",
        "\u{0}",
        "é",
        "\u{1f600}",
        "EOF",
        ";",
        "|",
        "&",
        "<",
        ">",
        "@",
        ",",
        "]",
        "}",
        "%",
        "/",
        "..",
        " ",
    ]);
    let word = prop_oneof![hostile.prop_map(str::to_owned), "[a-zA-Z0-9._-]{1,6}"];
    prop::collection::vec(word, 1..5).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever it is, it is refused, or it is the policy's value and has no other effect on any file.
    #[test]
    fn identifiers_have_no_meaning_in_what_is_written(text in identifier()) {
        let base = |ci, rest: &[(&'static str, &'static str)]| {
            let mut options = vec![("--ci", ci), ("--role-name", "deploy"), ("--account-id", "123456789012")];
            options.extend(rest);
            options
        };
        let id = "7d5e5c1e-7a54-4b7e-9ad5-0c2cf1b6a1a2";
        for (options, name) in [
            (base("github", &[("--repository", "o/r")]), "--environment"),
            (base("github", &[("--repository", "o/r")]), "--branch"),
            (base("gitlab", &[("--project", "o/r")]), "--tag"),
            (base("bitrise", &[("--app", "a")]), "--workflow"),
            (base("azure-devops", &[("--organization", "o"), ("--organization-id", id), ("--project", "p")]), "--service-connection"),
            (base("other", &[("--issuer", "https://ci.example.com")]), "--subject"),
            (base("other", &[("--issuer", "https://ci.example.com"), ("--subject", "s")]), "--audience"),
        ] {
            let make = |text: &str| Wanted::read(lookup(&[options.as_slice(), &[(name, text)]].concat()));
            let Ok(wanted) = make(&text) else { continue };
            let generated = match generate(&wanted) {
                Ok(generated) => generated,
                // What looks like a placeholder that was left in is refused by the proof.
                Err(unsound) if format!("{unsound:?}").contains("TP067") => continue,
                Err(unsound) => return Err(TestCaseError::fail(format!("{name} {text:?}: {unsound:?}"))),
            };
            if text.contains('\n') {
                continue; // several values
            }
            // A pattern stands in another place than a value.
            let benign = generate(&make(if text.contains('*') { "a*b" } else { "a" }).unwrap()).unwrap();
            let carried = if name == "--environment" { text.trim().replace(':', "%3A") } else { text.trim().to_owned() };
            let policy = &generated.artefacts[0].text;
            for (made, benign) in generated.artefacts.iter().zip(&benign.artefacts) {
                let Artefact { format, text } = made;
                prop_assert_eq!(text.lines().count(), benign.text.lines().count(), "{}\n{}", format.file(), text);
                prop_assert!(!text.contains(|c| c != '\n' && c != '\t' && crate::text::is_invisible(c)), "{}", text);
                match format {
                    Format::Script => {
                        let quoted = text.split_once("policy='").and_then(|(_, rest)| rest.split_once("'\n\nfound="));
                        let (quoted, _) = quoted.unwrap();
                        prop_assert!(!quoted.replace(r"'\''", "").contains('\''), "{}", quoted);
                        prop_assert_eq!(quoted.replace(r"'\''", "'"), policy.trim_end());
                    }
                    Format::Terraform => {
                        prop_assert!(text.contains(&doc::hcl(&carried)[1..doc::hcl(&carried).len() - 1]), "{}", text);
                        let live = text.replace("$${", "").replace("%%{", "");
                        prop_assert!(!live.contains("${") && !live.contains("%{"), "{}", text);
                    }
                    Format::Pipeline => {}
                    _ => prop_assert!(text.contains(&doc::json(&carried)[1..doc::json(&carried).len() - 1]), "{}", text),
                }
            }
        }
    }
}
