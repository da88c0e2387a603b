# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The layout tables (`Sources/Layouts/Tables/NAME.yaml`), read apart from the harness's own reader.

    table_names()                       the names of all tables
    load_table("qwen3_moe")             a table as nested dicts, `extends` resolved
    layout = read_layout("qwen3_moe", config, gated=True)
    layout.sizes["E"], .flags, .kinds  what the config says; the kinds of layers, MTP layers last
    layout.tensors                     every `Tensor` on disk, in the table's order, MTP included
    layout.groups("automodel")         native key -> the tensors that make it, in that order
    layout.native_shape("automodel", key)

    tensor.name, .shape, .dtype        dtype is None (the checkpoint's own) or such as "F32"
    tensor.layer, .expert, .kind       numbers or None; "dense", "sparse", "mtp", "" outside layers
    tensor.role, .part, .word, .cast   as in the table; cast: is it cast where it is grouped
    tensor.places["automodel"]         a `Place`: .key, and .axes or None for the tensor as it is
    place.index(tensor, element)       where an element on disk stands in the native tensor

Names start with the table's first prefix, as it is on disk. Nothing here imports torch.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from hymt2.resources import resource
from hymt2.table_language import (
    Axis,
    evaluate,
    expand,
    parallel,
    read_dim,
    named_kinds,
    read_flags,
    read_kinds,
    read_place,
    read_sizes,
    sizes_in_layer,
)

TABLES = resource("Sources/Layouts/Tables")
"""Where the tables are."""

ATTRIBUTES = {
    *("shape", "native shape", "crop", "role", "part", "type", "word", "if", "unless", "cast")
}
"""What a mapping says of tensors; other keys are parts of names, those of `natives` excepted."""

KINDS = ("dense", "sparse", "mtp")
Node = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a tensor stands in a native form."""

    key: str
    axes: tuple[Axis, ...] | None = None
    shape: tuple[int, ...] | None = None
    """The native shape of a tensor without indexes, where that is another than the one on disk."""
    dtype: str | None = None
    """The type that loading always gives it, or None."""
    pieces: tuple[tuple[str, int], ...] = ()
    """The native names that it is cut into along its first axis, with their rows."""
    cropped: bool = False
    """Whether `shape` has the first rows alone; on disk the others are zero."""

    @property
    def keys(self) -> list[str]:
        """The native keys that the tensor goes into."""
        return [name for name, _ in self.pieces] or [self.key]

    def cut(self, tensor: Any) -> dict[str, Any]:
        """The rows of an array that each piece has."""
        starts = itertools.accumulate((rows for _, rows in self.pieces), initial=0)
        return {name: tensor[n : n + rows] for (name, rows), n in zip(self.pieces, starts)}

    def index(self, tensor: "Tensor", element: tuple[int, ...]) -> tuple[int, ...]:
        """The native index of an element of the tensor on disk."""
        if self.axes is None and self.shape is not None:
            number = 0
            for index, extent in zip(element, tensor.shape, strict=True):
                number = number * extent + index
            native: list[int] = []
            for extent in reversed(self.shape):
                number, index = divmod(number, extent)
                native.insert(0, index)
            return tuple(native)
        if self.axes is None:
            return element
        values = dict(zip(tensor.letters, element, strict=True))
        if tensor.expert is not None:
            values["e"] = tensor.expert
        return tuple(axis.index(values.get(axis.letter, 0)) for axis in self.axes)


@dataclass(frozen=True)
class Tensor:
    """A tensor on disk."""

    name: str
    shape: tuple[int, ...]
    letters: tuple[str, ...]
    places: Mapping[str, Place]
    dtype: str | None = None
    role: str = "other"
    part: str | None = None
    word: str | None = None
    cast: bool = False
    layer: int | None = None
    expert: int | None = None
    kind: str = ""


@dataclass
class Layout:
    """A table, applied to a config."""

    name: str
    table: Mapping[str, Any]
    fields: Mapping[str, Any]
    sizes: dict[str, int]
    flags: dict[str, bool]
    kinds: list[str]
    tensors: list[Tensor] = field(default_factory=list)

    def groups(self, form: str = "automodel") -> dict[str, list[Tensor]]:
        """Native keys with the tensors that each is made of."""
        result: dict[str, list[Tensor]] = {}
        for tensor in self.tensors:
            for key in tensor.places[form].keys:
                result.setdefault(key, []).append(tensor)
        return result

    def native_shape(
        self, form: str, key: str, members: list[Tensor] | None = None
    ) -> tuple[int, ...]:
        """The shape of a native tensor: as large as its members, its group, reach."""
        group = self.groups(form)[key] if members is None else members
        if rows := dict(group[0].places[form].pieces):
            return (rows[key], *group[0].shape[1:])
        lasts = [t.places[form].index(t, tuple(n - 1 for n in t.shape)) for t in group]
        shape = [max(axis) + 1 for axis in zip(*lasts, strict=True)]
        for number, axis in enumerate(group[0].places[form].axes or ()):
            shape[number] = axis.halves or shape[number]
        return tuple(shape)


_ADDED: dict[str, Path] = {}


def add_table(path: Path) -> str:
    """Makes a table of one's own known under the name of its file, which it gives."""
    _ADDED[path.stem] = path
    return path.stem


def table_names(folder: Path = TABLES) -> list[str]:
    """The names of all tables, sorted."""
    return sorted({path.stem for path in folder.glob("*.yaml")} | _ADDED.keys())


def load_table(name: str, folder: Path = TABLES) -> dict[str, Any]:
    """A table as it is written, with what it extends filled in."""
    path = _ADDED.get(name, folder / f"{name}.yaml")
    table: dict[str, Any] = yaml.safe_load(path.read_text())
    if "extends" in table:
        base = load_table(table.pop("extends"), folder)
        merged = {key: base.get(key, {}) | table.get(key, {}) for key in ("sizes", "flags")}
        table = base | table | merged
    return table


def fields_of(table: Mapping[str, Any], config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object of a config.json that a table's fields stand in."""
    for member in filter(None, table.get("config", "").split(".")):
        config = config.get(member, {})
    return config


WRITTEN, DISK, NATIVE = range(3)
"""What names begin with in a table, on disk and natively."""


def is_cut(node: Any) -> bool:
    """Whether a table or a part of it has a tensor that is cut into native ones."""
    return isinstance(node, Mapping) and (
        isinstance(node.get("automodel"), Mapping) or any(map(is_cut, node.values()))
    )


def loaded_type(table: Mapping[str, Any], dtype: str) -> str | None:
    """The type that loading gives every floating tensor for a target type, or None."""
    others = table.get("cast all")
    return None if others is None else str(others.get(dtype, dtype))


def restarted(table: Mapping[str, Any], name: str, origin: int, side: int) -> str:
    """A name with what it begins with on another side; the longest start counts."""
    starts = table.get("prefix", {})
    if not isinstance(starts, dict):
        return name
    sides = [(k, *(v if isinstance(v, list) else (k, v))) for k, v in starts.items()]
    own = max(sides, key=lambda s: len(s[origin]) if name.startswith(s[origin]) else -1)
    found = name.startswith(own[origin])
    return str(own[side]) + name.removeprefix(own[origin]) if found else name


def read_layout(
    name: str, config: Mapping[str, Any], gated: bool = True, folder: Path = TABLES
) -> Layout:
    """The layout that a table gives a config.json."""
    table = load_table(name, folder)
    fields = fields_of(table, config)
    sizes, flags = read_sizes(table, fields, gated), read_flags(table, fields)
    layout = Layout(name, table, fields, sizes, flags, read_kinds(table["layers"], fields))
    layout.tensors.extend(_Walk(layout).tensors())
    return layout


@dataclass(frozen=True)
class _Context:
    """What a nested mapping hands down to what stands in it."""

    name: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    layer: int | None = None
    expert: int | None = None
    kind: str = ""
    block: str = ""


class _Walk:
    """Walks through a table's tensors."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.natives: list[str] = layout.table.get("natives", ["automodel"])
        self.values: dict[int | None, dict[str, Any]] = {}
        self.kinds = named_kinds(layout.table["layers"])

    def tensors(self) -> Iterator[Tensor]:
        """Every tensor of the layout."""
        yield from self._members(self.layout.table["tensors"], _Context())

    def _members(self, node: Node, context: _Context) -> Iterator[Tensor]:
        """What stands in a mapping, as far as it is of the layer's kind."""
        in_block = context.layer is not None and context.name == context.block
        for key, child in node.items():
            if key in ATTRIBUTES or key in self.natives:
                continue
            if in_block and key in (*KINDS, *self.kinds):
                like = self.layout.table["layers"].get("mtp", {}).get("like", "sparse")
                if key == context.kind or (context.kind == "mtp" and key == like):
                    yield from self._members(child, context)
                continue
            for name, chosen in expand(key):
                yield from self._repeated(name, chosen, child, context)

    def _repeated(
        self, name: str, chosen: tuple[int, ...], node: Any, context: _Context
    ) -> Iterator[Tensor]:
        """A key, for every layer or expert that it stands for."""
        full = f"{context.name}.{name}" if context.name else name
        node = node if isinstance(node, dict) else {"shape": node}
        if "{L}" in name:
            for layer, kind in enumerate(self.layout.kinds):
                block = full.replace("{L}", str(layer))
                inner = _Context(block, layer=layer, kind=kind, block=block)
                yield from self._node(node, chosen, inner, {})
            return
        for expert in range(self.layout.sizes["E"]) if "{e}" in name else [context.expert]:
            number = "" if expert is None else str(expert)
            places = {form: f"{there}.{name}" for form, there in context.places.items()}
            places = {form: there.replace("{e}", number) for form, there in places.items()}
            inner = replace(context, name=full.replace("{e}", number), expert=expert)
            yield from self._node(node, chosen, inner, places)

    def _values(self, layer: int | None) -> dict[str, Any]:
        """What expressions and conditions may mention."""
        if layer not in self.values:
            own = sizes_in_layer(self.layout.table, self.layout.fields, layer)
            self.values[layer] = self.layout.sizes | self.layout.flags | own
        return self.values[layer]

    def _node(
        self, node: Node, chosen: tuple[int, ...], context: _Context, places: dict[str, str]
    ) -> Iterator[Tensor]:
        """A mapping: a tensor, or a part of names with others below it."""
        values = self._values(context.layer)
        wanted = evaluate(node.get("if", True), values)
        if not wanted or evaluate(node.get("unless", False), values):
            return
        for form in self.natives:
            if isinstance(node.get(form), str):
                text = parallel(node[form], chosen)
                places[form] = f"{context.block}.{text}" if context.block else text
        said = dict(context.said) | {k: node[k] for k in ("role", "cast") if k in node}
        inner = replace(context, said=said, places=places)
        if "shape" in node:
            yield self._tensor(node, inner, values)
        else:
            yield from self._members(node, inner)

    def _tensor(self, node: Node, context: _Context, values: Node) -> Tensor:
        """The tensor that a mapping with a shape describes."""
        dims = [read_dim(dim) for dim in node["shape"]]
        letters = tuple(letter for letter, _ in dims)
        read = {form: (context.name, None) for form in self.natives} | {
            form: read_place(text, {"e", *letters} - {""}, values)
            for form, text in context.places.items()
        }

        def at(name: str, side: int) -> str:
            return restarted(self.layout.table, name, WRITTEN, side)

        pieces = {
            form: tuple(
                (at(f"{context.block}.{name}", NATIVE), evaluate(rows, values))
                for key, rows in node[form].items()
                for name, _ in expand(key)
            )
            for form in self.natives
            if isinstance(node.get(form), dict)
        }
        cast = context.said.get("cast", any(axes for _, axes in read.values()))
        forced = cast if isinstance(cast, str) else None
        changed = node.get("native shape")
        shape = None if changed is None else tuple(evaluate(dim, values) for dim in changed)
        disk = tuple(evaluate(dim, values) for _, dim in dims)
        if "crop" in node:
            shape = (evaluate(node["crop"], values), *disk[1:])
        places = {
            form: Place(at(key, NATIVE), axes, shape, forced, pieces.get(form, ()), "crop" in node)
            for form, (key, axes) in read.items()
        }
        return Tensor(
            at(context.name, DISK),
            disk,
            letters,
            places,
            node.get("type"),
            context.said.get("role", "other"),
            node.get("part"),
            node.get("word"),
            cast is True,
            context.layer,
            context.expert,
            context.kind,
        )
