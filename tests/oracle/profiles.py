"""How botocore, the AWS SDK for Python, reads the AWS config files, and where the credentials of their
profiles come from: the reference for src/aws/profile.rs.

    python tests/oracle/profiles.py            writes profiles.json beside this file
    python tests/oracle/profiles.py --check    fails if the file is not what it would write

Needs the botocore of tests/requirements.txt. tests/profiles.rs reads the file. Whatever botocore would
start, read or ask is replaced: nothing happens beyond reading the two files.
"""

import datetime
import json
import os
import random
import tempfile
from pathlib import Path

import botocore.credentials
import botocore.session
from botocore.credentials import Credentials
from support.fixture import main, rows

FIXTURE = Path(__file__).with_name("profiles.json")

NAMES = ["default", "a", "b", "c", "my dev"]
SOURCES = ["Environment", "EcsContainer", "Ec2InstanceMetadata", "Elsewhere"]


class Stub:
    """A client of STS, made with some credentials."""

    def __init__(self, calls, key=None):
        self.calls, self.key = calls, key

    def answer(self, key):
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        credentials = {"AccessKeyId": key, "SecretAccessKey": "s", "SessionToken": "t", "Expiration": soon}
        return {"Credentials": credentials, "AssumedRoleUser": {"Arn": "arn:aws:sts::123456789012:assumed-role/a/b"}}

    def assume_role(self, **parameters):
        if parameters["RoleSessionName"].startswith("botocore-session-"):
            del parameters["RoleSessionName"]
        if not self.calls:
            self.calls.append(self.key)
        self.calls.append(parameters)
        return self.answer("role")

    def assume_role_with_web_identity(self, **parameters):
        if parameters["RoleSessionName"].startswith("botocore-session-"):
            del parameters["RoleSessionName"]
        return self.answer(f"token {json.dumps(parameters, sort_keys=True)}")


class Process:
    """A program that prints its own arguments as an access key id."""

    returncode = 0

    def __init__(self, words, **_):
        if not words or not words[0]:
            raise FileNotFoundError
        self.words = words

    def communicate(self):
        key = f"command {json.dumps(self.words)}"
        return json.dumps({"Version": 1, "AccessKeyId": key, "SecretAccessKey": "s"}).encode(), b""


class Source:
    METHOD = "stub"

    def __init__(self, name):
        self.CANONICAL_NAME = name

    def load(self):
        return Credentials(self.CANONICAL_NAME, "s")


def refuse(*_):
    raise RuntimeError("nobody is there to be asked")


botocore.credentials.ProcessProvider.__init__.__defaults__ = (Process,)
botocore.credentials.FileWebIdentityTokenLoader = lambda path: lambda: path


def chain(session, name):
    """The source's access key id, then the parameters of each AssumeRole; None for none."""
    calls = []
    session.create_client = lambda *_, aws_access_key_id=None, **__: Stub(calls, aws_access_key_id)
    builder = botocore.credentials.ProfileProviderBuilder(session, cache={}, sso_token_cache={})
    assume = botocore.credentials.AssumeRoleProvider(
        load_config=lambda: session.full_config,
        client_creator=session.create_client,
        cache={},
        profile_name=name,
        prompter=refuse,
        credential_sourcer=botocore.credentials.CanonicalNameCredentialSourcer([Source(name) for name in SOURCES[:3]]),
        profile_provider_builder=builder,
    )
    providers = [assume, *builder.providers(profile_name=name, disable_env_vars=True)]
    try:
        credentials = botocore.credentials.CredentialResolver(providers).load_credentials()
        key = credentials.get_frozen_credentials().access_key
    except Exception:
        return None
    return calls or [key]


def read(folder, config, credentials):
    for name, text in [("config", config), ("credentials", credentials)]:
        (folder / name).write_bytes(text.encode("ascii"))
    session = botocore.session.Session()
    try:
        profiles = session.full_config["profiles"]
    except botocore.exceptions.ConfigParseError:
        return None
    return {name: {"options": profiles[name], "chain": chain(session, name)} for name in profiles}


def option(rng):
    """One that matters for where credentials come from."""
    role = "arn:aws:iam::123456789012:role/" + rng.choice("abc")
    return rng.choice(
        [
            f"role_arn = {role}",
            f"role_arn={role}",
            f"ROLE_ARN : {role}",
            f"source_profile = {rng.choice(NAMES)}",
            f"source_profile = {rng.choice(NAMES)}",
            f"credential_source = {rng.choice(SOURCES)}",
            f"aws_access_key_id = AKIA{rng.choice('XYZ')}\naws_secret_access_key = s/{rng.choice('XYZ')}+",
            "aws_access_key_id=AKIAW",
            "aws_session_token = t=",
            "aws_security_token = t",
            f"web_identity_token_file = /var/{rng.choice('xyz')}",
            "credential_process = /opt/p " + rng.choice(["--x 'a b'", "", '"c\\"d"', "e\\ f", "'open"]),
            "mfa_serial = arn:aws:iam::123456789012:mfa/me",
            "external_id = x/1",
            "duration_seconds = 900",
            "role_session_name = me@home",
            "sso_account_id = 123456789012",
            "login_session = x",
            "region = eu-west-1",
        ]
    )


