"""How botocore, the AWS SDK for Python, signs random requests: the reference for src/aws/sigv4.rs.

    python tests/oracle/sigv4.py            writes sigv4.json beside this file
    python tests/oracle/sigv4.py --check    fails if the file is not what it would write

Needs the botocore of tests/requirements.txt. tests/sigv4.rs reads the file.
"""

import datetime
import json
import random
from pathlib import Path
from urllib.parse import quote

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from support.fixture import main, rows, word

FIXTURE = Path(__file__).with_name("sigv4.json")

ODD = "aZ09-._~ +/%:@!$&'()*,;=?#[]\"<>\\^`{|}\u00e9\u4e2d\U0001f600"
HEADERS = """
    accept Content-Type X-Amz-Target x-amz-Content X-Custom-Header-1 x-b X-A Range Amz-Sdk-Request
    User-Agent X-Amzn-Trace-Id Expect TE connection
""".split()


def path(rng, s3):
    """As it goes over the wire: encoded once, for services other than S3 only as far as a URL has to be."""
    segments = []
    for _ in range(rng.randint(0, 5)):
        text = rng.choice(["", ".", "..", word(rng, ODD, 1, 6), word(rng, ODD, 1, 6)])
        segments.append(quote(text, safe="~" if s3 else "~!$&'()*+,;=:@"))
    # An empty path goes over the wire as `/`, which botocore's signer for S3 does not know.
    if not segments and not s3:
        return rng.choice(["", "/"])
    return "/" + "/".join(segments)


def query(rng, unique):
    pairs = []
    for number in range(rng.choice([0, 0, 1, 2, 4])):
        name = word(rng, ODD, 0, 3) + (f"k{number}" if unique else rng.choice(["a", "A", "a-b", "b"]))
        value = word(rng, ODD, 0, 5)
        pair = f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        pairs.append(pair.removesuffix("=") if not value and not unique and rng.random() < 0.3 else pair)
    return "?" + "&".join(pairs) if pairs else ""


def header_value(rng):
    words = [word(rng, "azAZ09/+=;,\"'-", 0, 6) for _ in range(rng.randint(0, 3))]
    return "".join(rng.choice(["", " ", "  ", "\t "]) + part for part in words) + rng.choice(["", " "])


def signed(rng, number):
    s3 = rng.random() < 0.2
    presign = number % 2 == 1
    host = rng.choice(
        ["sts.us-east-1.amazonaws.com", "API.ecr.Example.com:443", "localhost:4566", "127.0.0.1:80", "[::1]:8443"]
    )
    case = {
        "access_key_id": word(rng, "ABC123", 16, 24),
        "secret_access_key": word(rng, "abcXYZ019/+", 1, 90),
        "session_token": word(rng, "abc/+=012", 20, 60) if rng.random() < 0.6 else None,
        "region": rng.choice(["us-east-1", "cn-north-1", "us-gov-west-1", "x"]),
        "service": "s3" if s3 else rng.choice(["sts", "ecr", "ecr-public", "iam", "execute-api"]),
        "time": rng.randint(0, 4_102_444_800),
        "method": rng.choice(["GET", "HEAD"] if presign else ["GET", "POST", "PUT", "delete"]),
        "url": rng.choice(["http", "https"]) + "://" + host + path(rng, s3) + query(rng, unique=presign),
        "headers": [[rng.choice(HEADERS), header_value(rng)] for _ in range(rng.choice([0, 1, 3, 6]))],
        "body": "" if presign else rng.choice(["", word(rng, ODD, 1, 30)]),
        "expires": rng.randint(1, 604_800) if presign else None,
    }
    credentials = Credentials(case["access_key_id"], case["secret_access_key"], case["session_token"])
    arguments = [credentials, case["service"], case["region"]]
    request = AWSRequest(case["method"], case["url"], data=case["body"].encode())
    for name, value in case["headers"]:
        request.headers[name] = value

    now = datetime.datetime.fromtimestamp(case["time"], datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda: now
    if presign:
        request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
        kind = botocore.auth.S3SigV4QueryAuth if s3 else botocore.auth.SigV4QueryAuth
        kind(*arguments, expires=case["expires"]).add_auth(request)
        case["signed"] = request.url
    else:
        kind = botocore.auth.S3SigV4Auth if s3 else botocore.auth.SigV4Auth
        kind(*arguments).add_auth(request)
        own = ["X-Amz-Date", "X-Amz-Security-Token", "Authorization", "X-Amz-Content-Sha256"]
        case["signed"] = [[name, request.headers[name]] for name in own if name in request.headers]
    return case


def text():
    rng = random.Random(4)
    return rows(signed(rng, number) for number in range(240)) + "\n"


main(__doc__, [(FIXTURE, text)])
