# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""What a planted fault is."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from hymt2.mutants.changes import Change
from hymt2.mutants.selectors import Selector

Module = Literal["adapter", "mixin", "utils"]
"""`adapter` is the module of both models, which are twins: each gets the same fault."""


class Edit(NamedTuple):
    """A function (or a module's constant), a node in it, and what becomes of it."""

    function: str
    selector: Selector
    change: Change


@dataclass(frozen=True)
class Mutant:
    """One fault; it takes several edits only where directions are wrong alike."""

    id: str
    title: str
    fault_class: str
    module: Module
    edits: tuple[Edit, ...]
    witness: str = ""
    """The case that shows it (`cases.py`)."""
    is_self_consistent: bool = False
    """Whether loading and saving are wrong alike: what the witness is loaded and saved as is right,
    though its native tensors are wrong."""
    equivalent: str | None = None
    """Why no valid checkpoint can show it."""

    @property
    def functions(self) -> list[str]:
        return list(dict.fromkeys(edit.function for edit in self.edits))


def edits(*triples: tuple[str, Selector, Change]) -> tuple[Edit, ...]:
    return tuple(Edit(*triple) for triple in triples)
