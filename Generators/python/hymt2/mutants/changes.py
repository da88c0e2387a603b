# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""What a mutation makes of the node it found.

A new expression is a template in which `_` is the old one, `_0`, `_1` ... are its parts (arguments,
operands), `_f` is the function it calls and `_r` the object whose method that is.
"""

import ast
import copy
import re
from collections.abc import Callable
from typing import Any

from hymt2.errors import OracleError

Change = Callable[[Any], ast.AST | list[ast.stmt]]
"""Makes the new node, or statements, of a copy of the old node."""


def becomes(template: str) -> Change:
    """Another expression."""
    return lambda node: _expression(template, node)


def argument(position: int, template: str) -> Change:
    """A call with another argument; `_` is the old one."""

    def change(node: Any) -> ast.AST:
        node.args[position] = _expression(template, node.args[position])
        return node

    return change


def keyword(name: str, template: str) -> Change:
    """A call with another value of a keyword argument."""

    def change(node: Any) -> ast.AST:
        (found,) = (given for given in node.keywords if given.arg == name)
        found.value = _expression(template, found.value)
        return node

    return change


def field(name: str, template: str) -> Change:
    """A statement with another test, iterable or value."""

    def change(node: Any) -> ast.AST:
        setattr(node, name, _expression(template, getattr(node, name)))
        return node

    return change


def tested(template: str) -> Change:
    """An `if` with another test."""
    return field("test", template)


def valued(template: str) -> Change:
    """A statement with another value."""
    return field("value", template)


def calling(name: str) -> Change:
    """A call of another function or method of the same module or object."""

    def change(node: Any) -> ast.AST:
        if isinstance(node.func, ast.Attribute):
            node.func.attr = name
        else:
            node.func = ast.Name(name, ast.Load())
        return node

    return change


def reworded(old: str, new: str) -> Change:
    """A string whose part, which it has once, is another."""

    def change(node: Any) -> ast.AST:
        if node.value.count(old) != 1:
            raise OracleError(f"expected {old!r} once in {node.value!r}")
        node.value = node.value.replace(old, new)
        return node

    return change


def instead(statements: str) -> Change:
    """Other statements."""
    return lambda node: _statements(statements, node)


def preceded_by(statements: str) -> Change:
    """The statement, and others before it."""
    return lambda node: [*_statements(statements, node), node]


def _expression(template: str, node: Any) -> ast.expr:
    return _Filled(node).visit(ast.parse(template, mode="eval").body)


def _statements(template: str, node: Any) -> list[ast.stmt]:
    return [_Filled(node).visit(statement) for statement in ast.parse(template).body]


class _Filled(ast.NodeTransformer):
    """Puts an old node and its parts in the place of the names that stand for them."""

    def __init__(self, node: Any) -> None:
        self.node = node

    def visit_Name(self, name: ast.Name) -> ast.AST:
        if re.fullmatch(r"_(f|r|\d*)", name.id) is None:
            return name
        match name.id[1:]:
            case "":
                part = self.node
            case "f":
                part = self.node.func
            case "r":
                part = self.node.func.value
            case position:
                part = _parts(self.node)[int(position)]
        return copy.deepcopy(part)


def _parts(node: Any) -> list[ast.expr]:
    match node:
        case ast.Call():
            return node.args
        case ast.Compare():
            return [node.left, *node.comparators]
        case ast.BinOp():
            return [node.left, node.right]
        case ast.BoolOp():
            return node.values
        case ast.IfExp():
            return [node.test, node.body, node.orelse]
        case ast.Subscript():
            return [node.value, node.slice]
        case ast.Tuple() | ast.List():
            return node.elts
    raise OracleError(f"{type(node).__name__} has no numbered parts")
