# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
import pytest
import torch

from hymt2.bits import compare_state_dicts, compare_tensors


@pytest.mark.parametrize(
    "dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64, torch.int8]
)
def test_equal_bits_are_equal(dtype: torch.dtype) -> None:
    tensor = torch.arange(6).reshape(2, 3).to(dtype)
    assert compare_tensors("k", tensor, tensor.clone()) is None


def test_nan_equals_the_same_nan_but_not_another_payload() -> None:
    bits = torch.tensor([0x7FC1, 0x7FC2], dtype=torch.int16)
    nan = bits.view(torch.bfloat16)
    assert compare_tensors("k", nan, nan.clone()) is None
    difference = compare_tensors("k", nan, nan.flip(0))
    assert difference is not None
    assert (difference.expected, difference.found) == ("0x7fc1", "0x7fc2")


def test_zeros_of_unlike_sign_differ() -> None:
    difference = compare_tensors("k", torch.tensor(0.0), torch.tensor(-0.0))
    assert difference is not None
    assert (difference.expected, difference.found) == ("0x00000000", "0x80000000")
    assert difference.first_index == ()


def test_the_report_names_the_first_index_and_the_count() -> None:
    expected = torch.zeros(2, 3, 4)
    found = expected.clone()
    found[1, 0, 2] = found[1, 2, 3] = 1
    difference = compare_tensors("some.key", expected, found)
    assert str(difference) == (
        "some.key: bits: expected 0x00000000, found 0x3f800000 at index [1, 0, 2];"
        " 2 of 24 elements differ"
    )


def test_a_transposed_view_is_compared_by_its_elements() -> None:
    square = torch.arange(9.0).reshape(3, 3)
    assert compare_tensors("k", square.T.contiguous(), square.T) is None
    assert compare_tensors("k", square, square.T) is not None


def test_keys_dtypes_and_shapes_are_compared() -> None:
    one = torch.ones(2)
    expected = {"a": one, "b": one, "c": one, "d": one}
    found = {"b": one.double(), "c": torch.ones(1, 2), "d": one, "e": one}
    problems = {d.key: d.problem for d in compare_state_dicts(expected, found)}
    assert problems == {"a": "missing", "b": "dtype", "c": "shape", "e": "unexpected"}


def test_empty_tensors_are_equal() -> None:
    assert compare_tensors("k", torch.empty(0, 4), torch.empty(0, 4)) is None
