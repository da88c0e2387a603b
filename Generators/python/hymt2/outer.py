# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""A converted checkpoint against transformers' own conversion, which shares no code with NeMo's."""

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel

from hymt2.bits import Difference, Outcome, compare_state_dicts, describe
from hymt2.checkpoints import DTYPES
from hymt2.errors import OracleError
from hymt2.explanations import explain_all
from hymt2.folders import read_config, read_folder
from hymt2.layout import Config, dtype_of, is_mtp_key
from hymt2.names import names_of
from hymt2.outer_layout import NATIVE, OuterLayout
from hymt2.transformers_model import (
    empty_model,
    saved_by_transformers,
    transformers_model,
)

StateDict = dict[str, torch.Tensor]


@dataclass(frozen=True)
class OuterOutcome(Outcome):
    """An outcome, and what transformers has no modules for."""

    mtp_on_disk: int
    """Tensors of MTP layers in the original, not compared."""
    mtp_native: int
    """Tensors of MTP layers in the converted checkpoint, not compared."""


def compare_outer_from_hf(
    original: Path, native: Path, dtype: str, form: str = NATIVE
) -> OuterOutcome:
    """NATIVE, of a native form, against the fused tensors that from_pretrained makes of ORIGINAL."""
    pair = _Pair(original, native, form)
    model = transformers_model(original, pair.config, pair.dtype())
    outer = _without_tied(model)
    expected = {
        key: tensor.to(DTYPES[dtype]) if pair.layout.is_grouped(key) else tensor
        for key, tensor in outer.items()
    }
    return pair.outcome(pair.layout.native_from_outer(expected), pair.native)


def compare_outer_to_hf(
    original: Path, native: Path, dtype: str, form: str = NATIVE
) -> OuterOutcome:
    """What save_pretrained writes of a model filled from NATIVE, against ORIGINAL."""
    pair = _Pair(original, native, form)
    expected = {
        key: tensor.to(DTYPES[dtype]) if names_of("hy_v3").is_cast(key) else tensor
        for key, tensor in pair.original.items()
    }
    model = empty_model(original)
    names = _without_tied(model)
    unfit = _unfit(pair.layout.native_from_outer(names), pair.native)
    if unfit:
        return pair.outcome_of(expected, unfit)
    saved = saved_by_transformers(model, pair.layout.outer_from_native(names, pair.native))
    return pair.outcome(expected, saved)


class _Pair:
    """Both folders without their MTP layers."""

    def __init__(self, original: Path, native: Path, form: str) -> None:
        self.config = read_config(original)
        self.layout = OuterLayout(self.config, form)
        self.path = original
        self.original, self.mtp_on_disk = _without_mtp(self.config, read_folder(original).tensors)
        self.native, self.mtp_native = _without_mtp(self.config, read_folder(native).tensors)
        if not self.original:
            raise OracleError(f"{original}: there is nothing to compare outside of MTP layers")

    def dtype(self) -> torch.dtype:
        """The dtype to load in, which transformers casts everything to but the router's bias."""
        name = self.config.get("dtype") or self.config.get("torch_dtype") or ""
        dtype: torch.dtype | None = DTYPES.get(name)
        if dtype is None:
            raise OracleError(f"{self.path}: its config.json has no dtype of {', '.join(DTYPES)}")
        for key, tensor in sorted(self.original.items()):
            if tensor.dtype != dtype_of(key, dtype):
                raise OracleError(
                    f"{self.path}: {key} is {describe(tensor)}; transformers would cast it to"
                    f" {dtype_of(key, dtype)} on loading, so that its bits cannot be compared"
                )
        return dtype

    def outcome(self, expected: StateDict, found: StateDict) -> OuterOutcome:
        differences = compare_state_dicts(expected, found)
        explained = explain_all(differences, expected, found, self.layout.halves)
        return self.outcome_of(expected, explained)

    def outcome_of(self, expected: StateDict, differences: list[Difference]) -> OuterOutcome:
        elements = sum(tensor.numel() for tensor in expected.values())
        return OuterOutcome(len(expected), elements, differences, self.mtp_on_disk, self.mtp_native)


def _without_mtp(config: Config, tensors: StateDict) -> tuple[StateDict, int]:
    kept = {key: tensor for key, tensor in tensors.items() if not is_mtp_key(config, key)}
    return kept, len(tensors) - len(kept)


def _without_tied(model: PreTrainedModel) -> StateDict:
    """A model's tensors without the output head where it is the token embedding: no file holds it."""
    tied = model.all_tied_weights_keys
    return {key: tensor for key, tensor in model.state_dict().items() if key not in tied}


def _unfit(expected: StateDict, native: StateDict) -> list[Difference]:
    """Why a model that expects such tensors cannot be filled from `native`. dtypes may differ."""
    differences = []
    for key in sorted(expected.keys() | native.keys()):
        if key not in native:
            differences.append(Difference(key, "missing", describe(expected[key]), "nothing"))
        elif key not in expected:
            differences.append(Difference(key, "unexpected", "nothing", describe(native[key])))
        elif expected[key].shape != native[key].shape:
            shapes = str(list(expected[key].shape)), str(list(native[key].shape))
            differences.append(Difference(key, "shape", *shapes))
    return differences
