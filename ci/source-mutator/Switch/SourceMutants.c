// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#include "SourceMutants.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { largest = 1 << 16 };

int32_t source_mutants_active = 0;
static const char *trace_file;
static atomic_bool reached[largest];

bool source_mutants_note(int32_t number) {
  if (number >= 0 && number < largest) {
    atomic_store_explicit(&reached[number], true, memory_order_relaxed);
  }
  return false;
}

__attribute__((constructor)) static void begin(void) {
  const char *number = getenv("HYMT2_SOURCE_MUTANT");
  trace_file = getenv("HYMT2_SOURCE_MUTANT_TRACE");
  if (trace_file != NULL) {
    source_mutants_active = -1;
  } else if (number != NULL) {
    source_mutants_active = (int32_t)strtol(number, NULL, 10);
  }
}

// Processes append, because a stage may run several.
__attribute__((destructor)) static void end(void) {
  if (trace_file == NULL) return;
  FILE *file = fopen(trace_file, "a");
  if (file == NULL) return;
  for (int32_t number = 0; number < largest; number++) {
    if (atomic_load_explicit(&reached[number], memory_order_relaxed)) fprintf(file, "%d\n", number);
  }
  fclose(file);
}
