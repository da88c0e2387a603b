# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The command line: `python3 -m hymt2 COMMAND`, with commands of the program `hymt2` and of Python."""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from hymt2 import __version__
from hymt2.commands import NAMES, command
from hymt2.errors import OracleError
from hymt2.program import ProgramError, find
from hymt2.report import COULD_NOT_RUN

EXIT_CODES = "Exit codes: 0 all is equal (or made), 1 something differs, 2 could not run."
HELP = ("-h", "--help", "--version")


def make_parser(names: Sequence[str] = NAMES) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m hymt2",
        description="All commands of `hymt2 --help`, and those that need Python: adapters are served,"
        " upstream's checkpoints are made and compared bit for bit.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in map(command, names):
        subparser = subparsers.add_parser(
            module.NAME,
            help=module.SUMMARY,
            description=f"{module.SUMMARY[0].upper()}{module.SUMMARY[1:]}.\n\n{module.DETAILS}",
            epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return parser


def run_command(words: Sequence[str]) -> int:
    """Runs one command. `compare_ep` is accepted for `compare-ep`, and so on.

    Anything unforeseen is "could not run", never "different": Python itself would exit with 1.
    """
    name = [word.replace("_", "-") for word in words[:1]]
    known = [word for word in name if word in NAMES]
    arguments = make_parser(known or NAMES).parse_args([*name, *words[1:]])
    import hymt2.offline  # noqa: F401

    try:
        return arguments.run(arguments)
    except OracleError as error:
        print(f"error: {error}", file=sys.stderr)
        return COULD_NOT_RUN
    except Exception:
        traceback.print_exc()
        return COULD_NOT_RUN


def main() -> None:
    """Runs a command of Python's, or goes on as the program `hymt2` with any other."""
    words = sys.argv[1:]
    if not words or words[0] in HELP or words[0].replace("_", "-") in NAMES:
        sys.exit(run_command(words))
    try:
        program = find()
    except ProgramError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(COULD_NOT_RUN)
    os.execv(program, ["hymt2", *words])


if __name__ == "__main__":
    main()
