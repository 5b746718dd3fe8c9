//! `action.yml` and the tables of the documentation say what the code says. `UPDATE=1` rewrites
//! what is made from the code.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use ci_assume_role::ci::bitrise::table as bitrise;
use ci_assume_role::ci::buildkite::table::{OPTIONS, PluginOption, Shape};
use ci_assume_role::ci::github::login;
use ci_assume_role::ci::github::table::{INPUTS, OUTPUTS};
use ci_assume_role::cli::table::{self, Name, Takes};
use ci_assume_role::diagnostic::Code;

use ci_assume_role::names::{self, Meaning};
use ci_assume_role::policy::command::action;
use ci_assume_role::product;
use ci_assume_role::settings::OptionSpec;

#[test]
fn action_yml_is_made_from_the_option_table() {
    check("action.yml", &action_yml());
}

#[test]
fn the_action_that_lints_is_made_from_its_table() {
    check("lint/action.yml", &lint_action_yml());
}

#[test]
fn the_action_that_logs_in_is_made_from_its_table() {
    check("login-ecr/action.yml", &login_ecr_action_yml());
}

#[test]
fn the_page_about_ecr_lists_every_input_and_output() {
    let mut inputs = String::from("| input | default | meaning |\n|---|---|---|\n");
    for spec in login::INPUTS {
        let name = match login::renamed().find(|(own, _)| *own == spec.name) {
            Some((own, common)) => format!("`{own}`, `{common}`"),
            None => format!("`{}`", spec.name),
        };
        let _ = writeln!(inputs, "| {name} | {} | {} |", cell(spec.default), cell(spec.description));
    }
    let mut outputs = String::from("| output | meaning |\n|---|---|\n");
    for (name, description) in login::OUTPUTS.iter().chain(login::OUTPUTS_BY_REGISTRY) {
        let _ = writeln!(outputs, "| `{name}` | {} |", cell(description));
    }
    let page = between(&read("docs/ecr.md"), "inputs", &inputs);
    check("docs/ecr.md", &between(&page, "outputs", &outputs));
}

#[test]
fn the_github_page_lists_every_input_and_output() {
    let page = read("docs/github.md");
    let page = between(&page, "inputs", &inputs_table());
    let page = between(&page, "outputs", &outputs_table());
    check("docs/github.md", &page);
}

#[test]
fn step_yml_is_made_from_the_option_table() {
    check("step.yml", &step_yml());
}

/// In the form that the step library's own tool gives to a README.
#[test]
fn the_bitrise_page_and_the_readme_list_every_input_and_output() {
    for file in ["docs/bitrise.md", "README.md"] {
        let page = between(&read(file), "bitrise inputs", &step_inputs_table());
        check(file, &between(&page, "bitrise outputs", &step_outputs_table()));
    }
}

#[test]
fn plugin_yml_is_made_from_the_option_table() {
    check("plugin.yml", &plugin_yml());
}

#[test]
fn the_buildkite_page_lists_every_option() {
    let page = between(&read("docs/buildkite.md"), "options", &plugin_table());
    check("docs/buildkite.md", &page);
}

#[test]
fn the_page_of_the_command_line_lists_every_flag() {
    the_page_lists_every_flag("docs/command-line.md", |name| !name.is_about_policies());
}

#[test]
fn the_page_about_policies_lists_every_flag_and_input() {
    the_page_lists_every_flag("docs/policy.md", Name::is_about_policies);
    let mut inputs = String::from("| input | default | meaning |\n|---|---|---|\n");
    for spec in action::INPUTS {
        let _ = writeln!(inputs, "| `{}` | {} | {} |", spec.name, cell(spec.default), cell(spec.description));
    }
    check("docs/policy.md", &between(&read("docs/policy.md"), "inputs", &inputs));
}

fn the_page_lists_every_flag(file: &str, wanted: fn(Name) -> bool) {
    let page = between(&read(file), "flags", &flags_table(wanted));
    check(file, &page);
    for name in Name::ALL.into_iter().filter(|name| wanted(*name)) {
        let heading = format!("\n## `{}`\n", name.text());
        assert!(page.contains(&heading), "{file} has no heading{heading}");
    }
}

