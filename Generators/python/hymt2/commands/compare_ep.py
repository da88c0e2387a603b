# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""compare-ep."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

NAME = "compare-ep"
SUMMARY = "compare every expert-parallel rank's converted checkpoint with ep-reference's"
DETAILS = (
    "NATIVE_ROOT/E/nN-rR is what rank R of N made of OUT_DIR/E/checkpoint. Each must be bit-equal\n"
    "to NeMo's wherever NeMo accepts the case, and the grouped tensors of all ranks, joined along\n"
    "axis 0, must be the unsharded ones. A rank without experts has no grouped keys."
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("references", metavar="OUT_DIR", type=Path, help="what ep-reference wrote")
    parser.add_argument("native_root", metavar="NATIVE_ROOT", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    from hymt2.report import DIFFERENT, EQUAL, print_differences, print_json
    from hymt2.shards import compare_shards

    outcome = compare_shards(arguments.references, arguments.native_root)
    if arguments.json:
        results = {
            "equal": not outcome.differences,
            "ranks_compared": outcome.compared,
            "ranks_refused_by_nemo": outcome.refused,
            "tensors_joined": outcome.joined,
            "differences": outcome.differences,
        }
        print_json(NAME, results)
    else:
        verdict = f"{len(outcome.differences)} differ" if outcome.differences else "all equal"
        print(
            f"{outcome.compared} ranks and {outcome.joined} joined tensors: {verdict}"
            f" ({outcome.refused} ranks refused by NeMo)"
        )
        print_differences(outcome.differences)
    return DIFFERENT if outcome.differences else EQUAL
