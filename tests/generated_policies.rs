//! What `src/policy/generate` makes of every CI and level. A folder of `tests/policies/generated` has what is
//! wanted and all that comes of it; `UPDATE=1` writes the latter anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use ci_assume_role::diagnostic::Failure;
use ci_assume_role::policy::caller::{Caller, Role};
use ci_assume_role::policy::document::TrustPolicy;
use ci_assume_role::policy::evaluate::{Verdict, decide};
use ci_assume_role::policy::generate::{Generated, Wanted, generate, json};
use ci_assume_role::policy::json as reader;
use serde_json::{Map, Value};

#[test]
fn everything_that_is_generated_is_as_recorded() {
    let mut differing = Vec::new();
    for folder in folders() {
        let made = made(&folder);
        for (name, text) in &made {
            let path = folder.join(name);
            if fs::read_to_string(&path).is_ok_and(|found| found == *text) {
                continue;
            }
            if env::var_os("UPDATE").is_some() {
                fs::write(&path, text).unwrap();
            } else {
                differing.push(path.display().to_string());
            }
        }
        for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()) {
            let name = file.to_string_lossy().into_owned();
            assert!(name == "wanted.json" || made.contains_key(&name), "{}: nobody makes {name}", folder.display());
        }
    }
    assert!(
        differing.is_empty(),
        "UPDATE=1 cargo test --test generated_policies; read the difference\n{}",
        differing.join("\n")
    );
}

/// Whoever reads what was tried can try it again, and comes to the same end.
#[test]
fn what_was_tried_can_be_tried_again() {
    for folder in folders() {
        let name = folder.display();
        let wanted: Value = serde_json::from_str(&fs::read_to_string(folder.join("wanted.json")).unwrap()).unwrap();
        let generated = generate(&read(&wanted).unwrap()).unwrap();
        let proof: Value = serde_json::from_str(&json(&generated)).unwrap();
        let policy = fs::read_to_string(folder.join("policy.json")).unwrap();
        let policy = TrustPolicy::read(&reader::read(&policy).node.unwrap());
        let role = Role::of_arn(proof["role"].as_str().unwrap()).unwrap();
        let verdict = |claims: &Map<String, Value>, role: Role| {
            decide(&policy, &Caller::of_claims(claims.clone()).with_role(Some(role))).verdict
        };
        let admitted: Vec<&Map<String, Value>> =
            proof["admitted"].as_array().unwrap().iter().map(|claims| claims.as_object().unwrap()).collect();
        assert!(admitted.iter().all(|claims| verdict(claims, role.clone()) == Verdict::Allowed), "{name}");
        let mutations = proof["mutations"].as_array().unwrap();
        assert_eq!(mutations.len(), generated.proof.len(), "{name}");
        for mutation in mutations {
            let claim = mutation["claim"].as_str().unwrap();
            assert!(mutation["refused"] == true && mutation["from"] != mutation["to"], "{name}: {mutation}");
            assert!(!mutation["what"].as_str().unwrap().is_empty(), "{name}: {mutation}");
            if claim == "account" {
                let elsewhere = Role { account: mutation["to"].as_str().unwrap().to_owned(), ..role.clone() };
                assert_eq!(verdict(admitted[0], elsewhere), Verdict::Denied, "{name}: {mutation}");
                continue;
            }
            let has =
                |claims: &&&Map<String, Value>| claims.get(claim).map_or(Value::Null, as_text) == mutation["from"];
            let mut token = (*admitted.iter().find(has).unwrap_or_else(|| panic!("{name}: {mutation}"))).clone();
            match &mutation["to"] {
                Value::Null => token.remove(claim),
                to => token.insert(claim.to_owned(), to.clone()),
            };
            assert_eq!(verdict(&token, role.clone()), Verdict::Denied, "{name}: {mutation}");
        }
        assert_eq!(proof["size"], generated.length);
        assert!(proof["size"].as_u64() <= proof["quota"].as_u64() || !generated.notes.is_empty(), "{name}");
    }
}

fn as_text(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).into()
}

/// Each CI at each level, which is what the folders are for.
#[test]
fn every_artefact_of_every_level_is_there() {
    let names: Vec<String> =
        folders().iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    for wanted in [
        "github-organization",
        "github-repository",
        "github-branch",
        "github-tag",
        "github-environment",
        "github-pull-request",
        "github-workflow",
        "gitlab-organization",
        "gitlab-project",
        "gitlab-branch",
        "gitlab-tag",
        "gitlab-own-branch",
        "buildkite-organization",
        "buildkite-pipeline",
        "buildkite-branch",
        "buildkite-tag",
        "circleci-organization",
        "circleci-project",
        "circleci-branch",
        "bitbucket-repository",
        "bitbucket-environment",
        "bitrise-app",
        "bitrise-workflow",
        "azure-devops-service-connection",
        "azure-devops-pipeline",
        "other-subject",
    ] {
        assert!(names.iter().any(|name| name == wanted), "{wanted}");
    }
}

