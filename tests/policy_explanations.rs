//! Every explanation in `tests/policies/explain`, as a whole: `policy.json`, `claims.json`, perhaps
//! `options.json` (`roleArn`, `now`, `clientIds`, `reachedPolicy`), and what comes of them.
//! A page for each cause shows one of them. `UPDATE=1` writes what comes of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use ci_assume_role::diagnostic::Code;
use ci_assume_role::diagnostic::render::guarded;
use ci_assume_role::policy::caller::{Caller, Role};
use ci_assume_role::policy::claims::{self, Given};
use ci_assume_role::policy::document::TrustPolicy;
use ci_assume_role::policy::evaluate::{Verdict, decide};
use ci_assume_role::policy::explain::{CAUSES, Decision, Explanation, Gate, Known, explain, json, text};
use ci_assume_role::policy::issuer::Kind;
use ci_assume_role::policy::json as reader;
use ci_assume_role::policy::source;
use ci_assume_role::policy::truth::Truth;
use ci_assume_role::product;
use ci_assume_role::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

const CASES: &str = "tests/policies/explain";

struct Read {
    name: String,
    policy: String,
    given: Given,
    role_arn: Option<String>,
    explanation: Explanation,
}

impl Read {
    fn json(&self) -> Value {
        let file = source::read("policy.json", &self.policy);
        serde_json::from_str(&json(&self.explanation, &file.policies[0], &self.policy, &self.given.caller)).unwrap()
    }
}

fn cases() -> Vec<Read> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root().join(CASES)).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.iter().map(|folder| read(folder)).collect()
}

fn read(folder: &Path) -> Read {
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    explained(folder, text("policy.json"), &text("claims.json"))
}

/// What is said of another policy or token, if all else is as in the case.
fn explained(folder: &Path, policy: String, claims: &str) -> Read {
    let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
    let given = claims::read(claims).unwrap().remove(0);
    let (role_arn, explanation) = said(folder, &parsed(&policy), &given);
    Read { name, policy, given, role_arn, explanation }
}

/// The role that is asked for, and what is said of it.
fn said(folder: &Path, policy: &TrustPolicy, given: &Given) -> (Option<String>, Explanation) {
    let options = fs::read_to_string(folder.join("options.json")).unwrap_or_else(|_| "{}".to_owned());
    let options: Value = serde_json::from_str(&options).unwrap();
    let client_ids: Option<Vec<String>> =
        options["clientIds"].as_array().map(|ids| ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect());
    let known = Known {
        now: options["now"].as_str().map(|time| Timestamp::parse(time).unwrap()),
        client_ids: client_ids.as_deref(),
        reached_policy: options["reachedPolicy"] == true || given.event.as_ref().is_some_and(claims::Event::is_denial),
    };
    let role_arn = options["roleArn"].as_str().map(str::to_owned).or_else(|| given.role_arn.clone());
    let explanation = explain(policy, &given.caller, role_arn.as_deref(), &known);
    (role_arn, explanation)
}

fn parsed(text: &str) -> TrustPolicy {
    TrustPolicy::read(&reader::read(text).node.unwrap())
}

