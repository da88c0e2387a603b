# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""What a layout calls its tensors, by what they are for."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

from hymt2.configs import flag_fields, small_config, table_of
from hymt2.errors import OracleError
from hymt2.tables import DISK, WRITTEN, Layout, Tensor, read_layout, restarted

ROUTERS = ("router", "router bias")
"""Roles whose tensors have a row for each expert and belong to none."""


@dataclass(frozen=True)
class Names:
    """Names within a layer; those of a form are `automodel`'s unless another is given.

    The layout is read with one MTP layer, where it can have any.
    """

    layout: Layout

    @cached_property
    def experts(self) -> str:
        """The module below which the experts of a layer are on disk."""
        name = self._within(self._member("up"))
        return re.split(r"\.\d+\.", name)[0] if re.search(r"\.\d+\.", name) else parent(name)

    @property
    def has_gates(self) -> bool:
        """Whether experts can have gates at all."""
        return any("gate" in str(tensor.part) for tensor in self.layout.tensors)

    def disk(self, role: str, ending: str | tuple[str, ...] = "") -> str:
        """The tensor of a role in a layer with experts, whose name has such an ending."""
        return self._within(self._of(role, ending))

    def outside(self, role: str) -> str:
        """The tensor of a role that is in no layer."""
        tensors = self.layout.tensors
        found = [tensor.name for tensor in tensors if tensor.layer is None and tensor.role == role]
        if not found:
            raise OracleError(f"{self.layout.name}: no tensor outside layers is a {role}")
        return found[0]

    def native(self, role: str, form: str = "automodel", ending: str = "") -> str:
        """The native name of that tensor."""
        tensor = self._of(role, ending)
        return _without_layer(tensor, tensor.places[form].key)

    def group(self, part: str, form: str = "automodel") -> str:
        """The native name of the tensor that holds a part of all experts."""
        tensor = self._member(part)
        return _without_layer(tensor, tensor.places[form].key)

    def member(self, part: str, expert: int = 0) -> str:
        """The tensor on disk of a part of an expert, or of all where they are together."""
        return re.sub(r"\.0\.", f".{expert}.", self._within(self._member(part)))

    def groups(self, form: str = "automodel") -> set[str]:
        """The native names of all tensors that have the experts as their first axis."""
        return {
            _without_layer(tensor, tensor.places[form].key)
            for tensor in self.layout.tensors
            if is_of_experts(tensor)
        }

    def shared_module(self) -> str:
        """The module of the shared experts on disk."""
        return parent(parent(self.disk("shared expert")))

    def is_group(self, key: str, form: str = "automodel") -> bool:
        """Whether a native key holds all experts of a layer."""
        return key.endswith(tuple(f".{name}" for name in self.groups(form)))

    def is_of_experts(self, key: str) -> bool:
        """Whether a key on disk belongs to the experts of a layer."""
        return f".{self.experts}." in key

    def is_cast(self, key: str) -> bool:
        """Whether loading casts the tensor of a key on disk: experts', and not in all layouts."""
        cast = any(tensor.cast for tensor in self.layout.tensors if is_of_experts(tensor))
        return cast and self.is_of_experts(key)

    def has_role(self, key: str, role: str) -> bool:
        """Whether a key on disk is that of the only tensor in a layer that has a role."""
        return key.endswith(f".{self.disk(role)}")

    def _of(self, role: str, ending: str | tuple[str, ...]) -> Tensor:
        return self._first(
            lambda tensor: tensor.role == role and tensor.name.endswith(ending), f"{role} {ending}"
        )

    def _member(self, part: str) -> Tensor:
        return self._first(lambda tensor: bool(tensor.part) and part in str(tensor.part), part)

    def _first(self, fits: Callable[[Tensor], bool], what: str) -> Tensor:
        for tensor in self.layout.tensors:
            if tensor.kind in ("sparse", "mtp") and fits(tensor):
                return tensor
        raise OracleError(f"{self.layout.name}: a layer with experts has no tensor for {what}")

    def _within(self, tensor: Tensor) -> str:
        return _without_layer(tensor, tensor.name)


@cache
def prefixes_of(name: str) -> list[str]:
    """What names on disk may start with, the usual text first."""
    table = table_of(name)
    prefixes = table.get("prefix", [""])
    if isinstance(prefixes, dict):
        return [restarted(table, next(iter(prefixes)), WRITTEN, DISK)]
    return list(prefixes)


def with_prefix(layout: str, name: str, prefix: str) -> str:
    """A name as it is under another prefix than the layout's usual one."""
    usual = prefixes_of(layout)[0]
    return prefix + name.removeprefix(usual) if name.startswith(usual) else name


def layer_of(layout: str, key: str) -> int | None:
    """The number of the layer that a key belongs to, under any prefix; None outside layers."""
    match = _layer_pattern(layout).match(key)
    return int(match[1]) if match else None


@cache
def _layer_pattern(layout: str) -> re.Pattern[str]:
    tensor = next(tensor for tensor in names_of(layout).layout.tensors if tensor.layer == 0)
    stem = tensor.name.partition("layers.0.")[0]
    stems = {re.escape(with_prefix(layout, stem, prefix)) for prefix in prefixes_of(layout)}
    return re.compile(rf"(?:{'|'.join(sorted(stems))})layers\.([0-9]+)\.")


@cache
def names_of(name: str) -> Names:
    """The names of a layout."""
    layers = table_of(name)["layers"]
    mtp = {layers["mtp"]["count"]: 1} if "mtp" in layers else {}
    return Names(read_layout(name, small_config(name, mtp)))


def flag_of(name: str, role: str) -> str:
    """The config field that says whether a layout has tensors of a role."""

    def is_there(field: str, value: bool) -> bool:
        layout = read_layout(name, small_config(name, {field: value}))
        return any(tensor.role == role for tensor in layout.tensors)

    for field in flag_fields(name):
        if is_there(field, True) and not is_there(field, False):
            return field
    raise OracleError(f"{name}: no field of the config says whether there is a {role}")


def is_of_experts(tensor: Tensor) -> bool:
    """Whether a tensor on disk is one expert's, or holds a part of all experts."""
    if tensor.role in ROUTERS:
        return False
    return tensor.part is not None or tensor.expert is not None or "e" in tensor.letters


def parent(name: str) -> str:
    """A name without its last part."""
    return name.rpartition(".")[0]


def _without_layer(tensor: Tensor, name: str) -> str:
    return name.partition(f"layers.{tensor.layer}.")[2]
