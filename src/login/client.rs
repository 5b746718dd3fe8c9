//! The clients of registries: how each is told of a login, and where it keeps what it was told.

use serde_json::Value;

use crate::change::said;
use crate::diagnostic::{Code, Diagnostic};
use crate::effect::{Command, Ended, Fault, FaultKind};
use crate::run::{Run, interrupted};
use crate::secret::Secret;
use crate::values::ValueFault;

/// A client that asks the registry first may have to wait for it.
const PROGRAM_MS: u32 = 30_000;
const PROGRAM_BYTES: u32 = 64 * 1024;

const STORE: &str = "the client's credential store (`credsStore`) is locked, or its helper is not installed";

/// A program that pulls or pushes images or charts, or the file that all of them read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    Docker,
    Podman,
    Buildah,
    Helm,
    Crane,
    AuthFile,
}

/// Whom to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The first client that is installed; the file, where none is.
    Auto,
    Only(Client),
}

impl Choice {
    /// # Errors
    /// When it is neither `auto` nor a client's name.
    pub fn parse(text: &str) -> Result<Self, ValueFault> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let client = Client::named(text).map(Self::Only);
        client.ok_or_else(|| {
            let names: Vec<&str> = Client::ALL.into_iter().map(Client::name).collect();
            ValueFault::new(format!("is none of auto, {}", names.join(", ")), "docker")
        })
    }
}

impl Client {
    /// In the order in which they are looked for; the file is always there.
    const ALL: [Self; 6] = [Self::Docker, Self::Podman, Self::Buildah, Self::Helm, Self::Crane, Self::AuthFile];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Buildah => "buildah",
            Self::Helm => "helm",
            Self::Crane => "crane",
            Self::AuthFile => "auth-file",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|client| client.name() == name)
    }

    /// The command that logs in; the password is for its standard input.
    fn login(self, user: &str, host: &str) -> Vec<String> {
        self.words(&["login", "--username", user, "--password-stdin", host])
    }

    fn logout(self, host: &str) -> Vec<String> {
        self.words(&["logout", host])
    }

    fn version(self) -> Vec<String> {
        match self {
            Self::Helm | Self::Crane => vec![self.name().to_owned(), "version".to_owned()],
            _ => vec![self.name().to_owned(), "--version".to_owned()],
        }
    }

    fn words(self, rest: &[&str]) -> Vec<String> {
        let group: &[&str] = match self {
            Self::Helm => &["registry"],
            Self::Crane => &["auth"],
            _ => &[],
        };
        [self.name()].iter().chain(group).chain(rest).map(|word| (*word).to_owned()).collect()
    }

    /// The file that it keeps logins in. `None`: it depends on the user's number, or there is no home.
    ///
    /// - Docker: <https://docs.docker.com/reference/cli/docker/#configuration-files>; crane reads the same
    /// - Podman, Buildah: `containers-auth.json(5)`
    /// - Helm: <https://helm.sh/docs/helm/helm/>
    #[must_use]
    pub fn auth_file(self, run: &Run) -> Option<String> {
        let under = |name: &str, path: &str| Some(format!("{}/{path}", run.env.get(name)?.trim_end_matches('/')));
        let home = |path: &str| match run.runtime.home.as_str() {
            "" => None,
            home => Some(format!("{home}/{path}")),
        };
        let registry_auth_file = || run.env.get("REGISTRY_AUTH_FILE").map(str::to_owned);
        let of_docker = || under("DOCKER_CONFIG", "config.json");
        match self {
            Self::Docker | Self::Crane => of_docker().or_else(|| home(".docker/config.json")),
            // Tools that read no other file are told of it by this variable.
            Self::AuthFile => of_docker().or_else(registry_auth_file).or_else(|| home(".docker/config.json")),
            Self::Podman | Self::Buildah => registry_auth_file().or_else(|| {
                if run.runtime.platform == "linux" {
                    under("XDG_RUNTIME_DIR", "containers/auth.json")
                } else {
                    home(".config/containers/auth.json")
                }
            }),
            Self::Helm => run
                .env
                .get("HELM_REGISTRY_CONFIG")
                .map(str::to_owned)
                .or_else(|| under("HELM_CONFIG_HOME", "registry/config.json"))
                .or_else(|| under("XDG_CONFIG_HOME", "helm/registry/config.json"))
                .or_else(|| match run.runtime.platform.as_str() {
                    "win32" => under("APPDATA", "helm/registry/config.json"),
                    "darwin" => home("Library/Preferences/helm/registry/config.json"),
                    _ => home(".config/helm/registry/config.json"),
                }),
        }
    }
}

