# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Equality of tensors as bits: key, dtype, shape and every bit pattern."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

_INTEGER_OF_SIZE = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


@dataclass(frozen=True)
class Difference:
    """One tensor that is not what it should be."""

    key: str
    problem: str
    """`missing`, `unexpected`, `dtype`, `shape` or `bits`."""
    expected: str
    found: str
    differing_elements: int | None = None
    elements: int | None = None
    first_index: tuple[int, ...] | None = None
    explanation: str | None = None
    """What the fault looks like, where that is known: `transposed`, for example."""

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}

    def __str__(self) -> str:
        text = f"{self.key}: {self.problem}: expected {self.expected}, found {self.found}"
        if self.first_index is not None:
            text += (
                f" at index {list(self.first_index)};"
                f" {self.differing_elements} of {self.elements} elements differ"
            )
        return f"{text}: {self.explanation}" if self.explanation else text


@dataclass(frozen=True)
class Outcome:
    """How much was compared, and what differs."""

    tensors: int
    elements: int
    differences: list[Difference]


def as_integers(tensor: torch.Tensor) -> torch.Tensor:
    """The bit patterns of `tensor`, so that NaN equals NaN and -0.0 is not 0.0."""
    return tensor.view(_INTEGER_OF_SIZE[tensor.element_size()])


def describe(tensor: torch.Tensor) -> str:
    """Dtype and shape, for a message."""
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"


def compare_tensors(key: str, expected: torch.Tensor, found: torch.Tensor) -> Difference | None:
    """The first way in which `found` is not bit for bit `expected`, or None."""
    if expected.dtype != found.dtype:
        return Difference(key, "dtype", describe(expected), describe(found))
    if expected.shape != found.shape:
        return Difference(key, "shape", describe(expected), describe(found))
    differing = as_integers(expected) != as_integers(found)
    count = int(differing.sum())
    if count == 0:
        return None
    index = tuple(int(i) for i in differing.nonzero()[0])
    return Difference(
        key,
        "bits",
        _hexadecimal(expected, index),
        _hexadecimal(found, index),
        differing_elements=count,
        elements=expected.numel(),
        first_index=index,
    )


def compare_state_dicts(
    expected: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]
) -> list[Difference]:
    """Every difference, ordered by key. Order of keys is not compared: files do not keep it."""
    differences = []
    for key in sorted(expected.keys() | found.keys()):
        if key not in found:
            difference = Difference(key, "missing", describe(expected[key]), "nothing")
        elif key not in expected:
            difference = Difference(key, "unexpected", "nothing", describe(found[key]))
        else:
            difference = compare_tensors(key, expected[key], found[key])
        if difference is not None:
            differences.append(difference)
    return differences


def _hexadecimal(tensor: torch.Tensor, index: tuple[int, ...]) -> str:
    bits = 8 * tensor.element_size()
    value = int(as_integers(tensor)[index]) & ((1 << bits) - 1)
    return f"0x{value:0{bits // 4}x}"
