# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""How fast NeMo's adapter is on this machine."""

import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import torch

from hymt2.configs import Config, layer_fields, size_fields, small_config
from hymt2.names import is_of_experts
from hymt2.nemo import StateDict, make_adapter
from hymt2.tables import read_layout

LAYOUT = "hy_v3"


def benchmark_layer(experts: int, hidden: int, intermediate: int, runs: int) -> dict[str, Any]:
    """Seconds and GB/s of both directions, and of a plain copy of as many bytes."""
    sizes = size_fields(LAYOUT, E=experts, H=hidden, I=intermediate)
    config = small_config(LAYOUT, sizes | layer_fields(LAYOUT, ["sparse"]))
    adapter = make_adapter(config)
    layer = _random_experts(config)
    size = sum(tensor.nbytes for tensor in layer.values())
    native = adapter.from_hf(dict(layer))
    results: dict[str, Any] = {
        "bytes": size,
        "experts": experts,
        "hidden_size": hidden,
        "moe_intermediate_size": intermediate,
        "runs": runs,
        "torch_threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "nemo_automodel": version("nemo-automodel"),
    }
    results["from_hf"] = _timed(lambda: adapter.from_hf(dict(layer)), size, runs)
    results["to_hf"] = _timed(lambda: adapter.to_hf(native), size, runs)
    layer.clear()
    source, destination = torch.ones(size, dtype=torch.uint8), torch.ones(size, dtype=torch.uint8)
    results["memcpy"] = _timed(lambda: destination.copy_(source), size, runs)
    return results


def _random_experts(config: Config) -> StateDict:
    generator = torch.Generator().manual_seed(0)
    layer = {}
    for tensor in filter(is_of_experts, read_layout(LAYOUT, config).tensors):
        bits = torch.randint(-(2**15), 2**15, tensor.shape, dtype=torch.int16, generator=generator)
        layer[tensor.name] = bits.view(torch.bfloat16)
    return layer


def _timed(work: Callable[[], object], size: int, runs: int) -> dict[str, float]:
    work()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        # The result lives until the clock has stopped: freeing it is not part of the work.
        result = work()
        seconds.append(time.perf_counter() - start)
        del result
    median = statistics.median(seconds)
    return {"seconds": median, "gb_per_second": size / median / 1e9}
