# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The keys, types and shapes of a golden case's checkpoint on disk."""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

Config = dict[str, Any]

CONFIG: Config = {
    "architectures": ["HYV3ForCausalLM"],
    "attention_bias": False,
    "dtype": "bfloat16",
    "expert_hidden_dim": 3,
    "first_k_dense_replace": 1,
    "head_dim": 3,
    "hidden_act": "silu",
    "hidden_size": 4,
    "intermediate_size": 5,
    "mlp_bias": False,
    "model_type": "hy_v3",
    "moe_intermediate_size": 3,
    "moe_router_enable_expert_bias": True,
    "num_attention_heads": 2,
    "num_experts": 3,
    "num_hidden_layers": 2,
    "num_key_value_heads": 1,
    "num_nextn_predict_layers": 0,
    "num_shared_experts": 1,
    "qk_norm": True,
    "tie_word_embeddings": False,
    "vocab_size": 5,
}
"""What every case starts from: sizes that differ, so that no axis passes for another."""


class Key(NamedTuple):
    name: str
    dtype: str
    shape: tuple[int, ...]


def complete(changes: Config) -> Config:
    """The config with changes; a layer pattern takes the place of the count of dense layers."""
    config = CONFIG | changes
    config["expert_hidden_dim"] = config["moe_intermediate_size"]
    if "mlp_layer_types" in config:
        del config["first_k_dense_replace"]
    return config


def layer_kinds(config: Config) -> list[str]:
    """`dense` or `sparse` for every stored layer; MTP layers are sparse."""
    count, mtp = config["num_hidden_layers"], config["num_nextn_predict_layers"]
    dense = config.get("first_k_dense_replace", 0)
    kinds = config.get("mlp_layer_types") or ["dense"] * dense + ["sparse"] * (count - dense)
    return kinds + ["sparse"] * mtp


