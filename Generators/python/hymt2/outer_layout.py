# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The in-memory ("outer") layout of transformers' model, and its twin in native form.

Both are forms of one layout table, `transformers` and `automodel`: for each tensor on disk the
table says where its elements stand in the one and in the other. transformers multiplies experts'
matrices from the left, NeMo's form from the right: every expert's matrix is transposed.

Where the native form is `transformers` itself, nothing is moved and no name is looked up: then
transformers' own model is what a conversion is held against, whatever the table says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch

from hymt2.configs import layout_of
from hymt2.errors import OracleError
from hymt2.placement import region
from hymt2.tables import Tensor, read_layout

OUTER, NATIVE = "transformers", "automodel"


@dataclass(frozen=True)
class Twin:
    """Where one of transformers' tensors is in native form."""

    native: str
    grouped: bool = False
    """Whether it holds all experts of a layer."""


class OuterLayout:
    """transformers' form and a native one of a config.json's layout."""

    def __init__(self, config: Mapping[str, object], native: str = NATIVE) -> None:
        self.layout, self.native = read_layout(layout_of(config), config), native
        if OUTER not in self.layout.table.get("natives", []):
            raise OracleError(
                f"{self.layout.name}: expected a table with the native form {OUTER}, found none;"
                " add the form to `natives` and its names to the tensors"
            )

    @cached_property
    def _members(self) -> dict[str, list[Tensor]]:
        return self.layout.groups(OUTER)

    @property
    def halves(self) -> int:
        """The axis along which a native tensor holds gate projections before up projections."""
        return -2 if self.native == OUTER else -1

    def is_grouped(self, outer: str) -> bool:
        """Whether one of transformers' tensors holds all experts of a layer."""
        if self.native == OUTER and outer not in self._members:
            return False
        return self.twin(outer).grouped

    def twin(self, outer: str) -> Twin:
        """The native twin of one of transformers' tensors. Throws on a name that is not known."""
        if outer not in self._members:
            raise OracleError(f"{outer}: this version of transformers has a tensor unknown here")
        first = self._members[outer][0]
        place = first.places[self.native]
        return Twin(place.key, place.axes is not None)

    def native_from_outer(self, outer: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The native form of transformers' tensors."""
        return self._moved(outer, outer, OUTER, self.native)

    def outer_from_native(
        self, names: Iterable[str], native: Mapping[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """Tensors for transformers' `names`, each of which must have its twin in `native`."""
        return self._moved(native, names, self.native, OUTER)

    def _moved(
        self, given: Mapping[str, torch.Tensor], names: Iterable[str], source: str, target: str
    ) -> dict[str, torch.Tensor]:
        """The tensors of one form, made of those of the other, for transformers' names."""
        if source == target:
            return {name: given[name] for name in names}
        made: dict[str, torch.Tensor] = {}
        for name in names:
            self.twin(name)
            for tensor in self._members[name]:
                here, there = tensor.places[source], tensor.places[target]
                if there.axes is None:
                    made[there.key] = given[here.key]
                    continue
                if there.key not in made:
                    shape = self.layout.native_shape(target, there.key)
                    made[there.key] = torch.empty_like(given[here.key]).resize_(shape)
                region(made[there.key], tensor, there).copy_(region(given[here.key], tensor, here))
        return made
