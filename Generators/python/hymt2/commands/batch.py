# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""batch."""

import shlex
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from hymt2.errors import OracleError
from hymt2.report import COULD_NOT_RUN

NAME = "batch"
SUMMARY = "run many commands in one process"
DETAILS = (
    "Importing transformers and NeMo takes longer than a comparison. Standard input holds one\n"
    "command per line, LABEL<tab>COMMAND ..., quoted as in a shell. RESULTS gets one line per\n"
    "command, EXITCODE<tab>LABEL. The exit code is the largest one; no command at all is 2."
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("results", metavar="RESULTS", type=Path, help="the file to append to")


def run(arguments: Namespace) -> int:
    codes = []
    with arguments.results.open("a", encoding="utf-8") as results:
        for line in sys.stdin:
            if not line.strip():
                continue
            label, separator, words = line.strip().partition("\t")
            if not separator:
                raise OracleError(f"expected LABEL<tab>COMMAND, found: {line.strip()}")
            print(f"== {label}: {words}", flush=True)
            codes.append(_run_line(shlex.split(words)))
            print(f"{codes[-1]}\t{label}", file=results, flush=True)
    if not codes:
        raise OracleError("standard input holds no command")
    return max(codes)


def _run_line(words: list[str]) -> int:
    from hymt2.__main__ import run_command

    try:
        return run_command(words)
    except SystemExit as exit:  # argparse, on a usage error or --help
        return exit.code if isinstance(exit.code, int) else COULD_NOT_RUN
