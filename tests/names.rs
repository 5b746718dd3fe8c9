//! A name means the same at every entry, and the page that lists them says what the entries say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use ci_assume_role::ci::bitrise::table as bitrise;
use ci_assume_role::ci::buildkite::table::OPTIONS;
use ci_assume_role::ci::github::table::INPUTS;
use ci_assume_role::cli::table::{FLAGS, Flag};
use ci_assume_role::names::{self, Meaning};

/// Names that are no flags, and stand for the same at all entries that have them.
const SHARED: [&str; 6] = [
    "aws-access-key-id",     // the id of a stored key
    "aws-secret-access-key", // and its secret
    "mask-aws-account-id",   // by the table; it is no flag
    "output",                // the file; the pipe completes its path
    "program",               // how the program is started
    "when",                  // CircleCI's own, for any step
];

/// One entry: its title, and its options with what each stands for.
struct Entry {
    title: &'static str,
    options: Vec<(String, Stands)>,
}

/// A flag, or something that only this entry has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stands {
    For(&'static str),
    Alone(String),
}

#[test]
fn a_name_means_the_same_at_every_entry() {
    let mut found: BTreeMap<String, BTreeSet<Stands>> = BTreeMap::new();
    for Entry { options, .. } in entries() {
        for (name, stands) in options {
            found.entry(plain(&name)).or_default().insert(stands);
        }
    }
    assert!(found.len() > 60, "{}", found.len());
    for (name, meanings) in &found {
        assert!(meanings.len() == 1 || SHARED.contains(&name.as_str()), "`{name}` means {meanings:?}");
    }
    for name in SHARED {
        assert!(found.get(name).is_some_and(|meanings| meanings.len() > 1), "`{name}` is not shared");
    }
}

/// But for those that a tool has whose place the entry takes, every name is the common one.
#[test]
fn every_entry_has_the_common_names() {
    for Entry { title, options } in entries() {
        for (_, stands) in &options {
            let Stands::For(flag) = stands else { continue };
            let common = flag.trim_start_matches("--");
            let has = options.iter().any(|(name, other)| plain(name) == common && other == stands);
            assert!(has || title == "orb, `setup`", "{title} has {flag} by another name only");
        }
    }
}

/// The same flag is what each of its names stands for.
#[test]
fn the_table_and_the_entries_agree() {
    for meaning in Meaning::ALL {
        let flag = names::flag(*meaning);
        assert!(flag.is_empty() || FLAGS.iter().any(|each| each.spec.name == flag), "{flag}");
        for (entry, name, known) in [
            ("github", names::github(*meaning), INPUTS.iter().any(|spec| spec.name == names::github(*meaning))),
            (
                "buildkite",
                names::buildkite(*meaning),
                OPTIONS.iter().any(|it| it.spec.name == names::buildkite(*meaning)),
            ),
            ("bitrise", names::bitrise(*meaning), bitrise::INPUTS.iter().any(|it| it.name == names::bitrise(*meaning))),
        ] {
            assert!(name.is_empty() || known, "{entry} has no {name}");
        }
    }
    let setup = entries().into_iter().find(|entry| entry.title == "orb, `setup`").unwrap();
    for meaning in Meaning::ALL.iter().filter(|meaning| !names::setup(**meaning).is_empty()) {
        let wanted = (names::setup(*meaning).to_owned(), Stands::For(names::flag(*meaning)));
        assert!(setup.options.contains(&wanted), "{wanted:?}");
    }
}

#[test]
fn the_page_of_options_lists_them_side_by_side() {
    let entries = entries();
    let mut table = String::from("| command line |");
    for entry in &entries[1..] {
        let _ = write!(table, " {} |", entry.title);
    }
    let _ = writeln!(table, "\n|{}", "---|".repeat(entries.len()));
    for flag in of_exchange() {
        let stands = Stands::For(flag.spec.name);
        let cells: Vec<String> = entries[1..]
            .iter()
            .map(|entry| {
                let names = entry.options.iter().filter(|(_, other)| *other == stands);
                names.map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            })
            .collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            let _ = writeln!(table, "| `{}` | {} |", flag.spec.name, cells.join(" | "));
        }
    }
    let page = read("docs/options.md");
    let (open, close) = ("<!-- names -->\n", "<!-- /names -->");
    let (head, rest) = page.split_once(open).unwrap();
    let (_, tail) = rest.split_once(close).unwrap();
    let wanted = format!("{head}{open}{table}{close}{tail}");
    if env::var_os("UPDATE").is_some() {
        fs::write(path("docs/options.md"), &wanted).unwrap();
    }
    assert!(read("docs/options.md") == wanted, "docs/options.md is old: run UPDATE=1 cargo test --test names");
}

/// The flags of the commands that assume a role; those about policies have words of their own.
fn of_exchange() -> impl Iterator<Item = &'static Flag> {
    FLAGS.iter().filter(|flag| !flag.of.iter().all(|name| name.is_about_policies()))
}

