# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""What a wrong tensor looks like: the faults that adapters have had, put into words."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import torch

from hymt2.bits import Difference, as_integers

StateDict = Mapping[str, torch.Tensor]


def explain_all(
    differences: list[Difference], expected: StateDict, found: StateDict, halves: int = -1
) -> list[Difference]:
    """The same differences, explained where a known fault makes `found` of `expected`.

    `halves` is the axis along which gate and up projections are one after the other.
    """
    wrong = [difference.key for difference in differences if difference.problem == "bits"]
    if not wrong:
        return differences
    places = {_digest(tensor): key for key, tensor in expected.items()}
    explanations = {
        key: _explain(expected[key], found[key], halves)
        or _explain_place(places.get(_digest(found[key])))
        for key in wrong
    }
    return [replace(each, explanation=explanations.get(each.key)) for each in differences]


def _explain(expected: torch.Tensor, found: torch.Tensor, axis: int) -> str | None:
    """A fault within one tensor; both have one shape of at least one axis."""
    a, b = as_integers(expected), as_integers(found)
    if a.dim() >= 2 and torch.equal(a.transpose(-1, -2), b):
        return f"{'every expert' if a.dim() == 3 else 'the matrix'} is transposed"
    if a.dim() != 3:
        return None
    halves = a.chunk(2, dim=axis)
    if len(halves) == 2 and torch.equal(torch.cat((halves[1], halves[0]), dim=axis), b):
        return "the halves are exchanged: gate is where up belongs"
    return _explain_order(a, b)


def _explain_order(a: torch.Tensor, b: torch.Tensor) -> str | None:
    """Whether every expert of `b` is some expert of `a`."""
    numbers = {_digest(expert): number for number, expert in enumerate(a)}
    origins = [numbers.get(_digest(expert)) for expert in b]
    if None in origins:
        return None
    moved = [f"{place} holds {origin}" for place, origin in enumerate(origins) if place != origin]
    shown = ", ".join(moved[:6]) + (", ..." if len(moved) > 6 else "")
    return f"experts are in the wrong places: {shown}"


def _explain_place(other: str | None) -> str | None:
    return None if other is None else f"it holds what belongs in {other}"


def _digest(tensor: torch.Tensor) -> bytes:
    """Of the dtype, the shape and the bits."""
    kind = f"{tensor.dtype} {list(tensor.shape)}".encode()
    bits = as_integers(tensor.contiguous()).numpy().tobytes()
    return hashlib.sha256(kind + bits).digest()
