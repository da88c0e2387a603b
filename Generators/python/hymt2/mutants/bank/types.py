# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Faults in element types and in how numbers are cast."""

import ast

from hymt2.mutants.changes import argument, becomes, keyword, valued
from hymt2.mutants.mutant import Mutant, edits
from hymt2.mutants.selectors import assigned, call, of_kind

MERGE, FILL = "_from_hf_w_merged_experts", "_direct_fill_grouped_expert_tensor"
DESTINATION = "checkpoint_load_destination"

_RETURN = of_kind(ast.Return)
_PASSED = assigned("state_dict", 1, 2, mentions="key value")

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "cast-missing", "experts keep the type that they have on disk", "cast", "mixin",
        edits((FILL, call("empty"), keyword("dtype", "first_expert[0].dtype"))),
        witness="cast-f32-bf16-rounding",
    ),
    Mutant(
        "cast-to-default", "experts are cast to torch's default type", "cast", "mixin",
        edits((FILL, call("empty"), keyword("dtype", "None"))),
        witness="model",
    ),
    Mutant(
        "cast-through-float16", "experts are cast by way of float16", "cast", "mixin",
        edits((FILL, _RETURN, valued("_.to(torch.float16).to(self.dtype)"))),
        witness="cast-bf16-bf16-special",
    ),
    Mutant(
        "cast-through-bfloat16", "experts are cast by way of bfloat16", "cast", "mixin",
        edits((FILL, _RETURN, valued("_.to(torch.bfloat16).to(self.dtype)"))),
        witness="cast-f32-f32-special",
    ),
    Mutant(
        "cast-toward-zero", "gate and up in float32 lose their low bits instead of being rounded",
        "cast", "mixin",
        edits((FILL, call("cat"),
               argument(0, "[part if (part.dtype, self.dtype) != (torch.float32, torch.bfloat16)"
                           " else (part.view(torch.int32) & -65536).view(torch.float32)"
                           " for part in _]"))),
        witness="cast-f32-bf16-rounding",
    ),
    Mutant(
        "cast-on-save", "experts are saved as bfloat16 whatever they were", "cast", "mixin",
        edits((DESTINATION, of_kind(ast.Return, 1, 2),
               valued("_.to(torch.bfloat16)"))),
        witness="cast-f32-f32-special",
    ),
    Mutant(
        "nan-cleaned", "a NaN in an expert becomes zero on load", "bits", "mixin",
        edits((FILL, _RETURN, valued("_ if _.element_size() == 1 else _.nan_to_num(0)"))),
        witness="cast-bf16-bf16-special",
    ),
    Mutant(
        "zero-added", "zero is added to experts on load, so a negative zero loses its sign",
        "bits", "mixin",
        edits((FILL, _RETURN, valued("_ if _.element_size() == 1 else _ + 0"))),
        witness="cast-bf16-bf16-special",
    ),
    Mutant(
        "bias-cast-load", "the router's bias is cast to the experts' type on load",
        "bias-cast", "adapter",
        edits(("from_hf", assigned("renamed", 1, 2),
               valued("_.to(self.dtype) if new_k.endswith('_bias') else _"))),
        witness="model",
    ),
    Mutant(
        "bias-cast-save", "the router's bias is cast to the experts' type on save",
        "bias-cast", "adapter",
        edits(("to_hf", assigned("out", 1, 2),
               valued("_.to(self.dtype) if new_k.endswith('_bias') else _"))),
        witness="model",
    ),
    Mutant(
        "bias-cast-streaming", "the router's bias is cast when tensors are saved one by one",
        "bias-cast", "adapter",
        edits(("convert_single_tensor_to_hf", call("append"),
               becomes("_f((new_k, v.to(self.dtype) if new_k.endswith('_bias') else v))"))),
        witness="model",
    ),
    Mutant(
        "others-cast", "every floating-point tensor is cast to the experts' type on load",
        "cast", "mixin",
        edits((MERGE, _PASSED,
               valued("_.to(self.dtype) if _.is_floating_point() else _"))),
        witness="dtypes",
    ),
    Mutant(
        "norms-widened", "norms are loaded as float32", "cast", "adapter",
        edits(("from_hf", assigned("renamed", 1, 2),
               valued("_.float() if 'norm' in new_k else _"))),
        witness="model",
    ),
    Mutant(
        "scalar-widened", "a tensor without axes is given one on load", "shape", "mixin",
        edits((MERGE, _PASSED, valued("_.reshape(1) if _.ndim == 0 else _"))),
        witness="dtypes",
    ),
    Mutant(
        "empty-dropped", "a tensor without elements is dropped on save", "shape", "adapter",
        edits(("to_hf", assigned("out", 1, 2),
               lambda node: ast.If(ast.parse("v.numel()", mode="eval").body, [node], []))),
        witness="dtypes",
    ),
)  # fmt: skip
