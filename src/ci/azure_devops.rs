//! Azure DevOps Pipelines.
//! <https://learn.microsoft.com/en-us/rest/api/azure/devops/distributedtask/oidctoken/create>

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, ready};
use serde_json::Value;

use super::Ci;
use crate::change::Change;
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::{Dialect, Report};
use crate::effect::Stream;
use crate::environment::Environment;
use crate::pairs::Pairs;
use crate::product;
use crate::run::{Call, Run, Service, Trouble, shown_host};
use crate::secret::Secret;
use crate::settings::common::Way;
use crate::settings::{Settings, ToAssume, TokenRequest};
use crate::shell;
use crate::sts::endpoint::Endpoint;
use crate::sts::error::Retry;
use crate::token::UnverifiedToken;
use crate::variables::is_prefixed_credential;

const TOKEN_SERVICE: Service = Service {
    name: "Azure DevOps",
    advice: "check that this agent may reach dev.azure.com (firewall, DNS, proxy), and https://status.dev.azure.com",
};

pub struct AzureDevOps;

impl Dialect for AzureDevOps {
    fn name(&self) -> &'static str {
        "azure-devops"
    }

    /// Which is where its agent looks for commands.
    fn stream(&self) -> Stream {
        Stream::Stdout
    }

    fn mask_lines(&self, secret: &str) -> Vec<String> {
        // The agent refuses secrets of several lines, so each line is one.
        let lines = secret.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty());
        lines.map(|line| format!("##vso[task.setsecret]{}", escaped(line))).collect()
    }

    fn notice(&self, message: &str) -> Option<String> {
        Some(format!("##vso[task.logissue type=warning]{}: {}", product::NAME, escaped(message)))
    }

    fn failure(&self, reports: Vec<Report<'_>>) -> Vec<String> {
        let mut lines = Vec::new();
        for report in reports {
            lines.extend(report.lines);
            let (code, headline) = (report.diagnostic.code.id(), report.diagnostic.headline.as_str());
            lines.push(format!("##vso[task.logissue type=error;code={code}]{}: {}", product::NAME, escaped(headline)));
        }
        lines
    }

    fn group(&self, title: &str) -> Option<String> {
        Some(format!("##[group]{title}"))
    }

    fn end_group(&self) -> Option<String> {
        Some("##[endgroup]".to_owned())
    }

    fn run_labels(&self, env: &Environment) -> Vec<(&'static str, String)> {
        env.labels(&[
            ("project", "SYSTEM_TEAMPROJECT"),
            ("pipeline", "BUILD_DEFINITIONNAME"),
            ("build", "BUILD_BUILDID"),
        ])
    }
}

impl Ci for AzureDevOps {
    fn is_here(&self, env: &Environment) -> bool {
        env.is_on("TF_BUILD")
    }

    fn session_name(&self, env: &Environment) -> String {
        let part = |name| env.get(name).unwrap_or_default();
        format!("azure-devops-{}-{}", part("BUILD_BUILDID"), part("BUILD_DEFINITIONNAME"))
    }

    /// Secret variables do not reach later scripts by themselves; a file does.
    fn way(&self) -> Way {
        Way::Profile
    }

