# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""What the server asks of an adapter and of the library whose tensors it takes."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from hymt2.serving.codec import Entry, Piece
from hymt2.serving.requests import ExpertParallelism

Tensors = dict[str, Any]
Pairs = Iterable[tuple[str, Any]]


class TensorLibrary(Protocol):
    """How tensors are made of bytes and read again."""

    def view(self, data: bytearray, entry: Entry) -> Any:
        """A tensor whose elements are bytes of `data`."""

    def is_as_given(self, tensor: Any, entry: Entry) -> bool:
        """Whether a tensor still has the type and shape it was made with."""

    def piece(self, name: str, tensor: Any) -> Piece:
        """The bytes of a tensor; throws AnswerError for what is none."""


class Session(Protocol):
    """An adapter made for one model."""

    def from_hf(self, tensors: Tensors, ep: ExpertParallelism | None) -> Mapping[str, Any]: ...

    def to_hf(
        self, tensors: Tensors, exclude: str | None, ep: ExpertParallelism | None
    ) -> Mapping[str, Any]: ...

    def convert_single_tensor_to_hf(
        self, fqn: str, tensor: Any, exclude: str | None, ep: ExpertParallelism | None
    ) -> Pairs: ...

    def is_mtp_key(self, fqn: str) -> bool: ...


class Backend(Protocol):
    """An adapter under test."""

    name: str
    version: str | None
    supports: Mapping[str, list[str]] | None
    introduction: Mapping[str, Any]
    """What a hello says beside that: `layout`, `adapter`, `remarks`, as far as there are any."""
    library: TensorLibrary

    def open(self, setup: dict[str, Any]) -> Session:
        """The adapter for a request's `model`, `config`, `moe`, `dtype` and `options`."""
