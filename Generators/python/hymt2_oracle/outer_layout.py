# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The in-memory ("outer") layout of transformers' HYV3ForCausalLM, and its twin in native form.

Written from the modules in transformers' `models/hy_v3`, not from any adapter: there
`mlp.experts` computes `linear(x, gate_up_proj[e]).chunk(2)` and `linear(h, down_proj[e])`, so
`gate_up_proj` is [experts, 2 * inter, hidden], gate first, and `down_proj` is [experts, hidden,
inter]. The native form multiplies from the right: every expert's matrix is transposed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from hymt2_oracle.errors import OracleError


@dataclass(frozen=True)
class Twin:
    """Where one of transformers' tensors is in native form."""

    native: str
    grouped: bool = False
    """Whether it holds all experts of a layer, each transposed."""


MODEL: Mapping[str, Twin] = {
    key: Twin(key) for key in ("model.embed_tokens.weight", "model.norm.weight", "lm_head.weight")
}
"""What is not in a decoder layer."""

_SAME_NAME = (
    "input_layernorm.weight",
    "post_attention_layernorm.weight",
    "self_attn.q_proj.weight",
    "self_attn.k_proj.weight",
    "self_attn.v_proj.weight",
    "self_attn.o_proj.weight",
    "self_attn.q_norm.weight",
    "self_attn.k_norm.weight",
    "mlp.gate_proj.weight",
    "mlp.up_proj.weight",
    "mlp.down_proj.weight",
    "mlp.gate.weight",
    "mlp.shared_experts.gate_proj.weight",
    "mlp.shared_experts.up_proj.weight",
    "mlp.shared_experts.down_proj.weight",
)

LAYER: Mapping[str, Twin] = {name: Twin(name) for name in _SAME_NAME} | {
    "mlp.e_score_correction_bias": Twin("mlp.gate.e_score_correction_bias"),
    "mlp.experts.gate_up_proj": Twin("mlp.experts.gate_and_up_projs", grouped=True),
    "mlp.experts.down_proj": Twin("mlp.experts.down_projs", grouped=True),
}
"""What follows `model.layers.N.` in a decoder layer, dense or MoE."""


def twin_of(outer: str) -> Twin:
    """The native twin of one of transformers' tensors. Throws on a name that is not known."""
    if outer in MODEL:
        return MODEL[outer]
    layer = re.fullmatch(r"(model\.layers\.[0-9]+\.)(.+)", outer)
    if layer is None or layer[2] not in LAYER:
        raise OracleError(f"{outer}: this version of transformers has a tensor unknown here")
    twin = LAYER[layer[2]]
    return Twin(layer[1] + twin.native, twin.grouped)


def native_from_outer(outer: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The native form of transformers' tensors."""
    native = {}
    for key, tensor in outer.items():
        twin = twin_of(key)
        native[twin.native] = tensor.transpose(1, 2) if twin.grouped else tensor
    return native


def outer_from_native(
    names: Mapping[str, torch.Tensor], native: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Tensors for transformers' `names`, each of which must have its twin in `native`."""
    outer = {}
    for key in names:
        twin = twin_of(key)
        tensor = native[twin.native]
        outer[key] = tensor.transpose(1, 2).contiguous() if twin.grouped else tensor
    return outer
