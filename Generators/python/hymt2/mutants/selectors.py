# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Which node of a function a mutation changes, said by its structure.

Nothing of upstream's source is repeated here: a node is found by its kind, the name it calls, reads
or assigns, the operator or constant it holds, and its ordinal among all that fit.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from hymt2.errors import OracleError


@dataclass(frozen=True)
class Selector:
    """The node number `at` of exactly `of` that fit, in the order of the source."""

    what: str
    fits: Callable[[ast.AST], bool]
    at: int
    of: int
    outer: "Selector | None" = None

    def inside(self, outer: "Selector") -> "Selector":
        """The same, looked for within another node only."""
        return replace(self, outer=outer)

    def find(self, root: ast.AST, where: str) -> ast.AST:
        """The one node; an error that names the mutation if there are not as many as expected."""
        if self.outer is not None:
            root = self.outer.find(root, where)
        found = [node for node in _in_order(root) if self.fits(node)]
        if len(found) != self.of:
            raise OracleError(f"{where}: expected {self.of} x {self.what}, found {len(found)}")
        return found[self.at]


def call(name: str, at: int = 0, of: int = 1, mentions: str = "") -> Selector:
    """A call of a function or method of that name."""

    def fits(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and _name(node.func) == name

    return _selector(f"call of {name}", fits, at, of, mentions)


def compare(operator: str, at: int = 0, of: int = 1, mentions: str = "") -> Selector:
    """A comparison whose first operator is of that class of `ast`."""

    def fits(node: ast.AST) -> bool:
        return isinstance(node, ast.Compare) and type(node.ops[0]).__name__ == operator

    return _selector(f"comparison {operator}", fits, at, of, mentions)


def arithmetic(operator: str, at: int = 0, of: int = 1, mentions: str = "") -> Selector:
    """A binary operation of that class of `ast`."""

    def fits(node: ast.AST) -> bool:
        return isinstance(node, ast.BinOp) and type(node.op).__name__ == operator

    return _selector(f"operation {operator}", fits, at, of, mentions)


def text(part: str, at: int = 0, of: int = 1) -> Selector:
    """A string, or a piece of a formatted one, with that part."""

    def fits(node: ast.AST) -> bool:
        return isinstance(node, ast.Constant) and isinstance(node.value, str) and part in node.value

    return Selector(f"text with {part!r}", fits, at, of)


def branch(at: int = 0, of: int = 1, mentions: str = "") -> Selector:
    """An `if` whose test mentions those words."""
    return _selector("if", lambda node: isinstance(node, ast.If), at, of, mentions)


def loop(at: int = 0, of: int = 1, mentions: str = "") -> Selector:
    """A `for` statement whose target and iterable mention those words."""
    return _selector("for", lambda node: isinstance(node, ast.For), at, of, mentions)


def assigned(target: str, at: int = 0, of: int = 1, mentions: str = "") -> Selector:
    """An assignment to a name, or to an element or attribute of something of that name."""

    def fits(node: ast.AST) -> bool:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        return isinstance(node, ast.Assign | ast.AnnAssign) and _name(targets[0]) == target

    return _selector(f"assignment to {target}", fits, at, of, mentions)


def of_kind(kind: type[ast.AST], at: int = 0, of: int = 1, mentions: str = "") -> Selector:
    """A node of a class of `ast`."""
    return _selector(kind.__name__, lambda node: isinstance(node, kind), at, of, mentions)


def _selector(
    what: str, fits: Callable[[ast.AST], bool], at: int, of: int, mentions: str
) -> Selector:
    wanted = set(mentions.split())
    if not wanted:
        return Selector(what, fits, at, of)
    return Selector(
        f"{what} that mentions {mentions}",
        lambda node: fits(node) and wanted <= set(_words(node)),
        at,
        of,
    )


def _in_order(root: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(root):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue  # a docstring
        yield child
        yield from _in_order(child)


def _name(node: Any) -> str:
    """The last name of `a`, `x.a`, `a[i]` or `x.a[i]`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value):
            return _name(value)
    return ""


def _words(node: ast.AST) -> Iterator[str]:
    """Names, attributes and constants; of a compound statement, those of its head."""
    heads = {ast.If: ("test",), ast.For: ("target", "iter")}.get(type(node))
    roots = [getattr(node, field) for field in heads] if heads else [node]
    for part in (part for root in roots for part in ast.walk(root)):
        match part:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.keyword(arg=str(word)):
                yield word
            case ast.Constant(value=value):
                yield str(value)