/// The README's sample of a denial is what a scenario prints.
#[test]
fn the_sample_in_the_readme_is_real() {
    let scenario = read("tests/scenarios/github/denied-environment/expected.txt");
    let log =
        scenario.lines().skip_while(|line| !line.starts_with("error[")).take_while(|line| !line.starts_with("::"));
    let sample = format!("```text\n{}\n```\n", log.collect::<Vec<_>>().join("\n"));
    check("README.md", &between(&read("README.md"), "denial", &sample));
}

#[test]
fn the_diagnostics_page_has_a_heading_for_every_code() {
    let page = read("docs/diagnostics.md");
    let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let ids: Vec<&str> = Code::ALL.iter().map(|code| code.id()).collect();
    for id in &ids {
        assert!(headings.contains(id), "docs/diagnostics.md has no heading `## {id}`");
    }
    for heading in &headings {
        assert!(ids.contains(heading), "docs/diagnostics.md has a heading for `{heading}`, which is no code");
    }
    for code in Code::ALL {
        let start = format!("## {}\n\n**{}.**", code.id(), code.title());
        assert!(
            page.contains(&start),
            "docs/diagnostics.md: the part on `{}` should start with **{}.**",
            code.id(),
            code.title()
        );
    }
}

#[test]
fn the_owner_of_the_repository_stands_in_one_place() {
    let manifest = read("Cargo.toml");
    let url =
        manifest.lines().find_map(|line| line.strip_prefix("repository = ")).unwrap().trim_matches('"').to_owned();
    let owner_and_name = url.strip_prefix("https://github.com/").unwrap();
    let recipes = pages_in("docs/recipes");
    let recipes = || recipes.iter().map(String::as_str);
    for file in ["README.md", "docs/github.md"].into_iter().chain(recipes()) {
        for line in read(file).lines().filter(|line| line.contains("uses: ") && line.contains("/ci-assume-role")) {
            assert!(line.contains(owner_and_name), "{file}: {line}");
        }
    }
    for file in ["README.md", "docs/bitrise.md", "step.sh"].into_iter().chain(recipes()) {
        for line in read(file).lines().filter(|line| line.contains("://github.com/")) {
            assert!(!line.contains("/ci-assume-role") || line.contains(&url), "{file}: {line}");
        }
    }
    for file in ["README.md", "docs/buildkite.md", "docs/long-jobs.md"].into_iter().chain(recipes()) {
        for line in read(file).lines().filter(|line| line.contains("/ci-assume-role.git#v")) {
            let version = env!("CARGO_PKG_VERSION");
            assert!(line.contains(&format!("https://github.com/{owner_and_name}.git#v{version}")), "{file}: {line}");
        }
    }
    for file in ["README.md".to_owned()].into_iter().chain(pages_in("docs")) {
        for line in read(&file).lines().filter(|line| line.contains(".github.io/ci-assume-role")) {
            assert!(line.contains(&product::site_url()), "{file}: {line}");
        }
    }
    let program = format!("{} ", product::npx());
    for file in ["README.md", "docs/bitbucket.md", "docs/circleci.md", "docs/migrating/bitbucket.md"] {
        let page = read(file);
        assert!(page.contains("npx --yes "), "{file}");
        for rest in page.split("npx --yes ").skip(1) {
            assert!(format!("npx --yes {rest}").starts_with(&program), "{file}: npx --yes {rest:.60}");
        }
    }
}

/// They are published under the owner's name in places of their own.
#[test]
fn the_orb_and_the_pipe_are_of_this_owner_and_version() {
    let (url, version, owner) = (env!("CARGO_PKG_REPOSITORY"), env!("CARGO_PKG_VERSION"), owner());
    let orb = format!("{owner}/ci-assume-role@{version}");
    let image = format!("{owner}/ci-assume-role-pipe:{version}");
    let program = format!("default: {}\n", product::npx());
    for (file, text, count) in [
        ("orb/src/@orb.yml", format!("_url: {url}\n"), 2),
        ("orb/src/commands/assume.yml", program.clone(), 1),
        ("orb/src/commands/setup.yml", program, 1),
        ("orb/src/examples/assume.yml", format!("ci-assume-role: {orb}\n"), 1),
        ("orb/src/examples/setup.yml", format!("ci-assume-role: {orb}\n"), 1),
        ("orb/README.md", orb.clone(), 1),
        ("docs/circleci.md", format!("ci-assume-role: {orb}\n"), 1),
        ("docs/migrating/circleci-aws-cli-orb.md", format!("ci-assume-role: {orb}\n"), 1),
        ("pipe/pipe.yml", format!("image: {image}\n"), 1),
        ("pipe/pipe.yml", format!("repository: {url}\n"), 1),
        ("pipe/pipe.yml", format!("  name: {owner}\n  website: {url}\n"), 2),
        ("pipe/Dockerfile", format!("--tag {image} "), 1),
        ("pipe/README.md", image.clone(), 2),
        ("docs/bitbucket.md", format!("docker://{image}\n"), 1),
    ] {
        assert_eq!(read(file).matches(&text).count(), count, "{file} should have {text:?}");
    }
}

