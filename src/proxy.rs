//! Which proxy a request goes through: from the options first, then from the usual variables.

use std::net::Ipv6Addr;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::diagnostic::{Code, Diagnostic};
use crate::secret::Secret;
use crate::sts::endpoint;

/// The option that comes before every variable.
const OPTION: &str = "http-proxy";
/// For `https:` targets. `HTTP_PROXY` counts too, as it does for the tool that we replace; its lower
/// case form does not, since a cache that serves nothing but `http:` is often set that way.
const HTTPS_VARIABLES: &[&str] = &["https_proxy", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
const HTTP_VARIABLES: &[&str] = &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
const NO_PROXY_VARIABLES: &[&str] = &["no_proxy", "NO_PROXY"];
const EXAMPLE: &str = "http://proxy.example.com:3128";

/// The proxies of one run. A wrong address in a variable is a fault only for requests that need it.
pub struct ProxySettings {
    https: Option<Result<ProxyUrl, ProxyFault>>,
    http: Option<Result<ProxyUrl, ProxyFault>>,
    exceptions: NoProxy,
    secrets: Vec<Secret>,
}

impl ProxySettings {
    /// `http_proxy` and `no_proxy` are the options of those names, without any alias: the variables
    /// have an order of their own. An empty text counts as absent everywhere.
    ///
    /// # Errors
    /// When the option `http-proxy` is no address of an HTTP proxy.
    pub fn new(
        http_proxy: Option<&str>,
        no_proxy: Option<&str>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ProxyFault> {
        let given = |text: Option<&str>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| Some((Origin::Variable(name), given(environment(name).as_deref())?)))
        };
        let option = given(http_proxy).map(|text| (Origin::Option, text));
        let https = option.clone().or_else(|| first(HTTPS_VARIABLES));
        let http = option.clone().or_else(|| first(HTTP_VARIABLES));
        let exceptions = given(no_proxy).or_else(|| Some(first(NO_PROXY_VARIABLES)?.1)).unwrap_or_default();

        let mut secrets = Vec::new();
        let mut read = |(origin, text): (Origin, String)| {
            let proxy = ProxyUrl::parse(&text, origin);
            let found = match &proxy {
                Ok(proxy) => proxy.secrets(),
                Err(_) if text.contains('@') => vec![Secret::new(text)],
                Err(_) => Vec::new(),
            };
            push_new(&mut secrets, found);
            proxy
        };
        let (https, http) = (https.map(&mut read), http.map(&mut read));
        if option.is_some()
            && let Some(Err(fault)) = &https
        {
            return Err(fault.clone());
        }
        Ok(Self { https, http, exceptions: NoProxy::parse(&exceptions), secrets })
    }

    /// The proxy for a request, `None` to go straight. This machine itself is never behind a proxy
    /// (the rule of Go's `net/http`). A target that cannot be read is not excepted.
    ///
    /// # Errors
    /// When the variable that counts for this target is no address of an HTTP proxy.
    pub fn for_url(&self, url: &str) -> Result<Option<&ProxyUrl>, ProxyFault> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
        let plain = scheme.eq_ignore_ascii_case("http");
        let Some(proxy) = (if plain { &self.http } else { &self.https }) else {
            return Ok(None);
        };
        let (authority, _) = split_authority(rest);
        let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
        if let Some((host, port)) = read_address(address) {
            let port = port.unwrap_or(if plain { 80 } else { 443 });
            if endpoint::is_loopback(&host) || self.exceptions.has(&host, port) {
                return Ok(None);
            }
        }
        proxy.as_ref().map(Some).map_err(Clone::clone)
    }

    /// What the log has to hide, whether or not a request will use it.
    #[must_use]
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }
}

/// Where the address of a proxy was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The option `http-proxy`.
    Option,
    Variable(&'static str),
}

/// An HTTP proxy, reached over `http:` or `https:`.
pub struct ProxyUrl {
    scheme: &'static str,
    /// `user` or `user:password`, each percent-encoded.
    userinfo: Option<String>,
    host: String,
    port: u16,
    secrets: Vec<Secret>,
}

