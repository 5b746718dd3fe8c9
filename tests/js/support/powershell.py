"""What a grammar of PowerShell makes of a script on standard input: as JSON, what it cannot read."""

import json
import sys

import tree_sitter
import tree_sitter_powershell

language = tree_sitter.Language(tree_sitter_powershell.language())
tree = tree_sitter.Parser(language).parse(sys.stdin.buffer.read())
errors = []


def walk(node):
    if node.type == "ERROR" or node.is_missing:
        errors.append(node.text.decode())
    for child in node.children:
        walk(child)


walk(tree.root_node)
json.dump({"errors": errors}, sys.stdout)
