# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""mutants."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hymt2_oracle.mutants.mutant import Mutant

NAME = "mutants"
SUMMARY = "faults that can be planted in NeMo's own adapters"
DETAILS = (
    "`list` names the faults, `show` describes one: its class, and the module and function that\n"
    "it changes. `compare` asks of each whether the round-trip property that one would write\n"
    "first notices it; it takes minutes."
)


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="name all faults").add_argument(
        "--json", action="store_true", help="print one JSON document"
    )
    show = actions.add_parser("show", help="describe a fault")
    show.add_argument("id", metavar="ID")
    compare = actions.add_parser("compare", help="which faults a round-trip property notices")
    compare.add_argument("--examples", type=int, default=300, metavar="N", help="default: 300")
    compare.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    {"list": _list, "show": _show, "compare": _compare}[arguments.action](arguments)
    return 0


def _list(arguments: Namespace) -> None:
    from hymt2_oracle.mutants import MUTANTS
    from hymt2_oracle.report import print_json

    if arguments.json:
        print_json(f"{NAME} list", {"mutants": [_described(mutant) for mutant in MUTANTS]})
        return
    width = max(len(mutant.id) for mutant in MUTANTS)
    for mutant in MUTANTS:
        print(f"{mutant.id:{width}}  {mutant.title}")


def _show(arguments: Namespace) -> None:
    from hymt2_oracle.mutants import find_mutant

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
    from hymt2_oracle.errors import OracleError
    from hymt2_oracle.mutants import MUTANTS
    from hymt2_oracle.mutants.engine import load_adapters
    from hymt2_oracle.mutants.round_trip import failure_of_round_trip
    from hymt2_oracle.report import print_json

    if failure := failure_of_round_trip(load_adapters(None)["hy_mt2"], arguments.examples):
        raise OracleError(f"the property fails without a fault: {failure}")
    entries = []
    for mutant in MUTANTS:
        failure = failure_of_round_trip(load_adapters(mutant)["hy_mt2"], arguments.examples)
        seen = {"killed": failure is not None, "error": failure}
        entries.append(_described(mutant) | {"roundTrip": seen})
        if not arguments.json:
            print(f"{'noticed' if failure else 'missed':7}  {mutant.id}", flush=True)
    real = [entry for entry in entries if entry["equivalent"] is None]
    killed = sum(entry["roundTrip"]["killed"] for entry in real)
    if arguments.json:
        summary = {"examples": arguments.examples, "killed": killed, "of": len(real)}
        # NeMo's package ships no tests of its own that could be asked as well.
        print_json(f"{NAME} compare", summary | {"mutants": entries, "upstreamTests": None})
    else:
        print(f"noticed {killed} of {len(real)} that some checkpoint shows")


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
    from hymt2_oracle.mutants.engine import MODULES

    return [
        f"{module}.{function}"
        for module in MODULES[mutant.module]
        for function in mutant.functions
    ]
