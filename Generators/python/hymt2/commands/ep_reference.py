# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""ep-reference."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from hymt2.words import one_of

NAME = "ep-reference"
SUMMARY = "write what NeMo's from_hf gives every expert-parallel rank of every size"
DETAILS = (
    "For each number of experts E: OUT_DIR/E/checkpoint (one MoE layer, H=4, I=3),\n"
    "OUT_DIR/E/unsharded.safetensors, and for rank r of n OUT_DIR/E/nN-rR.safetensors, or\n"
    "nN-rR.json with the error where NeMo refuses. OUT_DIR/manifest.json lists the cases.\n"
    "A fake process group stands in for the other ranks: nothing is started, nothing is sent."
)


def interval(text: str) -> range:
    """`3-5` or `4` as a range of positive integers."""
    first, _, last = text.partition("-")
    try:
        numbers = range(int(first), int(last or first) + 1)
    except ValueError:
        numbers = range(0)
    if not numbers or numbers[0] < 1:
        raise ArgumentTypeError(f"expected N or FIRST-LAST from 1 on, found {text}")
    return numbers


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("out", metavar="OUT_DIR", type=Path, help="the folder to make")
    parser.add_argument(
        "--experts", type=interval, default=interval("1-13"), metavar="1-13", help="values of E"
    )
    parser.add_argument(
        "--ranks", type=interval, default=interval("1-16"), metavar="1-16", help="values of n"
    )
    parser.add_argument("--model", default="hy_mt2", type=one_of(("hy_mt2", "hy_v3")))


def run(arguments: Namespace) -> int:
    from hymt2.references import write_references

    cases = write_references(arguments.out, arguments.experts, arguments.ranks, arguments.model)
    refused = sum(case["file"].endswith(".json") for case in cases)
    print(f"{arguments.out}: {len(cases)} cases, of which NeMo refuses {refused}")
    return 0
