# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""NeMo Automodel's adapters as they are."""

import warnings
from collections.abc import Mapping
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Shard

from hymt2_oracle.expert_parallel import LastingMesh
from hymt2_oracle.mutants.engine import mutated_nemo
from hymt2_oracle.nemo import ADAPTERS, is_grouped_experts
from hymt2_oracle.serving.backend import TensorLibrary, Tensors
from hymt2_oracle.serving.errors import RequestError
from hymt2_oracle.serving.requests import ExpertParallelism
from hymt2_oracle.serving.torch_tensors import TorchTensors
from hymt2_oracle.torch_types import DTYPES


class NeMoBackend:
    """Upstream has no MTP policy and no prefix to be told: it is asked all the same."""

    name = "nemo-automodel"
    version: str | None
    supports: Mapping[str, list[str]] | None = None
    library: TensorLibrary

    def __init__(self, mutant_id: str | None = None) -> None:
        """With a planted fault the name stays, by which known divergences are found."""
        self.adapters = ADAPTERS if mutant_id is None else mutated_nemo(mutant_id)
        self.version = version("nemo-automodel")
        self.library = TorchTensors()
        self.mesh = LastingMesh()
        # Upstream warns of what it does on every call.
        warnings.simplefilter("ignore")

    def open(self, setup: dict[str, Any]) -> "NeMoSession":
        make = self.adapters.get(setup["model"])
        if make is None:
            raise RequestError(f"expected a model of {', '.join(ADAPTERS)}: {setup['model']!r}")
        adapter: Any = make(
            SimpleNamespace(**setup["config"]),
            SimpleNamespace(**setup["moe"]),
            SimpleNamespace(dispatcher="torch", experts="torch"),
            DTYPES[setup["dtype"]],
        )
        # Upstream's loader sets this from the adapter's metadata.
        adapter._paramwrapper_layout_hint = setup["options"].get("param_wrapper_layout")
        return NeMoSession(adapter, self.mesh)


class NeMoSession:
    """One of upstream's adapters, for all ranks."""

    def __init__(self, adapter: Any, mesh: LastingMesh) -> None:
        self._adapter = adapter
        self._mesh = mesh

    def from_hf(self, tensors: Tensors, ep: ExpertParallelism | None) -> Any:
        mesh = self._mesh.seen_from(*ep) if ep else None
        return self._adapter.from_hf(tensors, device_mesh=mesh)

    def to_hf(self, tensors: Tensors, exclude: str | None, ep: ExpertParallelism | None) -> Any:
        if ep is None:
            return self._adapter.to_hf(tensors, exclude_key_regex=exclude)
        mesh = self._mesh.seen_from(*ep)
        shards = {
            key: (t, _shard(t, mesh)) for key, t in tensors.items() if is_grouped_experts(key)
        }
        # In place, so that it shows if upstream changes the dict itself.
        tensors.update((key, shard) for key, (_, shard) in shards.items())
        try:
            return self._adapter.to_hf(tensors, exclude_key_regex=exclude)
        finally:
            for key, (local, shard) in shards.items():
                if tensors.get(key) is shard:
                    tensors[key] = local

    def convert_single_tensor_to_hf(
        self, fqn: str, tensor: Any, exclude: str | None, ep: ExpertParallelism | None
    ) -> Any:
        if ep and is_grouped_experts(fqn):
            tensor = _shard(tensor, self._mesh.seen_from(*ep))
        return self._adapter.convert_single_tensor_to_hf(fqn, tensor, exclude_key_regex=exclude)

    def is_mtp_key(self, fqn: str) -> bool:
        return bool(self._adapter._is_mtp_key(fqn))


def _shard(tensor: Any, mesh: DeviceMesh) -> DTensor:
    """A rank's experts as they are in training."""
    return DTensor.from_local(tensor, mesh, [Shard(0)])