impl ProxyUrl {
    /// Reads `http://`, `https://`, or a bare `host:port`, which means `http://`. Without a port it
    /// is the scheme's own, 80 or 443.
    ///
    /// # Errors
    /// When it is something else, a SOCKS proxy for instance.
    pub fn parse(text: &str, origin: Origin) -> Result<Self, ProxyFault> {
        let fault = |problem| ProxyFault { origin, problem };
        let text = text.trim();
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(fault(Problem::Malformed));
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => ("http", 80),
            "https" => ("https", 443),
            other if other.starts_with("socks") => return Err(fault(Problem::Socks)),
            other if other.starts_with("pac") => return Err(fault(Problem::Pac)),
            _ => return Err(fault(Problem::Scheme)),
        };
        let (authority, tail) = split_authority(rest);
        if !matches!(tail, "" | "/") {
            return Err(fault(Problem::Tail));
        }
        let (userinfo, address) = match authority.rsplit_once('@') {
            Some((userinfo, address)) => (Some(userinfo).filter(|userinfo| !matches!(*userinfo, "" | ":")), address),
            None => (None, authority),
        };
        let (host, port) = read_address(address).ok_or(fault(Problem::Malformed))?;
        let mut proxy = Self { scheme, userinfo: None, host, port: port.unwrap_or(default_port), secrets: Vec::new() };
        if let Some(userinfo) = userinfo {
            let (encoded, found) = read_userinfo(userinfo).ok_or(fault(Problem::Userinfo))?;
            proxy.userinfo = Some(encoded);
            let whole = [text.to_owned(), proxy.expose()].map(Secret::new);
            push_new(&mut proxy.secrets, whole.into_iter().chain(found));
        }
        Ok(proxy)
    }

    /// The whole address for the shim, with user and password.
    #[must_use]
    pub fn expose(&self) -> String {
        match &self.userinfo {
            Some(userinfo) => format!("{}://{userinfo}@{}", self.scheme, self.address()),
            None => self.shown(),
        }
    }

    /// The address without user and password.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{}://{}", self.scheme, self.address())
    }

    /// The address as it was given and as it is used, `user:password`, and the password in each
    /// spelling. A user without a password is taken for an access token, so it is a secret as well.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        self.secrets.clone()
    }

    fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Why there is no proxy to go through, though one is asked for. Holds nothing of the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyFault {
    origin: Origin,
    problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    Malformed,
    Pac,
    Scheme,
    Socks,
    Tail,
    Userinfo,
}

impl ProxyFault {
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let problem = match self.problem {
            Problem::Malformed => "is not the address of a proxy",
            Problem::Pac => "names a proxy auto-configuration script, and only HTTP proxies are supported",
            Problem::Scheme => "has a scheme other than http:// and https://",
            Problem::Socks => "names a SOCKS proxy, and only HTTP proxies are supported",
            Problem::Tail => "has a path, a query or a fragment, which the address of a proxy cannot have",
            Problem::Userinfo => "has a user name or a password that is not UTF-8 text after percent-decoding",
        };
        let mut diagnostic = match self.origin {
            Origin::Option => Diagnostic::new(Code::OptionInvalid, format!("`{OPTION}` {problem}"))
                .fix(format!("for example `{OPTION}: {EXAMPLE}`")),
            Origin::Variable(name) => {
                Diagnostic::new(Code::ProxyFailed, format!("the environment variable `{name}` {problem}"))
                    .fix(format!("for example `{name}={EXAMPLE}`"))
                    .fix("or unset it; only proxies that speak HTTP can be used")
            }
        };
        if matches!(self.problem, Problem::Malformed | Problem::Tail) {
            diagnostic =
                diagnostic.fix("percent-encode special characters of the user name and password, `%2F` for a slash");
        }
        diagnostic
    }
}

/// Hosts that are reached directly, as the npm package proxy-from-env has them: entries between
/// commas or white space, each a host, `.suffix` or `*suffix`, with `:port` if only that port is
/// meant. `*` is every host. There are no address ranges.
struct NoProxy(Vec<Exception>);

struct Exception {
    host: String,
    /// Whether longer names that end in `host` are meant too.
    is_suffix: bool,
    port: Option<u32>,
}

impl NoProxy {
    fn parse(text: &str) -> Self {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace());
        Self(entries.filter(|entry| !entry.is_empty()).map(Exception::parse).collect())
    }

    fn has(&self, host: &str, port: u16) -> bool {
        self.0.iter().any(|exception| exception.covers(host, port))
    }
}

