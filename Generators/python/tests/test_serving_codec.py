# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The codec against the safetensors library."""

import json

import pytest
import safetensors.torch
import torch
from serving_client import StateDict, assert_same, bits, read_answer, split

from hymt2.contents import Contents
from hymt2.golden.cases import GoldenTensor
from hymt2.serving.codec import Piece, encode_frame, ordered_entries, read_header
from hymt2.serving.errors import AnswerError, RequestError
from hymt2.serving.numpy_backend import GoldenTensors
from hymt2.serving.torch_tensors import TorchTensors
from hymt2.torch_types import DTYPES
from hymt2.widths import WIDTHS

SHAPES = ((), (5,), (2, 3), (1, 2, 3), (0, 4), (0,))


def every_dtype() -> StateDict:
    """A scalar, vectors, matrices and empty tensors of each dtype, odd sizes among them."""
    tensors = {}
    for dtype in WIDTHS:
        for shape in SHAPES:
            name = f'{dtype} {list(shape)} "é\\\n'
            raw = Contents("random", 3).bits(name, dtype, torch.Size(shape).numel())
            tensors[name] = torch.from_numpy(raw.reshape(shape).copy()).view(DTYPES[dtype])
    return tensors


def decode(body: bytes, keys: list[str]) -> tuple[dict[str, str], StateDict, bytearray]:
    header = read_header(body)
    data = bytearray(body[header.data_start :])
    entries = ordered_entries(header, keys, len(data))
    return header.metadata, {e.name: TorchTensors().view(data, e) for e in entries}, data


def encode(tensors: StateDict, **metadata: str) -> bytes:
    library = TorchTensors()
    pieces = [library.piece(name, tensor) for name, tensor in tensors.items()]
    return encode_frame(metadata, pieces)


def test_every_dtype_is_read_in_the_order_of_keys() -> None:
    tensors = every_dtype()
    keys = sorted(tensors, reverse=True)
    metadata, found, _ = decode(safetensors.torch.save(tensors, {"a": "b"}), keys)
    assert metadata == {"a": "b"}
    assert_same(found, {key: tensors[key] for key in keys})


def test_every_dtype_is_written_as_the_library_reads_it() -> None:
    tensors = every_dtype()
    (body,) = split(encode(tensors, keys=json.dumps(list(tensors)), text='"\\\n\x7fé'))
    answer = read_answer(body)
    assert answer.metadata["text"] == '"\\\n\x7fé'
    assert_same(answer.tensors, tensors)


def test_numpy_views_have_the_same_bits() -> None:
    tensors = every_dtype()
    body = safetensors.torch.save(tensors)
    header = read_header(body)
    data = bytearray(body[header.data_start :])
    library = GoldenTensors()
    for entry in ordered_entries(header, list(tensors), len(data)):
        golden = library.view(data, entry)
        assert (golden.dtype, golden.bits.shape) == (entry.dtype, entry.shape)
        assert golden.data() == bits(tensors[entry.name])
        assert bytes(library.piece(entry.name, golden).data) == golden.data()


def test_tensors_are_views_of_the_one_copy() -> None:
    _, tensors, data = decode(
        safetensors.torch.save({"a": torch.zeros(3), "b": torch.ones(1)}), ["a", "b"]
    )
    tensors["a"][1] = 2
    assert bytes(data) == bits(torch.tensor([0.0, 2.0, 0.0, 1.0]))


def test_what_is_not_contiguous_is_written_row_by_row() -> None:
    matrix = torch.arange(12, dtype=torch.bfloat16).reshape(3, 4)
    tensors = {"t": matrix.T, "column": matrix[:, 1], "strided": matrix[::2, 1:3]}
    tensors["expanded"] = torch.ones(1, 2).expand(3, 2)
    tensors["parameter"] = torch.nn.Parameter(torch.ones(2))
    (body,) = split(encode(tensors, keys=json.dumps(list(tensors))))
    expected = {key: tensor.detach().contiguous() for key, tensor in tensors.items()}
    assert_same(read_answer(body).tensors, expected)


def test_bits_of_golden_tensors_may_be_transposed() -> None:
    bits_of = Contents("iota").bits("x", "BF16", 6).reshape(2, 3)
    piece = GoldenTensors().piece("x", GoldenTensor("BF16", bits_of.T))
    assert (list(piece.shape), bytes(piece.data)) == ([3, 2], bits_of.T.tobytes())


@pytest.mark.parametrize(
    "tensor",
    [
        3.0,
        None,
        torch.ones(2, dtype=torch.complex64),
        torch.ones(2, device="meta"),
        torch.ones(2, 2).to_sparse(),
    ],
    ids=["number", "None", "complex", "meta", "sparse"],
)
def test_what_has_no_bytes_is_refused(tensor: object) -> None:
    with pytest.raises(AnswerError, match="'x'"):
        TorchTensors().piece("x", tensor)


def test_a_key_may_not_stand_twice() -> None:
    piece = Piece("x", "U8", (1,), b"1", 1)
    for pieces in ([piece, piece], [piece._replace(name="__metadata__")]):
        with pytest.raises(AnswerError, match="twice"):
            encode_frame({}, pieces)


def buffer(header: object, data: bytes = b"12345678") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"1234567",
        (2**63).to_bytes(8, "little"),
        buffer(b"[]"),
        buffer(b"{"),
        buffer(b"\xff\xfe"),
        buffer(b"[" * 100_000),
        buffer({"__metadata__": 3}),
        buffer({"__metadata__": {"id": 3}}),
    ],
)
def test_no_header(body: bytes) -> None:
    with pytest.raises(ValueError):
        read_header(body)


@pytest.mark.parametrize(
    "description",
    [
        3,
        None,
        {},
        {"dtype": "U8", "shape": [8], "data_offsets": [0]},
        {"dtype": "U8", "shape": [8], "data_offsets": [0, 7]},
        {"dtype": "U8", "shape": [8], "data_offsets": [1, 9]},
        {"dtype": "U8", "shape": [7], "data_offsets": [0, 7]},
        {"dtype": "U8", "shape": [-2, -4], "data_offsets": [0, 8]},
        {"dtype": "U8", "shape": ["8"], "data_offsets": [0, 8]},
        {"dtype": "U8", "shape": 8, "data_offsets": [0, 8]},
        {"dtype": "U8", "shape": [2**40, 2**40], "data_offsets": [0, 2**80]},
        {"dtype": "U4", "shape": [8], "data_offsets": [0, 8]},
        {"dtype": ["U8"], "shape": [8], "data_offsets": [0, 8]},
        {"dtype": "U8", "shape": [8], "data_offsets": ["0", "8"]},
    ],
    ids=str,
)
def test_no_tensor(description: object) -> None:
    with pytest.raises(RequestError):
        ordered_entries(read_header(buffer({"x": description})), ["x"], 8)


@pytest.mark.parametrize("keys", [[], ["x"], ["x", "x"], ["x", "z"], ["x", "y", "z"]], ids=str)
def test_keys_must_be_those_of_the_frame(keys: list[str]) -> None:
    half = {"dtype": "U8", "shape": [4]}
    header = {"x": half | {"data_offsets": [0, 4]}, "y": half | {"data_offsets": [4, 8]}}
    with pytest.raises(RequestError):
        ordered_entries(read_header(buffer(header)), keys, 8)
    header["y"] = half | {"data_offsets": [2, 6]}
    with pytest.raises(RequestError, match="starts at 2"):
        ordered_entries(read_header(buffer(header)), ["y", "x"], 8)
