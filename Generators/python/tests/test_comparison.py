# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import recipe_of, write_native

from hymt2.checkpoints import make_checkpoint
from hymt2.comparison import Conversion, compare_from_hf, compare_to_hf
from hymt2.errors import OracleError
from hymt2.expert_parallel import expert_parallel_mesh
from hymt2.folders import read_config, read_folder
from hymt2.golden.families import layouts
from hymt2.golden.table import Plan
from hymt2.golden.upstream import as_tensors
from hymt2.golden.values import fill
from hymt2.names import names_of, prefixes_of
from hymt2.nemo import StateDict, make_adapter, native_from_hf

GATE_AND_UP = "model.layers.1.mlp.experts.gate_and_up_projs"
DOWN = "model.layers.2.mlp.experts.down_projs"
BIAS = "model.layers.1.mlp.gate.e_score_correction_bias"

Fault = Callable[[StateDict], None]


@pytest.mark.parametrize("model", ["hy_mt2", "hy_v3"])
def test_nemos_own_conversion_is_equal_both_ways(
    checkpoint: Path, native: StateDict, model: str, tmp_path: Path
) -> None:
    converted = write_native(tmp_path / "n", native)
    there = compare_from_hf(checkpoint, converted, Conversion(model))
    back = compare_to_hf(checkpoint, converted, Conversion(model))
    assert (there.differences, there.tensors) == ([], len(native))
    assert (back.differences, back.tensors) == ([], len(read_folder(checkpoint).tensors))


def exchange_experts(native: StateDict) -> None:
    native[DOWN][[0, 1]] = native[DOWN][[1, 0]]


def exchange_gate_and_up(native: StateDict) -> None:
    native[GATE_AND_UP] = torch.cat(native[GATE_AND_UP].chunk(2, dim=-1)[::-1], dim=-1)


def flip_one_bit(native: StateDict) -> None:
    native[GATE_AND_UP].view(torch.int16)[7, 15, 23] ^= 1


def cast_the_bias(native: StateDict) -> None:
    native[BIAS] = native[BIAS].to(torch.bfloat16)


def transpose(native: StateDict) -> None:
    native[DOWN] = native[DOWN].transpose(1, 2)


def drop(native: StateDict) -> None:
    del native[BIAS]


@pytest.mark.parametrize(
    ("fault", "key", "problem"),
    [
        (exchange_experts, DOWN, "bits"),
        (exchange_gate_and_up, GATE_AND_UP, "bits"),
        (flip_one_bit, GATE_AND_UP, "bits"),
        (cast_the_bias, BIAS, "dtype"),
        (transpose, DOWN, "shape"),
        (drop, BIAS, "missing"),
    ],
)
def test_a_planted_fault_is_named(
    checkpoint: Path, native: StateDict, fault: Fault, key: str, problem: str, tmp_path: Path
) -> None:
    fault(native)
    outcome = compare_from_hf(checkpoint, write_native(tmp_path / "n", native), Conversion())
    assert [(d.key, d.problem) for d in outcome.differences] == [(key, problem)]


def test_a_flipped_bit_comes_back_as_one_element(
    checkpoint: Path, native: StateDict, tmp_path: Path
) -> None:
    flip_one_bit(native)
    converted = write_native(tmp_path / "n", native)
    (difference,) = compare_to_hf(checkpoint, converted, Conversion()).differences
    assert difference.key == "model.layers.1.mlp.experts.7.up_proj.weight"
    # Column 23 of 24 is up's row 11; row 15 is its column.
    assert (difference.first_index, difference.differing_elements) == ((11, 15), 1)


def test_experts_are_compared_in_the_dtype_they_are_cast_to(tmp_path: Path) -> None:
    path = tmp_path / "c"
    make_checkpoint(path, replace(recipe_of("square-experts"), dtype=torch.float32))
    tensors = read_folder(path).tensors
    native = native_from_hf(make_adapter(read_config(path)), tensors)
    assert native[GATE_AND_UP].dtype == torch.bfloat16
    converted = write_native(tmp_path / "n", native)
    assert compare_from_hf(path, converted, Conversion()).differences == []
    assert compare_to_hf(path, converted, Conversion()).differences == []
    outcome = compare_from_hf(path, converted, Conversion(dtype="float32"))
    assert {d.problem for d in outcome.differences} == {"dtype"}
    assert len(outcome.differences) == 4