/// The client that an option means, by what is installed.
///
/// # Errors
/// When the run was interrupted.
pub async fn choose(run: &Run, choice: Choice) -> Result<Client, Diagnostic> {
    let candidates = match choice {
        Choice::Only(client) => return Ok(client),
        Choice::Auto => Client::ALL,
    };
    for client in candidates {
        if client == Client::AuthFile {
            break;
        }
        // Whatever it says of itself, it is there.
        match run.program(command(client.version(), String::new())).await {
            Err(fault) if fault.kind == FaultKind::Interrupted => return Err(interrupted().diagnostic),
            Err(fault) if matches!(fault.kind, FaultKind::NotFound | FaultKind::Permission) => {}
            _ => return Ok(client),
        }
    }
    Ok(Client::AuthFile)
}

/// Has a program log in.
///
/// # Errors
/// When it is not there, or fails.
pub(super) async fn log_in(
    run: &Run,
    client: Client,
    user: &str,
    password: &Secret,
    host: &str,
) -> Result<(), Diagnostic> {
    let command = command(client.login(user, host), password.expose().to_owned());
    let name = client.name();
    let failed = |headline: String| Diagnostic::new(Code::LoginFailed, headline).fact("registry", host);
    match run.program(command).await {
        Ok(ended) if ended.exit_code == Some(0) => Ok(()),
        Ok(ended) => Err(of_client(&ended, failed(format!("{name} did not log in")))
            .cause("the registry cannot be reached from here: by the network, a proxy or an endpoint policy")
            .cause(STORE)
            .fix("see what the client says above; `auth-file` as the client starts no program, and asks no registry")),
        Err(fault) if fault.kind == FaultKind::NotFound => Err(missing(name)),
        Err(fault) => Err(not_run(&fault, name, failed)),
    }
}

/// Has a program forget a login. `false`: it has none.
///
/// # Errors
/// When it fails.
pub(super) async fn log_out(run: &Run, client: Client, host: &str) -> Result<bool, Diagnostic> {
    let name = client.name();
    let failed = |headline: String| Diagnostic::new(Code::LogoutFailed, headline).fact("registry", host);
    match run.program(command(client.logout(host), String::new())).await {
        Ok(ended) if ended.exit_code == Some(0) => Ok(true),
        Ok(ended) if format!("{}{}", ended.stdout, ended.stderr).to_ascii_lowercase().contains("not logged in") => {
            Ok(false)
        }
        Ok(ended) => Err(of_client(&ended, failed(format!("{name} did not log out")))
            .cause(STORE)
            .fix(format!("see what the client says above, then by hand: {}", client.logout(host).join(" ")))),
        Err(fault) if fault.kind == FaultKind::NotFound => Err(missing(name)),
        Err(fault) => Err(not_run(&fault, name, failed)),
    }
}

fn command(argv: Vec<String>, input: String) -> Command {
    Command { argv, env: Vec::new(), input, timeout_ms: PROGRAM_MS, max_bytes: PROGRAM_BYTES }
}

fn of_client(ended: &Ended, diagnostic: Diagnostic) -> Diagnostic {
    diagnostic.fact("exit code", ended.shown_exit()).fact_if("it says", said(ended))
}

fn missing(name: &str) -> Diagnostic {
    Diagnostic::new(Code::LoginClientMissing, format!("there is no {name} on PATH"))
        .cause("this step runs in a container or on a machine without it")
        .fix(format!("install {name} in a step before this one"))
        .fix("or log another client in: `auto` takes the first that is there, `auth-file` needs none")
}

fn not_run(fault: &Fault, name: &str, failed: impl Fn(String) -> Diagnostic) -> Diagnostic {
    let problem = match fault.kind {
        FaultKind::Interrupted => return interrupted().diagnostic,
        FaultKind::Timeout => "did not end in time",
        FaultKind::TooLarge => "says more than a login has to say",
        FaultKind::Permission => "cannot be run by this user",
        _ => "could not be run",
    };
    let detail = Some(&fault.detail).filter(|detail| !detail.is_empty());
    failed(format!("{name} {problem}")).fact_if("system says", detail)
}

