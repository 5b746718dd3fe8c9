"""Has botocore judge the edits in ini.json, which the crate's tests replay.

    python3 tests/oracle/ini.py

Every edit is one section set or removed. botocore must read the section as it was meant and every
other section as before. The edits are made anew by `UPDATE=1 cargo test ini`.
"""

import json
import pathlib
import sys
import tempfile

from botocore.configloader import build_profile_map, raw_config_parse

FOLDER = pathlib.Path(__file__).parent


def read(text, path):
    # Python reads the file in the locale's encoding; the edits are plain ASCII.
    path.write_bytes(text.encode("ascii"))
    return raw_config_parse(str(path))


def profile(sections, case):
    """What botocore knows of the edited profile."""
    if case["file"] == "config":
        return build_profile_map(sections)["profiles"].get(case["profile"])
    return sections.get(case["profile"])


def others(sections, case):
    """The sections that are not the edited profile's."""
    if case["file"] == "credentials":
        return {name: values for name, values in sections.items() if name != case["profile"]}
    known = build_profile_map(sections)
    known["profiles"].pop(case["profile"], None)
    return known


def faults(case, path):
    before, after = read(case["before"], path), read(case["after"], path)
    meant = None if case["options"] is None else dict(case["options"])
    if profile(after, case) != meant:
        yield f"reads {profile(after, case)!r}, meant {meant!r}"
    if others(before, case) != others(after, case):
        yield "another section reads differently"


def main():
    cases = json.loads((FOLDER / "ini.json").read_text(encoding="ascii"))
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "file"
        for number, case in enumerate(cases):
            for fault in faults(case, path):
                bad += 1
                print(f"case {number}: {fault}\n{json.dumps(case, indent=2)}", file=sys.stderr)
    print(f"ini: {len(cases)} edits, {bad} misread")
    return 1 if bad or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