def test_mtp_layers_are_dropped_or_preserved(mtp_checkpoint: Path, tmp_path: Path) -> None:
    config, tensors = read_config(mtp_checkpoint), read_folder(mtp_checkpoint).tensors
    dropped = native_from_hf(make_adapter(config), tensors)
    kept = native_from_hf(make_adapter(config, preserve_mtp=True), tensors)
    assert {key for key in kept if ".layers.3." in key} == kept.keys() - dropped.keys()
    assert kept["model.layers.3.mlp.experts.gate_and_up_projs"].shape == (4, 16, 24)
    preserve = Conversion(preserve_mtp=True)
    converted = write_native(tmp_path / "n", kept)
    assert compare_from_hf(mtp_checkpoint, converted, preserve).differences == []
    assert compare_to_hf(mtp_checkpoint, converted, preserve).differences == []
    assert len(compare_from_hf(mtp_checkpoint, converted, Conversion()).differences) == 19


def test_one_rank_is_compared_with_nemos_rank(checkpoint: Path, tmp_path: Path) -> None:
    adapter = make_adapter(read_config(checkpoint))
    with expert_parallel_mesh(1, 3) as mesh:
        native = native_from_hf(adapter, read_folder(checkpoint).tensors, mesh)
    converted = write_native(tmp_path / "n", native)
    right, wrong = Conversion(ep_rank=1, ep_size=3), Conversion(ep_rank=0, ep_size=3)
    assert compare_from_hf(checkpoint, converted, right).differences == []
    assert len(compare_from_hf(checkpoint, converted, wrong).differences) == 4


def test_options_that_make_no_sense_are_refused(checkpoint: Path) -> None:
    for conversion in (Conversion(ep_rank=0), Conversion(ep_rank=3, ep_size=3)):
        with pytest.raises(OracleError):
            compare_from_hf(checkpoint, checkpoint, conversion)
    with pytest.raises(OracleError, match="needs all experts"):
        compare_to_hf(checkpoint, checkpoint, Conversion(ep_rank=0, ep_size=1))


@pytest.mark.parametrize("layout", layouts())
def test_a_checkpoint_of_any_layout_is_compared(layout: str, tmp_path: Path) -> None:
    plan = Plan("any", "", (), family=layout, prefix=prefixes_of(layout)[0])
    config = plan.description()["config"]
    tensors = as_tensors(fill(plan.keys(), "iota", "BF16"))
    # What loading casts is saved as that.
    table = plan.checkpoint().layout
    for tensor in table.tensors:
        if tensor.places["automodel"].dtype:
            tensors[tensor.name] = tensors[tensor.name].float()
        elif "cast all" in table.table:
            tensors[tensor.name] = tensors[tensor.name].bfloat16()
    native = native_from_hf(make_adapter(config), dict(tensors))
    original = write_native(tmp_path / "original", tensors)
    (original / "config.json").write_text(json.dumps(config))
    converted = write_native(tmp_path / "native", native)
    # An adapter of Qwen3-Omni that has loaded nothing saves everything under `thinker.`; one of Laguna
    # loads the router's bias as float32.
    saves = layout not in ("qwen3_omni_moe", "laguna")
    for direction in (compare_from_hf, compare_to_hf) if saves else (compare_from_hf,):
        outcome = direction(original, converted, Conversion())
        assert outcome.differences == [] and outcome.tensors > 0
    wrong = {key: t.flip(0) if names_of(layout).is_group(key) else t for key, t in native.items()}
    faulty = write_native(tmp_path / "faulty", wrong)
    assert compare_from_hf(original, faulty, Conversion()).differences
