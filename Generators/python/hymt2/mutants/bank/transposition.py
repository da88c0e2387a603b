# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Faults in transpositions."""

import ast

from hymt2.mutants.changes import becomes, calling
from hymt2.mutants.mutant import Mutant, edits
from hymt2.mutants.selectors import call, of_kind

MERGE, SPLIT = "_from_hf_w_merged_experts", "_convert_single_merged_expert_to_hf_split_experts"

# In MERGE: gate, up, up of non-gated experts, down.
_GATE, _UP, _ONLY_UP, _DOWN = (call("transpose", at, 4) for at in range(4))
# In SPLIT, in pairs (for a checkpoint that is loaded, and else): gate, up, up of non-gated, down.
_SAVED_GATE, _SAVED_UP, _SAVED_ONLY_UP, _SAVED_DOWN = (
    call("transpose", at, 8) for at in (2, 3, 5, 7)
)
_UNLESS_SQUARE = becomes("_r if _r.shape[0] == _r.shape[1] else _")
_RESHAPED = becomes("_r.reshape(_r.shape[1], _r.shape[0])")

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "transpose-missing-down-load", "down is not transposed on load", "transpose", "mixin",
        edits((MERGE, _DOWN, becomes("_r"))),
        witness="model",
    ),
    Mutant(
        "transpose-missing-down-save", "down is not transposed on save", "transpose", "mixin",
        edits((SPLIT, _SAVED_DOWN, becomes("_r"))),
        witness="model",
    ),
    Mutant(
        "transpose-missing-up-load", "up is not transposed on load", "transpose", "mixin",
        edits((MERGE, _UP, becomes("_r"))),
        witness="model",
    ),
    Mutant(
        "transpose-missing-gate-save", "gate is not transposed on save", "transpose", "mixin",
        edits((SPLIT, _SAVED_GATE, becomes("_r"))),
        witness="model",
    ),
    Mutant(
        "transpose-missing-non-gated-load", "up of non-gated experts is not transposed on load",
        "transpose", "mixin",
        edits((MERGE, _ONLY_UP, becomes("_r"))),
        witness="activation-relu2",
    ),
    Mutant(
        "transpose-missing-non-gated-save", "up of non-gated experts is not transposed on save",
        "transpose", "mixin",
        edits((SPLIT, _SAVED_ONLY_UP, becomes("_r"))),
        witness="activation-relu2",
    ),
    Mutant(
        "transpose-square-down-load", "a square down is not transposed on load",
        "transpose-square", "mixin",
        edits((MERGE, _DOWN, _UNLESS_SQUARE)),
        witness="sizes-square",
    ),
    Mutant(
        "transpose-square-down-save", "a square down is not transposed on save",
        "transpose-square", "mixin",
        edits((SPLIT, _SAVED_DOWN, _UNLESS_SQUARE)),
        witness="sizes-square",
    ),
    Mutant(
        "transpose-square-down-both", "a square down is not transposed, in both directions",
        "transpose-square", "mixin",
        edits((MERGE, _DOWN, _UNLESS_SQUARE), (SPLIT, _SAVED_DOWN, _UNLESS_SQUARE)),
        witness="sizes-square", is_self_consistent=True,
    ),
    Mutant(
        "transpose-square-gate-up-both",
        "square gate and up are not transposed, in both directions", "transpose-square", "mixin",
        edits(
            (MERGE, _GATE, _UNLESS_SQUARE), (MERGE, _UP, _UNLESS_SQUARE),
            (SPLIT, _SAVED_GATE, _UNLESS_SQUARE), (SPLIT, _SAVED_UP, _UNLESS_SQUARE),
        ),
        witness="sizes-square", is_self_consistent=True,
    ),
    Mutant(
        "transpose-square-up-load", "a square up is not transposed on load",
        "transpose-square", "mixin",
        edits((MERGE, _UP, _UNLESS_SQUARE)),
        witness="sizes-square",
    ),
    Mutant(
        "reshape-down-load", "down is reshaped, not transposed, on load", "reshape", "mixin",
        edits((MERGE, _DOWN, _RESHAPED)),
        witness="model",
    ),
    Mutant(
        "reshape-down-both", "down is reshaped, not transposed, in both directions",
        "reshape", "mixin",
        edits((MERGE, _DOWN, _RESHAPED), (SPLIT, _SAVED_DOWN, _RESHAPED)),
        witness="model", is_self_consistent=True,
    ),
    Mutant(
        "reshape-gate-up-both", "gate and up are reshaped, not transposed, in both directions",
        "reshape", "mixin",
        edits(
            (MERGE, _GATE, _RESHAPED), (MERGE, _UP, _RESHAPED),
            (SPLIT, _SAVED_GATE, _RESHAPED), (SPLIT, _SAVED_UP, _RESHAPED),
        ),
        witness="model", is_self_consistent=True,
    ),
    Mutant(
        "transpose-in-place", "the caller's down projections are transposed in place",
        "input-changed", "mixin",
        edits((MERGE, _DOWN, calling("transpose_"))),
        witness="model",
    ),
    Mutant(
        "down-width-last-axis", "grouped down is recognised by its last axis", "shape", "mixin",
        edits((SPLIT, of_kind(ast.Subscript, mentions="shape tensor"), becomes("_0[2]"))),
        witness="model",
    ),
)  # fmt: skip
