# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""example."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from hymt2.errors import OracleError
from hymt2.resources import resource
from hymt2.words import one_of

FILES = {
    "my_adapter": ("my_adapter.py", "test_my_adapter.py"),
    "torchtitan": ("torchtitan_adapter.py", "torchtitan_qwen3.yaml", "test_torchtitan.py"),
    "nemo": ("test_nemo.py",),
}
NAME = "example"
SUMMARY = "write an example of an adapter and of its tests"
DETAILS = (
    "EXAMPLE is `my_adapter` (on dicts of tensors, for Hy3), `torchtitan` (with a native form of its\n"
    "own, by a layout table), or `nemo` (NeMo Automodel's for Qwen3-MoE). The tests are for pytest.\n"
    "No file is overwritten."
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "example", metavar="EXAMPLE", type=one_of(FILES), nargs="?", default="my_adapter"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="the folder; default: this one"
    )


def run(arguments: Namespace) -> int:
    files = FILES[arguments.example]
    for name in files:
        if (arguments.out / name).exists():
            raise OracleError(f"{arguments.out / name}: expected no such file, found one")
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in files:
        text = resource(f"Generators/python/examples/{name}").read_text(encoding="utf-8")
        (arguments.out / name).write_text(text, encoding="utf-8")
        print(arguments.out / name)
    return 0
