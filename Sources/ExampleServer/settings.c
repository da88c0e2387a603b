// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#include "settings.h"

/// Far beyond any model, so that products of two sizes and loops over layers stay small.
static const int64_t largest_size = INT32_MAX;
static const int64_t most_layers = 100000;

static const char config_error[] = "ConfigError";
static const char unsupported_error[] = "UnsupportedError";

const char *const prefixes[] = {"model.", "language_model.", "model.language_model.", "", NULL};

/// An integer member from `least` to `most`; a fault is said of `name`.
static uint64_t read_integer(
    const JSONValue *object, const char *name, int64_t least, int64_t most, Refusal *refusal) {
  const JSONValue *value = json_member(object, name);
  if (value != NULL && value->kind == JSON_INTEGER && value->integer >= least
      && value->integer <= most) {
    return (uint64_t)value->integer;
  }
  refuse_key(refusal, config_error, slice_of(name), "expected an integer of a sensible size");
  return (uint64_t)least;
}

/// The position of a string member among the names, which end with a null.
static size_t read_choice(
    const JSONValue *object, const char *name, const char *const *choices, Refusal *refusal) {
  Slice string;
  if (json_string(json_member(object, name), &string)) {
    for (size_t index = 0; choices[index] != NULL; index++) {
      if (slice_is(string, choices[index])) return index;
    }
  }
  refuse_key(refusal, config_error, slice_of(name), "missing, or an unknown value");
  return 0;
}

static void read_rank(const JSONValue *request, Settings *settings, Refusal *refusal) {
  settings->end_expert = settings->experts;
  const JSONValue *group = json_member(request, "ep");
  if (group == NULL) return;
  uint64_t size = read_integer(group, "size", 1, largest_size, refusal);
  uint64_t rank = read_integer(group, "rank", 0, largest_size, refusal);
  if (rank >= size) refuse_key(refusal, config_error, slice_of("rank"), "not below the size");
  uint64_t least = settings->experts / size, surplus = settings->experts % size;
  settings->first_expert = rank * least + (rank < surplus ? rank : surplus);
  settings->end_expert = settings->first_expert + least + (rank < surplus ? 1 : 0);
}

void settings_check_exclusion(const JSONValue *request, Refusal *refusal) {
  const JSONValue *pattern = json_member(request, "exclude_key_regex");
  Slice text;
  if (pattern == NULL || (json_string(pattern, &text) && text.size == 0)) return;
  refuse_key(
      refusal, unsupported_error, slice_of("exclude_key_regex"), "patterns are not supported");
}

Settings settings_read_mtp(const JSONValue *request, Refusal *refusal) {
  Settings settings = {0};
  const JSONValue *config = json_member(request, "config");
  settings.hidden_layers = read_integer(config, "num_hidden_layers", 0, most_layers, refusal);
  if (json_member(config, "num_nextn_predict_layers") != NULL) {
    settings.mtp_layers = read_integer(config, "num_nextn_predict_layers", 0, most_layers, refusal);
  }
  const JSONValue *options = json_member(request, "options");
  settings.prefix = slice_of(prefixes[read_choice(options, "prefix", prefixes, refusal)]);
  return settings;
}

Settings settings_read(const JSONValue *request, Refusal *refusal) {
  static const char *const policies[] = {"drop", "preserve", NULL};
  static const char *const extents[] = {"wholeModel", "presentGroups", NULL};
  static const char *const activations[] = {
      "swiglu", "swigluoai", "quick_geglu", "geglu", "relu2", NULL};
  static const char *const families[] = {"hy_mt2", "hy_v3", NULL};
  Settings settings = settings_read_mtp(request, refusal);
  read_choice(request, "model", families, refusal);

  const JSONValue *moe = json_member(request, "moe");
  settings.experts = read_integer(moe, "n_routed_experts", 1, largest_size, refusal);
  settings.hidden = read_integer(moe, "dim", 1, largest_size, refusal);
  settings.inter = read_integer(moe, "moe_inter_dim", 1, largest_size, refusal);
  if (read_choice(moe, "expert_activation", activations, refusal) == 4) {
    refuse(refusal, unsupported_error, "experts without gate are not supported");
  }
  const JSONValue *bias = json_member(moe, "expert_bias");
  if (bias != NULL && bias->kind != JSON_FALSE) {
    refuse(refusal, unsupported_error, "biases of experts are not supported");
  }

  if (!json_string(json_member(request, "dtype"), &settings.dtype)) {
    refuse_key(refusal, config_error, slice_of("dtype"), "missing, or no string");
  }
  const JSONValue *options = json_member(request, "options");
  settings.drops_mtp = read_choice(options, "mtp_policy", policies, refusal) == 0;
  settings.wants_whole_model = read_choice(options, "completeness", extents, refusal) == 0;

  const JSONValue *config = json_member(request, "config");
  const JSONValue *types = json_member(config, "mlp_layer_types");
  if (types != NULL && types->kind == JSON_LIST) settings.layer_types = types;
  settings.first_sparse_layer = 1;
  if (json_member(config, "first_k_dense_replace") != NULL) {
    settings.first_sparse_layer =
        read_integer(config, "first_k_dense_replace", 0, largest_size, refusal);
  }
  read_rank(request, &settings, refusal);
  return settings;
}

bool layer_is_sparse(const Settings *settings, uint64_t layer) {
  if (settings->layer_types == NULL) return layer >= settings->first_sparse_layer;
  Slice type;
  return layer < settings->layer_types->count
         && json_string(&settings->layer_types->members[layer].value, &type)
         && slice_is(type, "sparse");
}
