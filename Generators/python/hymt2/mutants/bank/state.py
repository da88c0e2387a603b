# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Faults in what is kept between conversions or done to the caller's tensors."""

import ast

from hymt2.mutants.changes import becomes, preceded_by, valued
from hymt2.mutants.mutant import Mutant, edits
from hymt2.mutants.selectors import assigned, call, of_kind

FILL, SPLIT = "_direct_fill_grouped_expert_tensor", "_to_hf_w_split_experts"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "cached-load", "the first result of loading is given ever after", "state", "adapter",
        edits(("from_hf", of_kind(ast.Return), valued("self.__dict__.setdefault('_loaded', _)"))),
        witness="model",
    ),
    Mutant(
        "cached-split", "a group's first split is given ever after", "state", "mixin",
        edits((SPLIT, call("_convert_single_merged_expert_to_hf_split_experts"),
               becomes("self.__dict__.setdefault('_split ' + fqn, _)"))),
        witness="model",
    ),
    Mutant(
        "buffer-reused", "layers of equal shape share one buffer", "state", "mixin",
        edits((FILL, call("empty"),
               becomes("self.__dict__.setdefault(f'_buffer {_0} {self.dtype}', _)"))),
        witness="order-reversed",
    ),
    Mutant(
        "results-collected", "tensors of an earlier load are in the next result too",
        "state", "adapter",
        edits(("from_hf", assigned("renamed", 0, 2),
               valued("self.__dict__.setdefault('_renamed', {})"))),
        # The merge of experts empties that dictionary, unless it refuses.
        witness="refused-padded-expert",
    ),
    Mutant(
        "names-collected", "what was saved before is saved again", "state", "mixin",
        edits((SPLIT, assigned("hf_state_dict", 0, 3),
               valued("self.__dict__.setdefault('_saved', {})"))),
        witness="model",
    ),
    Mutant(
        "input-emptied", "loading empties the caller's dictionary", "input-changed", "adapter",
        edits(("from_hf", of_kind(ast.Return), preceded_by("hf_state_dict.clear()"))),
        witness="model",
    ),
    Mutant(
        "input-renamed", "loading adds native names to the caller's dictionary",
        "input-changed", "adapter",
        edits(("from_hf", of_kind(ast.Return), preceded_by("hf_state_dict.update(renamed)"))),
        witness="model",
    ),
    Mutant(
        "input-bias-centred", "loading moves the caller's router bias", "input-changed", "adapter",
        edits(("from_hf", assigned("renamed", 1, 2),
               valued("_.sub_(1) if new_k.endswith('_correction_bias') else _"))),
        witness="model",
    ),
    Mutant(
        "input-saved-emptied", "saving empties the caller's dictionary", "input-changed",
        "adapter",
        edits(("to_hf", of_kind(ast.Return), preceded_by("state_dict.clear()"))),
        witness="model",
    ),
    Mutant(
        "saved-views", "saved experts are views into the native tensors", "memory", "mixin",
        edits(("checkpoint_load_destination", of_kind(ast.Return, 1, 2), valued("view"))),
        witness="model",
    ),
)  # fmt: skip