#[test]
fn every_explanation_reads_as_expected() {
    let root = root().join(CASES);
    let mut wrong = Vec::new();
    for case in cases() {
        let pretty = case.json();
        for (file, got) in [
            ("expected.txt", text(&case.explanation, false).join("\n") + "\n"),
            ("expected.json", serde_json::to_string_pretty(&pretty).unwrap() + "\n"),
        ] {
            let path = root.join(&case.name).join(file);
            let got = got.replace(&product::site_url(), "SITE");
            if env::var_os("UPDATE").is_some() {
                fs::write(&path, &got).unwrap();
            }
            let expected = fs::read_to_string(&path).unwrap_or_default();
            if got != expected {
                wrong.push(format!("{}:\n- {expected}\n+ {got}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_cause_has_a_case() {
    let shown: BTreeSet<&str> = cases().iter().map(|case| case.explanation.cause.id).collect();
    let missing: Vec<&str> = CAUSES.iter().map(|cause| cause.id).filter(|id| !shown.contains(id)).collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}

#[test]
fn every_cause_has_a_page_and_every_page_a_cause() {
    let mut pages: Vec<String> = fs::read_dir(root().join("docs/causes"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    pages.sort();
    let mut causes: Vec<String> = CAUSES.iter().map(|cause| format!("{}.md", cause.id)).collect();
    causes.sort();
    assert_eq!(pages, causes);
    for cause in CAUSES {
        let page = page(cause.id);
        let start = format!("# {}\n\n**{}**\n\n## Bad\n", cause.id, cause.title);
        assert!(page.starts_with(&start), "{} has to start with\n{start}", cause.id);
        let headings: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, ["## Bad", "## Good", "## Why"], "{}", cause.id);
        assert!(page.contains("](https://"), "{} cites no source", cause.id);
    }
    let mut table = "| cause | what it is |\n|---|---|\n".to_owned();
    for cause in CAUSES {
        table.push_str(&format!("| [{}]({}.md) | {} |\n", cause.id, cause.id, cause.title));
    }
    written("README", &between(&page("README"), "causes", "causes", &table));
}

/// The page that explains denials is opened with the id of a cause or the code of a denial, and cannot ask which.
#[test]
fn what_is_a_cause_and_a_code_means_the_same() {
    let ids: BTreeSet<&str> = CAUSES.iter().map(|cause| cause.id).collect();
    assert_eq!(ids.len(), CAUSES.len());
    let both: Vec<&Code> = Code::ALL.iter().filter(|code| ids.contains(code.id())).collect();
    assert_eq!(both, [&Code::TagSessionNotAllowed, &Code::SourceIdentityNotAllowed]);
    for code in Code::ALL {
        let is_linked = code.docs_url() == product::cause_url(code.id());
        assert_eq!(is_linked, code.is_denial(), "{}", code.id());
    }
}

/// What a page shows as bad is a case that has this cause, and nothing else in it is said by hand.
#[test]
fn pages_show_what_is_said_of_a_case() {
    for cause in CAUSES {
        let mut page = page(cause.id);
        let case = read(&case_of(&page));
        assert_eq!(case.explanation.cause.id, cause.id, "{} is no case of {}", case.name, cause.id);
        let claims = fs::read_to_string(case_of(&page).join("claims.json")).unwrap();
        let said = text(&case.explanation, false);
        let said = said.iter().take_while(|line| !line.starts_with("  the statement,"));
        let said: Vec<&str> = said.map(String::as_str).filter(|line| !line.starts_with("  docs ")).collect();
        let bad = format!(
            "{}\nWith this token:\n\n{}\nit is said:\n\n{}",
            fenced("json", &case.policy),
            fenced("json", &claims),
            fenced("text", &said.join("\n"))
        );
        page = between(&page, &format!("bad: {}", case.name), "bad", &bad);
        if page.contains("<!-- good -->") {
            let statement = case.explanation.fix.statement.as_ref();
            let statement = statement.unwrap_or_else(|| panic!("{} offers no statement", case.name));
            let good = format!("The statement, changed so that it admits this token:\n\n{}", fenced("json", statement));
            page = between(&page, "good", "good", &good);
        }
        written(cause.id, &page);
    }
}

/// Where a page has a policy or a token as the good one, it gets the job in.
#[test]
fn what_pages_show_as_good_is_admitted() {
    let mut in_words = Vec::new();
    for cause in CAUSES {
        let page = page(cause.id);
        let folder = case_of(&page);
        let bad = read(&folder);
        let claims = fs::read_to_string(folder.join("claims.json")).unwrap();
        let part = page.split_once("\n## Good\n").unwrap().1.split("\n## Why\n").next().unwrap();
        let Some(block) = part.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()) else {
            in_words.push(cause.id);
            continue;
        };
        let value: Value = serde_json::from_str(block).unwrap();
        let good = if value["Statement"].is_array() {
            explained(&folder, block.to_owned(), &claims)
        } else if value["Effect"].is_string() {
            let policy = format!("{{\"Version\": \"2012-10-17\", \"Statement\": [{block}]}}");
            explained(&folder, policy, &claims)
        } else {
            explained(&folder, bad.policy.clone(), block)
        };
        assert_ne!(bad.explanation.decision, good.explanation.decision, "{}", cause.id);
        assert_eq!(good.explanation.decision, Decision::Allow, "{}: {:?}", cause.id, good.explanation.why);
    }
    assert_eq!(in_words, ["audience-not-registered", "depends-on-the-call", "policy-allows"]);
}

/// The case that a page's `<!-- bad: CASE -->` names.
fn case_of(page: &str) -> PathBuf {
    let name = page.split_once("<!-- bad: ").unwrap().1.split(" -->").next().unwrap();
    root().join(CASES).join(name)
}

fn fenced(language: &str, text: &str) -> String {
    format!("```{language}\n{}\n```\n", text.trim_end())
}

/// Replaces what stands between `<!-- OPEN -->` and `<!-- /CLOSE -->`.
fn between(page: &str, open: &str, close: &str, text: &str) -> String {
    let (open, close) = (format!("<!-- {open} -->\n"), format!("<!-- /{close} -->"));
    let (head, rest) = page.split_once(&open).unwrap_or_else(|| panic!("no {open}"));
    let (_, tail) = rest.split_once(&close).unwrap_or_else(|| panic!("no {close}"));
    format!("{head}{open}{text}{close}{tail}")
}

fn page(name: &str) -> String {
    let path = root().join("docs/causes").join(name).with_extension("md");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn written(name: &str, new: &str) {
    if page(name) == new {
        return;
    }
    let stale = format!("docs/causes/{name}.md is not current: run UPDATE=1 cargo test --test policy_explanations");
    assert!(env::var_os("UPDATE").is_some(), "{stale}");
    fs::write(root().join("docs/causes").join(name).with_extension("md"), new).unwrap();
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_ci_has_a_case() {
    let shown: BTreeSet<Kind> = cases().iter().map(|case| Kind::of(&case.given.caller.issuer)).collect();
    for kind in [
        Kind::GitHub,
        Kind::GitLab,
        Kind::GitLabOwn,
        Kind::Buildkite,
        Kind::CircleCi,
        Kind::Bitbucket,
        Kind::Bitrise,
        Kind::AzureDevOps,
        Kind::Google,
        Kind::Other,
    ] {
        assert!(shown.contains(&kind), "{}", kind.name());
    }
}

/// Scripts read these members, and people read them first.
#[test]
fn json_starts_with_what_is_promised() {
    for case in cases() {
        let file = source::read("policy.json", &case.policy);
        let text = json(&case.explanation, &file.policies[0], &case.policy, &case.given.caller);
        let names = ["decision", "gate", "cause", "statement", "failed", "fix", "action"];
        let places: Vec<usize> = names.iter().map(|name| text.find(&format!("\"{name}\":")).unwrap()).collect();
        // `failed` has members of its own, of which one is called `cause` as well, behind the first.
        assert!(places.is_sorted(), "{}: {text}", case.name);
    }
}

/// The page that draws a decision takes all from here, so nothing of the policy may be missing.
#[test]
fn json_has_every_gate_and_every_statement() {
    for case in cases() {
        let (json, policy, name) = (case.json(), parsed(&case.policy), &case.name);
        let ids: Vec<&str> =
            json["gates"].as_array().unwrap().iter().map(|gate| gate["gate"].as_str().unwrap()).collect();
        assert_eq!(ids, Gate::ALL.map(Gate::id), "{name}");
        let seen: Vec<&str> =
            json["gates"].as_array().unwrap().iter().map(|gate| gate["seen"].as_str().unwrap()).collect();
        let shut = seen.iter().position(|seen| *seen == "failed").map_or(seen.len(), |shut| shut + 1);
        for (index, seen) in seen.iter().enumerate() {
            assert_eq!(*seen == "not-reached", index >= shut, "{name}: {seen}");
        }
        assert!(text(&case.explanation, false)[0].ends_with(json["headline"].as_str().unwrap()), "{name}");

        let statements = json["statements"].as_array().unwrap();
        assert_eq!(statements.len(), policy.statements.len(), "{name}");
        let role = case.role_arn.as_deref().and_then(Role::of_arn).or(case.given.caller.role.clone());
        let caller = case.given.caller.clone().with_role(role);
        let decision = decide(&policy, &caller);
        let action = decision.actions.iter().find(|action| json["action"] == action.action).unwrap();
        let word = |truth| match truth {
            Truth::Yes => "passed",
            Truth::No => "failed",
            Truth::Unknown => "not-seen",
        };
        for (drawn, decided) in statements.iter().zip(&action.statements) {
            assert_eq!(drawn["seen"], word(decided.truth), "{name}");
            assert_eq!(drawn["principal"]["seen"], word(decided.principal), "{name}");
            assert_eq!(drawn["action"]["seen"], word(decided.action), "{name}");
            let conditions = drawn["conditions"].as_array().unwrap();
            assert_eq!(conditions.len(), decided.conditions.len(), "{name}");
            assert_eq!(drawn["nearest"] == true, json["statement"] == drawn["index"], "{name}");
            assert_eq!(
                cut(&case.policy, drawn),
                &case.policy[decided.statement.span.start..decided.statement.span.end]
            );
            for (drawn, decided) in conditions.iter().zip(&decided.conditions) {
                assert_eq!(drawn["seen"], word(decided.truth), "{name}");
                assert!(cut(&case.policy, drawn).starts_with('"'), "{name}");
            }
            for leaf in conditions.iter().chain([&drawn["principal"], &drawn["action"]]) {
                assert!(leaf["nearest"].is_null() || (leaf["seen"] != "passed" && leaf["had"].is_string()), "{name}");
                let text = |value: &Value| value.as_str().map(|text| text.encode_utf16().count());
                for (ranges, text) in [
                    (&leaf["nearest"]["wantedRanges"], text(&leaf["nearest"]["wanted"])),
                    (&leaf["nearest"]["hadRanges"], text(&leaf["had"])),
                ] {
                    let ends = ranges.as_array().into_iter().flatten().map(|range| range[1].as_u64().unwrap());
                    assert!(ends.into_iter().all(|end| end <= text.unwrap() as u64), "{name}");
                }
            }
        }
    }
}

/// What stands at the place of `drawn` in a text.
fn cut<'t>(text: &'t str, drawn: &Value) -> &'t str {
    let at = |line: &str, column: &str| offset(text, [line, column].map(|name| drawn[name].as_u64().unwrap()));
    &text[at("line", "column")..at("endLine", "endColumn")]
}

/// The byte at a line and a column, both from 1.
fn offset(text: &str, [line, column]: [u64; 2]) -> usize {
    let start: usize = text.split_inclusive('\n').take(line as usize - 1).map(str::len).sum();
    start + text[start..].chars().take(column as usize - 1).map(char::len_utf8).sum::<usize>()
}

#[test]
fn ranges_count_as_javascript_does() {
    let case = explained(
        &root().join(CASES).join("value-differs-repository"),
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.example.com"},
            "Condition": {"StringEquals": {"oidc.example.com:sub": "é😀:a:x"}}}]}"#
            .to_owned(),
        r#"{"iss": "https://oidc.example.com", "aud": "a", "sub": "é😀:b:x"}"#,
    );
    let nearest = &case.json()["statements"][0]["conditions"][0]["nearest"];
    assert_eq!(nearest["wantedRanges"], serde_json::json!([[4, 5]]));
    assert_eq!(nearest["hadRanges"], serde_json::json!([[4, 5]]));
}

/// In whatever file the policy stands, the change of the file brings about what the statement does.
#[test]
fn a_change_of_the_file_lets_the_job_in() {
    let mut placed = 0;
    let mut without = BTreeSet::new();
    for folder in fs::read_dir(root().join(CASES)).unwrap().map(|entry| entry.unwrap().path()) {
        let case = read(&folder);
        for (name, file) in files(&case.policy) {
            let read = source::read(name, &file);
            let found = &read.policies[0];
            let (_, before) = said(&folder, &found.policy, &case.given);
            let json: Value = serde_json::from_str(&json(&before, found, &file, &case.given.caller)).unwrap();
            let change = &json["change"];
            if before.fix.statement.is_none() || change.is_null() {
                assert!(change.is_null(), "{} in {file}", case.name);
                if before.fix.statement.is_some() {
                    without.insert(format!("{} {name}", case.name));
                }
                continue;
            }
            placed += 1;
            let at =
                |line: &str, column: &str| offset(&file, [line, column].map(|name| change[name].as_u64().unwrap()));
            let (start, end) = (at("line", "column"), at("endLine", "endColumn"));
            let changed = format!("{}{}{}", &file[..start], change["text"].as_str().unwrap(), &file[end..]);
            let after = source::read(name, &changed);
            assert_eq!(after.fault, read.fault, "{changed}");
            let (_, after) = said(&folder, &after.policies[0].policy, &case.given);
            // Of an event nobody knows whether AWS asks about more than the call itself.
            let open = case.given.event.is_some() && after.passes;
            assert!(after.decision == Decision::Allow || open, "{}: {:?}\n{changed}", case.name, after.why);
        }
    }
    assert!(placed > 200, "only {placed} changes are placed");
    assert!(without.is_empty(), "{without:?}");
}

/// A policy in the files that people have: names and texts.
fn files(policy: &str) -> Vec<(&'static str, String)> {
    let one_line: Value = serde_json::from_str(policy).unwrap();
    let role = |document: &str| {
        format!("{{\n  \"Role\": {{\"RoleName\": \"deploy\", \"AssumeRolePolicyDocument\": {document}}}\n}}\n")
    };
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let percent = percent_encoding::utf8_percent_encode(policy, percent_encoding::NON_ALPHANUMERIC).to_string();
    vec![
        ("policy.json", policy.to_owned()),
        ("windows.json", policy.replace('\n', "\r\n").replace("  ", "\t")),
        ("role.json", role(&one_line.to_string())),
        ("text.json", role(&quoted(&one_line.to_string()))),
        ("lines.json", role(&quoted(policy))),
        ("api.json", role(&quoted(&percent))),
        ("policy.yaml", format!("# as YAML\n{}", yaml(&one_line, 0).trim_start())),
        ("flow.yaml", format!("# as YAML\n{policy}")),
    ]
}

fn yaml(value: &Value, indent: usize) -> String {
    let pad = format!("\n{}", " ".repeat(indent));
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| format!("{pad}{}:{}", Value::from(name.as_str()), yaml(value, indent + 2)))
            .collect(),
        Value::Array(items) => {
            let each = items.iter().map(|item| format!("{pad}- {}", yaml(item, indent + 2).trim_start()));
            each.collect()
        }
        scalar => format!(" {scalar}"),
    }
}

