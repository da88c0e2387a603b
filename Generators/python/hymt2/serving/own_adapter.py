# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Adapters that are not part of this package."""

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

from hymt2.errors import OracleError
from hymt2.serving.backend import Backend, Pairs, TensorLibrary, Tensors
from hymt2.serving.requests import ExpertParallelism
from hymt2.serving.server import Recent, run
from hymt2.words import answer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Setup:
    """What an adapter is made for. `vars(setup.config)` is a dict."""

    model: str
    """The name of a layout, such as `hy_mt2`, `hy_v3` or `qwen3_moe`."""
    config: SimpleNamespace
    """The model's config.json."""
    moe: SimpleNamespace
    """What upstream's MoE config has of it, see docs/adapter-protocol.md."""
    dtype: "torch.dtype"
    """The type of grouped experts."""
    options: SimpleNamespace
    """`mtp_policy`, `prefix`, `completeness`, `param_wrapper_layout`."""
    ep: ExpertParallelism | None
    """The rank to convert as; each rank has an adapter of its own."""


Factory = Callable[[Setup], Any]


def serve(
    factory: Factory,
    *,
    name: str | None = None,
    version: str | None = None,
    supports: Mapping[str, list[str]] | None = None,
    layout: str | None = None,
    tracebacks: bool = False,
) -> NoReturn:
    """Answers `hymt2` until it closes standard input, then exits.

    `factory` is called with a Setup and gives an object with `from_hf(state_dict)` and
    `to_hf(state_dict, exclude_key_regex=...)`, and if it can with
    `convert_single_tensor_to_hf(fqn, tensor, exclude_key_regex=...)` and `is_mtp_key(fqn)`. What is
    not given here is looked up as an attribute of `factory`. `layout` is the one layout that is served,
    which `hymt2` then takes where no `--layout` is given.
    """
    sys.exit(run(lambda: OwnAdapter(factory, name, version, supports, layout), tracebacks))


class OwnAdapter:
    """The backend of a factory."""

    name: str
    version: str | None
    supports: Mapping[str, list[str]] | None
    introduction: Mapping[str, Any]
    library: TensorLibrary

    def __init__(
        self,
        factory: Factory,
        name: str | None = None,
        version: str | None = None,
        supports: Mapping[str, list[str]] | None = None,
        layout: str | None = None,
    ) -> None:
        from hymt2.serving.torch_tensors import TorchTensors

        self.factory = factory
        self.name = str(name or getattr(factory, "__name__", type(factory).__name__))
        stated = version if version is not None else getattr(factory, "version", None)
        self.version = None if stated is None else str(stated)
        self.supports = supports if supports is not None else getattr(factory, "supports", None)
        layout = layout if layout is not None else getattr(factory, "layout", None)
        self.introduction = {} if layout is None else {"layout": layout}
        self.library = TorchTensors()

    def open(self, setup: dict[str, Any]) -> "OwnSession":
        return OwnSession(self.factory, setup)


class OwnSession:
    """The factory's objects for one model, one for each rank asked for."""

    def __init__(self, factory: Factory, setup: dict[str, Any]) -> None:
        from hymt2.torch_types import DTYPES

        self._factory = factory
        self._setup = setup
        self._dtype = DTYPES[setup["dtype"]]
        self._adapters: Recent[Any] = Recent()

    def from_hf(self, tensors: Tensors, ep: ExpertParallelism | None) -> Any:
        return self._adapter(ep).from_hf(tensors)

    def to_hf(self, tensors: Tensors, exclude: str | None, ep: ExpertParallelism | None) -> Any:
        return self._adapter(ep).to_hf(tensors, **_excluding(exclude))

    def convert_single_tensor_to_hf(
        self, fqn: str, tensor: Any, exclude: str | None, ep: ExpertParallelism | None
    ) -> Pairs:
        adapter = self._adapter(ep)
        pairs: Pairs
        if hasattr(adapter, "convert_single_tensor_to_hf"):
            pairs = adapter.convert_single_tensor_to_hf(fqn, tensor, **_excluding(exclude))
        else:
            pairs = adapter.to_hf({fqn: tensor}, **_excluding(exclude)).items()
        return pairs

    def is_mtp_key(self, fqn: str) -> bool:
        adapter = self._adapter(None)
        if not hasattr(adapter, "is_mtp_key"):
            raise NotImplementedError(
                f"{type(adapter).__name__} has no method is_mtp_key(fqn): write it, it says whether"
                " a key on disk belongs to a layer from num_hidden_layers on"
            )
        return bool(adapter.is_mtp_key(fqn))

    def _adapter(self, ep: ExpertParallelism | None) -> Any:
        return self._adapters.get(ep, lambda: self._factory(self._setup_for(ep)))

    def _setup_for(self, ep: ExpertParallelism | None) -> Setup:
        setup = self._setup
        config, moe, options = (
            SimpleNamespace(**setup[name]) for name in ("config", "moe", "options")
        )
        return Setup(setup["model"], config, moe, self._dtype, options, ep)


def _excluding(pattern: str | None) -> dict[str, str]:
    """Nothing without a pattern, so that an adapter need not know of patterns."""
    return {"exclude_key_regex": pattern} if pattern is not None else {}


def load(target: str, mutant_id: str | None = None, layout: str | None = None) -> Backend:
    """The backend that a command line names: `nemo`, `numpy` or MODULE:OBJECT.

    NeMo's adapters may have a planted fault, or be those of another layout.
    """
    if target == "nemo":
        from hymt2.serving.nemo_backend import NeMoBackend

        return NeMoBackend(mutant_id, layout)
    for option, value in (("--mutant", mutant_id), ("--layout", layout)):
        if value is not None:
            raise OracleError(f"{option} {value}: expected nemo, found {target}")
    if target == "numpy":
        from hymt2.serving.numpy_backend import NumPyBackend

        return NumPyBackend()
    module_name, _, path = target.partition(":")
    if not module_name or not path:
        near = answer(target, ["nemo", "numpy", "MODULE:OBJECT"])
        raise OracleError(f"{target}: expected an adapter; {near}")
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module_name)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise OracleError(f"{target}: {error}") from error
    if not callable(found):
        raise OracleError(f"{target}: expected a class or a function, found {found!r}")
    return OwnAdapter(found, getattr(found, "name", target))
