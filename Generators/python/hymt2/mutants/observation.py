# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""What can be seen of an adapter on a case, channel by channel."""

import functools
import hashlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from hymt2.golden.cases import GoldenDict, GoldenTensor
from hymt2.golden.upstream import Upstream, as_golden, as_tensors
from hymt2.mutants.cases import Case
from hymt2.mutants.engine import load_adapters
from hymt2.mutants.mutant import Mutant
from hymt2.names import names_of

Observation = Mapping[str, Any]
"""By channel, what was seen: equal values for equal behaviour.

`load`, `save` and `stream` are results whatever their order, or the type of the error; `order` is
the order of their keys; `again` is another checkpoint converted by the same object, after a refusal
the valid one; `input` is what became of the caller's tensors; `mtp` is which keys belong to MTP
layers; `memory` is which saved tensors are contiguous.
"""


def differing_channels(mutant: Mutant, case: Case) -> list[str]:
    """The channels in which an adapter with a fault differs from the real one."""
    real = _real_observation(case)
    mutated = observe(case, load_adapters(mutant))
    return sorted(channel for channel in real if real[channel] != mutated[channel])


@functools.cache
def _real(family: str) -> type[Any]:
    return load_adapters(None)[family]


_REAL: dict[str, Observation] = {}


def _real_observation(case: Case) -> Observation:
    if case.id not in _REAL:
        _REAL[case.id] = observe(case, {case.plan.family: _real(case.plan.family)})
    return _REAL[case.id]


def observe(case: Case, adapters: Mapping[str, type[Any]]) -> Observation:
    """Loads and saves a case in every way."""
    upstream = Upstream(case.plan.description(), adapters)
    adapter, exclude = upstream.adapter, upstream.exclude
    seen: dict[str, Any] = {}
    given = as_tensors(case.hf)
    with upstream.mesh() as mesh, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seen["mtp"] = [key for key in case.hf if adapter._is_mtp_key(key)]
        native = _attempt(lambda: adapter.from_hf(given, device_mesh=mesh))
        seen["load"], seen["order"] = _fingerprint(native), [_keys(native)]
        if case.side == "native":
            native = _edited_native(case)
        seen["input"] = [_fingerprint(given), _keys(given)]
        saved, streamed = native, native
        if isinstance(native, dict):
            before, kept = _fingerprint(native), dict(native)
            saved = _attempt(lambda: adapter.to_hf(native, exclude_key_regex=exclude))
            seen["input"].append(_fingerprint(native) == before)
            streamed = _attempt(lambda: _streamed(adapter, kept, exclude))
        seen["save"] = _fingerprint(saved)
        seen["stream"] = _fingerprint(streamed)
        seen["order"] += [_keys(saved), _keys(streamed)]
        seen["memory"] = isinstance(saved, dict) and [
            key for key, tensor in saved.items() if not tensor.is_contiguous()
        ]
        other = as_tensors(_another(case.hf))
        second = _attempt(lambda: adapter.from_hf(other, device_mesh=mesh))
        seen["again"] = [_fingerprint(second)]
        if not isinstance(native, dict):
            # What a refused load leaves behind must not get into the next one.
            valid = as_tensors(Case(case.id, case.plan).hf)
            seen["again"].append(
                _fingerprint(_attempt(lambda: adapter.from_hf(valid, device_mesh=mesh)))
            )
        if isinstance(second, dict):
            resaved = _attempt(lambda: adapter.to_hf(second, exclude_key_regex=exclude))
            # The first result must not have changed meanwhile.
            seen["again"] += [_fingerprint(resaved), _fingerprint(native)]
    return seen


def _edited_native(case: Case) -> dict[str, torch.Tensor]:
    real = Upstream(case.plan.description(), {case.plan.family: _real(case.plan.family)})
    return as_tensors(case.edit(real.load(case.hf)))


def _another(hf: GoldenDict) -> GoldenDict:
    """A checkpoint with other elements, and without the first tensor that is no expert's."""
    is_of_experts = names_of("hy_v3").is_of_experts
    dropped = next((key for key in hf if not is_of_experts(key)), None)
    return {
        key: GoldenTensor(tensor.dtype, np.asarray(tensor.bits ^ 1))
        for key, tensor in hf.items()
        if key != dropped
    }


def _streamed(
    adapter: Any, native: Mapping[str, Any], exclude: str | None
) -> list[tuple[str, torch.Tensor]]:
    return [
        pair
        for name, tensor in native.items()
        for pair in adapter.convert_single_tensor_to_hf(name, tensor, exclude_key_regex=exclude)
    ]


def _attempt(action: Callable[[], Any]) -> Any:
    """What an action gives, or the name of its error's type."""
    try:
        return action()
    except Exception as error:
        return type(error).__name__


def _pairs(result: Any) -> list[tuple[str, Any]]:
    return list(result.items()) if isinstance(result, dict) else result


def _keys(result: Any) -> list[str]:
    return [] if isinstance(result, str) else [key for key, _ in _pairs(result)]


def _fingerprint(result: Any) -> str:
    """Of keys, types, shapes, bits and placements; an error stands for itself."""
    if isinstance(result, str):
        return result
    digest = hashlib.sha256()
    for key, tensor in sorted(_pairs(result), key=lambda pair: pair[0]):
        ((_, golden),) = as_golden({key: tensor}).items()
        placed = (tensor.placements, tuple(tensor.shape)) if hasattr(tensor, "placements") else ()
        digest.update(repr((key, golden.dtype, golden.bits.shape, placed)).encode())
        digest.update(golden.data())
    return digest.hexdigest()
