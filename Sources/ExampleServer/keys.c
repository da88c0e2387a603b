// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#include "keys.h"

#include <inttypes.h>
#include <stdio.h>

static const char key_error[] = "KeyError";

static bool is_digit(char character) { return character >= '0' && character <= '9'; }

/// Passes decimal digits; what is too large becomes the largest number.
static bool pass_digits(Slice *rest, uint64_t *number) {
  size_t digits = 0;
  *number = 0;
  while (digits < rest->size && is_digit(rest->at[digits])) {
    uint64_t digit = (uint64_t)(rest->at[digits++] - '0');
    *number = *number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : 10 * *number + digit;
  }
  *rest = slice_behind(*rest, digits);
  return digits > 0;
}

/// Passes a number without leading zeros.
static bool pass_number(Slice *rest, uint64_t *number) {
  Slice start = *rest;
  return pass_digits(rest, number) && (start.at[0] != '0' || start.size - rest->size == 1);
}

static bool pass(Slice *rest, const char *text) {
  Slice expected = slice_of(text);
  if (!slice_starts(*rest, expected)) return false;
  *rest = slice_behind(*rest, expected.size);
  return true;
}

/// Passes a prefix and `layers.`.
static bool pass_layers(Slice *rest, Slice prefix) {
  if (!slice_starts(*rest, prefix)) return false;
  Slice behind = slice_behind(*rest, prefix.size);
  if (!pass(&behind, "layers.")) return false;
  *rest = behind;
  return true;
}

static bool refuse_name(Slice name, const char *fault, Refusal *refusal) {
  refuse_key(refusal, key_error, name, fault);
  return false;
}

/// Whether a name without the model's prefix is yet of a language model: its layers have another of
/// the prefixes, or routed experts. Other modules have layers, too.
static bool is_foreign(Slice name) {
  if (slice_contains(name, grouped_prefix)) return true;
  for (size_t index = 0; index < prefix_count; index++) {
    Slice rest = name;
    if (pass_layers(&rest, slice_of(prefixes[index]))) return true;
  }
  return false;
}

bool key_read(const Settings *settings, Slice name, Key *key, Refusal *refusal) {
  *key = (Key){0};
  if (slice_contains(name, "lora_") || slice_contains(name, "base_layer.")) {
    refuse_key(refusal, "UnsupportedError", name, "low-rank factors are not supported");
    return false;
  }
  Slice rest = name;
  if (!pass_layers(&rest, settings->prefix)) {
    return !is_foreign(name)
           || refuse_name(name, "a layer with another prefix than the model's", refusal);
  }
  if (!pass_number(&rest, &key->layer) || !pass(&rest, ".") || rest.size == 0) {
    return refuse_name(name, "the layer's number is malformed", refusal);
  }
  if (key->layer >= settings->hidden_layers + settings->mtp_layers) {
    return refuse_name(name, "a layer beyond the config's", refusal);
  }
  static const char *const prediction[] = {"eh_proj.", "enorm.", "hnorm.", "final_layernorm."};
  for (size_t index = 0; index < sizeof prediction / sizeof *prediction; index++) {
    if (key->layer < settings->hidden_layers && slice_starts(rest, slice_of(prediction[index]))) {
      return refuse_name(name, "a prediction layer's tensor in a decoder layer", refusal);
    }
  }
  key->in_layer = true;
  key->head = (Slice){name.at, name.size - rest.size};
  key->rest = rest;
  return true;
}

bool key_is_mtp(const Settings *settings, Slice name) {
  const Slice known[] = {settings->prefix, slice_of("model."), slice_of("")};
  for (size_t index = 0; index < sizeof known / sizeof *known; index++) {
    Slice rest = name;
    uint64_t layer;
    if (pass_layers(&rest, known[index]) && pass_digits(&rest, &layer) && pass(&rest, ".")) {
      return layer >= settings->hidden_layers;
    }
  }
  return false;
}

bool key_rename(
    Arena *arena, Slice name, const Key *key, Direction direction, Slice *renamed,
    Refusal *refusal) {
  // What ends with a dot is renamed with all that stands behind it.
  static const char *const names[][2] = {
      [0] = {"mlp.expert_bias", "mlp.gate.e_score_correction_bias"},
      [1] = {"mlp.router.gate.weight", "mlp.gate.weight"},
      [2] = {"mlp.shared_mlp.", "mlp.shared_experts."},
  };
  *renamed = name;
  if (!key->in_layer) return true;
  for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
    Slice from = slice_of(names[index][direction == TO_NATIVE ? 0 : 1]);
    Slice to = slice_of(names[index][direction == TO_NATIVE ? 1 : 0]);
    bool open = from.at[from.size - 1] == '.';
    if (slice_equal(key->rest, to) || (open && slice_starts(key->rest, to))) {
      return refuse_name(
          name, direction == TO_NATIVE ? "a native key in a checkpoint" : "a key of a checkpoint",
          refusal);
    }
    if (slice_equal(key->rest, from) || (open && slice_starts(key->rest, from))) {
      *renamed = arena_join(arena, key->head, to, slice_behind(key->rest, from.size));
      return true;
    }
  }
  return true;
}

bool expert_read(Slice rest, uint64_t *expert, Projection *projection) {
  static const char *const tails[] = {
      [GATE] = ".gate_proj.weight", [UP] = ".up_proj.weight", [DOWN] = ".down_proj.weight"};
  if (!pass(&rest, grouped_prefix) || !pass_number(&rest, expert)) return false;
  for (size_t index = 0; index < sizeof tails / sizeof *tails; index++) {
    *projection = (Projection)index;
    if (slice_is(rest, tails[index])) return true;
  }
  return false;
}

Slice expert_name(Arena *arena, Slice head, uint64_t expert, Projection projection) {
  static const char *const names[] = {[GATE] = "gate", [UP] = "up", [DOWN] = "down"};
  char rest[80];
  snprintf(
      rest, sizeof rest, "%s%" PRIu64 ".%s_proj.weight", grouped_prefix, expert,
      names[projection]);
  return arena_join(arena, head, slice_of(rest), (Slice){0});
}
