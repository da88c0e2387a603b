# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""NeMo's adapters on golden tensors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from hymt2.configs import table_of
from hymt2.errors import OracleError
from hymt2.expert_parallel import expert_parallel_mesh
from hymt2.golden.cases import GoldenDict, GoldenTensor
from hymt2.nemo import adapter_class, new_adapter
from hymt2.tables import is_cut
from hymt2.torch_types import DTYPES, NAMES
from hymt2.widths import WIDTHS

CARRIERS = {1: torch.uint8, 2: torch.uint16, 4: torch.uint32, 8: torch.uint64}


class Upstream:
    """One adapter, made for a case's description."""

    def __init__(
        self, description: Mapping[str, Any], adapters: Mapping[str, Any] | None = None
    ) -> None:
        layout, options = description["family"], description["options"]
        self.adapter: Any = new_adapter(
            adapters[layout] if adapters else adapter_class(layout),
            layout,
            description["config"],
            DTYPES[options["target_dtype"]],
            {"expert_activation": options["activation"]},
            preserve_mtp=options["mtp_policy"] == "preserve",
        )
        self.adapter._paramwrapper_layout_hint = options["param_wrapper_layout"]
        # One by one, what is to be joined comes out under names of its own.
        self.is_whole = is_cut(table_of(layout))
        self.exclude = description["exclusion"] or None
        self.parallelism = description["parallelism"]

    def convert(self, hf: GoldenDict, saves: bool) -> tuple[GoldenDict, GoldenDict | None]:
        """What `from_hf` gives of a checkpoint, and `to_hf` of that."""
        with self.mesh() as mesh:
            native = self.adapter.from_hf(as_tensors(hf), device_mesh=mesh)
            saved = self._save(native) if saves else None
            return as_golden(native), saved

    def load(self, hf: GoldenDict) -> GoldenDict:
        return self.convert(hf, saves=False)[0]

    def save(self, native: GoldenDict) -> GoldenDict:
        return self._save(as_tensors(native))

    def _save(self, native: dict[str, Any]) -> GoldenDict:
        """`to_hf` of everything, which must be what it is tensor by tensor, where that is there."""
        saved = as_golden(self.adapter.to_hf(dict(native), exclude_key_regex=self.exclude))
        if self.is_whole or not hasattr(self.adapter, "convert_single_tensor_to_hf"):
            return saved
        pieces = {
            key: tensor
            for name, value in native.items()
            for key, tensor in self.adapter.convert_single_tensor_to_hf(
                name, value, exclude_key_regex=self.exclude
            )
        }
        if not same(as_golden(pieces), saved):
            raise OracleError("upstream's streaming differs from its saving")
        return saved

    @contextmanager
    def mesh(self) -> Iterator[Any]:
        if self.parallelism is None:
            yield None
        else:
            with expert_parallel_mesh(self.parallelism["rank"], self.parallelism["size"]) as mesh:
                yield mesh


def same(one: GoldenDict, other: GoldenDict) -> bool:
    """Whether two state dicts have equal keys in equal order, types, shapes and bits."""
    return list(one) == list(other) and all(
        one[key].dtype == other[key].dtype
        and one[key].bits.shape == other[key].bits.shape
        and one[key].data() == other[key].data()
        for key in one
    )


def as_tensors(golden: GoldenDict) -> dict[str, torch.Tensor]:
    return {
        key: torch.from_numpy(tensor.bits.copy()).view(DTYPES[tensor.dtype])
        for key, tensor in golden.items()
    }


def as_golden(tensors: Mapping[str, Any]) -> GoldenDict:
    golden = {}
    for key, tensor in tensors.items():
        local = tensor.to_local() if hasattr(tensor, "to_local") else tensor
        name = NAMES[local.dtype]
        bits = local.detach().contiguous().view(CARRIERS[WIDTHS[name]]).numpy().copy()
        golden[key] = GoldenTensor(name, bits)
    return golden


def recast(tensor: GoldenTensor, dtype: str) -> GoldenTensor:
    """A tensor in another type, rounded to nearest even."""
    source = torch.from_numpy(tensor.bits.copy()).view(DTYPES[tensor.dtype])
    return as_golden({"": source.to(DTYPES[dtype])})[""]
