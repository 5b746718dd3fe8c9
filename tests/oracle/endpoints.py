"""Where botocore, the AWS SDK for Python, finds STS, ECR and IAM: the reference for src/sts/endpoint.rs,
src/ecr/endpoint.rs and src/iam/endpoint.rs.

    python tests/oracle/endpoints.py            writes endpoints.json beside this file
    python tests/oracle/endpoints.py --check    fails if the file is not what it would write

Needs the botocore of tests/requirements.txt. tests/sts_endpoints.rs, tests/ecr.rs and tests/iam.rs read the file.
"""

import itertools
import json
from pathlib import Path

import botocore.session
from botocore.endpoint_provider import EndpointProvider
from support.fixture import main

FIXTURE = Path(__file__).with_name("endpoints.json")

# Regions that no list knows yet, one or more for each way in which names are formed, and names
# that look like one partition's and are not.
UNKNOWN = """
    af-west-9 ap-northeast-77 ca-north-2 eu-newtown-1 il-south-3 me-far-4 mx-south-1 sa-north-1 us-future-12
    cn-south-1 eusc-de-west-9 us-iso-south-1 us-isob-north-2 eu-isoe-east-3 us-isof-west-1 us-gov-central-1
    eusc-fr-west-1 us-isox-west-1 us-east us-east-1a xx-north-1 local moon-base-1
""".split()

# What else their rules ask.
SERVICES = {"sts": {"UseGlobalEndpoint": False}, "ecr": {}, "ecr-public": {}, "iam": {}}


def cases():
    session = botocore.session.get_session()
    loader = session.get_component("data_loader")
    partitions = loader.load_data("partitions")["partitions"]
    # What src/sts/partition.rs leaves out, because it is the same everywhere.
    for partition in partitions:
        outputs = partition["outputs"]
        assert outputs["supportsFIPS"] and outputs["supportsDualStack"], partition["id"]
        assert all(set(region) <= {"description"} for region in partition["regions"].values()), partition["id"]

    yield {
        "partitions": [
            [p["id"], p["outputs"]["dnsSuffix"], p["outputs"]["dualStackDnsSuffix"], sorted(p["regions"])]
            for p in sorted(partitions, key=lambda p: p["id"])
        ]
    }

    known = sorted(itertools.chain.from_iterable(p["regions"] for p in partitions))
    for service, more in SERVICES.items():
        rules = loader.load_service_model(service, "endpoint-rule-set-1")
        rows = []
        for region in known + UNKNOWN:
            for fips, dual_stack in itertools.product([False, True], repeat=2):
                # A provider keeps answers and changes its partitions while it works: one for each case.
                provider = EndpointProvider(rules, {"partitions": json.loads(json.dumps(partitions))})
                endpoint = provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual_stack, **more)
                row = [region, fips, dual_stack, endpoint.url]
                if service == "iam":  # it is in one region, and signed for that
                    (scheme,) = endpoint.properties["authSchemes"]
                    row.append(scheme["signingRegion"])
                rows.append(row)
        yield service, rows


def text():
    head, *services = cases()
    parts = [("partitions", head["partitions"])]
    titles = {"iam": "region, FIPS, dual-stack, URL, signing region"}
    usual = "region, FIPS, dual-stack, URL"
    parts += [(f"{service}: {titles.get(service, usual)}", rows) for service, rows in services]
    lists = (f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]" for name, rows in parts)
    return "{" + ",\n".join(lists) + "}\n"


main(__doc__, [(FIXTURE, text)])
