"""Writes what the AWS CLI prints of an account into the folders aws-*, with moto in the place of IAM.

    .venv/bin/python tests/policies/sources/aws.py

The policies are ours; names, ids and dates that moto makes up are replaced by fixed ones.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"  # read when moto is imported

import boto3  # noqa: E402
import yaml  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

HERE = Path(__file__).parent
ARN = "arn:aws:iam::123456789012:oidc-provider/"
GITHUB = "token.actions.githubusercontent.com"
BUILDKITE = "agent.buildkite.com"


def trust(issuer, conditions, effect="Allow", **principal):
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": effect,
                "Principal": principal or {"Federated": ARN + issuer},
                "Action": "sts:AssumeRole" if principal else "sts:AssumeRoleWithWebIdentity",
                **({"Condition": conditions} if conditions else {}),
            }
        ],
    }


ROLES = {
    "deploy-api": (
        trust(
            GITHUB,
            {
                "StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"},
                "StringLike": {f"{GITHUB}:sub": ["repo:octo-org/api:ref:refs/heads/main", "repo:octo-org/api:environment:*"]},
            },
        ),
        ["AmazonS3ReadOnlyAccess"],
    ),
    "deploy-anything": (trust(GITHUB, {"StringLike": {f"{GITHUB}:sub": "repo:octo-org/*"}}), ["AdministratorAccess"]),
    "release": (trust(BUILDKITE, {"StringEquals": {f"{BUILDKITE}:pipeline_id": "0184990a-477b-4fa8-9968-496074483cee"}}), []),
    "function": (trust("", None, Service="lambda.amazonaws.com"), []),
    "auditors": (trust("", None, AWS="arn:aws:iam::999999999999:root"), []),
}


def main():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    settings = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    iam = boto3.client("iam", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    for issuer in (GITHUB, BUILDKITE):
        iam.create_open_id_connect_provider(Url=f"https://{issuer}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["f" * 40])
    for name, (policy, attached) in ROLES.items():
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy), MaxSessionDuration=7200)
        for managed in attached:
            iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{managed}")

    def aws(*command):
        program = Path(sys.executable).parent / "aws"
        environment = {**os.environ, **settings, "AWS_PAGER": ""}
        done = subprocess.run([program, "--endpoint-url", url, "iam", *command], env=environment, check=True, capture_output=True, text=True)
        text = re.sub(r'((?:Role|Policy|User|Group)Id"?: "?)[A-Z0-9]{16,}', r"\1AROAEXAMPLEEXAMPLE000", done.stdout)
        return re.sub(r"\d{4}-\d\d-\d\dT[0-9:.+]+(Z|\+00:00)?", "2026-11-01T00:00:00+00:00", text)

    details = aws("get-account-authorization-details", "--filter", "Role", "User")
    for folder, name, text in [
        ("aws-get-role", "role.json", aws("get-role", "--role-name", "deploy-api")),
        ("aws-get-role-yaml", "role.yaml", as_yaml(aws("get-role", "--role-name", "release"))),
        ("aws-list-roles", "roles.json", aws("list-roles")),
        ("aws-account", "account.json", details),
        ("aws-account-as-the-api-has-it", "account.json", as_the_api_has_it(details)),
        ("aws-provider", "provider.json", aws("get-open-id-connect-provider", "--open-id-connect-provider-arn", ARN + GITHUB)),
        ("aws-list-providers", "providers.json", aws("list-open-id-connect-providers")),
    ]:
        (HERE / folder).mkdir(exist_ok=True)
        (HERE / folder / name).write_text(text)
    server.stop()


def as_yaml(text):
    """Version 2 of the CLI has `--output yaml`, version 1 does not."""
    return yaml.safe_dump(json.loads(text), sort_keys=False)


def as_the_api_has_it(details):
    """Some SDKs leave the documents as the API sends them."""
    account = json.loads(details)
    for role in account["RoleDetailList"]:
        role["AssumeRolePolicyDocument"] = quote(json.dumps(role["AssumeRolePolicyDocument"], indent=4), safe="")
    return json.dumps(account, indent=2) + "\n"


main()
