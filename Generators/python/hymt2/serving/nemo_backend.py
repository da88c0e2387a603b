# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""NeMo Automodel's adapters as they are."""

import warnings
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Shard

from hymt2.configs import table_of
from hymt2.expert_parallel import LastingMesh
from hymt2.mutants import find_mutant
from hymt2.mutants.engine import load_adapter_of, load_adapters
from hymt2.names import layer_of, names_of
from hymt2.nemo import ADAPTERS, adapter_class, new_adapter
from hymt2.serving.backend import TensorLibrary, Tensors
from hymt2.serving.errors import RequestError
from hymt2.serving.requests import ExpertParallelism
from hymt2.serving.torch_tensors import TorchTensors
from hymt2.torch_types import DTYPES

BY_TABLE = (
    "is_mtp_key is answered by the layout's table, by the layers from num_hidden_layers on:"
    " upstream's class has no such method"
)


class NeMoBackend:
    """Upstream has no MTP policy and no prefix to be told: it is asked all the same."""

    name = "nemo-automodel"
    version: str | None
    supports: Mapping[str, list[str]] | None = None
    library: TensorLibrary

    def __init__(self, mutant_id: str | None = None, layout: str | None = None) -> None:
        """With a planted fault the name stays, by which known divergences are found."""
        mutant = None if mutant_id is None else find_mutant(mutant_id)
        self.adapters: Mapping[str, type[Any]]
        if layout is not None:
            made = load_adapter_of(layout, mutant) if mutant else adapter_class(layout)
            self.adapters = {layout: made}
        else:
            self.adapters = load_adapters(mutant) if mutant else ADAPTERS
        self.version = version("nemo-automodel")
        self.introduction: Mapping[str, Any] = self._introduction(layout)
        self.library = TorchTensors()
        self.mesh = LastingMesh()
        # Upstream warns of what it does on every call.
        warnings.simplefilter("ignore")

    def open(self, setup: dict[str, Any]) -> "NeMoSession":
        layout = setup["model"]
        make = self.adapters.get(layout)
        if make is None:
            raise RequestError(
                f"model: expected {' or '.join(self.adapters)}, which is served, found {layout!r};"
                " `serve nemo --layout NAME` serves another layout"
            )
        moe = {"expert_activation": setup["options"].get("activation", "swiglu")} | setup["moe"]
        adapter = new_adapter(make, layout, setup["config"], DTYPES[setup["dtype"]], moe)
        # Upstream's loader sets this from the adapter's metadata.
        adapter._paramwrapper_layout_hint = setup["options"].get("param_wrapper_layout")
        return NeMoSession(adapter, layout, self.mesh)

    def _introduction(self, layout: str | None) -> dict[str, Any]:
        """What a hello says of one layout; nothing where none is named, as ever."""
        if layout is None:
            return {}
        made = self.adapters[layout]
        said: dict[str, Any] = {"layout": layout, "adapter": made.__name__}
        return said if hasattr(made, "_is_mtp_key") else said | {"remarks": [BY_TABLE]}


class NeMoSession:
    """One of upstream's adapters, for all ranks."""

    def __init__(self, adapter: Any, layout: str, mesh: LastingMesh) -> None:
        self._adapter = adapter
        self._layout = layout
        self._mesh = mesh
        self._groups = tuple(f".{name}" for name in names_of(layout).groups())

    def from_hf(self, tensors: Tensors, ep: ExpertParallelism | None) -> Any:
        mesh = self._mesh.seen_from(*ep) if ep else None
        return self._adapter.from_hf(tensors, device_mesh=mesh)

    def to_hf(self, tensors: Tensors, exclude: str | None, ep: ExpertParallelism | None) -> Any:
        if ep is None:
            return self._adapter.to_hf(tensors, exclude_key_regex=exclude)
        mesh = self._mesh.seen_from(*ep)
        shards = {
            key: (t, _shard(t, mesh)) for key, t in tensors.items() if key.endswith(self._groups)
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
        if ep and fqn.endswith(self._groups):
            tensor = _shard(tensor, self._mesh.seen_from(*ep))
        return self._adapter.convert_single_tensor_to_hf(fqn, tensor, exclude_key_regex=exclude)

    def is_mtp_key(self, fqn: str) -> bool:
        if hasattr(self._adapter, "_is_mtp_key"):
            return bool(self._adapter._is_mtp_key(fqn))
        layer = layer_of(self._layout, fqn)
        count = table_of(self._layout)["layers"]["count"]
        return layer is not None and layer >= getattr(self._adapter.config, count)


def _shard(tensor: Any, mesh: DeviceMesh) -> DTensor:
    """A rank's experts as they are in training."""
    return DTensor.from_local(tensor, mesh, [Shard(0)])
