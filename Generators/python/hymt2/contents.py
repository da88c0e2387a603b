# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Contents of generated tensors as raw unsigned integers, the twin of Swift's `TensorContents`.

An element depends on the seed, the tensor's name and dtype, the address of the tensor's first
element and the element's row-major index alone. Dtypes are named as safetensors names them.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hymt2.widths import WIDTHS

Bits = NDArray[np.unsignedinteger]
Kind = Literal["constant", "tracer", "iota", "random", "special"]

FIELDS: dict[str, tuple[int, int]] = dict(
    BF16=(8, 7), F16=(5, 10), F32=(8, 23), F64=(11, 52), F8_E4M3=(4, 3), F8_E5M2=(5, 2)
)
"""Bits of exponent and mantissa of each floating-point dtype with a sign."""


@dataclass(frozen=True)
class Contents:
    """A kind with its parameter: the pattern of `constant`, the digit of `tracer`."""

    kind: Kind
    seed: int = 0
    parameter: int = 0

    def bits(self, name: str, dtype: str, count: int, address: int = 0) -> Bits:
        """The first `count` elements of a tensor in row-major order."""
        width = WIDTHS[dtype]
        word = np.dtype(f"<u{width}")
        if self.kind == "constant":
            patterns = special_patterns(dtype)
            return np.full(count, patterns[self.parameter % len(patterns)], word)
        if self.kind == "random":
            raw = generator(self.seed, name).random_raw(-(-count * width // 8))
            bits = raw.astype("<u8").view(word)[:count]
            return bits & np.uint8(1) if dtype == "BOOL" else bits
        if self.kind == "special":
            table = np.array(special_patterns(dtype), word)
            return table[generator(self.seed, name).random_raw(count) % np.uint64(len(table))]
        addresses = np.arange(count, dtype=np.uint64) + np.uint64(address)
        if self.kind == "iota":
            return (addresses & np.uint64(1 if dtype == "BOOL" else 2**64 - 1)).astype(word)
        inside = 0 <= self.parameter <= 10
        shifted = addresses >> np.uint64(6 * self.parameter) if inside else 0 * addresses
        return np.array(alphabet(dtype), word)[shifted & np.uint64(63)]


def generator(seed: int, name: str) -> np.random.Philox:
    """The stream of a tensor: its key is the seed and the FNV-1a 64 hash of the name."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return np.random.Philox(key=np.array([seed, value], np.uint64))


def decode(bits: int, dtype: str) -> Fraction:
    """The number of a positive pattern, as if the largest exponent were one of numbers."""
    exponent_bits, mantissa_bits = FIELDS[dtype]
    exponent, mantissa = divmod(bits, 2**mantissa_bits)
    significand = mantissa + (2**mantissa_bits if exponent else 0)
    power = max(exponent, 1) - (2 ** (exponent_bits - 1) - 1) - mantissa_bits
    return significand * Fraction(2) ** power


def largest_finite(dtype: str) -> int:
    """The pattern of the largest finite number."""
    mantissa_bits = FIELDS[dtype][1]
    return 0x7E if dtype == "F8_E4M3" else 2 ** sum(FIELDS[dtype]) - 2**mantissa_bits - 1


def encode(number: Fraction, dtype: str) -> list[int]:
    """The pattern of a positive number, or of its two neighbors; none beyond the largest finite."""
    low, high = 0, largest_finite(dtype) + 1
    if number >= decode(high, dtype):
        return []
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if decode(middle, dtype) <= number else (low, middle)
    return [low] if decode(low, dtype) == number else [low, high]


@cache
def alphabet(dtype: str) -> list[int]:
    """The patterns of the digits 0...63 of a tracer."""
    if dtype == "BOOL":
        return [digit & 1 for digit in range(64)]
    if dtype not in FIELDS:
        return [digit + (95 if dtype == "F8_E8M0" else 1) for digit in range(64)]
    numbers = [(1 + Fraction(m, 4)) * 2**e for e in range(8) for m in range(4)]
    positive = [encode(number, dtype)[0] for number in numbers]
    return positive + [bits + 2 ** sum(FIELDS[dtype]) for bits in positive]


@cache
def special_patterns(dtype: str) -> list[int]:
    """The special patterns of a dtype, in the order that `SpecialPatterns.of` documents."""
    if dtype == "BOOL":
        return [0, 1]
    ones = 256 ** WIDTHS[dtype] - 1
    if dtype == "F8_E8M0":
        return list(dict.fromkeys([0, 0x7F, 0xFF, *range(256)]))
    if dtype not in FIELDS:
        high = ones // 2 + 1
        return [0, 1, ones, high, ones - high, ones // 3 * 2, ones // 3]
    exponent_bits, mantissa_bits = FIELDS[dtype]
    sign, normal, largest = ones // 2 + 1, 2**mantissa_bits, largest_finite(dtype)
    magnitudes = [1, normal - 1, normal, largest]
    if dtype == "F8_E4M3":
        magnitudes.append(0x7F)
    else:
        half = normal // 2
        payloads = [0, half, half + half // 2, normal - 1, 1, half // 2, half - 1]
        magnitudes += [largest + 1 + payload for payload in payloads]
    patterns = [0, *encode(Fraction(1), dtype), sign]
    patterns += [bits for magnitude in magnitudes for bits in (magnitude, magnitude + sign)]
    patterns += range(256) if WIDTHS[dtype] == 1 else _rounding_places(dtype, sign)
    return list(dict.fromkeys(patterns))


def _rounding_places(source: str, sign: int) -> list[int]:
    mine = FIELDS[source]
    targets = [t for t, (e, m) in FIELDS.items() if t != "F64" and (e < mine[0] or m < mine[1])]
    patterns: list[int] = []
    for number, target in enumerate(targets):
        one, normal = encode(Fraction(1), target)[0], 2 ** FIELDS[target][1]
        groups = []
        for lower in (one, one + 1, 0, normal - 1, largest_finite(target)):
            found = encode((decode(lower, target) + decode(lower + 1, target)) / 2, source)
            groups.append([found[0], found[0] + 1, found[0] - 1] if len(found) == 1 else found)
        limits = [decode(largest_finite(target), target), Fraction(240)]
        groups += [encode(n, source) for n in limits[: 1 + (target == "F8_E4M3")]]
        for place, group in enumerate(groups):
            patterns += [bits + sign * ((number + place) % 2) for bits in group]
    return patterns
