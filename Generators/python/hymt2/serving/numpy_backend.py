# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The adapter in NumPy, which knows tensors as bits."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hymt2 import __version__
from hymt2.golden.cases import GoldenDict, GoldenTensor
from hymt2.numpy_adapter import NumPyAdapter
from hymt2.numpy_refusals import refuse_loss_on_loading, refuse_loss_on_saving
from hymt2.serving.backend import Pairs, TensorLibrary
from hymt2.serving.codec import Entry, Piece
from hymt2.serving.errors import RequestError
from hymt2.serving.requests import WITH_MOE, ExpertParallelism
from hymt2.serving.server import Recent
from hymt2.widths import WIDTHS

WORDS = {dtype: np.dtype(f"<u{width}") for dtype, width in WIDTHS.items()}


class GoldenTensors:
    """Golden tensors as views of a request's bytes."""

    def view(self, data: bytearray, entry: Entry) -> GoldenTensor:
        _, dtype, shape, begin, _ = entry
        return GoldenTensor(dtype, np.ndarray(shape, WORDS[dtype], data, begin))

    def is_as_given(self, tensor: GoldenTensor, entry: Entry) -> bool:
        return tensor.bits.shape == entry.shape

    def piece(self, name: str, tensor: GoldenTensor) -> Piece:
        data = tensor.data()
        return Piece(name, tensor.dtype, tensor.bits.shape, data, len(data))


class NumPyBackend:
    """Made for the description that a golden case would have."""

    name = "numpy"
    version: str | None = __version__
    supports: Mapping[str, list[str]] | None = None
    introduction: Mapping[str, Any] = {}
    library: TensorLibrary

    def __init__(self) -> None:
        self.library = GoldenTensors()

    def open(self, setup: dict[str, Any]) -> "NumPySession":
        if setup["model"] not in WITH_MOE:
            known = " or ".join(WITH_MOE)
            raise RequestError(
                f"model: expected {known}, found {setup['model']!r}: the adapter in NumPy knows"
                " Hy's layout only; serve nemo --layout NAME for another"
            )
        return NumPySession(setup)


class NumPySession:
    """The adapters for one model, one for each rank and exclusion asked for."""

    def __init__(self, setup: Mapping[str, Any]) -> None:
        config, moe, options = setup["config"], setup["moe"], setup["options"]
        self._config = {
            "num_experts": moe["n_routed_experts"],
            "moe_intermediate_size": moe["moe_inter_dim"],
            "hidden_size": moe["dim"],
            "num_hidden_layers": config["num_hidden_layers"],
        }
        mtp_layers = config.get("num_nextn_predict_layers") or 0
        self._layers = config["num_hidden_layers"] + mtp_layers
        self._options = {
            "activation": moe["expert_activation"],
            "mtp_policy": options["mtp_policy"],
            "param_wrapper_layout": options.get("param_wrapper_layout"),
            "prefix": options["prefix"],
            "target_dtype": setup["dtype"],
        }
        self._adapters: Recent[NumPyAdapter] = Recent()

    def from_hf(self, tensors: GoldenDict, ep: ExpertParallelism | None) -> GoldenDict:
        adapter = self._adapter(ep, None)
        refuse_loss_on_loading(adapter, tensors, self._layers)
        return adapter.from_hf(tensors)

    def to_hf(
        self, tensors: GoldenDict, exclude: str | None, ep: ExpertParallelism | None
    ) -> GoldenDict:
        adapter = self._adapter(ep, exclude)
        refuse_loss_on_saving(adapter, tensors)
        return adapter.to_hf(tensors)

    def convert_single_tensor_to_hf(
        self,
        fqn: str,
        tensor: GoldenTensor,
        exclude: str | None,
        ep: ExpertParallelism | None,
    ) -> Pairs:
        adapter = self._adapter(ep, exclude)
        refuse_loss_on_saving(adapter, {fqn: tensor})
        return adapter.convert_single_tensor_to_hf(fqn, tensor)

    def is_mtp_key(self, fqn: str) -> bool:
        return self._adapter(None, None).is_mtp_key(fqn)

    def _adapter(self, ep: ExpertParallelism | None, exclude: str | None) -> NumPyAdapter:
        description = {
            "config": self._config,
            "options": self._options,
            "exclusion": exclude,
            "parallelism": ep and ep._asdict(),
        }
        return self._adapters.get((ep, exclude), lambda: NumPyAdapter(description))