fn entries() -> Vec<Entry> {
    let flags = of_exchange().map(|flag| (flag.spec.name.to_owned(), Stands::For(flag.spec.name))).collect();
    let setup = read("orb/src/commands/setup.yml");
    let assume = read("orb/src/commands/assume.yml");
    let component = read("templates/assume-role.yml");
    let template = read("azure-devops/assume-role.yml");
    let (task, entry) = (read("azure-devops/assume-role/task.json"), read("azure-devops/assume-role/index.js"));
    let (pipe, script) = (read("pipe/pipe.yml"), read("pipe/pipe.sh"));
    vec![
        Entry { title: "command line", options: flags },
        Entry { title: "GitHub Actions", options: of_table("GitHub", INPUTS.iter().map(|it| it.name), names::github) },
        Entry {
            title: "Buildkite",
            options: of_table("Buildkite", OPTIONS.iter().map(|it| it.spec.name), names::buildkite),
        },
        Entry {
            title: "Bitrise",
            options: of_table("Bitrise", bitrise::INPUTS.iter().map(|it| it.name), names::bitrise),
        },
        wired(
            "orb, `assume`",
            keys(&assume, "parameters:", "steps:"),
            |name, line| line.ends_with(&format!("<< parameters.{name} >>")),
            &assume,
        ),
        wired(
            "orb, `setup`",
            keys(&setup, "parameters:", "steps:"),
            |name, line| line.ends_with(&format!("<< parameters.{name} >>")),
            &setup,
        ),
        wired(
            "GitLab component",
            keys(&component, "  inputs:", "---"),
            |name, line| line.ends_with(&format!("\"$[[ inputs.{name} ]]\"")),
            &component,
        ),
        wired(
            "Azure template",
            items(&template),
            |name, line| line.ends_with(&format!("${{{{ parameters.{name} }}}}")),
            &template,
        ),
        wired(
            "Azure task",
            task_inputs(&task),
            |name, line| line.starts_with(&format!("{name} ")),
            &task_flags(&entry),
        ),
        wired(
            "Bitbucket pipe",
            items(&pipe),
            |name, line| line.contains(&format!("${{{name}:-")) || line.ends_with(&format!("$(list {name})")),
            &script,
        ),
    ]
}

/// An entry of the core: its own names by the table, and the common ones.
fn of_table(
    title: &str,
    own: impl Iterator<Item = &'static str>,
    entry: fn(Meaning) -> &'static str,
) -> Vec<(String, Stands)> {
    let mut options: Vec<(String, Stands)> = own
        .map(|name| {
            let meaning =
                Meaning::ALL.iter().find(|meaning| entry(**meaning) == name && !names::flag(**meaning).is_empty());
            let stands = meaning.map_or_else(|| Stands::Alone(title.to_owned()), |it| Stands::For(names::flag(*it)));
            (name.to_owned(), stands)
        })
        .collect();
    for (own, common) in names::renamed(entry).filter(|(own, common)| plain(own) != *common) {
        let (at, (_, stands)) = options.iter().enumerate().find(|(_, (name, _))| name == own).unwrap();
        let stands = stands.clone();
        options.insert(at + 1, (common.to_owned(), stands));
    }
    options
}

/// An entry that starts the command line: what each of its options becomes is in a line of its text.
fn wired(title: &'static str, names: Vec<String>, is_line: fn(&str, &str) -> bool, text: &str) -> Entry {
    let stands = |name: &str| {
        let line = text.lines().find(|line| is_line(name, line) && line.contains("CI_ASSUME_ROLE_"));
        let flag = line.map(|line| {
            let variable = line.split("CI_ASSUME_ROLE_").nth(1).unwrap();
            let end = variable.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(variable.len());
            format!("--{}", variable[..end].to_ascii_lowercase().replace('_', "-"))
        });
        let flag = flag.and_then(|flag| FLAGS.iter().find(|each| each.spec.name == flag));
        flag.map_or_else(|| Stands::Alone(title.to_owned()), |flag| Stands::For(flag.spec.name))
    };
    let options: Vec<(String, Stands)> = names.into_iter().map(|name| (name.clone(), stands(&name))).collect();
    assert!(options.iter().filter(|(_, stands)| matches!(stands, Stands::For(_))).count() > 6, "{title}");
    Entry { title, options }
}

/// The keys one level below `open`.
fn keys(text: &str, open: &str, close: &str) -> Vec<String> {
    let depth = open.len() - open.trim_start().len() + 2;
    let inside = text.lines().skip_while(|line| *line != open).skip(1).take_while(|line| !line.starts_with(close));
    let keys = inside.filter(|line| line.len() - line.trim_start().len() == depth && line.ends_with(':'));
    keys.map(|line| line.trim().trim_end_matches(':').to_owned()).collect()
}

/// `- name: X`
fn items(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.strip_prefix("  - name: "));
    names.map(|name| name.split(' ').next().unwrap().to_owned()).collect()
}

fn task_inputs(task: &str) -> Vec<String> {
    let task: serde_json::Value = serde_json::from_str(task).unwrap();
    task["inputs"].as_array().unwrap().iter().map(|input| input["name"].as_str().unwrap().to_owned()).collect()
}

/// `name: '--flag'`, as the other entries would write it.
fn task_flags(script: &str) -> String {
    let mut text = String::new();
    for part in script.split([',', '{', '}', '\n']) {
        if let Some((name, flag)) = part.trim().split_once(": '--") {
            let variable = flag.trim_end_matches('\'').to_ascii_uppercase().replace('-', "_");
            let _ = writeln!(text, "{name} CI_ASSUME_ROLE_{variable}");
        }
    }
    text
}

/// In the spelling of the command line: `roleArn`, `role_arn`, `ROLE_ARN` and `--role-arn` are `role-arn`.
fn plain(name: &str) -> String {
    let name = name.trim_start_matches("--").replace('_', "-");
    if name.chars().all(|c| !c.is_lowercase()) {
        return name.to_ascii_lowercase();
    }
    let spread =
        name.chars().map(|c| if c.is_uppercase() { format!("-{}", c.to_ascii_lowercase()) } else { c.to_string() });
    spread.collect()
}

fn read(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)
}
