# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Do converted weights compute what the original ones do? And would we notice if not?"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from hymt2.folders import read_config, read_folder
from hymt2.models import load_native, nemo_model
from hymt2.names import names_of
from hymt2.nemo import StateDict
from hymt2.transformers_model import transformers_model

TOLERANCE = 1e-5
"""The largest relative error of right weights."""

FAULT_FLOOR = 1e-3
"""The smallest relative error of wrong weights: 100 times the tolerance."""


@dataclass(frozen=True)
class Agreement:
    """The outcome; errors are `relative_error`s against transformers' logits."""

    error: float
    logits: int
    faults: dict[str, float]
    """What each planted fault does to the logits."""

    @property
    def agrees(self) -> bool:
        return self.error <= TOLERANCE

    @property
    def can_fail(self) -> bool:
        return bool(self.faults) and min(self.faults.values()) > FAULT_FLOOR


def compare_logits(original: Path, native: Path, seed: int, tokens: int) -> Agreement:
    """Runs both models on 4 random sequences of `tokens` tokens each."""
    config = read_config(original)
    tensors = read_folder(native).tensors
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(config["vocab_size"], (4, tokens), generator=generator)
    expected = logits_of(transformers_model(original, config), ids)
    converted = nemo_model(config, tensors)
    error = relative_error(expected, logits_of(converted, ids))
    faults = {}
    for name, faulty in planted_faults(tensors, config["num_hidden_layers"]):
        load_native(converted, config, faulty)
        faults[name] = relative_error(expected, logits_of(converted, ids))
    return Agreement(error, expected.numel(), faults)


def logits_of(model: nn.Module, ids: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        output = model(ids)
    return getattr(output, "logits", output)


def relative_error(expected: torch.Tensor, found: torch.Tensor) -> float:
    """max |expected - found| / max |expected|, each over all logits of all tokens.

    NaN if there is a NaN anywhere, which is neither within a tolerance nor above a floor.
    """
    return float((expected - found).abs().max() / expected.abs().max())


def planted_faults(tensors: StateDict, layers: int) -> Iterator[tuple[str, StateDict]]:
    """Copies of native tensors with one fault each, of every kind in every MoE layer."""
    names = names_of("hy_v3")
    for layer in range(layers):
        base = f"model.layers.{layer}."
        gate_and_up, down = base + names.group("up"), base + names.group("down")
        bias = base + names.native("router bias")
        if gate_and_up not in tensors:
            continue
        experts = {key: tensors[key].flip(0) for key in (gate_and_up, down)}
        yield f"layer {layer}: experts in reverse order", tensors | experts
        one = tensors[down].clone()
        one[[0, -1]] = tensors[down][[-1, 0]]
        yield f"layer {layer}: down_proj of two experts exchanged", tensors | {down: one}
        gate, up = tensors[gate_and_up].chunk(2, dim=-1)
        halves = torch.cat((up, gate), dim=-1)
        yield f"layer {layer}: gate and up exchanged", tensors | {gate_and_up: halves}
        yield f"layer {layer}: the router's bias reversed", tensors | {bias: tensors[bias].flip(0)}