def line(rng):
    """Anything that may stand in such a file, and what may not."""
    return rng.choice(
        [
            *[option(rng)] * 8,
            "",
            "  ",
            "# note",
            "  ; note",
            "region = us-east-1 # here",
            "s3 =\n  style = path\n\n  # no\n   Max=1 = 2",
            "s3 =\n  style = path\n  alone" if rng.random() < 0.03 else "x =",
            "x = one\n  two\n\n  three",
            f"  y{rng.choice('=:')} indented",
            "\tz = 1\x0b2\x0c",
            "k=\n\n\n  a=1\x1cb=2",
            "alone" if rng.random() < 0.03 else "w = []",
            "= x" if rng.random() < 0.03 else "v=",
            "[open" if rng.random() < 0.03 else "u = [x]",
        ]
    )


def file(rng, kind):
    headers = [name if kind == "credentials" or name == "default" else f"profile {name}" for name in NAMES[:4]]
    headers.append("my dev" if kind == "credentials" else rng.choice(["profile 'my dev'", 'profile "my dev"']))
    headers += rng.sample(
        ["DEFAULT", "profile default", "profile  b", "profile\tc", " a", "profile 'a", "profile my dev", "sso-session a",
         "services a", "profiles a", "preview", "profile a]", "profile ''", "Profile a"],
        rng.choice([0, 0, 1, 2]),
    )
    rng.shuffle(headers)
    lines = [line(rng)] if rng.random() < 0.05 else []
    for header in headers[: rng.randint(0, len(headers))]:
        lines.append(f"{rng.choice(['', '', ' '])}[{header}]{rng.choice(['', '', ' ; note'])}")
        # A key may stand once in a section: most files are to be readable.
        keys = set()
        for text in (line(rng) for _ in range(rng.choice([0, 1, 2, 3, 5]))):
            new = {part.replace(":", "=").split("=")[0].strip().lower() for part in text.split("\n") if part}
            if not new & keys or rng.random() < 0.02:
                keys |= new
                lines.append(text)
    end = rng.choice(["\n", "\n", "\n", "\r\n", "\r"])
    return "\n".join(lines).replace("\n", end) + rng.choice(["", end])


def chained(rng):
    """Two files whose profiles mostly lead somewhere."""
    files = {"config": [], "credentials": []}
    for name in rng.sample(NAMES, rng.randint(2, 5)):
        role = f"role_arn = arn:aws:iam::123456789012:role/{rng.choice('abc')}"
        keys = f"aws_access_key_id = AKIA{rng.choice('XYZ')}\naws_secret_access_key = s"
        options = rng.choice(
            [
                [keys],
                [role, f"source_profile = {rng.choice(NAMES)}"],
                [role, f"source_profile = {rng.choice(NAMES)}"],
                [role, f"source_profile = {rng.choice(NAMES)}", keys],
                [role, f"credential_source = {rng.choice(SOURCES)}"],
                [role, f"web_identity_token_file = /{rng.choice('xyz')}"],
                [f"credential_process = /opt/{rng.choice('xyz')} 'a b'"],
            ]
        )
        extras = ["external_id = x/1", "duration_seconds = 900", "role_session_name = me@home", "region = eu-west-1"]
        options = options + [extra for extra in extras if rng.random() < 0.3]
        options += ["mfa_serial = arn:aws:iam::123456789012:mfa/me"] if rng.random() < 0.05 else []
        kind = rng.choice(["config", "config", "credentials"])
        plain = kind == "credentials" or name == "default"
        files[kind].append("\n".join([f"[{name}]" if plain else f"[profile '{name}']", *options]))
    return "\n\n".join(files["config"]) + "\n", "\n".join(files["credentials"])


# Files that people have, and mistakes that they make.
WRITTEN = [
    ("", ""),
    ("[default]\nregion = us-east-1\n", "[default]\naws_access_key_id = AKIA1\naws_secret_access_key = s\n"),
    ("[profile a]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = default\n", "[default]\naws_access_key_id=K\naws_secret_access_key=s\n"),
    ("[profile a]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = a\n", ""),
    ("[profile a]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\n[profile b]\nrole_arn = arn:aws:iam::123456789012:role/b\nsource_profile = a\n", ""),
    ("[profile a]\nsso_session = my\nsso_account_id = 1\nsso_role_name = x\n[sso-session my]\nsso_region = us-east-1\nsso_start_url = https://x\n", ""),
    ("[default]\ncredential_process = \"/opt/my tool/run\" --a=b 'c d'\n", ""),
    ("[a]\nregion = x\n", "[profile a]\naws_access_key_id=K\naws_secret_access_key=s\n"),
    ("[default]\ns3 =\n    max_concurrent_requests = 20\n    addressing_style = path\nregion = x\n", ""),
    ("[default]\n[default]\n", ""),
    ("region = x\n", ""),
]  # fmt: skip


def text():
    rng = random.Random(11)
    os.environ.update({"AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "us-east-1"})
    read_back = []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        os.environ["AWS_CONFIG_FILE"] = str(folder / "config")
        os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(folder / "credentials")
        for number in range(300):
            written = number < len(WRITTEN)
            random_files = chained(rng) if number % 2 else (file(rng, "config"), file(rng, "credentials"))
            config, credentials = WRITTEN[number] if written else random_files
            profiles = read(folder, config, credentials)
            read_back.append({"config": config, "credentials": credentials, "profiles": profiles})
    return rows(read_back) + "\n"


main(__doc__, [(FIXTURE, text)])
