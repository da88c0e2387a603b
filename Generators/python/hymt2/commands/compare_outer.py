# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""compare-outer."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from hymt2.words import DTYPES, one_of

NAME = "compare-outer"
SUMMARY = "compare a converted checkpoint with the fused tensors of transformers' own model"
DETAILS = (
    "Loads ORIGINAL with transformers' from_pretrained, whose model holds the experts of a layer\n"
    "as one tensor, and compares every parameter and buffer with its twin in NATIVE, bit for bit.\n"
    "Where NATIVE is of the form `transformers`, names are compared, too: it must hold what the\n"
    "model's state dict holds.\n"
    "With --to-hf, fills such a model from NATIVE, saves it with save_pretrained, and compares\n"
    "the files with ORIGINAL. transformers has no MTP layers: their tensors are counted, not\n"
    "compared. NeMo takes no part."
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("original", metavar="ORIGINAL", type=Path, help="a checkpoint (HF keys)")
    parser.add_argument(
        "native", metavar="NATIVE", type=Path, help="the same, converted to native keys"
    )
    parser.add_argument(
        "--dtype",
        default="bfloat16",
        type=one_of(DTYPES),
        help="the dtype that the experts were cast to (default: bfloat16)",
    )
    parser.add_argument(
        "--native-form",
        default="automodel",
        type=one_of(("automodel", "transformers")),
        help="what NATIVE was converted to, `hymt2 convert --native` (default: automodel)",
    )
    parser.add_argument("--to-hf", action="store_true", help="compare the conversion back")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    from hymt2.outer import compare_outer_from_hf, compare_outer_to_hf
    from hymt2.report import print_outcome

    direction = compare_outer_to_hf if arguments.to_hf else compare_outer_from_hf
    outcome = direction(
        arguments.original, arguments.native, arguments.dtype, arguments.native_form
    )
    left_out = {
        "mtp_tensors_in_original": outcome.mtp_on_disk,
        "mtp_tensors_in_native": outcome.mtp_native,
    }
    code = print_outcome(NAME, outcome, arguments.json, **left_out)
    if any(left_out.values()) and not arguments.json:
        print(
            f"not compared, since transformers has no MTP layers: {outcome.mtp_on_disk} tensors"
            f" of the original, {outcome.mtp_native} of the converted"
        )
    return code
