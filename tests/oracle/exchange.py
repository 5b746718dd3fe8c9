"""What botocore, the AWS SDK for Python, writes to STS and reads from it: the reference for
src/sts/assume_role_with_web_identity.rs and src/sts/error.rs.

    python tests/oracle/exchange.py            writes requests.json and answers.json beside this file
    python tests/oracle/exchange.py --check    fails if the files are not what it would write

Needs the botocore of tests/requirements.txt. tests/sts_exchange.rs reads the files.
"""

import json
import random
from pathlib import Path
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from support.fixture import issued, limits, main, names, rows, word

FOLDER = Path(__file__).parent
OPERATION = "AssumeRoleWithWebIdentity"

SERVICE = botocore.session.get_session().get_service_model("sts").operation_model(OPERATION)


def requests(rng):
    for _ in range(60):
        parameters = names(rng)
        parameters["WebIdentityToken"] = ".".join(word(rng, "abcXYZ019-_", 4, 20) for _ in range(3))
        parameters |= limits(rng)
        serialized = create_serializer("query").serialize_to_request(parameters, SERVICE)
        body = AWSRequest("POST", "https://sts.example", data=serialized["body"]).prepare().body
        yield {"parameters": parameters, "form": parse_qsl(body, keep_blank_values=True, strict_parsing=True)}


def text(rng, value):
    """One value, in one of the ways in which XML can write it."""
    return rng.choice(
        [
            escape,
            lambda value: f"<![CDATA[{value}]]>",
            lambda value: "".join(f"&#x{ord(c):x};" for c in value),
            lambda value: escape(value, {'"': "&quot;", "'": "&apos;"}).replace("z", "&#122;"),
            lambda value: f"{escape(value[:2])}<!-- z -->{escape(value[2:])}",
        ]
    )(value)


def element(rng, name, content):
    if isinstance(content, dict):
        # AWS does not promise an order.
        children = rng.sample(sorted(content), len(content))
        space = rng.choice(["", "\n  ", "\r\n\t"])
        content = space + space.join(element(rng, child, content[child]) for child in children) + space
    else:
        content = text(rng, content)
    return f"<{name}>{content}</{name}>"


def document(rng, name, content):
    head = rng.choice(["", '<?xml version="1.0" encoding="UTF-8"?>\n'])
    namespace = ' xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'
    return head + element(rng, name, content).replace(f"<{name}>", f"<{name}{namespace}>", 1) + "\n"


PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))
TEXT = PRINTABLE.replace("]", "") + " \u00e9\u4e2d\U0001f600"


def phrase(rng):
    return f"a{word(rng, TEXT, 0, 40)}z"


def session(rng):
    expirations = ["2026-11-21T12:03:00Z", "2026-11-21T12:03:00.000Z", "2027-01-01T01:00:00+02:00"]
    result = issued(rng, expirations) | {
        "SubjectFromWebIdentityToken": phrase(rng),
        "Audience": phrase(rng),
        "Provider": phrase(rng),
        "SomethingNew": {"Credentials": {"AccessKeyId": "no"}},
    }
    if rng.random() < 0.5:
        result["PackedPolicySize"] = str(rng.randint(0, 100))
    if rng.random() < 0.5:
        result["SourceIdentity"] = phrase(rng)
    return {f"{OPERATION}Result": result, "ResponseMetadata": {"RequestId": phrase(rng)}}


def error(rng):
    code = rng.choice(["InvalidIdentityToken", "AccessDenied", "ExpiredTokenException", "Throttling", "New"])
    return {"Error": {"Type": "Sender", "Code": code, "Message": phrase(rng)}, "RequestId": phrase(rng)}


def answers(rng):
    parser = create_parser("query")
    for number in range(60):
        if number % 3:
            status, body = 200, document(rng, f"{OPERATION}Response", session(rng))
        else:
            status, body = rng.choice([400, 403, 500]), document(rng, "ErrorResponse", error(rng))
        answer = {"status_code": status, "headers": {}, "body": body.encode()}
        parsed = parser.parse(answer, SERVICE.output_shape)
        if status == 200:
            expiration = parsed["Credentials"]["Expiration"]
            parsed["Credentials"]["Expiration"] = int(expiration.timestamp())
        yield {"status": status, "body": body, "parsed": parsed}


RNG = random.Random(2011_06_15)
main(
    __doc__,
    [
        (FOLDER / "requests.json", lambda: rows(requests(RNG)) + "\n"),
        (FOLDER / "answers.json", lambda: rows(answers(RNG)) + "\n"),
    ],
)
