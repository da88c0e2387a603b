# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
import filecmp
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import recipe_of

from hymt2.checkpoints import make_checkpoint
from hymt2.errors import OracleError
from hymt2.folders import INDEX_NAME, read_config, read_folder, write_shards
from hymt2.layout import check_layout
from hymt2.presets import PRESETS, complete_config


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_lands_in_the_published_layout(name: str, tmp_path: Path) -> None:
    recipe = recipe_of(name)
    # Checks keys, shapes, dtypes and that no two tensors are equal.
    folder = make_checkpoint(tmp_path / name, recipe)
    config = read_config(folder.path)
    layers, dense = config["num_hidden_layers"], config["first_k_dense_replace"]
    experts, mtp = config["num_experts"], config["num_nextn_predict_layers"]
    moe_layers = layers - dense + mtp
    # The published counts: 11 keys a dense layer, 13 + 3E a MoE layer, 4 more with MTP.
    assert len(folder.tensors) == 3 + 11 * dense + (13 + 3 * experts) * moe_layers + 4 * mtp
    biases = [t for key, t in folder.tensors.items() if key.endswith(".mlp.expert_bias")]
    assert len(biases) == moe_layers
    for bias in biases:
        assert bias.dtype == torch.float32
        assert bool((bias != 0).all())
        # A cast to the checkpoint's dtype on the way would go unnoticed otherwise.
        assert bool((bias.to(torch.bfloat16).float() != bias).any())


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_other_dtypes(dtype: torch.dtype, tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "c", replace(recipe_of("mtp"), dtype=dtype))
    assert folder.tensors["model.layers.3.eh_proj.weight"].dtype == dtype
    assert folder.tensors["model.layers.1.mlp.experts.3.up_proj.weight"].dtype == dtype


def test_the_seed_decides_every_byte(tmp_path: Path) -> None:
    recipe = replace(recipe_of("sharded"), mtp_layers=2)
    make_checkpoint(tmp_path / "a", recipe)
    make_checkpoint(tmp_path / "b", recipe)
    make_checkpoint(tmp_path / "c", replace(recipe, seed=1))
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", names, shallow=False)[0] == names
    a, c = read_folder(tmp_path / "a").tensors, read_folder(tmp_path / "c").tensors
    assert all(not torch.equal(a[key], c[key]) for key in a)


def test_the_sharded_preset_scatters_the_experts_of_a_layer(checkpoint: Path) -> None:
    weight_map = (read_folder(checkpoint).index or {})["weight_map"]
    files = {file for key, file in weight_map.items() if ".layers.1.mlp.experts." in key}
    assert len(files) >= 8


def test_writing_shards_again_gives_the_index_of_transformers(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "c", recipe_of("many-experts"))
    before = (folder.path / INDEX_NAME).read_bytes()
    write_shards(folder.path, folder.tensors, list(folder.shards.values()))
    assert (folder.path / INDEX_NAME).read_bytes() == before


def test_an_existing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OracleError, match="exists already"):
        make_checkpoint(tmp_path, recipe_of("mtp"))


def test_the_layout_check_notices_each_kind_of_fault(checkpoint: Path) -> None:
    config, tensors = read_config(checkpoint), read_folder(checkpoint).tensors
    check_layout(config, torch.bfloat16, tensors)
    bias = "model.layers.1.mlp.expert_bias"
    for faulty in (
        {key: tensor for key, tensor in tensors.items() if key != bias},
        tensors | {bias: tensors[bias].to(torch.bfloat16)},
        tensors | {bias: tensors[bias][1:]},
        tensors | {"model.layers.1.mlp.experts.8.up_proj.weight": tensors[bias]},
    ):
        with pytest.raises(OracleError, match="1 tensors are not in the on-disk layout"):
            check_layout(config, torch.bfloat16, faulty)


def test_synonymous_fields_follow() -> None:
    config = complete_config({"moe_intermediate_size": 5, "first_k_dense_replace": 2})
    assert config["expert_hidden_dim"] == 5
    assert config["mlp_layer_types"] == ["dense", "dense", "sparse"]
