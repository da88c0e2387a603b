// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#ifndef SHAPES_H
#define SHAPES_H

#include "keys.h"
#include "tensors.h"

/// Refuses a tensor of another shape, whose first `rank` extents are given.
bool shape_check(
    const Tensor *tensor, size_t rank, uint64_t first, uint64_t second, uint64_t third,
    Refusal *refusal);

/// Checks the shape of a router's tensor, in either form; others are of any shape.
bool router_check(
    const Tensor *tensor, const Key *key, const Settings *settings, Refusal *refusal);

/// Moves a matrix: the element at [row, column] of the source goes to [column, row]. Strides, of
/// the rows of both, are in elements.
void transpose(
    unsigned char *destination, size_t destination_stride, const unsigned char *source,
    size_t source_stride, size_t rows, size_t columns, size_t element);

#endif
