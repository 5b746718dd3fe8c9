//! The CI's side: how a job of the kind that is let in uses this program. The pages in `docs/` explain each.

use super::doc::yaml;
use super::plan::Plan;
use crate::policy::issuer::Kind;
use crate::product;
use crate::shell::quoted;
use crate::values::RoleArn;

pub fn write(role: &RoleArn, plan: &Plan) -> String {
    let region = match role.partition() {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        "aws-eusc" => "eusc-de-east-1",
        "aws-iso" => "us-iso-east-1",
        "aws-iso-b" => "us-isob-east-1",
        "aws-iso-e" => "eu-isoe-west-1",
        "aws-iso-f" => "us-isof-south-1",
        _ => "us-east-1",
    };
    let job = Job { arn: role.as_str(), region, plan };
    match plan.kind {
        Kind::GitHub => job.github(),
        Kind::GitLab | Kind::GitLabOwn => job.gitlab(),
        Kind::Buildkite => job.buildkite(),
        Kind::CircleCi | Kind::CircleCiRoot => job.circleci(),
        Kind::Bitbucket => job.bitbucket(),
        Kind::Bitrise => job.bitrise(),
        Kind::AzureDevOps => job.azure_devops(),
        Kind::Google | Kind::TerraformCloud | Kind::Codefresh | Kind::Other => job.other(),
    }
}

struct Job<'a> {
    arn: &'a str,
    region: &'a str,
    plan: &'a Plan,
}

impl Job<'_> {
    /// The audience, where the program would not ask for it by itself.
    fn audience(&self, usual: &str) -> Option<&str> {
        Some(self.plan.audience.as_str()).filter(|audience| *audience != usual)
    }

    /// A call of the command line, as one word of YAML.
    fn command(&self, usual: &str) -> String {
        let audience = self.audience(usual).map_or_else(String::new, |text| format!(" --audience {}", quoted(text)));
        format!("{} assume --role-arn {} --region {}{audience}", product::npx(), self.arn, self.region)
    }

    fn github(&self) -> String {
        let hints = &self.plan.hints;
        let environment =
            hints.environment.as_deref().map_or_else(String::new, |name| format!("    environment: {}\n", yaml(name)));
        let audience = self
            .audience("sts.amazonaws.com")
            .map_or_else(String::new, |text| format!("          audience: {}\n", yaml(text)));
        format!(
            r"jobs:
  deploy:
    runs-on: ubuntu-latest
{environment}    permissions:
      id-token: write # lets the job ask GitHub for a token
      contents: read
    steps:
      - uses: {repository}@v{version}
        with:
          role-to-assume: {arn}
          aws-region: {region}
{audience}      - run: aws sts get-caller-identity
",
            repository = product::repository(),
            version = product::VERSION,
            arn = self.arn,
            region = self.region
        )
    }

    fn gitlab(&self) -> String {
        let audience = yaml(&self.plan.audience);
        format!(
            r#"deploy:
  image: node:24
  id_tokens:
    AWS_ID_TOKEN:
      aud: {audience}
  script:
    - {command}
    - aws sts get-caller-identity
"#,
            command = super::doc::json(&format!("eval \"$({})\"", self.command("sts.amazonaws.com")))
        )
    }

    fn buildkite(&self) -> String {
        let hints = &self.plan.hints;
        let list = |name: &str, items: Vec<String>| {
            let lines: String = items.iter().map(|item| format!("            - {item}\n")).collect();
            if items.is_empty() { String::new() } else { format!("          {name}:\n{lines}") }
        };
        let claims = list("claims", hints.claims.iter().map(|claim| (*claim).to_owned()).collect());
        let tags = list("session-tags", hints.session_tags.iter().map(|tag| yaml(tag)).collect());
        let subject =
            hints.subject_claim.map_or_else(String::new, |claim| format!("          subject-claim: {claim}\n"));
        let audience = self
            .audience("sts.amazonaws.com")
            .map_or_else(String::new, |text| format!("          audience: {}\n", yaml(text)));
        format!(
            r#"steps:
  - label: "Deploy"
    key: deploy
    command: aws sts get-caller-identity
    plugins:
      - https://github.com/{repository}.git#v{version}:
          role-arn: {arn}
          region: {region}
{audience}{claims}{subject}{tags}"#,
            repository = product::repository(),
            version = product::VERSION,
            arn = self.arn,
            region = self.region
        )
    }

    fn circleci(&self) -> String {
        let organization = self.plan.issuer.rsplit('/').next().unwrap_or_default();
        format!(
            r"version: 2.1
jobs:
  deploy:
    docker:
      - image: cimg/node:22.19
    steps:
      - checkout
      - run: {command}
      - run: aws sts get-caller-identity
workflows:
  main:
    jobs:
      - deploy
",
            command = super::doc::json(&self.command(organization))
        )
    }

    fn bitbucket(&self) -> String {
        let own = if self.plan.audience.starts_with("ari:cloud:bitbucket::workspace/") {
            "true\n".to_owned()
        } else {
            format!("\n          audiences:\n            - {}\n", yaml(&self.plan.audience))
        };
        let own = if own.starts_with('\n') { own } else { format!(" {own}") };
        let pinned = self.plan.subjects.iter().any(|subject| subject.text.matches(':').count() == 2);
        let environment = match self.plan.hints.environment.as_deref() {
            Some(name) => format!("        deployment: {}\n", yaml(name)),
            None if pinned => {
                "        deployment: production # the environment with the id that the policy has\n".to_owned()
            }
            None => String::new(),
        };
        format!(
            r#"image: node:24
pipelines:
  default:
    - step:
        oidc:{own}{environment}        script:
          - {command}
          - aws sts get-caller-identity
"#,
            command = super::doc::json(&format!("eval \"$({})\"", self.command(&self.plan.audience)))
        )
    }

    fn bitrise(&self) -> String {
        let workflow = yaml(self.plan.hints.workflow.as_deref().unwrap_or("deploy"));
        let audience = self
            .audience("sts.amazonaws.com")
            .map_or_else(String::new, |text| format!("        - audience: {}\n", yaml(text)));
        let region =
            if self.region == "us-east-1" { String::new() } else { format!("        - region: {}\n", self.region) };
        format!(
            r"workflows:
  {workflow}:
    steps:
    - git::https://github.com/{repository}.git@v{version}:
        inputs:
        - role_arn: {arn}
{region}{audience}    - script:
        inputs:
        - content: aws sts get-caller-identity --region {of}
",
            repository = product::repository(),
            version = product::VERSION,
            arn = self.arn,
            of = self.region
        )
    }

    fn azure_devops(&self) -> String {
        let Some(connection) = &self.plan.hints.connection else {
            return format!(
                r"steps:
  - script: {command}
    env:
      SYSTEM_ACCESSTOKEN: $(System.AccessToken)
  - script: aws sts get-caller-identity
",
                command = super::doc::json(&self.command(&self.plan.audience))
            );
        };
        // A job gets the token of a connection only by a task that names it.
        format!(
            r"steps:
  - task: CiAssumeRole@0
    inputs:
      roleArn: {arn}
      region: {region}
      serviceConnection: {connection}
  - script: aws sts get-caller-identity
",
            arn = self.arn,
            region = self.region,
            connection = yaml(connection)
        )
    }

    fn other(&self) -> String {
        format!("eval \"$({})\"\naws sts get-caller-identity\n", self.command(""))
    }
}
