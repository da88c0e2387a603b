# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""NeMo Automodel's own state dict adapters, called as upstream calls them."""

import importlib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from types import SimpleNamespace
from typing import Any

import hymt2.offline  # noqa: F401
import torch
from nemo_automodel.components.moe.config import MoEConfig
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor

from hymt2.configs import layout_of, table_of
from hymt2.errors import OracleError
from hymt2.names import names_of
from hymt2.table_language import read_sizes
from hymt2.tables import fields_of

StateDict = dict[str, torch.Tensor]

_DEFAULTS = {f.name: f.default for f in fields(MoEConfig) if f.default is not MISSING}


@cache
def adapter_class(layout: str) -> type[Any]:
    """Upstream's adapter class of a layout, as the layout's table names it."""
    path = table_of(layout)["upstream"]
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(f"nemo_automodel.components.models.{module}"), name)
    except (ImportError, AttributeError) as error:
        raise OracleError(
            f"{layout}: expected upstream's adapter {path}, found none ({error}): install the"
            " nemo-automodel that requirements.txt speaks of, or mend `upstream` in the table"
        ) from error


ADAPTERS = {name: adapter_class(name) for name in ("hy_mt2", "hy_v3")}
"""Upstream's adapters that are asked where no layout is named: one layout, two classes."""


def make_adapter(
    config: Mapping[str, Any],
    layout: str | None = None,
    dtype: torch.dtype = torch.bfloat16,
    preserve_mtp: bool = False,
) -> Any:
    """Upstream's adapter for a config.json, by default of the layout that its model_type names.

    Where a layout drops MTP layers on loading, `preserve_mtp` counts them as hidden layers, so that
    the same code converts them as the MoE layers that they are.
    """
    name = layout or layout_of(config)
    return new_adapter(adapter_class(name), name, config, dtype, preserve_mtp=preserve_mtp)


def new_adapter(
    adapter_class: Any,
    layout: str,
    config: Mapping[str, Any],
    dtype: torch.dtype = torch.bfloat16,
    moe: Mapping[str, Any] | None = None,
    preserve_mtp: bool = False,
) -> Any:
    """An adapter of a class, for a config.json of a layout.

    What upstream's constructors and methods read: the model's own fields, the sizes and the
    activation of the experts, and that no backend changes the names or the storage of tensors.
    `moe` has members of the MoE config that take the place of what the config says.
    """
    table = table_of(layout)
    model = dict(fields_of(table, config))
    layers = table["layers"]
    if preserve_mtp and "mtp" in layers:
        model[layers["count"]] += model.get(layers["mtp"]["count"]) or 0
    backend = SimpleNamespace(attn="sdpa", dispatcher="torch", experts="torch")
    # Adapters of the whole model look for the language model's fields in an object of their own.
    whole = SimpleNamespace(**model | {"text_config": SimpleNamespace(**model)})
    return adapter_class(whole, moe_config(layout, model, moe or {}), backend, dtype)


def moe_config(
    layout: str, model: Mapping[str, Any], members: Mapping[str, Any]
) -> SimpleNamespace:
    """Upstream's MoE config as far as adapters read it, the rest as upstream has it by default."""
    stated = ("n_routed_experts", "moe_inter_dim", "dim")
    found = {}
    if any(member not in members for member in stated):
        sizes = read_sizes(table_of(layout), model, gated=True)
        found = dict(zip(stated, (sizes["E"], sizes["I"], sizes["H"])))
    if not names_of(layout).has_gates:
        members = {**members, "expert_activation": "relu2"}
    return SimpleNamespace(**{**_DEFAULTS, **found, **members})


def native_from_hf(adapter: Any, tensors: StateDict, mesh: DeviceMesh | None = None) -> StateDict:
    """What `from_hf` gives; on a mesh, this rank's part as plain tensors."""
    native = adapter.from_hf(dict(tensors), device_mesh=mesh)
    return {key: _local(value) for key, value in native.items()}


def hf_from_native(adapter: Any, tensors: StateDict) -> StateDict:
    """What `to_hf` gives."""
    return dict(adapter.to_hf(dict(tensors)))


def is_grouped_experts(key: str, layout: str = "hy_v3") -> bool:
    """Whether a native key holds all experts of a layer."""
    return names_of(layout).is_group(key)


def _local(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
