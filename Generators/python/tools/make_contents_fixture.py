# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Writes what NumPy gives for generated contents, for the tests of `CheckpointGenerators`.

    python3 make_contents_fixture.py > Tests/CheckpointGeneratorsTests/Fixtures/contents.json

Numbers that may need 64 bits are hexadecimal text. `bytes` are the little-endian elements; where
there are many, `fnv1a` is the FNV-1a 64 hash of them.
"""

import json
import sys

import numpy as np

from hymt2.contents import Contents, special_patterns
from hymt2.names import names_of
from hymt2.widths import WIDTHS

KEYS = [(0, 0), (1, 2), (2**64 - 1, 2**64 - 1), (0xFEDCBA9876543210, 0x123456789ABCDEF)]
BLOCKS = [0, 1, 2, 1000, 2**32 - 1, 2**63, 2**64 - 2, 2**64 - 1]
GATE = f"model.layers.7.{names_of('hy_v3').experts}.12.gate_proj.weight"
NAMES = [GATE, "x", "", "专家.重み.é"]
SEEDS = [0, 1, 2**64 - 1, 20261124]
ADDRESSES = [0, 1, 4000, 2**32 - 5, 2**60 + 12345, 2**64 - 7]
FEW, MANY = 13, 1003
KINDS = [
    Contents("constant", parameter=0),
    Contents("constant", parameter=5),
    Contents("constant", parameter=-1),
    Contents("constant", parameter=1001),
    Contents("tracer", parameter=0),
    Contents("tracer", parameter=1),
    Contents("tracer", parameter=10),
    Contents("tracer", parameter=11),
    Contents("iota"),
    Contents("random"),
    Contents("special"),
]


def fnv1a(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def blocks() -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    for key in KEYS:
        for block in BLOCKS:
            generator = np.random.Philox(key=np.array(key, np.uint64))
            words = generator.advance(block).random_raw(4).tolist()
            made.append(
                {
                    "key": [f"{word:x}" for word in key],
                    "block": f"{block:x}",
                    "words": [f"{word:x}" for word in words],
                }
            )
    return made


def tensors() -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    for dtype in WIDTHS:
        for kind in KINDS:
            for count in (FEW, MANY):
                number = len(made)
                name = NAMES[number // 2 % len(NAMES)]
                seed = SEEDS[number // 3 % len(SEEDS)]
                address = ADDRESSES[number % len(ADDRESSES)]
                contents = Contents(kind.kind, seed, kind.parameter)
                data = contents.bits(name, dtype, count, address).tobytes()
                result = {"bytes": data.hex()} if count == FEW else {"fnv1a": f"{fnv1a(data):x}"}
                made.append(
                    {
                        "kind": kind.kind,
                        "parameter": kind.parameter,
                        "seed": f"{seed:x}",
                        "name": name,
                        "dtype": dtype,
                        "count": count,
                        "address": f"{address:x}",
                    }
                    | result
                )
    return made


def main() -> None:
    fixture = {
        "blocks": blocks(),
        "specialPatterns": {
            dtype: [f"{bits:x}" for bits in special_patterns(dtype)] for dtype in WIDTHS
        },
        "tensors": tensors(),
    }
    # One line an entry, so that a change can be reviewed.
    sections = []
    for name, section in fixture.items():
        if isinstance(section, list):
            lines = [json.dumps(entry) for entry in section]
            sections.append(f'"{name}": [\n' + ",\n".join(lines) + "\n]")
        else:
            lines = [f'"{key}": {json.dumps(entry)}' for key, entry in section.items()]
            sections.append(f'"{name}": {{\n' + ",\n".join(lines) + "\n}")
    sys.stdout.write("{\n" + ",\n".join(sections) + "\n}\n")


if __name__ == "__main__":
    main()
