# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""NeMo's modules executed once more, with a fault or without, beside the real ones.

A copy is compiled from upstream's installed source and is in no table of modules: an import
statement in a copy that names another copied module gets the copy, also when it is executed
inside a function, and everything else gets what the real module would get.
"""

import ast
import builtins
import copy
import functools
import importlib.metadata
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

from hymt2.configs import table_of
from hymt2.errors import OracleError
from hymt2.mutants.bank import find_mutant
from hymt2.mutants.mutant import Edit, Mutant

VERSION = "0.7.0"

_COMPONENTS = "nemo_automodel.components"
MODULES: Mapping[str, tuple[str, ...]] = {
    "utils": (f"{_COMPONENTS}.moe.state_dict_utils",),
    "mixin": (f"{_COMPONENTS}.moe.state_dict_mixin",),
    "adapter": (
        f"{_COMPONENTS}.models.hy_mt2.state_dict_adapter",
        f"{_COMPONENTS}.models.hy_v3.state_dict_adapter",
    ),
}
"""Names of modules, each after those it imports."""

CLASSES = {"hy_mt2": "HyMT2StateDictAdapter", "hy_v3": "HYV3StateDictAdapter"}


def mutated_nemo(mutant_id: str) -> dict[str, type[Any]]:
    """NeMo's adapter classes by the name of the model, with that fault."""
    return load_adapters(find_mutant(mutant_id))


def load_adapters(mutant: Mutant | None) -> dict[str, type[Any]]:
    """Adapter classes of fresh copies of NeMo's modules; without a fault if there is no mutant."""
    check_version()
    copies: dict[str, ModuleType] = {}
    for kind, names in MODULES.items():
        for name in names:
            own = mutant if mutant is not None and mutant.module == kind else None
            copies[name] = _execute(name, compiled_with(own, name), copies)
    first, second = MODULES["adapter"]
    return {
        "hy_mt2": getattr(copies[first], CLASSES["hy_mt2"]),
        "hy_v3": getattr(copies[second], CLASSES["hy_v3"]),
    }


def load_adapter_of(layout: str, mutant: Mutant | None) -> type[Any]:
    """The adapter class of one layout's table, with a fault of the modules that it imports.

    Throws if the fault is one of Hy's own adapters, or the class does without the module.
    """
    if layout in CLASSES:
        return load_adapters(mutant)[layout]
    path, _, name = table_of(layout)["upstream"].rpartition(".")
    adapter, imported = _copied_adapter(f"{_COMPONENTS}.models.{path}", mutant)
    if mutant is not None and mutant.module not in imported:
        raise OracleError(
            f"mutant {mutant.id}: expected a module that the adapter of {layout} imports, found"
            f" {', '.join(MODULES[mutant.module])}; plant a fault of another module"
        )
    made: type[Any] = getattr(adapter, name)
    return made


def modules_of(layout: str) -> set[str]:
    """The kinds of modules whose faults can be planted in a layout's adapter."""
    if layout in CLASSES:
        return set(MODULES)
    path = table_of(layout)["upstream"].rpartition(".")[0]
    return _copied_adapter(f"{_COMPONENTS}.models.{path}", None)[1]


def _copied_adapter(name: str, mutant: Mutant | None) -> tuple[ModuleType, set[str]]:
    """A copy of an adapter's module, and the kinds of modules that were copied for it."""
    check_version()
    copies: dict[str, ModuleType] = {}
    adapter = _execute(name, _real_code(name), copies, mutant)
    return adapter, {kind for kind, names in MODULES.items() if copies.keys() & set(names)}


def compiled_with(mutant: Mutant | None, name: str) -> CodeType:
    """A module's code with a mutant's edits, or as it is."""
    return _real_code(name) if mutant is None else _compiled(mutated_tree(mutant, name), name)


def check_version() -> None:
    """The faults are described for one version of NeMo."""
    try:
        found = importlib.metadata.version("nemo-automodel")
    except importlib.metadata.PackageNotFoundError:
        found = "none"
    if found.split("+")[0] != VERSION:
        raise OracleError(f"nemo-automodel: expected version {VERSION}, found {found}")


