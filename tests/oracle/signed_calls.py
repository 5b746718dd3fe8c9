"""What botocore, the AWS SDK for Python, writes and reads in calls that are signed: the reference for
src/sts/assume_role.rs, src/sts/get_caller_identity.rs, src/ecr and src/iam/get_role.rs.

    python tests/oracle/signed_calls.py            writes signed_calls.json beside this file
    python tests/oracle/signed_calls.py --check    fails if the file is not what it would write

Needs the botocore of tests/requirements.txt. tests/sts_exchange.rs, tests/ecr.rs and tests/iam.rs read the file.
"""

import base64
import json
import random
from pathlib import Path
from urllib.parse import parse_qsl, quote
from xml.sax.saxutils import escape

import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.handlers import json_decode_policies
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from support.fixture import ODD, issued, limits, main, names, rows, word

FIXTURE = Path(__file__).with_name("signed_calls.json")
# What a tag may have.
TAG = "aZ09 _.:/=+-@\u00e9\u4e2d"

SESSION = botocore.session.get_session()


def operation(service, name):
    return SESSION.get_service_model(service).operation_model(name)


def assume_role(rng):
    parameters = names(rng) | limits(rng)
    if rng.random() < 0.7:
        keys = [f"{word(rng, TAG, 1, 8)}{number}" for number in range(rng.randint(1, 12))]
        parameters["Tags"] = [{"Key": key, "Value": word(rng, TAG, 0, 20)} for key in keys]
        if rng.random() < 0.7:
            parameters["TransitiveTagKeys"] = rng.sample(keys, rng.randint(1, len(keys)))
    if rng.random() < 0.5:
        parameters["ExternalId"] = word(rng, ODD, 2, 20)
    if rng.random() < 0.5:
        parameters["SourceIdentity"] = word(rng, ODD, 2, 20)
    serialized = create_serializer("query").serialize_to_request(parameters, operation("sts", "AssumeRole"))
    body = AWSRequest("POST", "https://sts.example", data=serialized["body"]).prepare().body
    return {"parameters": parameters, "form": parse_qsl(body, keep_blank_values=True, strict_parsing=True)}


def element(rng, name, content):
    if isinstance(content, dict):
        children = rng.sample(sorted(content), len(content))
        return f"<{name}>\n" + "".join(element(rng, child, content[child]) for child in children) + f"</{name}>"
    return f"<{name}>{escape(content)}</{name}>"


def answer(rng, name, result, service="sts"):
    content = {f"{name}Result": result, "ResponseMetadata": {"RequestId": word(rng, "abc019-", 8, 20)}}
    body = element(rng, f"{name}Response", content)
    parsed = create_parser("query").parse(
        {"status_code": 200, "headers": {}, "body": body.encode()}, operation(service, name).output_shape
    )
    if "Credentials" in parsed:
        parsed["Credentials"]["Expiration"] = int(parsed["Credentials"]["Expiration"].timestamp())
    del parsed["ResponseMetadata"]
    return {"body": body, "parsed": parsed}


def session(rng):
    result = issued(rng, ["2026-11-21T12:03:00Z", "2026-11-21T12:03:00.000Z"])
    if rng.random() < 0.5:
        result["PackedPolicySize"] = str(rng.randint(0, 100))
    if rng.random() < 0.5:
        result["SourceIdentity"] = word(rng, "abc+=,.@-_", 2, 12)
    return answer(rng, "AssumeRole", result)


def caller(rng):
    account = f"{rng.randint(0, 10**12 - 1):012}"
    arn = rng.choice(["arn:aws:iam::{}:user/a/b", "arn:aws:sts::{}:assumed-role/a/b@c", "arn:aws-cn:iam::{}:root"])
    identity = {"Account": account, "Arn": arn.format(account), "UserId": word(rng, "AROA01:abc@", 5, 20)}
    return answer(rng, "GetCallerIdentity", identity)


