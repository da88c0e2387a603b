# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import recipe_of, write_native

from hymt2.__main__ import run_command
from hymt2.checkpoints import Recipe, make_checkpoint
from hymt2.errors import OracleError
from hymt2.folders import read_config, read_folder, write_shards
from hymt2.nemo import StateDict, make_adapter, native_from_hf
from hymt2.outer import compare_outer_from_hf, compare_outer_to_hf
from hymt2.outer_layout import OuterLayout
from hymt2.presets import complete_config
from hymt2.random_configs import random_config
from hymt2.table_moves import native_tensors
from hymt2.tables import read_layout

Fault = Callable[[StateDict], None]

EXPERTS = "model.layers.1.mlp.experts"
GATE_AND_UP, DOWN = f"{EXPERTS}.gate_and_up_projs", f"{EXPERTS}.down_projs"


def convert(path: Path, preserve_mtp: bool = False) -> StateDict:
    """NeMo's conversion, to be checked by transformers."""
    adapter = make_adapter(read_config(path), preserve_mtp=preserve_mtp)
    return {
        key: tensor.clone()
        for key, tensor in native_from_hf(adapter, read_folder(path).tensors).items()
    }


def convert_to_fused(path: Path, preserve_mtp: bool = False) -> StateDict:
    """The form of transformers' model, as the table's formulas say."""
    config = read_config(path)
    config = config if preserve_mtp else {**config, "num_nextn_predict_layers": 0}
    layout = read_layout("hy_v3", config)
    return native_tensors(layout, read_folder(path).tensors, "transformers")


