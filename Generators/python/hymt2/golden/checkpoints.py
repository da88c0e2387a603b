# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The keys, types and shapes of a golden case's checkpoint on disk."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from hymt2.configs import Config
from hymt2.names import Names, is_of_experts, names_of, parent, with_prefix
from hymt2.tables import Tensor, read_layout


class Key(NamedTuple):
    """A tensor to be made."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    is_cast: bool = False
    """Whether it belongs to experts that are cast on loading; so do the scales beside them."""
    rows: int | None = None
    """How many of its rows are not zeros that native form lacks, where that is not all."""


class Checkpoint:
    """The tensors of a checkpoint by a config, in the order of the layout's table."""

    def __init__(
        self, layout: str, config: Config, prefix: str, is_gated: bool, types: dict[str, str]
    ) -> None:
        self.prefix, self.types, self.is_gated = prefix, types, is_gated
        self.layout = read_layout(layout, config, is_gated)
        sizes = self.layout.sizes
        self.hidden, self.inner, self.experts = sizes["H"], sizes["I"], sizes["E"]

    def whole(self) -> Iterator[Key]:
        for tensor in self.layout.tensors:
            yield from self._keys(tensor)

    def experts_only(self) -> Iterator[Key]:
        """Experts, and what is cropped, which is small and of a form of its own."""
        for tensor in self.layout.tensors:
            if is_of_experts(tensor) or tensor.places["automodel"].cropped:
                yield from self._keys(tensor)

    def factors(self, prefix: str, rank: int) -> Iterator[Key]:
        """Low-rank factors of each expert, and of two others, if there are shared experts."""
        dtype = self.types["others"]
        owners = [
            parent(self.names.disk("attention", ("o_proj.weight", "out_proj.weight", "dense.weight"))),
            *self._shared_projections(),
        ]
        for layer in self._sparse_layers():
            base = f"{prefix}layers.{layer}."
            for factor, shape in (("A", (rank, self.hidden)), ("B", (self.hidden, rank))):
                for owner in owners:
                    yield Key(f"{base}{owner}.lora_{factor}.weight", dtype, shape)
            for tensor in self.layout.tensors:
                if tensor.layer == layer and tensor.part:
                    rows, columns = tensor.shape
                    name = with_prefix(self.layout.name, parent(tensor.name), prefix)
                    yield Key(f"{name}.lora_A.weight", dtype, (rank, columns))
                    yield Key(f"{name}.lora_B.weight", dtype, (rows, rank))

    def fused_factors(self, prefix: str, rank: int, is_legacy: bool) -> Iterator[Key]:
        """Low-rank factors of all experts as PEFT's ParamWrapper writes them."""
        width = self.inner * (1 + self.is_gated)
        fused = rank * self.experts
        for layer in self._sparse_layers():
            for stem, inward, outward in (
                ("", self.inner, self.hidden),
                ("base_layer.", self.hidden, width),
            ):
                a, b = (outward, inward) if is_legacy else (inward, outward)
                base = f"{prefix}layers.{layer}.{self.names.experts}.{stem}lora_"
                yield Key(f"{base}A.weight", self.types["others"], (fused, a))
                yield Key(f"{base}B.weight", self.types["others"], (b, fused))

    @property
    def names(self) -> Names:
        return names_of(self.layout.name)

    def _sparse_layers(self) -> list[int]:
        return [layer for layer, kind in enumerate(self.layout.kinds) if kind in ("sparse", "mtp")]

    def _shared_projections(self) -> list[str]:
        """The up projection of the shared experts, where the layout has any."""
        roles = {tensor.role for tensor in self.names.layout.tensors}
        return [f"{self.names.shared_module()}.up_proj"] if "shared expert" in roles else []

    def _keys(self, tensor: Tensor) -> Iterator[Key]:
        name = with_prefix(self.layout.name, tensor.name, self.prefix)
        if not is_of_experts(tensor):
            place = tensor.places["automodel"]
            rows = place.shape[0] if place.shape and place.cropped else None
            yield Key(name, tensor.dtype or self.types["others"], tensor.shape, rows=rows)
            return
        yield Key(name, tensor.dtype or self.types["experts"], tensor.shape, tensor.cast)
        for scale in self.types.get("scales", "").split():
            yield Key(f"{parent(name)}.{scale}", "BF16", (), tensor.cast)


def in_order(keys: list[Key], order: str) -> list[Key]:
    """Keys as a file might give them: `schema`, `sorted`, `reversed`, `shards` or `shuffled N`."""
    if order == "sorted":
        return sorted(keys)
    if order == "reversed":
        return keys[::-1]
    if order == "shards":
        return [key for start in range(3) for key in sorted(keys[start::3])]
    if order.startswith("shuffled "):
        shuffled = list(keys)
        # Python promises that random() gives the same on every version, and no more than that.
        stream = random.Random(int(order.split()[1]))
        for last in range(len(shuffled) - 1, 0, -1):
            other = int(stream.random() * (last + 1))
            shuffled[last], shuffled[other] = shuffled[other], shuffled[last]
        return shuffled
    return keys
