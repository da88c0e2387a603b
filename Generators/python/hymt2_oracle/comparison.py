# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""A converted checkpoint against NeMo's adapter."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hymt2_oracle.bits import Outcome, compare_state_dicts
from hymt2_oracle.checkpoints import DTYPES
from hymt2_oracle.errors import OracleError
from hymt2_oracle.expert_parallel import expert_parallel_mesh
from hymt2_oracle.folders import read_config, read_folder
from hymt2_oracle.nemo import (
    StateDict,
    hf_from_native,
    is_expert_weight,
    make_adapter,
    native_from_hf,
)


@dataclass(frozen=True)
class Conversion:
    """The options a conversion was made with."""

    model: str = "hy_mt2"
    dtype: str = "bfloat16"
    preserve_mtp: bool = False
    ep_rank: int | None = None
    ep_size: int | None = None

    def adapter(self, original: Path) -> Any:
        config = read_config(original)
        return make_adapter(config, self.model, DTYPES[self.dtype], self.preserve_mtp)


def compare_from_hf(original: Path, native: Path, conversion: Conversion) -> Outcome:
    """NATIVE against from_hf(ORIGINAL)."""
    tensors = read_folder(original).tensors
    adapter = conversion.adapter(original)
    rank, size = conversion.ep_rank, conversion.ep_size
    if (rank is None) != (size is None):
        raise OracleError("--ep-rank and --ep-size belong together: give both or neither")
    if rank is None or size is None:
        expected = native_from_hf(adapter, tensors)
    else:
        with expert_parallel_mesh(rank, size) as mesh:
            expected = native_from_hf(adapter, tensors, mesh)
    return _compare(expected, read_folder(native).tensors)


def compare_to_hf(original: Path, native: Path, conversion: Conversion) -> Outcome:
    """to_hf(NATIVE) against ORIGINAL, as far as the way there keeps it."""
    if conversion.ep_rank is not None or conversion.ep_size is not None:
        raise OracleError("--to-hf needs all experts: it does not go with --ep-rank and --ep-size")
    adapter = conversion.adapter(original)
    expected = {
        key: tensor.to(DTYPES[conversion.dtype]) if is_expert_weight(key) else tensor
        for key, tensor in read_folder(original).tensors.items()
        if not adapter._is_mtp_key(key)
    }
    return _compare(expected, hf_from_native(adapter, read_folder(native).tensors))


def _compare(expected: StateDict, found: StateDict) -> Outcome:
    if not expected:
        raise OracleError("there is nothing to compare: the original has no tensors to convert")
    elements = sum(tensor.numel() for tensor in expected.values())
    return Outcome(len(expected), elements, compare_state_dicts(expected, found))