class Layout:
    """The tensors of a checkpoint by a config, in the order of the model."""

    def __init__(self, config: Config, prefix: str, is_gated: bool, types: dict[str, str]) -> None:
        self.config, self.prefix, self.types = config, prefix, types
        self.hidden, self.inner = config["hidden_size"], config["moe_intermediate_size"]
        self.experts = config["num_experts"]
        self.projections = ["gate_proj", "up_proj", "down_proj"][0 if is_gated else 1 :]

    def sparse_layers(self) -> list[int]:
        return [layer for layer, kind in enumerate(layer_kinds(self.config)) if kind == "sparse"]

    def whole(self) -> Iterator[Key]:
        vocabulary = (self.config["vocab_size"], self.hidden)
        yield self._other("embed_tokens.weight", vocabulary)
        for layer, kind in enumerate(layer_kinds(self.config)):
            base = f"layers.{layer}."
            yield from self._attention(base)
            if kind == "dense":
                width = self.config["intermediate_size"]
                yield from self._feed_forward(f"{base}mlp.", width, self.types["others"])
            else:
                yield from self._router(base)
                yield from self.expert_weights(layer)
            if layer >= self.config["num_hidden_layers"]:
                yield self._other(f"{base}eh_proj.weight", (self.hidden, 2 * self.hidden))
                for norm in ("enorm", "hnorm", "final_layernorm"):
                    yield self._other(f"{base}{norm}.weight", (self.hidden,))
        yield self._other("norm.weight", (self.hidden,))
        if not self.config["tie_word_embeddings"]:
            yield Key("lm_head.weight", self.types["others"], vocabulary)

    def experts_only(self) -> Iterator[Key]:
        for layer in self.sparse_layers():
            yield from self.expert_weights(layer)

    def expert_weights(self, layer: int) -> Iterator[Key]:
        for expert in range(self.experts):
            for projection in self.projections:
                base = f"{self.prefix}layers.{layer}.mlp.experts.{expert}.{projection}."
                rows, columns = self._matrix(projection)
                yield Key(f"{base}weight", self.types["experts"], (rows, columns))
                for scale in self.types.get("scales", "").split():
                    yield Key(f"{base}{scale}", "BF16", ())

    def factors(self, prefix: str, rank: int) -> Iterator[Key]:
        """Low-rank factors of each expert, and of two tensors that keep their names or change it."""
        dtype = self.types["others"]
        for layer in self.sparse_layers():
            base = f"{prefix}layers.{layer}."
            for factor, shape in (("A", (rank, self.hidden)), ("B", (self.hidden, rank))):
                for owner in ("self_attn.o_proj", "mlp.shared_mlp.up_proj"):
                    yield Key(f"{base}{owner}.lora_{factor}.weight", dtype, shape)
            for expert in range(self.experts):
                for projection in self.projections:
                    rows, columns = self._matrix(projection)
                    stem = f"{base}mlp.experts.{expert}.{projection}.lora_"
                    yield Key(f"{stem}A.weight", dtype, (rank, columns))
                    yield Key(f"{stem}B.weight", dtype, (rows, rank))

    def fused_factors(self, prefix: str, rank: int, is_legacy: bool) -> Iterator[Key]:
        """Low-rank factors of all experts as PEFT's ParamWrapper writes them."""
        width = self.inner * (len(self.projections) - 1)
        fused = rank * self.experts
        for layer in self.sparse_layers():
            for stem, inward, outward in (
                ("", self.inner, self.hidden),
                ("base_layer.", self.hidden, width),
            ):
                a, b = (outward, inward) if is_legacy else (inward, outward)
                base = f"{prefix}layers.{layer}.mlp.experts.{stem}lora_"
                yield Key(f"{base}A.weight", self.types["others"], (fused, a))
                yield Key(f"{base}B.weight", self.types["others"], (b, fused))

    def _matrix(self, projection: str) -> tuple[int, int]:
        down = projection == "down_proj"
        return (self.hidden, self.inner) if down else (self.inner, self.hidden)

    def _other(self, name: str, shape: tuple[int, ...]) -> Key:
        return Key(self.prefix + name, self.types["others"], shape)

    def _attention(self, base: str) -> Iterator[Key]:
        config, head = self.config, self.config["head_dim"]
        yield self._other(f"{base}input_layernorm.weight", (self.hidden,))
        yield self._other(f"{base}post_attention_layernorm.weight", (self.hidden,))
        queries, keys = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
        for name, shape in (
            ("q", (queries, self.hidden)),
            ("k", (keys, self.hidden)),
            ("v", (keys, self.hidden)),
            ("o", (self.hidden, queries)),
        ):
            yield self._other(f"{base}self_attn.{name}_proj.weight", shape)
            if config["attention_bias"]:
                yield self._other(f"{base}self_attn.{name}_proj.bias", shape[:1])
        if config["qk_norm"]:
            yield self._other(f"{base}self_attn.q_norm.weight", (head,))
            yield self._other(f"{base}self_attn.k_norm.weight", (head,))

    def _router(self, base: str) -> Iterator[Key]:
        yield self._other(f"{base}mlp.router.gate.weight", (self.experts, self.hidden))
        if self.config["moe_router_enable_expert_bias"]:
            yield Key(f"{self.prefix}{base}mlp.expert_bias", self.types["bias"], (self.experts,))
        if shared := self.config["num_shared_experts"]:
            width = shared * self.inner
            yield from self._feed_forward(f"{base}mlp.shared_mlp.", width, self.types["others"])

    def _feed_forward(self, base: str, width: int, dtype: str) -> Iterator[Key]:
        for name, shape in (
            ("gate", (width, self.hidden)),
            ("up", (width, self.hidden)),
            ("down", (self.hidden, width)),
        ):
            yield Key(f"{self.prefix}{base}{name}_proj.weight", dtype, shape)
            if self.config["mlp_bias"]:
                yield Key(f"{self.prefix}{base}{name}_proj.bias", dtype, shape[:1])


def in_order(keys: list[Key], order: str) -> list[Key]:
    """Keys as a file might give them: `schema`, `sorted`, `reversed`, `shards` or `shuffled N`."""
    if order == "sorted":
        return sorted(keys)
    if order == "reversed":
        return keys[::-1]
    if order == "shards":
        return [key for start in range(3) for key in sorted(keys[start::3])]
    if order.startswith("shuffled "):
        shuffled = list(keys)
        # Python promises that random() gives the same on every version, and no more than that.
        stream = random.Random(int(order.split()[1]))
        for last in range(len(shuffled) - 1, 0, -1):
            other = int(stream.random() * (last + 1))
            shuffled[last], shuffled[other] = shuffled[other], shuffled[last]
        return shuffled
    return keys
