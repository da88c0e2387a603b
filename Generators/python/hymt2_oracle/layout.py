# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The on-disk ("inner") layout of the Hy family: every key, its shape and its dtype."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from hymt2_oracle.bits import describe
from hymt2_oracle.errors import OracleError

Config = Mapping[str, Any]


def expected_tensors(config: Config, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Meta tensors (no data) of a whole checkpoint, MTP layers included."""
    hidden, vocabulary = config["hidden_size"], config["vocab_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (vocabulary, hidden),
        "model.norm.weight": (hidden,),
    }
    if not config.get("tie_word_embeddings", False):
        shapes["lm_head.weight"] = (vocabulary, hidden)
    layers = config["num_hidden_layers"]
    for layer in range(layers):
        is_dense = layer < config["first_k_dense_replace"]
        shapes.update(_decoder_layer(config, layer, is_dense))
    for layer in range(layers, layers + config.get("num_nextn_predict_layers", 0)):
        shapes.update(mtp_layer(config, layer))
    return {
        key: torch.empty(shape, dtype=dtype_of(key, dtype), device="meta")
        for key, shape in shapes.items()
    }


def dtype_of(key: str, dtype: torch.dtype) -> torch.dtype:
    """The router's bias stays float32 whatever the checkpoint's dtype is."""
    return torch.float32 if key.endswith(".mlp.expert_bias") else dtype


def is_mtp_key(config: Config, key: str) -> bool:
    """Whether a key, of whichever layout, belongs to a layer after the hidden ones."""
    layer = re.match(r"model\.layers\.([0-9]+)\.", key)
    return layer is not None and int(layer[1]) >= config["num_hidden_layers"]


def mtp_layer(config: Config, layer: int) -> dict[str, tuple[int, ...]]:
    """A multi-token prediction layer: a MoE layer and four tensors of its own."""
    hidden = config["hidden_size"]
    prefix = f"model.layers.{layer}"
    return dict(_decoder_layer(config, layer, is_dense=False)) | {
        f"{prefix}.eh_proj.weight": (hidden, 2 * hidden),
        f"{prefix}.enorm.weight": (hidden,),
        f"{prefix}.hnorm.weight": (hidden,),
        f"{prefix}.final_layernorm.weight": (hidden,),
    }


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


def _decoder_layer(
    config: Config, layer: int, is_dense: bool
) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, head = config["hidden_size"], config["head_dim"]
    queries = config["num_attention_heads"] * head
    keys = config["num_key_value_heads"] * head
    prefix = f"model.layers.{layer}"
    yield f"{prefix}.input_layernorm.weight", (hidden,)
    yield f"{prefix}.post_attention_layernorm.weight", (hidden,)
    yield f"{prefix}.self_attn.q_proj.weight", (queries, hidden)
    yield f"{prefix}.self_attn.k_proj.weight", (keys, hidden)
    yield f"{prefix}.self_attn.v_proj.weight", (keys, hidden)
    yield f"{prefix}.self_attn.o_proj.weight", (hidden, queries)
    yield f"{prefix}.self_attn.q_norm.weight", (head,)
    yield f"{prefix}.self_attn.k_norm.weight", (head,)
    if is_dense:
        yield from _feed_forward(f"{prefix}.mlp", hidden, config["intermediate_size"])
    else:
        yield from _mixture_of_experts(f"{prefix}.mlp", config)


def _mixture_of_experts(prefix: str, config: Config) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, inner = config["hidden_size"], config["moe_intermediate_size"]
    experts = config["num_experts"]
    yield f"{prefix}.router.gate.weight", (experts, hidden)
    yield f"{prefix}.expert_bias", (experts,)
    shared = inner * config["num_shared_experts"]
    yield from _feed_forward(f"{prefix}.shared_mlp", hidden, shared)
    for expert in range(experts):
        yield from _feed_forward(f"{prefix}.experts.{expert}", hidden, inner)


def _feed_forward(prefix: str, hidden: int, inner: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{prefix}.gate_proj.weight", (inner, hidden)
    yield f"{prefix}.up_proj.weight", (inner, hidden)
    yield f"{prefix}.down_proj.weight", (hidden, inner)
