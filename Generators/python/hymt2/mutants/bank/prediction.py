# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Faults in what counts as a layer of multi-token prediction."""

import ast

from hymt2.mutants.changes import argument, becomes, calling, reworded, tested
from hymt2.mutants.mutant import Mutant, edits
from hymt2.mutants.selectors import branch, call, compare, of_kind, text

IS_MTP = "_is_mtp_key"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "mtp-bound-off-by-one", "the first MTP layer counts as a hidden layer", "mtp", "adapter",
        edits((IS_MTP, compare("GtE"), becomes("_0 > _1"))),
        witness="mtp-1-drop",
    ),
    Mutant(
        "mtp-first-only", "only the first MTP layer counts as one", "mtp", "adapter",
        edits((IS_MTP, compare("GtE"), becomes("_0 == _1"))),
        witness="mtp-2-drop",
    ),
    Mutant(
        "mtp-last-hidden", "the last hidden layer counts as an MTP layer", "mtp", "adapter",
        edits((IS_MTP, compare("GtE"), becomes("_0 + 1 >= _1"))),
        witness="model",
    ),
    Mutant(
        "mtp-bound-hard-coded", "MTP layers begin where they do in the published model",
        "mtp", "adapter",
        edits((IS_MTP, call("getattr"), becomes("_2"))),
        witness="mtp-1-drop",
    ),
    Mutant(
        "mtp-text-compared", "a layer's number is compared as text", "mtp", "adapter",
        edits((IS_MTP, compare("GtE"), becomes("str(_0) >= str(_1)"))),
        witness="layers-12",
    ),
    Mutant(
        "mtp-one-digit", "an MTP layer's number has one digit", "digits", "adapter",
        edits((IS_MTP, text("layers").inside(call("match")), reworded(r"(\d+)", r"(\d)"))),
        witness="extra-mtp-after-12-layers",
    ),
    Mutant(
        "mtp-prefix-required", "MTP layers need the prefix model.", "mtp", "adapter",
        edits((IS_MTP, text("layers").inside(call("match")), reworded(")?", ")"))),
        witness="extra-mtp-without-prefix",
    ),
    Mutant(
        "mtp-prefix-anything", "MTP layers are found after any prefix", "mtp", "adapter",
        edits((IS_MTP, call("match"), calling("search"))),
        witness="extra-mtp-language-model",
    ),
    Mutant(
        "mtp-prefix-forbidden", "with the prefix model. no layer counts as MTP", "mtp", "adapter",
        edits((IS_MTP, text("layers").inside(call("match")), reworded(r"(?:model\.)?", ""))),
        witness="mtp-1-drop",
    ),
    Mutant(
        "mtp-kept", "MTP layers are loaded", "mtp", "adapter",
        edits(("from_hf", branch(mentions="_is_mtp_key"), tested("False"))),
        witness="mtp-1-drop",
    ),
    Mutant(
        "mtp-experts-only", "of MTP layers only the feed-forward part is dropped",
        "mtp", "adapter",
        edits(("from_hf", branch(mentions="_is_mtp_key"), tested("_ and '.mlp.' in k"))),
        witness="mtp-1-drop",
    ),
    Mutant(
        "mtp-norm-dropped", "a tensor named like the norm of an MTP layer is always dropped",
        "mtp", "adapter",
        edits(("from_hf", branch(mentions="_is_mtp_key"), tested("_ or 'final_layernorm' in k"))),
        witness="mtp-1-preserve",
    ),
    Mutant(
        "mtp-ends-loading", "nothing is loaded that stands after the first MTP tensor",
        "mtp", "adapter",
        edits(("from_hf", of_kind(ast.Continue), lambda node: ast.Break())),
        witness="mtp-1-drop",
    ),
    Mutant(
        "mtp-depth-unsaid", "another depth where the config does not say it", "mtp", "adapter",
        edits((IS_MTP, call("getattr"), argument(2, "_ - 1"))),
        equivalent="every config says how many hidden layers there are",
    ),
)  # fmt: skip
