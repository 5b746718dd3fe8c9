"""What the scripts beside this folder share: their command line, and random texts and parameters."""

import json
import sys
from pathlib import Path

import botocore

# Everything that means something to a form, a URL, XML or JSON, and characters of one to four bytes.
ODD = " +%&=;?#/:@,!*'\"()<>[]{}\\|^`~-._$\t\n\r\u00e9\u00ff\u4e2d\U0001f600aZ09"


def main(usage, files):
    """Writes the files, or with --check fails if one is not what would be written. Each is a path and a
    function that makes the text."""
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(usage)
    for path, text in files:
        if not sys.argv[1:]:
            path.write_text(text())
        elif path.read_text() != text():
            sys.exit(f"{path.name} is not what botocore {botocore.__version__} says; run {Path(sys.argv[0]).name}")


def rows(values):
    """A JSON list with a line for each of its values."""
    return "[\n" + ",\n".join(json.dumps(value, sort_keys=True) for value in values) + "\n]"


def word(rng, alphabet, shortest, longest):
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(shortest, longest)))


def names(rng):
    """The parameters that every call for a role has."""
    return {
        "RoleArn": f"arn:aws:iam::123456789012:role/{word(rng, ODD, 1, 20)}",
        "RoleSessionName": word(rng, ODD, 2, 20),
    }


def limits(rng):
    """Those that narrow the session, in the order that botocore keeps."""
    parameters = {}
    if rng.random() < 0.5:
        arns = [f"arn:aws:iam::aws:policy/{word(rng, ODD, 1, 12)}" for _ in range(rng.randint(1, 12))]
        parameters["PolicyArns"] = [{"arn": arn} for arn in arns]
    if rng.random() < 0.5:
        parameters["Policy"] = json.dumps({"Statement": word(rng, ODD, 0, 20)})
    if rng.random() < 0.5:
        parameters["DurationSeconds"] = rng.randint(900, 43200)
    return parameters


def issued(rng, expirations):
    """Credentials and whose they are, as an answer has them."""
    name = word(rng, "abc+=,.@-_", 2, 12)
    return {
        "Credentials": {
            "AccessKeyId": "ASIA" + word(rng, "ABC234", 16, 16),
            "SecretAccessKey": word(rng, "abc/+012", 40, 40),
            "SessionToken": word(rng, "abc/+=012", 20, 60),
            "Expiration": rng.choice(expirations),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": f"AROAEXAMPLE:{name}",
            "Arn": f"arn:aws:sts::{rng.randint(0, 10**12 - 1):012}:assumed-role/deploy/{name}",
        },
    }
