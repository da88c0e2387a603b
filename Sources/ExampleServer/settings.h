// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#ifndef SETTINGS_H
#define SETTINGS_H

#include "json.h"
#include "refusal.h"

/// What may stand before `layers.`; a null ends the list.
extern const char *const prefixes[];
enum { prefix_count = 4 };

/// What a conversion has to know of the model and the adapter's options.
typedef struct {
  /// The layers behind the first `hidden_layers` predict further tokens.
  uint64_t hidden_layers;
  uint64_t mtp_layers;
  uint64_t experts;
  /// The hidden size.
  uint64_t hidden;
  /// The width of an expert.
  uint64_t inter;
  /// The experts this process owns are those from `first_expert` up to `end_expert`, without it.
  uint64_t first_expert;
  uint64_t end_expert;
  /// The type of grouped experts.
  Slice dtype;
  /// What stands before `layers.`.
  Slice prefix;
  bool drops_mtp;
  bool wants_whole_model;
  /// The config's kinds of layers, or null.
  const JSONValue *layer_types;
  uint64_t first_sparse_layer;
} Settings;

/// Reads the members that a conversion needs.
Settings settings_read(const JSONValue *request, Refusal *refusal);

/// Refuses any pattern but the empty one, which leaves nothing out.
void settings_check_exclusion(const JSONValue *request, Refusal *refusal);

/// Reads those that tell which keys are of MTP layers.
Settings settings_read_mtp(const JSONValue *request, Refusal *refusal);

/// Whether a decoder layer has experts.
bool layer_is_sparse(const Settings *settings, uint64_t layer);

#endif
