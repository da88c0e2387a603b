# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""golden-produce."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from hymt2.resources import resource

NAME = "golden-produce"
SUMMARY = "make all golden files anew with NeMo's adapter"
DETAILS = (
    "OUT gets one HDF5 file for each case and manifest.json; Golden/README.md describes both.\n"
    "OUT appears when it is whole. Nothing else is touched: `hymt2 golden accept` is what changes\n"
    "the set that is committed."
)

CHECKPOINT = resource("Tests/SafetensorsTests/Fixtures/tiny-hyv3")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--out", required=True, type=Path, help="the folder to make")
    parser.add_argument(
        "--checkpoint", type=Path, default=CHECKPOINT, help="a checkpoint that transformers wrote"
    )


def run(arguments: Namespace) -> int:
    from hymt2.golden.production import produce

    count = produce(arguments.out, arguments.checkpoint)
    print(f"{arguments.out}: {count} cases")
    return 0
