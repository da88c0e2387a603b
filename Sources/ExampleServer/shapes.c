// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#include "shapes.h"

#include <string.h>

static void add_shape(Text *text, const uint64_t *shape, size_t rank) {
  text_add(text, slice_of("["));
  for (size_t axis = 0; axis < rank && axis < 8; axis++) {
    if (axis > 0) text_add(text, slice_of(", "));
    text_add_number(text, shape[axis]);
  }
  if (rank > 8) text_add(text, slice_of(", ..."));
  text_add(text, slice_of("]"));
}

bool shape_check(
    const Tensor *tensor, size_t rank, uint64_t first, uint64_t second, uint64_t third,
    Refusal *refusal) {
  const uint64_t expected[] = {first, second, third};
  bool same = tensor->rank == rank;
  for (size_t axis = 0; same && axis < rank; axis++) {
    same = tensor->shape[axis] == expected[axis];
  }
  if (same) return true;
  Text fault = {0};
  text_add(&fault, slice_of("expected shape "));
  add_shape(&fault, expected, rank);
  text_add(&fault, slice_of(", found "));
  add_shape(&fault, tensor->shape, tensor->rank);
  text_add(&fault, (Slice){"", 1});
  refuse_key(refusal, "ShapeError", tensor->name, fault.at);
  text_free(&fault);
  return false;
}

bool router_check(
    const Tensor *tensor, const Key *key, const Settings *settings, Refusal *refusal) {
  if (slice_is(key->rest, "mlp.expert_bias")
      || slice_is(key->rest, "mlp.gate.e_score_correction_bias")) {
    return shape_check(tensor, 1, settings->experts, 0, 0, refusal);
  }
  if (slice_is(key->rest, "mlp.router.gate.weight") || slice_is(key->rest, "mlp.gate.weight")) {
    return shape_check(tensor, 2, settings->experts, settings->hidden, 0, refusal);
  }
  return true;
}

void transpose(
    unsigned char *destination, size_t destination_stride, const unsigned char *source,
    size_t source_stride, size_t rows, size_t columns, size_t element) {
  for (size_t row = 0; row < rows; row++) {
    for (size_t column = 0; column < columns; column++) {
      memcpy(
          destination + (column * destination_stride + row) * element,
          source + (row * source_stride + column) * element, element);
    }
  }
}
