# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Small checkpoints, made once, and NeMo's own conversion of them."""

from pathlib import Path

import pytest
from safetensors.torch import save_file

from hymt2.checkpoints import Recipe, make_checkpoint
from hymt2.folders import read_config, read_folder
from hymt2.nemo import StateDict, make_adapter, native_from_hf
from hymt2.presets import PRESETS, complete_config


def recipe_of(name: str) -> Recipe:
    preset = PRESETS[name]
    return Recipe(
        complete_config(preset.changes),
        max_shard_size=preset.max_shard_size,
        scatter=preset.scatter,
        mtp_layers=preset.mtp_layers,
    )


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `sharded` preset."""
    path = tmp_path_factory.mktemp("sharded") / "checkpoint"
    make_checkpoint(path, recipe_of("sharded"))
    return path


@pytest.fixture(scope="session")
def mtp_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mtp") / "checkpoint"
    make_checkpoint(path, recipe_of("mtp"))
    return path


@pytest.fixture
def native(checkpoint: Path) -> StateDict:
    """A fresh copy of the checkpoint's native tensors, to plant faults in."""
    adapter = make_adapter(read_config(checkpoint))
    converted = native_from_hf(adapter, read_folder(checkpoint).tensors)
    return {key: tensor.clone() for key, tensor in converted.items()}


def write_native(path: Path, tensors: StateDict) -> Path:
    """A converted checkpoint as one file."""
    path.mkdir()
    save_file({k: t.contiguous() for k, t in tensors.items()}, path / "model.safetensors")
    return path
