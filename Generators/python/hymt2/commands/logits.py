# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""logits."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

NAME = "logits"
SUMMARY = "compare the logits of the original in transformers with those of the converted in NeMo"
DETAILS = (
    "transformers' HYV3ForCausalLM and NeMo's HyMT2ForCausalLM compute in float32 on the\n"
    "CPU, on the same random token ids. Every key must be used, those of MTP layers excepted;\n"
    "convert with the dtype of the checkpoint. The measure is\n"
    "max |a - b| / max |a| over all logits, a being transformers'; it must not exceed 1e-5.\n"
    "Then faults are planted in the converted weights (experts exchanged, gate and up exchanged,\n"
    "the router's bias reversed, in each MoE layer): each must move the logits by more than 1e-3\n"
    "in the same measure, or the comparison could not have failed and this command does."
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("original", metavar="ORIGINAL", type=Path, help="a checkpoint (HF keys)")
    parser.add_argument(
        "native", metavar="NATIVE", type=Path, help="the same, converted to native keys"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the token ids")
    parser.add_argument(
        "--tokens", type=int, default=64, metavar="T", help="per sequence, of which there are 4"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    from hymt2.forward import FAULT_FLOOR, TOLERANCE, compare_logits
    from hymt2.report import DIFFERENT, EQUAL, print_json

    outcome = compare_logits(arguments.original, arguments.native, arguments.seed, arguments.tokens)
    if arguments.json:
        results = {
            "equal": outcome.agrees and outcome.can_fail,
            "logits": outcome.logits,
            "measure": "max |a - b| / max |a|",
            "error": outcome.error,
            "tolerance": TOLERANCE,
            "planted_faults": outcome.faults,
            "fault_floor": FAULT_FLOOR,
        }
        print_json(NAME, results)
    else:
        verdict = "agree" if outcome.agrees else "DISAGREE"
        print(f"{outcome.logits} logits {verdict}: relative error {outcome.error:.2e}")
        weakest = min(outcome.faults.items(), key=lambda fault: fault[1], default=("none", 0.0))
        noticed = "all noticed" if outcome.can_fail else "NOT all noticed"
        print(
            f"{len(outcome.faults)} planted faults, {noticed};"
            f" the weakest moves the logits by {weakest[1]:.2e} ({weakest[0]})"
        )
    return EQUAL if outcome.agrees and outcome.can_fail else DIFFERENT
