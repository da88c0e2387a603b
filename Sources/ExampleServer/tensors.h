// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#ifndef TENSORS_H
#define TENSORS_H

#include "json.h"

/// A tensor whose shape and bytes belong to somebody else.
typedef struct {
  Slice name;
  /// As safetensors names it.
  Slice dtype;
  const uint64_t *shape;
  size_t rank;
  /// Row-major, without gaps.
  const unsigned char *data;
  /// In bytes.
  size_t size;
} Tensor;

typedef struct {
  Tensor *items;
  size_t count;
} TensorList;

/// The bytes of an element, or 0 for a type whose elements are no whole bytes.
size_t element_size(Slice dtype);

/// Reads a safetensors buffer, to which the tensors, in the order of their names, then point. The
/// `metadata` is found, if it can be, where the tensors are wrong, too. Gives a problem or null.
const char *safetensors_read(
    Arena *arena, Slice buffer, const JSONValue **metadata, TensorList *tensors);

/// The tensor with a name in a list that is in the order of names, or null.
const Tensor *tensor_named(const TensorList *sorted, Slice name);

/// Opens a safetensors header with its `__metadata__`, whose values are added with
/// `header_add_string`; then come the tensors and the end.
void header_begin(Text *header);
void header_add_string(Text *header, const char *name, Slice value);
/// Ends the header, padded to a multiple of 8 bytes, and gives the size of all tensors' data.
uint64_t header_end(Text *header, const TensorList *tensors);

#endif
