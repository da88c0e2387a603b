# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The round-trip property that one would write first, for comparison."""

from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hymt2_oracle.nemo import StateDict, new_adapter

EXAMPLES = 300


def failure_of_round_trip(adapter_class: type[Any], examples: int = EXAMPLES) -> str | None:
    """The type of the error with which `to_hf(from_hf(x)) == x` fails; none if it holds.

    The same checkpoints are drawn each time, and a failing one is not made smaller.
    """

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        experts=st.integers(1, 16),
        hidden=st.integers(1, 32),
        inner=st.integers(1, 16),
        layers=st.integers(1, 4),
        seed=st.integers(0, 2**32 - 1),
    )
    def round_trip(experts: int, hidden: int, inner: int, layers: int, seed: int) -> None:
        config = {
            "num_experts": experts,
            "hidden_size": hidden,
            "moe_intermediate_size": inner,
            "num_hidden_layers": layers,
        }
        checkpoint = random_checkpoint(config, seed)
        adapter = new_adapter(adapter_class, config)
        result = adapter.to_hf(adapter.from_hf(checkpoint))
        assert result.keys() == checkpoint.keys()
        for key, tensor in checkpoint.items():
            assert result[key].dtype == tensor.dtype
            assert torch.equal(result[key], tensor)

    try:
        round_trip()
    except Exception as error:
        return type(error).__name__
    return None


def random_checkpoint(config: dict[str, int], seed: int) -> StateDict:
    """A model of sparse layers in bfloat16, the router's bias in float32 as on disk."""
    generator = torch.Generator().manual_seed(seed)
    hidden, inner = config["hidden_size"], config["moe_intermediate_size"]
    experts = config["num_experts"]

    def random(*shape: int, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
        return torch.randn(shape, generator=generator).to(dtype)

    def feed_forward(base: str) -> StateDict:
        return {
            f"{base}.gate_proj.weight": random(inner, hidden),
            f"{base}.up_proj.weight": random(inner, hidden),
            f"{base}.down_proj.weight": random(hidden, inner),
        }

    checkpoint = {"model.embed_tokens.weight": random(8, hidden)}
    for layer in range(config["num_hidden_layers"]):
        base = f"model.layers.{layer}"
        checkpoint[f"{base}.input_layernorm.weight"] = random(hidden)
        checkpoint[f"{base}.self_attn.q_proj.weight"] = random(hidden, hidden)
        checkpoint[f"{base}.mlp.router.gate.weight"] = random(experts, hidden)
        checkpoint[f"{base}.mlp.expert_bias"] = random(experts, dtype=torch.float32)
        checkpoint |= feed_forward(f"{base}.mlp.shared_mlp")
        for expert in range(experts):
            checkpoint |= feed_forward(f"{base}.mlp.experts.{expert}")
    checkpoint["model.norm.weight"] = random(hidden)
    checkpoint["lm_head.weight"] = random(8, hidden)
    return checkpoint
