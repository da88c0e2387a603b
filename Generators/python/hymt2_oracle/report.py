# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Results on standard output: a few lines, or one JSON document."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hymt2_oracle import SCHEMA_VERSION

if TYPE_CHECKING:
    from hymt2_oracle.bits import Difference

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
