# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Faults in what saving leaves out, and in saving tensor by tensor."""

import ast

from hymt2.mutants.changes import argument, becomes, calling, field, tested, valued
from hymt2.mutants.mutant import Mutant, edits
from hymt2.mutants.selectors import assigned, branch, call, loop, of_kind

SAVE, STREAM = "to_hf", "convert_single_tensor_to_hf"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "exclude-search", "the pattern is looked for anywhere in the key", "exclusion", "adapter",
        edits((SAVE, call("match"), calling("search"))),
        witness="exclude-unanchored",
    ),
    Mutant(
        "exclude-fullmatch", "the pattern must match the whole key", "exclusion", "adapter",
        edits((SAVE, call("match"), calling("fullmatch"))),
        witness="exclude-layer",
    ),
    Mutant(
        "exclude-native-name", "the pattern is matched before keys are renamed", "exclusion",
        "adapter",
        edits((SAVE, call("match"), argument(1, "k"))),
        witness="exclude-expert-bias",
    ),
    Mutant(
        "exclude-before-split", "the pattern is matched before experts are split", "exclusion",
        "adapter",
        edits((SAVE, call("match"), argument(1, "re.sub(r'experts.[0-9]+', 'experts', _)"))),
        witness="exclude-expert",
    ),
    Mutant(
        "exclude-ends-saving", "nothing is saved after the first key that is left out",
        "exclusion", "adapter",
        edits((SAVE, of_kind(ast.Continue), lambda node: ast.Break())),
        witness="exclude-layer",
    ),
    Mutant(
        "exclude-ignored", "the pattern is ignored", "exclusion", "adapter",
        edits((SAVE, branch(mentions="exclude_key_regex"), tested("False"))),
        witness="exclude-head",
    ),
    Mutant(
        "exclude-inverted", "only what the pattern matches is saved", "exclusion", "adapter",
        edits((SAVE, of_kind(ast.BoolOp, mentions="exclude_key_regex"), becomes("_0 and not _1"))),
        witness="exclude-head",
    ),
    Mutant(
        "exclude-experts-kept", "experts are saved whatever the pattern", "exclusion", "adapter",
        edits((SAVE, branch(mentions="exclude_key_regex"), tested("_ and 'experts' not in k"))),
        witness="exclude-experts",
    ),
    Mutant(
        "streaming-exclude-ignored", "the pattern is ignored when tensors are saved one by one",
        "streaming", "adapter",
        edits((STREAM, branch(mentions="exclude_key_regex"), tested("False"))),
        witness="exclude-head",
    ),
    Mutant(
        "streaming-exclude-search",
        "the pattern is looked for anywhere when tensors are saved one by one",
        "streaming", "adapter",
        edits((STREAM, call("match"), calling("search"))),
        witness="exclude-unanchored",
    ),
    Mutant(
        "streaming-exclude-native-name",
        "the pattern is matched before the rename when tensors are saved one by one",
        "streaming", "adapter",
        edits((STREAM, call("match"), argument(1, "k"))),
        witness="exclude-expert-bias",
    ),
    Mutant(
        "streaming-exclude-ends",
        "the rest of a group is lost after a key that is left out, saved one by one",
        "streaming", "adapter",
        edits((STREAM, of_kind(ast.Continue), lambda node: ast.Break())),
        witness="exclude-projection",
    ),
    Mutant(
        "streaming-not-renamed", "the rules of loading are applied when saving one by one",
        "streaming", "adapter",
        edits((STREAM, loop(mentions="_NATIVE_TO_HF_RENAMES"),
               field("iter", "_HF_TO_NATIVE_RENAMES"))),
        witness="model",
    ),
    Mutant(
        "streaming-last-dropped", "the last tensor of a group is lost when saving one by one",
        "streaming", "adapter",
        edits((STREAM, assigned("pairs", 0, 2), valued("_[:-1]"))),
        witness="model",
    ),
    Mutant(
        "streaming-text-order", "a group is in the order of its names when saving one by one",
        "streaming", "adapter",
        edits((STREAM, assigned("pairs", 0, 2), valued("sorted(_, key=lambda pair: pair[0])"))),
        witness="experts-11",
    ),
    Mutant(
        "streaming-not-split", "a group is saved as it is when saving one by one",
        "streaming", "adapter",
        edits((STREAM, branch(mentions="expert_split"), tested("False"))),
        witness="model",
    ),
    Mutant(
        "streaming-empty-split", "a group that splits into nothing is saved as it is",
        "streaming", "adapter",
        edits((STREAM, branch(mentions="expert_split"), tested("expert_split"))),
        equivalent="no group splits into nothing",
    ),
)  # fmt: skip
