# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Results on standard output: a few lines, or one JSON document."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hymt2 import SCHEMA_VERSION

if TYPE_CHECKING:
    from hymt2.bits import Difference, Outcome

EQUAL, DIFFERENT, COULD_NOT_RUN = 0, 1, 2
"""Exit codes."""

SHOWN = 20
"""How many differences a report for people lists."""


def print_json(command: str, results: dict[str, Any]) -> None:
    document = {"schemaVersion": SCHEMA_VERSION, "command": command, **results}
    print(json.dumps(document, indent=2, sort_keys=True))


def print_differences(differences: "Sequence[Difference | str]") -> None:
    for difference in differences[:SHOWN]:
        print(f"  {difference}")
    if len(differences) > SHOWN:
        print(f"  and {len(differences) - SHOWN} more")


def print_outcome(command: str, outcome: "Outcome", as_json: bool, **more: Any) -> int:
    """Prints a comparison, `more` only in its JSON, and gives the exit code."""
    differences = outcome.differences
    if as_json:
        results = {
            "equal": not differences,
            "tensors": outcome.tensors,
            "elements": outcome.elements,
            "differences": [difference.as_json() for difference in differences],
            **more,
        }
        print_json(command, results)
    else:
        verdict = f"{len(differences)} differ" if differences else "all equal"
        print(f"{outcome.tensors} tensors, {outcome.elements} elements: {verdict}")
        print_differences(differences)
    return DIFFERENT if differences else EQUAL
