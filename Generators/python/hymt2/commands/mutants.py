# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""mutants."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hymt2.mutants.mutant import Mutant

NAME = "mutants"
SUMMARY = "faults that can be planted in NeMo's own adapters"
DETAILS = (
    "`list` names the faults, `show` describes one: its class, and the module and function that\n"
    "it changes. `compare` asks of each whether the round-trip property that one would write\n"
    "first notices it, and whether upstream's own test files do, where they are given: they are\n"
    "in upstream's repository and not in its package. It takes minutes."
)


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    names = actions.add_parser("list", help="name all faults")
    names.add_argument("--json", action="store_true", help="print one JSON document")
    names.add_argument(
        "--layout", metavar="NAME", help="those that can be planted in this layout's adapter"
    )
    show = actions.add_parser("show", help="describe a fault")
    show.add_argument("id", metavar="ID")
    compare = actions.add_parser("compare", help="which faults a round-trip property notices")
    compare.add_argument("--examples", type=int, default=300, metavar="N", help="default: 300")
    compare.add_argument(
        "--upstream-tests", type=Path, nargs="+", default=[], metavar="FILE",
        help="files of upstream's tests of its adapters; those count that pass without a fault",
    )  # fmt: skip
    compare.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    {"list": _list, "show": _show, "compare": _compare}[arguments.action](arguments)
    return 0


def _list(arguments: Namespace) -> None:
    from hymt2.mutants import MUTANTS
    from hymt2.report import print_json

    chosen = list(MUTANTS)
    if arguments.layout:
        from hymt2.mutants.engine import modules_of

        kinds = modules_of(arguments.layout)
        chosen = [mutant for mutant in MUTANTS if mutant.module in kinds]
    if arguments.json:
        print_json(f"{NAME} list", {"mutants": [_described(mutant) for mutant in chosen]})
        return
    width = max((len(mutant.id) for mutant in chosen), default=0)
    for mutant in chosen:
        print(f"{mutant.id:{width}}  {mutant.title}")


def _show(arguments: Namespace) -> None:
    from hymt2.mutants import find_mutant

    mutant = find_mutant(arguments.id)
    print(f"{mutant.id}: {mutant.title}")
    print(f"class     {mutant.fault_class}")
    print(f"where     {', '.join(_places(mutant))}")
    if mutant.equivalent is None:
        print(f"seen on   {mutant.witness}")
    else:
        print(f"no valid checkpoint shows it: {mutant.equivalent}")
    if mutant.is_self_consistent:
        print("what is saved after loading is right: no round trip shows it")


def _compare(arguments: Namespace) -> None:
    from hymt2.errors import OracleError
    from hymt2.mutants import MUTANTS
    from hymt2.mutants.engine import load_adapters
    from hymt2.mutants.round_trip import failure_of_round_trip
    from hymt2.mutants.upstream_tests import UpstreamTests
    from hymt2.report import print_json

    if failure := failure_of_round_trip(load_adapters(None)["hy_mt2"], arguments.examples):
        raise OracleError(f"the property fails without a fault: {failure}")
    tests = UpstreamTests(arguments.upstream_tests) if arguments.upstream_tests else None
    entries = []
    for mutant in MUTANTS:
        failure = failure_of_round_trip(load_adapters(mutant)["hy_mt2"], arguments.examples)
        entry = _described(mutant) | {"roundTrip": {"killed": failure is not None, "error": failure}}
        seen = ["round trip"] if failure else []
        if tests:
            test = tests.first_failure(mutant)
            entry["upstreamTests"] = {"killed": test is not None, "test": test}
            seen += ["upstream's tests"] if test else []
        entries.append(entry)
        if not arguments.json:
            print(f"{' and '.join(seen) or 'missed':31}  {mutant.id}", flush=True)
    real = [entry for entry in entries if entry["equivalent"] is None]
    summary = {
        "examples": arguments.examples,
        "of": len(real),
        "roundTrip": sum(entry["roundTrip"]["killed"] for entry in real),
        "upstreamTests": None,
    }
    if tests:
        summary["upstreamTests"] = {
            "killed": sum(entry["upstreamTests"]["killed"] for entry in real),
            "tests": tests.passing,
            "failWithoutFault": tests.broken,
        }
    if arguments.json:
        print_json(f"{NAME} compare", summary | {"mutants": entries})
        return
    print(f"of {len(real)} faults that some checkpoint shows, noticed by")
    print(f"  the round trip    {summary['roundTrip']}")
    if tests:
        noticed = summary["upstreamTests"]["killed"]
        print(f"  upstream's tests  {noticed}, of {tests.passing} tests that pass without a fault")


def _described(mutant: "Mutant") -> dict[str, Any]:
    return {
        "class": mutant.fault_class,
        "equivalent": mutant.equivalent,
        "id": mutant.id,
        "isSelfConsistent": mutant.is_self_consistent,
        "title": mutant.title,
        "where": _places(mutant),
        "witness": mutant.witness or None,
    }


def _places(mutant: "Mutant") -> list[str]:
    from hymt2.mutants.engine import MODULES

    return [
        f"{module}.{function}"
        for module in MODULES[mutant.module]
        for function in mutant.functions
    ]
