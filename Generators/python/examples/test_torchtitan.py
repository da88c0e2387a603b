# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""An adapter as torchtitan has them, with a native form of its own: `pytest test_torchtitan.py`."""

from pathlib import Path

from torchtitan_adapter import Qwen3StateDictAdapter

from hymt2.serving import Setup
from hymt2.testing import laws


def adapter(setup: Setup) -> Qwen3StateDictAdapter:
    setup.config.dtype = setup.dtype
    return Qwen3StateDictAdapter(setup.config)


test_laws = laws(
    adapter,
    layout=Path(__file__).with_name("torchtitan_qwen3.yaml"),
    # The adapter takes no pattern of keys to leave out, and its input to be valid.
    supports={"exclusion": ["none"], "expert parallelism": ["none"], "LoRA": ["none"]},
    without=["invalid-input"],
)