    fn token<'a>(
        &'a self,
        run: &'a Run,
        settings: &'a Settings,
        _request: &'a TokenRequest,
    ) -> LocalBoxFuture<'a, Result<Secret, Trouble>> {
        token(run, settings).boxed_local()
    }

    fn deciding_claims(&self) -> &'static [&'static str] {
        &["iss", "aud", "sub", "org_id", "prj_id", "def_id", "rpo_uri", "rpo_ref"]
    }

    fn denial_causes(&self, token: &UnverifiedToken, role: &ToAssume<'_>) -> Vec<String> {
        let claims = token.claims();
        let mut causes = Vec::new();
        let subject = claims.text("sub").unwrap_or_default();
        if subject.starts_with("p://") {
            causes.push(
                "the token is the pipeline's (`p://…`), and the policy is for a service connection (`sc://…`): give \
                 its id with `--service-connection`"
                    .to_owned(),
            );
        } else if subject.starts_with("sc://") {
            causes.push("the policy names another organization, project or service connection".to_owned());
        }
        if claims.issuer().is_some_and(|issuer| issuer.starts_with("https://vstoken.dev.azure.com/")) {
            causes.push(
                "the role is for Microsoft Entra's issuer, and this token is of vstoken.dev.azure.com, which is to be \
                 retired on 1 July 2027"
                    .to_owned(),
            );
        } else {
            causes.push(
                "the role is for the issuer vstoken.dev.azure.com, and this service connection has moved to Microsoft \
                 Entra's, whose subjects are others"
                    .to_owned(),
            );
        }
        causes.push("the policy has `sc:///` with three slashes, and subjects have two".to_owned());
        causes.extend(super::usual_causes(role));
        causes
    }

    fn pinned_claims(&self) -> &'static [&'static str] {
        &["aud", "sub"]
    }

    fn exports<'a>(
        &'a self,
        _run: &'a Run,
        variables: &'a Pairs,
    ) -> LocalBoxFuture<'a, Result<Vec<Change>, Diagnostic>> {
        Box::pin(ready(set_variables(variables)))
    }

    /// The agent empties this folder after the job, so that nothing of ours has to run then.
    fn scratch(&self, run: &Run) -> String {
        let folder = run.env.get("AGENT_TEMPDIRECTORY").unwrap_or_else(|| run.env.temp());
        folder.trim_end_matches(['/', '\\']).to_owned()
    }
}

/// Credentials are secret variables, which later scripts get only where their `env:` maps them.
fn set_variables(variables: &Pairs) -> Result<Vec<Change>, Diagnostic> {
    let mut text = String::new();
    for (name, value) in variables.iter() {
        let fault = |reason: &str| {
            Diagnostic::new(Code::HandOverFailed, format!("{name} cannot be made a variable of the job: {reason}"))
        };
        if !shell::is_name(name) {
            return Err(fault("that is no name of a variable"));
        }
        if value.contains('\0') {
            return Err(fault("the value has a NUL character"));
        }
        let secret = is_prefixed_credential(name);
        if secret && value.contains(['\r', '\n']) {
            return Err(fault("a secret has to be one line"));
        }
        let kind = if secret { ";issecret=true" } else { "" };
        text.push_str(&format!("##vso[task.setvariable variable={name}{kind}]{}\n", escaped(value)));
    }
    Ok(vec![Change::Print { text: text.trim_end_matches('\n').to_owned() }])
}

