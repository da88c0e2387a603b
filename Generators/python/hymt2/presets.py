# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Small model configs, each made for one kind of fault."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hymt2.configs import flag_fields
from hymt2.resources import resource

_CONFIG = resource("Generators/configs/hy3.json")
_PUBLISHED: dict[str, Any] = json.loads(_CONFIG.read_text(encoding="utf-8"))

TINY: dict[str, Any] = {
    # Norms of heads and the router's bias among them, as the layout's table has them by default.
    **flag_fields("hy_v3"),
    # All that is no size, name or token.
    **{name: value for name, value in _PUBLISHED.items() if isinstance(value, bool | float | dict)},
    "vocab_size": 64,
    "hidden_size": 16,
    "intermediate_size": 24,
    "moe_intermediate_size": 12,
    "num_hidden_layers": 3,
    "first_k_dense_replace": 1,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "num_experts": 4,
    # Two at least: NeMo does not normalise the weight of a single chosen expert, transformers does.
    "num_experts_per_tok": 2,
    "num_shared_experts": 1,
    "num_nextn_predict_layers": 0,
    "max_position_embeddings": 128,
    # Large, so that a wrong expert moves the logits over 10^4 times as far as rounding; larger
    # still, and rounding itself comes near the tolerance.
    "initializer_range": 0.15,
}
"""What every preset starts from: the published config of the family, made tiny."""


@dataclass(frozen=True)
class Preset:
    """A config, how its checkpoint is cut into shards, and what it is for."""

    purpose: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    max_shard_size: str = "20KB"
    scatter: bool = False
    """Whether tensors are dealt out to the shards at random, as in the published checkpoints."""
    mtp_layers: int = 0


PRESETS: dict[str, Preset] = {
    "many-experts": Preset("13 experts: expert 10 comes after 9, not after 1", {"num_experts": 13}),
    "two-digit-layers": Preset(
        "12 layers: layers 1, 10 and 11 are told apart", {"num_hidden_layers": 12}
    ),
    "square-experts": Preset(
        "H = I: a forgotten transpose keeps the shape", {"moe_intermediate_size": 16}
    ),
    "wide-square": Preset(
        "H = 2I: gate and up side by side are square", {"moe_intermediate_size": 8}
    ),
    "sharded": Preset(
        "each layer's experts are scattered over many shards",
        {"num_experts": 8},
        "4KB",
        scatter=True,
    ),
    "odd-sizes": Preset(
        "sizes that no tile or vector width divides",
        {"hidden_size": 131, "moe_intermediate_size": 67, "num_experts": 3},
        "150KB",
    ),
    "two-dense-layers": Preset(
        "the first two layers are dense, two shared experts, one file",
        {"first_k_dense_replace": 2, "num_hidden_layers": 4, "num_shared_experts": 2},
        "1GB",
    ),
    "mtp": Preset("one multi-token prediction layer after the last", mtp_layers=1),
}


def complete_config(*changes: Mapping[str, Any]) -> dict[str, Any]:
    """The tiny config with `changes` applied in order, and its synonyms brought into line."""
    config = dict(TINY)
    for change in changes:
        config.update(change)
    # Facts about the file they came from, not about the model.
    for name in ("architectures", "dtype", "torch_dtype", "model_type", "transformers_version"):
        config.pop(name, None)
    layers, dense = config["num_hidden_layers"], config["first_k_dense_replace"]
    # transformers' spelling of first_k_dense_replace.
    config["mlp_layer_types"] = ["dense" if layer < dense else "sparse" for layer in range(layers)]
    # Published configs carry both names; NeMo prefers this one, transformers knows only the other.
    config["expert_hidden_dim"] = config["moe_intermediate_size"]
    return config
