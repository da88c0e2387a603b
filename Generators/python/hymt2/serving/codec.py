# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""safetensors buffers in memory. A request of tiny tensors takes some microseconds a tensor."""

import json
import math
from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NamedTuple

from hymt2.serving.errors import AnswerError, RequestError
from hymt2.widths import WIDTHS

METADATA = "__metadata__"


class Entry(NamedTuple):
    """A tensor of a buffer: `begin` and `end` count from the first byte of the data."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


class Header(NamedTuple):
    """The JSON at the start of a buffer, before anything in it is believed."""

    metadata: dict[str, str]
    tensors: dict[str, Any]
    data_start: int


class Piece(NamedTuple):
    """A tensor to be written: any contiguous buffer of its bytes."""

    name: str
    dtype: str
    shape: Iterable[int]
    data: Any
    size: int


def read_header(buffer: bytes) -> Header:
    """Throws ValueError if the buffer does not start as one."""
    size = int.from_bytes(buffer[:8], "little")
    if len(buffer) < 8 or size > len(buffer) - 8:
        raise ValueError(f"{len(buffer)} bytes are too few for a header of {size}")
    try:
        tensors = json.loads(buffer[8 : 8 + size])
    except RecursionError as error:
        raise ValueError("the header is nested too deeply") from error
    if not isinstance(tensors, dict):
        raise ValueError("the header is no JSON object")
    metadata = tensors.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(type(v) is str for v in metadata.values()):
        raise ValueError(f"{METADATA} is no object of strings")
    return Header(metadata, tensors, 8 + size)


def ordered_entries(header: Header, keys: list[str], data_size: int) -> list[Entry]:
    """The tensors in the order of `keys`. They must tile the data, as safetensors has it."""
    tensors = header.tensors
    if len(keys) != len(tensors) or len(set(keys)) != len(keys):
        raise RequestError(f"keys: {len(keys)} names for {len(tensors)} tensors, or one twice")
    entries = []
    name = ""
    try:
        for name in keys:
            description = tensors[name]
            begin, end = description["data_offsets"]
            dtype, shape = description["dtype"], tuple(description["shape"])
            if math.prod(shape) * WIDTHS[dtype] != end - begin or (shape and min(shape) < 0):
                raise RequestError(f"{name!r}: {end - begin} bytes for {dtype} {list(shape)}")
            entries.append(Entry(name, dtype, shape, begin, end))
        position = 0
        for begin, end in sorted([(entry.begin, entry.end) for entry in entries]):
            if begin != position:
                raise RequestError(f"a tensor starts at {begin}, expected {position}")
            position = end
    except (KeyError, TypeError, ValueError) as error:
        raise RequestError(f"{name!r} is no tensor of the frame: {error!r}") from None
    if position != data_size:
        raise RequestError(f"the tensors end at {position} of {data_size} bytes")
    return entries


def encode_frame(metadata: Mapping[str, str], pieces: list[Piece]) -> bytes:
    """A frame with its size in front, its tensors in the order given."""
    members = [f"{quoted(name)}:{quoted(text)}" for name, text in metadata.items()]
    header = [f'"{METADATA}":{{{",".join(members)}}}']
    position = 0
    for name, dtype, shape, _, size in pieces:
        # A list of integers is written in Python as in JSON.
        header.append(
            f'{quoted(name)}:{{"dtype":"{dtype}","shape":{list(shape)},'
            f'"data_offsets":[{position},{position + size}]}}'
        )
        position += size
    names = {piece[0] for piece in pieces}
    if len(names) != len(pieces) or METADATA in names:
        raise AnswerError(f"a key stands in the result twice, or is {METADATA}")
    text = "{" + ",".join(header) + "}"
    text += " " * (-len(text) % 8)
    sizes = (8 + len(text) + position).to_bytes(8, "little") + len(text).to_bytes(8, "little")
    return b"".join([sizes, text.encode("ascii"), *[piece.data for piece in pieces]])