/// The forms that GitLab and Azure DevOps have for it, and the package that scripts run.
#[test]
fn what_pipelines_fetch_is_of_this_owner_and_version() {
    let version = env!("CARGO_PKG_VERSION");
    let name = format!("{}/ci-assume-role", owner());
    let pages = ["README.md", "docs/gitlab.md", "docs/azure-devops.md", "docs/migrating/gitlab.md"];
    let packaged = ["templates/assume-role.yml", "azure-devops/assume-role.yml"];
    let manifests = ["azure-devops/assume-role/task.json", "vss-extension.json"];
    let mut found = 0;
    for file in pages.into_iter().chain(packaged).chain(manifests) {
        for line in read(file).lines() {
            for (mark, wanted) in [
                ("npx --yes ", product::npx()),
                ("component: $CI_SERVER_FQDN", format!("$CI_SERVER_FQDN/{name}/assume-role@{version}")),
                ("github.com/", format!("github.com/{name}")),
                ("\"publisher\"", format!("\"{}\"", owner())),
                ("\"author\"", format!("\"{}\"", owner())),
                ("ref: refs/tags/", format!("ref: refs/tags/v{version}")),
                ("name: OWNER", format!("name: {name}")),
            ] {
                if line.contains(mark) && (mark != "github.com/" || line.contains("ci-assume-role")) {
                    assert!(line.contains(&wanted), "{file}: {line}");
                    found += 1;
                }
            }
        }
    }
    assert!(found > 15, "only {found} were found");
}

/// Files and, on pages, headings. What lies outside of this repository is not looked at.
#[test]
fn links_between_the_pages_lead_somewhere() {
    let mut pages: Vec<String> = ["docs", "docs/migrating", "docs/recipes", "docs/rules", "docs/setup", "orb", "pipe"]
        .iter()
        .flat_map(|folder| pages_in(folder))
        .collect();
    pages.extend(pages_in("."));
    pages.push("tests/scenarios/README.md".to_owned());
    let mut dead = Vec::new();
    let mut found = 0;
    for page in &pages {
        let text = without_code(&read(page));
        let folder = path(page).parent().unwrap().to_owned();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                continue;
            }
            found += 1;
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { path(page) } else { folder.join(file) };
            let leads = match fs::read_to_string(&file) {
                Ok(text) => heading.is_empty() || anchors(&text).iter().any(|anchor| anchor == heading),
                Err(_) => file.exists() && heading.is_empty(),
            };
            if !leads {
                dead.push(format!("{page}: {target}"));
            }
        }
    }
    assert!(found > 100, "only {found} links were found");
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

fn pages_in(folder: &str) -> Vec<String> {
    let names = fs::read_dir(path(folder)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".md")).map(|name| format!("{folder}/{name}")).collect()
}

fn without_code(page: &str) -> String {
    let fenced: Vec<&str> = page.split("```").step_by(2).collect();
    fenced.join("").split('`').step_by(2).collect()
}

/// The names that GitHub gives to headings.
fn anchors(page: &str) -> Vec<String> {
    let prose: String = page.split("```").step_by(2).collect();
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let name = |heading: &str| -> String {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>().replace(' ', "-")
    };
    headings.map(name).collect()
}

#[test]
fn versions_agree() {
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(read("package.json").contains(&version), "package.json is of another version");
}

fn action_yml() -> String {
    let mut out = String::from(
        "# Made from src/ci/github/table.rs by `UPDATE=1 cargo test --test manifests`.\n\
         name: CI assume role\n\
         description: Short-lived AWS credentials from the job's own OIDC token, with an explanation when AWS says no\n\
         branding:\n  icon: lock\n  color: orange\n\
         runs:\n  using: node24\n  main: js/github.cjs\n  post: js/github-post.cjs\n  \
         post-if: env.AWS_SKIP_CLEANUP_STEP != 'true'\n\
         inputs:\n",
    );
    push_inputs(&mut out, INPUTS);
    for (own, common) in names::renamed(names::github) {
        let _ = writeln!(out, "  {common}:\n    description: {}\n    required: false", yaml(&same_as(own)));
    }
    push_outputs(&mut out, OUTPUTS);
    out
}

