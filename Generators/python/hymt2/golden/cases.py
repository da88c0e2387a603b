# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""What a golden case is: a description and state dicts of raw bits."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from hymt2.contents import Bits

FORMAT = "hymt2-golden"
FORMAT_VERSION = 1


class GoldenTensor(NamedTuple):
    """A tensor as unsigned integers with the dtype that safetensors would name."""

    dtype: str
    bits: Bits

    def data(self) -> bytes:
        """The little-endian bytes, row by row."""
        return np.ascontiguousarray(self.bits).astype(self.bits.dtype.newbyteorder("<")).tobytes()


GoldenDict = dict[str, GoldenTensor]


@dataclass(frozen=True)
class GoldenCase:
    """A description, as JSON has it, and state dicts by role, keys in order."""

    description: Mapping[str, Any]
    groups: Mapping[str, GoldenDict] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.description["id"]

    @property
    def text(self) -> str:
        """The description as it stands in the file."""
        return canonical_json(self.description)

    def digest(self) -> str:
        """SHA-256 of everything in the case, whatever file it is in."""
        digest = hashlib.sha256(_counted(self.text.encode()))
        for name in sorted(self.groups, key=str.encode):
            tensors = self.groups[name]
            digest.update(_counted(name.encode()) + _number(len(tensors)))
            for key, tensor in tensors.items():
                extents = tensor.bits.shape
                digest.update(_counted(key.encode()) + _counted(tensor.dtype.encode()))
                digest.update(_number(len(extents)) + b"".join(map(_number, extents)))
                digest.update(_counted(tensor.data()))
        return digest.hexdigest()


def canonical_json(value: Any) -> str:
    """The one spelling of a JSON document."""
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def _number(value: int) -> bytes:
    return value.to_bytes(8, "little")


def _counted(data: bytes) -> bytes:
    return _number(len(data)) + data
