# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""regex-reference."""

from argparse import ArgumentParser, Namespace

NAME = "regex-reference"
SUMMARY = "print what Python's re.match says of a table of patterns and key names"
DETAILS = (
    "NeMo's exclude_key_regex is matched with re.match: at the start, not to the end. The JSON\n"
    "lists the names, and per pattern the positions of the names that it matches, or that Python\n"
    "refuses it. Generators/python/data/regex-reference.json is this output, committed."
)


def add_arguments(parser: ArgumentParser) -> None:
    del parser


def run(arguments: Namespace) -> int:
    from hymt2.regexes import reference_json

    del arguments
    print(reference_json(), end="")
    return 0
