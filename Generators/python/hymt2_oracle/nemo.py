# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""NeMo Automodel's own state dict adapters, called as upstream calls them."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import torch
from nemo_automodel.components.models.hy_mt2.state_dict_adapter import HyMT2StateDictAdapter
from nemo_automodel.components.models.hy_v3.state_dict_adapter import HYV3StateDictAdapter
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor

ADAPTERS = {"hy_mt2": HyMT2StateDictAdapter, "hy_v3": HYV3StateDictAdapter}
"""Upstream's adapters by the name of NeMo's model."""

StateDict = dict[str, torch.Tensor]


def make_adapter(
    config: Mapping[str, Any],
    model: str = "hy_mt2",
    dtype: torch.dtype = torch.bfloat16,
    preserve_mtp: bool = False,
) -> Any:
    """Upstream's adapter for a config.json.

    NeMo always drops the layers from num_hidden_layers on. With `preserve_mtp` they are counted
    as hidden layers, so that the same code converts them as the MoE layers that they are.
    """
    layers = config["num_hidden_layers"]
    if preserve_mtp:
        layers += config.get("num_nextn_predict_layers", 0)
    return new_adapter(ADAPTERS[model], {**config, "num_hidden_layers": layers}, dtype)


def new_adapter(
    adapter_class: Any, config: Mapping[str, Any], dtype: torch.dtype = torch.bfloat16
) -> Any:
    """An adapter of a class, for a config.json."""
    # The few fields that the adapters read.
    moe = SimpleNamespace(
        n_routed_experts=config["num_experts"],
        moe_inter_dim=config.get("expert_hidden_dim", config["moe_intermediate_size"]),
        dim=config["hidden_size"],
        expert_activation="swiglu",
        expert_bias=False,
    )
    backend = SimpleNamespace(dispatcher="torch", experts="torch")
    model = SimpleNamespace(num_hidden_layers=config["num_hidden_layers"])
    return adapter_class(model, moe, backend, dtype)


def native_from_hf(adapter: Any, tensors: StateDict, mesh: DeviceMesh | None = None) -> StateDict:
    """What `from_hf` gives; on a mesh, this rank's part as plain tensors."""
    native = adapter.from_hf(dict(tensors), device_mesh=mesh)
    return {key: _local(value) for key, value in native.items()}


def hf_from_native(adapter: Any, tensors: StateDict) -> StateDict:
    """What `to_hf` gives."""
    return dict(adapter.to_hf(dict(tensors)))


def is_grouped_experts(key: str) -> bool:
    """Whether a native key holds all experts of a layer."""
    return key.endswith((".mlp.experts.gate_and_up_projs", ".mlp.experts.down_projs"))


def is_expert_weight(key: str) -> bool:
    """Whether an HF key holds one expert's weight: the only tensors that are ever cast."""
    return ".mlp.experts." in key


def _local(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
