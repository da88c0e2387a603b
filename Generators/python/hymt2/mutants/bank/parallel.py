# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Faults in expert parallelism."""

import ast

from hymt2.mutants.changes import becomes, tested, valued
from hymt2.mutants.mutant import Mutant, edits
from hymt2.mutants.selectors import arithmetic, assigned, branch, call, compare, of_kind

RANGE, LOADED = "get_expert_range_for_rank_from_mesh", "should_load_expert_for_rank"
SLICE, DIVIDE = "get_expert_slice_for_rank", "split_experts_weights_dtensor_aware"
MERGE = "_from_hf_w_merged_experts"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "ep-start-without-remainder", "later ranks forget the experts that earlier ranks have more",
        "ep-range", "utils",
        edits((RANGE, arithmetic("Add", 0, 2), becomes("_0"))),
        witness="ep-5-experts-rank-2-of-3",
    ),
    Mutant(
        "ep-remainder-one-more", "one rank too many has an expert more", "ep-range", "utils",
        edits((RANGE, compare("Lt"), becomes("_0 <= _1"))),
        witness="ep-5-experts-rank-2-of-3",
    ),
    Mutant(
        "ep-remainder-ignored", "experts that are left over are on no rank", "ep-range", "utils",
        edits((RANGE, arithmetic("Mod"), becomes("0"))),
        witness="ep-5-experts-rank-0-of-3",
    ),
    Mutant(
        "ep-remainder-to-last", "all experts that are left over are on the last rank",
        "ep-range", "utils",
        edits(
            (RANGE, arithmetic("Mod"), becomes("0")),
            (RANGE, arithmetic("Add", 1, 2),
             becomes("n_experts if rank == world_size - 1 else _")),
        ),
        witness="ep-5-experts-rank-2-of-3",
    ),
    Mutant(
        "ep-rounded-up", "each rank takes the share rounded up", "ep-range", "utils",
        edits((RANGE, arithmetic("FloorDiv"), becomes("-(-_0 // _1)"))),
        witness="ep-5-experts-rank-0-of-3",
    ),
    Mutant(
        "ep-rank-zero", "every rank takes itself for rank 0", "ep-range", "utils",
        edits((RANGE, call("get_local_rank"), becomes("0"))),
        witness="ep-4-experts-rank-1-of-2",
    ),
    Mutant(
        "ep-ranks-backwards", "the last rank has the first experts", "ep-range", "utils",
        edits((RANGE, call("get_local_rank"), becomes("world_size - 1 - _"))),
        witness="ep-4-experts-rank-1-of-2",
    ),
    Mutant(
        "ep-bounds-exchanged", "the end of the range stands before its start", "ep-range", "utils",
        edits((RANGE, of_kind(ast.Return, 1, 2), valued("_[::-1]"))),
        witness="ep-4-experts-rank-0-of-2",
    ),
    Mutant(
        "ep-first-excluded", "the first expert of a rank's range is not loaded", "ep-range",
        "utils",
        edits((LOADED, compare("LtE"), becomes("_0 < _1 < _2"))),
        witness="ep-4-experts-rank-0-of-2",
    ),
    Mutant(
        "ep-end-included", "the first expert of the next rank is loaded too", "ep-range", "utils",
        edits((LOADED, compare("LtE"), becomes("_0 <= _1 <= _2"))),
        witness="extra-ep-reversed",
    ),
    Mutant(
        "ep-dealt-out", "experts are dealt out to ranks one by one", "ep-range", "utils",
        edits((LOADED, compare("LtE"),
               becomes("_ if device_mesh is None else expert_id % device_mesh.size()"
                       " == device_mesh.get_local_rank()"))),
        witness="ep-4-experts-rank-0-of-2",
    ),
    Mutant(
        "ep-all-loaded", "every rank loads all experts", "ep-range", "mixin",
        edits((MERGE, branch(mentions="should_load_expert_for_rank"), tested("False"))),
        witness="ep-4-experts-rank-0-of-2",
    ),
    Mutant(
        "ep-bias-sliced", "a rank keeps its own experts' part of the router's bias only",
        "ep-others", "mixin",
        edits((MERGE, assigned("state_dict", 1, 2, mentions="key value"),
               valued("_[start_expert:end_expert] if key.endswith('_correction_bias') else _"))),
        witness="ep-4-experts-rank-1-of-2",
    ),
    Mutant(
        "ep-router-sliced", "a rank keeps its own experts' rows of the router only",
        "ep-others", "adapter",
        edits(("from_hf", assigned("renamed", 1, 2),
               valued("_ if device_mesh is None or not new_k.endswith('.mlp.gate.weight')"
                      " else _.chunk(device_mesh.size())[device_mesh.get_local_rank()]"))),
        witness="ep-4-experts-rank-1-of-2",
    ),
    Mutant(
        "ep-saved-from-zero", "every rank numbers the experts that it saves from 0",
        "ep-save", "utils",
        edits((DIVIDE, arithmetic("Add", mentions="start_expert i"), becomes("_1"))),
        witness="ep-4-experts-rank-1-of-2",
    ),
    Mutant(
        "ep-saved-as-rank-zero", "every rank saves its experts as those of rank 0",
        "ep-save", "utils",
        edits((SLICE, call("get_local_rank"), becomes("0"))),
        witness="ep-4-experts-rank-1-of-2",
    ),
    Mutant(
        "ep-saved-by-size", "a rank's first expert is saved under the number of ranks before it",
        "ep-save", "utils",
        edits((SLICE, arithmetic("Mult", 2, 3), becomes("_0"))),
        witness="ep-4-experts-rank-1-of-2",
    ),
    Mutant(
        "ep-saved-remainder", "saving forgets the experts that earlier ranks have more",
        "ep-save", "utils",
        edits((SLICE, arithmetic("Mult", 1, 3), becomes("0"))),
        equivalent="upstream refuses to save unequal shares, and of equal ones nothing is left",
    ),
    Mutant(
        "ep-placed-as-copies", "a rank's experts pass for all experts", "ep-others", "utils",
        edits(("create_dtensor_from_local", call("Shard", 0, 2), becomes("Replicate()"))),
        witness="ep-4-experts-rank-1-of-2",
    ),
)  # fmt: skip
