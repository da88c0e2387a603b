# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Faults in low-rank factors of experts."""

import ast

from hymt2.mutants.changes import becomes, instead, reworded, valued
from hymt2.mutants.mutant import Mutant, edits
from hymt2.mutants.selectors import assigned, call, compare, of_kind, text

JOIN, SPLIT = "_recombine_lora_expert_keys", "_convert_lora_expert_to_hf"
FUSED = "_convert_paramwrapper_to_native"

_FACTORS_EXCHANGED_ON_LOAD = (
    JOIN, of_kind(ast.IfExp, mentions="lora_down_A"), becomes("_2 if _0 else _1"),
)  # fmt: skip
_B_HALVES_EXCHANGED_ON_LOAD = (
    JOIN, of_kind(ast.List, mentions="gate_ts up_ts"), becomes("[_1, _0]"),
)  # fmt: skip

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "lora-down-exchanged-load", "factors A and B of down are exchanged on load",
        "lora", "mixin",
        edits(_FACTORS_EXCHANGED_ON_LOAD),
        witness="lora",
    ),
    Mutant(
        "lora-down-exchanged-both", "factors A and B of down are exchanged, in both directions",
        "lora", "mixin",
        edits(
            _FACTORS_EXCHANGED_ON_LOAD,
            (SPLIT, text(".down_proj.lora_A"), reworded("_A", "_B")),
            (SPLIT, text(".down_proj.lora_B"), reworded("_B", "_A")),
        ),
        witness="lora", is_self_consistent=True,
    ),
    Mutant(
        "lora-halves-load", "factor B of up stands before that of gate on load", "lora", "mixin",
        edits(_B_HALVES_EXCHANGED_ON_LOAD),
        witness="lora",
    ),
    Mutant(
        "lora-halves-both", "factor B of up stands before that of gate, in both directions",
        "lora", "mixin",
        edits(
            _B_HALVES_EXCHANGED_ON_LOAD,
            (SPLIT, of_kind(ast.Subscript, 0, 2, "inter_dim w"), becomes("_0[:, inter_dim:]")),
            (SPLIT, of_kind(ast.Subscript, 1, 2, "inter_dim w"), becomes("_0[:, :inter_dim]")),
        ),
        witness="lora", is_self_consistent=True,
    ),
    Mutant(
        "lora-gate-twice", "factor B of gate stands in the place of that of up", "lora", "mixin",
        edits((JOIN, assigned("up_ts"), valued("gate_ts"))),
        witness="lora",
    ),
    Mutant(
        "lora-up-not-saved", "factor A of up is not saved", "lora", "mixin",
        edits((SPLIT, call("append", 1, 8), becomes("None"))),
        witness="lora",
    ),
    Mutant(
        "lora-arrival-order", "factors are joined in the order of the file", "lora", "mixin",
        edits((JOIN, call("sorted"), becomes("list(_0)"))),
        witness="lora",
    ),
    Mutant(
        "lora-text-order", "factors are joined in the order of the experts' text",
        "lora", "mixin",
        edits((JOIN, call("sorted"), becomes("sorted(_0, key=str)"))),
        witness="extra-lora-11-experts",
    ),
    Mutant(
        "lora-not-transposed", "factors of down are not transposed on load", "lora", "mixin",
        edits((JOIN, call("transpose", 4, 5), becomes("_r"))),
        witness="lora",
    ),
    Mutant(
        "lora-square-both", "factors of down that are square are not transposed, both directions",
        "lora", "mixin",
        edits(
            (JOIN, call("transpose", 4, 5), becomes("_r if _r.shape[0] == _r.shape[1] else _")),
            (SPLIT, call("transpose", 4, 6), becomes("_r if _r.shape[0] == _r.shape[1] else _")),
            (SPLIT, call("transpose", 5, 6), becomes("_r if _r.shape[0] == _r.shape[1] else _")),
        ),
        witness="extra-lora-square", is_self_consistent=True,
    ),
    Mutant(
        "lora-prefix-lost", "factors lose their prefix on load", "lora", "mixin",
        edits((JOIN, assigned("base_key"), valued("_[len(prefix):]"))),
        witness="lora",
    ),
    Mutant(
        "lora-one-digit", "an expert's number has one digit in names of factors",
        "digits", "mixin",
        edits((JOIN, text("(?P<expert>"), reworded(r"(?P<expert>\d+)", r"(?P<expert>\d)"))),
        witness="extra-lora-11-experts", is_self_consistent=True,
    ),
    Mutant(
        "lora-suffix-forgotten", "a group of factors B of down is saved as it is", "lora", "mixin",
        edits(("_LORA_EXPERT_SUFFIXES", text("lora_down_B"), reworded("_B", "_b"))),
        witness="lora",
    ),
    Mutant(
        "lora-down-a-twice", "factor B of down is saved under the name of A", "lora", "mixin",
        edits((SPLIT, text(".down_proj.lora_B"), reworded("_B", "_A"))),
        witness="lora",
    ),
    Mutant(
        "fused-layout-inverted", "the layout that shapes tell is taken for the other",
        "lora-fused", "mixin",
        edits((FUSED, assigned("swapped", 1, 2), valued("not _"))),
        witness="lora-peft-0-19-1",
    ),
    Mutant(
        "fused-layout-guessed", "a layout that nothing tells is taken for the newer",
        "lora-fused", "mixin",
        edits((FUSED, of_kind(ast.Raise, 3, 4), instead("swapped = True"))),
        witness="refused-ambiguous-factors",
    ),
    Mutant(
        "fused-hint-ignored", "the layout that the adapter's file names is ignored",
        "lora-fused", "mixin",
        edits((FUSED, assigned("layout_hint"), valued("None"))),
        witness="extra-lora-hint",
    ),
    Mutant(
        "fused-hint-inverted", "the layout that the adapter's file names is taken for the other",
        "lora-fused", "mixin",
        edits((FUSED, compare("Eq", mentions="layout_hint"), becomes("_0 != _1"))),
        witness="extra-lora-hint",
    ),
    Mutant(
        "fused-rank-first-a", "factor A of down is taken for ranks of experts", "lora-fused",
        "mixin",
        edits((FUSED, call("reshape", 0, 8),
               becomes("_r.reshape(_1, _0, _2).transpose(0, 1)"))),
        witness="lora-peft-0-19-1",
    ),
    Mutant(
        "fused-expert-first-b", "factor B of gate and up is taken for experts of ranks",
        "lora-fused", "mixin",
        edits((FUSED, call("reshape", 6, 8),
               becomes("_r.reshape(_0, _2, _1).transpose(1, 2)"))),
        witness="lora-peft-0-19-1",
    ),
    Mutant(
        "fused-legacy-expert-first", "factor B of down is taken for experts of ranks, older layout",
        "lora-fused", "mixin",
        edits((FUSED, call("reshape", 3, 8),
               becomes("_r.reshape(_0, _2, _1).transpose(1, 2)"))),
        witness="lora-peft-0-18",
    ),
    Mutant(
        "fused-kept", "fused factors stay beside the groups that are made of them",
        "lora-fused", "mixin",
        edits((FUSED, call("add", 4, 5), becomes("None"))),
        witness="lora-peft-0-19-1",
    ),
)  # fmt: skip
