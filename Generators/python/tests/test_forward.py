# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
from pathlib import Path

import pytest
import torch
from conftest import recipe_of, write_native

from hymt2.checkpoints import make_checkpoint
from hymt2.errors import OracleError
from hymt2.folders import read_config
from hymt2.forward import FAULT_FLOOR, TOLERANCE, compare_logits, relative_error
from hymt2.models import nemo_config
from hymt2.nemo import StateDict, make_adapter, native_from_hf


@pytest.mark.parametrize("name", ["many-experts", "odd-sizes", "two-dense-layers", "mtp"])
def test_both_models_agree_and_every_planted_fault_shows(name: str, tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "c", recipe_of(name))
    native = native_from_hf(make_adapter(read_config(folder.path)), folder.tensors)
    outcome = compare_logits(folder.path, write_native(tmp_path / "n", native), 0, 64)
    assert outcome.error <= TOLERANCE
    # Four kinds of fault in each of two MoE layers.
    assert len(outcome.faults) == 8
    assert min(outcome.faults.values()) > 100 * FAULT_FLOOR


def test_wrong_weights_disagree(checkpoint: Path, native: StateDict, tmp_path: Path) -> None:
    key = "model.layers.2.mlp.experts.down_projs"
    native[key][[3, 4]] = native[key][[4, 3]]
    outcome = compare_logits(checkpoint, write_native(tmp_path / "n", native), 0, 64)
    assert not outcome.agrees
    assert outcome.error > FAULT_FLOOR


def test_missing_and_unexpected_keys_are_refused(
    checkpoint: Path, native: StateDict, tmp_path: Path
) -> None:
    bias = native.pop("model.layers.1.mlp.gate.e_score_correction_bias")
    with pytest.raises(OracleError, match="missing keys .*e_score_correction_bias"):
        compare_logits(checkpoint, write_native(tmp_path / "a", native), 0, 8)
    native["model.layers.1.mlp.gate.e_score_correction_bias"] = bias
    native["model.layers.1.mlp.gate.bias"] = bias.clone()
    with pytest.raises(OracleError, match="unexpected keys .*gate.bias"):
        compare_logits(checkpoint, write_native(tmp_path / "b", native), 0, 8)


def test_configs_that_the_two_models_read_differently_are_refused(checkpoint: Path) -> None:
    config = read_config(checkpoint)
    nemo_config(config)
    for change in (
        {"num_experts_per_tok": 1},
        {"mlp_layer_types": ["sparse", "dense", "sparse"]},
        {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4, "factor": 2.0}},
    ):
        with pytest.raises(OracleError):
            nemo_config(config | change)


def test_the_measure() -> None:
    expected = torch.tensor([1.0, -4.0])
    assert relative_error(expected, torch.tensor([1.5, -4.25])) == 0.125
    not_a_number = relative_error(expected, torch.tensor([float("nan"), -4.0]))
    assert not not_a_number <= TOLERANCE
    assert not not_a_number > FAULT_FLOOR