fn lint_action_yml() -> String {
    let mut out = String::from(
        "# Made from src/policy/command/action.rs by `UPDATE=1 cargo test --test manifests`.\n\
         name: Lint AWS trust policies\n\
         description: Finds who else can assume your roles, with a proof and a fix for every finding\n\
         branding:\n  icon: shield\n  color: orange\n\
         runs:\n  using: node24\n  main: ../js/lint.cjs\n\
         inputs:\n",
    );
    push_inputs(&mut out, action::INPUTS);
    push_outputs(&mut out, action::OUTPUTS);
    out
}

fn login_ecr_action_yml() -> String {
    let mut out = String::from(
        "# Made from src/ci/github/login.rs by `UPDATE=1 cargo test --test manifests`.\n\
         name: Log in to Amazon ECR\n\
         description: Logs docker, podman, buildah, helm or crane in to registries of Amazon ECR, and out when the job ends\n\
         branding:\n  icon: log-in\n  color: orange\n\
         runs:\n  using: node24\n  main: ../js/login-ecr.cjs\n  post: ../js/login-ecr-post.cjs\n\
         inputs:\n",
    );
    push_inputs(&mut out, login::INPUTS);
    for (own, common) in login::renamed() {
        let _ = writeln!(out, "  {common}:\n    description: {}\n    required: false", yaml(&same_as(own)));
    }
    push_outputs(&mut out, login::OUTPUTS);
    out
}

fn push_inputs(out: &mut String, inputs: &[OptionSpec]) {
    for spec in inputs {
        let default = if spec.default == "none" { String::new() } else { format!(" Default: {}.", spec.default) };
        let _ = writeln!(
            out,
            "  {}:\n    description: {}\n    required: false",
            spec.name,
            yaml(&format!("{}{default}", spec.description))
        );
    }
}

fn push_outputs(out: &mut String, outputs: &[(&str, &str)]) {
    out.push_str("outputs:\n");
    for (name, description) in outputs {
        let _ = writeln!(out, "  {name}:\n    description: {}", yaml(description));
    }
}

fn step_yml() -> String {
    let url = product::SOURCE_URL.split("/blob/").next().unwrap();
    let mut out = format!(
        "# Made from src/ci/bitrise/table.rs by `UPDATE=1 cargo test --test manifests`.\n\
         title: Assume AWS role\n\
         summary: Gives later steps short-lived AWS credentials from the build's own OIDC token.\n\
         description: |-\n\
         \x20 Exchanges the OIDC token of the build for credentials of an AWS IAM role. No access keys are stored.\n\
         \n\
         \x20 When AWS refuses, the log shows what the token held, why such a build is usually refused, and the\n\
         \x20 statement of a trust policy that would admit it. Nothing is handed over unless all has succeeded.\n\
         \n\
         \x20 ### Configuring the Step\n\
         \n\
         \x20 1. Create an identity provider in IAM for https://token.builds.bitrise.io, and a role that trusts it. Its\n\
         \x20    trust policy can test the claims `aud` and `sub` of the token, and no others.\n\
         \x20 1. Set **IAM role ARN** to the ARN of the role.\n\
         \x20 1. Later steps find the credentials in the usual variables, where all AWS tools look.\n\
         \n\
         \x20 ### Troubleshooting\n\
         \n\
         \x20 Every error has a code, and a part of {url}/blob/v{version}/docs/diagnostics.md\n\
         \x20 that says what to do.\n\
         website: {url}\n\
         source_code_url: {url}\n\
         support_url: {url}/issues\n\
         type_tags:\n- access-control\n\
         toolkit:\n  bash:\n    entry_file: step.sh\n\
         deps:\n  brew:\n  - name: node\n  apt_get:\n  - name: nodejs\n    bin_name: node\n\
         is_always_run: false\nis_skippable: false\n\
         inputs:\n",
        version = env!("CARGO_PKG_VERSION"),
    );
    for (spec, form) in bitrise::INPUTS.iter().zip(bitrise::FORMS) {
        let _ = writeln!(out, "- {}: {}\n  opts:", spec.name, yaml(spec.default));
        if !form.category.is_empty() {
            let _ = writeln!(out, "    category: {}", form.category);
        }
        let _ = writeln!(out, "    title: {}\n    summary: {}", form.title, yaml(spec.description));
        if !form.values.is_empty() {
            let values: Vec<String> = form.values.iter().map(|value| format!("    - {}\n", yaml(value))).collect();
            let _ = write!(out, "    value_options:\n{}", values.concat());
        }
        for (flag, on) in
            [("is_required", form.required), ("is_sensitive", spec.secret), ("is_dont_change_value", form.fixed)]
        {
            if on {
                let _ = writeln!(out, "    {flag}: true");
            }
        }
        if form.literal {
            out.push_str("    is_expand: false\n");
        }
    }
    out.push_str("outputs:\n");
    for output in bitrise::OUTPUTS {
        let _ = writeln!(
            out,
            "- {}:\n  opts:\n    title: {}\n    summary: {}",
            output.name,
            output.title,
            yaml(output.description)
        );
        if output.secret {
            out.push_str("    is_sensitive: true\n");
        }
    }
    out
}

