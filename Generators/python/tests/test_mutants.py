# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Faults planted in NeMo's adapters."""

import ast
import functools
import importlib.metadata
import json
import sys
from pathlib import Path

import pytest

from hymt2.__main__ import run_command
from hymt2.errors import OracleError
from hymt2.mutants import MUTANTS, find_mutant, mutated_nemo
from hymt2.mutants.cases import cases
from hymt2.mutants.changes import becomes
from hymt2.mutants.engine import MODULES, load_adapters, mutated_tree, source_tree
from hymt2.mutants.mutant import Mutant, edits
from hymt2.mutants.observation import differing_channels, observe
from hymt2.mutants.round_trip import failure_of_round_trip
from hymt2.mutants.selectors import call, of_kind
from hymt2.nemo import ADAPTERS

SHOWN = [mutant for mutant in MUTANTS if mutant.equivalent is None]
EQUIVALENT = [mutant for mutant in MUTANTS if mutant.equivalent is not None]
VARIED = ("model", "mtp-1-drop", "order-reversed", "ep-4-experts-rank-1-of-2", "lora", "dtypes")


def mutant_id(mutant: Mutant) -> str:
    return mutant.id


def test_there_are_many_and_names_are_unique() -> None:
    assert len(SHOWN) >= 150
    assert len({mutant.id for mutant in MUTANTS}) == len(MUTANTS)
    assert len({mutant.title for mutant in MUTANTS}) == len(MUTANTS)


def test_a_mutant_has_a_witness_or_a_reason() -> None:
    for mutant in MUTANTS:
        assert bool(mutant.witness) != bool(mutant.equivalent), mutant.id
        assert mutant.witness in cases() or mutant.equivalent, mutant.id


@pytest.mark.parametrize("mutant", MUTANTS, ids=mutant_id)
def test_each_edit_changes_one_place(mutant: Mutant) -> None:
    for name in MODULES[mutant.module]:
        right, wrong = lines_of(name), ast.unparse(mutated_tree(mutant, name)).splitlines()
        if len(right) == len(wrong):
            changed = sum(one != other for one, other in zip(right, wrong))
        else:
            while right and right[0] == wrong[0]:
                right, wrong = right[1:], wrong[1:]
            while right and right[-1] == wrong[-1]:
                right, wrong = right[:-1], wrong[:-1]
            changed = max(len(right), 1)
        assert 1 <= changed <= len(mutant.edits)


@functools.cache
def lines_of(module: str) -> list[str]:
    return ast.unparse(source_tree(module)).splitlines()


@pytest.mark.parametrize("mutant", SHOWN, ids=mutant_id)
def test_the_witness_shows_the_fault(mutant: Mutant) -> None:
    case = cases()[mutant.witness]
    channels = differing_channels(mutant, case)
    assert channels
    if case.plan.saves and case.side == "hf" and not case.id.startswith("refused"):
        assert mutant.is_self_consistent == ("load" in channels and "save" not in channels)


@pytest.mark.parametrize("mutant", EQUIVALENT, ids=mutant_id)
def test_an_equivalent_mutant_differs_nowhere(mutant: Mutant) -> None:
    assert {name: differing_channels(mutant, cases()[name]) for name in VARIED} == {
        name: [] for name in VARIED
    }


def test_the_real_adapters_stay_as_they_are() -> None:
    modules = {name: sys.modules[name] for names in MODULES.values() for name in names}
    before = observe(cases()["model"], ADAPTERS)
    for mutant in ("halves-exchanged-both", "mtp-kept", "cast-missing", "ep-rank-zero"):
        classes = mutated_nemo(mutant)
        assert classes.keys() == ADAPTERS.keys()
        assert all(classes[model] is not ADAPTERS[model] for model in ADAPTERS)
    assert observe(cases()["model"], ADAPTERS) == before
    assert all(sys.modules[name] is module for name, module in modules.items())


@pytest.mark.parametrize("name", VARIED)
def test_copies_without_a_fault_behave_like_the_real_adapters(name: str) -> None:
    case = cases()[name]
    assert observe(case, load_adapters(None)) == observe(case, ADAPTERS)


@pytest.mark.parametrize("model", ADAPTERS)
def test_both_models_get_the_fault(model: str) -> None:
    class Config:
        num_hidden_layers = 1

    right, wrong = ADAPTERS[model], mutated_nemo("mtp-bound-off-by-one")[model]
    answers = [made(Config, None, None)._is_mtp_key("layers.1.x") for made in (right, wrong)]
    assert answers == [True, False]


