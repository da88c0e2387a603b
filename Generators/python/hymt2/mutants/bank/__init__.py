# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""All planted faults, by class."""

from hymt2.errors import OracleError
from hymt2.mutants.bank import (
    exclusion,
    experts,
    halves,
    lora,
    names,
    parallel,
    prediction,
    state,
    transposition,
    types,
    validation,
)
from hymt2.mutants.mutant import Mutant
from hymt2.words import answer

MUTANTS: tuple[Mutant, ...] = (
    *names.MUTANTS,
    *prediction.MUTANTS,
    *experts.MUTANTS,
    *transposition.MUTANTS,
    *halves.MUTANTS,
    *types.MUTANTS,
    *parallel.MUTANTS,
    *exclusion.MUTANTS,
    *validation.MUTANTS,
    *state.MUTANTS,
    *lora.MUTANTS,
)


def find_mutant(mutant_id: str) -> Mutant:
    """The fault of that name."""
    for mutant in MUTANTS:
        if mutant.id == mutant_id:
            return mutant
    near = answer(mutant_id, [mutant.id for mutant in MUTANTS])
    raise OracleError(f"no mutant {mutant_id}; {near}")
