# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The round-trip property that one would write first, for comparison."""

from functools import cache
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hymt2.configs import layer_fields, size_fields, small_config
from hymt2.nemo import StateDict, new_adapter
from hymt2.tables import Layout, read_layout
from hymt2.torch_types import DTYPES

LAYOUT = "hy_v3"
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
        layout = sparse_model(experts, hidden, inner, layers)
        checkpoint = random_checkpoint(layout, seed)
        adapter = new_adapter(adapter_class, LAYOUT, layout.fields)
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


@cache
def sparse_model(experts: int, hidden: int, inner: int, layers: int) -> Layout:
    """A model without dense layers. Every fault is asked about the same models."""
    sizes = size_fields(LAYOUT, E=experts, H=hidden, I=inner, V=8)
    fields = sizes | layer_fields(LAYOUT, ["sparse"] * layers)
    return read_layout(LAYOUT, small_config(LAYOUT, fields))


def random_checkpoint(layout: Layout, seed: int) -> StateDict:
    """A model in bfloat16, the router's bias in float32 as on disk; without attention."""
    generator = torch.Generator().manual_seed(seed)
    return {
        tensor.name: torch.randn(tensor.shape, generator=generator).to(
            DTYPES[tensor.dtype] if tensor.dtype else torch.bfloat16
        )
        for tensor in layout.tensors
        if tensor.role != "attention"
    }
