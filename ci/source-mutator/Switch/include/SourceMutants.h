// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#pragma once
#include <stdbool.h>
#include <stdint.h>

// The number of the mutant that this process is, 0 for none, -1 to note which are asked for.
extern int32_t source_mutants_active;

// Notes that a mutant is asked for; the answer is always no.
bool source_mutants_note(int32_t number);

static inline bool mutated(int32_t number) {
  if (__builtin_expect(source_mutants_active < 0, 0)) return source_mutants_note(number);
  return source_mutants_active == number;
}
