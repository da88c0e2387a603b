// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#ifndef CONVERSION_H
#define CONVERSION_H

#include "keys.h"
#include "tensors.h"

/// Converts a state dict, in its order, from disk to native form; the result is to be used only if
/// nothing was refused.
TensorList from_hf(
    Arena *arena, const Settings *settings, const TensorList *input, Refusal *refusal);

/// Converts a state dict, or a part of one, from native form to disk.
TensorList to_hf(
    Arena *arena, const Settings *settings, const TensorList *input, Refusal *refusal);

#endif
