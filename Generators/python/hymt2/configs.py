# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""A small config.json of a layout, written from the layout's table."""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import cycle
from typing import Any

from hymt2.errors import OracleError
from hymt2.tables import load_table, table_names
from hymt2.words import answer

Config = dict[str, Any]
Fields = dict[str, Any]

SIZES = {"E": 3, "H": 4, "I": 3, "V": 5, "D": 5, "S": 1, "P": 2, "K": 1, "A": 3, "M": 2}
"""Of every small model: axes of one tensor differ, so that none passes for another."""
_OTHERS = 6
"""The first size of a symbol that has no fixed meaning; the next one gets 7, and so on."""


@cache
def table_of(name: str) -> dict[str, Any]:
    """A layout's table, read once. Throws on a name that no table has."""
    if name not in table_names():
        raise OracleError(f"{name}: no such layout; {answer(name, table_names())}")
    return load_table(name)


def layout_of(config: Mapping[str, Any]) -> str:
    """The layout that reads a config.json: that of its `model_type`, Hy3's where it has none."""
    model = config.get("model_type", "hy_v3")
    for name in (model, *table_names()):
        if name in table_names() and model in table_of(name)["models"]:
            return name
    raise OracleError(
        f"model_type {model!r}: expected one that a layout table reads, found none;"
        " write a table, or name a layout"
    )


def small_config(name: str, changes: Mapping[str, Any] | None = None) -> Config:
    """A config.json of two layers, the first dense where the layout has dense layers.

    Changes are fields; one that says which layers have experts takes the place of all such fields.
    """
    table, changes = table_of(name), dict(changes or {})
    fields = size_fields(name) | flag_fields(name) | layer_fields(name) | table.get("constants", {})
    if any(field in changes for field in _kind_fields(table)):
        fields = {field: fields[field] for field in fields.keys() - _kind_fields(table)}
    fields |= changes
    for source in table["sizes"].values():
        if isinstance(source, list):
            fields |= dict.fromkeys(source, fields[source[0]])
    fields = _nested(fields)
    head = {"architectures": [table["architecture"]], "model_type": table["models"][0]}
    for member in filter(None, reversed(table.get("config", "").split("."))):
        fields = {member: fields}
    return {**head, "dtype": "bfloat16"} | fields


def size_fields(name: str, **sizes: int) -> Fields:
    """The fields of all sizes that a config states; those not given are small."""
    fields: Fields = {}
    free = _OTHERS
    for symbol, source in table_of(name)["sizes"].items():
        names = _field_names(source)
        if symbol in SIZES:
            size = SIZES[symbol]
        else:
            size, free = free, free + bool(names)
        fields |= dict.fromkeys(names, sizes.get(symbol, size))
    return fields


def flag_fields(name: str, **flags: bool) -> Fields:
    """The fields of all flags, by the names that the table gives the flags."""
    fields: Fields = {}
    for flag, source in table_of(name).get("flags", {}).items():
        said = source if isinstance(source, dict) else {"default": source}
        fields[said.get("field", flag)] = flags.get(flag, said["default"])
    return fields


def layer_fields(name: str, kinds: Sequence[str] | None = None, mtp: int = 0) -> Fields:
    """The fields that say which layers there are, in the first way of the table that can."""
    layers = table_of(name)["layers"]
    for chosen in (kinds,) if kinds is not None else (["dense", "sparse"], ["sparse", "sparse"]):
        for form in _forms(layers):
            fields = _written(form, list(chosen))
            if fields is not None:
                fields[layers["count"]] = len(chosen)
                if "mtp" in layers:
                    fields[layers["mtp"]["count"]] = mtp
                elif mtp:
                    raise OracleError(f"{name}: the layout has no MTP layers, {mtp} were asked for")
                return fields
    raise OracleError(f"{name}: no field of the layout says that the layers are {kinds}")


def other_size_fields(name: str, is_other: Sequence[bool]) -> Fields:
    """The fields that give some layers other sizes than the rest; none where a layout has none.

    A size that can be another one is twice as large in these layers.
    """
    fields: Fields = {}
    for symbol, source in table_of(name)["sizes"].items():
        other = source.get("in layers") if isinstance(source, dict) else None
        if other is None:
            continue
        if "list" in other:
            fields[other["list"]] = [(1 + is_it) * SIZES[symbol] for is_it in is_other]
            continue
        if "numbers" in other:
            for key, wanted in (("numbers", True), ("others", False)):
                numbers = [n + other["first"] for n, is_it in enumerate(is_other) if is_it is wanted]
                fields |= {other[key]: numbers} if key in other else {}
            continue
        usual = other.get("else", "full_attention")
        fields[other["where"]] = [other["is"] if is_it else usual for is_it in is_other]
        if "field" not in other:
            continue
        *outer, last = other["field"].split(".")
        inner = fields
        for member in outer:
            inner = inner.setdefault(member, {})
        inner[last] = 2 * size_fields(name)[_field_names(source)[0]]
    return fields


def has_dense_layers(name: str) -> bool:
    """Whether a layout has layers without experts."""
    return table_of(name)["layers"].get("sparse", "all") != "all"


def _forms(layers: Mapping[str, Any]) -> list[Any]:
    forms = layers.get("sparse", "all")
    return forms if isinstance(forms, list) else [forms]


def _kind_fields(table: Mapping[str, Any]) -> set[str]:
    keys = ("from", "kinds", "except", "only")
    forms = [form for form in _forms(table["layers"]) if isinstance(form, dict)]
    return {form[key] for form in forms for key in keys if key in form}


def _written(form: Any, kinds: list[str]) -> Fields | None:
    """The fields of one way to say which layers have experts, or None if it cannot say so."""
    dense = [layer for layer, kind in enumerate(kinds) if kind == "dense"]
    sparse = [layer for layer, kind in enumerate(kinds) if kind == "sparse"]
    if form == "all":
        return None if dense else {}
    if "from" in form:
        return {form["from"]: len(dense)} if dense == list(range(len(dense))) else None
    if "named" in form:
        return {form["kinds"]: _texts(form["named"], kinds)}
    if "kinds" in form:
        return {form["kinds"]: kinds}
    if "except" in form:
        return {form["except"]: dense} | ({form["step"]: 1} if "step" in form else {})
    return {form["only"]: ",".join(map(str, sparse))}


def _texts(names: Mapping[str, Any], kinds: list[str]) -> str | list[str]:
    """What a config says of layers; those that are dense take turns."""
    texts = {name: said[0] if isinstance(said, list) else said for name, said in names.items()}
    turns = cycle(name for name in texts if name != "sparse")
    said = [texts[next(turns) if kind == "dense" else kind] for kind in kinds]
    return "".join(said) if all(len(text) == 1 for text in texts.values()) else said


def _field_names(source: Any) -> list[str]:
    """The fields that a size is written to; none for one that follows from others."""
    if isinstance(source, dict):
        return [source["field"]]
    if isinstance(source, list):
        return source
    is_field = source != "gated" and source.islower() and source.replace(".", "").isidentifier()
    return [source] if is_field else []


def _nested(fields: Fields) -> Fields:
    """Fields whose names lead into objects, in these objects."""
    result: Fields = {}
    for name in sorted(fields):
        *outer, last = name.split(".")
        inner = result
        for member in outer:
            inner = inner.setdefault(member, {})
        inner[last] = fields[name]
    return result
