# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""bench-nemo."""

from argparse import ArgumentParser, Namespace

NAME = "bench-nemo"
SUMMARY = "time NeMo's from_hf and to_hf on one full-size MoE layer"
DETAILS = (
    "Prints JSON: the median seconds of --runs runs after a warm-up, and GB/s (10^9 bytes of the\n"
    "layer's experts, counted once). `memcpy` copies as many bytes between two buffers that are\n"
    "already in memory: what the machine can do. The sizes default to Hy-MT2-30B-A3B, bfloat16;\n"
    "at full size it needs about 4 GB of memory."
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--experts", type=int, default=128, metavar="E")
    parser.add_argument("--hidden", type=int, default=2048, metavar="H")
    parser.add_argument("--intermediate", type=int, default=768, metavar="I")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="timed runs (default: 5)")


def run(arguments: Namespace) -> int:
    from hymt2.benchmark import benchmark_layer
    from hymt2.errors import OracleError
    from hymt2.report import print_json

    if arguments.runs < 1:
        raise OracleError(f"--runs {arguments.runs}: expected at least 1")
    results = benchmark_layer(
        arguments.experts, arguments.hidden, arguments.intermediate, arguments.runs
    )
    print_json(NAME, results)
    return 0
