"""YAML 1.2 texts on standard input, as a JSON list, to lists of their documents on standard output."""

import json
import sys

from ruamel.yaml import YAML


def reference(loader, node):
    """GitLab's tag; its schema has lists of texts where one may stand."""
    return loader.construct_sequence(node)


yaml = YAML(typ="safe", pure=True)
yaml.constructor.add_constructor("!reference", reference)
# A policy's unquoted Version is a date to YAML; the schemas are JSON's, which has none.
json.dump([list(yaml.load_all(text)) for text in json.load(sys.stdin)], sys.stdout, default=str)
