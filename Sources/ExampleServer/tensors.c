// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#include "tensors.h"

#include <stdlib.h>
#include <string.h>

/// The largest header that the safetensors library reads, in bytes.
static const uint64_t largest_header = 100000000;

static const struct {
  const char *name;
  uint64_t bits;
} dtypes[] = {
    {"BOOL", 8},    {"U8", 8},       {"I8", 8},      {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8},
    {"I16", 16},    {"U16", 16},     {"F16", 16},    {"BF16", 16},   {"I32", 32},    {"U32", 32},
    {"F32", 32},    {"I64", 64},     {"U64", 64},    {"F64", 64},    {"C64", 64},    {"F4", 4},
    {"F6_E2M3", 6}, {"F6_E3M2", 6},
};

static uint64_t element_bits(Slice dtype) {
  for (size_t index = 0; index < sizeof dtypes / sizeof *dtypes; index++) {
    if (slice_is(dtype, dtypes[index].name)) return dtypes[index].bits;
  }
  return 0;
}

size_t element_size(Slice dtype) {
  uint64_t bits = element_bits(dtype);
  return bits % 8 == 0 ? (size_t)(bits / 8) : 0;
}

/// Whether a value is an integer from 0 on.
static bool read_size(const JSONValue *value, uint64_t *size) {
  if (value->kind != JSON_INTEGER || value->integer < 0) return false;
  *size = (uint64_t)value->integer;
  return true;
}

static bool multiply(uint64_t *product, uint64_t factor) {
  if (factor != 0 && *product > UINT64_MAX / factor) return false;
  *product *= factor;
  return true;
}

static const char *read_tensor(
    Arena *arena, const JSONMember *member, Slice data, Tensor *tensor) {
  tensor->name = member->name;
  const JSONValue *shape = json_member(&member->value, "shape");
  const JSONValue *offsets = json_member(&member->value, "data_offsets");
  if (!json_string(json_member(&member->value, "dtype"), &tensor->dtype) || shape == NULL
      || shape->kind != JSON_LIST || offsets == NULL || offsets->kind != JSON_LIST
      || offsets->count != 2) {
    return "a tensor lacks dtype, shape or data_offsets";
  }
  uint64_t bits = element_bits(tensor->dtype);
  if (bits == 0) return "a tensor has an unknown dtype";
  uint64_t *extents = arena_make(arena, shape->count, sizeof *extents);
  bool empty = false;
  for (size_t axis = 0; axis < shape->count; axis++) {
    if (!read_size(&shape->members[axis].value, &extents[axis])) return "a shape is no size";
    empty = empty || extents[axis] == 0;
  }
  for (size_t axis = 0; axis < shape->count; axis++) {
    if (!multiply(&bits, empty ? 0 : extents[axis])) return "a tensor is too large";
  }
  tensor->shape = extents;
  tensor->rank = shape->count;
  uint64_t begin, end;
  if (!read_size(&offsets->members[0].value, &begin)
      || !read_size(&offsets->members[1].value, &end) || begin > end || end > data.size) {
    return "data_offsets lie outside the data";
  }
  if (bits % 8 != 0 || bits / 8 != end - begin) return "data_offsets do not fit shape and dtype";
  tensor->data = (const unsigned char *)data.at + begin;
  tensor->size = (size_t)(end - begin);
  return NULL;
}

static int compare_places(const void *left, const void *right) {
  const Tensor *first = left, *second = right;
  if (first->data != second->data) return first->data < second->data ? -1 : 1;
  return (first->size > second->size) - (first->size < second->size);
}

static int compare_names(const void *left, const void *right) {
  return slice_compare(((const Tensor *)left)->name, ((const Tensor *)right)->name);
}

/// Whether the tensors cover all data, none twice.
static bool tile(const TensorList *by_place, Slice data) {
  const unsigned char *place = (const unsigned char *)data.at;
  for (size_t index = 0; index < by_place->count; index++) {
    if (by_place->items[index].data != place) return false;
    place += by_place->items[index].size;
  }
  return place == (const unsigned char *)data.at + data.size;
}

const char *safetensors_read(
    Arena *arena, Slice buffer, const JSONValue **metadata, TensorList *tensors) {
  uint64_t header_size = 0;
  if (buffer.size < 8) return "a safetensors buffer has fewer than 8 bytes";
  for (size_t byte = 0; byte < 8; byte++) {
    header_size |= (uint64_t)(unsigned char)buffer.at[byte] << (8 * byte);
  }
  if (header_size > largest_header || header_size > buffer.size - 8) {
    return "a safetensors header is larger than the buffer or 100 MB";
  }
  const char *problem;
  const JSONValue *header =
      json_read(arena, (Slice){buffer.at + 8, (size_t)header_size}, &problem);
  if (header == NULL) return problem;
  *metadata = json_member(header, "__metadata__");
  if (header->kind != JSON_OBJECT) return "a safetensors header is no JSON object";
  Slice data = slice_behind(buffer, 8 + (size_t)header_size);
  tensors->items = arena_make(arena, header->count, sizeof *tensors->items);
  for (size_t index = 0; index < header->count; index++) {
    const JSONMember *member = &header->members[index];
    if (slice_is(member->name, "__metadata__")) continue;
    problem = read_tensor(arena, member, data, &tensors->items[tensors->count]);
    if (problem != NULL) return problem;
    tensors->count++;
  }
  if (tensors->count > 1) {
    qsort(tensors->items, tensors->count, sizeof *tensors->items, compare_places);
  }
  if (!tile(tensors, data)) return "the tensors' data have gaps, overlap or end too early";
  if (tensors->count > 1) {
    qsort(tensors->items, tensors->count, sizeof *tensors->items, compare_names);
  }
  return NULL;
}

const Tensor *tensor_named(const TensorList *sorted, Slice name) {
  if (sorted->count == 0) return NULL;
  Tensor wanted = {.name = name};
  return bsearch(&wanted, sorted->items, sorted->count, sizeof wanted, compare_names);
}

void header_begin(Text *header) { text_add(header, slice_of("{\"__metadata__\":{")); }

void header_add_string(Text *header, const char *name, Slice value) {
  if (header->at[header->size - 1] != '{') text_add(header, slice_of(","));
  text_add_json_string(header, slice_of(name));
  text_add(header, slice_of(":"));
  text_add_json_string(header, value);
}

uint64_t header_end(Text *header, const TensorList *tensors) {
  text_add(header, slice_of("}"));
  uint64_t offset = 0;
  for (size_t index = 0; index < tensors->count; index++) {
    const Tensor *tensor = &tensors->items[index];
    text_add(header, slice_of(","));
    text_add_json_string(header, tensor->name);
    text_add(header, slice_of(":{\"dtype\":"));
    text_add_json_string(header, tensor->dtype);
    text_add(header, slice_of(",\"shape\":["));
    for (size_t axis = 0; axis < tensor->rank; axis++) {
      if (axis > 0) text_add(header, slice_of(","));
      text_add_number(header, tensor->shape[axis]);
    }
    text_add(header, slice_of("],\"data_offsets\":["));
    text_add_number(header, offset);
    text_add(header, slice_of(","));
    offset += tensor->size;
    text_add_number(header, offset);
    text_add(header, slice_of("]}"));
  }
  text_add(header, slice_of("}"));
  while (header->size % 8 != 0) text_add(header, slice_of(" "));
  return offset;
}