fn step_inputs_table() -> String {
    let mut out = String::from("| Key | Description | Flags | Default |\n| --- | --- | --- | --- |\n");
    for (spec, form) in bitrise::INPUTS.iter().zip(bitrise::FORMS) {
        let flags: Vec<&str> = [("required", form.required), ("sensitive", spec.secret)]
            .into_iter()
            .filter_map(|(flag, on)| on.then_some(flag))
            .collect();
        let default = if spec.default.is_empty() { String::new() } else { format!("`{}`", spec.default) };
        let _ = writeln!(out, "| `{}` | {} | {} | {default} |", spec.name, cell(spec.description), flags.join(", "));
    }
    out
}

fn step_outputs_table() -> String {
    let mut out = String::from("| Environment Variable | Description |\n| --- | --- |\n");
    for output in bitrise::OUTPUTS {
        let _ = writeln!(out, "| `{}` | {} |", output.name, cell(output.description));
    }
    out
}

/// A double-quoted YAML scalar is a JSON string.
fn yaml(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// The agent checks a configuration against this only where a job asks for it; the hook always does.
fn plugin_yml() -> String {
    let mut out = String::from(
        "# Made from src/ci/buildkite/table.rs by `UPDATE=1 cargo test --test manifests`.\n\
         name: CI assume role\n\
         description: Short-lived AWS credentials from the job's own OIDC token, with an explanation when AWS says no\n\
         author: https://github.com/OWNER\n\
         requirements:\n  - bash\n\
         configuration:\n  properties:\n",
    );
    out = out.replace("OWNER", owner());
    out.push_str(&properties("    ", |_| true));
    out.push_str("  additionalProperties: false\n");
    out
}

/// The options by their own names, then by the common ones.
fn properties(indent: &str, wanted: fn(&PluginOption) -> bool) -> String {
    let mut out = String::new();
    let inner = format!("{indent}  ");
    for option in OPTIONS.iter().filter(|option| wanted(option)) {
        let _ = writeln!(out, "{indent}{}:", option.spec.name);
        out.push_str(&schema(option, option.spec.description, &inner));
        if option.shape == Shape::Roles {
            let _ = writeln!(out, "{inner}  properties:");
            out.push_str(&properties(&format!("{inner}    "), |option| option.of_role));
            let _ = writeln!(out, "{inner}  additionalProperties: false");
        }
    }
    for (own, common) in names::renamed(names::buildkite) {
        for option in OPTIONS.iter().filter(|option| option.spec.name == own && wanted(option)) {
            let _ = writeln!(out, "{indent}{common}:");
            out.push_str(&schema(option, &same_as(own), &inner));
        }
    }
    out
}

fn same_as(own: &str) -> String {
    format!("The same as `{own}`.")
}

fn schema(option: &PluginOption, description: &str, indent: &str) -> String {
    let description = yaml(description);
    let kind = match option.shape {
        Shape::Text => "type: string\n".to_owned(),
        Shape::Duration => "type: [integer, string]\n".to_owned(),
        Shape::Number => "type: integer\n".to_owned(),
        Shape::Switch => "type: boolean\n".to_owned(),
        Shape::Choice(choices) => format!("type: string\n{indent}enum: [{}]\n", choices.join(", ")),
        Shape::List => format!("type: array\n{indent}items:\n{indent}  type: [string, integer]\n"),
        Shape::Policy | Shape::Tags => "type: [object, string]\n".to_owned(),
        Shape::Chain => format!("type: array\n{indent}items:\n{indent}  type: [string, object]\n"),
        Shape::Roles => format!("type: array\n{indent}minItems: 1\n{indent}items:\n{indent}  type: object\n"),
    };
    format!("{indent}description: {description}\n{indent}{kind}")
}

fn plugin_table() -> String {
    let mut out = String::from("| option | type | default | meaning |\n|---|---|---|---|\n");
    for option in &OPTIONS {
        let kind = match option.shape {
            Shape::Text => "text",
            Shape::Duration => "seconds or duration",
            Shape::Number => "number",
            Shape::Switch => "true or false",
            Shape::Choice(_) => "choice",
            Shape::List => "list",
            Shape::Policy | Shape::Tags => "mapping or JSON",
            Shape::Chain => "list of texts or mappings",
            Shape::Roles => "list of mappings",
        };
        let (name, default) = (also(names::buildkite, option.spec.name), cell(option.spec.default));
        let scope = if option.of_role { "" } else { " Not in `roles`." };
        let scope = if option.shape == Shape::Roles { "" } else { scope };
        let _ = writeln!(out, "| {name} | {kind} | {default} | {}{scope} |", cell(option.spec.description));
    }
    out
}

fn flags_table(wanted: fn(Name) -> bool) -> String {
    let mut out = String::from("| flag | value | default | meaning | commands |\n|---|---|---|---|---|\n");
    for flag in table::all().filter(|flag| flag.spec.name != "--help" && flag.of.iter().any(|name| wanted(*name))) {
        let value = match flag.takes {
            Takes::Nothing => String::new(),
            Takes::One(value) => value.to_owned(),
            Takes::Several(value) => format!("{value}, repeatable"),
            Takes::Choice(choices) => choices.iter().map(|each| format!("`{each}`")).collect::<Vec<_>>().join(", "),
        };
        let commands: Vec<&str> = flag.of.iter().map(|name| name.text()).collect();
        let _ = writeln!(
            out,
            "| `{}` | {value} | {} | {} | {} |",
            flag.spec.name,
            cell(flag.spec.default),
            cell(flag.spec.description),
            commands.join(", ")
        );
    }
    out
}

fn owner() -> &'static str {
    let rest = env!("CARGO_PKG_REPOSITORY").strip_prefix("https://github.com/").unwrap();
    rest.split('/').next().unwrap()
}

