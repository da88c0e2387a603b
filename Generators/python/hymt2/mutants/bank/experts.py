# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Faults in which expert goes where, and in the order of keys."""

import ast

from hymt2.mutants.changes import becomes, field, tested, valued
from hymt2.mutants.mutant import Mutant, edits
from hymt2.mutants.selectors import assigned, branch, call, compare, loop, of_kind

MERGE, DIVIDE = "_from_hf_w_merged_experts", "_split_experts_weights"
FILL = "_direct_fill_grouped_expert_tensor"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "order-text-gate-up", "experts' gate and up are joined in the order of their text",
        "expert-order", "mixin",
        edits((MERGE, call("sorted", 0, 2), becomes("sorted(_0, key=str)"))),
        witness="experts-11",
    ),
    Mutant(
        "order-text-down", "experts' down are joined in the order of their text",
        "expert-order", "mixin",
        edits((MERGE, call("sorted", 1, 2), becomes("sorted(_0, key=str)"))),
        witness="experts-11",
    ),
    Mutant(
        "order-arrival-gate-up", "experts' gate and up are joined in the order of the file",
        "expert-order", "mixin",
        edits((MERGE, call("sorted", 0, 2), becomes("list(_0)"))),
        witness="order-reversed",
    ),
    Mutant(
        "order-arrival-down", "experts' down are joined in the order of the file",
        "expert-order", "mixin",
        edits((MERGE, call("sorted", 1, 2), becomes("list(_0)"))),
        witness="order-reversed",
    ),
    Mutant(
        "order-text-both", "experts are in the order of their text, in both directions",
        "expert-order", "mixin",
        edits(
            (MERGE, call("sorted", 0, 2), becomes("sorted(_0, key=str)")),
            (MERGE, call("sorted", 1, 2), becomes("sorted(_0, key=str)")),
            (DIVIDE, assigned("_last_expert_ids", 1, 2),
             valued("sorted(_, key=str)")),
        ),
        witness="experts-11", is_self_consistent=True,
    ),
    Mutant(
        "order-descending-both", "the last expert is the first, in both directions",
        "expert-order", "mixin",
        edits(
            (MERGE, call("sorted", 0, 2), becomes("sorted(_0, reverse=True)")),
            (MERGE, call("sorted", 1, 2), becomes("sorted(_0, reverse=True)")),
            (DIVIDE, assigned("_last_expert_ids", 1, 2), valued("_[::-1]")),
        ),
        witness="model", is_self_consistent=True,
    ),
    Mutant(
        "expert-numbered-from-one", "the first expert is saved as number one",
        "expert-index", "mixin",
        edits((DIVIDE, call("append", 1, 2), becomes("_f(_0 + 1)"))),
        witness="model",
    ),
    Mutant(
        "expert-saved-from-neighbour", "each expert is saved from the slot before its own",
        "expert-index", "mixin",
        edits((DIVIDE, assigned("expert_weight"), valued("weight[i - 1]"))),
        witness="model",
    ),
    Mutant(
        "expert-slot-rotated", "each expert's gate and up are put in the slot before its own",
        "expert-index", "mixin",
        edits((FILL, of_kind(ast.Subscript, mentions="grouped"), becomes("_0[_1 - 1]"))),
        witness="model",
    ),
    Mutant(
        "expert-zero-absent", "expert 0 counts as no expert", "expert-index", "mixin",
        edits((MERGE, branch(mentions="should_load_expert_for_rank"),
               tested("_ or not expert_num"))),
        witness="model",
    ),
    Mutant(
        "expert-zero-repeated", "expert 0 stands in the place of every down projection",
        "expert-index", "mixin",
        edits((MERGE, assigned("down_weight", mentions="expert_weights_by_layer"),
               valued("_0[expert_ids[0]]"))),
        witness="model",
    ),
    Mutant(
        "group-one-early", "a group of down projections is joined one expert early",
        "group", "mixin",
        edits((MERGE, compare("Eq", 1, 2, mentions="expected_experts_per_rank"),
               becomes("_ or _0 + 1 == _1"))),
        witness="model",
    ),
    Mutant(
        "group-without-up", "a group is joined when all gate projections are there",
        "group", "mixin",
        edits((MERGE, of_kind(ast.BoolOp, mentions="isinstance d gate_proj up_proj", at=1, of=2),
               becomes("_0 and _1"))),
        witness="model",
    ),
    Mutant(
        "group-kept", "a group of gate and up that was joined is not forgotten", "group", "mixin",
        edits((MERGE, of_kind(ast.Delete, 0, 2, mentions="expert_weights_by_layer native_key"),
               lambda node: ast.Pass())),
        equivalent="no key of the group follows if each expert is named once",
    ),
    Mutant(
        "keys-sorted-on-load", "native keys are in the order of their names", "key-order",
        "adapter",
        edits(("from_hf", loop(mentions="hf_state_dict"), field("iter", "sorted(_)"))),
        witness="model",
    ),
    Mutant(
        "keys-sorted-on-save", "saved keys are in the order of their names", "key-order",
        "adapter",
        edits(("to_hf", of_kind(ast.Return), valued("dict(sorted(_.items()))"))),
        witness="model",
    ),
    Mutant(
        "keys-groups-last", "grouped experts stand after all other keys", "key-order", "mixin",
        edits((MERGE, of_kind(ast.Return),
               valued("dict(sorted(_.items(), key=lambda item: 'projs' in item[0]))"))),
        witness="model",
    ),
    Mutant(
        "keys-backwards", "tensors are taken from the checkpoint last first", "key-order", "mixin",
        edits((MERGE, loop(mentions="hf_state_dict"), field("iter", "_[::-1]"))),
        witness="model",
    ),
)  # fmt: skip
