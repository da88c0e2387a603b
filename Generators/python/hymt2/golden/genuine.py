# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The case of a checkpoint that transformers made."""

import json
from pathlib import Path

import numpy as np

from hymt2.golden.cases import GoldenCase, GoldenDict, GoldenTensor
from hymt2.golden.table import Plan
from hymt2.golden.upstream import Upstream, same
from hymt2.widths import WIDTHS


def genuine_case(folder: Path) -> GoldenCase:
    """A checkpoint folder as it is, its shards and their keys in the order of their names."""
    hf: GoldenDict = {}
    for shard in sorted(folder.glob("*.safetensors")):
        hf |= _read(shard)
    plan = Plan("transformers", "a checkpoint that transformers wrote", ("transformers",))
    description = plan.description() | {
        "config": json.loads((folder / "config.json").read_text(encoding="utf-8"))
    }
    native, saved = Upstream(description).convert(hf, saves=True)
    groups = {"hf": hf, "native": native}
    if saved is not None and not same(saved, hf):
        groups["saved"] = saved
    return GoldenCase(description, groups)


def _read(path: Path) -> GoldenDict:
    """The tensors of a safetensors file, keys sorted, without any conversion."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    tensors = {}
    for key in sorted(header.keys() - {"__metadata__"}, key=str.encode):
        dtype, (begin, end) = header[key]["dtype"], header[key]["data_offsets"]
        bits = np.frombuffer(data[start + begin : start + end], f"<u{WIDTHS[dtype]}")
        tensors[key] = GoldenTensor(dtype, bits.reshape(header[key]["shape"]))
    return tensors
