"""Makes a role with each trust policy in moto's IAM, and prints what it has then, as a list of JSON.

    python tests/iac/save.py FILE…
"""

import json
import sys
from pathlib import Path

import boto3
from moto import mock_aws

with mock_aws():
    iam = boto3.client("iam", region_name="us-east-1", aws_access_key_id="id", aws_secret_access_key="secret")
    found = []
    for index, name in enumerate(sys.argv[1:]):
        role, document = f"role-{index}", Path(name).read_text()
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=document)  # which moto checks
        found.append(iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"])
print(json.dumps(found))
