# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""A converted checkpoint against NeMo's adapter."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hymt2.bits import Outcome, compare_state_dicts
from hymt2.checkpoints import DTYPES
from hymt2.configs import layout_of
from hymt2.errors import OracleError
from hymt2.expert_parallel import expert_parallel_mesh
from hymt2.folders import read_config, read_folder
from hymt2.names import names_of
from hymt2.nemo import (
    StateDict,
    hf_from_native,
    make_adapter,
    native_from_hf,
)


@dataclass(frozen=True)
class Conversion:
    """The options a conversion was made with."""

    model: str | None = None
    """The layout, or None for the one that reads the checkpoint's config.json."""
    dtype: str = "bfloat16"
    preserve_mtp: bool = False
    ep_rank: int | None = None
    ep_size: int | None = None

    def layout(self, original: Path) -> str:
        return self.model or layout_of(read_config(original))

    def adapter(self, original: Path) -> Any:
        config, layout = read_config(original), self.layout(original)
        return make_adapter(config, layout, DTYPES[self.dtype], self.preserve_mtp)


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
    """to_hf(NATIVE) against ORIGINAL, as far as loading keeps it."""
    if conversion.ep_rank is not None or conversion.ep_size is not None:
        raise OracleError("--to-hf needs all experts: it does not go with --ep-rank and --ep-size")
    adapter = conversion.adapter(original)
    is_cast = names_of(conversion.layout(original)).is_cast
    # Only Hy's adapters drop the layers of a key that they call an MTP key.
    is_dropped = getattr(adapter, "_is_mtp_key", lambda key: False)
    expected = {
        key: tensor.to(DTYPES[conversion.dtype]) if is_cast(key) else tensor
        for key, tensor in read_folder(original).tensors.items()
        if not is_dropped(key)
    }
    return _compare(expected, hf_from_native(adapter, read_folder(native).tensors))


def _compare(expected: StateDict, found: StateDict) -> Outcome:
    if not expected:
        raise OracleError("there is nothing to compare: the original has no tensors to convert")
    elements = sum(tensor.numel() for tensor in expected.values())
    return Outcome(len(expected), elements, compare_state_dicts(expected, found))
