# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Faults planted in NeMo's own adapters: how many of them a check notices measures the check."""

from hymt2.mutants.bank import MUTANTS, find_mutant
from hymt2.mutants.engine import mutated_nemo

__all__ = ["MUTANTS", "find_mutant", "mutated_nemo"]
