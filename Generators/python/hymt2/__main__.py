# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The command line: `python3 -m hymt2 COMMAND`."""

import argparse
import sys
import traceback
from collections.abc import Sequence

from hymt2 import __version__
from hymt2.commands import COMMANDS
from hymt2.errors import OracleError
from hymt2.report import COULD_NOT_RUN

EXIT_CODES = "Exit codes: 0 all is equal (or made), 1 something differs, 2 could not run."


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hymt2",
        description="Upstream's side of the hymt2-harness: real checkpoints made by transformers,"
        " NeMo Automodel's own adapter, bit-exact comparison.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        subparser = subparsers.add_parser(
            command.NAME,
            help=command.SUMMARY,
            description=f"{command.SUMMARY[0].upper()}{command.SUMMARY[1:]}.\n\n{command.DETAILS}",
            epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser


def run_command(words: Sequence[str]) -> int:
    """Runs one command. `compare_ep` is accepted for `compare-ep`, and so on.

    Anything unforeseen is "could not run", never "different": Python itself would exit with 1.
    """
    name = [word.replace("_", "-") for word in words[:1]]
    arguments = make_parser().parse_args([*name, *words[1:]])
    try:
        return arguments.run(arguments)
    except OracleError as error:
        print(f"error: {error}", file=sys.stderr)
        return COULD_NOT_RUN
    except Exception:
        traceback.print_exc()
        return COULD_NOT_RUN


def main() -> None:
    sys.exit(run_command(sys.argv[1:]))


if __name__ == "__main__":
    main()