@pytest.mark.parametrize(
    ("function", "name", "message"),
    [
        ("from_hf", "no_such_function", "expected 1 x call of no_such_function, found 0"),
        ("_split_experts_weights", "append", "expected 1 x call of append, found 2"),
        ("no_such_method", "append", "expected one definition, found 0"),
    ],
)
def test_an_edit_that_finds_none_or_several_is_named(
    function: str, name: str, message: str
) -> None:
    module = "adapter" if function == "from_hf" else "mixin"
    change = (function, call(name), becomes("None"))
    with pytest.raises(OracleError, match=f"mutant other: .*{function}: {message}"):
        load_adapters(Mutant("other", "", "", module, edits(change)))


def test_an_edit_that_changes_nothing_is_named() -> None:
    change = ("from_hf", call("_from_hf_w_merged_experts"), becomes("_"))
    with pytest.raises(OracleError, match="mutant other: .*from_hf: .* stays as it is"):
        load_adapters(Mutant("other", "", "", "adapter", edits(change)))


def test_two_edits_of_one_place_are_named() -> None:
    outer = ("_split_experts_weights", call("append", 0, 2), becomes("None"))
    inner = ("_split_experts_weights", of_kind(ast.Name, 1, 2, "expert_weight"), becomes("None"))
    for pair in ((outer, outer), (outer, inner)):
        with pytest.raises(OracleError, match="mutant other: .*another edit has changed"):
            load_adapters(Mutant("other", "", "", "mixin", edits(*pair)))


def test_another_version_of_nemo_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.8.0")
    with pytest.raises(OracleError, match="expected version 0.7.0, found 0.8.0"):
        mutated_nemo("mtp-kept")


def test_the_round_trip_property_misses_what_is_wrong_alike() -> None:
    assert failure_of_round_trip(load_adapters(None)["hy_mt2"], 5) is None
    assert failure_of_round_trip(mutated_nemo("halves-exchanged-both")["hy_mt2"], 5) is None
    error = failure_of_round_trip(mutated_nemo("halves-exchanged-load")["hy_mt2"], 5)
    assert error == "AssertionError"


def test_commands(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_command(["mutants", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["mutants"]
    assert [entry["id"] for entry in listed] == [mutant.id for mutant in MUTANTS]
    assert run_command(["mutants", "list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(MUTANTS)
    assert run_command(["mutants", "show", "halves-exchanged-both"]) == 0
    shown = capsys.readouterr().out
    assert "state_dict_mixin._from_hf_w_merged_experts" in shown
    assert run_command(["mutants", "show", "segment-untested"]) == 0
    assert "no valid checkpoint shows it" in capsys.readouterr().out
    assert run_command(["mutants", "show", "nonsense"]) == 2
    some = tuple(find_mutant(name) for name in ("mtp-kept", "transpose-missing-down-load"))
    monkeypatch.setattr("hymt2.mutants.MUTANTS", some)
    words = ["mutants", "compare", "--examples", "2"]
    assert run_command([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["roundTrip"], document["of"], document["upstreamTests"]) == (1, 2, None)
    assert run_command(words) == 0
    assert "round trip    1" in capsys.readouterr().out


UPSTREAM_LIKE = """
from types import SimpleNamespace

from nemo_automodel.components.models.hy_mt2.state_dict_adapter import HyMT2StateDictAdapter


def test_prediction_layers():
    moe = SimpleNamespace(
        n_routed_experts=1, moe_inter_dim=1, dim=1, expert_activation="swiglu", expert_bias=False
    )
    adapter = HyMT2StateDictAdapter(SimpleNamespace(num_hidden_layers=1), moe, None)
    assert list(adapter.from_hf({"model.layers.0.x": 0, "model.layers.1.x": 1})) == ["model.layers.0.x"]


def test_that_never_passes():
    assert False
"""


def test_upstream_tests(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What fails without a fault is not asked; a fault that is planted is seen, and then gone."""
    file = tmp_path / "test_like_upstream.py"
    file.write_text(UPSTREAM_LIKE)
    some = tuple(find_mutant(name) for name in ("mtp-kept", "transpose-missing-down-load"))
    monkeypatch.setattr("hymt2.mutants.MUTANTS", some)
    words = ["mutants", "compare", "--examples", "2", "--json", "--upstream-tests", str(file)]
    assert run_command(words) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["upstreamTests"] == {"killed": 1, "tests": 1, "failWithoutFault": 1}
    kept, missing = document["mutants"]
    assert kept["upstreamTests"]["test"].endswith("::test_prediction_layers")
    assert missing["upstreamTests"] == {"killed": False, "test": None}
    assert run_command([*words[:-1], str(tmp_path / "none.py")]) == 2
