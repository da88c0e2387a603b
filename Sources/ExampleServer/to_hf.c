// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#include "conversion.h"
#include "shapes.h"

typedef struct {
  Arena *arena;
  const Settings *settings;
  Refusal *refusal;
  TensorList output;
  size_t capacity;
} Saving;

static void add(Saving *saving, Tensor tensor) {
  if (saving->output.count == saving->capacity) {
    saving->capacity = saving->capacity == 0 ? 64 : 2 * saving->capacity;
    saving->output.items = arena_grow(
        saving->arena, saving->output.items, saving->output.count, saving->capacity,
        sizeof(Tensor));
  }
  saving->output.items[saving->output.count++] = tensor;
}

/// Takes one matrix, `[inter, hidden]` or of a down projection `[hidden, inter]`, out of a group.
static void add_expert(
    Saving *saving, const Tensor *group, const Key *key, uint64_t position,
    Projection projection) {
  const Settings *settings = saving->settings;
  size_t element = element_size(group->dtype);
  uint64_t hidden = settings->hidden, inter = settings->inter;
  uint64_t *shape = arena_make(saving->arena, 2, sizeof *shape);
  shape[0] = projection == DOWN ? hidden : inter;
  shape[1] = projection == DOWN ? inter : hidden;
  size_t size = (size_t)(hidden * inter * element);
  unsigned char *data = arena_make(saving->arena, size, 1);
  if (projection == DOWN) {
    transpose(
        data, inter, group->data + position * size, hidden, inter, hidden, element);
  } else {
    const unsigned char *half =
        group->data + position * 2 * size + (projection == UP ? inter * element : 0);
    transpose(data, hidden, half, 2 * inter, hidden, inter, element);
  }
  uint64_t expert = settings->first_expert + position;
  add(saving, (Tensor){
                  .name = expert_name(saving->arena, key->head, expert, projection),
                  .dtype = group->dtype,
                  .shape = shape,
                  .rank = 2,
                  .data = data,
                  .size = size,
              });
}

static void add_group(Saving *saving, const Tensor *group, const Key *key, Group kind) {
  const Settings *settings = saving->settings;
  uint64_t experts = settings->end_expert - settings->first_expert;
  if (experts == 0) {
    refuse_key(saving->refusal, "KeyError", group->name, "this rank has no experts");
    return;
  }
  uint64_t hidden = settings->hidden, inter = settings->inter;
  bool fits = kind == GATE_AND_UP
                  ? shape_check(group, 3, experts, hidden, 2 * inter, saving->refusal)
                  : shape_check(group, 3, experts, inter, hidden, saving->refusal);
  if (!fits) return;
  if (element_size(group->dtype) == 0) {
    refuse_key(
        saving->refusal, "UnsupportedError", group->name, "elements that are no whole bytes");
    return;
  }
  for (uint64_t position = 0; position < experts; position++) {
    if (kind == GATE_AND_UP) {
      add_expert(saving, group, key, position, GATE);
      add_expert(saving, group, key, position, UP);
    } else {
      add_expert(saving, group, key, position, DOWN);
    }
  }
}

static void save(Saving *saving, const Tensor *tensor) {
  Key key;
  if (!key_read(saving->settings, tensor->name, &key, saving->refusal)) return;
  if (key.in_layer && slice_starts(key.rest, slice_of(grouped_prefix))) {
    for (Group kind = GATE_AND_UP; kind <= DOWN_ONLY; kind++) {
      if (slice_is(key.rest, grouped_names[kind])) {
        add_group(saving, tensor, &key, kind);
        return;
      }
    }
    refuse_key(saving->refusal, "KeyError", tensor->name, "no key of native experts");
    return;
  }
  Tensor renamed = *tensor;
  if (router_check(tensor, &key, saving->settings, saving->refusal)
      && key_rename(
          saving->arena, tensor->name, &key, TO_DISK, &renamed.name, saving->refusal)) {
    add(saving, renamed);
  }
}

TensorList to_hf(
    Arena *arena, const Settings *settings, const TensorList *input, Refusal *refusal) {
  Saving saving = {.arena = arena, .settings = settings, .refusal = refusal};
  for (size_t index = 0; index < input->count; index++) save(&saving, &input->items[index]);
  return saving.output;
}
