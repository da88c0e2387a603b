# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""serve."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

NAME = "serve"
SUMMARY = "answer hymt2's requests with an adapter"
DETAILS = (
    "Reads requests of docs/adapter-protocol.md from standard input and writes the answers to\n"
    "standard output, until standard input ends. ADAPTER is `nemo` (NeMo Automodel's, as it is),\n"
    "`numpy`, or MODULE:OBJECT: a class or function in a module of the current folder, called\n"
    "with a hymt2.serving.Setup. Exit code 0 at the end of the input, 2 if it ends within\n"
    "a frame or is none."
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("adapter", metavar="ADAPTER", help="nemo, numpy or MODULE:OBJECT")
    parser.add_argument(
        "--layout",
        metavar="NAME|FILE",
        help="serve upstream's adapter of this layout, whose table is"
        " Sources/Layouts/Tables/NAME.yaml, or of the table in a file whose name ends in .yaml;"
        " by default those of hy_mt2 and hy_v3",
    )
    parser.add_argument(
        "--mutant", metavar="ID", help="plant this fault in NeMo's adapter: `mutants list` has them"
    )
    parser.add_argument(
        "--warm-from",
        type=Path,
        metavar="SOCKET",
        help="with --mutant: be served by a process that has torch imported, started if need be",
    )
    parser.add_argument(
        "--keep-warm", type=Path, metavar="SOCKET", help="be the process of --warm-from"
    )
    parser.add_argument(
        "--tracebacks",
        action="store_true",
        help="write where each error was raised to standard error",
    )


def run(arguments: Namespace) -> int:
    from hymt2.serving.own_adapter import load
    from hymt2.serving.server import run
    from hymt2.serving.warm import keep_warm, serve_from

    if arguments.layout:
        arguments.layout = _layout(arguments.layout)
    if arguments.keep_warm:
        return keep_warm(arguments.keep_warm)
    if arguments.warm_from and arguments.mutant:
        return serve_from(arguments.warm_from, arguments.mutant, arguments.layout)
    return run(
        lambda: load(arguments.adapter, arguments.mutant, arguments.layout), arguments.tracebacks
    )


def _layout(text: str) -> str:
    """The name of a layout that a person wrote, or of the table in a file."""
    from hymt2.tables import add_table, table_names
    from hymt2.words import meaning

    if text.endswith(".yaml"):
        return add_table(Path(text))
    return meaning(text, table_names()) or text
