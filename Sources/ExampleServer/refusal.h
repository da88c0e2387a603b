// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#ifndef REFUSAL_H
#define REFUSAL_H

#include "memory.h"

/// Why a request is refused: all that is wrong with it, as far as it goes into the message.
typedef struct {
  /// That of the first fault, or null if there is none.
  const char *type;
  Text message;
  uint64_t unnamed;
} Refusal;

/// Adds a fault of the request as a whole.
void refuse(Refusal *refusal, const char *type, const char *fault);
/// Adds a fault of one key.
void refuse_key(Refusal *refusal, const char *type, Slice key, const char *fault);
/// Adds how many faults the message does not name, if there are such.
void refusal_end(Refusal *refusal);

#endif