@pytest.fixture(scope="module")
def square(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Experts that keep their shape when they are not transposed."""
    path = tmp_path_factory.mktemp("square") / "checkpoint"
    make_checkpoint(path, recipe_of("square-experts"))
    return path


@pytest.mark.parametrize("number", range(10))
def test_nemo_and_transformers_agree_on_random_configs(number: int, tmp_path: Path) -> None:
    path = tmp_path / "c"
    folder = make_checkpoint(path, Recipe(complete_config(random_config(number))))
    native = convert(path)
    converted = write_native(tmp_path / "n", native)
    there = compare_outer_from_hf(path, converted, "bfloat16")
    back = compare_outer_to_hf(path, converted, "bfloat16")
    assert (there.differences, there.tensors) == ([], len(native))
    assert (back.differences, back.tensors) == ([], len(folder.tensors))
    assert there.elements == back.elements == sum(t.numel() for t in folder.tensors.values())


BIASES = {"attention_bias": True, "mlp_bias": True}


@pytest.mark.parametrize("changes", [*map(random_config, range(9)), BIASES])
def test_the_fused_form_is_what_the_model_holds(changes: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "c"
    folder = make_checkpoint(path, Recipe(complete_config(changes)))
    fused = convert_to_fused(path)
    converted = write_native(tmp_path / "n", fused)
    there = compare_outer_from_hf(path, converted, "bfloat16", "transformers")
    back = compare_outer_to_hf(path, converted, "bfloat16", "transformers")
    assert (there.differences, there.tensors) == ([], len(fused))
    assert (back.differences, back.tensors) == ([], len(folder.tensors))
    assert there.elements == back.elements == sum(t.numel() for t in folder.tensors.values())


def test_the_random_configs_have_every_special_case() -> None:
    configs = [random_config(number) for number in range(10)]
    ratios = {
        (config["hidden_size"] / config["moe_intermediate_size"], config["num_experts"])
        for config in configs
    }
    assert {(ratio, experts) for ratio in (1, 2) for experts in (1, 13)} <= ratios
    assert {1, 2} <= {config["num_shared_experts"] for config in configs}
    assert {True, False} == {config["tie_word_embeddings"] for config in configs}
    assert 12 in {config["num_hidden_layers"] for config in configs}
    assert {0, 1, 2} == {config["first_k_dense_replace"] for config in configs}
    assert random_config(3) == configs[3]


def exchange_halves(native: StateDict) -> None:
    native[GATE_AND_UP] = torch.cat(native[GATE_AND_UP].chunk(2, dim=-1)[::-1], dim=-1)


def exchange_experts(native: StateDict) -> None:
    native[DOWN][[0, 3]] = native[DOWN][[3, 0]]


def leave_down_untransposed(native: StateDict) -> None:
    native[DOWN] = native[DOWN].transpose(1, 2)


def exchange_layers(native: StateDict) -> None:
    bias = "model.layers.{}.mlp.gate.e_score_correction_bias".format
    native[bias(1)], native[bias(2)] = native[bias(2)], native[bias(1)]


@pytest.mark.parametrize(
    ("fault", "keys", "explanation", "expert_key", "expert_explanation"),
    [
        (
            exchange_halves,
            1,
            "the halves are exchanged: gate is where up belongs",
            f"{EXPERTS}.2.gate_proj.weight",
            f"it holds what belongs in {EXPERTS}.2.up_proj.weight",
        ),
        (
            exchange_experts,
            1,
            "experts are in the wrong places: 0 holds 3, 3 holds 0",
            f"{EXPERTS}.3.down_proj.weight",
            f"it holds what belongs in {EXPERTS}.0.down_proj.weight",
        ),
        (
            leave_down_untransposed,
            1,
            "every expert is transposed",
            f"{EXPERTS}.1.down_proj.weight",
            "the matrix is transposed",
        ),
        (
            exchange_layers,
            2,
            "it holds what belongs in model.layers.2.mlp.gate.e_score_correction_bias",
            "model.layers.1.mlp.expert_bias",
            "it holds what belongs in model.layers.2.mlp.expert_bias",
        ),
    ],
)
def test_a_planted_fault_is_explained_both_ways(
    square: Path,
    fault: Fault,
    keys: int,
    explanation: str,
    expert_key: str,
    expert_explanation: str,
    tmp_path: Path,
) -> None:
    native = convert(square)
    fault(native)
    converted = write_native(tmp_path / "n", native)
    there = compare_outer_from_hf(square, converted, "bfloat16").differences
    assert len(there) == keys
    assert (there[0].problem, there[0].explanation) == ("bits", explanation)
    assert str(there[0]).endswith(f"elements differ: {explanation}")
    back = {d.key: d for d in compare_outer_to_hf(square, converted, "bfloat16").differences}
    assert back[expert_key].explanation == expert_explanation


def test_a_fault_of_no_known_kind_is_only_located(square: Path, tmp_path: Path) -> None:
    native = convert(square)
    native[DOWN].view(torch.int16)[2, 5, 7] ^= 1
    converted = write_native(tmp_path / "n", native)
    (there,) = compare_outer_from_hf(square, converted, "bfloat16").differences
    (back,) = compare_outer_to_hf(square, converted, "bfloat16").differences
    assert (there.key, there.first_index, there.explanation) == (DOWN, (2, 5, 7), None)
    assert (back.key, back.first_index) == (f"{EXPERTS}.2.down_proj.weight", (7, 5))


FUSED_GATE_AND_UP, FUSED_DOWN = f"{EXPERTS}.gate_up_proj", f"{EXPERTS}.down_proj"
FUSED_BIAS = "model.layers.1.mlp.e_score_correction_bias"


def exchange_fused_halves(fused: StateDict) -> None:
    fused[FUSED_GATE_AND_UP] = torch.cat(fused[FUSED_GATE_AND_UP].chunk(2, dim=1)[::-1], dim=1)


def transpose_fused_down(fused: StateDict) -> None:
    fused[FUSED_DOWN] = fused[FUSED_DOWN].transpose(1, 2)


def flip_one_bit(fused: StateDict) -> None:
    fused[FUSED_DOWN].view(torch.int16)[2, 5, 7] ^= 1


def narrow_bias(fused: StateDict) -> None:
    fused[FUSED_BIAS] = fused[FUSED_BIAS].to(torch.bfloat16)


def name_bias_as_nemo(fused: StateDict) -> None:
    fused["model.layers.1.mlp.gate.e_score_correction_bias"] = fused.pop(FUSED_BIAS)


def cut_down(fused: StateDict) -> None:
    fused[FUSED_DOWN] = fused[FUSED_DOWN][1:]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (
            exchange_fused_halves,
            [(FUSED_GATE_AND_UP, "bits", "the halves are exchanged: gate is where up belongs")],
        ),
        (transpose_fused_down, [(FUSED_DOWN, "bits", "every expert is transposed")]),
        (flip_one_bit, [(FUSED_DOWN, "bits", None)]),
        (narrow_bias, [(FUSED_BIAS, "dtype", None)]),
        (
            name_bias_as_nemo,
            [
                (FUSED_BIAS, "missing", None),
                ("model.layers.1.mlp.gate.e_score_correction_bias", "unexpected", None),
            ],
        ),
        (cut_down, [(FUSED_DOWN, "shape", None)]),
    ],
)
def test_a_fault_in_the_fused_form_is_named(
    square: Path,
    fault: Fault,
    expected: list[tuple[str, str, str | None]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fused = {key: tensor.clone() for key, tensor in convert_to_fused(square).items()}
    fault(fused)
    words = ["compare-outer", str(square), str(write_native(tmp_path / "n", fused))]
    words += ["--native-form", "transformers"]
    assert run_command([*words, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["differences"]
    assert [(d["key"], d["problem"], d.get("explanation")) for d in found] == expected
    assert all(("first_index" in d) == (d["problem"] == "bits") for d in found)
    if fault is flip_one_bit:
        assert found[0]["first_index"] == [2, 5, 7]
    assert run_command([*words, "--to-hf"]) == 1


def drop(native: StateDict) -> None:
    del native[DOWN]


def add(native: StateDict) -> None:
    native["model.layers.1.mlp.gate.bias"] = torch.zeros(4)


def cut(native: StateDict) -> None:
    native[DOWN] = native[DOWN][1:]


@pytest.mark.parametrize(
    ("fault", "problem"), [(drop, "missing"), (add, "unexpected"), (cut, "shape")]
)
def test_what_a_model_cannot_be_filled_from_is_a_difference(
    square: Path, fault: Fault, problem: str, tmp_path: Path
) -> None:
    native = convert(square)
    fault(native)
    converted = write_native(tmp_path / "n", native)
    for compare in (compare_outer_from_hf, compare_outer_to_hf):
        (difference,) = compare(square, converted, "bfloat16").differences
        assert difference.problem == problem


def test_a_narrowed_router_bias_is_noticed(square: Path, tmp_path: Path) -> None:
    native = convert(square)
    key = "model.layers.2.mlp.gate.e_score_correction_bias"
    native[key] = native[key].to(torch.bfloat16)
    converted = write_native(tmp_path / "n", native)
    for compare in (compare_outer_from_hf, compare_outer_to_hf):
        (difference,) = compare(square, converted, "bfloat16").differences
        assert (difference.problem, difference.expected) == ("dtype", "float32 [4]")


@pytest.mark.parametrize("preserve", [True, False])
@pytest.mark.parametrize("form", ["automodel", "transformers"])
def test_mtp_layers_are_counted_and_left_out(
    mtp_checkpoint: Path,
    form: str,
    preserve: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    conversion = convert if form == "automodel" else convert_to_fused
    converted = write_native(tmp_path / "n", conversion(mtp_checkpoint, preserve_mtp=preserve))
    words = ["compare-outer", str(mtp_checkpoint), str(converted), "--native-form", form]
    for direction in ([], ["--to-hf"]):
        assert run_command([*words, *direction, "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        # 17 + 3E tensors on disk for 4 experts, 19 in native form.
        assert document["mtp_tensors_in_original"] == 29
        assert document["mtp_tensors_in_native"] == (19 if preserve else 0)
        assert run_command([*words, *direction]) == 0
        assert "no MTP layers: 29 tensors of the original" in capsys.readouterr().out


def test_experts_are_compared_in_the_dtype_they_were_cast_to(tmp_path: Path) -> None:
    path = tmp_path / "c"
    make_checkpoint(path, replace(recipe_of("square-experts"), dtype=torch.float32))
    converted = write_native(tmp_path / "n", convert(path))
    for compare in (compare_outer_from_hf, compare_outer_to_hf):
        assert compare(path, converted, "bfloat16").differences == []
        outcome = compare(path, converted, "float32")
        assert {d.problem for d in outcome.differences} == {"dtype"}


def test_a_checkpoint_that_transformers_would_cast_is_refused(
    square: Path, tmp_path: Path
) -> None:
    path = tmp_path / "c"
    make_checkpoint(path, recipe_of("square-experts"))
    tensors = read_folder(path).tensors
    gate = "model.layers.1.mlp.router.gate.weight"
    write_shards(path, tensors | {gate: tensors[gate].float()}, [list(tensors)])
    converted = write_native(tmp_path / "n", convert(path))
    with pytest.raises(OracleError, match="router.gate.weight is float32 .* would cast"):
        compare_outer_from_hf(path, converted, "bfloat16")
    # The way back loads nothing.
    assert compare_outer_to_hf(path, converted, "bfloat16").differences == []


def test_exit_codes(square: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    native = convert(square)
    exchange_halves(native)
    wrong = write_native(tmp_path / "wrong", native)
    assert run_command(["compare-outer", str(square), str(wrong)]) == 1
    assert "the halves are exchanged" in capsys.readouterr().out
    assert run_command(["compare-outer", str(square), str(wrong), "--json"]) == 1
    (difference,) = json.loads(capsys.readouterr().out)["differences"]
    assert difference["explanation"].startswith("the halves are exchanged")
    assert run_command(["compare-outer", str(square), str(tmp_path / "nowhere")]) == 2


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(OracleError, match="unknown here"):
        OuterLayout(complete_config()).twin("model.layers.1.mlp.experts.gate_up_proj_bias")


def test_make_checkpoint_takes_a_random_config(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run_command(["make-checkpoint", "--random", "4", str(out), "--seed", "1"]) == 0
    made = read_config(out)
    assert all(made[field] == value for field, value in random_config(4).items())
    with pytest.raises(SystemExit):
        run_command(["make-checkpoint", "--random", "4", "--preset", "mtp", str(tmp_path / "b")])
