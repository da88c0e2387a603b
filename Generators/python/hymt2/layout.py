# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""What a checkpoint of a config.json must hold on disk: every key, its shape and its dtype."""

from collections.abc import Mapping
from typing import Any

import torch

from hymt2.bits import describe
from hymt2.configs import layout_of, table_of
from hymt2.errors import OracleError
from hymt2.names import layer_of, names_of
from hymt2.tables import read_layout
from hymt2.torch_types import DTYPES

Config = Mapping[str, Any]


def expected_tensors(config: Config, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Meta tensors (no data) of a whole checkpoint, MTP layers included."""
    return {
        tensor.name: torch.empty(
            tensor.shape,
            dtype=DTYPES[tensor.dtype] if tensor.dtype else dtype,
            device="meta",
        )
        for tensor in read_layout(layout_of(config), config).tensors
    }


def dtype_of(key: str, dtype: torch.dtype) -> torch.dtype:
    """The router's bias stays float32 whatever the checkpoint's dtype is."""
    return torch.float32 if names_of("hy_v3").has_role(key, "router bias") else dtype


def is_mtp_key(config: Config, key: str) -> bool:
    """Whether a key, of whichever layout, belongs to a layer after the hidden ones."""
    name = layout_of(config)
    layer = layer_of(name, key)
    return layer is not None and layer >= config[table_of(name)["layers"]["count"]]


def mtp_layer(config: Config, layer: int) -> dict[str, tuple[int, ...]]:
    """A multi-token prediction layer: a MoE layer and four tensors of its own."""
    name = layout_of(config)
    layers = table_of(name)["layers"]
    count = layer + 1 - config[layers["count"]]
    layout = read_layout(name, {**config, layers["mtp"]["count"]: count})
    return {tensor.name: tensor.shape for tensor in layout.tensors if tensor.layer == layer}


def check_layout(config: Config, dtype: torch.dtype, found: Mapping[str, torch.Tensor]) -> None:
    """Throws if `found` is not exactly the layout that `config` asks for."""
    expected = expected_tensors(config, dtype)
    wrong = [
        f"{key}: expected {_describe(expected.get(key))}, found {_describe(found.get(key))}"
        for key in sorted(expected.keys() | found.keys())
        if _describe(expected.get(key)) != _describe(found.get(key))
    ]
    if wrong:
        raise OracleError(
            f"{len(wrong)} tensors are not in the on-disk layout: " + "; ".join(wrong[:5])
        )


def _describe(tensor: torch.Tensor | None) -> str:
    return "nothing" if tensor is None else describe(tensor)
