// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#include "refusal.h"

#include "utf8.h"

/// In bytes: enough for many keys, and less than a pipe holds.
enum { LONGEST_MESSAGE = 32000, LONGEST_KEY = 500 };

void refuse(Refusal *refusal, const char *type, const char *fault) {
  refuse_key(refusal, type, (Slice){0}, fault);
}

void refuse_key(Refusal *refusal, const char *type, Slice key, const char *fault) {
  if (refusal->type == NULL) refusal->type = type;
  if (refusal->message.size > LONGEST_MESSAGE) {
    refusal->unnamed++;
    return;
  }
  if (refusal->message.size > 0) text_add(&refusal->message, slice_of("; "));
  if (key.at != NULL) {
    Slice shown = utf8_start(key, LONGEST_KEY);
    text_add(&refusal->message, shown);
    if (shown.size < key.size) text_add(&refusal->message, slice_of("..."));
    text_add(&refusal->message, slice_of(": "));
  }
  text_add(&refusal->message, slice_of(fault));
}

void refusal_end(Refusal *refusal) {
  if (refusal->unnamed == 0) return;
  text_add(&refusal->message, slice_of("; and "));
  text_add_number(&refusal->message, refusal->unnamed);
  text_add(&refusal->message, slice_of(" more"));
}