def source_tree(name: str) -> ast.Module:
    """The syntax tree of an installed module."""
    return ast.parse(_source(name))


def mutated_tree(mutant: Mutant, name: str) -> ast.Module:
    """A module's tree with the edits of a mutant, each of which must find its one node."""
    tree = source_tree(name)
    try:
        # All nodes are found before any is changed: an edit does not move another's ordinals.
        nodes = [_find(tree, edit) for edit in mutant.edits]
        for node, edit in zip(nodes, mutant.edits):
            _change(tree, node, edit)
    except OracleError as error:
        raise OracleError(f"mutant {mutant.id}: {name}: {error}") from error
    return ast.fix_missing_locations(tree)


def _find(tree: ast.Module, edit: Edit) -> ast.AST:
    found = [node for node in ast.walk(tree) if _defines(node, edit.function)]
    if len(found) != 1:
        raise OracleError(f"{edit.function}: expected one definition, found {len(found)}")
    return edit.selector.find(found[0], edit.function)


def _change(tree: ast.Module, node: ast.AST, edit: Edit) -> None:
    replacement = edit.change(copy.deepcopy(node))
    if isinstance(replacement, ast.AST) and ast.dump(replacement) == ast.dump(node):
        raise OracleError(f"{edit.function}: the {edit.selector.what} stays as it is")
    replaced = _Replaced(node, replacement)
    replaced.visit(tree)
    if not replaced.is_done:
        raise OracleError(f"{edit.function}: another edit has changed the {edit.selector.what}")


def _defines(node: ast.AST, name: str) -> bool:
    match node:
        case ast.FunctionDef(name=found):
            return found == name
        case ast.AnnAssign(target=ast.Name(id=found)) | ast.Assign(targets=[ast.Name(id=found)]):
            # A module's constant, not a variable of a function.
            return found == name and node.col_offset == 0
    return False


class _Replaced(ast.NodeTransformer):
    def __init__(self, node: ast.AST, replacement: Any) -> None:
        self.node, self.replacement = node, replacement
        self.is_done = False

    def visit(self, node: ast.AST) -> Any:
        if node is not self.node:
            return self.generic_visit(node)
        self.is_done = True
        for made in self.replacement if isinstance(self.replacement, list) else [self.replacement]:
            ast.copy_location(made, node)
        return self.replacement


@functools.cache
def _source(name: str) -> bytes:
    return _path(name).read_bytes()


@functools.cache
def _path(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise OracleError(f"{name}: the module is not installed")
    return Path(spec.origin)


@functools.cache
def _real_code(name: str) -> CodeType:
    return _compiled(source_tree(name), name)


def _compiled(tree: ast.Module, name: str) -> CodeType:
    return compile(tree, str(_path(name)), "exec")


def _execute(
    name: str, code: CodeType, copies: dict[str, ModuleType], mutant: Mutant | None = None
) -> ModuleType:
    """A copy of a module. It gets copies of those of the mixin and its helpers that it imports."""

    def copied(wanted: str) -> ModuleType | None:
        for kind in ("utils", "mixin"):
            if wanted in MODULES[kind] and wanted not in copies:
                own = mutant if mutant is not None and mutant.module == kind else None
                copies[wanted] = _execute(wanted, compiled_with(own, wanted), copies, mutant)
        return copies.get(wanted)

    def import_copy(
        wanted: str, scope: Any = None, local: Any = None, names: Any = (), level: int = 0
    ) -> Any:
        if copy_of := copied(wanted):
            return copy_of
        real = builtins.__import__(wanted, scope, local, names, level)
        # `from package import module` asks the package for the module.
        inner = {each: copied(f"{wanted}.{each}") for each in names or ()}
        found = {each: module for each, module in inner.items() if module}
        return SimpleNamespace(**{**vars(real), **found}) if found else real

    module = ModuleType(name)
    module.__file__ = code.co_filename
    module.__dict__["__builtins__"] = {**vars(builtins), "__import__": import_copy}
    exec(code, module.__dict__)
    return module
