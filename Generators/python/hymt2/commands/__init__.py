# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The commands. A module here parses arguments; it imports what is slow only when it runs."""

from argparse import ArgumentParser, Namespace
from importlib import import_module
from typing import Protocol, cast


class Command(Protocol):
    """What a command module offers."""

    NAME: str
    SUMMARY: str
    DETAILS: str

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None: ...

    @staticmethod
    def run(arguments: Namespace) -> int:
        """Does the work and gives the exit code."""
        ...


NAMES = (
    "serve",
    "example",
    "make-checkpoint",
    "compare",
    "compare-folders",
    "compare-outer",
    "logits",
    "ep-reference",
    "compare-ep",
    "bench-nemo",
    "regex-reference",
    "golden-produce",
    "mutants",
    "batch",
)


def command(name: str) -> Command:
    """The command of a name, imported now."""
    return cast(Command, import_module(f"hymt2.commands.{name.replace('-', '_')}"))
