# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The commands. A module here parses arguments; it imports what is slow only when it runs."""

from argparse import ArgumentParser, Namespace
from typing import Protocol

from hymt2.commands import (
    batch,
    bench_nemo,
    compare,
    compare_ep,
    compare_folders,
    compare_outer,
    ep_reference,
    golden_produce,
    logits,
    make_checkpoint,
    mutants,
    regex_reference,
    serve,
)


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


COMMANDS: tuple[Command, ...] = (
    make_checkpoint,
    compare,
    compare_folders,
    compare_outer,
    logits,
    ep_reference,
    compare_ep,
    bench_nemo,
    regex_reference,
    golden_produce,
    mutants,
    serve,
    batch,
)