impl Exception {
    fn parse(entry: &str) -> Self {
        let entry = entry.to_ascii_lowercase();
        let (host, port) = match entry.rsplit_once(':') {
            // The last group of a bare IPv6 address is no port.
            Some((host, port))
                if !host.is_empty() && (!host.contains(':') || host.ends_with(']')) && is_number(port) =>
            {
                (host, Some(port.parse().unwrap_or(u32::MAX)))
            }
            _ => (entry.as_str(), None),
        };
        if let Some(address) = ipv6(host) {
            return Self { host: address, is_suffix: false, port };
        }
        let is_suffix = host.starts_with(['.', '*']);
        Self { host: host.strip_prefix('*').unwrap_or(host).to_owned(), is_suffix, port }
    }

    fn covers(&self, host: &str, port: u16) -> bool {
        let same_host = if self.is_suffix { host.ends_with(&self.host) } else { host == self.host };
        same_host && self.port.is_none_or(|only| only == u32::from(port))
    }
}

/// What stands before the path, and the rest.
fn split_authority(rest: &str) -> (&str, &str) {
    rest.find(['/', '\\', '?', '#']).and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""))
}

/// `host`, `host:port` or `[address]:port`; the host in lower case, an address without brackets.
fn read_address(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(inside) => {
            let (address, port) = inside.split_once(']')?;
            (ipv6(address)?, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host.to_ascii_lowercase(), Some(port)),
            None => (text.to_ascii_lowercase(), None),
        },
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if host.is_empty() || !(host.contains(':') || host.bytes().all(is_name)) {
        return None;
    }
    let port = match port {
        None | Some("") => None,
        Some(port) => Some(port.parse().ok().filter(|number| *number > 0 && is_number(port))?),
    };
    Some((host, port))
}

/// The user and password percent-encoded in one way, and what of them is secret.
fn read_userinfo(raw: &str) -> Option<(String, Vec<Secret>)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let (user, password) = raw.split_once(':').unwrap_or((raw, ""));
    let (plain_user, plain_password) = (decoded(user)?, decoded(password)?);
    if password.is_empty() {
        let secrets = [user.to_owned(), encoded(&plain_user), plain_user.clone()].map(Secret::new);
        return Some((encoded(&plain_user), secrets.into()));
    }
    let userinfo = format!("{}:{}", encoded(&plain_user), encoded(&plain_password));
    let both = format!("{plain_user}:{plain_password}");
    let secrets =
        [raw.to_owned(), userinfo.clone(), both, password.to_owned(), encoded(&plain_password), plain_password];
    Some((userinfo, secrets.map(Secret::new).into()))
}

fn push_new(known: &mut Vec<Secret>, found: impl IntoIterator<Item = Secret>) {
    for secret in found {
        if !known.contains(&secret) {
            known.push(secret);
        }
    }
}

