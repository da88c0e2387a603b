# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""compare-folders."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

NAME = "compare-folders"
SUMMARY = "compare two checkpoint folders bit for bit"
DETAILS = (
    "Equal means: the same keys, every tensor's dtype, shape and bits, and the same index as JSON\n"
    "(or none on both sides). Whether whole files are equal byte for byte is only reported."
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", type=Path, help="the folder that is right")
    parser.add_argument("b", metavar="B", type=Path, help="the folder to check")
    parser.add_argument(
        "--any-sharding",
        action="store_true",
        help="accept another division into shards, as long as B's index is right for B",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    from hymt2.bits import compare_state_dicts
    from hymt2.folders import INDEX_NAME, read_folder
    from hymt2.report import DIFFERENT, EQUAL, print_differences, print_json

    expected, found = read_folder(arguments.a), read_folder(arguments.b)
    differences = compare_state_dicts(expected.tensors, found.tensors)
    same_index = expected.index == found.index
    files = _compare_bytes(arguments.a, arguments.b)
    equal = not differences and (same_index or arguments.any_sharding)
    if arguments.json:
        results = {
            "equal": equal,
            "tensors": len(expected.tensors),
            "index_equal": same_index,
            "index_bytes_equal": files.get(INDEX_NAME, "equal") == "equal",
            "files": files,
            "differences": [difference.as_json() for difference in differences],
        }
        print_json(NAME, results)
    else:
        verdict = f"{len(differences)} differ" if differences else "all equal"
        print(f"{len(expected.tensors)} tensors: {verdict}")
        print(f"{INDEX_NAME}: {'equal' if same_index else 'differs'} as JSON")
        print_differences(differences)
        for name, state in files.items():
            print(f"  {name}: {state}")
    return EQUAL if equal else DIFFERENT


def _compare_bytes(a: Path, b: Path) -> dict[str, str]:
    """`equal`, `differs`, or the only folder that has it, for every file."""
    states = {}
    for name in sorted({file.name for folder in (a, b) for file in folder.iterdir()}):
        if not (a / name).is_file():
            states[name] = f"only in {b}"
        elif not (b / name).is_file():
            states[name] = f"only in {a}"
        else:
            same = (a / name).read_bytes() == (b / name).read_bytes()
            states[name] = "equal" if same else "differs"
    return states
