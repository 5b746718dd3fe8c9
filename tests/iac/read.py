"""What the files of tests/policies/generated say to readers that we have not written: cfn-lint's of CloudFormation,
python-hcl2 and PyYAML. Prints JSON with an entry for each folder.

    python tests/iac/read.py FOLDER…
"""

import json
import sys
from pathlib import Path

import hcl2
import yaml
from cfnlint.decode import cfn_yaml


def plain(value):
    """Without the places that cfn-lint's reader keeps."""
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, str) else value


def read(folder):
    return {
        "cloudformation": plain(cfn_yaml.load(str(folder / "template.yaml"))),
        "terraform": hcl2.loads((folder / "role.tf").read_text()),
        "pulumi": yaml.safe_load((folder / "Pulumi.yaml").read_text()),
        "pipeline": yaml.safe_load((folder / "pipeline.yml").read_text()),
    }


if __name__ == "__main__":
    print(json.dumps({Path(name).name: read(Path(name)) for name in sys.argv[1:]}))
