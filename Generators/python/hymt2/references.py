# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""What NeMo gives each expert-parallel rank, for every rank of every size: written and compared."""

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch.distributed.device_mesh import DeviceMesh

from hymt2 import SCHEMA_VERSION
from hymt2.checkpoints import Recipe, make_checkpoint
from hymt2.errors import OracleError
from hymt2.expert_parallel import expert_parallel_mesh
from hymt2.folders import Folder
from hymt2.nemo import StateDict, make_adapter, native_from_hf
from hymt2.presets import complete_config

TINIEST = {
    "hidden_size": 4,
    "moe_intermediate_size": 3,
    "num_hidden_layers": 1,
    "first_k_dense_replace": 0,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 4,
    "vocab_size": 8,
}

MANIFEST = "manifest.json"


def case_name(rank: int, size: int) -> str:
    return f"n{size}-r{rank}"


def write_references(
    out: Path, experts: range, sizes: range, model: str = "hy_mt2"
) -> list[dict[str, Any]]:
    """Writes, per number of experts, a checkpoint and what NeMo makes of it; gives the cases."""
    if out.exists():
        raise OracleError(f"{out}: exists already; name a new folder")
    checkpoints = {count: _make_tiny(out / str(count), count) for count in experts}
    for count, folder in checkpoints.items():
        unsharded = native_from_hf(make_adapter(_config(count), model), folder.tensors)
        _save(unsharded, out / str(count) / "unsharded.safetensors")
    cases = []
    # A mesh is made once per rank, for all numbers of experts.
    for size, rank in _ranks(sizes):
        with expert_parallel_mesh(rank, size) as mesh:
            for count, folder in checkpoints.items():
                adapter = make_adapter(_config(count), model)
                path = out / str(count) / case_name(rank, size)
                file = write_reference(path, adapter, folder.tensors, mesh)
                name = file.relative_to(out).as_posix()
                cases.append({"experts": count, "size": size, "rank": rank, "file": name})
    manifest = {
        "schemaVersion": SCHEMA_VERSION,
        "made_by": f"nemo-automodel {version('nemo-automodel')}",
        "model": model,
        "cases": cases,
    }
    _write_json(out / MANIFEST, manifest)
    return cases


def write_reference(path: Path, adapter: Any, tensors: StateDict, mesh: DeviceMesh) -> Path:
    """Writes this rank's tensors to `path`.safetensors, or NeMo's error to `path`.json."""
    try:
        native = native_from_hf(adapter, tensors, mesh)
    except Exception as error:
        refusal = path.with_name(path.name + ".json")
        _write_json(refusal, {"error_type": type(error).__name__, "error_message": str(error)})
        return refusal
    file = path.with_name(path.name + ".safetensors")
    _save(native, file)
    return file


def _config(experts: int) -> dict[str, Any]:
    return complete_config(TINIEST, {"num_experts": experts})


def _make_tiny(path: Path, experts: int) -> Folder:
    recipe = Recipe(_config(experts), seed=experts, max_shard_size="1MB")
    return make_checkpoint(path / "checkpoint", recipe)


def _ranks(sizes: range) -> Iterator[tuple[int, int]]:
    return ((size, rank) for size in sizes for rank in range(size))


def _save(tensors: StateDict, file: Path) -> None:
    contiguous: dict[str, torch.Tensor] = {key: t.contiguous() for key, t in tensors.items()}
    save_file(contiguous, file, {"format": "pt"})


def _write_json(file: Path, document: dict[str, Any]) -> None:
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