/// The answer is the evaluator's, and a statement that is offered does what is said of it.
#[test]
fn explanations_and_fixes_agree_with_the_evaluator() {
    let mut offered = 0;
    for case in cases() {
        let role = case.role_arn.as_deref().and_then(Role::of_arn);
        let caller = case.given.caller.clone().with_role(role);
        let name = &case.name;
        let verdict = decide(&parsed(&case.policy), &caller).verdict;
        let expected = match verdict {
            _ if name.starts_with("gate-") => Decision::Deny,
            Verdict::Allowed => Decision::Allow,
            Verdict::Denied => Decision::Deny,
            Verdict::Unknown | Verdict::Refused => Decision::Unknown,
        };
        assert_eq!(case.explanation.decision, expected, "{name}");
        let Some(statement) = &case.explanation.fix.statement else { continue };
        offered += 1;
        let fixed = format!("{{\"Version\": \"2012-10-17\", \"Statement\": [{statement}]}}");
        let fixed_policy = parsed(&fixed);
        let decision = decide(&fixed_policy, &caller);
        // Of an event nobody knows whether AWS asks about more than the call itself.
        let mut needed = decision.actions.iter().filter(|action| action.needed == Truth::Yes);
        assert!(needed.all(|action| action.verdict == Verdict::Allowed), "{name}: {fixed}");
        assert!(decision.verdict == Verdict::Allowed || case.given.event.is_some(), "{name}: {fixed}");

        // And it lets in nobody who only has the same issuer and audience.
        let mut stranger = caller.claims.clone();
        for (claim, value) in &mut stranger {
            if !["iss", "aud", "azp", "iat", "exp"].contains(&claim.as_str()) && value.is_string() {
                *value = "stranger".into();
            }
        }
        let stranger = Caller::of_claims(stranger).with_role(caller.role.clone());
        let verdict = decide(&parsed(&fixed), &stranger).verdict;
        let says_no_more = Kind::of(&caller.issuer) == Kind::Bitbucket || name.contains("missing-path");
        assert!(verdict == Verdict::Denied || says_no_more, "{name} lets strangers in: {fixed}");
    }
    assert!(offered > 40, "only {offered} statements are offered");
}