fn inputs_table() -> String {
    let mut out = String::from("| input | default | meaning | environment |\n|---|---|---|---|\n");
    for spec in INPUTS {
        let alias = spec.alias.map_or(String::new(), |alias| format!("`{alias}`"));
        let name = also(names::github, spec.name);
        let _ = writeln!(out, "| {name} | {} | {} | {alias} |", cell(spec.default), cell(spec.description));
    }
    out
}

/// An option's name in a table, with the common one where it has another.
fn also(entry: fn(Meaning) -> &'static str, own: &str) -> String {
    match names::renamed(entry).find(|(name, _)| *name == own) {
        Some((own, common)) => format!("`{own}`, `{common}`"),
        None => format!("`{own}`"),
    }
}

fn outputs_table() -> String {
    let mut out = String::from("| output | meaning |\n|---|---|\n");
    for (name, description) in OUTPUTS {
        let _ = writeln!(out, "| `{name}` | {} |", cell(description));
    }
    out
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Replaces what stands between `<!-- NAME -->` and `<!-- /NAME -->`.
fn between(page: &str, name: &str, text: &str) -> String {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (head, rest) = page.split_once(&open).unwrap_or_else(|| panic!("no {open}"));
    let (_, tail) = rest.split_once(&close).unwrap_or_else(|| panic!("no {close}"));
    format!("{head}{open}{text}{close}{tail}")
}

fn check(file: &str, wanted: &str) {
    if env::var_os("UPDATE").is_some() {
        fs::write(path(file), wanted).unwrap();
    }
    let found = fs::read_to_string(path(file)).unwrap_or_default();
    for (number, (found, wanted)) in found.lines().zip(wanted.lines()).enumerate() {
        assert_eq!(found, wanted, "{file}, line {}: run UPDATE=1 cargo test --test manifests", number + 1);
    }
    assert!(found == wanted, "{file} is of another length: run UPDATE=1 cargo test --test manifests");
}

fn read(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)
}