def get_role(rng):
    """The request, and an answer, whose policy botocore decodes by a handler of its own."""
    name = word(rng, "abcXYZ019_+=,.@-", 1, 20)
    model = operation("iam", "GetRole")
    serialized = create_serializer("query").serialize_to_request({"RoleName": name}, model)
    body = AWSRequest("POST", "https://iam.example", data=serialized["body"]).prepare().body
    policy = {"Version": "2012-10-17", "Statement": [{"Sid": word(rng, ODD, 0, 30), "Effect": "Allow"}]}
    text = json.dumps(policy, indent=rng.choice([None, 2]), ensure_ascii=rng.random() < 0.5)
    path = rng.choice(["/", "/ci/", "/a/b+c/"])
    role = {
        "Arn": f"arn:aws:iam::123456789012:role{path}{name}",
        "AssumeRolePolicyDocument": quote(text, safe=rng.choice(["", "/:,"])),
        "CreateDate": "2026-11-21T12:03:00Z",
        "Description": word(rng, ODD, 0, 20),
        "MaxSessionDuration": "3600",
        "Path": path,
        "RoleId": word(rng, "AROA019", 16, 20),
        "RoleName": name,
    }
    case = answer(rng, "GetRole", {"Role": role}, "iam")
    json_decode_policies(case["parsed"], model)
    parsed = case["parsed"]["Role"]
    kept = {"Arn": parsed["Arn"], "AssumeRolePolicyDocument": parsed["AssumeRolePolicyDocument"]}
    return {"name": name, "form": parse_qsl(body, strict_parsing=True), "body": case["body"], "parsed": kept}


def ecr(rng, service):
    """The request, which the service's name is known by, and an answer of either kind."""
    model = operation(service, "GetAuthorizationToken")
    accounts = [f"{rng.randint(0, 10**12 - 1):012}" for _ in range(rng.choice([0, 0, 1, 3]))]
    parameters = {"registryIds": accounts} if service == "ecr" and accounts else {}
    request = create_serializer("json").serialize_to_request(parameters, model)
    case = {
        "service": service,
        "signing_name": SESSION.get_service_model(service).signing_name,
        "accounts": accounts if parameters else [],
        "headers": {name: request["headers"][name] for name in ("X-Amz-Target", "Content-Type")},
        "sent": json.loads(request["body"]),
    }
    if rng.random() < 0.3:
        code = rng.choice(["AccessDeniedException", "com.amazonaws.ecr#ServerException", "ThrottlingException"])
        headers = rng.choice([{}, {"x-amzn-errortype": f"{code}:http://internal.example/"}])
        case |= {"status": rng.choice([400, 500]), "answer_headers": headers}
        body = {"__type": code, rng.choice(["message", "Message"]): word(rng, ODD, 0, 30)}
    else:
        def entry():
            token = base64.b64encode(f"AWS:{word(rng, 'abcXYZ019+/=-_', 10, 60)}".encode()).decode()
            expires = rng.choice([rng.randint(1_700_000_000, 2_000_000_000), rng.randint(0, 10**12) / 1000 + 1.7e9])
            data = {"authorizationToken": token, "expiresAt": expires}
            if service == "ecr":
                account = rng.choice(accounts or ["123456789012"])
                data["proxyEndpoint"] = f"https://{account}.dkr.ecr.us-east-1.amazonaws.com"
            return data

        case |= {"status": 200, "answer_headers": {}}
        body = {"authorizationData": [entry() for _ in accounts or [0]] if service == "ecr" else entry()}
    case["body"] = json.dumps(body)
    raw = {"status_code": case["status"], "headers": case["answer_headers"], "body": case["body"].encode()}
    parsed = create_parser("json").parse(raw, model.output_shape)
    del parsed["ResponseMetadata"]
    data = parsed.get("authorizationData", [])
    for one in data if isinstance(data, list) else [data]:
        one["expiresAt"] = int(one["expiresAt"].timestamp())
    return case | {"parsed": parsed}


def text():
    rng = random.Random(2026_11_21)
    parts = {
        "assume_role": [assume_role(rng) for _ in range(60)],
        "sessions": [session(rng) for _ in range(30)],
        "callers": [caller(rng) for _ in range(20)],
        "ecr": [ecr(rng, rng.choice(["ecr", "ecr-public"])) for _ in range(60)],
        "get_role": [get_role(rng) for _ in range(30)],
    }
    return "{" + ",\n".join(f'"{name}": {rows(each)}' for name, each in parts.items()) + "}\n"


main(__doc__, [(FIXTURE, text)])