/// As azure-pipelines-task-lib writes data.
fn escaped(text: &str) -> String {
    text.replace('%', "%AZP25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Whoever it does not know is shown a page to sign in, with a status that says nothing of it.
fn without_token() -> Diagnostic {
    Diagnostic::new(Code::TokenAnswerInvalid, "Azure DevOps answered without a token")
        .cause("SYSTEM_ACCESSTOKEN is not this job's, and Azure DevOps shows a page to sign in")
        .cause("something between the agent and Azure DevOps, such as a proxy, answered in its place")
        .fix("map the job's own token in the step's `env:`, SYSTEM_ACCESSTOKEN: $(System.AccessToken)")
}

async fn token(run: &Run, settings: &Settings) -> Result<Secret, Trouble> {
    let never = |diagnostic| Trouble::new(Retry::Never, diagnostic);
    let Some(uri) = run.env.get("SYSTEM_OIDCREQUESTURI") else {
        let diagnostic =
            Diagnostic::new(Code::TokenPermissionMissing, "this job may not ask Azure DevOps for an OIDC token")
                .cause("SYSTEM_OIDCREQUESTURI is not set: Azure DevOps Server, and agents before 3.240, have none")
                .fix("run it in a job of Azure DevOps Services, with a newer agent");
        return Err(never(diagnostic));
    };
    let Some(access) = run.env.get("SYSTEM_ACCESSTOKEN") else {
        let diagnostic =
            Diagnostic::new(Code::TokenPermissionMissing, "this script may not ask Azure DevOps for an OIDC token")
                .cause("SYSTEM_ACCESSTOKEN is not set: scripts get it only where their `env:` maps it")
                .cause("in a classic pipeline, \"Allow scripts to access the OAuth token\" is off")
                .fix("map the token in the step's `env:`")
                .paste("in the step, beside `script:`", "yaml", "env:\n  SYSTEM_ACCESSTOKEN: $(System.AccessToken)");
        return Err(never(diagnostic));
    };
    if Endpoint::custom(uri).is_err() {
        let diagnostic = Diagnostic::new(Code::TokenRequestFailed, "Azure DevOps's address is not an https address")
            .fact("host", shown_host(uri))
            .fix("SYSTEM_OIDCREQUESTURI is set by the agent; something has replaced it");
        return Err(never(diagnostic));
    }
    run.mask(&Secret::new(access));
    let connection = ["--service-connection", "CI_ASSUME_ROLE_SERVICE_CONNECTION"]
        .into_iter()
        .find_map(|name| run.env.get(name))
        .map(|id| {
            format!(
                "&serviceConnectionId={}",
                percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC)
            )
        });
    let call = Call {
        method: "POST",
        url: format!("{uri}?api-version=7.1{}", connection.as_deref().unwrap_or_default()),
        headers: vec![
            ("authorization".into(), format!("Bearer {access}")),
            ("content-type".into(), "application/json".to_owned()),
            ("accept".into(), "application/json".to_owned()),
            ("x-tfs-fedauthredirect".into(), "Suppress".to_owned()),
            ("user-agent".into(), run.user_agent()),
        ],
        body: Some(String::new()),
    };
    let answer = run.fetch(TOKEN_SERVICE, call, &settings.proxy).await?;
    // The body itself is never shown.
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let with_facts = |diagnostic: Diagnostic| {
        diagnostic.fact("status", answer.status.to_string()).fact_if("Azure DevOps says", body["message"].as_str())
    };
    let (retry, diagnostic) = match answer.status {
        200..=299 => match body["oidcToken"].as_str() {
            Some(token) if !token.is_empty() => return Ok(Secret::new(token)),
            _ => (Retry::Never, without_token()),
        },
        300..=399 => (Retry::Never, without_token()),
        429 | 500.. => (
            Retry::Yes,
            Diagnostic::new(Code::TokenRequestFailed, "Azure DevOps has trouble issuing a token")
                .fix("run the job again later; see https://status.dev.azure.com"),
        ),
        401 | 403 | 404 => {
            let refused =
                Diagnostic::new(Code::TokenRequestRefused, "Azure DevOps refused to issue a token for this job");
            let refused = if connection.is_some() {
                refused
                    .cause("the job may not use that service connection: a task of the job has to name it")
                    .cause("`--service-connection` wants the id of the connection, not its name")
                    .fix("name the connection in an input of a task of this job, and let the pipeline use it")
            } else {
                refused
                    .cause("SYSTEM_ACCESSTOKEN is not this job's: it ends with the job")
                    .fix("map the job's own token in the step's `env:`, SYSTEM_ACCESSTOKEN: $(System.AccessToken)")
            };
            (Retry::Never, refused)
        }
        _ => (
            Retry::Never,
            Diagnostic::new(Code::TokenRequestFailed, "Azure DevOps did not accept the request for a token"),
        ),
    };
    Err(Trouble::new(retry, with_facts(diagnostic)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_keeps_to_its_line() {
        let mut variables = Pairs::default();
        variables.set("AWS_SECRET_ACCESS_KEY", "a%b");
        variables.set("AWS_REGION", "eu\n##vso[x]");
        let changes = set_variables(&variables).unwrap();
        let [Change::Print { text }] = changes.as_slice() else { panic!() };
        assert_eq!(
            text,
            "##vso[task.setvariable variable=AWS_SECRET_ACCESS_KEY;issecret=true]a%AZP25b\n\
             ##vso[task.setvariable variable=AWS_REGION]eu%0A##vso[x]"
        );
        variables.set("AWS_SESSION_TOKEN", "a\nb");
        assert!(set_variables(&variables).is_err());
        assert_eq!(AzureDevOps.mask_lines("a\nb%\n"), ["##vso[task.setsecret]a", "##vso[task.setsecret]b%AZP25"]);
    }
}