/// The texts of an entry that grant access.
pub(super) fn secrets_of(entry: &Value) -> impl Iterator<Item = Secret> {
    ["auth", "password", "identitytoken", "registrytoken"]
        .into_iter()
        .filter_map(|name| entry[name].as_str().filter(|text| !text.is_empty()).map(Secret::new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Channel;
    use crate::ci::all::ALL;
    use crate::environment::{Environment, Runtime};
    use crate::pairs::Pairs;
    use crate::run::Voice;
    use crate::time::Timestamp;

    fn run(platform: &str, variables: &[(&str, &str)]) -> Run {
        let mut pairs = Pairs::default();
        variables.iter().for_each(|(name, value)| pairs.set(name, value));
        let runtime = Runtime { home: "/home/ci".to_owned(), platform: platform.to_owned(), ..Runtime::default() };
        let channel = Channel::new(Timestamp::from_seconds(0), 0);
        Run::new(channel, *ALL.last().unwrap(), Environment::new(pairs, platform), runtime, Voice::Aside)
    }

    #[test]
    fn every_client_is_told_in_its_own_words() {
        for (client, login, logout) in [
            (Client::Docker, "docker login --username AWS --password-stdin h", "docker logout h"),
            (Client::Podman, "podman login --username AWS --password-stdin h", "podman logout h"),
            (Client::Buildah, "buildah login --username AWS --password-stdin h", "buildah logout h"),
            (Client::Helm, "helm registry login --username AWS --password-stdin h", "helm registry logout h"),
            (Client::Crane, "crane auth login --username AWS --password-stdin h", "crane auth logout h"),
        ] {
            assert_eq!(client.login("AWS", "h").join(" "), login);
            assert_eq!(client.logout("h").join(" "), logout);
        }
    }

    #[test]
    fn every_choice_is_a_client_but_the_first() {
        let names: Vec<&str> = std::iter::once("auto").chain(Client::ALL.map(Client::name)).collect();
        assert_eq!(names, crate::cli::table::CLIENTS);
        assert_eq!(Choice::parse("auto"), Ok(Choice::Auto));
        for client in Client::ALL {
            assert_eq!(Choice::parse(client.name()), Ok(Choice::Only(client)));
        }
        assert!(Choice::parse("Docker").is_err());
    }

    #[test]
    fn every_client_has_its_file() {
        use Client::{AuthFile, Buildah, Crane, Docker, Helm, Podman};
        for (client, platform, variables, path) in [
            (Docker, "linux", &[][..], Some("/home/ci/.docker/config.json")),
            (Docker, "linux", &[("DOCKER_CONFIG", "/d/")], Some("/d/config.json")),
            (Crane, "linux", &[("DOCKER_CONFIG", "/d")], Some("/d/config.json")),
            (Docker, "linux", &[("REGISTRY_AUTH_FILE", "/r")], Some("/home/ci/.docker/config.json")),
            (AuthFile, "linux", &[], Some("/home/ci/.docker/config.json")),
            (AuthFile, "linux", &[("REGISTRY_AUTH_FILE", "/r")], Some("/r")),
            (AuthFile, "linux", &[("REGISTRY_AUTH_FILE", "/r"), ("DOCKER_CONFIG", "/d")], Some("/d/config.json")),
            (Podman, "linux", &[("REGISTRY_AUTH_FILE", "/r"), ("XDG_RUNTIME_DIR", "/x")], Some("/r")),
            (Buildah, "linux", &[("XDG_RUNTIME_DIR", "/x")], Some("/x/containers/auth.json")),
            (Podman, "linux", &[], None),
            (Podman, "darwin", &[], Some("/home/ci/.config/containers/auth.json")),
            (Helm, "linux", &[], Some("/home/ci/.config/helm/registry/config.json")),
            (Helm, "darwin", &[], Some("/home/ci/Library/Preferences/helm/registry/config.json")),
            (Helm, "linux", &[("XDG_CONFIG_HOME", "/x")], Some("/x/helm/registry/config.json")),
            (Helm, "linux", &[("HELM_CONFIG_HOME", "/h")], Some("/h/registry/config.json")),
            (Helm, "linux", &[("HELM_REGISTRY_CONFIG", "/f"), ("HELM_CONFIG_HOME", "/h")], Some("/f")),
        ] {
            assert_eq!(client.auth_file(&run(platform, variables)).as_deref(), path, "{client:?} {variables:?}");
        }
    }
}
