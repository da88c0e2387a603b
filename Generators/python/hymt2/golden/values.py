# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The elements of golden checkpoints: no two alike where the dtype allows it."""

import math
from fractions import Fraction

import numpy as np

from hymt2.contents import (
    FIELDS,
    Bits,
    Contents,
    decode,
    encode,
    largest_finite,
    special_patterns,
)
from hymt2.golden.cases import GoldenDict, GoldenTensor
from hymt2.golden.checkpoints import Key
from hymt2.widths import WIDTHS


def fill(keys: list[Key], contents: str, target: str) -> GoldenDict:
    """The tensors of a checkpoint, each element with an address counted through all of them.

    A low-rank factor A of an up projection repeats that of the gate projection.
    """
    starts, address = {}, 0
    for key in keys:
        starts[key.name] = address
        address += math.prod(key.shape)
    tensors = {}
    for name, dtype, shape, is_cast, rows in keys:
        gate = name.replace(".up_proj.lora_A.", ".gate_proj.lora_A.")
        start = starts.get(gate, starts[name])
        cast_to = target if is_cast else dtype
        bits = elements(contents, name, dtype, math.prod(shape), start, cast_to)
        bits = bits.reshape(shape)
        if rows is not None:
            bits = bits.copy()
            bits[rows:] = 0
        tensors[name] = GoldenTensor(dtype, bits)
    return tensors


def elements(contents: str, name: str, dtype: str, count: int, start: int, target: str) -> Bits:
    """Elements of a tensor from an address on, which is to be cast to a type or has it already.

    `iota` is the address itself, `special` walks through the dtype's special patterns, and
    `rounding` gives numbers that differ after a cast to the target, with ties among them.
    """
    if contents == "iota" or (contents == "rounding" and dtype not in FIELDS):
        return Contents("iota").bits(name, dtype, count, start)
    word = np.dtype(f"<u{WIDTHS[dtype]}")
    patterns = special_patterns(dtype)
    if contents == "special" and dtype != target:
        # What a cast makes of a NaN depends on the processor upstream runs on.
        patterns = [bits for bits in patterns if not _is_nan(bits, dtype)]
    if contents == "rounding":
        patterns = _rounding_patterns(dtype, target, start, count)
        return np.array(patterns, word)
    return np.array(patterns, word)[(np.arange(count) + start) % len(patterns)]


def _is_nan(bits: int, dtype: str) -> bool:
    magnitude = bits % 2 ** sum(FIELDS[dtype])
    return magnitude > largest_finite(dtype) + (dtype != "F8_E4M3")


def _rounding_patterns(source: str, target: str, start: int, count: int) -> list[int]:
    """For each address another number of the coarser type, moved by up to one and a half steps."""
    is_narrowed = FIELDS[target][1] < FIELDS[source][1]
    grid = target if is_narrowed else source
    # Numbers that are neither subnormal nor large in either type.
    span = min(2 ** min(FIELDS[source][0], FIELDS[target][0]) // 2 - 2, 60)
    # Far enough from each other to stay different when they are rounded, if there are enough.
    step = 4 if is_narrowed and FIELDS[grid][1] > 4 else 1
    codes = span * 2 ** FIELDS[grid][1] // step
    parts = (0, Fraction(1, 2), Fraction(3, 2), Fraction(5, 8)) if is_narrowed else (0,)
    one, sign = encode(Fraction(1), grid)[0], 2 ** sum(FIELDS[source])
    patterns = []
    for address in range(start, start + count):
        index = address % (2 * codes)
        base = one + (index // 2 - codes // 2) * step
        low, high = decode(base, grid), decode(base + 1, grid)
        number = low + (high - low) * parts[address % len(parts)]
        patterns.append(encode(number, source)[0] + sign * (index % 2))
    return patterns
