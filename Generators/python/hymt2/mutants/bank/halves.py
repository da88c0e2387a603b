# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Faults in which half of a grouped tensor is gate and which is up."""

import ast

from hymt2.mutants.changes import becomes, tested
from hymt2.mutants.mutant import Mutant, edits
from hymt2.mutants.selectors import branch, call, of_kind

MERGE, SPLIT = "_from_hf_w_merged_experts", "_convert_single_merged_expert_to_hf_split_experts"
FILL = "_direct_fill_grouped_expert_tensor"

_JOINED = call("append", mentions="gate_t up_t")
# What SPLIT makes the views of gate and up of, when nothing is loaded in place.
_GATE, _UP = (of_kind(ast.Subscript, at, 4, mentions="inter_dim w") for at in (2, 3))
_SAVED_GATE = call("checkpoint_load_destination", mentions="w_gate_view")
_SAVED_UP = call("checkpoint_load_destination", mentions="w_up_view")
_AS_GATE, _AS_UP = becomes("_f(w_gate_view, w)"), becomes("_f(w_up_view, w)")

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "halves-exchanged-load", "up stands before gate on load", "halves", "mixin",
        edits((MERGE, _JOINED, becomes("_f(_0[::-1])"))),
        witness="model",
    ),
    Mutant(
        "halves-exchanged-save", "the first half is saved as up", "halves", "mixin",
        edits((SPLIT, _SAVED_GATE, _AS_UP), (SPLIT, _SAVED_UP, _AS_GATE)),
        witness="model",
    ),
    Mutant(
        "halves-exchanged-both", "up stands before gate, in both directions", "halves", "mixin",
        edits(
            (MERGE, _JOINED, becomes("_f(_0[::-1])")),
            (SPLIT, _SAVED_GATE, _AS_UP), (SPLIT, _SAVED_UP, _AS_GATE),
        ),
        witness="model", is_self_consistent=True,
    ),
    Mutant(
        "halves-exchanged-wide-both",
        "up stands before gate if the hidden size is twice the width, in both directions",
        "halves", "mixin",
        edits(
            (MERGE, _JOINED,
             becomes("_f(_0[::-1] if gate_t.shape[0] == 2 * gate_t.shape[1] else _0)")),
            (SPLIT, _SAVED_GATE,
             becomes("_f(w_up_view if w.shape[0] == w.shape[1] else _0, w)")),
            (SPLIT, _SAVED_UP,
             becomes("_f(w_gate_view if w.shape[0] == w.shape[1] else _0, w)")),
        ),
        witness="sizes-wide-square", is_self_consistent=True,
    ),
    Mutant(
        "halves-exchanged-last-expert", "up stands before gate in the last expert, on load",
        "halves", "mixin",
        edits((MERGE, _JOINED, becomes("_f(_0[::-1] if expert_id == expert_ids[-1] else _0)"))),
        witness="model",
    ),
    Mutant(
        "halves-interleaved-both", "columns of gate and up alternate, in both directions",
        "halves", "mixin",
        edits(
            (FILL, call("cat"),
             becomes("grouped[expert_index].copy_(torch.stack(_0, dim=-1).flatten(1))")),
            (SPLIT, _GATE, becomes("_0[:, 0::2]")), (SPLIT, _UP, becomes("_0[:, 1::2]")),
        ),
        witness="model", is_self_consistent=True,
    ),
    Mutant(
        "halves-gate-twice-load", "gate stands in the place of up on load", "halves", "mixin",
        edits((MERGE, _JOINED, becomes("_f((_0[0], _0[0]))"))),
        witness="model",
    ),
    Mutant(
        "halves-gate-twice-save", "gate is saved in the place of up", "halves", "mixin",
        edits((SPLIT, _SAVED_UP, _AS_GATE)),
        witness="model",
    ),
    Mutant(
        "halves-offset-up", "up is taken from one column before its own on save",
        "offset", "mixin",
        edits((SPLIT, _UP, becomes("_0[:, inter_dim - 1 : -1]"))),
        witness="model",
    ),
    Mutant(
        "halves-offset-gate", "gate is taken from one column after its own on save",
        "offset", "mixin",
        edits((SPLIT, _GATE, becomes("_0[:, 1 : inter_dim + 1]"))),
        witness="model",
    ),
    Mutant(
        "halves-of-hidden", "half the hidden size is taken for the experts' width on save",
        "offset", "mixin",
        edits((SPLIT, _GATE, becomes("_0[:, : w.shape[0] // 2]"))),
        witness="model",
    ),
    Mutant(
        "gated-swiglu-only", "of the gated activations only swiglu is known", "activation",
        "mixin",
        edits(("_is_gated_moe", call("is_gated_activation"), becomes("_0 == 'swiglu'"))),
        witness="activation-geglu",
    ),
    Mutant(
        "gated-by-prefix", "an activation is gated if its name begins with swi", "activation",
        "mixin",
        edits(("_is_gated_moe", call("is_gated_activation"), becomes("_0.startswith('swi')"))),
        witness="activation-geglu",
    ),
    Mutant(
        "non-gated-skips-up", "of non-gated experts the wrong projection is skipped",
        "activation", "mixin",
        edits((MERGE, branch(mentions="is_gated which gate_proj"),
               tested("not is_gated and which == 'up_proj'"))),
        witness="activation-relu2",
    ),
)  # fmt: skip
