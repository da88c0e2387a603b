# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""compare."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from hymt2.words import DTYPES, one_of

NAME = "compare"
SUMMARY = "compare a converted checkpoint with what NeMo's adapter makes of the original"
DETAILS = (
    "Runs NeMo's from_hf on ORIGINAL and compares with NATIVE: equal key sets, dtypes, shapes\n"
    "and bits. With --to-hf, runs NeMo's to_hf on NATIVE and compares with ORIGINAL, whose expert\n"
    "weights are cast to --dtype first. The order of keys is not compared: files do not keep it."
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("original", metavar="ORIGINAL", type=Path, help="a checkpoint (HF keys)")
    parser.add_argument(
        "native", metavar="NATIVE", type=Path, help="the same, converted to native keys"
    )
    parser.add_argument(
        "--model", metavar="NAME", help="the layout; by default the one that reads config.json"
    )
    parser.add_argument(
        "--dtype",
        default="bfloat16",
        type=one_of(DTYPES),
        help="the dtype that the experts are cast to (default: bfloat16)",
    )
    parser.add_argument("--ep-rank", type=int, metavar="R", help="NATIVE is rank R's part")
    parser.add_argument("--ep-size", type=int, metavar="N", help="of N expert-parallel ranks")
    parser.add_argument(
        "--mtp",
        default="drop",
        type=one_of(("drop", "preserve")),
        help="NeMo drops MTP layers; with preserve it is told that they are hidden layers",
    )
    parser.add_argument("--to-hf", action="store_true", help="compare the conversion back")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    from hymt2.comparison import Conversion, compare_from_hf, compare_to_hf
    from hymt2.report import print_outcome

    conversion = Conversion(
        arguments.model,
        arguments.dtype,
        preserve_mtp=arguments.mtp == "preserve",
        ep_rank=arguments.ep_rank,
        ep_size=arguments.ep_size,
    )
    direction = compare_to_hf if arguments.to_hf else compare_from_hf
    outcome = direction(arguments.original, arguments.native, conversion)
    return print_outcome(NAME, outcome, arguments.json)
