# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Torch tensors as views of a request's bytes."""

from ctypes import string_at
from typing import Any

import torch

from hymt2.serving.codec import Entry, Piece
from hymt2.serving.errors import AnswerError
from hymt2.torch_types import DTYPES, NAMES

_STRIDED = torch.strided


class TorchTensors:
    """Each tensor has a storage of its own, so that none is taken for a part of another."""

    def __init__(self) -> None:
        # A thread for some elements costs more than it saves.
        torch.set_num_threads(1)

    def view(self, data: bytearray, entry: Entry) -> torch.Tensor:
        _, name, shape, begin, end = entry
        dtype = DTYPES[name]
        if begin == end:
            return torch.empty(shape, dtype=dtype)
        count = (end - begin) // dtype.itemsize
        flat = torch.frombuffer(data, dtype=dtype, count=count, offset=begin)
        return flat if len(shape) == 1 else flat.view(shape)

    def is_as_given(self, tensor: torch.Tensor, entry: Entry) -> bool:
        return (
            tensor.shape == entry.shape
            and tensor.dtype is DTYPES[entry.dtype]
            and tensor.is_contiguous()
        )

    def piece(self, name: str, tensor: Any) -> Piece:
        if type(tensor) is not torch.Tensor or not tensor.is_cpu or tensor.layout is not _STRIDED:
            tensor = _plain(name, tensor)
        dtype = NAMES.get(tensor.dtype)
        if dtype is None:
            raise AnswerError(f"{name!r}: safetensors has no type for {tensor.dtype}")
        tensor = tensor.contiguous()
        size = tensor.nbytes
        return Piece(name, dtype, tensor.shape, string_at(tensor.data_ptr(), size), size)


def _plain(name: str, tensor: Any) -> torch.Tensor:
    """What can be read through a pointer."""
    if hasattr(tensor, "to_local"):
        tensor = tensor.to_local()
    if not isinstance(tensor, torch.Tensor):
        raise AnswerError(f"{name!r}: expected a tensor, found {type(tensor).__name__}")
    if tensor.is_meta or tensor.layout is not _STRIDED:
        raise AnswerError(f"{name!r}: a {tensor.layout} tensor on {tensor.device} has no elements")
    return tensor.detach().cpu()
