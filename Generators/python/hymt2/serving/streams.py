# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Frames on file descriptors."""

import os
import sys
from collections.abc import Iterator
from typing import BinaryIO

from hymt2.serving.errors import StreamError

LARGEST_FRAME = 1 << 34
"""Bytes of the largest request that is read: more is taken for garbage."""
_CHUNK = 1 << 26


def claim_standard_streams() -> tuple[BinaryIO, int]:
    """The real standard input, and the descriptor of the real standard output.

    From here on whoever prints, in Python or in C, prints to standard error, and whoever reads
    standard input finds its end.
    """
    sys.stdout.flush()
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(requests, "rb", buffering=1 << 20), answers


def read_frames(stream: BinaryIO) -> Iterator[bytes]:
    """The frames without their sizes, until the stream ends between two of them."""
    while prefix := stream.read(8):
        size = int.from_bytes(prefix, "little")
        if len(prefix) < 8:
            raise StreamError(
                f"the input ends within a frame: {len(prefix)} of 8 bytes of its size"
            )
        if not 8 <= size <= LARGEST_FRAME:
            raise StreamError(f"no frame: it starts with {prefix!r}, which means {size} bytes")
        yield _read(stream, size)


def _read(stream: BinaryIO, size: int) -> bytes:
    if size <= _CHUNK:
        chunks = [stream.read(size)]
    else:
        # Memory follows what has come, not what is announced.
        chunks = []
        for position in range(0, size, _CHUNK):
            chunks.append(stream.read(min(_CHUNK, size - position)))
            if not chunks[-1]:
                break
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if len(body) < size:
        raise StreamError(f"the input ends within a frame: {len(body)} of {size} bytes")
    return body


def write_all(descriptor: int, data: bytes) -> None:
    """Writes all of it, however little a pipe takes at a time."""
    written = os.write(descriptor, data)
    if written < len(data):
        rest = memoryview(data)
        while written < len(data):
            written += os.write(descriptor, rest[written:])
