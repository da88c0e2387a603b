# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Checkpoint folders: config.json, safetensors shards and their index."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from hymt2.errors import OracleError
from hymt2.names import names_of

INDEX_NAME = "model.safetensors.index.json"
SINGLE_NAME = "model.safetensors"


@dataclass(frozen=True)
class Folder:
    """A checkpoint folder in memory."""

    path: Path
    tensors: dict[str, torch.Tensor]
    shards: dict[str, list[str]]
    """The keys of each safetensors file, in the order of the file names."""
    index: dict[str, Any] | None


def read_folder(path: Path) -> Folder:
    """Reads every tensor. Throws if there is none, or if the index does not match the shards."""
    if not path.is_dir():
        raise OracleError(f"{path}: no such folder")
    files = sorted(path.glob("*.safetensors"))
    if not files:
        raise OracleError(f"{path}: holds no .safetensors file")
    tensors: dict[str, torch.Tensor] = {}
    shards: dict[str, list[str]] = {}
    for file in files:
        loaded = _load(file)
        twice = sorted(loaded.keys() & tensors.keys())
        if twice:
            raise OracleError(f"{file}: tensors that an earlier shard holds too: {twice[:5]}")
        tensors.update(loaded)
        shards[file.name] = list(loaded)
    index = read_json(path / INDEX_NAME) if (path / INDEX_NAME).exists() else None
    folder = Folder(path, tensors, shards, index)
    _check_index(folder)
    return folder


def read_config(path: Path) -> dict[str, Any]:
    """The config.json of a checkpoint folder."""
    return read_json(path / "config.json")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Throws if the file is missing or holds something else."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OracleError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(document, dict):
        raise OracleError(f"{path}: expected a JSON object, found {type(document).__name__}")
    return document


def write_shards(
    path: Path, tensors: Mapping[str, torch.Tensor], division: Sequence[Sequence[str]]
) -> None:
    """Replaces the folder's safetensors files by one per element of `division`, and the index."""
    for stale in (*path.glob("*.safetensors"), path / INDEX_NAME):
        stale.unlink(missing_ok=True)
    weight_map = {}
    for number, keys in enumerate(division, start=1):
        name = f"model-{number:05d}-of-{len(division):05d}.safetensors"
        if len(division) == 1:
            name = SINGLE_NAME
        save_file({key: tensors[key].contiguous() for key in keys}, path / name, {"format": "pt"})
        weight_map.update(dict.fromkeys(keys, name))
    if len(division) == 1:
        return
    # For transformers the router's bias is a buffer, not a parameter.
    has_role = names_of("hy_v3").has_role
    parameters = [tensor for key, tensor in tensors.items() if not has_role(key, "router bias")]
    metadata = {
        "total_parameters": sum(tensor.numel() for tensor in parameters),
        "total_size": sum(tensor.nbytes for tensor in tensors.values()),
    }
    # Written as transformers writes it, byte for byte.
    index = {"metadata": metadata, "weight_map": weight_map}
    text = json.dumps(index, indent=2, sort_keys=True) + "\n"
    (path / INDEX_NAME).write_text(text, encoding="utf-8")


def _load(file: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(file)
    except Exception as error:  # safetensors' own error type is not public
        raise OracleError(f"{file}: cannot be read as safetensors: {error}") from error


def _check_index(folder: Folder) -> None:
    if folder.index is None:
        if len(folder.shards) > 1:
            raise OracleError(f"{folder.path}: {len(folder.shards)} shards but no {INDEX_NAME}")
        return
    place = f"{folder.path / INDEX_NAME}"
    on_disk = {key: name for name, keys in folder.shards.items() for key in keys}
    listed = folder.index.get("weight_map")
    if not isinstance(listed, dict):
        raise OracleError(f"{place}: has no weight_map")
    wrong = sorted(k for k in on_disk.keys() | listed.keys() if on_disk.get(k) != listed.get(k))
    if wrong:
        key = wrong[0]
        raise OracleError(
            f"{place}: weight_map is wrong for {len(wrong)} tensors; first {key}:"
            f" listed in {listed.get(key)}, found in {on_disk.get(key)}"
        )
    metadata = folder.index.get("metadata") or {}
    total = sum(tensor.nbytes for tensor in folder.tensors.values())
    if metadata.get("total_size", total) != total:
        raise OracleError(f"{place}: total_size is {metadata['total_size']}, tensors hold {total}")
