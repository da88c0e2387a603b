# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
r"""Patterns and names where regex engines disagree, and what Python's `re.match` says of each.

Only features that behave alike in every Python from 3.11 on.
"""

import json
import re
from typing import Any

from hymt2 import SCHEMA_VERSION
from hymt2.resources import resource

TABLE: dict[str, list[str]] = json.loads(
    resource("Generators/python/data/regex-table.json").read_text(encoding="ascii")
)
"""The names and patterns.

Among the names are digits that are not ASCII, which \\d matches in Python; an e with an accent as
one scalar and as two; long s and the Kelvin sign, whose case-insensitive partners are s and k; a
character outside the basic plane; a line break that is one character (grapheme) for Swift and two
for Python.
"""

NAMES = tuple(TABLE["names"])
PATTERNS = tuple(TABLE["patterns"])


def reference() -> dict[str, Any]:
    """The table and Python's answers."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "function": "re.match(pattern, name)",
        "names": list(NAMES),
        "cases": [_case(pattern) for pattern in PATTERNS],
    }


def reference_json() -> str:
    """ASCII only, one line per name and per pattern, a newline at the end."""
    parts = []
    for field, value in reference().items():
        text = json.dumps(value)
        if isinstance(value, list):
            text = "[\n" + ",\n".join(f"    {json.dumps(item)}" for item in value) + "\n  ]"
        parts.append(f'  "{field}": {text}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _case(pattern: str) -> dict[str, Any]:
    try:
        compiled = re.compile(pattern)
    except re.error:
        return {"pattern": pattern, "valid": False}
    matches = [index for index, name in enumerate(NAMES) if compiled.match(name)]
    return {"pattern": pattern, "valid": True, "matches": matches}