#[test]
fn no_line_can_speak_to_a_log() {
    for case in cases() {
        for line in text(&case.explanation, false) {
            assert!(!line.chars().any(char::is_control), "{}: {line}", case.name);
            assert_eq!(guarded(&line), line, "{}", case.name);
            assert!(!line.contains("##["), "{}: {line}", case.name);
        }
    }
}

proptest! {
    /// Whatever a policy and a token say, there is an explanation, and it agrees with the evaluator.
    #[test]
    fn anything_has_an_explanation(
        operator in select(&["StringEquals", "StringNotLike", "StringLike", "ForAnyValue:StringEquals", "Null", "Bool"][..]),
        key in "(token\\.actions\\.githubusercontent\\.com|agent\\.buildkite\\.com|aws|sts|arn:aws)?[:./]?(sub|aud|ref|SourceIp|RequestTag/x)?",
        wanted in "(repo:|organization:)?[a-z*?@/:{}$ é]{0,24}",
        subject in "(repo:|organization:)?[a-z*?@/:{}$ é]{0,24}",
        issuer in select(&["token.actions.githubusercontent.com", "agent.buildkite.com", "gitlab.com", ""][..]),
        effect in select(&["Allow", "Deny"][..]),
    ) {
        let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [{
            "Effect": effect, "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": format!("arn:aws:iam::123456789012:oidc-provider/{issuer}")},
            "Condition": {operator: {key: [wanted, "true"]}},
        }]});
        let claims = serde_json::json!({"iss": format!("https://{issuer}"), "sub": subject, "aud": "a"});
        let policy = parsed(&policy.to_string());
        let caller = Caller::of_claims(claims.as_object().unwrap().clone());
        let known = Known { reached_policy: true, ..Known::default() };
        let explanation = explain(&policy, &caller, Some("arn:aws:iam::123456789012:role/deploy"), &known);
        let caller = caller.with_role(Role::of_arn("arn:aws:iam::123456789012:role/deploy"));
        let expected = match decide(&policy, &caller).verdict {
            Verdict::Allowed => Decision::Allow,
            Verdict::Denied => Decision::Deny,
            Verdict::Unknown | Verdict::Refused => Decision::Unknown,
        };
        prop_assert_eq!(explanation.decision, expected);
        prop_assert!(!explanation.why.is_empty() && explanation.cause.id != "none", "{:?}", explanation);
        if let Some(statement) = &explanation.fix.statement {
            let fixed = parsed(&format!("{{\"Version\": \"2012-10-17\", \"Statement\": [{statement}]}}"));
            prop_assert_ne!(decide(&fixed, &caller).verdict, Verdict::Denied, "{}", statement);
        }
        prop_assert!(text(&explanation, false).iter().all(|line| !line.chars().any(char::is_control)));
    }
}
