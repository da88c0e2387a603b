# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
import json
import re
from pathlib import Path

from hymt2.regexes import NAMES, PATTERNS, reference_json

COMMITTED = Path(__file__).parents[1] / "data" / "regex-reference.json"


def test_the_committed_reference_is_current() -> None:
    # If this fails after a change to the table, print it anew: see README.md.
    assert COMMITTED.read_text(encoding="ascii") == reference_json()


def test_the_committed_reference_says_what_python_says() -> None:
    document = json.loads(COMMITTED.read_text(encoding="ascii"))
    names = document["names"]
    for case in document["cases"]:
        if case["valid"]:
            matches = [i for i, name in enumerate(names) if re.match(case["pattern"], name)]
            assert matches == case["matches"], case["pattern"]


def test_the_table_is_worth_having() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 30
    assert len(set(PATTERNS)) == len(PATTERNS) >= 40
    cases = json.loads(reference_json())["cases"]
    assert sum(not case["valid"] for case in cases) >= 10
    assert {tuple(case["matches"]) for case in cases if case["valid"]} > {()}
