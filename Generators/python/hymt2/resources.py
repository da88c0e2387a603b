# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Files of the source tree that the package reads; a wheel has copies of them."""

from pathlib import Path

PACKAGED = ("Sources/Layouts/Tables", "Generators/configs/hy3.json", "Generators/python/data",
            "Generators/python/examples", "Tests/SafetensorsTests/Fixtures/tiny-hyv3")  # fmt: skip
"""What a wheel has in `hymt2/tree`."""

_COPIES = Path(__file__).with_name("tree")
_ROOT = _COPIES if _COPIES.exists() else Path(__file__).resolve().parents[3]


def resource(path: str) -> Path:
    """Where a file or folder of the tree is."""
    return _ROOT / path