/// An audience of one's own, another partition or no ids make another policy, and no fault of the generator.
#[test]
fn other_accounts_audiences_and_knowledge_make_policies_as_well() {
    for folder in folders() {
        let wanted: Value = serde_json::from_str(&fs::read_to_string(folder.join("wanted.json")).unwrap()).unwrap();
        let arn = |partition: &str| format!("arn:{partition}:iam::210987654321:role/ci/deploy");
        let ids = ["--organization-id", "--repository-id", "--project-id", "--namespace-id", "--pipeline-id"];
        for (changes, without) in [
            (vec![("--audience", "https://aws.example.com/")], &[] as &[&str]),
            (vec![("--role-arn", arn("aws-cn").as_str())], &["--role-name", "--account-id", "--partition"]),
            (vec![("--role-arn", arn("aws-iso-b").as_str())], &["--role-name", "--account-id", "--partition"]),
            (vec![], &ids),
        ] {
            let mut changed = wanted.clone();
            let options = changed["options"].as_object_mut().unwrap();
            options.retain(|name, _| !without.contains(&name.as_str()));
            options.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
            // Where an id is what tells jobs apart, it cannot be left out.
            let Ok(read) = read(&changed) else {
                assert_eq!(without, &ids, "{}: {changed}", folder.display());
                continue;
            };
            let made = generate(&read);
            assert!(made.is_ok(), "{}: {changed}: {}", folder.display(), made.unwrap_err());
        }
    }
}

/// The job's side is what the pages tell people to write.
#[test]
fn pipelines_use_the_program_as_the_pages_do() {
    for (folder, page, line) in [
        ("github-branch", "github", "uses: "),
        ("gitlab-branch", "gitlab", "npx "),
        ("buildkite-branch", "buildkite", "- https://"),
        ("circleci-project", "circleci", "npx "),
        ("bitbucket-environment", "bitbucket", "npx "),
        ("bitrise-workflow", "bitrise", "- git::"),
        ("azure-devops-pipeline", "azure-devops", "npx "),
        ("azure-devops-service-connection", "azure-devops", "- task: "),
    ] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let pipeline =
            fs::read_to_string(root.join("tests/policies/generated").join(folder).join("pipeline.yml")).unwrap();
        let page = fs::read_to_string(root.join("docs").join(page).with_extension("md")).unwrap();
        let at = pipeline.find(line).unwrap();
        let call = pipeline[at..].lines().next().unwrap().trim_end_matches(['"', ')', '\\']);
        assert!(page.contains(call), "{folder}: {call}");
    }
}

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/generated");
    let mut folders: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn made(folder: &Path) -> BTreeMap<String, String> {
    let wanted: Value = serde_json::from_str(&fs::read_to_string(folder.join("wanted.json")).unwrap()).unwrap();
    let read = read(&wanted).unwrap_or_else(|failure| panic!("{}: {:#?}", folder.display(), failure.diagnostics()));
    let generated = generate(&read).unwrap_or_else(|unsound| panic!("{}: {unsound:#?}", folder.display()));
    let mut made: BTreeMap<String, String> =
        generated.artefacts.iter().map(|artefact| (artefact.format.file().to_owned(), artefact.text.clone())).collect();
    made.insert("proof.txt".to_owned(), report(&generated));
    made
}

fn read(wanted: &Value) -> Result<Wanted, Failure> {
    let lookup = |name: &str| match wanted["options"].get(name)? {
        Value::Array(several) => Some(several.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")),
        one => one.as_str().map(str::to_owned),
    };
    match wanted["claims"].as_object() {
        Some(claims) => Wanted::of_claims(claims, lookup),
        None => Wanted::read(lookup),
    }
}

fn report(generated: &Generated) -> String {
    let mut text = format!("{} characters\n", generated.length);
    for note in &generated.notes {
        let _ = writeln!(text, "note: {note}");
    }
    for finding in &generated.findings {
        let _ = writeln!(text, "{} {}: {}", finding.rule.id, finding.severity.name(), finding.message);
    }
    for mutation in &generated.proof {
        let part = mutation.part.map_or_else(String::new, |part| format!(" ({part})"));
        let value = mutation.value.as_deref().unwrap_or("(none)");
        let _ = writeln!(
            text,
            "{} {}{part} = {value}",
            if mutation.refused { "refused" } else { "ADMITTED" },
            mutation.claim
        );
    }
    text
}
