// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#ifndef KEYS_H
#define KEYS_H

#include "settings.h"

typedef enum { GATE, UP, DOWN } Projection;

/// The two grouped weights of a layer.
typedef enum { GATE_AND_UP, DOWN_ONLY } Group;

static const char grouped_prefix[] = "mlp.experts.";
static const char *const grouped_names[] = {
    "mlp.experts.gate_and_up_projs", "mlp.experts.down_projs"};

/// The name of a tensor, taken apart if it is one of a layer.
typedef struct {
  bool in_layer;
  uint64_t layer;
  /// Up to and with the dot behind the layer's number.
  Slice head;
  /// Behind that dot.
  Slice rest;
} Key;

/// Takes a name apart; refuses one that cannot be of the model.
bool key_read(const Settings *settings, Slice name, Key *key, Refusal *refusal);

/// Whether a name is of a layer from `hidden_layers` on.
bool key_is_mtp(const Settings *settings, Slice name);

typedef enum { TO_NATIVE, TO_DISK } Direction;

/// Gives the other form's name of a tensor that is no routed expert's; refuses one that is of that
/// form already.
bool key_rename(
    Arena *arena, Slice name, const Key *key, Direction direction, Slice *renamed,
    Refusal *refusal);

/// Takes the rest of an expert's key on disk apart.
bool expert_read(Slice rest, uint64_t *expert, Projection *projection);
/// The key of an expert on disk.
Slice expert_name(Arena *arena, Slice head, uint64_t expert, Projection projection);

#endif
