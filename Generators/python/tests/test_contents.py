# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The twin's own tests; torch decodes and casts, apart from the code under test."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from hymt2.contents import (
    FIELDS,
    WIDTHS,
    Contents,
    alphabet,
    decode,
    encode,
    special_patterns,
)

TORCH = {
    "BF16": torch.bfloat16,
    "F16": torch.float16,
    "F32": torch.float32,
    "F64": torch.float64,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
}
KINDS = [
    Contents("constant", parameter=3),
    Contents("tracer", parameter=1),
    Contents("iota"),
    Contents("random", seed=5),
    Contents("special", seed=5),
]


def as_torch(patterns: list[int], dtype: str) -> torch.Tensor:
    data = np.array(patterns, f"<u{WIDTHS[dtype]}").view(np.uint8)
    return torch.from_numpy(data.copy()).view(TORCH[dtype])


def as_patterns(tensor: torch.Tensor) -> list[int]:
    data: Any = tensor.view(torch.uint8).numpy()
    return [int(bits) for bits in data.view(f"<u{tensor.element_size()}")]


@pytest.mark.parametrize("dtype", WIDTHS)
@pytest.mark.parametrize("contents", KINDS, ids=lambda contents: contents.kind)
def test_an_element_does_not_depend_on_the_count(contents: Contents, dtype: str) -> None:
    whole = contents.bits("t", dtype, 45, address=7)
    assert whole.dtype == np.dtype(f"<u{WIDTHS[dtype]}")
    for count in (0, 1, 2, 9, 32, 44):
        assert contents.bits("t", dtype, count, address=7).tolist() == whole[:count].tolist()


@pytest.mark.parametrize("source", FIELDS)
@pytest.mark.parametrize("target", FIELDS)
def test_digits_survive_every_cast(source: str, target: str) -> None:
    digits = as_torch(alphabet(source), source)
    assert as_patterns(digits.to(TORCH[target])) == alphabet(target)
    assert len(set(digits.double().tolist())) == 64
    assert 0 not in digits.double()


@pytest.mark.parametrize("dtype", WIDTHS)
def test_the_digits_of_a_tracer_are_the_address(dtype: str) -> None:
    base = 2 if dtype == "BOOL" else 64
    found = [0] * 6
    for digit in range(11):
        bits = Contents("tracer", parameter=digit).bits("t", dtype, 6, address=2**64 - 3)
        for index, pattern in enumerate(bits.tolist()):
            found[index] += alphabet(dtype).index(pattern) * 64**digit
    addresses = [(2**64 - 3 + index) % 2**64 for index in range(6)]
    expected = [sum(a // 64**d % base * 64**d for d in range(11)) for a in addresses]
    assert found == expected


@pytest.mark.parametrize("dtype", FIELDS)
def test_patterns_decode_as_torch_decodes_them(dtype: str) -> None:
    positive = [bits for bits in special_patterns(dtype) if bits < 2 ** sum(FIELDS[dtype])]
    numbers = as_torch(positive, dtype).double().tolist()
    finite = [(bits, n) for bits, n in zip(positive, numbers, strict=True) if np.isfinite(n)]
    assert len(finite) >= 25
    for bits, number in finite:
        assert decode(bits, dtype) == Fraction(number)
        assert encode(Fraction(number), dtype) == [bits]


@pytest.mark.parametrize("dtype", FIELDS)
def test_special_patterns_have_every_class_with_both_signs(dtype: str) -> None:
    patterns = special_patterns(dtype)
    numbers = as_torch(patterns, dtype).double().numpy()
    assert (numbers[0], numbers[1], numbers[2]) == (0, 1, 0)
    assert np.signbit(numbers[:3]).tolist() == [False, False, True]
    information = torch.finfo(TORCH[dtype])
    ends = [information.tiny, information.max, information.smallest_normal]
    ends += [float(decode(1, dtype)), float(decode(2 ** FIELDS[dtype][1] - 1, dtype))]
    for end in ends:
        assert end in numbers and -end in numbers
    assert np.isnan(numbers).sum() >= 2
    assert np.isinf(numbers).sum() == (0 if dtype == "F8_E4M3" else 2)
    assert len(patterns) == len(set(patterns)) <= 256


@pytest.mark.parametrize(
    ("source", "target", "count"),
    [
        ("F64", "F32", 5),
        ("F32", "BF16", 5),
        ("F32", "F16", 5),
        ("F32", "F8_E4M3", 4),  # It saturates where the others overflow.
        ("F32", "F8_E5M2", 5),
        ("F16", "BF16", 2),
        ("F16", "F8_E4M3", 4),
        ("BF16", "F16", 1),
        ("BF16", "F8_E5M2", 5),
    ],
)
def test_patterns_next_to_ties_round_apart(source: str, target: str, count: int) -> None:
    patterns = special_patterns(source)
    numbers = as_torch(patterns, source)
    rounded = as_patterns(numbers.to(TORCH[target]))
    result = dict(zip(patterns, rounded, strict=True))
    ties = [
        bits
        for bits, number in zip(patterns, numbers.double().tolist(), strict=True)
        if number != 0 and np.isfinite(number) and bits + 1 in result and bits - 1 in result
    ]
    assert sum(result[bits + 1] != result[bits - 1] for bits in ties) >= count


def test_random_contents_are_numpys_stream_as_bytes() -> None:
    key = np.array([9, 0xAF63DC4C8601EC8C], np.uint64)  # The published FNV-1a hash of "a".
    stream = np.random.Philox(key=key).random_raw(8).astype("<u8").tobytes()
    for dtype, width in WIDTHS.items():
        found = Contents("random", seed=9).bits("a", dtype, 64 // width).tobytes()
        mask = 1 if dtype == "BOOL" else 255
        assert found == bytes(byte & mask for byte in stream)


def test_iota_and_bools() -> None:
    assert Contents("iota").bits("t", "U16", 3, 0x1FFFE).tolist() == [0xFFFE, 0xFFFF, 0]
    for contents in KINDS:
        assert set(contents.bits("t", "BOOL", 100).tolist()) <= {0, 1}
