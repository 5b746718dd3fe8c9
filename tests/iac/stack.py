"""Runs the generated stack.py of each folder, with stand-ins for the CDK's classes: its Python package is four hundred
megabytes, and is itself a stand-in that hands everything to the classes which the TypeScript stacks run on. What it
makes of names and arguments is in the CDK's own description, so a call is refused here that is refused there.

    python tests/iac/stack.py FOLDER… < properties.json

Reads {"iam.Role": ["roleName", …], …}. Prints JSON with an entry for each folder: what was made, with its properties.
"""

import json
import re
import sys
import types
from pathlib import Path

ALLOWED = json.load(sys.stdin)
made = []


def camel(name):
    return re.sub(r"_(\w)", lambda match: match.group(1).upper(), name)


def properties(kind, keywords):
    names = {camel(name): value for name, value in keywords.items()}
    unknown = sorted(set(names) - set(ALLOWED[kind]))
    if unknown:
        raise TypeError(f"{kind} has no {', '.join(unknown)}")
    return names


def construct(kind, **attributes):
    def __init__(self, scope, id, **keywords):
        made.append({"kind": kind, "id": id, "properties": properties(kind, keywords), "overrides": {}})
        entry = made[-1]
        self.node = types.SimpleNamespace(
            default_child=types.SimpleNamespace(add_property_override=entry["overrides"].__setitem__)
        )
        for name, value in attributes.items():
            setattr(self, name, value)

    return type(kind, (), {"__init__": __init__})


class Stack:
    def __init__(self, scope, id, **keywords):
        properties("Stack", keywords)


def principal(federated, conditions, assume_role_action):
    return {"federated": federated, "conditions": conditions, "action": assume_role_action}


def module(name, **members):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(members)
    return sys.modules[name]


iam = module(
    "aws_cdk.aws_iam",
    CfnOIDCProvider=construct("iam.CfnOIDCProvider", attr_arn="PROVIDER"),
    FederatedPrincipal=principal,
    Role=construct("iam.Role", role_arn="ROLE"),
)
module("aws_cdk", aws_iam=iam, CfnOutput=construct("CfnOutput"), Stack=Stack)
module("constructs", Construct=object)

answers = {}
for name in sys.argv[1:]:
    program = {}
    exec(compile((Path(name) / "stack.py").read_text(), f"{name}/stack.py", "exec"), program)
    answers[Path(name).name] = {}
    for creates in [True, False]:
        made.clear()
        program["CiRoleStack"](None, "CiRole", create_identity_provider=creates)
        answers[Path(name).name]["created" if creates else "existing"] = list(made)
print(json.dumps(answers))
