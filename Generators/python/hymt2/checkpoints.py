# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Real checkpoints with random weights, saved by transformers."""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hymt2.offline  # noqa: F401
import torch
from transformers import HYV3Config, HYV3ForCausalLM
from transformers.utils import logging

from hymt2.bits import as_integers
from hymt2.errors import OracleError
from hymt2.folders import Folder, read_config, read_folder, write_shards
from hymt2.layout import check_layout, dtype_of, mtp_layer
from hymt2.names import names_of

DTYPES = {name: getattr(torch, name) for name in ("bfloat16", "float16", "float32")}
"""The dtypes a checkpoint may have, by their name in config.json."""


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a checkpoint."""

    config: Mapping[str, Any]
    """From `complete_config`."""
    seed: int = 0
    dtype: torch.dtype = torch.bfloat16
    max_shard_size: str = "20KB"
    scatter: bool = False
    mtp_layers: int = 0


def make_checkpoint(path: Path, recipe: Recipe) -> Folder:
    """Writes the checkpoint into a new folder and checks what landed on disk."""
    if path.exists():
        raise OracleError(f"{path}: exists already; name a new folder")
    logging.disable_progress_bar()
    model = random_model(recipe)
    model.save_pretrained(path, max_shard_size=recipe.max_shard_size)
    if recipe.mtp_layers > 0 or recipe.scatter:
        _divide_again(path, recipe)
    folder = read_folder(path)
    check_layout(read_config(path), recipe.dtype, folder.tensors)
    _check_all_distinct(folder.tensors)
    return folder


def random_model(recipe: Recipe) -> HYV3ForCausalLM:
    """transformers' model with no two tensors alike: norms and all biases are random too."""
    torch.manual_seed(recipe.seed)
    config = {**recipe.config, "num_nextn_predict_layers": recipe.mtp_layers}
    model = HYV3ForCausalLM(HYV3Config(**config)).to(recipe.dtype)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("norm.weight"):
                parameter.copy_(_random_norm(parameter.shape))
            elif name.endswith(".bias"):
                parameter.copy_(_random_bias(parameter.shape))
        bias = names_of("hy_v3").native("router bias", "transformers").rpartition(".")[2]
        for module in model.modules():
            if hasattr(module, bias):
                # A cast of the whole model takes this buffer along; on disk it is always float32.
                setattr(module, bias, _random_bias(getattr(module, bias).shape))
    return model


def _divide_again(path: Path, recipe: Recipe) -> None:
    """Adds the MTP layers that transformers has no model for, and scatters keys over the shards."""
    folder = read_folder(path)
    tensors = dict(folder.tensors)
    division = [list(keys) for keys in folder.shards.values()]
    layers = recipe.config["num_hidden_layers"]
    for layer in range(layers, layers + recipe.mtp_layers):
        added = _random_mtp_layer(recipe, layer)
        tensors.update(added)
        division.append(sorted(added))
    if recipe.scatter:
        division = _scattered(division, recipe.seed)
    write_shards(path, tensors, division)


def _random_mtp_layer(recipe: Recipe, layer: int) -> dict[str, torch.Tensor]:
    tensors = {}
    spread = recipe.config["initializer_range"]
    for key, shape in mtp_layer(recipe.config, layer).items():
        if names_of("hy_v3").has_role(key, "router bias"):
            value = _random_bias(shape)
        elif len(shape) == 1:
            value = _random_norm(shape)
        else:
            value = torch.randn(shape) * spread
        tensors[key] = value.to(dtype_of(key, recipe.dtype))
    return tensors


def _scattered(division: list[list[str]], seed: int) -> list[list[str]]:
    keys = sorted(key for shard in division for key in shard)
    random.Random(seed).shuffle(keys)
    return [keys[start :: len(division)] for start in range(len(division))]


def _random_norm(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.rand(shape) + 0.5


def _random_bias(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.rand(shape) * 0.4 + 0.1


def _check_all_distinct(tensors: Mapping[str, torch.Tensor]) -> None:
    """Two equal tensors would hide an exchange of the two."""
    seen: dict[bytes, str] = {}
    for key, tensor in tensors.items():
        if tensor.numel() > 0 and not bool(as_integers(tensor).any()):
            raise OracleError(f"{key} is all zeros; choose another --seed")
        digest = hashlib.sha256(as_integers(tensor).numpy().tobytes()).digest()
        if digest in seen:
            raise OracleError(f"{key} and {seen[digest]} are equal; choose another --seed")
        seen[digest] = key
