# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Weaker checks of what is loaded or saved: what they let through is lost without a word."""

from hymt2.mutants.changes import becomes, tested, valued
from hymt2.mutants.mutant import Mutant, edits
from hymt2.mutants.selectors import assigned, branch, call, compare

CHECK = "_validate_expert_availability"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "validation-skipped", "missing experts are not looked for", "validation", "mixin",
        edits(("_from_hf_w_merged_experts", call("_validate_expert_availability"),
               becomes("None"))),
        witness="refused-missing-projection",
    ),
    Mutant(
        "validation-first-expert", "of each layer only the first expert is looked for",
        "validation", "mixin",
        edits((CHECK, assigned("experts_to_validate"), valued("(_)[:1]"))),
        witness="refused-missing-projection",
    ),
    Mutant(
        "validation-without-up", "up projections are not looked for", "validation", "mixin",
        edits((CHECK, assigned("projection_types"), valued("['gate_proj', 'down_proj']"))),
        witness="refused-missing-projection",
    ),
    Mutant(
        "validation-without-down", "down projections are not looked for", "validation", "mixin",
        edits((CHECK, assigned("projection_types"), valued("_[:-1]"))),
        witness="extra-missing-down",
    ),
    Mutant(
        "validation-all-missing", "missing experts matter only if all are missing",
        "validation", "mixin",
        edits((CHECK, branch(at=0, of=1, mentions="missing_weights"),
               tested("len(missing_weights) == total_required"))),
        witness="refused-missing-projection",
    ),
    Mutant(
        "validation-last-expert-unneeded", "the last expert is not looked for",
        "validation", "mixin",
        edits((CHECK, assigned("required_experts", 1, 2), valued("_[:-1]"))),
        witness="extra-missing-last-expert",
    ),
    Mutant(
        "validation-ids-renumbered", "experts are looked for by their count, not their numbers",
        "validation", "mixin",
        edits((CHECK, assigned("required_experts", 0, 2),
               valued("list(range(end_expert - start_expert))"))),
        witness="extra-ep-rank-only",
    ),
    Mutant(
        "validation-whole-on-rank", "a rank asks for the experts of all ranks",
        "validation", "mixin",
        edits((CHECK, assigned("required_experts", 0, 2), valued("list(range(n_experts))"))),
        witness="extra-ep-rank-only",
    ),
    Mutant(
        "validation-surplus-saved", "a grouped tensor may have more experts than the model",
        "validation", "mixin",
        edits(("_split_experts_weights", compare("NotEq"), becomes("_0 < _1"))),
        witness="extra-native-surplus",
    ),
)  # fmt: skip
