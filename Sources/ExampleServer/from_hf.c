// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#include <stdlib.h>

#include "conversion.h"
#include "shapes.h"

/// The weight of one projection of one expert.
typedef struct {
  uint64_t layer;
  Group group;
  uint64_t expert;
  Projection projection;
  /// Where it stands in the state dict.
  size_t place;
  Slice head;
  const Tensor *tensor;
} Member;

typedef struct {
  Arena *arena;
  const Settings *settings;
  Refusal *refusal;
  /// In the order of layers, groups and experts once all are found.
  Member *members;
  size_t member_count;
  /// What stands at each place of the state dict; without a name where nothing does.
  Tensor *places;
} Loading;

static int compare_numbers(uint64_t left, uint64_t right) { return (left > right) - (left < right); }

static int compare_groups(const void *left, const void *right) {
  const Member *first = left, *second = right;
  int order = compare_numbers(first->layer, second->layer);
  return order != 0 ? order : compare_numbers(first->group, second->group);
}

static int compare_members(const void *left, const void *right) {
  const Member *first = left, *second = right;
  int order = compare_groups(left, right);
  if (order == 0) order = compare_numbers(first->expert, second->expert);
  return order != 0 ? order : compare_numbers(first->projection, second->projection);
}

static bool is_dropped(const Settings *settings, const Key *key) {
  return key->in_layer && key->layer >= settings->hidden_layers && settings->drops_mtp;
}

static void load_expert(Loading *loading, const Tensor *tensor, const Key *key, size_t place) {
  const Settings *settings = loading->settings;
  Member member = {
      .layer = key->layer, .place = place, .head = key->head, .tensor = tensor};
  if (!expert_read(key->rest, &member.expert, &member.projection)) {
    refuse_key(loading->refusal, "KeyError", tensor->name, "no key of an expert on disk");
    return;
  }
  member.group = member.projection == DOWN ? DOWN_ONLY : GATE_AND_UP;
  if (member.expert >= settings->experts) {
    refuse_key(loading->refusal, "KeyError", tensor->name, "an expert beyond the config's");
    return;
  }
  bool fits = member.projection == DOWN
                  ? shape_check(tensor, 2, settings->hidden, settings->inter, 0, loading->refusal)
                  : shape_check(tensor, 2, settings->inter, settings->hidden, 0, loading->refusal);
  if (!fits || is_dropped(settings, key)) return;
  if (!slice_equal(tensor->dtype, settings->dtype) || element_size(tensor->dtype) == 0) {
    refuse_key(
        loading->refusal, "UnsupportedError", tensor->name,
        "a cast to the type of grouped experts is not supported");
    return;
  }
  loading->members[loading->member_count++] = member;
}

static void load(Loading *loading, const Tensor *tensor, size_t place) {
  Key key;
  if (!key_read(loading->settings, tensor->name, &key, loading->refusal)) return;
  if (key.in_layer && slice_starts(key.rest, slice_of(grouped_prefix))) {
    load_expert(loading, tensor, &key, place);
    return;
  }
  Tensor renamed = *tensor;
  if (router_check(tensor, &key, loading->settings, loading->refusal)
      && key_rename(
          loading->arena, tensor->name, &key, TO_NATIVE, &renamed.name, loading->refusal)
      && !is_dropped(loading->settings, &key)) {
    loading->places[place] = renamed;
  }
}

/// Puts the matrix of one member into the group, whose first expert is this rank's first one.
static void place_member(
    const Loading *loading, const Member *member, unsigned char *data, size_t element) {
  const Settings *settings = loading->settings;
  uint64_t hidden = settings->hidden, inter = settings->inter;
  uint64_t position = member->expert - settings->first_expert;
  const unsigned char *source = member->tensor->data;
  if (member->group == DOWN_ONLY) {
    unsigned char *start = data + position * inter * hidden * element;
    transpose(start, hidden, source, inter, hidden, inter, element);
  } else {
    uint64_t first = 2 * position * inter * hidden + (member->projection == UP ? inter : 0);
    transpose(data + first * element, 2 * inter, source, hidden, inter, hidden, element);
  }
}

/// Refuses a group without the first of its members that is missing.
static void refuse_gap(Loading *loading, const Member *run, size_t count) {
  const Settings *settings = loading->settings;
  bool has_gate = run->group == GATE_AND_UP;
  uint64_t expert = settings->first_expert;
  Projection projection = has_gate ? GATE : DOWN;
  for (size_t index = 0; index < count; index++) {
    if (run[index].expert < settings->first_expert) continue;
    if (run[index].expert != expert || run[index].projection != projection) break;
    if (projection != GATE) expert++;
    if (has_gate) projection = projection == GATE ? UP : GATE;
  }
  refuse_key(
      loading->refusal, "KeyError", expert_name(loading->arena, run->head, expert, projection),
      "missing");
}