/// An IPv6 address, in brackets or not, in its one canonical spelling.
fn ipv6(text: &str) -> Option<String> {
    let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    inside.parse::<Ipv6Addr>().ok().map(|address| address.to_string())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STS: &str = "https://sts.eu-west-1.amazonaws.com/";

    fn settings(option: &str, no_proxy: &str, variables: &[(&str, &str)]) -> ProxySettings {
        let environment =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        match ProxySettings::new(Some(option), Some(no_proxy), environment) {
            Ok(settings) => settings,
            Err(fault) => panic!("{fault:?}"),
        }
    }

    /// Where a request goes, with user and password.
    #[track_caller]
    fn route(settings: &ProxySettings, url: &str) -> Option<String> {
        settings.for_url(url).unwrap().map(ProxyUrl::expose)
    }

    fn fault(text: &str) -> Option<Problem> {
        ProxyUrl::parse(text, Origin::Option).err().map(|fault| fault.problem)
    }

    #[test]
    fn the_option_comes_first_and_each_scheme_has_its_variables() {
        let all = [
            ("https_proxy", "a:1"),
            ("HTTPS_PROXY", "b:2"),
            ("http_proxy", "c:3"),
            ("HTTP_PROXY", "d:4"),
            ("all_proxy", "e:5"),
            ("ALL_PROXY", "f:6"),
        ];
        assert_eq!(route(&settings("http://o:7", "", &all), STS).unwrap(), "http://o:7");
        assert_eq!(route(&settings("http://o:7", "", &all), "http://h/").unwrap(), "http://o:7");
        for (absent, https, http) in [
            (&[][..], "a:1", "c:3"),
            (&["https_proxy", "http_proxy"], "b:2", "d:4"),
            (&["https_proxy", "HTTPS_PROXY"], "d:4", "c:3"),
            (&["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"], "e:5", "e:5"),
            (&["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy"], "f:6", "f:6"),
        ] {
            let rest = all.map(|(name, value)| (name, if absent.contains(&name) { " " } else { value }));
            let settings = settings("", "", &rest);
            assert_eq!(route(&settings, STS), Some(format!("http://{https}")), "without {absent:?}");
            assert_eq!(route(&settings, "http://h/"), Some(format!("http://{http}")), "without {absent:?}");
        }
        assert_eq!(route(&settings("", "", &[("http_proxy", "c:3")]), STS), None);
        assert_eq!(route(&settings("", "", &[]), STS), None);
    }

    #[test]
    fn exceptions_go_straight() {
        for (list, url, straight) in [
            ("*", "https://any.example/", true),
            ("a.example, *", "https://any.example/", true),
            ("a.example", "https://a.example/", true),
            ("A.EXAMPLE", "https://a.example/", true),
            ("a.example", "https://A.Example/", true),
            ("a.example", "https://b.a.example/", false),
            ("a.example", "https://xa.example/", false),
            (".a.example", "https://b.a.example/", true),
            (".a.example", "https://a.example/", false),
            ("*.a.example", "https://b.a.example/", true),
            ("*.a.example", "https://a.example/", false),
            ("*a.example", "https://ba.example/", true),
            ("x b\ta.example\ny,,z", "https://a.example/", true),
            ("a.example:443", "https://a.example/", true),
            ("a.example:443", "https://a.example:8443/", false),
            ("a.example:80", "http://a.example/", true),
            ("a.example:80", "https://a.example/", false),
            (".example:8443", "https://a.example:8443/", true),
            ("*:8443", "https://a.example:8443/", true),
            ("*:8443", "https://a.example/", false),
            ("a.example:99999999999", "https://a.example/", false),
            ("10.0.0.0/8", "https://10.1.2.3/", false),
            ("10.1.2.3", "https://10.1.2.3/", true),
            ("[fd00::1]", "https://[fd00::1]/", true),
            ("fd00:0::1", "https://[FD00::1]/", true),
            ("[fd00::1]:443", "https://[fd00::1]/", true),
            ("[fd00::1]:80", "https://[fd00::1]/", false),
            ("fd00::443", "https://[fd00::]/", false),
            ("a.example", "https://u:p@a.example/path@b", true),
            ("amazonaws.com", STS, false),
            (".amazonaws.com", STS, true),
        ] {
            assert_eq!(route(&settings("p:1", list, &[]), url).is_none(), straight, "{list:?} {url}");
        }
        let variables = [("NO_PROXY", "b.example"), ("no_proxy", "a.example")];
        assert!(route(&settings("p:1", "", &variables), "https://a.example/").is_none());
        assert!(route(&settings("p:1", "", &variables), "https://b.example/").is_some());
        assert!(route(&settings("p:1", "c.example", &variables), "https://a.example/").is_some());
    }

    #[test]
    fn this_machine_is_never_behind_a_proxy() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]"] {
            assert_eq!(route(&settings("p:1", "", &[]), &format!("http://{host}:8080/x")), None, "{host}");
        }
        for host in ["localhost.example", "128.0.0.1", "[::2]", "127.0.0.1.example"] {
            assert!(route(&settings("p:1", "", &[]), &format!("https://{host}/")).is_some(), "{host}");
        }
    }

    #[test]
    fn a_target_that_cannot_be_read_does_not_go_straight() {
        for url in ["", "https://", "https://[::1/", "https://:443", "https://127.0.0.1:x/"] {
            assert!(route(&settings("p:1", "localhost", &[]), url).is_some(), "{url}");
        }
    }

    #[test]
    fn addresses_are_read_in_the_usual_spellings() {
        for (text, shown, exposed) in [
            ("http://proxy:3128", "http://proxy:3128", "http://proxy:3128"),
            ("HTTP://Proxy.Example/", "http://proxy.example:80", "http://proxy.example:80"),
            ("https://proxy", "https://proxy:443", "https://proxy:443"),
            (" proxy:3128 ", "http://proxy:3128", "http://proxy:3128"),
            ("proxy:", "http://proxy:80", "http://proxy:80"),
            ("http://[FD00::1]:3128", "http://[fd00::1]:3128", "http://[fd00::1]:3128"),
            ("u:p@proxy:3128", "http://proxy:3128", "http://u:p@proxy:3128"),
            ("http://u@proxy:3128", "http://proxy:3128", "http://u@proxy:3128"),
            ("http://@proxy:3128", "http://proxy:3128", "http://proxy:3128"),
            ("http://:@proxy:3128", "http://proxy:3128", "http://proxy:3128"),
            ("http://u:p@ss%21:100%@proxy:1", "http://proxy:1", "http://u:p%40ss%21%3A100%25@proxy:1"),
        ] {
            let proxy = ProxyUrl::parse(text, Origin::Option).ok().unwrap();
            assert_eq!((proxy.shown().as_str(), proxy.expose().as_str()), (shown, exposed), "{text}");
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        for (text, problem) in [
            ("socks5://proxy:1080", Problem::Socks),
            ("SOCKS://proxy", Problem::Socks),
            ("pac+http://proxy/proxy.pac", Problem::Pac),
            ("ftp://proxy", Problem::Scheme),
            ("http://proxy/proxy.pac", Problem::Tail),
            ("http://u:pa/ss@proxy", Problem::Tail),
            ("http://u:1#ss@proxy", Problem::Tail),
            ("http://", Problem::Malformed),
            ("http://proxy:0", Problem::Malformed),
            ("http://proxy:65536", Problem::Malformed),
            ("http://proxy:+80", Problem::Malformed),
            ("http://a b", Problem::Malformed),
            ("http://a\nb", Problem::Malformed),
            ("http://[::1", Problem::Malformed),
            ("http://[::1]x", Problem::Malformed),
            ("http://bücher:1", Problem::Malformed),
            ("http://u:%ff@proxy", Problem::Userinfo),
        ] {
            assert_eq!(fault(text), Some(problem), "{text}");
        }
    }

    #[test]
    fn a_wrong_option_is_refused_at_once_and_a_wrong_variable_when_it_counts() {
        let fault = ProxySettings::new(Some("socks5://u:hunter2@p"), None, |_| None).err().unwrap();
        let diagnostic = fault.diagnostic();
        assert_eq!(diagnostic.code, Code::OptionInvalid);
        assert_eq!(
            diagnostic.headline.as_str(),
            "`http-proxy` names a SOCKS proxy, and only HTTP proxies are supported"
        );

        let settings = settings("", "a.example", &[("all_proxy", "socks5://u:hunter2@p")]);
        assert!(matches!(settings.for_url("https://a.example/"), Ok(None)));
        let diagnostic = settings.for_url(STS).err().unwrap().diagnostic();
        assert_eq!(diagnostic.code, Code::ProxyFailed);
        assert!(diagnostic.headline.as_str().contains("`all_proxy`"));
        assert!(!format!("{diagnostic:?}").contains("hunter2"));
        assert!(settings.secrets().iter().any(|secret| secret.expose().contains("hunter2")));
    }

    #[test]
    fn passwords_are_hidden_in_every_spelling() {
        let shown = |text: &str| -> Vec<String> {
            let proxy = ProxyUrl::parse(text, Origin::Option).ok().unwrap();
            proxy.secrets().iter().map(|secret| secret.expose().to_owned()).collect()
        };
        assert_eq!(shown("http://proxy:3128"), Vec::<String>::new());
        assert_eq!(shown("token@proxy:1"), ["token@proxy:1", "http://token@proxy:1", "token"]);
        assert_eq!(
            shown("http://me:a%2fb@proxy:1/"),
            [
                "http://me:a%2fb@proxy:1/",
                "http://me:a%2Fb@proxy:1",
                "me:a%2fb",
                "me:a%2Fb",
                "me:a/b",
                "a%2fb",
                "a%2Fb",
                "a/b"
            ]
        );
    }

    proptest! {
        #[test]
        fn never_panics(option in any::<String>(), list in any::<String>(), url in any::<String>()) {
            if let Ok(settings) = ProxySettings::new(Some(&option), Some(&list), |_| None) {
                prop_assert!(settings.for_url(&url).is_ok());
            }
        }

        /// What the shim is handed can be read again, and decodes to what was meant.
        #[test]
        fn user_and_password_survive(user in "\\PC{1,8}", password in "\\PC{0,8}") {
            let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            let text = format!("http://{}:{}@proxy:1", encoded(&user), encoded(&password));
            let proxy = ProxyUrl::parse(&text, Origin::Option).ok().unwrap();
            let expected = if password.is_empty() { text.replace(":@", "@") } else { text };
            prop_assert_eq!(proxy.expose(), expected);
            prop_assert_eq!(proxy.shown(), "http://proxy:1");
            let hidden = proxy.secrets();
            let secret = if password.is_empty() { &user } else { &password };
            prop_assert!(hidden.iter().any(|hidden| hidden.expose() == secret));
        }
    }
}
