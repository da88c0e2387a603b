# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Faults in the names of tensors: renames, prefixes, digits, scales."""

import ast

from hymt2.mutants.changes import becomes, reworded, tested
from hymt2.mutants.mutant import Mutant, edits
from hymt2.mutants.selectors import assigned, branch, call, compare, of_kind, text

LOADING, SAVING = "_HF_TO_NATIVE_RENAMES", "_NATIVE_TO_HF_RENAMES"
MERGE, SPLIT = "_from_hf_w_merged_experts", "_convert_single_merged_expert_to_hf_split_experts"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "rename-bias-on-load", "the router's bias is looked for beside the router's weight",
        "rename", "adapter",
        edits((LOADING, text("expert_bias"), reworded("expert_bias", "router.expert_bias"))),
        witness="model", is_self_consistent=True,
    ),
    Mutant(
        "rename-bias-on-save", "the router's bias is saved beside the router's weight",
        "rename", "adapter",
        edits((SAVING, text("expert_bias"), reworded("expert_bias", "router.expert_bias"))),
        witness="model",
    ),
    Mutant(
        "rename-bias-both", "the router's bias has another native name, in both directions",
        "rename", "adapter",
        edits(
            (LOADING, text("e_score_"), reworded("e_score_correction_bias", "expert_bias")),
            (SAVING, text("e_score_"), reworded("e_score_correction_bias", "expert_bias")),
        ),
        witness="model", is_self_consistent=True,
    ),
    Mutant(
        "rename-bias-unanchored", "a name that only begins like the router's bias is renamed",
        "anchor", "adapter",
        edits((LOADING, text("expert_bias"), reworded("$", ""))),
        witness="extra-longer-names",
    ),
    Mutant(
        "rename-router-unanchored", "a name that only begins like the router's weight is renamed",
        "anchor", "adapter",
        edits((LOADING, text("router"), reworded("$", ""))),
        witness="extra-longer-names",
    ),
    Mutant(
        "rename-router-ambiguous", "any gate's weight is taken for the router's, on load",
        "anchor", "adapter",
        edits((LOADING, text("router"), reworded(r"\.mlp\.router", ""))),
        witness="model",
    ),
    Mutant(
        "rename-router-kept", "the router's weight keeps its native name when saved",
        "rename", "adapter",
        edits((SAVING, text(".router."), reworded(".router", ""))),
        witness="model",
    ),
    Mutant(
        "rename-shared-gate-only", "of shared experts only the gate projection is renamed on save",
        "rename", "adapter",
        edits((SAVING, text("shared_experts"), reworded("experts\\.", "experts\\.(?=gate)"))),
        witness="model",
    ),
    Mutant(
        "rename-shared-both", "shared experts keep their name on disk, in both directions",
        "rename", "adapter",
        edits(
            (LOADING, text("shared_experts"), reworded("experts", "mlp")),
            (SAVING, text("shared_experts"), reworded("experts", "mlp")),
        ),
        witness="model", is_self_consistent=True,
    ),
    Mutant(
        "rename-stops-early", "a rule that does not apply ends the search, on load",
        "rename", "adapter",
        edits(("from_hf", branch(mentions="n"), tested("not _"))),
        witness="model", is_self_consistent=True,
    ),
    Mutant(
        "rename-goes-on", "the rules after the one that applied are tried too, on load",
        "rename", "adapter",
        edits(("from_hf", of_kind(ast.Break), lambda node: ast.Pass())),
        equivalent="no rule applies to the name that another made",
    ),
    Mutant(
        "prefix-lost-on-load", "grouped experts lose the prefix on load; saving puts it back",
        "prefix", "mixin",
        edits((MERGE, assigned("prefix"), lambda node: ast.parse("prefix = ''").body[0])),
        witness="model", is_self_consistent=True,
    ),
    Mutant(
        "prefix-lost-on-save", "experts are saved without the prefix", "prefix", "mixin",
        edits(("_hf_prefix", text("model."), reworded("model.", ""))),
        witness="model",
    ),
    Mutant(
        "prefix-language-model", "experts under language_model. are not recognised",
        "prefix", "mixin",
        edits((MERGE, text("language_model"), reworded(r"(?:language_model\.)?", ""))),
        witness="prefix-language-model",
    ),
    Mutant(
        "prefix-anything", "experts are recognised after any text at all", "anchor", "mixin",
        edits((MERGE, call("match"), becomes("_r.search(_0)"))),
        witness="refused-unknown-prefix",
    ),
    Mutant(
        "segment-other", "experts are looked for under another name, so they stay as they are",
        "rename", "mixin",
        edits(("_expert_path_segment", text("mlp.experts"), reworded("mlp", "moe"))),
        witness="model", is_self_consistent=True,
    ),
    Mutant(
        "digits-expert", "an expert's number has one digit, on load", "digits", "mixin",
        edits((MERGE, text("gate_proj|").inside(assigned("expert_pattern")),
               reworded(r"(\d+)", r"(\d)"))),
        witness="experts-11",
    ),
    Mutant(
        "digits-expert-last", "only the last digit of an expert's number is read, on load",
        "digits", "mixin",
        edits((MERGE, text("gate_proj|").inside(assigned("expert_pattern")),
               reworded(r"(\d+)", r"\d*(\d)"))),
        witness="experts-11",
    ),
    Mutant(
        "digits-layer-load", "a layer's number has one digit, on load", "digits", "mixin",
        edits((MERGE, text("language_model"), reworded(r"(\d+)", r"(\d)"))),
        witness="layers-12", is_self_consistent=True,
    ),
    Mutant(
        "digits-layer-save", "a layer's number has one digit, on save of gate and up",
        "digits", "mixin",
        edits((SPLIT, text(r"(\d+)", of=2), reworded(r"(\d+)", r"(\d)"))),
        witness="layers-12",
    ),
    Mutant(
        "scale-dropped", "every tensor whose name ends in _scale is thrown away", "scale", "mixin",
        edits((MERGE, text("_scale_inv"), reworded("_inv", ""))),
        witness="scales-f8e4m3",
    ),
    Mutant(
        "scale-taken-for-weight", "a scale of a weight is taken for the weight", "scale", "mixin",
        edits((MERGE, call("endswith", mentions="key .weight"), becomes("_0 in _r"))),
        witness="scales-f8e4m3",
    ),
    Mutant(
        "segment-untested", "a weight's name is matched without a test for experts before",
        "anchor", "mixin",
        edits((MERGE, compare("In", mentions="key expert_segment"), becomes("True"))),
        equivalent="the pattern asks for the same part of the name",
    ),
    Mutant(
        "pattern-end-anchored", "the pattern of an expert's name is anchored at its end",
        "anchor", "mixin",
        edits((MERGE, text("gate_proj|").inside(assigned("expert_pattern")),
               reworded("weight", "weight$"))),
        equivalent="the name was already tested to end with .weight",
    ),
    Mutant(
        "segment-unescaped", "the dot between mlp and experts stands for any character",
        "anchor", "mixin",
        edits((MERGE, call("escape").inside(assigned("expert_pattern")), becomes("_0"))),
        equivalent="names without that dot were already left out",
    ),
)  # fmt: skip
