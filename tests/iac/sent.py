"""The AWS CLI up to where it would send a call: writes the parameters of the call as JSON.

    python tests/iac/sent.py FILE ARGUMENT…
"""

import json
import sys
from pathlib import Path

from awscli.clidriver import create_clidriver


def note(params, **_):
    Path(sys.argv[1]).write_text(json.dumps(params))


def answer(**_):
    return type("Answer", (), {"status_code": 200})(), {"ResponseMetadata": {}}


driver = create_clidriver()
driver.session.register("before-parameter-build.iam.*", note)
driver.session.register("before-call.iam.*", answer)  # after botocore's check of the parameters
sys.exit(driver.main(sys.argv[2:]))
