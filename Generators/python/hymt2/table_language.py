# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The small language of the layout tables: sizes, conditions, kinds of layers, braces, places."""

import ast
import itertools
import operator
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from hymt2.errors import OracleError

OPERATORS: dict[type, Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Mod: operator.mod,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class Axis(NamedTuple):
    """An index of a native tensor: a coefficient, the letter of an index on disk, what is added."""

    coefficient: int
    letter: str
    added: int
    halves: int | None = None
    """Twice what is added, where halves are exchanged: `(I + j) % (2 * I)`."""

    def index(self, number: Any) -> Any:
        """The native index of one on disk, or of an array or tensor of such."""
        sum_ = self.coefficient * number + self.added
        return sum_ if self.halves is None else sum_ % self.halves


Fields = Mapping[str, Any]
"""The fields of config.json that a table speaks of."""


def stated(fields: Fields, name: str) -> Any:
    """The value of a field, None where it is absent; dots lead into objects."""
    found: Any = fields
    for member in name.split("."):
        found = found.get(member) if isinstance(found, Mapping) else None
    return found


def evaluate(text: Any, values: Mapping[str, Any]) -> Any:
    """The value of an expression or a condition; a division has to leave no remainder."""

    def visit(node: ast.AST) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return values[node.id]
            case ast.UnaryOp(op=ast.Not()):
                return not visit(node.operand)
            case ast.BoolOp():
                return (all if isinstance(node.op, ast.And) else any)(map(visit, node.values))
            case ast.Compare():
                return OPERATORS[type(node.ops[0])](visit(node.left), visit(node.comparators[0]))
            case ast.BinOp(op=ast.Div()):
                quotient, rest = divmod(visit(node.left), visit(node.right))
                if rest:
                    raise OracleError(f"{text}: the division leaves {rest}")
                return quotient
            case ast.BinOp():
                return OPERATORS[type(node.op)](visit(node.left), visit(node.right))
        raise OracleError(f"{text}: not an expression of a layout table")

    return visit(_parsed(str(text).strip()))


@cache
def _parsed(text: str) -> ast.AST:
    """The syntax tree of an expression; the same ones come up for every tensor."""
    return ast.parse(text, mode="eval").body


def expand(text: str) -> list[tuple[str, tuple[int, ...]]]:
    """The texts that `{a,b}` stands for, each with the number of the alternative at each brace."""
    pieces = re.split(r"\{([^{}]*,[^{}]*)\}", text)
    choices = [list(enumerate(piece.split(","))) for piece in pieces[1::2]]
    result = []
    for chosen in itertools.product(*choices):
        pieces[1::2] = [word.strip() for _, word in chosen]
        result.append(("".join(pieces), tuple(number for number, _ in chosen)))
    return result


def read_sizes(table: Mapping[str, Any], fields: Fields, gated: bool) -> dict[str, int]:
    """The value of every size; those written as expressions follow from the ones before them."""
    sizes: dict[str, int] = {}
    for symbol, source in table["sizes"].items():
        if source == "gated":
            sizes[symbol] = int(gated)
            continue
        default = source.get("default") if isinstance(source, dict) else None
        if isinstance(source, dict):
            names = [source["field"], *filter(None, [source.get("alias")])]
        else:
            names = source if isinstance(source, list) else [source]
        found = {stated(fields, name) for name in names} - {None}
        if len(found) > 1:
            raise OracleError(f"{symbol}: {names} differ: {sorted(found)}")
        if not found and isinstance(source, str) and not re.fullmatch("[a-z_][a-z_0-9.]*", source):
            default = source
        if not found and default is None:
            raise OracleError(f"{symbol}: the config has none of {names}")
        sizes[symbol] = found.pop() if found else evaluate(default, sizes)
    return sizes


def sizes_in_layer(table: Mapping[str, Any], fields: Fields, layer: int | None) -> dict[str, int]:
    """The number L, and the sizes that a list in the config makes other ones in this layer."""
    if layer is None:
        return {}
    sizes = {"L": layer}
    for symbol, source in table["sizes"].items():
        other = source.get("in layers") if isinstance(source, dict) else None
        if not other:
            continue
        listed = next(other[key] for key in ("list", "where", "numbers") if key in other)
        kinds = stated(fields, listed) or []
        if "list" in other:
            sizes |= {symbol: kinds[layer]} if layer < len(kinds) else {}
            continue
        if "numbers" in other:
            is_other = layer + other["first"] in kinds
        else:
            is_other = layer < len(kinds) and kinds[layer] == other["is"]
        found = stated(fields, other["field"]) if "field" in other else other["value"]
        if is_other and found is not None:
            sizes[symbol] = found
    return sizes


def read_flags(table: Mapping[str, Any], fields: Fields) -> dict[str, bool]:
    """The value of every flag."""
    flags = {}
    for name, source in table.get("flags", {}).items():
        said = source if isinstance(source, dict) else {"default": source}
        found = stated(fields, said.get("field", name))
        flags[name] = said["default"] if found is None else found
    return flags


def named_kinds(layers: Mapping[str, Any]) -> set[str]:
    """The names that the table gives kinds of layers."""
    forms = layers.get("sparse", "all")
    listed = forms if isinstance(forms, list) else [forms]
    return {name for form in listed if "named" in form for name in form["named"]}


def read_kinds(layers: Mapping[str, Any], fields: Fields) -> list[str]:
    """The kind of each layer, MTP layers after the others."""
    count = fields[layers["count"]]
    forms = layers.get("sparse", "all")
    found = []
    for form in forms if isinstance(forms, list) else [forms]:
        sparse = _sparse(form, fields, count)
        if sparse is not None and "named" in form:
            found.append(_named(form["named"], fields[form["kinds"]]))
        elif sparse is not None:
            found.append(["sparse" if s else "dense" for s in sparse])
    if not found or any(kinds != found[0] for kinds in found):
        raise OracleError(f"which layers have experts: the config says {found or 'nothing'}")
    extra = layers.get("mtp", {}).get("count")
    return found[0] + ["mtp"] * ((fields.get(extra) or 0) if extra else 0)


def _named(names: Mapping[str, Any], said: Sequence[str]) -> list[str]:
    """The kinds of layers by their names in the table, from a list or the letters of a text."""
    kinds = {}
    for name, texts in names.items():
        kinds |= dict.fromkeys(texts if isinstance(texts, list) else [texts], name)
    return [kinds[text] for text in said]


def _sparse(form: Any, fields: Fields, count: int) -> list[bool] | None:
    """Which layers have experts, or None where the config does not say."""
    if form == "all":
        return [True] * count

    def value(key: str) -> Any:
        found = fields.get(form[key])
        return form.get("default") if found is None else found

    if "except" in form:
        dense, step = value("except") or [], fields.get(form.get("step"), 1)
        return [layer not in dense and (layer + 1) % step == 0 for layer in range(count)]
    said = value(next(key for key in ("from", "kinds", "only") if key in form))
    if said is None:
        return None
    if "from" in form:
        return [layer >= said for layer in range(count)]
    if "kinds" in form:
        return [kind in ("sparse", 1) for kind in said[:count]]
    numbers = said.split(",") if isinstance(said, str) else said
    return [layer in {int(n) for n in numbers} for layer in range(count)]


def parallel(text: str, chosen: tuple[int, ...]) -> str:
    """A native name with the alternatives that were chosen in the name on disk."""
    return next(name for name, numbers in expand(text) if numbers == chosen[: len(numbers)])


def read_dim(dim: Any) -> tuple[str, Any]:
    """A dimension's index letter, empty if it has none, and its size."""
    if isinstance(dim, dict):
        return next(iter(dim.items()))
    return (dim.lower() if re.fullmatch("[A-Z][A-Z0-9]*", str(dim)) else "", dim)


def read_place(
    text: str, letters: set[str], values: Mapping[str, Any]
) -> tuple[str, tuple[Axis, ...] | None]:
    """The name of `NAME` or `NAME[e, h, I + i]`, and the indexes if there are any."""
    key, bracket, formula = text.rstrip("]").partition("[")
    if not bracket:
        return key, None
    zeros = dict.fromkeys(letters, 0)
    axes = []
    for text in formula.split(","):
        axis, halves, modulus = text.partition("%")
        added = evaluate(axis, {**values, **zeros})
        steps = {x: evaluate(axis, {**values, **zeros, x: 1}) - added for x in sorted(letters)}
        moving = [(step, letter) for letter, step in steps.items() if step]
        if len(moving) > 1:
            raise OracleError(f"{key}: {axis.strip()} has more than one index letter")
        whole = evaluate(modulus, values) if halves else None
        axes.append(Axis(*(moving[0] if moving else (0, "")), added, whole))
    return key, tuple(axes)