/// Joins the members of one group that are this rank's; all others leave.
static void load_group(Loading *loading, const Member *run, size_t count) {
  const Settings *settings = loading->settings;
  uint64_t experts = settings->end_expert - settings->first_expert;
  if (experts == 0) return;
  uint64_t found = 0;
  const Member *last = NULL;
  for (size_t index = 0; index < count; index++) {
    const Member *member = &run[index];
    if (member->expert < settings->first_expert || member->expert >= settings->end_expert) continue;
    if (last == NULL || member->place > last->place) last = member;
    found++;
  }
  bool has_gate = run->group == GATE_AND_UP;
  if (found != (has_gate ? 2 * experts : experts)) {
    refuse_gap(loading, run, count);
    return;
  }
  uint64_t *shape = arena_make(loading->arena, 3, sizeof *shape);
  shape[0] = experts;
  shape[1] = has_gate ? settings->hidden : settings->inter;
  shape[2] = has_gate ? 2 * settings->inter : settings->hidden;
  // All members have this size, so that this is no more than the frame.
  size_t size = (size_t)found * run->tensor->size;
  size_t element = element_size(settings->dtype);
  unsigned char *data = arena_make(loading->arena, size, 1);
  for (size_t index = 0; index < count; index++) {
    const Member *member = &run[index];
    if (member->expert < settings->first_expert || member->expert >= settings->end_expert) continue;
    place_member(loading, member, data, element);
  }
  loading->places[last->place] = (Tensor){
      .name = arena_join(
          loading->arena, run->head, slice_of(grouped_names[run->group]), (Slice){0}),
      .dtype = settings->dtype,
      .shape = shape,
      .rank = 3,
      .data = data,
      .size = size,
  };
}

static bool has_group(const Loading *loading, uint64_t layer, Group group) {
  Member wanted = {.layer = layer, .group = group};
  return loading->member_count > 0
         && bsearch(
                &wanted, loading->members, loading->member_count, sizeof wanted, compare_groups)
                != NULL;
}

static void load_groups(Loading *loading) {
  if (loading->member_count > 1) {
    qsort(loading->members, loading->member_count, sizeof(Member), compare_members);
  }
  size_t start = 0;
  while (start < loading->member_count) {
    const Member *run = &loading->members[start];
    size_t count = 1;
    while (start + count < loading->member_count && compare_groups(run, run + count) == 0) count++;
    load_group(loading, run, count);
    Group other = run->group == DOWN_ONLY ? GATE_AND_UP : DOWN_ONLY;
    if (loading->settings->wants_whole_model && !has_group(loading, run->layer, other)) {
      refuse_key(
          loading->refusal, "KeyError",
          arena_join(loading->arena, run->head, slice_of(grouped_names[other]), (Slice){0}),
          "all members are missing");
    }
    start += count;
  }
}

static void check_layers(Loading *loading) {
  const Settings *settings = loading->settings;
  for (uint64_t layer = 0; layer < settings->hidden_layers; layer++) {
    if (!layer_is_sparse(settings, layer) || has_group(loading, layer, GATE_AND_UP)
        || has_group(loading, layer, DOWN_ONLY)) {
      continue;
    }
    Text fault = {0};
    text_add(&fault, slice_of("the experts of layer "));
    text_add_number(&fault, layer);
    text_add(&fault, (Slice){" are missing", sizeof " are missing"});
    refuse(loading->refusal, "KeyError", fault.at);
    text_free(&fault);
  }
}

/// Refuses to drop layers with attention but without what makes a prediction layer.
static void check_dropped(Loading *loading, const TensorList *input) {
  const Settings *settings = loading->settings;
  unsigned char *marks = arena_make(loading->arena, settings->mtp_layers, 1);
  enum { PREDICTS = 1, ATTENDS = 2 };
  static const char *const starts[] = {
      "self_attn.q_proj.", "eh_proj.", "enorm.", "hnorm.", "final_layernorm."};
  for (int pass = 0; pass < 2; pass++) {
    for (size_t index = 0; index < input->count; index++) {
      Key key;
      Refusal seen_before = {0};
      bool read = key_read(settings, input->items[index].name, &key, &seen_before);
      text_free(&seen_before.message);
      if (!read || !is_dropped(settings, &key)) continue;
      unsigned char *mark = &marks[key.layer - settings->hidden_layers];
      if (pass == 1 && *mark == ATTENDS) {
        refuse_key(
            loading->refusal, "KeyError", input->items[index].name,
            "a decoder layer that the config counts as a prediction layer");
      }
      for (size_t start = 0; start < sizeof starts / sizeof *starts; start++) {
        if (slice_starts(key.rest, slice_of(starts[start]))) *mark |= start == 0 ? ATTENDS : PREDICTS;
      }
    }
  }
}

TensorList from_hf(
    Arena *arena, const Settings *settings, const TensorList *input, Refusal *refusal) {
  Loading loading = {.arena = arena, .settings = settings, .refusal = refusal};
  loading.members = arena_make(arena, input->count, sizeof(Member));
  loading.places = arena_make(arena, input->count, sizeof(Tensor));
  for (size_t index = 0; index < input->count; index++) {
    load(&loading, &input->items[index], index);
  }
  // A tensor that was refused is not missing, too.
  if (refusal->type == NULL) load_groups(&loading);
  if (refusal->type == NULL && settings->wants_whole_model) {
    if (settings->end_expert > settings->first_expert) check_layers(&loading);
    check_dropped(&loading, input);
  }
  TensorList output = {loading.places, 0};
  for (size_t index = 0; index < input->count; index++) {
    if (loading.places[index].name.at != NULL) output.items[output.count++] = loading.places[index];
  }
  return output;
}
